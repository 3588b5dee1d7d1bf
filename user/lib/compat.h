/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compat.h - constants that Debian 12's headers (Linux 6.1) lack, each with the kernel that brought
 * it. Nothing here is inferred from a kernel version: every feature is tried and its errno read.
 */
#ifndef XSKIT_COMPAT_H
#define XSKIT_COMPAT_H

#include <linux/if_xdp.h>
#include <sys/socket.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

/* 5.11 */
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#endif
#ifndef SO_BUSY_POLL_BUDGET
#define SO_BUSY_POLL_BUDGET 70
#endif

/* 6.6: frames that span buffers */
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)
#endif
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)
#endif

/* 6.18: frames one sendto may send in copy mode */
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

#endif
