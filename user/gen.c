// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include "gen.h"
#include "report.h"

uint64_t gen_share(uint64_t n, unsigned index, unsigned lanes)
{
	return n / lanes + (index < n % lanes);
}

uint64_t gen_left(const struct xk_port_stats *stats, uint64_t invalid)
{
	uint64_t valid = stats->tx_frames > invalid ? stats->tx_frames - invalid : 0;

	return stats->completed < valid ? stats->completed : valid;
}

void gen_summary_json(const struct gen *gen, const char *engine, uint64_t completed,
		      const struct xk_hist *gap_error, json_t *summary)
{
	json_t *error = json_object();

	json_object_set_new(error, "p50",
			    json_integer((json_int_t)xk_hist_percentile(gap_error, 50)));
	json_object_set_new(error, "p99",
			    json_integer((json_int_t)xk_hist_percentile(gap_error, 99)));
	json_object_set_new(summary, "engine", json_string(engine));
	json_object_set_new(summary, "completed", json_integer((json_int_t)completed));
	json_object_set_new(summary, "rate_pps", json_integer((json_int_t)gen->rate_pps));
	json_object_set_new(summary, "size_bytes", json_integer((json_int_t)gen->spec.size));
	json_object_set_new(summary, "flows", json_integer(gen->flows));
	json_object_set_new(summary, "interval_error_ns", error);
}

void gen_summary_text(const struct gen *gen, const char *engine, uint64_t completed,
		      const struct xk_hist *gap_error)
{
	printf("engine %s: %llu frames of %zu bytes left the interface", engine,
	       (unsigned long long)completed, gen->spec.size);
	if (gen->rate_pps)
		printf("; asked for %llu a second, error of the gaps p50 %llu ns, p99 %llu ns",
		       (unsigned long long)gen->rate_pps,
		       (unsigned long long)xk_hist_percentile(gap_error, 50),
		       (unsigned long long)xk_hist_percentile(gap_error, 99));
	putchar('\n');
}
