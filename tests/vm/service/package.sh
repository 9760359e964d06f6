# SPDX-License-Identifier: GPL-2.0-only
# Somebody installs the package in a machine that runs, with the stock daemon in it, follows the manual pages,
# installs the next version over it, and purges it.

# files: the names of all that a package could leave, but for what dpkg and systemd keep of every package
files() {
	find /etc /usr /var /run/vmic* /home -xdev ! -path '/var/lib/dpkg*' ! -path '/var/log*' ! -path '/var/cache*' \
		! -name '*-' ! -name .updated ! -name deb-systemd-\* 2>/dev/null | LC_ALL=C sort
	cut -d : -f 1 /etc/passwd /etc/group
}

# packages ARGUMENT...: dpkg's words are kept, should it fail
packages() {
	DEBIAN_FRONTEND=noninteractive dpkg "$@" >>/root/dpkg.log 2>&1 || fail "dpkg $* ended with $?"
}

# mismatches: sets n to how many components a host shows with the words of KB4014894
mismatches() {
	vmicctl status --full >/root/status.log 2>&1 || fail "vmicctl status ended with $?"
	n=$(grep -c "protocol version of the component" /root/status.log)
}

# is_profile NAME N: that is in force, all three have agreed, and so many mismatches are shown
is_profile() {
	vmicctl profile >/root/profiles.log 2>&1 && grep -q "^\* $1 " /root/profiles.log || return 1
	vmicctl versions --json >/root/versions.log 2>&1 || return 1
	mismatches
	[ "$n" -eq "$2" ] && ! grep -qE '\((absent|opening|negotiating|broken|closed|idle)\)' /root/status.log
}

wait_for 60 "Debian's own daemon" is active hv-kvp-daemon.service
expect_driver hv_utils $served shutdown vss
beats 1
files >/root/files

packages --install /packages/vmicd.deb
expect_served
expect_state inactive hv-kvp-daemon.service
wait_for 60 "the mismatch" is_profile legacy 1
settle
vmicctl kvp set precious data || fail "no key can be set"
say "installed"
sed 's/^/status: /' /root/status.log

# to PROFILE MISMATCHES: shown at once when vmicctl comes back
to() {
	since=$(cut -d ' ' -f 1 /proc/uptime)
	vmicctl profile "$1" >/root/vmicctl.log 2>&1 || fail "vmicctl profile $1 ended with $?"
	say "profile $1: $(cut -d ' ' -f 1 /proc/uptime | awk -v s="$since" '{ printf "%.1f", $1 - s }') s"
	is_profile "$1" "$2" || fail "the profile is not shown"
}
to newest 0
settle
to legacy 1
settle

echo "# the administrator's own line" >>/etc/vmicd/vmicd.conf
pid vmicd.service
old=$pid
packages --install /packages/vmicd-next.deb
wait_for 60 "the next version" runs_anew "$old"
expect_served
grep -q "own line" /etc/vmicd/vmicd.conf || fail "the configuration is not what it was"
is_profile legacy 1 || fail "what was agreed on has gone"
[ "$(vmicctl kvp get precious)" = data ] || fail "the pool is not what it was"
beats 2
say "upgraded"

packages --purge vmicd
expect_given_back
wait_for 60 "Debian's own daemon" is active hv-kvp-daemon.service
files >/root/files.after
diff /root/files /root/files.after >/root/left.log || fail "purge has left something, or taken it"
rm /root/left.log
grep -qa precious /var/lib/hyperv/.kvp_pool_1 || fail "the stock daemon's pool is not what it was"
say "purged"
settle
