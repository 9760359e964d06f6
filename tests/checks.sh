# SPDX-License-Identifier: GPL-2.0-only
# checks.sh: read by scripts that are tests themselves. Each check is a line of shell and a name, and is counted as
# run.sh wants it. What needs a place finds it in $dir, which goes away in the end.
# shellcheck shell=sh

passed=0
failed=0
skipped=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# check NAME COMMAND: holds when the shell command does. What it sets it sets for itself alone.
check() {
	if (eval "$2") >"$dir/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n  %s\n' "$1" "$2"
		cat "$dir/out"
	fi
}

# verdict NAME COMPLAINTS: holds when there is nothing to complain about.
verdict() {
	if [ -z "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s\n%s\n' "$1" "$2"
	fi
}

# skip NUMBER REASON: so many checks cannot be made here.
skip() {
	skipped=$((skipped + $1))
	echo "SKIPPED: $2"
}

# checks_end: the last thing that a script does.
checks_end() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}
