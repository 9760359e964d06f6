# SPDX-License-Identifier: GPL-2.0-only
# Key-value pairs behind the kernel's driver, which loses its channel once and gets it back.

modules hv_vmbus hv_utils uio uio_hv_generic
printf '[KVP]\nRoute=hv_utils\n' >/tmp/vmicd.conf
vmicd --config /tmp/vmicd.conf >/tmp/vmicd.log 2>&1 &
vmicd=$!

# logged N TEXT: vmicd has said so N times
logged() {
	[ "$(grep -c "$2" /tmp/vmicd.log)" -ge "$1" ]
}

# served N: the driver has asked for the Nth time from the beginning, and the host's items are there
served() {
	logged "$1" 'serving behind' &&
		grep -q PhysicalHostNameFullyQualified /var/lib/hyperv/.kvp_pool_3
}

wait_for 60 "the host's first items" served 1
! vmic-bind --config /tmp/vmicd.conf take kvp 2>/dev/null || fail "KVP's channel was taken"
settle
device kvp
kvp=${d##*/}
echo "$kvp" >$bus/drivers/hv_utils/unbind
wait_for 60 "the loss" logged 1 'the device is gone'
: >/var/lib/hyperv/.kvp_pool_3
echo "$kvp" >$bus/drivers/hv_utils/bind
wait_for 60 "the host's items after that" served 2
stop_vmicd
