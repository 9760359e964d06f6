#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# service-image.sh OUT DEBIAN FILE...: an initramfs of DEBIAN, which debian.sh has made, with service-init.sh
# as its first process, and systemd after that, which starts service-run.sh when all else has been started.
# What a guest of a minute's life has no use for is masked. FILE is SOURCE=/PATH.
set -eu

out=$1
debian=$2
shift 2

tree=$(mktemp -d)
chmod 755 "$tree"
trap 'rm -rf "$tree"' EXIT
units=$tree/etc/systemd/system
mkdir -p "$units/multi-user.target.wants" "$units/systemd-udev-trigger.service.d" "$tree/etc/systemd/journald.conf.d"

mask() {
	for unit; do ln -s /dev/null "$units/$unit"; done
}

# Others come and go with it.
mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
	systemd-tmpfiles-clean.timer
# A machine without disks, network, terminals and users, whose files are new at each boot
mask dev-hugepages.mount dev-mqueue.mount e2scrub_reap.service getty.target kmod-static-nodes.service \
	ldconfig.service modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service \
	modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service proc-sys-fs-binfmt_misc.automount \
	sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
	systemd-ask-password-console.path systemd-ask-password-wall.path systemd-binfmt.service \
	systemd-boot-system-token.service systemd-firstboot.service systemd-fsckd.socket \
	systemd-hwdb-update.service systemd-initctl.socket systemd-journal-catalog-update.service \
	systemd-journal-flush.service systemd-logind.service systemd-machine-id-commit.service \
	systemd-modules-load.service systemd-network-generator.service systemd-networkd.service \
	systemd-networkd.socket systemd-pstore.service systemd-random-seed.service systemd-remount-fs.service \
	systemd-sysctl.service systemd-sysusers.service systemd-timesyncd.service \
	systemd-tmpfiles-setup-dev.service systemd-update-done.service systemd-update-utmp.service \
	systemd-update-utmp-runlevel.service systemd-user-sessions.service

# Without the hundred terminals and memory blocks, which nobody asks for.
cat >"$units/systemd-udev-trigger.service.d/few.conf" <<'UNIT'
[Service]
ExecStart=
ExecStart=udevadm trigger --action=add --subsystem-match=acpi --subsystem-match=platform \
	--subsystem-match=vmbus --subsystem-match=uio --subsystem-match=misc --subsystem-match=mem
UNIT
cat >"$tree/etc/systemd/journald.conf.d/memory.conf" <<'UNIT'
[Journal]
Storage=volatile
UNIT
cat >"$units/test.service" <<'UNIT'
[Unit]
Description=What this guest was booted for
After=multi-user.target

[Service]
ExecStart=/bin/sh /run.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
# It uses up what it can get, and says how that went.
OOMScoreAdjust=-1000
UNIT
ln -s ../test.service "$units/multi-user.target.wants"
ln -s /lib/systemd/system/multi-user.target "$units/default.target"
echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
echo guest >"$tree/etc/hostname"

install -m 755 tests/vm/service-init.sh "$tree/init"
cp tests/vm/service-run.sh "$tree/run.sh"
cp tests/vm/words.sh "$tree"
mkdir "$tree/tests"
cp tests/vm/service/*.sh "$tree/tests"
for file; do
	mkdir -p "$tree/$(dirname "${file#*=}")"
	cp -L "${file%%=*}" "$tree/${file#*=}"
done
{
	cat "$debian"
	(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0)
} >"$out.new"
mv "$out.new" "$out"
