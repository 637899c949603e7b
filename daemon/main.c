// SPDX-License-Identifier: Apache-2.0
#include "daemon/options.h"
#include "daemon/server.h"

#include <stdio.h>
#include <stdlib.h>

static void print_line(void *context, const char *line)
{
	(void)context;
	puts(line);
}

static int fail(const struct options_error *error)
{
	fprintf(stderr, "evauthd: %s\n", error->message);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options;
	struct options_error error;
	if (options_load(argc, argv, &options, &error) != 0)
		return fail(&error);
	if (options.help) {
		options_print_help();
		return EXIT_SUCCESS;
	}
	if (options.version) {
		puts("evauthd " EVAUTH_VERSION);
		return EXIT_SUCCESS;
	}
	if (server_check(&options, &error) != 0)
		return fail(&error);
	if (options.check_config) {
		options_print(&options, print_line, NULL);
		return EXIT_SUCCESS;
	}
	return server_run(argc, argv, &options);
}
