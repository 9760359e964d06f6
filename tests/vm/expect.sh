# SPDX-License-Identifier: GPL-2.0-only
# What expectations are written with; for batch.sh. They print what is wrong.

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

# linux_rows RELEASE: the rows that Linux' drivers come to there: of the versions that the release offers
# ("vmichost releases") the best that the profile "linux" admits to ("vmicd --show-profile"), which is OK
# when it is the last one offered.
linux_rows() {
	{
		"$build/vmicd" --show-profile=linux
		"$build/vmichost" releases --json --release "$1"
	} | awk -F '"' '
	# A profile: "KVP       message 4.0 3.0, framework 3.0 1.0; ..."
	/ message .*, framework / {
		split($0, word, " ")
		c = word[1] == "FileCopy" ? "guest-service" : tolower(word[1])
		split($0, list, / message |, framework |;/)
		admitted[c, "message"] = list[2]
		admitted[c, "framework"] = list[3]
		next
	}
	$2 == "component" { order[++n] = c = $4 }
	/\]/ { what = "" }
	what { offered[c, what] = offered[c, what] " " $2 }
	$2 ~ /^offered_(framework|message)$/ { what = substr($2, 9) }

	function agree(c, what,    best, all, last, i) {
		split(admitted[c, what], best, " ")
		for (i = 1; best[i] != "" && !index(offered[c, what] " ", " " best[i] " "); i++)
			;
		last = split(offered[c, what], all, " ")
		if (best[i] != all[last])
			result = "mismatch"
		return best[i]
	}
	END {
		for (i = 1; i <= n; i++) {
			result = "ok"
			versions = agree(order[i], "framework") " " agree(order[i], "message")
			print order[i] " " result " " versions " 0"
		}
	}'
}

# expect_linux RELEASE [COMPONENT=RESULT]...: the last report is that of Linux' drivers on the release, but
# for these components, which have agreed on nothing. Linux before 6.10 has file copy in hv_utils; later it
# is for uio_hv_generic, and nobody answers. The guest says what its module claims.
expect_linux() {
	release=$1
	shift
	grep -q '^guest: .*hv_utils has file copy' "$o.console" || set -- guest-service=no-contact "$@"
	linux_rows "$release" | awk -v others="$*" '
		BEGIN {
			n = split(others, word, /[ =]/)
			for (i = 1; i < n; i += 2)
				result[word[i]] = word[i + 1]
		}
		$1 in result { $0 = $1 " " result[$1] " 0.0 0.0 0" }
		{ print }' >"$o.expected"
	[ "$(wc -l <"$o.expected")" -eq 6 ] || { echo "no rows are known of $release"; return 1; }
	rows "$o.output" | diff "$o.expected" -
}

# expect_openings N[-M] COMPONENT...: in the end the host had seen so many openings of each, or M, and negotiations
expect_openings() {
	openings=$1
	shift
	for component; do
		awk -F '"' -v c="$component" -v n="$openings" '
			$2 == "format" { of = opened = negotiated = "" }
			$2 == "component" { of = $4 }
			of == c && $2 == "opened_times" { opened = $3; gsub(/[^0-9]/, "", opened); opened += 0 }
			of == c && $2 == "negotiations" { negotiated = $3; gsub(/[^0-9]/, "", negotiated); negotiated += 0 }
			END { split(n "-" n, range, "-")
			      if (opened >= negotiated && opened <= range[2] + 0 && negotiated >= range[1] + 0) exit
			      print c " was opened " opened " times and negotiated " negotiated " times, not " n
			      exit 1 }' "$o.output" || return 1
	done
}

# expect_answered COMPONENT...: no report misses an answer of it, but to what is on its way, and to what each
# driver had not answered when it closed the channel
expect_answered() {
	awk -F '"' -v wanted=" $* " '
		function number() { v = $3; gsub(/[^0-9]/, "", v); return v + 0 }
		$2 == "component" { of = $4 }
		$1 != "      " { next } # its own, and not of a part of it
		$2 == "requests" { requests = number() }
		$2 == "answers" { missing = requests - number() }
		$2 == "failures" { failures = number() }
		$2 == "opened_times" && index(wanted, " " of " ") && (missing > number() || failures > 0) {
			print of " misses " missing " answers in " number() " openings, " failures " were failures"
			bad = 1
		}
		END { exit bad }' "$o.output"
}

# expect_delays: says how long a heartbeat waited at most, while hv_utils had the channel and while vmicd had it: of
# the openings of each, which the sizes of their rings tell apart, that with the most heartbeats. How long is long is a
# machine's own: a quarter of a second where each is emulated inside another. But a host sends a heartbeat every second or
# two, and who answers none of two or three in a row may be taken for dead: vmicd must be there within 5 s everywhere.
expect_delays() {
	awk -F '"' -v limit=5000 '
		function note() { if (answers > most[who]) { most[who] = answers; p50[who] = usual; max[who] = worst } }
		$2 == "format" { of = "" }
		$2 == "component" { of = $4 }
		of != "heartbeat" || $1 == "      " { next }
		{ v = $3; gsub(/[^0-9]/, "", v); v += 0 }
		$2 == "ring_size" { who = v == 16384 ? "hv_utils" : "vmicd" }
		$2 == "answers" { answers = v }
		$2 == "p50_ns" { usual = v / 1e6 }
		$2 == "max_ns" { worst = v / 1e6; note() }
		END {
			n = split("hv_utils vmicd", list, " ")
			for (i = 1; i <= n; i++) {
				who = list[i]
				printf "           %-8s %3d heartbeats, p50 %6.1f ms, worst %7.1f ms\n", who, most[who],
					p50[who], max[who]
				few = few || most[who] < 60
			}
			if (max["vmicd"] > limit)
				print "           vmicd has let one wait for more than " limit " ms"
			exit few || max["vmicd"] > limit
		}' "$o.output" >"$o.remark" || { cat "$o.remark"; return 1; }
}

# expect_kernel: the guest has run the kernel that its images were made of
expect_kernel() {
	expect "$o.console" "^guest: .*$(cat "$out/images/$images/kernel") is up"
}

# expect FILE PATTERN...: each is in a line of the file
expect() {
	file=$1
	shift
	for pattern; do
		grep -q -- "$pattern" "$file" || { echo "no line \"$pattern\" in $file"; return 1; }
	done
}
