#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deb.sh BUILD: the Debian packages in BUILD/deb, as they were built last: that Debian's own checker has nothing against
# them, that they have what is installed and nothing else, and that their scripts do in each case what they should. The
# scripts run with another root in all of their paths, and with stand-ins for the programs that would change the machine.
set -u

build=$1
. tests/checks.sh

if ! command -v apt-get >/dev/null; then
	skip 1 "the Debian packages: this is no Debian"
	checks_end
	exit
fi
changes=$(echo "$build"/deb/*.changes)
vmicd=$(echo "$build"/deb/vmicd_*.deb)
# shellcheck disable=SC2034 # check reads it
vmichost=$(echo "$build"/deb/vmichost_*.deb)
version=$(dpkg-deb -f "$vmicd" Version)
for p in vmicd vmichost; do
	eval "dpkg-deb -c \"\$$p\"" >"$dir/$p.list"
	eval "dpkg-deb -R \"\$$p\" \"$dir/$p\""
done

# --- what lintian says: nothing, or what an override has a reason for ---

check "lintian has nothing against the packages" \
	"lintian --allow-root --display-info --pedantic --fail-on error,warning,info,pedantic,experimental $changes"

# --- what is in them ---

# files PACKAGE: those that are not the control archive's.
files() {
	(cd "$dir/$1" && find . -name DEBIAN -prune -o ! -type d -print | sed 's,^\.,,' | LC_ALL=C sort)
}
# executables PACKAGE: one a line.
executables() {
	awk '$1 ~ /^-/ && $1 != "-rw-r--r--" { print $1, substr($6, 2) }' "$dir/$1.list" | LC_ALL=C sort
}
for p in vmicd vmichost; do
	check "all of $p is root's" "! awk '{ print \$2 }' $dir/$p.list | grep -vx root/root"
	check "the directories of $p are for all to read" "! grep '^d' $dir/$p.list | grep -v '^drwxr-xr-x '"
	check "$p has files and directories, nothing else" "! grep -v '^[-d]' $dir/$p.list"
	check "$p has its changelog and its licence" \
		"files $p | grep -qx /usr/share/doc/$p/changelog.gz && files $p | grep -qx /usr/share/doc/$p/copyright"
	check "the sums of $p are those of all files but the configuration" \
		"cd $dir/$p && md5sum --quiet -c DEBIAN/md5sums && [ \$(wc -l <DEBIAN/md5sums) -eq \$(files $p | grep -vc '^/etc/') ]"
	check "the version of $p is the program's" \
		"[ \"\$($dir/$p/usr/*bin/$p --version)\" = \"$p \$(cat daemon/VERSION)\" ] && [ \"\$(dpkg-deb -f \$$p Version)\" = $version ]"
done
printf -- '-rwxr-xr-x %s\n' "$(pkg-config --variable=systemdsleepdir systemd)/vmicd" /usr/bin/vmicctl /usr/sbin/vmic-bind /usr/sbin/vmicd >"$dir/wanted"
check "the programs of vmicd are for all to start, and nothing else is" "executables vmicd | diff $dir/wanted -"
echo '-rwxr-xr-x /usr/bin/vmichost' >"$dir/wanted"
check "and so is that of vmichost" "executables vmichost | diff $dir/wanted -"
# Where other packages of Debian have such files.
places='etc/vmicd|usr/s?bin|(usr/)?lib/systemd/system(/[a-z-]*\.service\.d)?|(usr/)?lib/systemd/(system-sleep|catalog)'
places="$places|usr/lib/(sysusers|tmpfiles|udev/rules)\\.d|usr/share/(dbus-1/system\\.d|polkit-1/actions|man/man[158])"
places="$places|usr/share/(bash-completion/completions|zsh/vendor-completions|lintian/overrides|doc/vmic[a-z]*(/examples)?)"
check "each file is where Debian has such files" "! { files vmicd; files vmichost; } | grep -vE '^/($places)/[^/]+\$'"
# names: of what is installed, without what packages have besides.
names() {
	sed 's,.*/,,; s,\.gz$,,' | grep -vxE 'changelog|copyright' | LC_ALL=C sort
}
check "what is installed is in one of them, and nothing else" \
	"make --no-print-directory install DESTDIR=$dir/root PREFIX=/usr >$dir/make.log 2>&1 &&
	 find $dir/root ! -type d | names >$dir/installed &&
	 { files vmicd; files vmichost; } | grep -v /lintian/ | names | diff $dir/installed -"
