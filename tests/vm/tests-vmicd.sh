# SPDX-License-Identifier: GPL-2.0-only
# vmicd and vmic-bind in Debian's kernels: what each does in its guest is guest/NAME.sh, which says on the
# console that all was well, or what was not.

# guest WORDS: the beginning of a command line that boots a guest, with these words on its kernel's. Who
# answers the key-value pairs may come late.
guest() {
	echo "vmichost boot --kernel \$images/vmlinux --initrd \$images/guest.cpio --console \$console --for 900 \
--timeout-ms 30000 --json --append 'nokaslr mitigations=off quiet $fewer $*'"
}

# expect_passed: the guest's work, and no breach of the contract in any report
expect_passed() {
	expect "$o.console" '^guest: [0-9.]* passed$' || return 1
	! grep '"violations": [1-9]' "$o.output"
}

# What a host says of Debian's drivers, and of its hv_kvp_daemon; $1 is the shutdown's version.
stock_rows() {
	expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' 'kvp mismatch 3.0 4.0 0' \
		"shutdown ok 3.0 $1 0" 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0'
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

profile() {
	check "profile-$1-$2" "vmicd-$3" "vmicd as $1 on $2, on the kernel $3" \
		"$(guest vm.do=profile "vm.profile=$1") --release $2" \
		"expect_passed && expect_served $2 $1 && stock_rows $4"
}
small='--components heartbeat,timesync,shutdown'
small_rows="expect_rows 'guest-service disabled 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' 'kvp disabled 0.0 0.0 0' \
	'shutdown ok 3.0 3.0 0' 'timesync ok 3.0 4.0 0' 'vss disabled 0.0 0.0 0'"

# On a kernel that binds in 20 ms and for 4 MiB, and not, as 6.12, in 100 ms and for 51.
check bind vmicd-7.3 "200 times taken and given back" \
	"$(guest vm.do=bind vm.seconds=800) $small" "expect_passed && $small_rows" 850
# With the memory that the kernel loses each time.
check vmicd-rescind vmicd-7.3 "200 times taken away from vmicd by the host" \
	"$(guest vm.do=rescind vm.seconds=800) $small --fault rescind:heartbeat=200 --memory 1100M" \
	"expect_passed && $small_rows" 850
check follow vmicd-7.3 "15 times taken away by the host, and taken from hv_utils again" \
	"$(guest vm.do=follow vm.served=3 vm.seconds=500) $small --fault rescind:heartbeat=15 --fault delay:heartbeat=400" \
	"expect_passed && $small_rows" 550
check follow-killed vmicd-7.3 "200 times taken away, vmic-bind and vmicd killed meanwhile" \
	"$(guest vm.do=follow vm.served=1 vm.kill=8 vm.seconds=500) $small --fault rescind:heartbeat=200" \
	"expect_passed && $small_rows" 550
check bind-killed vmicd-7.3 "vmic-bind and vmicd killed in the middle of taking and giving back" \
	"$(guest vm.do=bind-killed vm.seconds=500) $small" "expect_passed && $small_rows" 550

profile legacy 2019 6.12 3.0
profile linux 2019 6.12 3.0
profile newest 2019 7.3 3.0
profile newest 2025 6.12 3.2
check vmicd-processors vmicd-6.12 "vmicd in a guest with two processors" \
	"$(guest vm.do=profile vm.profile=newest) --cpus 2" "expect_passed && expect_served 2019 newest && stock_rows 3.0"
check vmicd-reboot vmicd-6.12 "vmicd in a guest that starts itself again" \
	"$(guest vm.do=reboot)" \
	'expect_passed && expect_served 2019 newest && [ "$(count_reports "$o.output")" -ge 2 ]'
check vmicd-killed vmicd-7.3 "vmicd killed while it serves" \
	"$(guest vm.do=killed) $small" "expect_passed && $small_rows"
check held vmicd-6.12 "refused: what somebody has open" \
	"$(guest vm.do=held)" "expect_passed && stock_rows 3.0"
check costly vmicd-6.12 "refused: what there is too little memory for" \
	"$(guest vm.do=costly) $small" "expect_passed && $small_rows"
check old vmicd-6.1 "a kernel whose uio cannot carry components" \
	"$(guest vm.do=old)" "expect_passed && expect_rows 'guest-service ok 3.0 1.1 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp mismatch 3.0 4.0 0' 'shutdown ok 3.0 3.0 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0'"
for kernel in 7.2 7.3; do
	check "newer-$kernel" "vmicd-$kernel" "a kernel whose uio has file copy, and no buffers, $kernel" \
		"$(guest vm.do=newer) $small,guest-service" \
		"expect_passed && expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
		'kvp disabled 0.0 0.0 0' 'shutdown ok 3.0 3.0 0' 'timesync ok 3.0 4.0 0' 'vss disabled 0.0 0.0 0'"
done
