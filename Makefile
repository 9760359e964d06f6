# vmicd: the Hyper-V integration daemon, its protocol library and the host simulator.
#
#	make            builds everything into build/, and installs what is missing for that first
#	make demo       shows the main job: a legacy guest, and how a 2019 host reports it
#	make check      runs every test
#	make help       lists the rest

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
# As many jobs as there are processors.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
BUILD := build
VERSION := $(shell cat daemon/VERSION)

CC ?= gcc
CLANG ?= clang
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-Wformat=2 -Wpointer-arith $(if $(WERROR),-Werror)
override CPPFLAGS += -I. -I$(BUILD)/generated -D_GNU_SOURCE -DVMICD_VERSION='"$(VERSION)"'
# Each program needs its own few of the libraries only.
override LDFLAGS += -Wl,--as-needed
override CFLAGS += -std=gnu11 $(WARNINGS)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

.PHONY: all
all: programs

# What is missing is installed once, before the first rule runs: the flags that pkg-config prints
# are written to a file, and make starts over when that file has changed.
ifeq ($(filter clean help,$(MAKECMDGOALS)),)
-include $(BUILD)/deps.mk
endif

$(BUILD)/deps.mk: tests/deps.sh Makefile
	@mkdir -p $(@D)
	@sh tests/deps.sh build $@

$(BUILD)/deps-%.mk: tests/deps.sh | $(BUILD)/deps.mk
	@sh tests/deps.sh $* $@

.PHONY: deps
deps: $(BUILD)/deps.mk

# --- objects ---
# One set of rules for every flavour: build/FLAVOUR/path/of/source.o

