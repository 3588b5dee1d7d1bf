// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "bench/ipc_shells.h"
#include "report.h"

#define LAST_LOOKS 100 /* of 10 ms: a dead process's locks go a little after its sockets */

/* --- the sender: it makes what both use, and measures --- */

static int send_link(struct ipc_end *end, const struct ipc_method *method,
		     const struct ipc_made *made)
{
	struct ipc_order order = {.magic = IPC_ORDER_MAGIC, .kind = IPC_ORDER_LINK, .made = *made};

	snprintf(order.method, sizeof(order.method), "%s", method->name);
	return ipc_control_send(end->control, &order, sizeof(order), made->fd, made->n_fds);
}

static void drop_made(struct ipc_made *made)
{
	for (unsigned i = 0; i < made->n_fds; i++)
		close(made->fd[i]);
}

static int send_metric(const struct ipc_opts *opts, struct ipc_notes *notes, int control,
		       enum ipc_metric metric, struct xk_hist *hist, struct ipc_row *row,
		       struct xk_err *err)
{
	const struct ipc_maker maker = {.name = notes->name, .notes = notes};
	struct ipc_made made = {.bytes = row->bytes, .metric = metric};
	struct ipc_end end = {.control = control, .patience_ticks = ipc_opts_ticks(opts)};
	int ret = opts->method->make(&made, &maker, err);

	if (ret)
		return ret;
	ret = send_link(&end, opts->method, &made);
	if (ret) {
		drop_made(&made);
		return ipc_explain(ret, opts->method, row->bytes, err);
	}
	ret = ipc_end_open(&end, opts->method, &made, 0);
	if (!ret)
		ret = ipc_drive_opened(&end);
	if (!ret)
		ret = ipc_measure(&end, opts, NULL, hist, row);
	ipc_drive_close(&end);
	ipc_end_close(&end);
	return ipc_explain(ret, opts->method, row->bytes, err);
}

static int send_row(const struct ipc_opts *opts, struct ipc_notes *notes, int control,
		    unsigned bytes, struct result *result, struct xk_err *err)
{
	static struct xk_hist hist;
	struct ipc_row row = ipc_row_of(opts->method, bytes, opts->common.runs);
	int ret = 0;

	for (unsigned i = 0; i < opts->metrics.count && !ret; i++) {
		ret = send_metric(opts, notes, control, (enum ipc_metric)opts->metrics.number[i],
				  &hist, &row, err);
		ipc_notes_clear(notes);
	}
	if (ret)
		return ret;
	result_row(result, &row);
	return ipc_judge_row(&row, err);
}

static int be_sender(const struct ipc_opts *opts, struct ipc_notes *notes, int control,
		     struct result *result, struct xk_err *err)
{
	const struct ipc_end end = {.control = control};
	int ret = 0;

	for (unsigned i = 0; i < opts->bytes.count && !ret; i++)
		ret = send_row(opts, notes, control, opts->bytes.number[i], result, err);
	if (!ret)
		ipc_drive_close((struct ipc_end *)&end);
	return ret;
}

/* --- the receiver: it does what the sender orders --- */

static int serve_link(const struct ipc_opts *opts, struct ipc_order *order, int control,
		      struct ipc_seen *seen)
{
	struct ipc_end end = {.control = control, .patience_ticks = ipc_opts_ticks(opts)};
	struct ipc_made *made = &order->made;
	int ret = 0;

	order->method[sizeof(order->method) - 1] = '\0';
	if (order->magic != IPC_ORDER_MAGIC || strcmp(order->method, opts->method->name) ||
	    made->bytes < IPC_MIN_BYTES || made->bytes > IPC_MAX_BYTES)
		ret = -EPROTO;
	if (ret)
		drop_made(made);
	else
		ret = ipc_end_open(&end, opts->method, made, 1);
	ret = ipc_serve(&end, ret, NULL, seen);
	ipc_end_close(&end);
	return ret;
}

static void tell_seen(const struct ipc_opts *opts, struct result *result,
		      const struct ipc_seen *seen)
{
	json_t *line = json_pack("{s:s,s:I,s:I,s:I}", "method", opts->method->name, "records",
				 (json_int_t)seen->received, "lost", (json_int_t)seen->lost,
				 "wrong", (json_int_t)seen->wrong);

	result_line(result, "received", line, "%s: %llu messages received, %llu lost, %llu wrong",
		    opts->method->name, (unsigned long long)seen->received,
		    (unsigned long long)seen->lost, (unsigned long long)seen->wrong);
}

static int explain_order(int ret, const struct ipc_opts *opts, const struct ipc_order *order,
			 struct xk_err *err)
{
	if (ret == -EPROTO)
		return xk_err_fill(err, ret, IPC_WHAT, "give both ends the same METHOD",
				   "the sender of '%s' uses %s, not %s", opts->name, order->method,
				   opts->method->name);
	return ipc_explain(ret, opts->method, order->made.bytes, err);
}

static int be_receiver(const struct ipc_opts *opts, int control, struct result *result,
		       struct xk_err *err)
{
	struct ipc_seen seen = {0};
	struct ipc_order order = {0};
	unsigned n_fds;
	int fds[IPC_MAX_FDS], ret;

	for (;;) {
		ret = ipc_control_receive(control, &order, sizeof(order), fds, &n_fds, 0);
		if (ret || order.kind != IPC_ORDER_LINK)
			break;
		memcpy(order.made.fd, fds, sizeof(fds));
		order.made.n_fds = n_fds;
		ret = serve_link(opts, &order, control, &seen);
		if (ret)
			break;
	}
	tell_seen(opts, result, &seen);
	return explain_order(ret, opts, &order, err);
}

/* --- both --- */

/* The sender removes what there is; the receiver does where the sender died of something. */
static void leave(struct ipc_notes *notes, unsigned side, int ret)
{
	bool last = !side;

	for (unsigned i = 0; !last && notes->file >= 0; i++) {
		last = !ipc_notes_sit(notes, IPC_SEAT_SENDER);
		if (last || ret != -EPIPE || i == LAST_LOOKS)
			break;
		poll(NULL, 0, 10);
	}
	if (last)
		ipc_notes_clear(notes);
	ipc_notes_close(notes, last);
}

/* Which seat nobody took away: without one, what is in the file is not ours to remove. */
static int meet(const struct ipc_opts *opts, struct ipc_notes *notes, struct xk_err *err)
{
	int control = ipc_meet(notes, opts->side ? IPC_SEAT_RECEIVER : IPC_SEAT_SENDER,
			       ipc_opts_ticks(opts), err);

	if (control == -EBUSY)
		ipc_notes_close(notes, false);
	return control;
}

int ipc_shell(const struct ipc_opts *opts, struct result *result, struct xk_err *err)
{
	struct ipc_notes notes;
	int ret = ipc_notes_open(&notes, opts->name, err), control;

	if (ret)
		return ret;
	ret = control = meet(opts, &notes, err);
	if (control >= 0)
		ret = opts->side ? be_receiver(opts, control, result, err)
				 : be_sender(opts, &notes, control, result, err);
	leave(&notes, opts->side, ret);
	if (control >= 0)
		close(control);
	return ret;
}
