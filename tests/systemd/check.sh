#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check.sh BUILD: what systemd, udev and packages are given: that it installs and goes away, that systemd can read it, that
# what it names exists, and that the sandbox is as tight as it is said to be, and not tighter than vmicd can live in.
set -u

build=$1
. tests/checks.sh
root=$dir/root
unit=$root/usr/lib/systemd/system/vmicd.service

# install and uninstall ARGUMENT...: as make does it.
install() {
	make --no-print-directory install DESTDIR="$root" "$@" >"$dir/make.log" 2>&1 || { cat "$dir/make.log"; return 1; }
}
uninstall() {
	make --no-print-directory uninstall DESTDIR="$root" "$@" >"$dir/make.log" 2>&1 || { cat "$dir/make.log"; return 1; }
}
files() {
	find "$root" ! -type d
}
# ours: directories that no other package has.
ours() {
	find "$root" -type d \( -path '*/vmicd*' -o -name '*.service.d' \)
}

# --- installing ---

for prefix in /usr/local /usr; do
	check "what is installed to $prefix goes away again" \
		"install PREFIX=$prefix && [ \$(files | wc -l) -ge 15 ] && uninstall PREFIX=$prefix && [ -z \"\$(files; ours)\" ]"
done
check "a configuration that was changed survives both" \
	"install PREFIX=/usr && echo '# mine' >>$root/etc/vmicd/vmicd.conf && install PREFIX=/usr &&
	 grep -q mine $root/etc/vmicd/vmicd.conf && cmp daemon/vmicd.conf $root/etc/vmicd/vmicd.conf.new &&
	 uninstall PREFIX=/usr && [ \"\$(files)\" = $root/etc/vmicd/vmicd.conf ] && grep -q mine $root/etc/vmicd/vmicd.conf"
rm -rf "$root"
check "it can be installed where root does not write" "install PREFIX=/usr && [ -x $root/usr/sbin/vmicd ]"
check "no unit has a name left to be filled in" "! grep -n '@[a-z]*dir@' $root/usr/lib/systemd/system/*.service"

# --- what is named exists ---

# named PATTERN: the words of all units that match.
named() {
	cat "$root"/usr/lib/systemd/system/*.service "$root"/usr/lib/systemd/system/*.path | grep -v '^#' | tr ' =+' '\n\n\n' | sed 's,^-,,' | grep -xE "$1" | sort -u
}
check "the programs" "for p in \$(named '/usr/s?bin/.*'); do [ -x $root\$p ] || { echo \$p; exit 1; }; done"
check "the manual pages" \
	"for m in \$(sed -n 's/^Documentation=//p' $root/usr/lib/systemd/system/*.service $root/usr/lib/systemd/system/*.path | tr ' ' '\n' | sed 's/^man://'); do
		s=\${m#*(}; s=\${s%)}; [ -e $root/usr/share/man/man\$s/\${m%(*}.\$s ] || { echo \"\$m\"; exit 1; }; done"
check "the user" "grep -q '^User=vmicd\$' $unit && grep -qE '^u +vmicd ' $root/usr/lib/sysusers.d/vmicd.conf"
check "the device that the service is started with" \
	"alias=\$(sed -n 's|.*SYSTEMD_ALIAS}+=\"/\(.*\)\"|\1|p' systemd/60-vmicd.rules | sort -u | tr / -) &&
	 [ \"\$alias\" = sys-bus-vmbus ] && grep -q '^WantedBy=sys-bus-vmbus.device\$' $unit"
check "the link by which the stock daemon sees that vmicd is enabled" \
	"grep -q '!/etc/systemd/system/sys-bus-vmbus.device.wants/vmicd.service\$' systemd/hv-kvp-daemon.conf"
check "the drop-in that holds the stock daemon off, by the name under which the manual does away with it" \
	"[ -e $root/usr/lib/systemd/system/hv-kvp-daemon.service.d/vmicd.conf ] && [ -d $root/usr/lib/systemd/system/hypervkvpd.service.d ] &&
	 grep -qx 'ln -s /dev/null /etc/systemd/system/hv-kvp-daemon.service.d/vmicd.conf' daemon/vmicd.8"
check "the pools that vmicd has" "[ \$(grep -c '/\.kvp_pool_[0-4] ' systemd/vmicd.tmpfiles) -eq 5 ]"

check "the directory of what vmicd asks for" \
	"grep -qx '#define DIRECTORY \"/run/vmicd/request\"' daemon/request.c && grep -qx RuntimeDirectory=vmicd/request $unit &&
	 grep -qx 'PathExists=/run/vmicd/request/%i' systemd/vmic-power@.path &&
	 grep -qx 'ExecStart=rm -f /run/vmicd/request/%i' systemd/vmic-power@.service"
follow=$root/usr/lib/systemd/system/vmic-bind-follow.service
check "a wrong configuration is not tried again and again, and what fails not for ever" \
	"grep -qx '#define EXIT_USAGE 2' daemon/main.c && grep -qx '#define EXIT_USAGE 2' daemon/bind/main.c &&
	 for u in $unit $follow; do grep -qx RestartPreventExitStatus=2 \$u || { echo \$u; exit 1; }; done &&
	 n=\$(sed -n 's/^StartLimitBurst=//p' $follow) && s=\$(sed -n 's/^RestartSec=//p' $follow) &&
	 m=\$(sed -n 's/^StartLimitIntervalSec=\([0-9]*\)min\$/\1/p' $follow) && [ \$((n * s)) -lt \$((m * 60)) ]"
# value_of KEY: a number of seconds of vmicd's unit
value_of() {
	sed -n "s/^$1=\([0-9]*\)min\$/\1*60/p; s/^$1=\([0-9]*\)ms\$/\1\/1000/p; s/^$1=\([0-9]*\)\$/\1/p" "$unit"
}
check "one that hangs again and again is given up as one that crashes is" \
	"wait=\$((\$(value_of TimeoutStartSec))) && dog=\$((\$(value_of WatchdogSec))) && [ \$wait -gt \$dog ] || wait=\$dog
	 [ \$((\$(value_of StartLimitBurst) * (wait + \$(value_of TimeoutStopSec) + \$(value_of RestartSec) + 1))) -lt \$((\$(value_of StartLimitIntervalSec))) ]"
check "a reload looks at the configuration before it has it read" \
	"[ \"\$(sed -n 's/^ExecReload=//p' $unit | tr '\n' ' ')\" = '/usr/sbin/vmicd --check-config +kill -HUP \$MAINPID ' ]"
check "a request outlives who has made it" \
	"grep -qx RuntimeDirectoryPreserve=restart $unit && grep -qx ReadWritePaths=-/run/vmicd/request systemd/vmic-power@.service"
check "all that vmicd asks for, each a target of systemd's" \
	"wanted=\$(sed -n 's/.*\[SHUTDOWN_[A-Z]*\] = \"\(.*\)\",/vmic-power@\1.path/p' hv_util/shutdown.c | sort | tr '\n' ' ') &&
	 [ \"\$wanted\" = 'vmic-power@hibernate.path vmic-power@poweroff.path vmic-power@reboot.path ' ] &&
	 [ \"\$(sed -n 's/^Wants=\(vmic-power.*\)/\1/p' $unit | tr ' ' '\n' | sort | tr '\n' ' ')\" = \"\$wanted\" ]"

# The class of a component, as the library has it: four numbers, then bytes.
class_of() {
	sed -n "/\[IC_$1\] *=/,/),/p" hv_util/services.c | tr -d '\t\n ' | sed 's/.*GUID(//; s/).*//; s/0x//g' |
		awk -F, '{ printf "{%s-%s-%s-%s%s-%s%s%s%s%s%s}", $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 }'
}
for c in HEARTBEAT KVP SHUTDOWN TIMESYNC; do
	check "udev knows the class of $c" "grep -qF 'ATTRS{class_id}==\"$(class_of $c)\", GROUP=\"vmicd\"' systemd/60-vmicd.rules"
done
check "and of no component that vmicd does not serve" "[ \$(grep -c class_id systemd/60-vmicd.rules) -eq 4 ]"
if udevadm verify --help >/dev/null 2>&1; then
	check "udev can read its rules" "udevadm verify --resolve-names=never systemd/60-vmicd.rules"
else
	skip 1 "udev's reading of its rules: udevadm is missing, or older than 254"
fi

# Read-only or not, others put their files there.
check "vmicd reaches no place where everybody may write" \
	"for d in /tmp /var/tmp /run/lock /dev/shm /dev/mqueue; do
		sed -n 's/^InaccessiblePaths=//p' $unit | tr ' ' '\n' | grep -qx -- \"-\$d\" || { echo \$d; exit 1; }; done"

check "and of the kernel's odd devices none that everybody may open, whatever number the one has that it needs" \
	"grep -qx 'DeviceAllow=char-misc rw' $unit && ! grep -q '^DeviceAllow=/' $unit &&
	 for d in fuse net kvm vhost-net vhost-vsock vsock vfio ntsync rfkill sgx_enclave vmci; do
		sed -n 's/^InaccessiblePaths=//p' $unit | tr ' ' '\n' | grep -qx -- \"-/dev/\$d\" || { echo \$d; exit 1; }; done"

# --- systemd's own opinion ---

if systemd-analyze security --help 2>/dev/null | grep -q -- --offline; then
	printf '#!/bin/sh\n' | tee "$root/usr/bin/kill" "$root/usr/bin/systemctl" "$root/usr/bin/rm" >/dev/null
	chmod 755 "$root"/usr/bin/*
	for u in vmicd.service vmic-bind.service vmic-bind-follow.service vmic-power@reboot.path; do
		check "systemd has nothing to say against $u" \
			"systemd-analyze verify --man=no --root=$root $u >$dir/said 2>&1; s=\$?; cat $dir/said; [ \$s -eq 0 -a ! -s $dir/said ]"
	done
	# exposed UNIT TENTHS: at most that much.
	exposed() {
		systemd-analyze security --no-pager --offline=true --root="$root" --threshold="$2" "$1.service"
	}
	check "vmicd is exposed to 1.2 at most" "exposed vmicd 12"
	# exposed_in UNIT NAME...: in these, whose reasons are comments, and in nothing else.
	exposed_in() {
		service=$1
		shift
		printf '%s\n' "$@" | sort >"$dir/meant"
		exposed "$service" 100 | sed -n 's/^[^ -~]*✗[^ ]* *\([^ ]*\).*/\1/p' | sort | diff "$dir/meant" -
	}
	calls="RestrictAddressFamilies=~AF_UNIX RestrictAddressFamilies=~AF_NETLINK"
	# The clock's device is one that systemd allows by itself, to be read.
	root_only="User=/DynamicUser= PrivateUsers= ProtectProc= ProcSubset= DeviceAllow="
	moves="$root_only $calls CapabilityBoundingSet=~CAP_SYS_PTRACE 'CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)' \
		PrivateDevices= ProtectKernelTunables="
	check "vmicd is exposed where it has to be, and nowhere else" \
		"exposed_in vmicd $calls DeviceAllow= PrivateDevices= PrivateNetwork= ProtectHostname="
	check "and so is what moves the devices" \
		"exposed_in vmic-bind $moves && exposed_in vmic-bind-follow $moves PrivateNetwork="
	check "and what has the machine go down" "exposed_in vmic-power@poweroff $root_only RestrictAddressFamilies=~AF_UNIX"
	check "what moves the devices, as root, to 2.5" "exposed vmic-bind 25 && exposed vmic-bind-follow 25"
	check "what has the machine go down, as root, to 1.0, and without a capability" \
		"exposed vmic-power@poweroff 10 && ! exposed vmic-power@poweroff 100 | grep '✗ CapabilityBoundingSet'"
	mkdir -p "$root/etc/systemd/system/vmicd.service.d"
	cp systemd/clock-step.conf "$root/etc/systemd/system/vmicd.service.d/"
	check "vmicd that may step the clock, to 2.0" "! exposed vmicd 12 && exposed vmicd 20"
	check "and it has that capability and no other" \
		"exposed vmicd 100 | grep -F '✗ CapabilityBoundingSet' >$dir/caps; cat $dir/caps; [ \$(wc -l <$dir/caps) -eq 1 ] && grep -q CAP_SYS_TIME $dir/caps"
