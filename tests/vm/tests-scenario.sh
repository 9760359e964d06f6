# SPDX-License-Identifier: GPL-2.0-only
# The scenario suite over a real VMBus: vmicd in Debian's newest kernel, on the devices that
# uio_hv_generic has; one boot for all files. Not trixie's 6.12: there a device costs 47 MiB and hundreds of
# messages each time it is offered, and one that is taken away at the wrong moment leaves hv_utils with
# a null pointer. The memory: each channel that is taken away while a program has it open costs its
# rings, 4 MiB, which these kernels never free (drivers/hv/channel.c: vmbus_free_ring keeps what no
# teardown has given back, and a rescind spares the teardown). Emulated, a guest is slow.
check scenarios scenario-trixie-backports "every scenario, over a real VMBus" \
	'vmichost scenario --kernel $images/vmlinux --initrd $images/guest.cpio --memory 700M --slow 4 \
	--append "nokaslr mitigations=off quiet '"$fewer"'" --console $console $images/*.scn -- vmicd --config={config}' \
	'expect $o.output "^[0-9]* passed, 0 failed, 1 skipped" &&
	[ "$(grep -c "^ok " $o.output)" -eq $(($(ls tests/scenario/*.scn | wc -l) - 1)) ]' 900
