// SPDX-License-Identifier: Apache-2.0
// One command at a time against a fake daemon: what it sends, prints and returns.
#pragma once

#include "cli/context.h"
#include "proto/codec.h"
#include "tests/unit/client/fake_server.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { FIXTURE_ARGC_MAX = 64 };

static struct fake_server server;
static char *printed, *complained; // stdout and stderr of the command
static size_t printed_size, complained_size;
static struct arena server_arena; // the server thread's
static char *fixture_argv[FIXTURE_ARGC_MAX + 1];
static char fixture_line[4096];

// Runs "group show office" and returns its exit code.
static inline enum exit_code run(const char *line)
{
	struct arguments arguments;
	struct context context;
	int argc = 0;
	free(printed);
	free(complained);
	snprintf(fixture_line, sizeof(fixture_line), "evauth --server %s %s", server.name, line);
	for (char *next = fixture_line, *word; (word = strsep(&next, " ")) != NULL && argc < FIXTURE_ARGC_MAX;)
		fixture_argv[argc++] = word;
	fixture_argv[argc] = NULL;
	FILE *out = open_memstream(&printed, &printed_size), *err = open_memstream(&complained, &complained_size);
	options_parse(argc, fixture_argv, &arguments);
	enum exit_code code = context_init(&context, &arguments, out, err);
	if (code == EXIT_DONE)
		code = arguments.command->run(&context, &arguments);
	context_finish(&context);
	options_finish(&arguments);
	fclose(out);
	fclose(err);
	return code;
}

static inline void *decode_request(const struct schema *schema, const struct frame *request)
{
	void *message;
	struct fault fault = {0};
	ck_assert_int_eq(codec_decode(schema, CODEC_STRICT, request->body, &server_arena, &message, &fault), 0);
	return message;
}

static inline void fixture_start(fake_serve *serve)
{
	arena_init(&server_arena, 4096, 256 * 1024 * 1024);
	fake_server_start(&server, serve, NULL);
}

static inline void fixture_stop(void)
{
	fake_server_stop(&server);
	arena_finish(&server_arena);
	free(printed);
	free(complained);
}
