// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include "output.h"
#include "ping.h"
#include "report.h"

void ping_summary_json(void *ctx, const struct lane *lanes, unsigned n, json_t *summary)
{
	const struct ping *ping = lanes[0].state;
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		{"sent", ping->sent},
		{"received", ping->received},
		{"lost", ping->lost},
		{"on_the_way", ping->sent - ping->received - ping->lost},
		{"duplicates", ping->duplicates},
		{"reordered", ping->reordered},
		{"late", ping->late},
		{"foreign", ping->foreign},
	};

	(void)ctx;
	(void)n;
	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		json_object_set_new(summary, fields[i].name,
				    json_integer((json_int_t)fields[i].value));
	json_object_set_new(summary, "rtt_ns", report_hist(&ping->rtt));
	json_object_set_new(summary, "service_ns", report_hist(&ping->service));
}

static void hist_text(const char *name, const struct xk_hist *hist)
{
	static const double percents[] = {50, 90, 99, 99.9, 99.99};

	if (hist->count == 0)
		return;
	printf("%-8s min %.2f  mean %.2f", name, (double)hist->min / 1e3, xk_hist_mean(hist) / 1e3);
	for (unsigned i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		printf("  p%g %.2f", percents[i],
		       (double)xk_hist_percentile(hist, percents[i]) / 1e3);
	printf("  max %.2f us\n", (double)hist->max / 1e3);
}

void ping_summary_text(void *ctx, const struct lane *lanes, unsigned n)
{
	const struct ping *ping = lanes[0].state;

	(void)ctx;
	(void)n;
	printf("sent %llu, received %llu, lost %llu, duplicates %llu, reordered %llu, late %llu\n",
	       (unsigned long long)ping->sent, (unsigned long long)ping->received,
	       (unsigned long long)ping->lost, (unsigned long long)ping->duplicates,
	       (unsigned long long)ping->reordered, (unsigned long long)ping->late);
	hist_text("rtt", &ping->rtt);
	hist_text("service", &ping->service);
}

/* A host that does not answer at all is a failure, as it is to ping(8). */
static int silence(const struct ping_opts *o, const struct ping *ping, struct xk_err *err)
{
	if (ping->received || !ping->sent)
		return 0;
	return xk_err_fill(err, -ETIMEDOUT, "ping",
			   o->udp ? "see that somebody echoes there, UDP port 7"
				  : "see that it is up, and answers echo requests",
			   "%s answered none of %llu requests", o->host,
			   (unsigned long long)ping->sent);
}

/* The session's last call while the histograms are there. */
int ping_finished(void *ctx, const struct lane *lanes, unsigned n, struct xk_err *err)
{
	struct ping_opts *o = ctx;
	const struct ping *ping = lanes[0].state;

	(void)n;
	o->config.unreachable = !ping->resolved && ping->give_up_ns;
	if (o->hgrm)
		xk_hist_write_hgrm(&ping->rtt, output_file(o->hgrm), 1000.0);
	return silence(o, ping, err);
}
