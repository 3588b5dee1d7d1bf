/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h - a few threads that use a ring, and a checker that runs them in every order it can think
 * of, and lets loads see every value the C++11 memory model allows (relacy, D. Vyukov).
 *
 * A model's threads are made of real calls. Its memory is model_memory: what lies in there and is
 * reached by atomic.h's operations is an atomic word, and what xk_copy_in() and xk_copy_out() reach
 * is a record, of which every word is watched for data races.
 */
#ifndef XSKIT_MODEL_H
#define XSKIT_MODEL_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MODEL_THREADS_MAX 4
#define MODEL_BYTES       8192

enum model_order {
	MODEL_RELAXED,
	MODEL_ACQUIRE,
	MODEL_RELEASE,
	MODEL_ACQ_REL,
	MODEL_SEQ,
};

/* Where an operation stands. */
struct model_place {
	const char *func, *op, *file;
	unsigned line;
};

struct model {
	const char *name;
	unsigned threads; /* 2 to MODEL_THREADS_MAX */
	unsigned runs;    /* orders to try */
	/* Each run: once, alone, on plain memory; then all threads; then once more, alone. */
	void (*before)(void);
	void (*thread)(unsigned i);
	void (*after)(void);
};

/* One operation, made weaker by one step: sequentially consistent to release or acquire, those to
 * relaxed. The checker must find what is wrong then. */
struct model_weak {
	const char *model, *func, *op;
	const char *word; /* of model_name(); NULL: any */
};

extern const struct model models[];
extern const size_t n_models;
extern const struct model_weak model_weaks[];
extern const size_t n_model_weaks;

struct model_result {
	bool right;
	uint64_t runs;     /* the last one is the one that went wrong */
	uint64_t weakened; /* operations that were made weaker */
	char said[200];    /* what is wrong, in relacy's words */
};

/* weak: NULL as it is; then a run that goes wrong is told to stderr, operation by operation. Once
 * a process. */
void model_run(const struct model *model, const struct model_weak *weak, uint64_t runs,
	       struct model_result *result);

/* --- for the models --- */

extern char model_memory[MODEL_BYTES];

void model_name(const void *word, const char *name); /* in before() */
void model_yield(void);                              /* nothing to do: let the others run */
void model_check(bool right, const char *what);      /* false ends the run */
/* The calling thread dies in front of its operation number `steps`: then it comes back here, once,
 * with true, and its locks are let go of by model_locks_drop(). */
#define model_dies(steps) (_setjmp(model_grave) || (model_will_die(steps), false))
extern jmp_buf model_grave;
void model_will_die(unsigned steps); /* 0: not any more */

/* Seats' locks: any descriptor will do. */
void model_locks_forget(void); /* in before() */
void model_locks_drop(int fd);

unsigned model_choice(unsigned n); /* one of n */

/* --- for atomic_relacy.h --- */

uint64_t model_load(const void *word, size_t bytes, enum model_order order,
		    const struct model_place *place);
void model_store(void *word, size_t bytes, uint64_t value, enum model_order order,
		 const struct model_place *place);
uint64_t model_swap(void *word, size_t bytes, uint64_t value, enum model_order order,
		    const struct model_place *place);
bool model_cas(void *word, size_t bytes, void *expected, uint64_t value, enum model_order order,
	       const struct model_place *place);
void model_copy_in(void *shared, const void *from, size_t bytes, const struct model_place *place);
void model_copy_out(void *to, const void *shared, size_t bytes, const struct model_place *place);
void model_touch(void *byte, const struct model_place *place);

#ifdef __cplusplus
}
#endif
#endif
