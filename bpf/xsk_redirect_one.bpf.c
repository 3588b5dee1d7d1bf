// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/*
 * xsk_redirect for packets of one buffer, for generic XDP: before a program that takes several
 * buffers the kernel copies each packet into new pages (skb_pp_cow_data()), before one that does
 * not it only makes room in front of it (pskb_expand_head()), and one piece of what is in several.
 */
#define SECTION "xdp"
#include "xsk_redirect.bpf.c"
