# SPDX-License-Identifier: GPL-2.0-only
# There were no pools at the start, and nothing but the service's units has made them. Then a program in vmicd's
# place tries all that the sandbox of the service denies, beside the service itself.

# in_sandbox ARGUMENT...: what the probe said is in /root/probe.log
in_sandbox() {
	unit vmicd.service FragmentPath
	sed -e "s,^ExecStart=.*,ExecStart=/usr/lib/vmicd-probe $*," -e 's/^Type=.*/Type=oneshot/' \
		-e '/^Restart/d; /^ExecReload/d; /^WatchdogSec/d; /^FileDescriptorStoreMax/d; /^Wants=/d' \
		-e '/^\[Service\]/a StandardOutput=file:/root/probe.log' "$value" >/run/systemd/system/vmicd-probe.service
	rm -f /root/probe.log
	systemctl daemon-reload
	systemctl start vmicd-probe.service 2>/dev/null
}

expect_served
is inactive systemd-tmpfiles-setup.service || fail "systemd has made the pools itself"
vmicctl kvp set early data >/root/vmicctl.log 2>&1 || fail "no key can be set"
grep -qa early /var/lib/hyperv/.kvp_pool_1 || fail "the key is in no pool"
say "the pools were made"
mkdir -p /home/probe
in_sandbox
grep -q 'probe: [0-9]* tried, 0 wrong' /root/probe.log || fail "the sandbox does not hold"
say "sandbox: $(cut -d ' ' -f 2- /root/probe.log)"
in_sandbox i386
unit vmicd-probe.service Result
[ "$value" != success ] && ! grep -q 'is answered: [0-9]' /root/probe.log || fail "a call of another architecture is answered"
