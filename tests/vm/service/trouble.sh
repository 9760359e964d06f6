# SPDX-License-Identifier: GPL-2.0-only
# The guest is in trouble: no memory, no processor, no room on the disk, and a disk that does not answer. First
# hv_utils answers the heartbeats, in the kernel, and then vmicd. The host measures.

# A unit as any other, which the kernel may choose when there is no memory
hog() {
	name=$1
	shift
	systemd-run --quiet --unit="$name" --property=OOMPolicy=continue -- sh -c "$*" || fail "there is no $name"
}

# killed: sets n to how often the kernel has killed something for want of memory
killed() {
	n=$(dmesg | grep -c 'Out of memory')
}

# has_killed N: more often than that
has_killed() {
	killed
	[ "$n" -gt "$1" ]
}

# trouble WHO: each long enough for twenty heartbeats
trouble() {
	killed
	hog memory-hog 'for i in 1 2 3 4 5 6 7 8; do while :; do dd if=/dev/zero of=/dev/null bs=90M count=9; done & done
		wait'
	wait_for 120 "the end of the memory" has_killed "$n"
	beats 20
	systemctl stop memory-hog.service
	killed
	say "$1: out of memory, $n processes killed so far"
	hog processor-hog 'for i in 1 2 3 4 5 6 7; do while :; do :; done & done; wait'
	beats 20
	systemctl stop processor-hog.service
	say "$1: out of processors"
	dd if=/dev/zero of=/var/lib/hyperv/hog bs=64k 2>/dev/null && fail "the disk is not full"
	beats 20
	rm /var/lib/hyperv/hog
	say "$1: out of room"
	# As before a backup. Somebody waits for the disk meanwhile, until he is told that it does not answer.
	fsfreeze --freeze /var/lib/hyperv
	vmicctl kvp set frozen data >/root/frozen.log 2>&1 &
	waits=$!
	beats 40
	wait "$waits"
	status=$?
	fsfreeze --unfreeze /var/lib/hyperv
	say "$1: out of a disk"
}

# is_set: what was asked for meanwhile was done in the end
is_set() {
	[ "$(vmicctl kvp get frozen 2>/dev/null)" = data ]
}

# The pools' own disk, which is full before the memory is
mkdir -p /var/lib/hyperv
expect_served
systemctl stop vmicd.service
wait_for 60 "the devices' return" is_given_back
modprobe brd rd_nr=1 rd_size=2048 || fail "there is no disk"
mke2fs -q -t ext4 -O ^has_journal /dev/ram0 >/root/disk.log 2>&1 && mount /dev/ram0 /var/lib/hyperv || fail "there is no disk"
systemd-tmpfiles --create vmicd.conf
trouble hv_utils
systemctl start vmicd.service
expect_served
pid vmicd.service
served_by=$pid
trouble vmicd
pid vmicd.service
[ "$pid" = "$served_by" ] || fail "it has been killed"
[ "$status" -eq 7 ] || fail "who waited for the disk was told $status: $(cat /root/frozen.log)"
wait_for 30 "what was asked of the disk" is_set
# The host reports when there is another thing to say, and has asked for nothing new for three seconds: the delays until
# then with it. The heartbeat's channel is no other one for that.
vmicctl profile newest >/root/profile.log 2>&1 || fail "vmicctl profile ended with $?"
beats 30
# That was meant, and is the only complaint that may be there.
bad_log() {
	dmesg | grep -E 'WARNING:|BUG:|Oops|general protection|refcount_t:|soft lockup|self-detected'
}
