# SPDX-License-Identifier: GPL-2.0-only
# vmicd and vmic-bind in Debian's kernels: what each does in its guest is guest/NAME.sh, which says on the
# console that all was well, or what was not.

# guest WORDS: the beginning of a command line that boots a guest, with these words on its kernel's. Who
# answers the key-value pairs may come late.
guest() {
	echo "vmichost boot --kernel \$images/vmlinux --initrd \$images/vmicd.cpio --console \$console --for \$seconds \
--timeout-ms 30000 --json --append 'nokaslr mitigations=off quiet $fewer $*'"
}

# expect_passed: the guest's work, and no breach of the contract in any report
expect_passed() {
	expect "$o.console" '^guest: [0-9.]* passed$' || return 1
	! grep '"violations": [1-9]' "$o.output"
}

# find_report ROW...: sets report to the first one that has them all
find_report() {
	for report in $(seq "$(count_reports "$o.output")"); do
		[ "$(rows "$o.output" "$report" | grep -cxF "$(printf '%s\n' "$@")")" -ne $# ] || return 0
	done
	echo "no report has all of"
	printf '%s\n' "$@"
	return 1
}

# expect_served RELEASE PROFILE: one report is, of what vmicd serves, as vmichost run's of the same
# release and profile, and every request was answered well.
expect_served() {
	printf '[Negotiation]\nProfile=%s\n' "$2" >"$o.conf"
	"$build/vmichost" run --release "$1" --json -- "$build/vmicd" --dry-run --config "$o.conf" \
		--transport=socket:{socket} >"$o.served" 2>"$o.log" || { cat "$o.log"; return 1; }
	rows "$o.served" | grep -E '^(heartbeat|kvp|timesync) ' >"$o.expected"
	{ read -r a && read -r b && read -r c; } <"$o.expected"
	find_report "$a" "$b" "$c" || return 1
	# The host's sixteen items, a key set and deleted, and four pools read.
	facts "$o.output" "$report" | awk '
		{ failures += $8; asked[$1] = $6; missing[$1] = $6 - $7 }
		END { exit failures || asked["kvp"] < 40 || missing["kvp"] || asked["timesync"] < 2 ||
			missing["timesync"] || asked["heartbeat"] < 1 || missing["heartbeat"] > 1 }' ||
		{ echo "report $report:"; facts "$o.output" "$report"; return 1; }
}

# Three components, and file copy, which the kernel takes by itself: 200 MiB on trixie's.
three='--memory 400M'

# profile PROFILE RELEASE SUITE; Debian's hv_kvp_daemon comes after vmicd.
profile() {
	check "profile-$1-$2" "$3" "vmicd as $1 on $2, $(kernel "$3")" \
		"$(guest vm.do=profile "vm.profile=$1") $three --release $2" \
		"expect_passed && expect_served $2 $1 && expect_linux $2"
}
small='--components heartbeat,timesync,shutdown'
small_rows='expect_linux 2019 guest-service=disabled kvp=disabled vss=disabled'

# On a kernel that binds in 20 ms and for 4 MiB, and not, as trixie's 6.12, in 100 ms and for 51.
check bind trixie-backports "200 times taken and given back" \
	"$(guest vm.do=bind vm.seconds=800) $small" "expect_passed && $small_rows" 900
# With the memory that the kernel loses each time.
check vmicd-rescind trixie-backports "200 times taken away from vmicd by the host" \
	"$(guest vm.do=rescind vm.seconds=800) $small --fault rescind:heartbeat=200 --memory 1100M" \
	"expect_passed && $small_rows" 900
check follow trixie-backports "12 times taken away by the host, and taken from hv_utils again" \
	"$(guest vm.do=follow vm.served=3 vm.seconds=500) $small --fault rescind:heartbeat=12 --fault delay:heartbeat=1000" \
	"expect_passed && $small_rows" 550
check follow-killed trixie-backports "800 times taken away, vmic-bind and vmicd killed meanwhile" \
	"$(guest vm.do=follow vm.served=1 vm.kill=40 vm.seconds=800) $small --fault rescind:heartbeat=800 --memory 500M" \
	"expect_passed && $small_rows" 900
check bind-killed trixie-backports "vmic-bind and vmicd killed in the middle of taking and giving back" \
	"$(guest vm.do=bind-killed vm.seconds=800) $small" "expect_passed && $small_rows" 900

profile legacy 2019 trixie
profile linux 2019 trixie
profile newest 2019 trixie-backports
profile newest 2025 trixie
check vmicd-processors trixie "vmicd in a guest with two processors" \
	"$(guest vm.do=profile vm.profile=newest) $three --cpus 2" \
	"expect_passed && expect_served 2019 newest && expect_linux 2019"
check vmicd-reboot trixie "vmicd in a guest that starts itself again" \
	"$(guest vm.do=reboot) $three" \
	'expect_passed && expect_served 2019 newest && [ "$(count_reports "$o.output")" -ge 2 ]'
check vmicd-killed trixie-backports "vmicd killed while it serves" \
	"$(guest vm.do=killed) $small" "expect_passed && $small_rows"

# By hv_utils, by all fifty vmicds together, and by hv_utils again. The other profile is no news to the heartbeat.
for suite in trixie trixie-backports; do
	check "vmicd-restart-$suite" "$suite" "vmicd started again 50 times, $(kernel "$suite")" \
		"$(guest vm.do=restart vm.seconds=350) $small --heartbeat-ms 300" \
		"expect_passed && $small_rows && expect_openings 3 heartbeat && expect_openings 4 timesync &&
		expect_answered heartbeat timesync"
done
# Everything that expect_passed wants, and the host's own word that the guest has agreed to go.
check shutdown-served trixie-backports "powered off by vmicd, as the host asks" \
	"$(guest vm.do=shutdown) $small --release 2022 --shutdown-after 1" \
	'expect_passed && find_report "shutdown ok 3.0 3.2 0" &&
	expect $o.output "\"shutdown\": \"answered\"" "\"shutdown_status\": 0"'
check held trixie "refused: what somebody has open" \
	"$(guest vm.do=held)" "expect_passed && expect_linux 2019"
check costly trixie "refused: what there is too little memory for" \
	"$(guest vm.do=costly) $small" "expect_passed && $small_rows"
check old bookworm "vmicd on a kernel that is too old, $(kernel bookworm)" \
	"$(guest vm.do=old)" "expect_passed && expect_kernel && expect_linux 2019"
for suite in bookworm-backports trixie forky trixie-backports; do
	check "newer-$suite" "$suite" "vmicd on $(kernel "$suite")" \
		"$(guest vm.do=newer) $small,guest-service" \
		"expect_passed && expect_kernel && expect_linux 2019 kvp=disabled vss=disabled"
done
