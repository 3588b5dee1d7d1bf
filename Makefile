# SPDX-License-Identifier: BSD-2-Clause
# xskit: `make demo` shows it at work, `make check` proves it. V=1 shows the commands.

VERSION := 0.1.0
SOVERSION := 0

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
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
USER_PC := jansson libmnl libcap-ng
ALL_LDFLAGS := $(LDFLAGS) -pthread
ifneq ($(SANITIZE),)
ALL_CFLAGS  += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all -DXK_DEBUG
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
endif
LIB_LIBS  = $(shell pkg-config --libs $(LIB_PC))
USER_LIBS = $(shell pkg-config --libs $(USER_PC))

BPF_CFLAGS := -O2 -g -Wall -Werror -target bpf -mcpu=v3 -Ibpf \
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
USER_SRC  := $(wildcard user/*.c)
UNIT_SRC  := $(wildcard tests/unit/*.c)
SIM_SRC   := $(wildcard tests/sim/test_*.c)
EX_SRC    := $(wildcard examples/*.c)

BPF_OBJ   := $(BPF_SRC:%.c=$(BUILD)/%.o)
BPF_SKEL  := $(BPF_SRC:%.bpf.c=$(BUILD)/%.skel.h)
LIB_OBJ   := $(LIB_SRC:%.c=$(BUILD)/%.o)
USER_OBJ  := $(USER_SRC:%.c=$(BUILD)/%.o)
ROOM_OBJ  := $(filter-out $(BUILD)/user/main.o,$(USER_OBJ))
UNIT_BIN  := $(UNIT_SRC:%.c=$(BUILD)/%)
SIM_BIN   := $(SIM_SRC:%.c=$(BUILD)/%)
EX_BIN    := $(EX_SRC:%.c=$(BUILD)/%)
LIB_A     := $(BUILD)/libxskit.a
LIB_SO    := $(BUILD)/libxskit.so.$(SOVERSION)
TOOL      := $(BUILD)/xskit

.PHONY: all
all: $(TOOL) $(LIB_A) $(LIB_SO) $(EX_BIN)
.SECONDARY:
.DELETE_ON_ERROR:

# --- XDP programs ---

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c bpf/abi.h
	@mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

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

# --- tests ---

# Sanitizers slow the machine down; tests that time things ask for this.
export XSKIT := $(abspath $(TOOL))
export XSKIT_BUILD := $(abspath $(BUILD))
PROVE := prove --timer --merge

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(ROOM_OBJ) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIB_LIBS) $(USER_LIBS) -lcmocka -o $@

# --- house keeping ---

.PHONY: clean
clean:
	$(Q)rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
