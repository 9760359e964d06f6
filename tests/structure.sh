#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# structure.sh BUILD: checks that the tree is built as the README says: which room may include which,
# that hv_util is pure, that nobody keeps global state, that headers stand alone, that manuals and
# scripts are well-formed. Reads the objects of the plain build under BUILD.
set -u

build=$1
for needed in "$build"/plain/libhv_util.a "$build"/plain/daemon/channel.o "$build"/plain/tests/host/run.o; do
	[ -s "$needed" ] || { echo "structure.sh: $needed is missing: run make first" >&2; exit 1; }
done
. tests/checks.sh

# includes FILES PATTERN: the project's own includes in FILES that do not match PATTERN.
includes() {
	# shellcheck disable=SC2086 # a list of files
	grep -n '^#include "' $1 | grep -vE "#include \"($2)\""
}

verdict "hv_util includes nothing but hv_util" \
	"$(includes 'hv_util/*.[ch]' 'hv_util/.*')"
verdict "daemon includes hv_util and daemon" \
	"$(includes 'daemon/*.[ch] daemon/bind/*.[ch] daemon/bus/*.[ch]' '(hv_util|daemon)/.*')"
verdict "vmicd does without vmic-bind" \
	"$(includes 'daemon/*.[ch] daemon/bus/*.[ch]' '(hv_util|daemon)/[^/]*|daemon/bus/.*')"
verdict "but for its main file, vmicd does without the bus" \
	"$(includes "$(ls daemon/*.[ch] | grep -vx daemon/main.c)" '(hv_util|daemon)/[^/]*')"
verdict "vmicctl knows the daemon by its bus alone" \
	"$(includes 'daemon/ctl/*.[ch]' 'daemon/ctl/.*|daemon/bus/names\.h|daemon/terminal/.*|hv_util/base\.h')"
verdict "the terminal knows nothing of Hyper-V" \
	"$(includes 'daemon/terminal/*.[ch]' 'daemon/terminal/.*|hv_util/base\.h')"
verdict "the host simulator shares four headers, the terminal and no message table" \
	"$(includes 'tests/host/*.[ch] tests/host/kvm/*.[ch]' 'tests/host/.*|daemon/terminal/.*|hv_util/(base|bytes|ring_wire)\.h|daemon/socket_wire\.h')"
verdict "the example guest needs the library and the socket's messages only" \
	"$(includes tests/example_guest.c 'hv_util/.*|daemon/socket_wire\.h')"

# Memory and string functions, and the two that know what an address looks like.
pure='mem[a-z]+|str[a-z]+|inet_ntop|inet_pton'
own=$(nm --defined-only "$build"/plain/libhv_util.a 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)
verdict "hv_util calls nothing but itself, mem*, str* and inet_*" \
	"$(nm -u "$build"/plain/libhv_util.a 2>/dev/null | awk 'NF == 2 && $1 == "U" { print $2 }' | sort -u |
		grep -vxF "$own" | grep -vxE "$pure")"

# shellcheck disable=SC2016 # awk's dollars
state=$(for o in "$build"/plain/hv_util/*.o "$build"/plain/daemon/*.o "$build"/plain/daemon/*/*.o \
		"$build"/plain/tests/host/*.o "$build"/plain/tests/host/kvm/*.o; do
	case $o in *main.o) continue ;; esac
	size -A "$o" | awk -v o="$o" '$1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
		print o ": " $1 " " $2 " bytes" }'
done)
verdict "no mutable globals but in the main files" "$state"

verdict "nobody exits, aborts or calls a shell" \
	"$(grep -nE '\b(exit|_exit|abort|system|popen)\(' hv_util/*.c daemon/*.c daemon/*/*.c | grep -v 'sd_event_exit(')"
verdict "no cast of received bytes to a struct in hv_util" \
	"$(grep -nE '\((const )?struct [a-z_]+ \*\)' hv_util/*.c)"

alone=$(for h in hv_util/*.h daemon/*.h daemon/*/*.h tests/host/*.h tests/host/kvm/*.h; do
	echo "#include \"$h\"" | ${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -DVMICD_VERSION='""' -I. -Wall -Werror -fsyntax-only -x c - 2>&1 |
		head -n 3
done)
verdict "each header compiles alone" "$alone"
verdict "each header guards itself" "$(grep -L '^#pragma once' hv_util/*.h daemon/*.h daemon/*/*.h \
	tests/host/*.h tests/host/kvm/*.h)"
verdict "each source names its licence" "$(grep -L 'SPDX-License-Identifier: GPL-2.0-only' \
	hv_util/*.[ch] daemon/*.[ch] daemon/*/*.[ch] tests/*.c tests/*.sh tests/*/*.[ch] tests/*/*.sh tests/vm/guest/* tests/vm/service/* tests/host/kvm/*)"
verdict "no unfinished words" \
	"$(grep -rnwE 'TODO|FIXME|XXX|HACK' hv_util daemon tests --include='*.[ch]' --include='*.sh' | grep -v structure.sh)"

manuals=$(find daemon tests systemd -name '*.[1-8]' 2>/dev/null)
# Manuals of other packages need not be installed where this is checked.
# shellcheck disable=SC2086 # a list of files
verdict "the manual pages are well-formed" "$(mandoc -T lint -W style $manuals 2>&1 |
	grep -vE 'referenced manual not found|outdated mandoc\.db|typo in section name: Sh REPORTS instead of ERRORS')"
pages=$(for m in $manuals; do basename "$m"; done | tr '\n' ' ')
verdict "what a manual page says of another of ours is in its SEE ALSO" "$(for m in $manuals; do
	awk -v page="$(basename "$m")" -v ours=" $pages" '
		$1 == ".Sh" { list = $2 == "SEE" }
		$1 == ".Xr" { to = $2 "." $3; known = index(ours, " " to " ") }
		$1 == ".Xr" && to != page && known { if (list) listed[to]; else said[to] }
		$1 == ".Xr" && to ~ /vmic/ && !known { print page ": there is no " to }
		END { for (to in said) if (!(to in listed)) print page ": " to " is not there" }' "$m"
done)"
verdict "the scripts are well-formed" "$(for s in tests/*.sh tests/*/*.sh tests/vm/guest/*.sh tests/vm/service/*.sh .ci/run; do sh -n "$s" 2>&1; done)"

checks_end
