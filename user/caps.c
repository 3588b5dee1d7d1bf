// SPDX-License-Identifier: BSD-2-Clause
#include <cap-ng.h>
#include "caps.h"

void caps_raise(unsigned capability)
{
	if (capng_get_caps_process() || !capng_have_capability(CAPNG_PERMITTED, capability))
		return;
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, capability);
	capng_apply(CAPNG_SELECT_CAPS);
}
