// SPDX-License-Identifier: BSD-2-Clause
/* ring info, repair and unlink: what is done with a ring from outside. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include "cmd.h"
#include "jsonl.h"
#include "opts.h"
#include "rings.h"
#include "rings_name.h"

struct info_opts {
	const char *name;
	bool json;
};

static const struct argp_option options[] = {
	{"json", 'j', 0, 0, "as JSON, in one line", 1},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct info_opts *o = state->input;

	(void)word;
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	o->json = true;
	return 0;
}

static int parse_name(struct info_opts *o, const char *command, const char *doc, int argc,
		      char **argv, struct xk_err *err)
{
	const struct command_line line = {
		.name = command,
		.args_doc = "NAME",
		.doc = doc,
		.options = options,
		.parser = parse,
		.input = o,
		.min_args = 1,
		.max_args = 1,
		.args = &o->name,
		.err = err,
	};

	return opts_parse(&line, argc, argv);
}

static int look(const struct rings_named *ring, struct xk_ring_info *info, struct xk_err *err)
{
	return xk_ring_look(ring->memory->addr, ring->memory->size, ring->memory->fd, info, err);
}

static const char *role_name(enum xk_ring_role role)
{
	return role == XK_ROLE_PRODUCER ? "producer" : "consumer";
}

/* Records in it; what moved between the two looks does not make it negative. */
static uint64_t fill_of(const struct xk_ring_info *info)
{
	return info->produced > info->consumed ? info->produced - info->consumed : 0;
}

static uint64_t capacity_of(const struct xk_ring_info *info)
{
	return info->shape.kind == XK_RING_FANIN ? (uint64_t)info->shape.slots * info->shape.lanes
						 : info->shape.slots;
}

static mode_t mode_of(const struct rings_named *ring)
{
	struct stat st;

	return fstat(ring->memory->fd, &st) ? 0 : st.st_mode & 07777;
}

/* --- info --- */

static json_t *users_json(const struct xk_ring_info *info)
{
	json_t *users = json_array();

	for (unsigned i = 0; i < info->n_users; i++) {
		const struct xk_ring_user *user = &info->users[i];

		json_array_append_new(users,
				      json_pack("{s:i,s:s,s:b,s:I}", "seat", user->seat, "role",
						role_name(user->role), "alive", !user->dead,
						"waits", (json_int_t)user->waits));
	}
	return users;
}

static void count_users(const struct xk_ring_info *info, int *producers, int *consumers)
{
	*producers = *consumers = 0;
	for (unsigned i = 0; i < info->n_users; i++)
		if (!info->users[i].dead)
			++*(info->users[i].role == XK_ROLE_PRODUCER ? producers : consumers);
}

static void add_memory(json_t *line, const struct rings_named *ring)
{
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", mode_of(ring));
	json_object_update_new(line,
			       json_pack("{s:b,s:s,s:I}", "hugepages", ring->memory->huge, "mode",
					 mode, "owner", (json_int_t)ring->memory->owner));
	json_object_set_new(line, "node",
			    ring->memory->node < 0 ? json_null()
						   : json_integer(ring->memory->node));
}

static void print_json(const struct info_opts *o, const struct rings_named *ring,
		       const struct xk_ring_info *info)
{
	const struct xk_ring_shape *shape = &info->shape;
	int producers, consumers;
	char creation[20];
	json_t *line;

	count_users(info, &producers, &consumers);
	snprintf(creation, sizeof(creation), "%016" PRIx64, info->creation);
	line = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:b,s:s}", "type", "ring", "name",
			 o->name, "algorithm", rings_kind_names[shape->kind - XK_RING_SPSC],
			 "element_bytes", (json_int_t)shape->record_bytes, "slots",
			 (json_int_t)shape->slots, "lanes", (json_int_t)shape->lanes, "seats",
			 (json_int_t)shape->seats, "bytes", (json_int_t)info->bytes, "sleep",
			 (shape->flags & XK_RING_SLEEP) != 0, "creation", creation);
	json_object_update_new(line, json_pack("{s:I,s:I,s:I,s:I,s:I,s:i,s:i}", "produced",
					       (json_int_t)info->produced, "consumed",
					       (json_int_t)info->consumed, "fill",
					       (json_int_t)fill_of(info), "producer_waits",
					       (json_int_t)info->producer_waits, "consumer_waits",
					       (json_int_t)info->consumer_waits, "producers",
					       producers, "consumers", consumers));
	add_memory(line, ring);
	json_object_set_new(line, "users", users_json(info));
	jsonl_print(line);
}

