// SPDX-License-Identifier: BSD-2-Clause
/*
 * The only file that knows relacy: words, records and the futex of model.h are relacy's.
 *
 * A word or record becomes one when it is reached for the first time, and is then made before the
 * threads start in all later runs; in the one run that found it, all threads see each other at that
 * moment, which is too kind, but never wrong.
 */
#include <relacy/relacy.hpp>
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef futex

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include "model.h"

alignas(128) char model_memory[MODEL_BYTES];
jmp_buf model_grave;

namespace
{

typedef rl::atomic<uint64_t> word_t;
typedef rl::var<uint64_t> cell_t;

const size_t WORDS = MODEL_BYTES / 4, CELLS = MODEL_BYTES / 8;

/* Made and unmade in every run; there is room for each, since relacy counts what it allocates. */
struct word_room {
	alignas(word_t) char bytes[sizeof(word_t)];
} word_rooms[WORDS];
struct cell_room {
	alignas(cell_t) char bytes[sizeof(cell_t)];
} cell_rooms[CELLS];

word_t *words[WORDS];
cell_t *cells[CELLS];

struct known {
	unsigned index, bytes;
} known_words[WORDS];
unsigned known_cells[CELLS], n_known_words, n_known_cells;

const struct model *current;
const struct model_weak *weak;
uint64_t weakened;
const char *names[WORDS];
rl::thread_id_t mortal;
unsigned steps_left; /* 0: for ever */
bool watched;        /* threads run: memory is relacy's */

size_t offset_of(const void *p)
{
	size_t offset = (size_t)((const char *)p - model_memory);

	if (offset >= MODEL_BYTES)
		rl::ctx().fail_test("access beside the ring", rl::test_result_user_assert_failed,
				    $);
	return offset;
}

uint64_t plain_load(const void *p, size_t bytes)
{
	return bytes == 4 ? *(const uint32_t *)p : *(const uint64_t *)p;
}

void plain_store(void *p, size_t bytes, uint64_t value)
{
	if (bytes == 4)
		*(uint32_t *)p = (uint32_t)value;
	else
		*(uint64_t *)p = value;
}

word_t *make_word(unsigned i, unsigned bytes)
{
	return words[i] =
		       ::new (word_rooms[i].bytes) word_t(plain_load(model_memory + 4 * i, bytes));
}

word_t &word_at(const void *p, size_t bytes)
{
	unsigned i = (unsigned)(offset_of(p) / 4);

	if (!words[i]) {
		rl::preemption_disabler alone(rl::ctx());

		known_words[n_known_words++] = {i, (unsigned)bytes};
		make_word(i, (unsigned)bytes);
		rl::systemwide_fence($);
	}
	return *words[i];
}

cell_t &cell_at(size_t i)
{
	if (!cells[i]) {
		known_cells[n_known_cells++] = (unsigned)i;
		cells[i] = ::new (cell_rooms[i].bytes) cell_t();
	}
	return *cells[i];
}

void make_known()
{
	for (unsigned i = 0; i < n_known_words; i++)
		make_word(known_words[i].index, known_words[i].bytes);
	for (unsigned i = 0; i < n_known_cells; i++)
		cells[known_cells[i]] = ::new (cell_rooms[known_cells[i]].bytes) cell_t();
}

void unmake_known()
{
	for (unsigned i = 0; i < n_known_words; i++)
		words[known_words[i].index]->~word_t();
	for (unsigned i = 0; i < n_known_cells; i++)
		cells[known_cells[i]]->~cell_t();
}

void forget_known() /* a run that went wrong unmakes nothing */
{
	for (unsigned i = 0; i < n_known_words; i++)
		words[known_words[i].index] = nullptr;
	for (unsigned i = 0; i < n_known_cells; i++)
		cells[known_cells[i]] = nullptr;
}

rl::debug_info info_of(const struct model_place *place)
{
	if (steps_left && rl::ctx().threadx_->index_ == mortal && !--steps_left)
		_longjmp(model_grave, 1);
	return rl::debug_info(place->func, place->file, place->line);
}

bool is_weak(const void *p, const struct model_place *place)
{
	const char *name;

	if (!weak || strcmp(weak->op, place->op) || strcmp(weak->func, place->func))
		return false;
	name = names[offset_of(p) / 4];
	if (weak->word && (!name || strcmp(weak->word, name)))
		return false;
	weakened++;
	return true;
}

/* As asked for, or a step weaker. */
rl::memory_order order_of(const void *p, enum model_order order, rl::memory_order if_seq,
			  const struct model_place *place)
{
	bool step = is_weak(p, place);

	switch (order) {
	case MODEL_ACQUIRE:
		return step ? rl::mo_relaxed : rl::mo_acquire;
	case MODEL_RELEASE:
		return step ? rl::mo_relaxed : rl::mo_release;
	case MODEL_ACQ_REL:
		return step ? rl::mo_relaxed : rl::mo_acq_rel;
	case MODEL_SEQ:
		return step ? if_seq : rl::mo_seq_cst;
	default:
		return rl::mo_relaxed;
	}
}

template <int N> struct suite : rl::test_suite<suite<N>, N> {
	void before()
	{
		watched = false;
		steps_left = 0;
		forget_known();
		current->before();
		make_known();
		watched = true;
	}

	void thread(unsigned i)
	{
		current->thread(i);
	}

	void after()
	{
		if (current->after)
			current->after();
		unmake_known();
		watched = false;
	}
};

template <int N> bool simulate(rl::test_params &params)
{
	return rl::simulate<suite<N>>(params);
}

bool simulate_any(rl::test_params &params)
{
	switch (current->threads) {
	case 2:
		return simulate<2>(params);
	case 3:
		return simulate<3>(params);
	default:
		return simulate<4>(params);
	}
}

} // namespace

