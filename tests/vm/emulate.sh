#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# emulate.sh VMLINUX INITRAMFS SECONDS OUT: boots a kernel and the initramfs of outer-init.sh in a
# machine that QEMU emulates in software, AMD's virtualization included, so that KVM with its Hyper-V
# emulation works inside whatever this computer can. OUT.console, OUT.output and OUT.guest get its
# three serial ports. The exit status is that of /run.sh; 125: the machine did not get so far in time.
# An EPYC is the quickest model to emulate, and one thread as quick as several. QEMU 7.2's emulation of
# BMI and ADX spoils the flags, and then whatever kernel uses them (seen as oopses at both levels).
set -u

kernel=$1
initramfs=$2
limit=$3
out=$4

timeout -k 5 "$limit" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
	-machine pc -accel tcg,thread=single,tb-size=512 -cpu EPYC,+svm,+npt,-bmi1,-bmi2,-adx -smp 1 -m 1024 \
	-serial "file:$out.console" -serial "file:$out.output" -serial "file:$out.guest" \
	-kernel "$kernel" -initrd "$initramfs" -append "console=ttyS0 panic=-1 nokaslr mitigations=off quiet \
initcall_blacklist=crypto_kdf108_init,jent_mod_init,load_system_certificate_list" </dev/null >"$out.qemu" 2>&1
status=$(tr -d '\r' <"$out.console" | sed -n 's/^status \([0-9]*\)$/\1/p' | tail -n 1)
exit "${status:-125}"