check "the configuration is a configuration file of the package, and the only one" \
	"echo /etc/vmicd/vmicd.conf | diff - $dir/vmicd/DEBIAN/conffiles && [ ! -e $dir/vmichost/DEBIAN/conffiles ]"

# --- what they need ---

# field PACKAGE FIELD: the packages in it, one a line, without versions.
field() {
	dpkg-deb -f "$(eval "echo \$$1")" "$2" | tr ',' '\n' | sed 's/^ *//; s/ .*//'
}
# libraries PACKAGE: the packages that have what its programs are linked with.
libraries() {
	for l in $(objdump -p "$dir/$1"/usr/*bin/* | awk '$1 == "NEEDED" { print $2 }' | sort -u); do
		dpkg -S "*/$l" | sed 's/:.*//' | head -n 1
	done | sort -u
}
for p in vmicd vmichost; do
	check "$p depends on the libraries of its programs" \
		"libraries $p >$dir/wanted && [ -s $dir/wanted ] && ! field $p Depends | grep -vxFf - $dir/wanted"
done
check "vmicd depends on the programs that it starts" \
	"for p in kmod procps systemd udev; do field vmicd Depends | grep -qx \$p || exit 1; done"
check "and on a systemd that keeps descriptors and knows its units" "dpkg-deb -f $vmicd Depends | grep -q 'systemd (>= 252)'"
check "who may change something is decided by a package that it recommends" "field vmicd Recommends | grep -qx polkitd"
check "the simulator needs no guest" "! field vmichost Depends | grep -E 'vmicd|systemd\$|udev\$'"

# --- their scripts ---

scripts=$(find "$dir/vmicd/DEBIAN" "$dir/vmichost/DEBIAN" -name 'p*')
for s in $scripts; do
	check "${s##*/} is well-formed, and ends where it fails" "sh -n $s && grep -qx 'set -e' $s"
done
if command -v shellcheck >/dev/null; then
	check "shellcheck has nothing against them" "shellcheck -s sh $scripts"
else
	skip 1 "shellcheck's opinion of the scripts: it is not installed"
fi

root=$dir/machine
mkdir "$dir/bin"
for p in busctl deb-systemd-invoke deb-systemd-helper systemctl systemd-sysusers systemd-tmpfiles udevadm userdel chgrp getent; do
	printf '#!/bin/sh\necho "%s $*" >>%s/called\n' "$p" "$dir" >"$dir/bin/$p"
done
chmod 755 "$dir"/bin/*
for s in postinst prerm postrm; do
	sed -E "s,(^|[ =\"'])/(run|etc|var|dev|usr)/,\\1$root/\\2/,g" "$dir/vmicd/DEBIAN/$s" >"$dir/$s"
done
check "no script is tried on this machine" "! grep -nE '(rm|rmdir|chgrp|chmod|touch|mkdir) .*[ =\"]/(run|etc|var|dev|usr)/' $dir/postinst $dir/prerm $dir/postrm"

# machine: one on which vmicd is installed and runs, with pools, and programs of others'.
machine() {
	rm -rf "$root"
	mkdir -p "$root/run/systemd/system" "$root/run/udev" "$root/run/vmicd" "$root/etc/vmicd/vmicd.conf.d" \
		"$root/var/lib/hyperv" "$root/usr/bin" "$root/usr/sbin" "$root/dev/vmbus" "$root/run/dbus"
	touch "$root/run/udev/control" "$root/run/dbus/system_bus_socket" "$root/etc/vmicd/vmicd.conf.d/mine.conf" "$root/dev/vmbus/hv_kvp"
	for n in 0 1 2 3 4; do echo pool >"$root/var/lib/hyperv/.kvp_pool_$n"; done
	cp "$dir/bin/deb-systemd-helper" "$root/usr/bin"
}
# ran SCRIPT ARGUMENT...: what it has others do, of what matters here.
ran() {
	: >"$dir/called"
	(PATH=$dir/bin:$PATH && export PATH && sh "$dir/$1" "$2" "${3-}") || return 1
	grep -E '^systemd-|^deb-systemd-invoke|^systemctl .*start|^busctl|helper (enable|purge)|^userdel' "$dir/called"
	return 0
}
# does WANTED: whether the script's actions, as it is said here, are these.
does() {
	printf '%s\n' "$1" >"$dir/wanted"
	diff "$dir/wanted" -
}
prepared='systemd-sysusers vmicd.conf
busctl --timeout=10 call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
systemd-tmpfiles --create vmicd.conf
deb-systemd-helper enable vmicd.service'
machine
check "a first installation makes the user and the pools, then starts it" \
	"ran postinst configure | does '$prepared
deb-systemd-invoke start vmicd.service'"
check "after systemd has read the units" "awk '/daemon-reload/ { n = NR } /invoke start/ { exit !(n && n < NR) }' $dir/called"
check "an upgrade stops nothing before it" "[ -z \"\$(ran prerm upgrade 99; ran postrm upgrade 99)\" ]"
# A stop gives the devices back, and the host notices.
check "and then starts it again, which is not a stop and a start" \
	"ran postinst configure 0.0.1 | does '$prepared
deb-systemd-invoke restart vmicd.service
deb-systemd-invoke try-restart vmic-bind-follow.service'"
check "a removal stops all, and gives the devices back while there is a program for that" \
	"ran prerm remove | head -n 1 | does 'deb-systemd-invoke stop vmicd.service vmic-bind-follow.service vmic-bind.service'"
check "then it is the stock daemon's turn" \
	"ran postrm remove | does 'systemctl --no-block start hv-kvp-daemon.service' && grep -q '^chgrp root .*/hv_kvp\$' $dir/called"
check "which has the pools again, and the configuration stays" \
	"[ \"\$(stat -c %a $root/var/lib/hyperv/.kvp_pool_[0-4] | sort -u)\" = 644 ] && [ -e $root/etc/vmicd/vmicd.conf.d/mine.conf ]"
check "a purge takes the links and the user away" \
	"ran postrm purge | does 'deb-systemd-helper purge vmicd.service
userdel vmicd'"
check "and the configuration and the pools" \
	"[ ! -e $root/etc/vmicd ] && [ ! -e $root/run/vmicd ] && [ ! -e $root/var/lib/hyperv ]"
machine
printf '#!/bin/sh\n' >"$root/usr/sbin/hv_kvp_daemon" && chmod 755 "$root/usr/sbin/hv_kvp_daemon"
check "but not the pools of a stock daemon that is there" \
	"ran postrm purge >/dev/null && [ \$(cat $root/var/lib/hyperv/.kvp_pool_[0-4] | grep -c pool) -eq 5 ]"
machine
touch "$root/var/lib/hyperv/other"
check "nor others' files beside them" \
	"ran postrm purge >/dev/null && [ -e $root/var/lib/hyperv/other ] && [ ! -e $root/var/lib/hyperv/.kvp_pool_1 ]"
machine
rm -r "$root/run/systemd" "$root/run/udev" "$root/run/dbus"
check "where no systemd runs, as in an image that is being made, nothing is started" \
	"ran postinst configure | does '$(echo "$prepared" | grep -v ^busctl)' && ! grep -E '^(systemctl|udevadm)' $dir/called"
check "or stopped" "[ -z \"\$(ran prerm remove)\" ]"

checks_end
