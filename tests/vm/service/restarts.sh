# SPDX-License-Identifier: GPL-2.0-only
# The package is there when the machine boots: udev starts the service as soon as the bus has appeared. Then
# what may happen to a service that goes on: each time a new process serves, and the host notices nothing.

expect_served
say "served"

# anew N CAUSE COMMAND...: the command, after which another process serves, and has taken over N of the three channels
anew() {
	kept=$1
	cause=$2
	shift 2
	pid vmicd.service
	old=$pid
	"$@" || fail "$*: it ended with $?"
	wait_for 60 "the service after a $cause" runs_anew "$old"
	expect_served
	beats 1
	count=$(journalctl -b -o cat _PID="$pid" | grep -c "has stayed open since")
	[ "$count" -eq "$kept" ] || fail "$count of 3 channels were taken over after a $cause, not $kept"
	say "$cause"
}

anew 3 "restart" systemctl restart vmicd.service
anew 3 "kill" systemctl kill -s KILL vmicd.service
anew 3 "crash" systemctl kill -s ABRT vmicd.service

# What is read again is in force, in the same process.
pid vmicd.service
old=$pid
mkdir -p /etc/vmicd/vmicd.conf.d
printf '[Heartbeat]\nApplicationState=critical\n' >/etc/vmicd/vmicd.conf.d/critical.conf
systemctl reload vmicd.service || fail "reload ended with $?"
is_critical() {
	vmicctl health | grep -q critical
}
wait_for 30 "what was read again" is_critical
beats 1
expect_served
pid vmicd.service
[ "$pid" = "$old" ] || fail "reload has restarted it"
say "reload"

# One that is wrong is refused, and the same process goes on with what it has.
printf '[Heartbeat]\nApplicationState=tired\n' >/etc/vmicd/vmicd.conf.d/wrong.conf
systemctl reload vmicd.service 2>/root/reload.log && fail "a wrong file is no failure of a reload"
is_said() {
	journalctl -b -o cat -u vmicd.service | grep -q 'wrong.conf:2: '
}
wait_for 30 "words about the wrong file" is_said
is_critical || fail "a wrong file has changed something"
is active vmicd.service || fail "the service is $value after a wrong reload"
pid vmicd.service
[ "$pid" = "$old" ] || fail "a wrong reload has restarted it"
rm /etc/vmicd/vmicd.conf.d/wrong.conf
systemctl reload vmicd.service || fail "reload ended with $? after a wrong one"
beats 1
expect_served
say "wrong reload"

# None of these was for want of life, and more of them are to come in the time in which five would be too many.
systemctl reset-failed vmicd.service

# systemd itself may be replaced: what it keeps it hands on.
pid vmicd.service
old=$pid
systemctl daemon-reexec || fail "daemon-reexec ended with $?"
beats 1
expect_served
pid vmicd.service
[ "$pid" = "$old" ] || fail "systemd's own restart has restarted it"
anew 3 "restart by another systemd" systemctl restart vmicd.service

# What hangs is killed after a while.
anew 3 "watchdog" systemctl kill -s STOP vmicd.service

# Where the configuration says something else of one component, that one is negotiated anew, and no other.
printf '[TimeSync]\nVersions=1.0\n' >/etc/vmicd/vmicd.conf.d/versions.conf
anew 2 "restart with other versions" systemctl restart vmicd.service
rm /etc/vmicd/vmicd.conf.d/versions.conf
anew 2 "restart with the first versions" systemctl restart vmicd.service
