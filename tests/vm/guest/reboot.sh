# SPDX-License-Identifier: GPL-2.0-only
# vmicd serves; the guest starts again as it is, and vmicd serves once more.

modules hv_vmbus hv_utils uio uio_hv_generic
take heartbeat kvp timesync
start_vmicd "[Negotiation]\nProfile=newest\n"
settle
say "life $(parameter restarts)"
case $(parameter restarts) in
0) reboot -f ;;
esac
stop_vmicd