else
	skip 12 "systemd's own opinion of the units: no systemd-analyze, or older than 250"
fi
if [ "$(id -u)" -eq 0 ] && command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null; then
	check "the user is made" "systemd-sysusers --root=$root vmicd.conf && grep -q '^vmicd:.*nologin\$' $root/etc/passwd"
	check "the pools are made: root's, and vmicd may write" \
		"systemd-tmpfiles --root=$root --create vmicd.conf && g=\$(sed -n 's/^vmicd:[^:]*:\([0-9]*\):.*/\1/p' $root/etc/group) &&
		 [ \"\$(stat -c '%u %g %a' $root/var/lib/hyperv/.kvp_pool_[0-4] | sort -u)\" = \"0 \$g 664\" ] &&
		 [ \"\$(stat -c '%u %a' $root/var/lib/hyperv)\" = '0 755' ]"
	echo stock >"$root/var/lib/hyperv/.kvp_pool_1" && chown 0:0 "$root/var/lib/hyperv/.kvp_pool_1" && chmod 644 "$root/var/lib/hyperv/.kvp_pool_1"
	check "a pool of the stock daemon keeps what is in it" \
		"systemd-tmpfiles --root=$root --create vmicd.conf && [ \$(cat $root/var/lib/hyperv/.kvp_pool_1) = stock ] &&
		 [ \$(stat -c %a $root/var/lib/hyperv/.kvp_pool_1) = 664 ]"
else
	skip 3 "the user and the pools: not root, or no systemd-sysusers and systemd-tmpfiles"
fi

# --- before hibernation ---

mkdir "$dir/bin"
printf '#!/bin/sh\necho "$@" >>%s/called\n[ "$1" != is-active ] || cat %s/state\n' "$dir" "$dir" >"$dir/bin/systemctl"
chmod 755 "$dir/bin/systemctl"
sed "s,/run/,$dir/," systemd/vmicd.sleep >"$dir/sleep"
# slept STATE WHEN ACTION: what the hook has systemctl do besides asking.
slept() {
	echo "$1" >"$dir/state"
	rm -f "$dir/called"
	PATH=$dir/bin:$PATH sh "$dir/sleep" "$2" "$3"
	grep -v is-active "$dir/called" 2>/dev/null
	return 0
}
check "the units take the devices of a machine that may hibernate, too" \
	"grep -qE '^ExecStart=[^ ]*/vmic-bind take .*--may-hibernate' $root/usr/lib/systemd/system/vmic-bind.service &&
	 grep -qE '^ExecStart=[^ ]*/vmic-bind take .*--may-hibernate' $root/usr/lib/systemd/system/vmic-bind-follow.service &&
	 [ -x $root/usr/lib/systemd/system-sleep/vmicd ]"
check "every option that a unit gives vmic-bind is one" \
	"for o in \$(sed -n 's/^Exec[^=]*=[^ ]*vmic-bind//p' systemd/vmic-bind*.in | tr ' ' '\n' | sed -n 's/^\(--[a-z-]*\).*/\1/p' | sort -u); do
		$build/vmic-bind --help | grep -q -- \"\$o\" || { echo \$o; exit 1; }; done"
check "the devices are given back before hibernation" \
	"[ \"\$(slept active pre hibernate)\" = 'stop vmicd.service vmic-bind-follow.service vmic-bind.service' ]"
check "and taken after it, once" \
	"[ \"\$(slept inactive post hibernate)\" = '--no-block start vmicd.service' ] && [ -z \"\$(slept inactive post hibernate)\" ]"
check "not where vmicd did not run" "slept inactive pre hibernate && [ -z \"\$(slept inactive post hibernate)\" ]"
check "a mere suspend leaves them alone" "[ -z \"\$(slept active pre suspend; slept active post suspend)\" ]"

# --- the sandbox is not tighter than vmicd can live in ---

# What the unit allows; @default is what systemd always does. The simulator's socket needs one call more, and the simulator
# has the pools where there are none yet.
names() {
	systemd-analyze syscall-filter @default | grep -v '[@#]'
	sed -n 's/^SystemCallFilter=//p' "$unit"
	echo "$@"
}
some='h1-sequence k1-set-get-delete k1-order k2-linux-keys k2-addresses k3-binary-get n5-storm s1-rescind t1-newest-formats fault-fill-ring'
# One that is done and not only said: where it is asked for, nobody waits. vmichost passes the variable on.
mkdir "$dir/requests"
export RUNTIME_DIRECTORY="$dir/requests"
cat >"$dir/poweroff.scn" <<'END'
config [Shutdown]
config Enable=yes
open shutdown
negotiate shutdown
expect shutdown answered 3.0 3.0
send shutdown request
expect shutdown status ok
log "Shutdown: the host asks to power off"
END
# filtered NAME...: the names that some scenarios wanted besides the unit's and these.
filtered() {
	# shellcheck disable=SC2046,SC2086 # words
	"$build/vmichost" scenario $(for s in $some; do echo tests/scenario/$s.scn; done) "$dir/poweroff.scn" -- "$build/plain/filtered" "$dir/report" \
		$(names "$@") -- "$build/vmicd" --config={config} --transport=socket:{socket} >"$dir/played" 2>&1
}
systemd-analyze syscall-filter @default >/dev/null 2>&1 && "$build/plain/filtered" "$dir/none" $(names) mkdir ioctl statfs dup -- true
if [ $? -eq 0 ]; then
	check "the system calls that the unit allows are enough" \
		"filtered preadv2 mkdir; s=\$?; cat $dir/played; cat $dir/report; [ \$s -eq 0 ] && [ ! -s $dir/report ] &&
		 [ -f $dir/requests/poweroff ]"
	rm -f "$dir/requests/poweroff"
	some=h1-sequence
	check "and no other gets through" "filtered mkdir; grep -qx preadv2 $dir/report"
	check "they are enough for the check before a reload" \
		"rm -f $dir/report && $build/plain/filtered $dir/report \$(names) -- $build/vmicd --config=daemon/vmicd.conf --check-config &&
		 [ ! -s $dir/report ]"
else
	skip 3 "vmicd behind the unit's system call filter: no systemd-analyze, or the kernel cannot tell of calls"
fi

# --- packages ---

check "the package has the program's version" "grep -q \"^vmicd (\$(cat daemon/VERSION)) \" systemd/debian/changelog"
check "its scripts are well-formed" "for s in systemd/debian/vmicd.p* systemd/vmicd.sleep systemd/install.sh; do sh -n \$s || exit 1; done"

checks_end
