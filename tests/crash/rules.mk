# SPDX-License-Identifier: BSD-2-Clause
# What the dead leave: processes killed between any two instructions, and by the hundred under load.
# Symbols are bound at start, so that no first call wanders off into the dynamic linker, and lie at
# fixed addresses, so that a report's can be looked up. Where each instruction counts, waiters spin
# twice: two thousand turns of the same loop would be a thousand times the same.

CRASH_PARTS := $(patsubst %,$(BUILD)/tests/crash/%.o,book kinds victim)

$(BUILD)/tests/crash/ring_wait.o: user/lib/ring_wait.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -DXK_RING_SPINS=2u -MMD -MP -c $< -o $@

$(BUILD)/tests/crash/test_step: $(BUILD)/tests/crash/ring_wait.o

# The same with records of 64 bytes.
WIDE_PARTS := $(patsubst %,$(BUILD)/tests/crash/%_wide.o,test_step book kinds victim)

$(BUILD)/tests/crash/%_wide.o: tests/crash/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -DCRASH_CHECKS=6 -MMD -MP -c $< -o $@

$(BUILD)/tests/crash/test_step_wide: $(BUILD)/tests/crash/ring_wait.o $(WIDE_PARTS) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -no-pie -Wl,-z,now $(filter %.o,$^) $(LIB_A) $(LIB_LIBS) -lcmocka -o $@

$(BUILD)/tests/crash/test_%: $(BUILD)/tests/crash/test_%.o $(CRASH_PARTS) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) -no-pie -Wl,-z,now $(filter %.o,$^) $(LIB_A) $(LIB_LIBS) -lcmocka -o $@