void model_run(const struct model *m, const struct model_weak *w, uint64_t runs,
	       struct model_result *result)
{
	rl::ostringstream out; /* its memory is never the checked threads' */
	rl::test_params params;

	current = m;
	weak = w;
	params.iteration_count = runs;
	params.execution_depth_limit = 20000;
	params.output_stream = params.progress_stream = &out;
	result->right = simulate_any(params);
	result->runs = params.stop_iteration;
	result->weakened = weakened;
	snprintf(result->said, sizeof(result->said), "%s", rl::test_result_str(params.test_result));
	if (!weak && !result->right)
		std::cerr << out.str().c_str();
}

void model_name(const void *word, const char *name)
{
	names[offset_of(word) / 4] = name;
}

void model_yield(void)
{
	rl::ctx().yield(1, $);
}

void model_check(bool right, const char *what)
{
	if (!right)
		rl::ctx().fail_test(what, rl::test_result_user_assert_failed, $);
}

void model_will_die(unsigned steps)
{
	mortal = rl::ctx().threadx_->index_;
	steps_left = steps;
}

unsigned model_choice(unsigned n)
{
	return rl::rand(n);
}

uint64_t model_load(const void *p, size_t bytes, enum model_order order,
		    const struct model_place *place)
{
	if (!watched)
		return plain_load(p, bytes);
	return word_at(p, bytes).load(order_of(p, order, rl::mo_acquire, place), info_of(place));
}

void model_store(void *p, size_t bytes, uint64_t value, enum model_order order,
		 const struct model_place *place)
{
	if (!watched)
		plain_store(p, bytes, value);
	else
		word_at(p, bytes).store(value, order_of(p, order, rl::mo_release, place),
					info_of(place));
}

uint64_t model_swap(void *p, size_t bytes, uint64_t value, enum model_order order,
		    const struct model_place *place)
{
	uint64_t was = plain_load(p, bytes);

	if (watched)
		return word_at(p, bytes).exchange(value, order_of(p, order, rl::mo_acq_rel, place),
						  info_of(place));
	plain_store(p, bytes, value);
	return was;
}

bool model_cas(void *p, size_t bytes, void *expected, uint64_t value, enum model_order order,
	       const struct model_place *place)
{
	uint64_t wanted = plain_load(expected, bytes), found = wanted;
	bool done;

	if (watched) {
		done = word_at(p, bytes).compare_exchange_strong(
			found, value, order_of(p, order, rl::mo_acq_rel, place), info_of(place),
			rl::mo_relaxed, info_of(place));
	} else {
		found = plain_load(p, bytes);
		done = found == wanted;
		if (done)
			plain_store(p, bytes, value);
	}
	if (!done)
		plain_store(expected, bytes, found);
	return done;
}

/* --- records: whole words, see model.h --- */

static size_t cell_of(const void *p)
{
	return offset_of(p) / 8;
}

void model_copy_in(void *shared, const void *from, size_t bytes, const struct model_place *place)
{
	const uint64_t *values = (const uint64_t *)from;

	for (size_t i = 0; i < bytes / 8; i++)
		cell_at(cell_of(shared) + i)(info_of(place)).store(values[i]);
}

void model_copy_out(void *to, const void *shared, size_t bytes, const struct model_place *place)
{
	uint64_t *values = (uint64_t *)to;

	for (size_t i = 0; i < bytes / 8; i++)
		values[i] = cell_at(cell_of(shared) + i)(info_of(place)).load();
}

void model_touch(void *byte, const struct model_place *place)
{
	cell_t &cell = cell_at(cell_of(byte));

	cell(info_of(place)).store(cell(info_of(place)).load());
}

/* --- the kernel's part: time stands still, and a futex --- */

extern "C" int model_clock_gettime(clockid_t id, struct timespec *t)
{
	(void)id;
	*t = {};
	return 0;
}

static long futex(uint32_t *p, int what, uint64_t wanted)
{
	rl::context &c = rl::ctx();
	word_t &word = word_at(p, 4);

	c.sched();
	if (what == FUTEX_WAKE)
		return word.wake(c, (rl::thread_id_t)MODEL_THREADS_MAX, $);
	if (word.debug_value() != wanted)
		return -EAGAIN;
	word.wait(c, false, false, $);
	return 0;
}

extern "C" long model_syscall(long number, ...)
{
	va_list args;
	uint32_t *p;
	int what;
	uint64_t wanted;

	va_start(args, number);
	p = va_arg(args, uint32_t *);
	what = va_arg(args, int);
	wanted = va_arg(args, unsigned);
	va_end(args);
	if (number != SYS_futex)
		abort();
	return futex(p, what, wanted);
}
