# SPDX-License-Identifier: GPL-2.0-only
# How this machine's apt reaches Debian's archive, for those who fetch from it with a configuration of their
# own.

# The archive that apt has for Debian already, else deb.debian.org
apt_mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
	awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
apt_mirror=${apt_mirror:-http://deb.debian.org/debian/}
apt_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Of the machine's own configuration, how it reaches an archive: proxies, certificates, passwords. All else
# stays out, and with it the commands that it would have run (APT::Update::Post-Invoke: it may empty the
# machine's own cache), and what it would fetch besides packages.
apt_access() {
	apt-config dump | grep '^Acquire::' | grep -v -E '^Acquire::(IndexTargets|Languages|Allow)'
	eval "$(apt-config shell netrc Dir::Etc::netrc/f netrcparts Dir::Etc::netrcparts/d)"
	cat <<-EOF
	Dir::Etc { Netrc "${netrc:-/dev/null}"; NetrcParts "${netrcparts:-/dev/null}"; };
	APT { Sandbox::User "root"; Install-Recommends "false"; Update::Error-Mode "any"; };
	Acquire { http::Timeout "30"; Retries "2"; Languages { "none"; }; };
	EOF
}
