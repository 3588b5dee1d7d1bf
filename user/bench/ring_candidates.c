// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/ring_algos.h"
#include "bench/ring_candidates.h"
#include "bench/ring_child.h"
#include "bench/ring_run.h"

#define WHAT "bench ring"

/* --- a run --- */

static int start_run(struct ring_child *child, const struct ring_candidates *found,
		     const struct ring_candidate *candidate, const struct ring_cell *cell,
		     bool verify)
{
	char text[RING_CELL_TEXT], name[48];
	int in, ret = ring_child_start(child, &in);

	if (ret)
		return ret < 0 ? ret : 0;
	if (candidate->own)
		_exit(ring_run(candidate->own, cell, verify, in));
	ring_cell_print(cell, text);
	snprintf(name, sizeof(name), "%s", candidate->name);
	ring_child_become(
		(char *[]){(char *)found->helper, verify ? "verify" : "time", name, text, NULL},
		in);
}

static int bad_run(const struct ring_candidate *candidate, int ret, const char *said,
		   struct xk_err *err)
{
	int len = (int)strcspn(said, "\n");

	if (ret == -ETIMEDOUT)
		return xk_err_fill(err, ret, WHAT, NULL, "%s did not end within %d s",
				   candidate->name, RING_CHILD_MS / 1000);
	return xk_err_fill(err, ret ? ret : -EPROTO, WHAT, NULL, "%s %s: %.*s", candidate->name,
			   ret ? "died" : "failed", len, said);
}

int ring_candidate_run(const struct ring_candidates *found, const struct ring_candidate *candidate,
		       const struct ring_cell *cell, bool verify, struct ring_figures *figures,
		       struct xk_err *err)
{
	struct ring_child child;
	char said[512];
	int ret = start_run(&child, found, candidate, cell, verify);

	if (ret)
		return xk_err_fill(err, ret, WHAT, NULL, "start a run of %s", candidate->name);
	ret = ring_child_read(&child, said, sizeof(said));
	if (ret == -EINTR)
		return ret;
	if (!ret && !strcmp(said, "cannot\n"))
		return RING_CANNOT;
	if (!ret && !ring_figures_parse(said, figures))
		return 0;
	return bad_run(candidate, ret, said, err);
}

/* --- who there is --- */

static bool try_helper(struct ring_candidates *found, const char *dir, const char *path)
{
	int len = snprintf(found->helper, sizeof(found->helper), "%s%s", dir, path);

	if (len < (int)sizeof(found->helper) && !access(found->helper, X_OK))
		return true;
	*found->helper = '\0';
	return false;
}

static int find_helper(struct ring_candidates *found, struct xk_err *err)
{
	const char *told = getenv("XSKIT_PEERS"), *dir;
	char self[PATH_MAX];
	ssize_t len;

	if (told && *told && !try_helper(found, told, ""))
		return xk_err_fill(err, -errno, WHAT, "XSKIT_PEERS= leaves the peers out",
				   "the helper $XSKIT_PEERS, %s", told);
	len = told ? 0 : readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0)
		return 0;
	self[len] = '\0';
	dir = dirname(self);
	if (!try_helper(found, dir, "/bench/xskit-peers"))
		try_helper(found, dir, "/../libexec/xskit/xskit-peers");
	return 0;
}

static struct ring_candidate *add(struct ring_candidates *found)
{
	struct ring_candidate *grown =
		realloc(found->all, (found->count + 1) * sizeof(*found->all));

	if (!grown)
		return NULL;
	found->all = grown;
	memset(&grown[found->count], 0, sizeof(*grown));
	return &grown[found->count++];
}

static int add_own(struct ring_candidates *found)
{
	for (unsigned i = 0; ring_algos[i]; i++) {
		struct ring_candidate *candidate = add(found);

		if (!candidate)
			return -ENOMEM;
		candidate->own = ring_algos[i];
		candidate->algo = *ring_algos[i];
		snprintf(candidate->name, sizeof(candidate->name), "%s", ring_algos[i]->name);
		snprintf(candidate->order, sizeof(candidate->order), "%s", ring_algos[i]->order);
	}
	return 0;
}

/* "name order blocking burst_call processes max_producers max_consumers" */
static int add_peer(struct ring_candidates *found, const char *line)
{
	struct ring_candidate peer = {0}, *candidate;
	unsigned blocking, burst_call, processes;

	if (sscanf(line, "%47s %15s %u %u %u %u %u", peer.name, peer.order, &blocking, &burst_call,
		   &processes, &peer.algo.max_producers, &peer.algo.max_consumers) != 7)
		return -EPROTO;
	peer.algo.blocking = blocking;
	peer.algo.burst_call = burst_call;
	peer.algo.processes = processes;
	candidate = add(found);
	if (!candidate)
		return -ENOMEM;
	*candidate = peer;
	return 0;
}

static int list_peers(struct ring_candidates *found, char *text, size_t len)
{
	struct ring_child child;
	int in, ret = ring_child_start(&child, &in);

	if (ret < 0)
		return ret;
	if (!ret)
		ring_child_become((char *[]){found->helper, "list", NULL}, in);
	return ring_child_read(&child, text, len);
}

static int add_peers(struct ring_candidates *found)
{
	char text[8192] = "", *save = NULL;
	int ret = list_peers(found, text, sizeof(text));

	for (char *line = strtok_r(text, "\n", &save); line && !ret;
	     line = strtok_r(NULL, "\n", &save))
		ret = add_peer(found, line);
	return ret;
}

int ring_candidates_find(struct ring_candidates *found, struct xk_err *err)
{
	int ret;

	*found = (struct ring_candidates){0};
	ret = add_own(found);
	if (ret)
		return xk_err_fill(err, ret, WHAT, NULL, "list the algorithms");
	ret = find_helper(found, err);
	if (ret || !*found->helper)
		return ret;
	ret = add_peers(found);
	if (ret)
		return xk_err_fill(err, ret, WHAT, "build it again, or leave it out: XSKIT_PEERS=",
				   "%s lists no peers", found->helper);
	return 0;
}

void ring_candidates_free(struct ring_candidates *found)
{
	free(found->all);
}

const struct ring_candidate *ring_candidate_named(const struct ring_candidates *found,
						  const char *name)
{
	for (unsigned i = 0; i < found->count; i++)
		if (!strcmp(found->all[i].name, name))
			return &found->all[i];
	return NULL;
}
