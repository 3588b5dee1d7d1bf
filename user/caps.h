/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.h - capabilities that a run keeps for its end: permitted, and not in effect before.
 *
 * Thread contract: of the calling thread only.
 */
#ifndef XSKIT_CAPS_H
#define XSKIT_CAPS_H

/* Put a capability into effect, if it is permitted. */
void caps_raise(unsigned capability);

#endif
