# SPDX-License-Identifier: GPL-2.0-only
# After the restarts all that ends a service, in every order: each time hv_utils has the devices again.

. /tests/restarts.sh

# What cannot live gives up, and its devices to the kernel.
systemctl reset-failed vmicd.service
for _ in $(seq 60); do
	systemctl kill -s KILL vmicd.service 2>/dev/null
	is failed vmicd.service && break
	sleep 0.5
done
[ "$value" = failed ] || fail "it is killed again and again, and is $value"
wait_for 60 "the devices' return" is_given_back
expect_given_back
say "crash loop"

# returned CAUSE COMMAND...: the command, after which nothing serves and hv_utils has the devices, until vmicd is
# started again.
returned() {
	cause=$1
	shift
	"$@" || fail "$*: it ended with $?"
	wait_for 60 "the devices' return" is_given_back
	expect_given_back
	say "$cause"
}

systemctl reset-failed vmicd.service
systemctl start vmicd.service || fail "start ended with $?"
expect_served
returned "stop" systemctl stop vmicd.service

# A unit that vmicd's own needs is stopped under it.
systemctl start vmicd.service || fail "start ended with $?"
expect_served
returned "stop of the devices" systemctl stop vmic-bind.service

# What systemd-sleep does before hibernation and after it
systemctl start vmicd.service || fail "start ended with $?"
expect_served
returned "hibernation" /lib/systemd/system-sleep/vmicd pre hibernate
# Nobody answers KVP here. The host gives up on that after 30 s (--timeout-ms) and reports what it has seen; so it does
# again when it has seen that vmicd is back, and counts the openings there.
beats 20
/lib/systemd/system-sleep/vmicd post hibernate
expect_served
settle
