# SPDX-License-Identifier: GPL-2.0-only
# vmicd behind the kernel's own driver: all that it can serve where no channel can be handed over, and
# possible on the other kernels too.

kvp_driver() {
	check "kvp-driver-$1" "vmicd-$1" "key-value pairs behind hv_utils, on $1" \
		"$boot --timeout-ms 30000 --json --append 'nokaslr mitigations=off quiet vm.do=kvp-driver'" \
		"expect \$o.console 'guest: .* passed' && rows \$o.output 0 | grep -x 'kvp mismatch 3.0 4.0 0' &&
		expect \$o.output '\"IntegrationServicesVersion\"' '\"value\": \"$(cat daemon/VERSION)\"'"
}
kvp_driver 6.1
kvp_driver 6.12
