/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * err.h - why a slow call failed, in words.
 *
 * Every call of the library returns 0 or a count when it did what was asked, and a negative errno
 * when it did not. The calls that set something up also fill a struct xk_err, which the caller may
 * leave out (NULL): the library itself never prints and never exits.
 *
 * Thread contract: a struct xk_err belongs to the thread that passes it.
 */
#ifndef XSKIT_ERR_H
#define XSKIT_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

struct xk_err {
	int code;      /* negative errno; 0: nothing went wrong */
	char what[64]; /* what was being done: "open port" */
	char why[320]; /* what is wrong, with the names and numbers involved */
	char fix[256]; /* what to do about it, a command where there is one; may be empty */
};

/*
 * Fill *err (NULL: do nothing) and return code, so that a caller can write
 * `return xk_err_fill(err, -EINVAL, "create UMEM", "use 2048 or 4096", "frame size %u", size);`.
 * code is a negative errno; what and fix are plain text (fix may be NULL); why is a printf format.
 */
int xk_err_fill(struct xk_err *err, int code, const char *what, const char *fix, const char *why,
		...) __attribute__((format(printf, 5, 6)));

#ifdef __cplusplus
}
#endif
#endif
