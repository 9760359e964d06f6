#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# programs.sh BUILD: the built programs as a user runs them, end to end.
set -u

build=$1
. tests/checks.sh

printf '[KVP]\nPoolDirectory=%s/pools\n' "$dir" >"$dir/conf"
vmicd="$build/vmicd --config=$dir/conf --transport=socket:{socket}"
sentence='The protocol version of the component installed in the virtual machine does not match'

check "the demo shows what it promises" "sh tests/demo.sh $build"
check "the demo leaves nothing behind" \
	"mkdir $dir/tmp && TMPDIR=$dir/tmp sh tests/demo.sh $build >/dev/null && [ -z \"\$(ls -A $dir/tmp)\" ]"
check "a legacy guest on 2019 mismatches on time synchronization" \
	"$build/vmichost run --release 2019 -- $vmicd 2>/dev/null | grep 'Time Synchronization' | grep -q '$sentence'"
check "and on nothing else" \
	"[ \$($build/vmichost run --release 2019 -- $vmicd 2>/dev/null | grep -c '$sentence') -eq 1 ]"
check "vmicctl shows the mismatch, ends it, and brings it back" "sh tests/ctl.sh $build"
check "a saved report prints like the live one" \
	"$build/vmichost run --release 2019 --json -- $vmicd >$dir/report.json 2>/dev/null &&
	 $build/vmichost report $dir/report.json | grep -q '$sentence'"
check "heartbeats are timed, as many as are asked for" \
	"$build/vmichost run --timing --heartbeat-ms 10 --heartbeat-burst 5 --for 1 -- $vmicd 2>/dev/null |
	 awk '\$1 == \"heartbeat\" && \$4 >= 50 && \$5 > 0 && \$10 > 4 { found = 1 } END { exit !found }'"
# A log that nobody reads: what cannot be written is lost, and no beat is.
mkfifo "$dir/stuck"
exec 8<>"$dir/stuck"
printf '[KVP]\nPoolDirectory=%s/pools\n[Daemon]\nLogTarget=stderr\nLogLevel=debug\n' "$dir" >"$dir/loud"
fill='dd if=/dev/zero bs=4096 count=1000 oflag=nonblock >&8 2>&1'
check "heartbeats are answered while standard error is a full pipe" \
	"$fill; timeout 30 $build/vmichost run --timing --heartbeat-ms 10 --heartbeat-burst 5 --for 1 -- sh -c \
	 'exec $build/vmicd --config=$dir/loud --transport=socket:\$0 2>$dir/stuck' {socket} 2>/dev/null |
	 awk '\$1 == \"heartbeat\" && \$4 >= 50 && \$5 > 0 && \$10 > 4 { found = 1 } END { exit !found }'"
exec 8>&-
# Nor one while the service manager reads nothing; when it does, it hears all that it must.
keep="$build/keeper --deaf 60000 -- $build/vmicd --config=$dir/loud --transport=socket:{socket}"
check "heartbeats are answered while the service manager is stuck" \
	"WATCHDOG_USEC=200000 timeout 30 $build/vmichost run --timing --heartbeat-ms 10 --heartbeat-burst 5 --for 1 -- \
	 $keep >$dir/deaf 2>$dir/kept; cat $dir/deaf $dir/kept; grep -q 'keeper: started 1 times' $dir/deaf $dir/kept &&
	 awk '\$1 == \"heartbeat\" && \$4 >= 50 && \$5 > 0 && \$10 > 4 { found = 1 } END { exit !found }' $dir/deaf"

check "the example guest is OK" \
	"$build/vmichost run --release 2019 -- $build/example_guest {socket} | grep -q 'Heartbeat .*True *OK'"
check "a dry run leaves the pools alone" \
	"printf '[KVP]\nPoolDirectory=%s/none\n' $dir >$dir/dry.conf && $build/vmichost run --release 2019 -- \
	 $build/vmicd --dry-run --config=$dir/dry.conf --transport=socket:{socket} 2>/dev/null && [ ! -e $dir/none ]"
check "a guest that never connects is no success" \
	"! $build/vmichost run -- true >$dir/none 2>$dir/never && [ ! -s $dir/none ] && grep -q 'never connected' $dir/never"
check "a guest's log that cannot be written is an error" \
	"! $build/vmichost run --guest-log $dir/none/log -- $vmicd"
check "the IP information of an adapter is asked for, where there is one" \
	"! ip -o link | grep -q link/ether || [ \$($build/vmichost run --json -- $vmicd 2>/dev/null | grep -c '\"requests\": 50') -eq 1 ]"

# distinct MEMBER: how many different values it has in the matrix
distinct() {
	grep -o "^ *\"$1\": \"[^\"]*\"" "$dir/matrix.json" | sort -u | wc -l
}
$build/vmichost matrix --json >"$dir/matrix.json" 2>/dev/null
check "the matrix has every release" \
	"[ \$(distinct release) -eq \$($build/vmichost releases --json | grep -c '\"key\"') ]"
check "the matrix knows no profile that the guest does not list" \
	"! $build/vmichost matrix --profile none 2>$dir/never && grep -q 'no profile \"none\"' $dir/never"
check "help fits 80 columns" \
	"for v in '' run boot matrix scenario agent report releases; do $build/vmichost help \$v; done | awk 'length > 80 { n++ } END { exit n }'"
check "the matrix has every profile" \
	"[ \$(distinct profile) -eq \$($build/vmicd --list-profiles | wc -l) ]"
check "boot says in one sentence what it misses" \
	"$build/vmichost boot --kernel $dir/none 2>$dir/boot; s=\$?; cat $dir/boot; [ \$s -eq 1 -o \$s -eq 3 ] &&
	 [ \$(wc -l <$dir/boot) -eq 1 ] && grep -qE '/dev/kvm: |No such file' $dir/boot"
for wrong in '' '--memory 63M' '--memory 4G' '--memory 256K' '--cpus 0' '--cpus 17' '--components heartbeat,nonsense' \
	'--components heartbeat,' '--fault nonsense' 'surplus'; do
	check "boot refuses '$wrong'" \
		"$build/vmichost boot \${wrong:+--kernel $dir/none} $wrong; [ \$? -eq 2 ]"
done

check "scenario refuses a machine without a kernel" \
	"$build/vmichost scenario --initrd $dir/none tests/scenario/n1-echoed-fields.scn -- true; [ \$? -eq 2 ]"
check "the agent says what it cannot talk over" \
	"$build/vmichost agent --on $dir/absent 2>$dir/agent; [ \$? -eq 1 ] && grep -q 'absent: No such file' $dir/agent"

checks_end
