// SPDX-License-Identifier: Apache-2.0
// evauth-bench: worlds to import, and load that checks every answer (docs/performance.md).
#include "bench/command.h"

#include <stdio.h>
#include <string.h>

struct command {
	const char *name, *title, *what;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{"generate", "evauth-bench generate", "Write a deterministic world as import lines", command_generate},
	{"questions", "evauth-bench questions", "Write questions about that world with their answers",
	 command_questions},
	{"run", "evauth-bench run", "Put load on evauthd, or plain GETs on a Redis server", command_run},
	{"plot", "evauth-bench plot", "Draw reports as PNG or SVG", command_plot},
	{"propagation", "evauth-bench propagation", "Measure how long a change takes until answers show it",
	 command_propagation},
	{"compare", "evauth-bench compare", "Run evauthd and other servers side by side", command_compare},
	{"resp-load", "evauth-bench resp-load", "Fill a Redis server with one key per token", command_resp_load},
};

static void print_usage(FILE *stream)
{
	fprintf(stream, "Usage: evauth-bench COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stream, "  %-11s %s\n", commands[i].name, commands[i].what);
	fprintf(stream, "\n`evauth-bench COMMAND --help` tells the options. The manual: docs/bench.md\n");
}

int main(int argc, char **argv)
{
	argp_err_exit_status = EXIT_CODE_ERROR;
	const char *name = argc > 1 ? argv[1] : "";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) == 0) {
			char title[64];
			snprintf(title, sizeof(title), "%s", commands[i].title);
			argv[1] = title; // so that --help and errors say which command
			return commands[i].run(argc - 1, argv + 1);
		}
	}
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("evauth-bench %s\n", EVAUTH_VERSION);
		return EXIT_CODE_DONE;
	}
	const int asked = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
	print_usage(asked ? stdout : stderr);
	return asked ? EXIT_CODE_DONE : EXIT_CODE_ERROR;
}
