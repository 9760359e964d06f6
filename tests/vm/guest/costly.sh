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

# What is in a file in memory is not available.
memory
dd if=/dev/zero of=/tmp/ballast bs=1k count=$((available - 60000)) 2>/dev/null
memory
say "$available kB are available"
refused 'refused: it costs .* less than 16 MiB would be left: .* hv_utils keeps it' vmic-bind take heartbeat
dd if=/dev/zero of=/tmp/more bs=1k count=20000 2>/dev/null
refused 'refused: it costs .* kill processes for the rest; hv_utils keeps it' vmic-bind take --force heartbeat
expect_driver hv_utils heartbeat timesync
settle
