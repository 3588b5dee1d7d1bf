// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "doctor/doctor.h"
#include "doctor/holders.h"
#include "doctor/sysfile.h"
#include "doctor_sockets.skel.h"

/* Several descriptors may be of one socket: the library hands them on, fork copies them. */
static bool known(const struct holders *h, const struct doctor_socket *s)
{
	for (unsigned i = 0; i < h->n; i++)
		if (h->sockets[i].inode == s->inode)
			return true;
	return false;
}

static int keep(struct holders *h, const struct doctor_socket *s)
{
	struct doctor_socket *grown;

	grown = realloc(h->sockets, (h->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	h->sockets = grown;
	grown[h->n++] = *s;
	return 0;
}

/* The iterator writes whole records, but a read may end within one. */
static int read_record(int fd, struct doctor_socket *s)
{
	size_t at = 0;
	ssize_t n;

	while (at < sizeof(*s)) {
		n = read(fd, (char *)s + at, sizeof(*s) - at);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		at += (size_t)n;
	}
	return 1;
}

static int read_all(struct holders *h, int fd, int ifindex)
{
	struct doctor_socket s;
	int rc;

	while ((rc = read_record(fd, &s)) > 0) {
		s.comm[sizeof(s.comm) - 1] = '\0';
		make_plain(s.comm);
		if (s.bound && (int)s.ifindex == ifindex && !known(h, &s))
			rc = keep(h, &s);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int run(struct holders *h, struct doctor_sockets *skel, int ifindex)
{
	struct bpf_link *link = bpf_program__attach_iter(skel->progs.doctor_sockets, NULL);
	int fd, rc;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	rc = fd < 0 ? -errno : read_all(h, fd, ifindex);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return rc;
}

void holders_find(struct holders *holders, int ifindex)
{
	struct doctor_sockets *skel = doctor_sockets__open();

	*holders = (struct holders){0};
	if (!skel) {
		holders->rc = -errno;
		return;
	}
	skel->rodata->netns = sysfile_namespace("net");
	skel->rodata->pid_ns = sysfile_namespace("pid");
	holders->rc = doctor_sockets__load(skel);
	if (!holders->rc)
		holders->rc = run(holders, skel, ifindex);
	doctor_sockets__destroy(skel);
}

static void subtract(struct doctor_socket *s, const struct doctor_socket *base)
{
	s->rx_dropped -= base->rx_dropped;
	s->rx_queue_full -= base->rx_queue_full;
	s->rx_invalid -= base->rx_invalid;
	s->tx_invalid -= base->tx_invalid;
	s->fill_empty -= base->fill_empty;
}

void holders_since(struct holders *now, const struct holders *before)
{
	for (unsigned i = 0; i < now->n; i++)
		for (unsigned k = 0; k < before->n; k++)
			if (now->sockets[i].inode == before->sockets[k].inode)
				subtract(&now->sockets[i], &before->sockets[k]);
}

void holders_release(struct holders *holders)
{
	free(holders->sockets);
	*holders = (struct holders){0};
}
