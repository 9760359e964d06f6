# SPDX-License-Identifier: GPL-2.0-only
# What expectations are written with; for one.sh. They print what is wrong.

# "component result framework message violations" of each component in the report number N of a file
# that has the JSON of one or several: 1 is the first, 0 the last.
rows() {
	awk -F '"' -v wanted="$2" '
	function row() { if (c != "") text[n] = text[n] c " " result " " framework " " message " " violations "\n"; c = "" }
	$2 == "format" { row(); n++ }
	$2 == "component" { row(); c = $4 }
	$2 == "result" { result = $4 }
	$2 == "answered_framework" { framework = $4 }
	$2 == "answered_message" { message = $4 }
	$2 == "violations" { violations = $3; gsub(/[^0-9]/, "", violations) }
	END { row(); printf "%s", text[wanted ? wanted : n] }' "$1"
}

# expect_rows ROW...: the last report has exactly these
expect_rows() {
	printf '%s\n' "$@" >"$o.expected"
	rows "$o.output" 0 | diff "$o.expected" -
}

# expect FILE PATTERN...: each is in a line of the file
expect() {
	file=$1
	shift
	for pattern; do
		grep -q -- "$pattern" "$file" || { echo "no line \"$pattern\" in $file"; return 1; }
	done
}