HV_UTIL := $(wildcard hv_util/*.c)
DAEMON := $(filter-out daemon/main.c,$(wildcard daemon/*.c))
BIND := $(filter-out daemon/bind/main.c,$(wildcard daemon/bind/*.c))
CTL := $(filter-out daemon/ctl/main.c,$(wildcard daemon/ctl/*.c))
TERMINAL := $(wildcard daemon/terminal/*.c)
BUS := $(wildcard daemon/bus/*.c)
HOST := $(filter-out tests/host/main.c,$(wildcard tests/host/*.c tests/host/kvm/*.c))
# The machine that vmichost boots is an x86-64 one.
HOST_ELSEWHERE := $(filter-out $(addprefix tests/host/kvm/,machine.c vcpu.c cpuid.c),$(HOST)) tests/host/nokvm/machine.c
DSDT := $(BUILD)/generated/tests/host/kvm/dsdt.h
UNIT_HOST := $(wildcard tests/unit/test_host_*.c)
UNIT_GUEST := $(filter-out $(UNIT_HOST),$(wildcard tests/unit/test_*.c))
UNIT := $(UNIT_GUEST) $(UNIT_HOST)
PROGRAMS := vmicd vmicctl vmic-bind vmichost example_guest keeper
FUZZ := $(wildcard tests/fuzz/fuzz_*.c)

flags_plain :=
flags_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
flags_tsan := -fsanitize=thread
flags_clang :=
flags_cov := --coverage -O0
flags_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
flags_afl :=
# What the other architecture's libraries lie in; no include path of this machine's is wanted there.
SYSROOT := $(BUILD)/sysroot-arm64
flags_arm64 := -include tests/cross/fences.h -isystem $(SYSROOT)/root/usr/include -L$(SYSROOT)/root/usr/lib/aarch64-linux-gnu \
	-Wl,-rpath-link,$(SYSROOT)/root/usr/lib/aarch64-linux-gnu:$(SYSROOT)/root/lib/aarch64-linux-gnu
# What a flavour's compiler comes with.
needs_clang := $(BUILD)/deps-check.mk
needs_fuzz := $(BUILD)/deps-fuzz.mk
needs_afl := $(BUILD)/deps-fuzz.mk
needs_arm64 := $(SYSROOT)/done
cc_plain = $(CC)
cc_asan = $(CC)
cc_tsan = $(CC)
cc_clang = $(CLANG)
cc_cov = $(CC)
cc_fuzz = $(CLANG)
cc_afl = afl-clang-fast
cc_arm64 = aarch64-linux-gnu-gcc
# What its programs run on.
processor_plain := $(shell uname -m)
processor_arm64 := aarch64

# Error 6033: _HID must have a form that Hyper-V's "VMBUS" has not. Warning 3150: its _CRS is empty.
$(DSDT): tests/host/kvm/dsdt.asl $(BUILD)/deps.mk
	@mkdir -p $(@D)
	$(call say,IASL,$<)
	$(Q)iasl -vs -ve -vw 6033 -vw 3150 -tc -p $(@:.h=) $< >$(@:.h=.log) || { cat $(@:.h=.log); exit 1; }
	$(Q)sed 's/^unsigned char/static const unsigned char/' $(@:.h=.hex) >$@

# What an object was made with: when that changes, it is made anew.
.PHONY: always

define flavour
$(BUILD)/$(1)/flags: always
	@mkdir -p $$(@D)
	@echo '$$(cc_$(1)) $$(CPPFLAGS) $$(CFLAGS) $$(flags_$(1))' | cmp -s - $$@ || \
		echo '$$(cc_$(1)) $$(CPPFLAGS) $$(CFLAGS) $$(flags_$(1))' >$$@

$(BUILD)/$(1)/%.o: %.c $(BUILD)/deps.mk $(BUILD)/$(1)/flags | $(needs_$(1))
	@mkdir -p $$(@D)
	$$(call say,CC,$$< $(if $(filter-out plain,$(1)),[$(1)]))
	$$(Q)$$(cc_$(1)) $$(CPPFLAGS) $$(CFLAGS) $$(flags_$(1)) $$(PKG_CFLAGS) -MMD -MP -c -o $$@ $$<

$(BUILD)/$(1)/tests/host/kvm/acpi.o: $(DSDT)

# Members of an archive that are no longer there must not stay in it.
$(BUILD)/$(1)/libhv_util.a: $(HV_UTIL:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libdaemon.a: $(DAEMON:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libbus.a: $(BUS:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libbind.a: $(BIND:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libctl.a: $(CTL:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libhost.a: $$(patsubst %.c,$(BUILD)/$(1)/%.o,$$(if \
	$$(filter x86_64,$$(or $$(processor_$(1)),$$(processor_plain))),$(HOST),$(HOST_ELSEWHERE)))
$(BUILD)/$(1)/libterminal.a: $(TERMINAL:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/lib%.a:
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^

# The host's tests are linked without the guest's code, and the guest's without the host's.
LIBS_$(1) := $(BUILD)/$(1)/libctl.a $(BUILD)/$(1)/libterminal.a $(BUILD)/$(1)/libbind.a $(BUILD)/$(1)/libbus.a $(BUILD)/$(1)/libdaemon.a $(BUILD)/$(1)/libhv_util.a
HOST_LIBS_$(1) := $(BUILD)/$(1)/libhost.a $(BUILD)/$(1)/libterminal.a

$(BUILD)/$(1)/vmicd: $(BUILD)/$(1)/daemon/main.o $(BUILD)/$(1)/libbus.a $(BUILD)/$(1)/libdaemon.a $(BUILD)/$(1)/libhv_util.a
$(BUILD)/$(1)/vmicctl: $(BUILD)/$(1)/daemon/ctl/main.o $(BUILD)/$(1)/libctl.a $(BUILD)/$(1)/libterminal.a
$(BUILD)/$(1)/vmic-bind: $(BUILD)/$(1)/daemon/bind/main.o $$(LIBS_$(1))
$(BUILD)/$(1)/vmichost: $(BUILD)/$(1)/tests/host/main.o $$(HOST_LIBS_$(1))
$(BUILD)/$(1)/example_guest: $(BUILD)/$(1)/tests/example_guest.o $(BUILD)/$(1)/libhv_util.a
$(BUILD)/$(1)/keeper: $(BUILD)/$(1)/tests/keeper.o
$(UNIT_HOST:tests/unit/%.c=$(BUILD)/$(1)/%): $(BUILD)/$(1)/%: $(BUILD)/$(1)/tests/unit/%.o $$(HOST_LIBS_$(1))
$(UNIT_GUEST:tests/unit/%.c=$(BUILD)/$(1)/%): $(BUILD)/$(1)/%: $(BUILD)/$(1)/tests/unit/%.o $$(LIBS_$(1))
$(BUILD)/$(1)/vmicd $(BUILD)/$(1)/vmicctl $(BUILD)/$(1)/vmic-bind $(BUILD)/$(1)/vmichost $(BUILD)/$(1)/example_guest $(BUILD)/$(1)/keeper $(UNIT:tests/unit/%.c=$(BUILD)/$(1)/%):
	$$(call say,LD,$$@)
	$$(Q)$$(cc_$(1)) $$(LDFLAGS) $$(flags_$(1)) -o $$@ $$^ $$(PKG_LIBS) -pthread
endef

$(foreach f,plain asan tsan clang cov fuzz afl arm64,$(eval $(call flavour,$(f))))
-include $(wildcard $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d $(BUILD)/*/*/*/*/*.d)

