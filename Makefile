# vmicd: the Hyper-V integration daemon, its protocol library and the host simulator.
#
#	make            builds everything into build/, and installs what is missing for that first
#	make demo       shows the main job: a legacy guest, and how a 2019 host reports it
#	make check      runs every test
#	make help       lists the rest

SHELL := /bin/sh
BUILD := build
VERSION := $(shell cat daemon/VERSION)

CC ?= gcc
CLANG ?= clang
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wswitch-enum -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-Wformat=2 -Wpointer-arith $(if $(WERROR),-Werror)
override CPPFLAGS += -I. -D_GNU_SOURCE -DVMICD_VERSION='"$(VERSION)"'
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

.PHONY: deps
deps: $(BUILD)/deps.mk

# --- objects ---
# One set of rules for every flavour: build/FLAVOUR/path/of/source.o

HV_UTIL := $(wildcard hv_util/*.c)
DAEMON := $(filter-out daemon/main.c,$(wildcard daemon/*.c))
HOST := $(filter-out tests/host/main.c,$(wildcard tests/host/*.c))
UNIT := $(wildcard tests/unit/test_*.c)
FUZZ := $(wildcard tests/fuzz/fuzz_*.c)

flags_plain :=
flags_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
flags_tsan := -fsanitize=thread
flags_clang :=
flags_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
flags_afl :=
cc_plain = $(CC)
cc_asan = $(CC)
cc_tsan = $(CC)
cc_clang = $(CLANG)
cc_fuzz = $(CLANG)
cc_afl = afl-clang-fast

define flavour
$(BUILD)/$(1)/%.o: %.c $(BUILD)/deps.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$< $(if $(filter-out plain,$(1)),[$(1)]))
	$$(Q)$$(cc_$(1)) $$(CPPFLAGS) $$(CFLAGS) $$(flags_$(1)) $$(PKG_CFLAGS) -MMD -MP -c -o $$@ $$<

# Members of an archive that are no longer there must not stay in it.
$(BUILD)/$(1)/libhv_util.a: $(HV_UTIL:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libdaemon.a: $(DAEMON:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/libhost.a: $(HOST:%.c=$(BUILD)/$(1)/%.o)
$(BUILD)/$(1)/lib%.a:
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^

LIBS_$(1) := $(BUILD)/$(1)/libhost.a $(BUILD)/$(1)/libdaemon.a $(BUILD)/$(1)/libhv_util.a

$(BUILD)/$(1)/vmicd: $(BUILD)/$(1)/daemon/main.o $(BUILD)/$(1)/libdaemon.a $(BUILD)/$(1)/libhv_util.a
$(BUILD)/$(1)/vmichost: $(BUILD)/$(1)/tests/host/main.o $(BUILD)/$(1)/libhost.a
$(BUILD)/$(1)/example_guest: $(BUILD)/$(1)/tests/example_guest.o
$(UNIT:tests/unit/%.c=$(BUILD)/$(1)/%): $(BUILD)/$(1)/%: $(BUILD)/$(1)/tests/unit/%.o $$(LIBS_$(1))
$(BUILD)/$(1)/vmicd $(BUILD)/$(1)/vmichost $(BUILD)/$(1)/example_guest $(UNIT:tests/unit/%.c=$(BUILD)/$(1)/%):
	$$(call say,LD,$$@)
	$$(Q)$$(cc_$(1)) $$(LDFLAGS) $$(flags_$(1)) -o $$@ $$^ $$(PKG_LIBS)
endef

$(foreach f,plain asan tsan clang fuzz afl,$(eval $(call flavour,$(f))))
-include $(wildcard $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)

.PHONY: programs
programs: $(BUILD)/vmicd $(BUILD)/vmichost

$(BUILD)/%: $(BUILD)/plain/%
	$(Q)cp $< $@

.PHONY: clean
clean:
	rm -rf $(BUILD)
