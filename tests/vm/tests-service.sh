# SPDX-License-Identifier: GPL-2.0-only
# vmicd installed from its package, as a service of a small Debian with systemd: what each does in its guest is
# service/NAME.sh, which says on the console that all was well, or what was not.

# serve WORDS: the beginning of a command line that boots such a guest, with these words on its kernel's
serve() {
	echo "vmichost boot --kernel \$images/vmlinux --initrd \$images/guest.cpio --memory 512M --console \$console \
--for \$seconds --timeout-ms 30000 --json --append 'nokaslr mitigations=off quiet loglevel=1 systemd.show_status=0 \
systemd.log_level=warning $fewer $*'"
}

# By hv_utils and by vmicd in turns; once more by hv_utils if there is time for it when the guest is switched off. Time
# synchronization twice more, for its other versions.
lived="expect_passed && expect_openings 10-11 heartbeat && expect_openings 12-13 timesync && expect_answered heartbeat timesync"
check service-life service "the service killed, hung, ended in every order" \
	"$(serve vm.install=boot vm.do=life vm.seconds=1200)" "$lived" 1300
check service-package service "the package installed, the manual's example, an upgrade, and purged" \
	"$(serve vm.do=package vm.seconds=800) --release 2019" \
	"expect_passed && expect_served 2019 legacy && expect_served 2019 newest && expect_linux 2019" 900
check service-trouble service "heartbeats without memory, processor, room and disk" \
	"$(serve vm.install=boot vm.do=trouble vm.seconds=800) --heartbeat-ms 300" \
	"expect_passed && expect_delays && expect_answered heartbeat" 900
# systemd 254 and later keep descriptors by FileDescriptorStorePreserve=.
check service-trixie service-trixie "the service killed, hung, ended in every order, with trixie's systemd" \
	"$(serve vm.install=boot vm.do=life vm.seconds=1200)" "$lived" 1300
check service-sandbox service "the pools where /var was empty, polkit, and what the sandbox denies" \
	"$(serve vm.install=boot vm.var=empty vm.do=sandbox)" "expect_passed"
# Late enough that it is not hv_utils that is asked
check service-shutdown service "switched off by systemd, as the host asks vmicd" \
	"$(serve vm.install=boot vm.do=shutdown) --release 2022 --shutdown-after 120" \
	'expect_passed && find_report "shutdown mismatch 3.0 3.0 0" &&
	expect $o.output "\"shutdown\": \"answered\"" "\"shutdown_status\": 0"'
# Without file copy: Linux itself has that with uio_hv_generic, and refuses to hibernate then.
check service-hibernate service "hibernated, with the devices given back before it" \
	"$(serve vm.install=boot vm.do=hibernate) --memory 1000M --components heartbeat,kvp,timesync,shutdown,vss" \
	"expect_passed"
check service-nowhere service "the service where there is no Hyper-V" \
	"$(serve nopv vm.install=boot vm.do=nowhere)" "expect_passed"
