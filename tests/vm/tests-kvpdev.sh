# SPDX-License-Identifier: GPL-2.0-only
# vmicd behind the kernel's own driver: all that it can serve where no channel can be handed over (the
# test "old" has that), and possible on the other kernels too.

check kvp-driver trixie "key-value pairs behind hv_utils, whose channel goes and comes" \
	"$(guest vm.do=kvp-driver)" \
	"expect_passed && expect_linux 2019 &&
	expect \$o.output '\"value\": \"$(cat daemon/VERSION)\"'"
