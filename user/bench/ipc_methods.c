// SPDX-License-Identifier: BSD-2-Clause
/* The table of methods, in the order of the report. */
#include <string.h>
#include "bench/ipc.h"

const struct ipc_method *const ipc_methods[] = {
	&ipc_pipe,        &ipc_unix_stream,
	&ipc_unix_dgram,  &ipc_udp,
	&ipc_tcp,         &ipc_mqueue,
	&ipc_sysv,        &ipc_sysv_textbook,
	&ipc_mapped_file, &ipc_mapped_file_textbook,
	&ipc_anon_sem,    &ipc_eventfd,
	&ipc_futex,       &ipc_ring_spin,
	&ipc_ring_futex,  NULL,
};

const struct ipc_method *ipc_method_named(const char *name)
{
	for (unsigned i = 0; ipc_methods[i]; i++)
		if (!strcmp(ipc_methods[i]->name, name))
			return ipc_methods[i];
	return NULL;
}
