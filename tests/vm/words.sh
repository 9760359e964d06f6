# SPDX-License-Identifier: GPL-2.0-only
# The words of tests in a guest that has vmicd; for what is its first process, which says what it is to fail.
# A channel is known by the class of its device (Linux include/linux/hyperv.h).

bus=/sys/bus/vmbus

say() {
	echo "guest: $(cut -d ' ' -f 1 /proc/uptime) $*"
}

# parameter NAME: what the kernel's command line says of it
parameter() {
	sed -n "s/.*[. ]$1=\([^ ]*\).*/\1/p" /proc/cmdline
}

# device NAME: sets d to its directory; "" while the host has taken it away. No program is started here
# and below, as far as that can be: each costs as much as a hundred lines of a shell.
device() {
	case $1 in
	heartbeat) class={57164f39-9115-4e78-ab55-382f3bd5422d} ;;
	kvp) class={a9a0f4e7-5a45-4d96-b827-8a841e8c03e6} ;;
	timesync) class={9527e630-d0ae-497b-adce-e80ab0175caf} ;;
	shutdown) class={0e0b6031-5213-4934-818b-38d90ced39db} ;;
	vss) class={35fa2e29-ea23-4236-96ae-3a6ebacba440} ;;
	fcopy) class={34d14be3-dee4-41c8-9ae7-6b174977c192} ;;
	esac
	for d in "$bus"/devices/*; do
		read -r c 2>/dev/null <"$d/class_id" && [ "$c" = "$class" ] && return
	done
	d=
}

# driver NAME: sets driver; "" if it has none
driver() {
	device "$1"
	for driver in hv_utils uio_hv_generic; do
		[ ! -e "$bus/drivers/$driver/${d##*/}" ] || return 0
	done
	driver=
}

# expect_driver DRIVER COMPONENT...: "" is none
expect_driver() {
	wanted=$1
	shift
	for name; do
		driver "$name"
		[ "$driver" = "$wanted" ] || fail "$name has the driver '$driver', not '$wanted'"
	done
}

# interrupts NAME: sets n to how many its channel has had, since it was offered
interrupts() {
	device "$1"
	n=0
	for file in "$d"/channels/*/interrupts; do
		read -r n 2>/dev/null <"$file" || n=0
	done
}

# beats N: waits until the host has sent N heartbeats more; one comes every two seconds.
beats() {
	interrupts heartbeat
	until=$((n + $1))
	while [ "$n" -lt "$until" ]; do
		sleep 0.5
		interrupts heartbeat
	done
}

# asked: sets now to how often the host has asked for something but heartbeats
asked() {
	interrupts kvp
	now=$n
	interrupts timesync
	now="$now $n"
}

# settle: waits until the host has nothing to ask any more, and has seen that: it reports when nothing
# was new for three seconds.
settle() {
	asked
	while
		before=$now
		beats 3
		asked
		[ "$now" != "$before" ]
	do :; done
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds
wait_for() {
	tries=$(($1 * 4))
	what=$2
	shift 2
	while ! "$@"; do
		[ "$tries" -gt 0 ] || fail "$what did not come"
		tries=$((tries - 1))
		sleep 0.25
	done
}

# refused PATTERN COMMAND...: it ends with status 3 and says that
refused() {
	pattern=$1
	shift
	"$@" >/tmp/refused.log 2>&1
	status=$?
	[ "$status" -eq 3 ] || fail "$* ended with $status"
	grep -q "$pattern" /tmp/refused.log || fail "$* does not say \"$pattern\""
}

# --- what may not be lost, or left ---

# memory: sets available, slab and vmalloc, in kB
memory() {
	while read -r name value _; do
		case $name in
		MemAvailable:) available=$value ;;
		SUnreclaim:) slab=$value ;;
		VmallocUsed:) vmalloc=$value ;;
		esac
	done </proc/meminfo
}

# descriptors PID: sets n
descriptors() {
	n=0
	for file in "/proc/$1"/fd/*; do
		[ ! -L "$file" ] || n=$((n + 1))
	done
}

# has_descriptors PID N: exactly so many
has_descriptors() {
	descriptors "$1"
	[ "$n" -eq "$2" ]
}

# mappings PID: sets n to how many it has of devices of uio_hv_generic
mappings() {
	n=$(grep -c /dev/uio "/proc/$1/maps")
}

# uio_nodes: sets n
uio_nodes() {
	n=0
	for file in /sys/class/uio/*; do
		[ ! -L "$file" ] || n=$((n + 1))
	done
}

# remember: what there is; to be called when all was done some times.
remember() {
	memory
	available_before=$available slab_before=$slab vmalloc_before=$vmalloc
}

# nothing_lost [KB [OBJECTS]]: as remember has seen it, but for what comes and goes (see each number), and
# so many kB of memory, and of the kernel's objects, that are known to be lost.
nothing_lost() {
	memory
	say "MemAvailable $available_before -> $available kB, SUnreclaim $slab_before -> $slab kB," \
		"VmallocUsed $vmalloc_before -> $vmalloc kB; known to be lost: ${1:-0} kB"
	# less than one ring, 4096 kB
	[ $((available_before - available - ${1:-0})) -lt 4000 ] || fail "memory is lost"
	# 200 times a page of small objects would be 800 kB
	[ $((slab - slab_before - ${2:-0})) -lt 600 ] || fail "the kernel's objects have grown"
	# stacks of threads come and go, 20 kB each
	[ $((vmalloc - vmalloc_before)) -lt 200 ] || fail "the kernel's mappings have grown"
}

# What no test may leave in the kernel's log.
bad_log() {
	dmesg | grep -E 'WARNING:|BUG:|Oops|general protection|refcount_t:|blocked for more than|soft lockup|detected stalls|self-detected|Out of memory|oom-kill|Call Trace'
}
