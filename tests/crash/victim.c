// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "crash.h"

#define LOOKS 40u /* for the end of a system call, before it is taken for asleep */

struct said *said_map(void)
{
	void *mem = mmap(NULL, sizeof(struct said), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED) {
		printf("Bail out! mmap: %s\n", strerror(errno));
		exit(1);
	}
	return mem;
}

static void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void live(struct said *said, void (*before)(void *ctx), void (*work)(void *ctx), void *ctx)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(0);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(1);
	before(ctx);
	raise(SIGSTOP);
	work(ctx);
	said->done = true;
	_exit(0);
}

void victim_start(struct victim *v, struct said *said, void (*before)(void *ctx),
		  void (*work)(void *ctx), void *ctx)
{
	int status;

	memset(said, 0, sizeof(*said));
	*v = (struct victim){.pid = fork()};
	if (!v->pid)
		live(said, before, work, ctx);
	if (v->pid < 0 || waitpid(v->pid, &status, 0) != v->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, v->pid, NULL, (void *)PTRACE_O_EXITKILL))
		bail_out("start a victim");
}

/* Might the next instruction sleep? */
static bool may_sleep(const struct victim *v)
{
#ifdef __x86_64__
	long word = ptrace(PTRACE_PEEKTEXT, v->pid, (void *)victim_at(v), NULL);

	return (word & 0xffff) == 0x050f; /* syscall */
#else
	return true;
#endif
}

/* 0: it has not stopped for a while. */
static pid_t await_stop(struct victim *v, int *status, unsigned looks)
{
	const struct timespec moment = {.tv_nsec = 50000};
	pid_t pid = waitpid(v->pid, status, looks ? WNOHANG : 0);

	for (unsigned i = 0; i < looks && !pid; i++) {
		nanosleep(&moment, NULL);
		pid = waitpid(v->pid, status, WNOHANG);
	}
	return pid;
}

/* It stops at the end of the step; if it does not for a while, it sleeps. */
static void await_step(struct victim *v, bool patient)
{
	int status = 0;
	pid_t pid = await_stop(v, &status, patient ? LOOKS : 0);

	v->asleep = !pid;
	if (pid < 0 || (pid && !WIFSTOPPED(status)))
		bail_out("step a victim");
}

bool victim_step(struct victim *v, const struct said *said)
{
	bool patient = v->asleep || (v->sleeps && may_sleep(v));

	if (said->done)
		return false;
	if (!v->asleep && ptrace(PTRACE_SINGLESTEP, v->pid, NULL, NULL))
		bail_out("step a victim");
	v->steps += !v->asleep;
	await_step(v, patient);
	return true;
}

/* --- the short way to an instruction: a breakpoint on it, or on one a few steps before --- */

void trail_clear(struct trail *trail)
{
	trail->n = 0;
	trail->sleeps = UINT32_MAX;
}

void trail_add(struct trail *trail, uint64_t address)
{
	if (trail->n == trail->room) {
		trail->room = trail->room ? 2 * trail->room : 1024;
		trail->at = realloc(trail->at, trail->room * sizeof(*trail->at));
		trail->turn = realloc(trail->turn, trail->room * sizeof(*trail->turn));
		if (!trail->at || !trail->turn)
			bail_out("keep a trail");
	}
	trail->turn[trail->n] = 1;
	for (unsigned i = 0; i < trail->n; i++)
		trail->turn[trail->n] += trail->at[i] == address;
	trail->at[trail->n++] = address;
}

#ifdef __x86_64__
/* Stops a step before the kill point are cheap, but for those that are passed very often. An
 * instruction that repeats itself stops once; the first one of all is where the work begins. */
static unsigned best_stop(const struct trail *trail, unsigned to)
{
	unsigned best = 0, cost;

	to = to < trail->n ? to : trail->n - 1;
	to = to < trail->sleeps ? to : trail->sleeps;
	cost = to;
	for (unsigned i = to; i && to - i < cost; i--)
		if (trail->at[i] != trail->at[0] && trail->at[i] != trail->at[i - 1] &&
		    to - i + trail->turn[i] < cost) {
			best = i;
			cost = to - i + trail->turn[i];
		}
	return best;
}

static void set_breakpoint(struct victim *v, uint64_t address)
{
	char *base = NULL;
	void *dr0 = base + offsetof(struct user, u_debugreg[0]);
	void *dr7 = base + offsetof(struct user, u_debugreg[7]);

	if (address && ptrace(PTRACE_POKEUSER, v->pid, dr0, (void *)address))
		bail_out("set a breakpoint");
	if (ptrace(PTRACE_POKEUSER, v->pid, dr7, (void *)(address ? 1UL : 0UL)))
		bail_out("set a breakpoint");
}

static bool run_to(struct victim *v, const struct trail *trail, unsigned stop)
{
	int status;

	set_breakpoint(v, trail->at[stop]);
	for (unsigned turn = 0; turn < trail->turn[stop]; turn++)
		if (ptrace(PTRACE_CONT, v->pid, NULL, NULL) ||
		    await_stop(v, &status, v->sleeps ? 20 * LOOKS : 0) != v->pid ||
		    !WIFSTOPPED(status) || victim_at(v) != trail->at[stop])
			return false;
	set_breakpoint(v, 0);
	v->steps = stop;
	return true;
}
#endif

bool victim_follow(struct victim *v, const struct trail *trail, unsigned to)
{
#ifdef __x86_64__
	unsigned stop = trail->n ? best_stop(trail, to) : 0;

	return !stop || run_to(v, trail, stop);
#else
	(void)v, (void)trail, (void)to;
	return true;
#endif
}

/* --- ends --- */

void victim_kill(struct victim *v)
{
	int status;

	kill(v->pid, SIGKILL);
	while (waitpid(v->pid, &status, 0) == v->pid && WIFSTOPPED(status))
		;
}

void victim_halt(struct victim *v)
{
	int status;

	if (v->asleep) { /* it stops in the system call */
		kill(v->pid, SIGSTOP);
		if (waitpid(v->pid, &status, 0) != v->pid || !WIFSTOPPED(status))
			bail_out("stop a victim");
	}
	if (ptrace(PTRACE_DETACH, v->pid, NULL, (void *)SIGSTOP) ||
	    waitpid(v->pid, &status, WUNTRACED) != v->pid || !WIFSTOPPED(status))
		bail_out("stop a victim");
}

void victim_go_on(struct victim *v)
{
	int status;

	kill(v->pid, SIGCONT);
	if (waitpid(v->pid, &status, 0) != v->pid || !WIFEXITED(status) || WEXITSTATUS(status))
		complain("it was stopped, went on and did not end well (%#x)", status);
}

uint64_t victim_at(const struct victim *v)
{
#ifdef __x86_64__
	struct user_regs_struct regs;

	if (!v->asleep && !ptrace(PTRACE_GETREGS, v->pid, NULL, &regs))
		return regs.rip;
#else
	(void)v;
#endif
	return 0;
}
