# SPDX-License-Identifier: GPL-2.0-only
# What expectations are written with; for one.sh. They print what is wrong.

# facts FILE [N]: "component result framework message violations requests answers failures" of each
# component, in the Nth report of a file that has the JSON of several; without, in the last
facts() {
	awk -F '"' -v wanted="${2:-0}" '
	# its own, and not of a part of it
	{ own = $1 == "      " }
	function number() { v = $3; gsub(/[^0-9]/, "", v); return v }
	function row() {
		if (c != "")
			text[n] = text[n] c " " result " " framework " " message " " violations " " requests \
				" " answers " " failures "\n"
		c = ""
	}
	$2 == "format" { row(); n++ }
	$2 == "component" { row(); c = $4 }
	$2 == "result" { result = $4 }
	own && $2 == "answered_framework" { framework = $4 }
	own && $2 == "answered_message" { message = $4 }
	own && $2 == "violations" { violations = number() }
	own && $2 == "requests" { requests = number() }
	own && $2 == "answers" { answers = number() }
	own && $2 == "failures" { failures = number() }
	END { row(); printf "%s", text[wanted ? wanted : n] }' "$1"
}

# count_reports FILE: prints how many there are
count_reports() {
	grep -c '^  "format": "vmichost-report-1"' "$1"
}

# rows FILE [N]: "component result framework message violations"
rows() {
	facts "$@" | cut -d ' ' -f 1-5
}

# expect_rows ROW...: the last report has exactly these
expect_rows() {
	printf '%s\n' "$@" >"$o.expected"
	rows "$o.output" | diff "$o.expected" -
}

# expect FILE PATTERN...: each is in a line of the file
expect() {
	file=$1
	shift
	for pattern; do
		grep -q -- "$pattern" "$file" || { echo "no line \"$pattern\" in $file"; return 1; }
	done
}
