# SPDX-License-Identifier: BSD-2-Clause
# The rings, unchanged, under the C++11 memory model: atomic.h's operations are relacy's.

MODEL_OBJ := $(patsubst tests/model/%,$(BUILD)/tests/model/%.o,$(basename $(wildcard tests/model/*.c \
	tests/model/*.cc))) \
	$(patsubst %,$(BUILD)/tests/model/lib/%.o,err ring ring_seat ring_wait stream spsc \
	spsc_latency fanin mpmc)
MODELS := $(BUILD)/tests/model/models

MODEL_CFLAGS := -Itests/model -DXK_MEMORY_MODEL='"atomic_relacy.h"' -DXK_RING_SPINS=0u \
	-Iuser/lib -Dsyscall=model_syscall -Dclock_gettime=model_clock_gettime -Dopen=model_open \
	-Dclose=model_close -Dfcntl=model_fcntl

$(BUILD)/tests/model/rings.o: ALL_CFLAGS += $(MODEL_CFLAGS)

$(BUILD)/tests/model/lib/%.o: user/lib/%.c Makefile tests/model/rules.mk
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) $(MODEL_CFLAGS) -MMD -MP -c $< -o $@

# (relacy's threads are fibers, which sanitizers do not follow)
tests-built: $(if $(SANITIZE),,$(MODELS))

$(MODELS): $(MODEL_OBJ)
	$(call say,LD)
	$(Q)$(CXX) $(ALL_LDFLAGS) $^ -o $@
