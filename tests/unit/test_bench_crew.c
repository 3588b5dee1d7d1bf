// SPDX-License-Identifier: BSD-2-Clause
/* crew: workers, as threads and as processes, in rounds; one that dies, and a signal. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <xskit/atomic.h>
#include <xskit/place.h>
#include "bench/cpus.h"
#include "bench/crew.h"
#include "bench/process.h"
#include "cmd.h"

#define MOST 8u

/* What parts leave behind. */
struct notes {
	unsigned dies; /* the number of the one that ends its process, MOST: none */
	uint32_t inside;
	struct {
		uint64_t calls, most_inside, pid, cpu, ns;
	} worker[MOST];
};

static struct notes *notes;
static struct xk_err err;
static int cpu_of[MOST];

static int set_up(void **unused)
{
	struct xk_place place;

	(void)unused;
	notes = process_share(sizeof(*notes));
	assert_non_null(notes);
	notes->dies = MOST;
	assert_int_equal(xk_place_find(&place, -1), 0);
	for (unsigned i = 0; i < MOST; i++)
		cpu_of[i] = place.cpu[i % place.count];
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	process_unshare(notes, sizeof(*notes));
	return 0;
}

static struct crew *start(unsigned count, bool processes, crew_part_fn part)
{
	const struct crew_config config = {.what = "test",
					   .count = count,
					   .cpu = cpu_of,
					   .processes = processes,
					   .part = part,
					   .ctx = notes};
	struct crew *crew;

	assert_int_equal(crew_start(&crew, &config, &err), 0);
	return crew;
}

/* --- rounds --- */

static void count(const struct crew *crew, void *ctx, unsigned number)
{
	struct notes *n = ctx;

	(void)crew;
	if (number == n->dies)
		kill(getpid(), SIGKILL);
	n->worker[number].calls++;
	n->worker[number].pid = (uint64_t)getpid();
	n->worker[number].cpu = (uint64_t)sched_getcpu();
}

static void check_rounds(bool processes)
{
	struct crew *crew = start(3, processes, count);

	for (unsigned round = 1; round <= 50; round++) {
		assert_int_equal(crew_round(crew, 0, &err), 0);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(notes->worker[i].calls, round);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(notes->worker[i].cpu, cpu_of[i]);
		assert_int_equal(notes->worker[i].pid == (uint64_t)getpid(), !processes);
	}
	crew_end(crew);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

static void threads(void **unused)
{
	(void)unused;
	check_rounds(false);
}

static void processes(void **unused)
{
	(void)unused;
	check_rounds(true);
}

/* All are inside at the same time, though they were woken one after the other. */
static void meet(const struct crew *crew, void *ctx, unsigned number)
{
	struct notes *n = ctx;

	__atomic_add_fetch(&n->inside, 1, __ATOMIC_ACQ_REL);
	while (!crew_is_over(crew))
		if (xk_load_acquire(&n->inside) > n->worker[number].most_inside)
			n->worker[number].most_inside = xk_load_acquire(&n->inside);
	__atomic_sub_fetch(&n->inside, 1, __ATOMIC_ACQ_REL);
}

static void at_the_same_time(void **unused)
{
	struct crew *crew = start(4, true, meet);

	(void)unused;
	assert_int_equal(crew_round(crew, 200, &err), 0);
	crew_end(crew);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(notes->worker[i].most_inside, 4);
}

static void spin(const struct crew *crew, void *ctx, unsigned number)
{
	struct notes *n = ctx;
	uint64_t since = process_now_ns();

	while (!crew_is_over(crew))
		;
	n->worker[number].ns = process_now_ns() - since;
}

static void a_round_takes_its_time(void **unused)
{
	struct crew *crew = start(1, false, spin);

	(void)unused;
	assert_int_equal(crew_round(crew, 30, &err), 0);
	crew_end(crew);
	assert_in_range(notes->worker[0].ns, 20000000, 2000000000);
}

/* --- somebody else on the CPU --- */

static pid_t occupy(int cpu)
{
	pid_t pid = fork(), parent = getppid();
	cpu_set_t set;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (parent)
		;
	_exit(0);
}

static void disturbed(void **unused)
{
	struct crew *crew = start(1, false, spin);
	pid_t pid = occupy(cpu_of[0]);

	(void)unused;
	assert_true(pid > 0);
	assert_int_equal(crew_round(crew, 200, &err), 0);
	assert_true(crew_was_disturbed(crew));
	crew_end(crew);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void shared_cpus_are_always_disturbed(void **unused)
{
	struct crew *crew;

	(void)unused;
	cpu_of[1] = cpu_of[0];
	crew = start(2, false, spin);
	assert_int_equal(crew_round(crew, 50, &err), 0);
	assert_false(crew_was_disturbed(crew));
	crew_end(crew);
}

/* --- ends --- */

static void one_dies(void **unused)
{
	struct crew *crew = start(3, true, count);

	(void)unused;
	assert_int_equal(crew_round(crew, 0, &err), 0);
	notes->dies = 1;
	assert_int_equal(crew_round(crew, 0, &err), -ECHILD);
	assert_non_null(strstr(err.why, "died"));
	crew_end(crew);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void no_rounds(void **unused)
{
	(void)unused;
	crew_end(start(2, true, count));
	crew_end(start(2, false, count));
	crew_end(NULL);
	assert_int_equal(notes->worker[0].calls, 0);
}

/* The last one: nothing takes the signal back. */
static void a_signal(void **unused)
{
	struct crew *crew = start(2, false, spin);

	(void)unused;
	process_catch_signals();
	assert_false(process_interrupted());
	raise(SIGTERM);
	assert_true(process_interrupted());
	assert_int_equal(crew_round(crew, 60000, &err), -EINTR);
	assert_true(notes->worker[0].ns < 5000000000u);
	crew_end(crew);
}

/* --- CPUs --- */

static void cpus(void **unused)
{
	static struct cpus found;
	static unsigned numbers[2];
	struct number_list list = {0, numbers};

	(void)unused;
	assert_int_equal(cpus_find(&found, &list, 0, &err), 0);
	assert_true(found.count >= 1);
	numbers[0] = (unsigned)found.cpu[found.count - 1];
	assert_int_equal(cpus_find(&found, &list, 1, &err), 0);
	assert_int_equal(found.count, 1);
	list.count = 1;
	assert_int_equal(cpus_find(&found, &list, 0, &err), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.cpu[0], numbers[0]);
	numbers[1] = XK_PLACE_MAX_CPUS - 1;
	list.count = 2;
	assert_int_equal(cpus_find(&found, &list, 0, &err), CMD_USAGE);
	assert_non_null(strstr(err.why, "CPU 1023"));
	cpus_claim(&found);
	cpus_put(&found);
	assert_int_equal(found.n_claims, 0);
}

static void crowds(void **unused)
{
	static const int own[] = {3, 1, 2}, shared[] = {3, 1, 3}, loose[] = {-1, 0, -1};

	(void)unused;
	assert_false(process_crowded(own, 3));
	assert_true(process_crowded(shared, 3));
	assert_false(process_crowded(shared, 2));
	assert_false(process_crowded(loose, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(processes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(at_the_same_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_dies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_rounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_round_takes_its_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(disturbed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(shared_cpus_are_always_disturbed, set_up,
						tear_down),
		cmocka_unit_test(cpus),
		cmocka_unit_test(crowds),
		cmocka_unit_test_setup_teardown(a_signal, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
