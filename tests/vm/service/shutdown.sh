# SPDX-License-Identifier: GPL-2.0-only
# The host asks for a shutdown, which vmicd serves; it may do nothing itself, and systemd does it.

mkdir -p /etc/vmicd/vmicd.conf.d
printf '[Shutdown]\nEnable=yes\n' >/etc/vmicd/vmicd.conf.d/shutdown.conf
expect_served
systemctl reload vmicd.service || fail "reload ended with $?"
vmic-bind take shutdown >/root/bind.log 2>&1 || fail "vmic-bind take ended with $?"
served="$served shutdown"
expect_served

# The host tells of it when nothing was new for three seconds: until then vmicd is not to be stopped, so this unit is
# stopped before it.
mkdir -p /run/systemd/system/test.service.d
printf '[Unit]\nAfter=vmicd.service\n' >/run/systemd/system/test.service.d/first.conf
systemctl daemon-reload

# Who stops this guest is not its own script.
asked() {
	journalctl -b -o cat _COMM=vmicd | grep -q "asks to power off" || fail "it ends, and nobody has said that the host wants that"
	bad_log && fail "the kernel has complained"
	beats 3
	say passed
	exit
}
trap asked TERM
say "waits for the host"
while :; do sleep 1; done
