// SPDX-License-Identifier: BSD-2-Clause
/*
 * usage: models [WORD [TIMES]]
 *
 * Check every model (whose name has the word in it, that many times as long), and that every
 * weakening is found. TAP; how
 * the wrong run of a model went is behind a #. Each in a process of its own: a weakened ring may do
 * anything.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "model.h"

#define SECONDS_MAX 60

static unsigned tests, failed, times = 1;

/* False: it died. */
static bool run_apart(const struct model *model, const struct model_weak *weak,
		      struct model_result *result)
{
	struct model_result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = shared == MAP_FAILED ? -1 : fork();
	if (!pid) {
		alarm(SECONDS_MAX * times);
		model_run(model, weak, times * model->runs, shared);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	*result = *shared;
	munmap(shared, sizeof(*shared));
	return status == 0;
}

static __attribute__((format(printf, 2, 3))) void say(bool right, const char *format, ...)
{
	va_list args;

	tests++;
	failed += !right;
	printf("%s %u - ", right ? "ok" : "not ok", tests);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void check_model(const struct model *model)
{
	struct model_result result;
	bool lived = run_apart(model, NULL, &result);

	say(lived && result.right, "%s: %llu runs: %s", model->name,
	    (unsigned long long)result.runs, lived ? result.said : "died");
}

static const struct model *model_named(const char *name)
{
	for (size_t i = 0; i < n_models; i++)
		if (!strcmp(models[i].name, name))
			return &models[i];
	fprintf(stderr, "models: there is no model %s\n", name);
	exit(1);
}

static void check_weak(const struct model_weak *weak)
{
	struct model_result result;
	bool lived = run_apart(model_named(weak->model), weak, &result);

	say(lived && !result.right && result.weakened,
	    "%s: a weaker %s%s%s in %s() is found: %s, run %llu", weak->model, weak->op,
	    weak->word ? " of " : "", weak->word ? weak->word : "", weak->func,
	    !lived             ? "died"
	    : !result.weakened ? "there is no such operation"
			       : result.said,
	    (unsigned long long)result.runs);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (argc > 2)
		times = (unsigned)atoi(argv[2]);

	for (size_t i = 0; i < n_models; i++)
		if (strstr(models[i].name, word))
			check_model(&models[i]);
	for (size_t i = 0; i < n_model_weaks; i++)
		if (strstr(model_weaks[i].model, word))
			check_weak(&model_weaks[i]);
	printf("1..%u\n", tests);
	return failed != 0;
}
