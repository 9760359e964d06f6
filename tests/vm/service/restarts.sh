# SPDX-License-Identifier: GPL-2.0-only
# The package is there when the machine boots: udev starts the service as soon as the bus has appeared. Then
# what may happen to a service that goes on: each time a new process serves, and the host notices nothing.

expect_served
say "served"

# anew CAUSE COMMAND...: the command, after which another process serves
anew() {
	cause=$1
	shift
	pid vmicd.service
	old=$pid
	"$@" || fail "$*: it ended with $?"
	wait_for 60 "the service after a $cause" runs_anew "$old"
	expect_served
	beats 1
	count=$(journalctl -b -o cat _PID="$pid" | grep -c "has stayed open since")
	[ "$count" -eq 3 ] || fail "$count of 3 channels were taken over after a $cause"
	say "$cause"
}

anew "restart" systemctl restart vmicd.service
anew "kill" systemctl kill -s KILL vmicd.service

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

# What hangs is killed after a while.
anew "watchdog" systemctl kill -s STOP vmicd.service
unit vmicd.service NRestarts
say "it was restarted $value times"
