# SPDX-License-Identifier: BSD-2-Clause
# xskit: `make demo` shows it at work, `make check` proves it. V=1 shows the commands.

VERSION := 0.1.0
SOVERSION := 0

# All CPUs, unless it is said how many.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
LIBEXEC ?= $(PREFIX)/libexec/xskit
LIBDIR  ?= $(PREFIX)/lib
INCDIR  ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share/xskit
DESTDIR ?=

CC      ?= gcc
CXX     ?= g++
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)

# SANITIZE=address,undefined or SANITIZE=thread builds everything beside the plain build.
SANITIZE ?=
comma := ,
BUILD := build$(if $(SANITIZE),/$(subst $(comma),-,$(SANITIZE)))

WARN := -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wundef -Wvla
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARN) -fno-common -fstack-protector-strong \
	-D_GNU_SOURCE -DXSKIT_VERSION='"$(VERSION)"' -Iinclude -Ibpf -Iuser -I$(BUILD)/bpf
LIB_PC  := libxdp libbpf numa
USER_PC := jansson libmnl libcap-ng liburing
ALL_LDFLAGS := $(LDFLAGS) -pthread
ifneq ($(SANITIZE),)
ALL_CFLAGS  += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all -DXK_DEBUG
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
endif
LIB_LIBS  = $(shell pkg-config --libs $(LIB_PC))
USER_LIBS = $(shell pkg-config --libs $(USER_PC))

BPF_CFLAGS := -O2 -g -Wall -Werror -target bpf -Ibpf \
	-idirafter /usr/include/$(shell $(CC) -dumpmachine)

V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-8s%s\n' $(1) $(patsubst $(BUILD)/%,%,$@);
else
Q :=
say =
endif

