/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * atomic_relacy.h - what atomic.h includes in its own words' stead when the rings are checked: each
 * operation goes to the model checker, with its memory order and the name of the place it stands
 * at. The layout stays: words are the plain ones, and the checker keeps its own beside them.
 */
#ifndef XSKIT_ATOMIC_RELACY_H
#define XSKIT_ATOMIC_RELACY_H

#include "model.h"

typedef uint32_t xk_a32;
typedef uint64_t xk_a64;

#define MODEL_PLACE(op) (&(const struct model_place){__func__, op, __FILE__, __LINE__})

#define MODEL_LOAD(p, order, op)                                                                   \
	((__typeof__(*(p) + 0))model_load((p), sizeof(*(p)), order, MODEL_PLACE(op)))
#define MODEL_STORE(p, v, order, op)                                                               \
	model_store((p), sizeof(*(p)), (uint64_t)(v), order, MODEL_PLACE(op))
#define MODEL_CAS(p, expected, v, order, op)                                                       \
	model_cas((p), sizeof(*(p)), (expected), (uint64_t)(v), order, MODEL_PLACE(op))

#define xk_load_relaxed(p)     MODEL_LOAD(p, MODEL_RELAXED, "load_relaxed")
#define xk_load_acquire(p)     MODEL_LOAD(p, MODEL_ACQUIRE, "load_acquire")
#define xk_load_seq(p)         MODEL_LOAD(p, MODEL_SEQ, "load_seq")
#define xk_store_relaxed(p, v) MODEL_STORE(p, v, MODEL_RELAXED, "store_relaxed")
#define xk_store_release(p, v) MODEL_STORE(p, v, MODEL_RELEASE, "store_release")
#define xk_store_seq(p, v)     MODEL_STORE(p, v, MODEL_SEQ, "store_seq")
#define xk_swap_seq(p, v)                                                                          \
	((__typeof__(*(p) + 0))model_swap((p), sizeof(*(p)), (uint64_t)(v), MODEL_SEQ,             \
					  MODEL_PLACE("swap_seq")))
#define xk_swap_acq_rel(p, v)                                                                      \
	((__typeof__(*(p) + 0))model_swap((p), sizeof(*(p)), (uint64_t)(v), MODEL_ACQ_REL,         \
					  MODEL_PLACE("swap_acq_rel")))
#define xk_cas_relaxed(p, expected, v) MODEL_CAS(p, expected, v, MODEL_RELAXED, "cas_relaxed")
#define xk_cas_acquire(p, expected, v) MODEL_CAS(p, expected, v, MODEL_ACQUIRE, "cas_acquire")
#define xk_cas_release(p, expected, v) MODEL_CAS(p, expected, v, MODEL_RELEASE, "cas_release")

#define xk_copy_in(shared, from, bytes)                                                            \
	model_copy_in((shared), (from), (bytes), MODEL_PLACE("copy_in"))
#define xk_copy_out(to, shared, bytes)                                                             \
	model_copy_out((to), (shared), (bytes), MODEL_PLACE("copy_out"))
#define xk_touch(byte) model_touch((byte), MODEL_PLACE("touch"))

#endif
