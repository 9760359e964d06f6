# SPDX-License-Identifier: GPL-2.0-only
# A guest that means no good (hostile.c), and what is no guest at all.

check no-kernel hostile "what is no kernel" \
	'vmichost boot --kernel $images/hostile.ld; [ $? -eq 1 ]' \
	'expect $o.output "neither a vmlinux nor a bzImage"'

# One that broke a rule of the host's is reported, and ends with status 1; a crash would be another.
hostile='vmichost boot --width 300 --kernel $images/hostile --console $console --for 60'
check hostile-calls hostile "a hostile guest: hypercalls" \
	"$hostile --append hostile=calls" 'expect $o.console "calls refused: 16" "still here"'
# In the end it joins as a good one does, and what was before is another guest's.
check hostile-messages hostile "a hostile guest: 4000 messages" \
	"$hostile --append hostile=messages" 'expect $o.console "messages taken: 4000" joined "still here"'
check hostile-deaf hostile "a hostile guest: it asks and does not listen" \
	"$hostile --append hostile=deaf" 'expect $o.console "refused buffers" "missing: 0" "still here"'
check hostile-pages hostile "a hostile guest: pages that it does not have" \
	"$hostile --append hostile=pages; [ \$? -eq 1 ]" \
	'expect $o.console "pages done" "still here" && expect $o.output "outside the guest"'
# At least its six wild write indices; more when the host looks while it writes the next.
check hostile-rings hostile "a hostile guest: wild indices" \
	"$hostile --append hostile=rings; [ \$? -eq 1 ]" \
	'expect $o.console "rings done" "still here" && expect $o.output "Heartbeat, \([6-9]\|[1-9][0-9]\) times"'
check hostile-fault hostile "a hostile guest: a triple fault" \
	"$hostile --append hostile=fault; [ \$? -eq 1 ]" 'expect $o.output "triple fault"'
check hostile-spin hostile "a hostile guest: it spins, and is ended in time" \
	'vmichost boot --kernel $images/hostile --append hostile=spin --for 2' \
	'expect $o.output "the time is over" "processor 0 ran at 0x100[0-9a-f]*, interrupts off, .* 0x00 served and 0x00 waiting$"'
check hostile-halt hostile "a hostile guest: it halts, and is ended in time" \
	'vmichost boot --kernel $images/hostile --append hostile=halt --for 2' \
	'expect $o.output "the time is over" "processor 0 was halted at 0x100[0-9a-f]*, interrupts "'
