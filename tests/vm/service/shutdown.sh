# SPDX-License-Identifier: GPL-2.0-only
# The host asks for a shutdown, which vmicd serves; it may do nothing itself, and systemd does it.

mkdir -p /etc/vmicd/vmicd.conf.d
printf '[Shutdown]\nEnable=yes\n' >/etc/vmicd/vmicd.conf.d/shutdown.conf
expect_served
systemctl reload vmicd.service || fail "reload ended with $?"
vmic-bind take shutdown >/root/bind.log 2>&1 || fail "vmic-bind take ended with $?"
served="$served shutdown"
expect_served

# Who stops this guest is not its own script.
asked() {
	journalctl -b -o cat _COMM=vmicd | grep -q "asks to power off" || fail "it ends, and nobody has said that the host wants that"
	bad_log && fail "the kernel has complained"
	say passed
	exit
}
trap asked TERM
say "waits for the host"
while :; do sleep 1; done
