#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# emulate.sh QEMU VMLINUX INITRAMFS SECONDS OUT: boots a kernel and the initramfs of outer-init.sh in a
# machine that the command QEMU emulates in software, AMD's virtualization included, so that KVM with
# its Hyper-V emulation works inside, whatever this computer can. OUT.machine, OUT.output and
# OUT.console get its three serial ports. The exit status is that of /run.sh; 125: the machine did not
# get so far in time. An EPYC is the quickest model to emulate, and one thread as quick as several.
set -u

qemu=$1
kernel=$2
initramfs=$3
limit=$4
out=$5

# Half of what a boot does, and of no use here: the tests of the kernel's ciphers, and some initcalls.
fewer="cryptomgr.notests initcall_blacklist=crypto_kdf108_init,jent_mod_init,load_system_certificate_list,bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init"

# shellcheck disable=SC2086 # QEMU is a command with arguments
timeout -k 5 "$limit" $qemu -nodefaults -no-user-config -display none -no-reboot \
	-machine pc -accel tcg,thread=single,tb-size=512 -cpu EPYC,+svm,+npt -smp 1 -m 1536 \
	-serial "file:$out.machine" -serial "file:$out.output" -serial "file:$out.console" \
	-kernel "$kernel" -initrd "$initramfs" -append "console=ttyS0 panic=-1 nokaslr mitigations=off quiet \
$fewer" </dev/null >"$out.qemu" 2>&1 &
machine=$!
trap 'kill "$machine"' INT TERM HUP
wait "$machine"
status=$(tr -d '\r' <"$out.machine" | sed -n 's/^status \([0-9]*\)$/\1/p' | tail -n 1)
exit "${status:-125}"
