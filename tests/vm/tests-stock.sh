# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernels with their own hv_utils, and Debian's daemons: guests that nobody here wrote.

boot='vmichost boot --kernel $images/vmlinux --initrd $images/guest.cpio --console $console --for 100 --timeout-ms 6000'
quiet="--append 'nokaslr mitigations=off quiet $fewer'"
saved='--save report >&2; s=$?; cat report; exit $s'

# other_kernel N SUITE EXPECTATION: those that guests really run
other_kernel() {
	check "linux-$1" "stock-$1" "the kernel of Debian's $2, $1" \
		"$boot $quiet --release 2022 --shutdown-after 1 $saved" "$3"
}
# Before 6.10 hv_utils has file copy; later it is a device of uio_hv_generic's.
other_kernel 6.1 bookworm "expect_rows 'guest-service ok 3.0 1.1 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp no-contact 0.0 0.0 0' 'shutdown ok 3.0 3.2 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0'"
newer="expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp no-contact 0.0 0.0 0' 'shutdown ok 3.0 3.2 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0'"
other_kernel 7.2 forky "$newer"
other_kernel 7.3 trixie-backports "$newer"

# The versions that Linux' hv_utils picks (drivers/hv/hv_util.c, hv_kvp.c, hv_snapshot.c) of those that
# the release offers; KVP is silent while no daemon has opened /dev/vmbus/hv_kvp.
stock() {
	check "stock-$1" stock-6.12 "a stock guest on $1" \
		"$boot $quiet --release $1 --shutdown-after 1 $saved" \
		"expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
		'kvp no-contact 0.0 0.0 0' 'shutdown ok 3.0 $2 0' 'timesync ok 3.0 $3 0' 'vss $4 3.0 5.0 0'"
}
stock 2012r2 3.0 3.0 ok
stock 2016 3.0 4.0 mismatch
stock 2019 3.0 4.0 mismatch
stock 2022 3.2 4.0 mismatch
stock 2025 3.2 4.0 mismatch
# The keys that hv_kvp_daemon makes up on request (tools/hv/hv_kvp_daemon.c), in its order.
check daemons stock-6.12 "a stock guest with Debian's hv_kvp_daemon and hv_vss_daemon" \
	"$boot --append 'nokaslr mitigations=off quiet vm.do=daemons $fewer' --shutdown-after 1 --timeout-ms 30000 \
	--width 400 --save report; s=\$?; cat report; exit \$s" \
	"expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp mismatch 3.0 4.0 0' 'shutdown ok 3.0 3.0 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0' &&
	expect \$o.output 'Key-Value Pair Exchange *True *OK.*does not match the version expected by the hosting' &&
	[ \"\$(sed -n 's/^ *\"key\": \"\([A-Z][A-Za-z0-9]*\)\".*/\1/p' \$o.output | grep -vx 2019 | tr '\n' ' ')\" = \
	'FullyQualifiedDomainName IntegrationServicesVersion NetworkAddressIPv4 NetworkAddressIPv6 OSBuildNumber OSName OSMajorVersion OSMinorVersion OSVersion ProcessorArchitecture ' ]"
check json stock-6.12 "the report as JSON, alone on the standard output" \
	"$boot $quiet --json --shutdown-after 1 2>/dev/null | vmichost report --width 200 -" \
	'expect $o.output "Heartbeat  *True *OK"'
# The host is up for some time before: the guest's reference time is not the host's.
check clock stock-6.12 "a guest's clock that is 25 years behind is set to the host's" \
	"sleep 8; $boot $quiet --release 2022 --shutdown-after 1; s=\$?; echo host: clock \$(date +%s); exit \$s" \
	'host=$(sed -n "s/^host: clock //p" $o.output) guest=$(sed -n "s/^guest: clock //p" $o.console)
	 echo "host $host guest $guest"; [ $((host - guest)) -ge 0 ] && [ $((host - guest)) -le 5 ]'
check bzimage stock-6.12 "a compressed kernel, by its 64-bit entry" \
	"$boot --kernel \$images/vmlinuz $quiet --components heartbeat,shutdown --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Time Synchronization *False"'
# The machine has no user but root until one is made; on a computer, whoever runs this does it.
check user stock-6.12 "without root, where /dev/kvm may be opened" \
	"cat >boot <<'END'
echo \"uid \$(busybox id -u)\"
$boot $quiet --shutdown-after 1
END
	case \$console in
	/dev/*)
		echo 'user:x:1000:1000::/:/bin/sh' >/etc/passwd
		busybox chmod 666 /dev/kvm \$console
		busybox su user -c 'sh ./boot'
		;;
	*) sh ./boot ;;
	esac" \
	'expect $o.output "Heartbeat  *True *OK" && { [ "$where" = direct ] || expect $o.output "^uid 1000$"; }'
check processors stock-6.12 "two processors" \
	"$boot $quiet --cpus 2 --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Shutdown *True *OK" && expect $o.console "is up, 2 processors"'
check poweroff stock-6.12 "a guest that switches itself off" \
	"$boot --append 'quiet vm.do=poweroff $fewer'" \
	'expect $o.console "reboot: Power down" && expect $o.output "the guest has left"'
check reboot stock-6.12 "a guest that starts itself again" \
	"$boot --append 'quiet vm.do=reboot $fewer' --shutdown-after 1" \
	'expect $o.console "reboot: Restarting system" "reboot: Power down" &&
	 expect $o.output "the guest starts again" "Heartbeat  *True *OK"'
check panic stock-6.12 "a guest whose kernel crashes" \
	"$boot --append 'quiet vm.do=panic $fewer'; [ \$? -eq 1 ]" \
	"expect \$o.output \"the guest's kernel has crashed\" && expect \$o.console 'sysrq triggered crash'"
check storm stock-6.12 "negotiations without end: a driver takes one packet at each interrupt" \
	"$boot $quiet --fault storm=20 --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Shutdown *True *OK" "VSS *True *OK"'
check rescind stock-6.12 "channels taken away and offered again" \
	"$boot $quiet --fault rescind:heartbeat=5 --fault rescind:timesync=5 --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Shutdown *True *OK" "Time Synchronization *True *OK"'