BPF_SRC   := $(wildcard bpf/*.bpf.c)
LIB_SRC   := $(wildcard user/lib/*.c)
USER_SRC  := $(wildcard user/*.c user/bench/*.c user/doctor/*.c user/tune/*.c)
UNIT_SRC  := $(wildcard tests/unit/*.c)
SIM_SRC   := $(wildcard tests/sim/test_*.c)
CRASH_SRC := $(wildcard tests/crash/test_*.c)
EX_SRC    := $(wildcard examples/*.c)

BPF_OBJ   := $(BPF_SRC:%.c=$(BUILD)/%.o)
BPF_SKEL  := $(BPF_SRC:%.bpf.c=$(BUILD)/%.skel.h)
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o)
USER_OBJ  := $(USER_SRC:%.c=$(BUILD)/%.o)
ROOM_OBJ  := $(filter-out $(BUILD)/user/main.o,$(USER_OBJ))
UNIT_BIN  := $(UNIT_SRC:%.c=$(BUILD)/%)
SIM_BIN   := $(SIM_SRC:%.c=$(BUILD)/%)
CRASH_BIN := $(CRASH_SRC:%.c=$(BUILD)/%) $(BUILD)/tests/crash/test_step_wide
EX_BIN    := $(EX_SRC:%.c=$(BUILD)/%)
LIB_A     := $(BUILD)/libxskit.a
LIB_SO    := $(BUILD)/libxskit.so.$(SOVERSION)
TOOL      := $(BUILD)/xskit

.PHONY: all
all: $(TOOL) $(LIB_A) $(LIB_SO) $(EX_BIN)
.SECONDARY:
.DELETE_ON_ERROR:

# --- XDP programs ---

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -mcpu=$(BPF_CPU) -MMD -MP -c $< -o $@

BPF_CPU := v3
# Linux 6.1 lets nobody without CAP_PERFMON spill a register of 32 bits twice to one place, and v2
# has none of these.
$(BUILD)/bpf/xsk_redirect.bpf.o $(BUILD)/bpf/xsk_redirect_one.bpf.o: BPF_CPU := v2

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@ 2> $@.err || { cat $@.err; exit 1; }

# --- library and tool ---

$(LIB_OBJ): ALL_CFLAGS += -fPIC
$(LIB_OBJ) $(USER_OBJ): | $(BPF_SKEL)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(LIB_A): $(LIB_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ) user/lib/libxskit.map
	$(call say,LD)
	$(Q)$(CC) -shared -Wl,-soname,libxskit.so.$(SOVERSION) -Wl,--version-script=user/lib/libxskit.map \
		$(ALL_LDFLAGS) $(LIB_OBJ) $(LIB_LIBS) -o $@
	$(Q)ln -sf libxskit.so.$(SOVERSION) $(BUILD)/libxskit.so

$(TOOL): $(USER_OBJ) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(USER_LIBS) -o $@

$(BUILD)/examples/%: $(BUILD)/examples/%.o $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) -o $@

# --- other projects' rings, for `xskit bench ring`: those whose headers are there ---

PEER_OBJ := $(patsubst %,$(BUILD)/%.o,$(basename $(wildcard tests/peers/*.c tests/peers/*.cc))) \
	$(patsubst %,$(BUILD)/user/bench/%.o,process ring_cell ring_rounds ring_run)
PEERS    := $(BUILD)/bench/xskit-peers
C_ONLY   := -std=gnu11 -Wstrict-prototypes -Wmissing-prototypes
CXXFLAGS ?= $(CFLAGS)
ALL_CXXFLAGS = -std=gnu++17 $(CXXFLAGS) $(filter-out $(C_ONLY) $(CFLAGS),$(ALL_CFLAGS))

.PHONY: peers
peers: $(PEERS)

$(BUILD)/tests/peers/%.o: ALL_CFLAGS += -Itests/peers
$(BUILD)/tests/peers/peer_rte.o: ALL_CFLAGS += \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))

$(BUILD)/%.o: %.cc Makefile
	@mkdir -p $(@D)
	$(call say,CXX)
	$(Q)$(CXX) $(ALL_CXXFLAGS) -MMD -MP -c $< -o $@

$(PEERS): $(PEER_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CXX) $(ALL_LDFLAGS) $^ -o $@

# --- DPDK's neighbour, where libdpdk is installed: shared libraries, drivers loaded at run time ---

DPDK_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard user/dpdk/*.c)) $(BUILD)/user/jsonl.o $(BUILD)/user/std_fds.o
FORWARD  := $(if $(shell pkg-config --exists libdpdk 2>/dev/null && echo yes),$(BUILD)/dpdk/forward)

.PHONY: dpdk
dpdk: $(FORWARD)
	$(if $(FORWARD),,$(error no libdpdk here: tools/dpdk.sh install))

$(BUILD)/user/dpdk/%.o: ALL_CFLAGS += \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))

$(BUILD)/dpdk/forward: $(DPDK_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(shell pkg-config --libs libdpdk jansson) -o $@

# --- tests: every one speaks TAP, prove runs them ---

export XSKIT := $(abspath $(TOOL))
export XSKIT_BUILD := $(abspath $(BUILD))
export CMOCKA_MESSAGE_OUTPUT := TAP
export FUZZ_SECONDS ?= 20
PROVE := prove --timer --merge --norc --failures --comments -e ''
TESTS_UNIT := $(UNIT_BIN) $(SIM_BIN)
TESTS_CRASH := $(filter-out %/test_step %/test_step_wide,$(CRASH_BIN)) tests/crash.t
TESTS_E2E  := $(sort $(wildcard tests/e2e/*.t))
TESTS_TOOL := $(sort $(wildcard tests/tools/*.t))

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(ROOM_OBJ) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(USER_LIBS) -lcmocka -o $@

-include tests/sim/rules.mk tests/crash/rules.mk
-include tests/model/rules.mk

.PHONY: check check-unit check-crash check-e2e check-tools sanitize tsan fuzz lint

# Everything, in one run of prove: as users build it, then sanitized, then fuzzed.
check:
	$(Q)tools/install-deps.sh --test --vm || tools/install-deps.sh --test
	$(Q)$(MAKE) --no-print-directory all tests-built sanitized
	$(Q)$(PROVE) $(TESTS_TOOL) $(TESTS_UNIT) $(TESTS_CRASH) $(TESTS_E2E) tests/vm.t tests/model.t tests/fuzz.t tests/sanitize.t

.PHONY: tests-built sanitized
# (the peers are not ours to be watched by TSan)
tests-built: $(TESTS_UNIT) $(if $(findstring thread,$(SANITIZE)),,$(FORWARD)) $(if $(SANITIZE),,$(CRASH_BIN)) $(if $(findstring thread,$(SANITIZE)),,$(PEERS))
sanitized:
	$(Q)$(MAKE) --no-print-directory SANITIZE=address,undefined all tests-built
	$(Q)$(MAKE) --no-print-directory SANITIZE=thread all tests-built

check-unit: $(TESTS_UNIT)
	$(Q)$(PROVE) $(TESTS_UNIT)

# Killed at every instruction, and by the hundred.
check-crash: $(CRASH_BIN)
	$(Q)$(PROVE) $(TESTS_CRASH)

check-e2e: all peers $(FORWARD)
	$(Q)$(PROVE) $(TESTS_E2E)

check-tools: all
	$(Q)$(PROVE) $(TESTS_TOOL)

# The same tests, and the same end-to-end runs, under ASan and UBSan; the threads under TSan.
sanitize: sanitized
	$(Q)$(PROVE) tests/sanitize.t

fuzz:
	$(Q)$(PROVE) tests/fuzz.t

# Other kernels, two NUMA nodes, NICs with zero-copy: in virtual machines. The short set is a part
# of check; VM='6.12/zerocopy ...' runs some.
.PHONY: check-vm check-vm-short
check-vm: all
	$(Q)tools/install-deps.sh --test --vm
	$(Q)$(PROVE) tests/vm.t :: $(or $(VM),all)

check-vm-short: all
	$(Q)tools/install-deps.sh --test --vm
	$(Q)$(PROVE) tests/vm.t

lint: all
	$(Q)$(PROVE) tests/tools/lint.t

# --- at work ---

.PHONY: demo bench
demo:
	$(Q)tools/install-deps.sh --test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tools/demo.sh

bench:
	$(Q)tools/install-deps.sh --test --bench
	$(Q)$(MAKE) --no-print-directory all peers dpdk $(BUILD)/tests/sim/bench_port
	$(Q)tools/bench.sh
	$(Q)tools/experiments.sh

# --- install ---

.PHONY: install uninstall
HEADERS := $(wildcard include/xskit/*.h)
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCDIR)/xskit $(DESTDIR)$(DATADIR)
	install -m 755 $(TOOL) $(DESTDIR)$(BINDIR)/xskit
	test ! -e $(PEERS) || install -D -m 755 $(PEERS) $(DESTDIR)$(LIBEXEC)/xskit-peers
	install -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/libxskit.a
	install -m 755 $(LIB_SO) $(DESTDIR)$(LIBDIR)/libxskit.so.$(SOVERSION)
	ln -sf libxskit.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libxskit.so
	install -m 644 $(HEADERS) bpf/abi.h $(DESTDIR)$(INCDIR)/xskit/
	install -m 644 $(BUILD)/bpf/xsk_redirect.bpf.o $(DESTDIR)$(DATADIR)/
	printf 'prefix=%s\nName: xskit\nDescription: AF_XDP packets in user space\nVersion: %s\nRequires.private: %s\nLibs: -L%s -lxskit\nCflags: -I%s\n' \
		'$(PREFIX)' '$(VERSION)' '$(LIB_PC)' '$(LIBDIR)' '$(INCDIR)' > $(DESTDIR)$(LIBDIR)/pkgconfig/xskit.pc

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/xskit $(DESTDIR)$(LIBDIR)/libxskit.a $(DESTDIR)$(LIBDIR)/libxskit.so \
		$(DESTDIR)$(LIBDIR)/libxskit.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/pkgconfig/xskit.pc
	rm -rf $(DESTDIR)$(INCDIR)/xskit $(DESTDIR)$(DATADIR) $(DESTDIR)$(LIBEXEC)

# --- house keeping ---

.PHONY: clean
clean:
	$(Q)rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
