// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "doctor/doctor.h"
#include "doctor/peer.h"

/* --- which namespace --- */

/* Does this namespace know the one of a file by that id? The file's descriptor, or -1. */
static int open_if_id(const char *path, int id)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), there;

	if (fd < 0)
		return -1;
	if (!nl_netns_id(fd, &there) && there == id)
		return fd;
	close(fd);
	return -1;
}

/* A namespace with a name: ip netns add. */
static int find_named(int id, char *where, size_t size)
{
	DIR *dir = opendir("/run/netns");
	struct dirent *entry;
	char path[300];
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/run/netns/%s", entry->d_name);
		if (entry->d_name[0] != '.' && (fd = open_if_id(path, id)) >= 0)
			snprintf(where, size, "nsenter --net=%.100s -- ", path);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* One that only its processes hold, as a container's. */
static int find_process(int id, char *where, size_t size)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300];
	int fd = -1;

	while (dir && fd < 0 && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		if ((fd = open_if_id(path, id)) >= 0)
			snprintf(where, size, "nsenter --net=%.100s -- ", path);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* --- the look --- */

static int look(struct peer *peer, int ifindex)
{
	char name[IF_NAMESIZE];
	int rc;

	if (!if_indextoname((unsigned)ifindex, name))
		return -errno;
	rc = nl_link(name, &peer->link, NULL);
	if (rc)
		return rc;
	nl_channel_counts(name, &peer->channels);
	make_plain(peer->link.name); /* from here on for showing */
	peer->n_features = nl_features(name, peer->features, NL_MAX_FEATURES);
	return 0;
}

struct visit {
	struct peer *peer;
	int netns, ifindex;
};

/* A thread of its own: it need not find its way back. */
static void *enter_and_look(void *arg)
{
	struct visit *visit = arg;

	if (setns(visit->netns, CLONE_NEWNET))
		visit->peer->rc = -errno;
	else
		visit->peer->rc = look(visit->peer, visit->ifindex);
	return NULL;
}

static void look_there(struct peer *peer, int netns, int ifindex)
{
	struct visit visit = {peer, netns, ifindex};
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, enter_and_look, &visit);

	if (rc)
		peer->rc = -rc;
	else
		pthread_join(thread, NULL);
}

void peer_find(const struct nl_link *link, struct peer *peer)
{
	int netns;

	*peer = (struct peer){.rc = -ENOENT};
	if (!link->peer_ifindex)
		return;
	if (link->peer_netnsid < 0) {
		peer->rc = look(peer, link->peer_ifindex);
		return;
	}
	netns = find_named(link->peer_netnsid, peer->where, sizeof(peer->where));
	if (netns < 0)
		netns = find_process(link->peer_netnsid, peer->where, sizeof(peer->where));
	if (netns < 0)
		return;
	look_there(peer, netns, link->peer_ifindex);
	close(netns);
}

const struct nl_feature *peer_feature(const struct peer *peer, const char *const *names)
{
	for (int i = 0; i < peer->n_features; i++)
		for (unsigned n = 0; names[n]; n++)
			if (peer->features[i].active && !strcmp(peer->features[i].name, names[n]))
				return &peer->features[i];
	return NULL;
}
