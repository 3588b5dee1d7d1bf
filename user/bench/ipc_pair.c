// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/ipc_pair.h"

int ipc_pair_prepare(struct ipc_pair *pair, struct xk_err *err)
{
	int ret = process_pin(pair->cpu[0]);

	pair->line = NULL;
	if (ret)
		return xk_err_fill(err, ret, IPC_WHAT, NULL, "pin to CPU %d", pair->cpu[0]);
	if (pair->cpu[0] == pair->cpu[1])
		return 0; /* no line goes anywhere */
	pair->line = process_share(sizeof(*pair->line));
	return pair->line ? 0 : xk_err_fill(err, -errno, IPC_WHAT, NULL, "share a page");
}

void ipc_pair_release(struct ipc_pair *pair)
{
	process_unshare(pair->line, sizeof(*pair->line));
}

static _Noreturn void be_child(const struct ipc_pair *pair, struct ipc_end *end,
			       const struct ipc_method *method, const struct ipc_made *made,
			       pid_t parent)
{
	struct ipc_seen seen = {0};
	int ret;

	process_follow(parent);
	ret = process_pin(pair->cpu[1]);
	if (!ret)
		ret = ipc_ticks_start();
	if (!ret)
		ret = ipc_end_open(end, method, made, 1);
	ret = ipc_serve(end, ret, pair->line, &seen);
	ipc_end_close(end);
	_exit(ret ? 1 : 0);
}

static int start_child(const struct ipc_pair *pair, struct ipc_end *end,
		       const struct ipc_method *method, const struct ipc_made *made, pid_t *pid)
{
	pid_t parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	fflush(stdout);
	*pid = fork();
	if (*pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return -errno;
	}
	end->control = ends[!*pid];
	close(ends[*pid ? 1 : 0]);
	if (!*pid)
		be_child(pair, end, method, made, parent);
	return 0;
}

static void end_child(struct ipc_end *end, pid_t pid)
{
	ipc_drive_close(end);
	close(end->control);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_made(struct ipc_made *made)
{
	for (unsigned i = 0; i < made->n_fds; i++)
		close(made->fd[i]);
}

/* Side 0, from when the child is there. */
static int use_link(const struct ipc_pair *pair, struct ipc_end *end, struct xk_hist *hist,
		    struct ipc_row *row)
{
	int ret = ipc_drive_opened(end);

	return ret ? ret : ipc_measure(end, pair->opts, pair->line, hist, row);
}

static int measure_metric(const struct ipc_pair *pair, const struct ipc_method *method,
			  enum ipc_metric metric, struct xk_hist *hist, struct ipc_row *row,
			  struct xk_err *err)
{
	const struct ipc_maker maker = {.name = pair->notes->name, .notes = pair->notes};
	struct ipc_made made = {.bytes = row->bytes, .metric = metric};
	struct ipc_end end = {.patience_ticks = ipc_opts_ticks(pair->opts)};
	pid_t pid = -1;
	int ret = method->make(&made, &maker, err);

	if (ret)
		return 1;
	ret = start_child(pair, &end, method, &made, &pid);
	if (ret) {
		close_made(&made);
		return ipc_explain(ret, method, row->bytes, err);
	}
	ret = ipc_end_open(&end, method, &made, 0);
	if (!ret)
		ret = use_link(pair, &end, hist, row);
	end_child(&end, pid);
	ipc_end_close(&end);
	return ipc_explain(ret, method, row->bytes, err);
}

int ipc_pair_measure(const struct ipc_pair *pair, const struct ipc_method *method, unsigned bytes,
		     struct xk_hist *hist, struct ipc_row *row, struct xk_err *err)
{
	int ret = 0;

	*row = ipc_row_of(method, bytes, pair->opts->common.runs);
	if (method->spins && pair->cpu[0] == pair->cpu[1]) {
		xk_err_fill(err, -EINVAL, method->name, "give it two CPUs",
			    "both ends spin, and have one CPU between them");
		return 1;
	}
	for (unsigned i = 0; i < pair->opts->metrics.count && !ret; i++) {
		ret = measure_metric(pair, method, (enum ipc_metric)pair->opts->metrics.number[i],
				     hist, row, err);
		ipc_notes_clear(pair->notes);
	}
	return ret;
}