.PHONY: programs
programs: $(PROGRAMS:%=$(BUILD)/%)

$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/plain/%
	$(Q)ln -f $< $@

.PHONY: demo
demo: programs
	@sh tests/demo.sh $(BUILD)

# --- installing ---
# PREFIX=/usr is what packages are made with. udev, systemd and dbus read what lies in /usr/local as well, but for three
# kinds of files: the bus policy is then /etc's, and hooks of systemd-sleep, catalogs and polkit's actions are /usr's always.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
SLEEPDIR ?= /usr/lib/systemd/system-sleep
MANDIR := $(PREFIX)/share/man
BUSDIR := $(if $(filter /usr,$(PREFIX)),/usr/share,$(SYSCONFDIR))/dbus-1/system.d
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITS := $(patsubst systemd/%.in,%,$(wildcard systemd/*.service.in))
INSTALLED_PROGRAMS := $(filter vmicd vmic-bind vmicctl vmichost,$(PROGRAMS))

# What is installed where: mode, source, target. A part that is not there is left out.
INSTALL := \
	$(foreach p,$(filter vmicd vmic-bind,$(INSTALLED_PROGRAMS)),755,$(BUILD)/$p,$(PREFIX)/sbin/$p) \
	$(foreach p,$(filter vmicctl vmichost,$(INSTALLED_PROGRAMS)),755,$(BUILD)/$p,$(PREFIX)/bin/$p) \
	$(foreach m,$(wildcard $(foreach s,1 5 8,daemon/*.$s daemon/*/*.$s tests/host/*.$s systemd/*.$s)),\
		644,$m,$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m)) \
	$(foreach u,$(UNITS),644,$(BUILD)/systemd/$u,$(UNITDIR)/$u) \
	$(foreach u,$(wildcard systemd/vmic-power@.*),644,$u,$(UNITDIR)/$(notdir $u)) \
	644,systemd/hv-kvp-daemon.conf,$(UNITDIR)/hv-kvp-daemon.service.d/vmicd.conf \
	644,systemd/hv-kvp-daemon.conf,$(UNITDIR)/hypervkvpd.service.d/vmicd.conf \
	644,systemd/vmicd.sysusers,$(PREFIX)/lib/sysusers.d/vmicd.conf \
	644,systemd/vmicd.tmpfiles,$(PREFIX)/lib/tmpfiles.d/vmicd.conf \
	644,systemd/60-vmicd.rules,$(PREFIX)/lib/udev/rules.d/60-vmicd.rules \
	755,systemd/vmicd.sleep,$(SLEEPDIR)/vmicd \
	644,daemon/vmicd.conf,$(SYSCONFDIR)/vmicd/vmicd.conf \
	644,systemd/clock-step.conf,$(PREFIX)/share/doc/vmicd/examples/clock-step.conf \
	$(foreach f,$(wildcard systemd/org.vmicd1.conf),644,$f,$(BUSDIR)/$(notdir $f)) \
	$(foreach f,$(wildcard systemd/org.vmicd1.policy),644,$f,/usr/share/polkit-1/actions/$(notdir $f)) \
	$(foreach f,$(wildcard systemd/vmicd.catalog),644,$f,/usr/lib/systemd/catalog/$(notdir $f)) \
	$(foreach f,$(wildcard systemd/vmicctl.bash),644,$f,$(PREFIX)/share/bash-completion/completions/vmicctl) \
	$(foreach f,$(wildcard systemd/_vmicctl),644,$f,$(ZSHDIR)/_vmicctl)

$(BUILD)/systemd/prefix: always
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@

$(BUILD)/systemd/%.service: systemd/%.service.in $(BUILD)/systemd/prefix
	$(Q)sed 's,@sbindir@,$(PREFIX)/sbin,g' $< >$@

.PHONY: units
units: $(UNITS:%=$(BUILD)/systemd/%)

.PHONY: install
install: programs units
	@sh systemd/install.sh install '$(DESTDIR)' $(INSTALL)

.PHONY: uninstall
uninstall:
	@sh systemd/install.sh uninstall '$(DESTDIR)' $(INSTALL)

# A Debian package, made of a copy of the tree: build/vmicd_VERSION_ARCH.deb and build/vmichost_VERSION_ARCH.deb.
# DEB_VERSION=1.2.3 gives it another version, to try an upgrade with.
DEB := $(BUILD)/deb/vmicd
DEB_VERSION ?= $(VERSION)

.PHONY: deb
deb: $(BUILD)/deps-deb.mk
	@rm -rf $(BUILD)/deb && mkdir -p $(DEB)
	@tar -c --exclude=./build --exclude='$(patsubst $(realpath .)/%,./%,$(realpath $(BUILD)))' --exclude=./.git . | tar -x -C $(DEB)
	@cp -r systemd/debian $(DEB)/debian
	@sed -i '1s/(.*)/($(DEB_VERSION))/' $(DEB)/debian/changelog
	$(call say,DEB,vmicd $(DEB_VERSION))
	$(Q)cd $(DEB) && env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES nice dpkg-buildpackage -b -us -uc $(if $(V),,>../log 2>&1 || { tail -n 20 ../log; exit 1; })
	@ln -f $(BUILD)/deb/vmicd_*.deb $(BUILD)/deb/vmichost_*.deb $(BUILD)/

# --- tests ---

TOTALS := $(BUILD)/check.totals
RUN = sh tests/run.sh $(TOTALS)
# $(call scenarios,FLAVOUR): the command that plays every scenario with that build's two programs
scenarios = "$(BUILD)/$(1)/vmichost scenario tests/scenario/*.scn -- \
	$(BUILD)/$(1)/vmicd --config={config} --transport=socket:{socket}"
threaded_in = $(patsubst %,$(BUILD)/$(1)/%,test_ring_stress test_kvp_worker)
tests_in = $(UNIT:tests/unit/%.c=$(BUILD)/$(1)/%)
replays := $(FUZZ:tests/fuzz/fuzz_%.c=$(BUILD)/asan/replay_%)
# A sanitizer's report must fail the program that it is about.
SAN_ENV := ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1

# Everything, in this order: a failure stops before the slower parts.
.PHONY: check
check:
	@rm -f $(TOTALS)
	@for part in check-plain check-systemd check-deb check-clang check-san; do \
		$(MAKE) --no-print-directory WERROR=1 $$part || exit 1; done
	@$(RUN)

.PHONY: check-plain
check-plain: programs $(BUILD)/deps-check.mk $(call tests_in,plain)
	@$(RUN) "unit tests" $(call tests_in,plain)
	@$(RUN) "scenarios" $(call scenarios,plain)
	@$(RUN) "the tree and the programs" "sh tests/structure.sh $(BUILD)" "sh tests/programs.sh $(BUILD)"

# What systemd, udev and packages are given.
.PHONY: check-systemd
check-systemd: programs units $(BUILD)/deps-check.mk $(BUILD)/plain/filtered
	@$(RUN) "units and installation" "sh tests/systemd/check.sh $(BUILD)"

# The packages that are made of this tree, where there is a Debian.
.PHONY: check-deb
check-deb: $(if $(wildcard /usr/bin/apt-get),deb) programs units
	@$(RUN) "Debian packages" "sh tests/systemd/deb.sh $(BUILD)"

$(BUILD)/generated/syscalls.h: $(BUILD)/deps.mk
	@mkdir -p $(@D)
	$(Q)echo | $(CC) -E -dM -include sys/syscall.h - | awk '$$2 ~ /^__NR_[a-z]/ { print "{ \"" substr($$2, 6) "\", " $$2 " }," }' >$@

$(BUILD)/plain/tests/systemd/filtered.o: $(BUILD)/generated/syscalls.h
$(BUILD)/plain/filtered: $(BUILD)/plain/tests/systemd/filtered.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^

# The second compiler: it warns of other things, and orders the ring's words differently.
.PHONY: check-clang
check-clang: $(BUILD)/clang/vmicd $(BUILD)/clang/vmicctl $(BUILD)/clang/vmic-bind $(BUILD)/clang/vmichost $(BUILD)/clang/test_ring_stress
	@$(RUN) "built with clang" $(BUILD)/clang/test_ring_stress

# Address and undefined-behaviour sanitizers on everything, the thread sanitizer on what has threads.
.PHONY: check-san
check-san: $(BUILD)/asan/vmicd $(BUILD)/asan/vmicctl $(BUILD)/asan/vmic-bind $(BUILD)/asan/vmichost $(call tests_in,asan) $(replays) \
		$(call threaded_in,tsan)
	@$(SAN_ENV) $(RUN) "unit tests, address and undefined-behaviour sanitizers" $(call tests_in,asan)
	@$(SAN_ENV) $(RUN) "saved fuzz inputs" $(foreach r,$(replays),"$(r) tests/fuzz/corpus/$(r:$(BUILD)/asan/replay_%=%)")
	@$(SAN_ENV) $(RUN) "scenarios, address and undefined-behaviour sanitizers" $(call scenarios,asan)
	@$(SAN_ENV) $(RUN) "threads, thread sanitizer" $(foreach t,$(call threaded_in,tsan),"setarch -R $t")

# A guest that means no good, as a flat image; it stands on nothing.
$(BUILD)/vm/hostile: tests/vm/hostile.c tests/vm/hostile.ld $(BUILD)/deps.mk
	@mkdir -p $(@D)
	$(call say,GUEST,$@)
	$(Q)$(CC) -std=gnu11 -O2 $(WARNINGS) -ffreestanding -fno-pie -fno-stack-protector \
		-fcf-protection=none -mno-red-zone -mgeneral-regs-only -c -o $@.o $<
	$(Q)ld -nostdlib -static --no-warn-rwx-segments -T tests/vm/hostile.ld -o $@.elf $@.o
	$(Q)objcopy -O binary $@.elf $@

# What tries the sandbox of vmicd.service.
$(BUILD)/vm/probe: tests/vm/probe.c hv_util/base.h $(BUILD)/deps.mk
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -O2 $(CPPFLAGS) $(WARNINGS) -o $@ $<

# Guests on a real VMBus; VM_TESTS names some of the tests, VM_JOBS says how many run at a time.
.PHONY: check-vm check-service
check-vm check-service: programs $(BUILD)/vm/hostile $(BUILD)/vm/probe $(BUILD)/deps-vm.mk
check-vm:
	@sh tests/vm/check.sh $(BUILD) $(VM_TESTS)

# Those of check-vm that have vmicd's package in a small Debian that systemd runs.
check-service:
	@sh tests/vm/check.sh $(BUILD) 'service-*'

# arm64, on this machine: libraries are unpacked into build/, and what was made with them runs under qemu-user.
$(SYSROOT)/done: tests/cross/sysroot.sh tests/vm/apt.sh $(BUILD)/deps-cross.mk
	@sh tests/cross/sysroot.sh $(SYSROOT) arm64 libsystemd-dev libudev-dev libinih-dev libjansson-dev libmnl-dev libcmocka-dev
	@touch $@

$(BUILD)/arm64/preadv2.so: tests/cross/preadv2.c $(BUILD)/deps-cross.mk
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(cc_arm64) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

# Those of the library, and of what stands directly on it; test_release starts programs, which are this machine's.
tests_cross := $(filter-out %/test_release.c,$(wildcard $(foreach n,$(HV_UTIL:hv_util/%.c=%),tests/unit/test_$n.c tests/unit/test_$n_*.c) \
	$(foreach n,bytes channel keep pool host_ring host_vmbus host_wire,tests/unit/test_$n.c)))

.PHONY: check-cross
check-cross: export QEMU_LD_PREFIX = $(CURDIR)/$(SYSROOT)/root
check-cross: export QEMU_SET_ENV = LD_PRELOAD=$(CURDIR)/$(BUILD)/arm64/preadv2.so
check-cross: $(tests_cross:tests/unit/%.c=$(BUILD)/arm64/%) $(BUILD)/arm64/preadv2.so $(BUILD)/vmichost \
		$(foreach p,vmicd vmic-bind vmicctl vmichost,$(BUILD)/arm64/$p)
	@$(RUN) "arm64, unit tests" $(foreach t,$(tests_cross:tests/unit/%.c=%),"qemu-aarch64 $(BUILD)/arm64/$t")
	@$(RUN) "arm64, programs" "sh tests/cross/programs.sh $(BUILD)"
	@$(RUN) "arm64, scenarios" "$(BUILD)/vmichost scenario tests/scenario/*.scn -- \
		qemu-aarch64 $(BUILD)/arm64/vmicd --config={config} --transport=socket:{socket}"

# --- fuzzing: FUZZ_SECONDS for each target and fuzzer ---

FUZZ_SECONDS ?= 60
fuzz_names := $(FUZZ:tests/fuzz/fuzz_%.c=%)

.PHONY: fuzz
fuzz: $(fuzz_names:%=$(BUILD)/fuzz/libfuzzer_%) $(fuzz_names:%=$(BUILD)/afl/afl_%)
	@sh tests/fuzz/run.sh $(BUILD) $(FUZZ_SECONDS) $(fuzz_names)

$(BUILD)/asan/replay_%: $(BUILD)/asan/tests/fuzz/fuzz_%.o $(BUILD)/asan/tests/fuzz/replay.o $(LIBS_asan) $(HOST_LIBS_asan)
	$(call say,LD,$@)
	$(Q)$(cc_asan) $(LDFLAGS) $(flags_asan) -o $@ $^ $(PKG_LIBS)
.SECONDARY:

$(BUILD)/fuzz/libfuzzer_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(LIBS_fuzz) $(HOST_LIBS_fuzz)
	$(call say,LD,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $^ $(PKG_LIBS)

$(BUILD)/afl/afl_%: $(BUILD)/afl/tests/fuzz/fuzz_%.o $(BUILD)/afl/tests/fuzz/afl.o $(LIBS_afl) $(HOST_LIBS_afl)
	$(call say,LD,$@)
	$(Q)$(cc_afl) -o $@ $^ $(PKG_LIBS)

# --- the rest ---

BENCH := $(wildcard tests/bench/bench_*.c)

$(BENCH:tests/bench/%.c=$(BUILD)/plain/%): $(BUILD)/plain/%: $(BUILD)/plain/tests/bench/%.o $(HOST_LIBS_plain) $(LIBS_plain)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -pthread

.PHONY: bench
bench: programs $(BENCH:tests/bench/%.c=$(BUILD)/plain/%)
	@for b in $(BENCH:tests/bench/%.c=$(BUILD)/plain/%); do $$b || exit 1; done
	@sh tests/vm/bench.sh $(BUILD)

.PHONY: coverage
coverage: $(BUILD)/cov/vmicd $(BUILD)/cov/vmicctl $(BUILD)/cov/vmic-bind $(BUILD)/cov/vmichost $(call tests_in,cov)
	@rm -f $(TOTALS) && find $(BUILD)/cov -name '*.gcda' -delete
	@$(RUN) "unit tests" $(call tests_in,cov)
	@$(RUN) "scenarios" $(call scenarios,cov)
	@sh tests/coverage.sh $(BUILD)

.PHONY: clean
clean:
	rm -rf $(BUILD)

.PHONY: help
help:
	@echo 'make               build/vmicd and build/vmichost; installs what is missing for that'
	@echo 'make demo          a legacy guest on a 2019 host, then the same guest at its newest'
	@echo 'make check         every test: units, scenarios, sanitizers, saved fuzz inputs, structure'
	@echo 'make check-plain   the same without clang and sanitizers'
	@echo 'make check-systemd units, sandbox and installation alone'
	@echo 'make check-deb     builds the Debian packages, and checks them with lintian and by their scripts'
	@echo 'make check-vm      boots real Linux guests and reports them; fetches kernels into ~/.cache/vmicd'
	@echo 'make check-service those of check-vm with vmicd as a service, in guests that systemd runs'
	@echo 'make check-san     the sanitizers alone'
	@echo 'make fuzz          libFuzzer and AFL++, FUZZ_SECONDS=60 for each target'
	@echo 'make bench         speed, side by side with what the machine can do at best'
	@echo 'make coverage      which lines the tests reach'
	@echo 'make check-cross   the same library and daemon for arm64, under qemu-user'
	@echo 'make deb           packages for Debian, in build/'
	@echo 'make install       DESTDIR= PREFIX=/usr/local; make uninstall takes away what it put there'
	@echo 'make clean         removes build/'
	@echo 'V=1 shows the commands, WERROR=1 makes warnings errors, CC= and CFLAGS= are respected'
