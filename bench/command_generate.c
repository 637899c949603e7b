// SPDX-License-Identifier: Apache-2.0
// evauth-bench generate
#include "bench/command.h"
#include "bench/generate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct generate_options {
	uint32_t tokens;
	uint64_t seed;
	const char *out; // NULL: stdout
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct generate_options *options = state->input;
	switch (key) {
	case 't':
		options->tokens = (uint32_t)option_number(state, "tokens", arg, WORLD_TOKENS_MIN, WORLD_TOKENS_MAX);
		return 0;
	case 's':
		options->seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 'o':
		options->out = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_summary(const struct world *world, const struct generate_counts *counts)
{
	fprintf(stderr,
		"%" PRIu64 " lines: %u tariffs, %u groups, %u points (%" PRIu64 " attached), %u customers, %u tokens, "
		"%" PRIu64 " memberships\n",
		counts->lines, world->tariffs, world->groups, world->points, counts->attached_points, world->customers,
		world->tokens, counts->memberships);
}

static int write_world(const struct world *world, int fd)
{
	struct generate_counts counts;
	struct line_writer *writer = malloc(sizeof(*writer));
	if (!writer)
		return command_error("generate", -ENOMEM);
	line_writer_init(writer, fd);
	const int error = generate_world(world, writer, &counts);
	free(writer);
	if (error < 0)
		return command_error("generate", error);
	print_summary(world, &counts);
	return EXIT_CODE_DONE;
}

int command_generate(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"tokens", 't', "N", 0, "Size of the world: 1000 to 16000000 tokens (default 1000000)", 0},
		{"seed", 's', "S", 0, "Another seed, another world (default 1)", 0},
		{"out", 'o', "FILE", 0, "Where to (default: standard output)", 0},
		{0},
	};
	static const struct argp argp = {
		rows, parse_option, "",  "Writes a deterministic world as import lines for `evauth import`.",
		NULL, NULL,         NULL};
	struct generate_options options = {.tokens = 1000000, .seed = 1};
	argp_parse(&argp, argc, argv, 0, NULL, &options);

	const int fd = options.out ? open(options.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : STDOUT_FILENO;
	if (fd < 0)
		return command_error(options.out, -errno);
	struct world world;
	const int error = world_init(&world, options.tokens, options.seed);
	int code = error < 0 ? command_error("world", error) : write_world(&world, fd);
	if (options.out && close(fd) < 0 && code == EXIT_CODE_DONE)
		code = command_error(options.out, -errno);
	if (error == 0)
		world_finish(&world);
	return code;
}
