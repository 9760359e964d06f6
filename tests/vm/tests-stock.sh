# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernels with their own hv_utils, and Debian's daemons: guests that nobody here wrote.

boot='vmichost boot --kernel $images/vmlinux --initrd $images/stock.cpio --console $console --for 100 --timeout-ms 6000'
quiet="--append 'nokaslr mitigations=off quiet $fewer'"
saved='--save report >&2; s=$?; cat report; exit $s'

# stock NAME SUITE TITLE RELEASE: what the host says of Linux' drivers; of KVP nothing, as no daemon has opened
# /dev/vmbus/hv_kvp.
stock() {
	check "$1" "$2" "$3" "$boot $quiet --release $4 --shutdown-after 1 $saved" \
		"expect_kernel && expect_linux $4 kvp=no-contact"
}
for suite in bookworm bookworm-backports forky trixie-backports; do # those that guests really run
	stock "linux-$suite" "$suite" "a stock guest on 2022, $(kernel "$suite")" 2022
done
for release in 2012r2 2016 2019 2022 2025; do
	stock "stock-$release" trixie "a stock guest on $release, $(kernel trixie)" "$release"
done
# The keys that hv_kvp_daemon makes up on request (tools/hv/hv_kvp_daemon.c), in its order.
check daemons trixie "a stock guest with Debian's hv_kvp_daemon and hv_vss_daemon" \
	"$boot --append 'nokaslr mitigations=off quiet vm.do=daemons $fewer' --shutdown-after 1 --timeout-ms 30000 \
	--width 400 --save report; s=\$?; cat report; exit \$s" \
	"expect_linux 2019 &&
	expect \$o.output 'Key-Value Pair Exchange *True *OK.*does not match the version expected by the hosting' &&
	[ \"\$(sed -n 's/^ *\"key\": \"\([A-Z][A-Za-z0-9]*\)\".*/\1/p' \$o.output | grep -vx 2019 | tr '\n' ' ')\" = \
	'FullyQualifiedDomainName IntegrationServicesVersion NetworkAddressIPv4 NetworkAddressIPv6 OSBuildNumber OSName OSMajorVersion OSMinorVersion OSVersion ProcessorArchitecture ' ]"
check json trixie "the report as JSON, alone on the standard output" \
	"$boot $quiet --json --shutdown-after 1 2>log | vmichost report --width 200 -; s=\$?; cat log; exit \$s" \
	'expect $o.output "Heartbeat  *True *OK"'
# The host is up for some time before: the guest's reference time is not the host's.
check clock trixie "a guest's clock that is 25 years behind is set to the host's" \
	"sleep 8; $boot $quiet --release 2022 --shutdown-after 1; s=\$?; echo host: clock \$(date +%s); exit \$s" \
	'host=$(sed -n "s/^host: clock //p" $o.output) guest=$(sed -n "s/^guest: clock //p" $o.console)
	 echo "host $host guest $guest"; [ $((host - guest)) -ge 0 ] && [ $((host - guest)) -le 5 ]'
check bzimage trixie "a compressed kernel, by its 64-bit entry" \
	"$boot --kernel \$images/vmlinuz $quiet --components heartbeat,shutdown --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Time Synchronization *False"'
# The machine has no user but root until one is made; on a computer it is whoever runs this, or else nobody,
# in the group of /dev/kvm, and with copies of what lies where he may not look.
check user trixie "without root, where /dev/kvm may be opened" \
	"cat >boot <<'END'
echo \"uid \$(busybox id -u)\"
$boot $quiet --shutdown-after 1
END
	case \$console in
	/dev/*)
		echo 'user:x:1000:1000::/:/bin/sh' >/etc/passwd
		busybox chmod 666 /dev/kvm \$console
		exec busybox su user -c 'sh ./boot'
		;;
	esac
	[ \$(id -u) -eq 0 ] || exec sh ./boot
	nobody=\"setpriv --reuid=65534 --regid=\$(stat -c %g /dev/kvm) --clear-groups\"
	\$nobody sh -c '[ -r /dev/kvm ] && [ -w /dev/kvm ]' || { echo 'skipped: only root may open /dev/kvm'; exit; }
	cp \$(command -v vmichost) \$images/vmlinux \$images/stock.cpio .
	chown -R 65534 .
	PATH=\$PWD:\$PATH images=\$PWD console=\$PWD/console \$nobody sh ./boot
	status=\$?
	mv console \$console
	exit \$status" \
	'expect $o.output "Heartbeat  *True *OK" "^uid [1-9]"'
check processors trixie "two processors" \
	"$boot $quiet --cpus 2 --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Shutdown *True *OK" && expect $o.console "is up, 2 processors"'
check poweroff trixie "a guest that switches itself off" \
	"$boot --append 'quiet vm.do=poweroff $fewer'" \
	'expect $o.console "reboot: Power down" && expect $o.output "the guest has left"'
check reboot trixie "a guest that starts itself again" \
	"$boot --append 'quiet vm.do=reboot $fewer' --shutdown-after 1" \
	'expect $o.console "reboot: Restarting system" "reboot: Power down" &&
	 expect $o.output "the guest starts again" "Heartbeat  *True *OK"'
check panic trixie "a guest whose kernel crashes" \
	"$boot --append 'quiet vm.do=panic $fewer'; [ \$? -eq 1 ]" \
	"expect \$o.output \"the guest's kernel has crashed\" && expect \$o.console 'sysrq triggered crash'"
check storm trixie "negotiations without end: a driver takes one packet at each interrupt" \
	"$boot $quiet --fault storm=20 --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Shutdown *True *OK" "VSS *True *OK"'
check rescind trixie "channels taken away and offered again" \
	"$boot $quiet --fault rescind:heartbeat=5 --fault rescind:timesync=5 --shutdown-after 1" \
	'expect $o.output "Heartbeat  *True *OK" "Shutdown *True *OK" "Time Synchronization *True *OK"'