static void print_memory(const struct rings_named *ring)
{
	printf("  memory    %zu bytes in pages of %zu, ", ring->memory->size,
	       ring->memory->page_size);
	if (ring->memory->node >= 0)
		printf("node %d, ", ring->memory->node);
	printf("mode %04o, of user %u\n", mode_of(ring), ring->memory->owner);
}

static void print_users(const struct xk_ring_info *info)
{
	for (unsigned i = 0; i < info->n_users; i++) {
		const struct xk_ring_user *user = &info->users[i];

		printf("  seat %-4u %s, %s, waited %" PRIu64 " times\n", user->seat,
		       role_name(user->role), user->dead ? "dead" : "alive", user->waits);
	}
	if (!info->n_users)
		puts("  nobody uses it");
}

static void print_text(const struct info_opts *o, const struct rings_named *ring,
		       const struct xk_ring_info *info)
{
	const struct xk_ring_shape *shape = &info->shape;

	printf("%s: %s, %u slots of %u bytes", o->name,
	       rings_kind_names[shape->kind - XK_RING_SPSC], shape->slots, shape->record_bytes);
	if (shape->kind == XK_RING_FANIN)
		printf(" in each of %u lanes", shape->lanes);
	printf(", %s\n", shape->flags & XK_RING_SLEEP ? "waiters sleep" : "waiters spin");
	printf("  records   %" PRIu64 " produced, %" PRIu64 " consumed, %" PRIu64 " of %" PRIu64
	       " in it\n",
	       info->produced, info->consumed, fill_of(info), capacity_of(info));
	printf("  waits     producers %" PRIu64 ", consumers %" PRIu64 "\n", info->producer_waits,
	       info->consumer_waits);
	printf("  creation  %016" PRIx64 "\n", info->creation);
	print_memory(ring);
	print_users(info);
}

int rings_info(int argc, char **argv, struct xk_err *err)
{
	struct info_opts o = {0};
	struct rings_named ring;
	struct xk_ring_info info;
	int ret = parse_name(&o, "ring info", "Tell what the ring NAME is and who uses it.", argc,
			     argv, err);

	if (ret)
		return ret;
	ret = rings_open(&ring, o.name, err);
	if (ret)
		return ret;
	ret = look(&ring, &info, err);
	if (!ret && o.json)
		print_json(&o, &ring, &info);
	else if (!ret)
		print_text(&o, &ring, &info);
	rings_close(&ring);
	return ret;
}

/* --- repair --- */

static void tell_repair(const struct info_opts *o, const struct xk_ring_info *before, int mended)
{
	if (o->json) {
		jsonl_print(json_pack("{s:s,s:s,s:i}", "type", "repair", "name", o->name, "mended",
				      mended));
		return;
	}
	for (unsigned i = 0; i < before->n_users; i++)
		if (before->users[i].dead)
			printf("%s: seat %u, of a %s that died\n", o->name, before->users[i].seat,
			       role_name(before->users[i].role));
	printf("%s: %d mended\n", o->name, mended);
}

int rings_repair(int argc, char **argv, struct xk_err *err)
{
	struct info_opts o = {0};
	struct rings_named ring;
	struct xk_ring_info before;
	int ret = parse_name(&o, "ring repair",
			     "Finish what dead users of the ring NAME left undone, and free their "
			     "seats; the living are not touched.\vEveryone who waits does the "
			     "same: it is for rings that nobody waits at.",
			     argc, argv, err);

	if (ret)
		return ret;
	ret = rings_open(&ring, o.name, err);
	if (ret)
		return ret;
	ret = look(&ring, &before, err);
	if (!ret)
		ret = xk_ring_repair(ring.memory->addr, ring.memory->size, ring.memory->fd, err);
	if (ret >= 0)
		tell_repair(&o, &before, ret);
	rings_close(&ring);
	return ret < 0 ? ret : 0;
}

/* --- unlink --- */

int rings_unlink(int argc, char **argv, struct xk_err *err)
{
	const char *name = NULL;
	const struct command_line line = {
		.name = "ring unlink",
		.args_doc = "NAME",
		.doc = "Take the name away: who uses the ring goes on, nobody new finds it.",
		.min_args = 1,
		.max_args = 1,
		.args = &name,
		.err = err,
	};
	int ret = opts_parse(&line, argc, argv);

	return ret ? ret : xk_share_unlink(name, err);
}
