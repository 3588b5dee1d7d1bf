/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor.h - looks at an interface and the machine around it, and says by cause why packets do not
 * arrive, or what slows them. A check is one small function and one line in its group's table: it
 * looks, and says what it found, and the command that mends it.
 */
#ifndef XSKIT_DOCTOR_H
#define XSKIT_DOCTOR_H

#include <stdbool.h>
#include <xskit/err.h>

struct patient; /* patient.h */

enum finding_status {
	FINDING_OK,
	FINDING_WARN, /* slow, or a trap: packets do arrive */
	FINDING_FAIL, /* packets do not arrive, or xskit is refused */
	FINDING_SKIP, /* could not be seen, or does not apply; found tells why */
};

struct finding {
	enum finding_status status;
	char found[384];
	char fix[640]; /* a shell command; what only people can do is behind a # */
};

struct check {
	const char *name;
	const char *want; /* what it should be */
	const char *why;  /* why that matters */
	void (*look)(const struct patient *patient, struct finding *finding);
};

/* The groups: each one file's table. */
struct check_group {
	const char *name;
	const struct check *checks;
	unsigned n;
};
extern const struct check_group doctor_kernel, doctor_machine, doctor_link, doctor_nic, doctor_xdp,
	doctor_packets, doctor_sockets, doctor_placement, doctor_napi;

/* All groups, ended by NULL. */
extern const struct check_group *const doctor_groups[];

/* Say what was found, as printf. */
void say_ok(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_warn(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_fail(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_skip(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void say_fix(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A name that others chose (of a process, or of a device in another namespace), before it is shown
 * or becomes part of a command: what is not a letter, a digit or one of -_.:@ is made a _.
 */
void make_plain(char *name);
bool is_plain(const char *name);

/* Add to a list of words in found, ", " between them. */
void list_add(char *list, unsigned long size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct doctor_opts {
	const char *ifname;
	double live_s;     /* watch the traffic that long first; 0: not */
	const char *check; /* names of checks or groups, with commas; NULL: all */
	bool json;
};

/* Print the names of all checks by group, to stdout. */
void doctor_list(void);

/* Is each word of the list a check or a group? If not, the first that is not is copied to bad. */
bool doctor_knows(const char *list, char bad[64]);

/*
 * Look and print. The number of checks that fail; -ENODEV no such interface; -errno netlink's.
 */
int doctor_run(const struct doctor_opts *opts, struct xk_err *err);

#endif
