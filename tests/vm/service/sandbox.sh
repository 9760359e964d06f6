# SPDX-License-Identifier: GPL-2.0-only
# There were no pools at the start, and nothing but the service's units has made them. Then a program in vmicd's
# place tries all that the sandbox of the service denies, beside the service itself.

# in_sandbox ARGUMENT [EDIT]: with the unit changed so by sed; what the probe said is in /root/probe.log
in_sandbox() {
	unit vmicd.service FragmentPath
	sed -e "s,^ExecStart=.*,ExecStart=/usr/lib/vmicd-probe $1," -e 's/^Type=.*/Type=oneshot/' \
		-e '/^Restart/d; /^ExecReload/d; /^WatchdogSec/d; /^FileDescriptorStoreMax/d; /^Wants=/d; s/^StartLimitBurst=.*/StartLimitBurst=100/' \
		-e '/^\[Service\]/a StandardOutput=file:/root/probe.log' -e "${2:-}" "$value" >/run/systemd/system/vmicd-probe.service
	rm -f /root/probe.log
	systemctl daemon-reload
	systemctl start vmicd-probe.service 2>/dev/null
}

# Another answer of the filter's than a missing capability's
other_error='s/^SystemCallErrorNumber=.*/SystemCallErrorNumber=ENOANO/'
# Root with all capabilities, and none of vmicd's directories, which would become root's
as_root='/^User=/d; /^Group=/d; /^CapabilityBoundingSet=/d; /^AmbientCapabilities=/d; /^SecureBits=/d; /^PrivateUsers=/d; /^RuntimeDirectory/d'

# holds WAY EDIT: nothing is otherwise than it should be
holds() {
	in_sandbox "$@"
	grep -q "probe: $1: [0-9]* tried, 0 wrong" /root/probe.log || fail "the sandbox does not hold: $1"
	say "sandbox, $(cut -d ' ' -f 2- /root/probe.log)"
}

# is_missed WAY EDIT WHAT: without that the probe has something to say, of WHAT among others
is_missed() {
	in_sandbox "$@"
	grep -q "probe: $3: " /root/probe.log && grep -q "probe: $1: [0-9]* tried, [1-9]" /root/probe.log ||
		fail "nobody misses what is taken away: $2"
}

expect_served
is inactive systemd-tmpfiles-setup.service || fail "systemd has made the pools itself"
vmicctl kvp set early data >/root/vmicctl.log 2>&1 || fail "no key can be set"
grep -qa early /var/lib/hyperv/.kvp_pool_1 || fail "the key is in no pool"
say "the pools were made"

# as_user ARGUMENT...: vmicctl, as somebody who is nobody; sets status
as_user() {
	setpriv --reuid nobody --regid nogroup --clear-groups vmicctl "$@" </dev/null >/root/vmicctl.log 2>&1
	status=$?
}

# is_allowed: polkit has read the new rule
is_allowed() {
	as_user profile newest
	[ "$status" -eq 0 ]
}

as_user status
[ "$status" -eq 0 ] && grep -q "^vmicd  *Heartbeat" /root/vmicctl.log || fail "not everybody may ask: $status"
as_user profile newest
[ "$status" -eq 4 ] && grep -q "needs an administrator's authorization" /root/vmicctl.log ||
	fail "what everybody may not is not refused so: $status"
cat >/etc/polkit-1/rules.d/50-test.rules <<'RULE'
polkit.addRule(function(action, subject) {
	if (action.id == "org.vmicd1.set-profile" && subject.user == "nobody")
		return polkit.Result.YES;
});
RULE
wait_for 30 "the profile of whom polkit lets" is_allowed
vmicctl profile >/root/vmicctl.log 2>&1 && grep -q '^\* newest ' /root/vmicctl.log || fail "the profile is not newest"
as_user kvp set early nothing
[ "$status" -eq 4 ] || fail "the rule lets him do more: $status"
say "polkit decides"

mkdir -p /home/probe
echo secret | tee /root/probe /tmp/probe >/home/probe/file
holds shipped
holds filter "$other_error"
holds root "$as_root"
is_missed filter "$other_error; /^SystemCallFilter=/d" "share a queue"
is_missed root "$as_root; /^ProtectSystem=/d" "make a file of the system's"
is_missed root "$as_root; /^Device/d; /^ProtectClock=/d" "open a terminal"
is_missed root "$as_root; /^ProtectHome=/d" "read what is root's"
is_missed root "$as_root; /^InaccessiblePaths=/d" "read what is in /tmp"
say "each layer is missed"
in_sandbox i386
unit vmicd-probe.service Result
[ "$value" != success ] && ! grep -q 'is answered: [0-9]' /root/probe.log || fail "a call of another architecture is answered"
