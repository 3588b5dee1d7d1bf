// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "jsonl.h"
#include "std_fds.h"

void jsonl_print(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
	putchar('\n');
	std_fds_flush();
	json_decref(line);
}

/* --- the machine --- */

const char *jsonl_kernel(void)
{
	static struct utsname name;

	return uname(&name) ? "" : name.release;
}

const char *jsonl_cpu_model(void)
{
	static char model[128];
	char line[256];
	FILE *f = *model ? NULL : fopen("/proc/cpuinfo", "re");

	while (f && !*model && fgets(line, sizeof(line), f))
		if (!strncmp(line, "model name", 10))
			sscanf(line, "model name%*[ \t:]%127[^\n]", model);
	if (f)
		fclose(f);
	return model;
}

/* Mitigations in force: the state of every known vulnerability that is not "Not affected". */
static json_t *mitigations(void)
{
	static const char dir_name[] = "/sys/devices/system/cpu/vulnerabilities";
	json_t *object = json_object();
	char path[512], text[256];
	struct dirent *entry;
	DIR *dir = opendir(dir_name);

	while (dir && (entry = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dir_name, entry->d_name);
		f = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f && fgets(text, sizeof(text), f) && strncmp(text, "Not affected", 12)) {
			text[strcspn(text, "\n")] = '\0';
			json_object_set_new(object, entry->d_name, json_string(text));
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return object;
}

/* --- the first line --- */

static json_t *words_json(int argc, char **argv)
{
	json_t *array = json_array();

	for (int i = 0; i < argc; i++)
		json_array_append_new(array, json_string(argv[i]));
	return array;
}

json_t *jsonl_start(const char *command, int argc, char **argv)
{
	json_t *line = json_pack("{s:s,s:i,s:s,s:s,s:s,s:s}", "type", "start", "schema", 1,
				 "command", command, "version", XSKIT_VERSION, "kernel",
				 jsonl_kernel(), "cpu_model", jsonl_cpu_model());

	json_object_set_new(line, "mitigations", mitigations());
	json_object_set_new(line, "argv", words_json(argc, argv));
	return line;
}
