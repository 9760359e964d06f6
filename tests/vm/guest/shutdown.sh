# SPDX-License-Identifier: GPL-2.0-only
# The host asks vmicd to have the machine powered off. The device is taken only where the configuration serves it.
# Nothing watches for requests here: the guest looks for what vmic-power@.path would, and ends as its service would
# have it.

# Without hv_utils, which a host would ask as soon as it has tried all else.
modules hv_vmbus uio uio_hv_generic
vmic-bind take all >>/tmp/bind.log 2>&1 || fail "vmic-bind take all ended with $?"
expect_driver uio_hv_generic heartbeat timesync
expect_driver '' shutdown
printf '[Shutdown]\nEnable=yes\n' >/tmp/bind.conf
vmic-bind take --config /tmp/bind.conf all >>/tmp/bind.log 2>&1 || fail "vmic-bind take all ended with $?"
expect_driver uio_hv_generic shutdown

mkdir /run/vmicd/request
start_vmicd "[Negotiation]\nProfile=newest\n[Shutdown]\nEnable=yes\n"
wait_for 100 "a request" [ -e /run/vmicd/request/poweroff ]
[ ! -s /run/vmicd/request/poweroff ] || fail "something is in the request"
[ "$(ls -A /run/vmicd/request)" = poweroff ] || fail "there is more than the request"
grep -q 'Shutdown: the host asks to power off' /tmp/vmicd.log || fail "the log does not say why"
rm /run/vmicd/request/poweroff
kill -0 "$vmicd" || fail "vmicd has ended"
stop_vmicd
