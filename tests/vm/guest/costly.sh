# SPDX-License-Identifier: GPL-2.0-only
# A kernel whose uio gives each device the buffers of a network card: it is said, and where there is not
# enough memory for them, refused. The kernel would kill processes for it.

modules hv_vmbus hv_utils uio uio_hv_generic
take heartbeat
take timesync
has_buffers heartbeat || skip "its uio gives no device the buffers of a network card"
grep -q 'TimeSync: costs 51 MiB: 4 MiB in one block and 47 MiB of network buffers; ' /tmp/bind.log ||
	fail "the cost is said otherwise"
give_back

# fill KB: until no more is available, and a while later still is not: the kernel frees late what was given
# back. What is in a file in memory is not available.
fill() {
	while memory; [ "$available" -gt "$1" ]; do
		dd if=/dev/zero bs=64k count=$(((available - $1) / 64 + 1)) >>/tmp/ballast 2>/dev/null
		sleep 1
	done
	say "$available kB are available"
}

fill 60000
refused 'refused: it costs .* less than 16 MiB would be left: .* hv_utils keeps it' vmic-bind take heartbeat
fill 40000
refused 'refused: it costs .* kill processes for the rest; hv_utils keeps it' vmic-bind take --force heartbeat
expect_driver hv_utils heartbeat timesync
settle
