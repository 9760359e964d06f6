# SPDX-License-Identifier: GPL-2.0-only
# vmicd behind the kernel's own driver: all that it can serve where no channel can be handed over (the
# test "old" has that), and possible on the other kernels too.

check kvp-driver vmicd-6.12 "key-value pairs behind hv_utils, whose channel goes and comes" \
	"$(guest vm.do=kvp-driver)" \
	"expect_passed && expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp mismatch 3.0 4.0 0' 'shutdown ok 3.0 3.0 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0' &&
	expect \$o.output '\"value\": \"$(cat daemon/VERSION)\"'"
