# SPDX-License-Identifier: GPL-2.0-only
# The guest hibernates: its memory is written to a disk, which here is memory itself, and read back at once
# (Linux Documentation/power/interface.rst, test_resume). The kernel does all that it does when a machine is switched
# off between the two: the devices of the VMBus are suspended and resumed, and the host is contacted anew.

expect_served
modprobe brd rd_nr=1 rd_size=409600 || fail "there is no disk"
mkswap /dev/ram0 >/root/swap.log 2>&1 && swapon /dev/ram0 || fail "there is no room for the memory"
mkdir -p /etc/systemd/sleep.conf.d
printf '[Sleep]\nHibernateMode=test_resume\n' >/etc/systemd/sleep.conf.d/test.conf

# hibernated: sets n to how often the kernel has, and come back
hibernated() {
	n=$(dmesg | grep -c 'PM: hibernation: hibernation exit')
}

pid vmicd.service
old=$pid
systemctl start systemd-hibernate.service || fail "hibernation ended with $?"
wait_for 60 "the service after hibernation" runs_anew "$old"
expect_served
beats 3
hibernated
[ "$n" -eq 1 ] || fail "the guest has not hibernated"
say "hibernated"

# What the hook is for: without it the kernel refuses, and nothing is lost.
mv /lib/systemd/system-sleep/vmicd /root/hook
pid vmicd.service
old=$pid
systemctl start systemd-hibernate.service && fail "it hibernates with devices of uio_hv_generic"
expect_served
pid vmicd.service
[ "$pid" = "$old" ] || fail "it was restarted"
beats 3
say "refused"
