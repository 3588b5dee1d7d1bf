# SPDX-License-Identifier: BSD-2-Clause
# The library, unchanged, against a simulated kernel: its AF_XDP system calls end in kernel.c.

comma := ,
SIM_WRAP := $(addprefix -Wl$(comma)--wrap=,socket setsockopt getsockopt mmap munmap bind sendto \
	recvfrom close if_nametoindex)

SIM_PARTS := $(BUILD)/tests/sim/kernel.o

$(BUILD)/tests/sim/test_%: $(BUILD)/tests/sim/test_%.o $(SIM_PARTS) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $(SIM_WRAP) $^ $(LIB_LIBS) -lcmocka -o $@

$(BUILD)/tests/sim/bench_%: $(BUILD)/tests/sim/bench_%.o $(SIM_PARTS) $(LIB_A)
	$(call say,LD)
	$(Q)$(CC) $(ALL_LDFLAGS) $(SIM_WRAP) $^ $(LIB_LIBS) -o $@
