// SPDX-License-Identifier: Apache-2.0
// evauth-bench questions: the questions of `run` as a file of requests with expected answers.
#include "bench/command.h"
#include "bench/line_writer.h"
#include "bench/questions.h"
#include "bench/run_options.h"

#include "base/arena.h"
#include "proto/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARENA_BUDGET = 1024 * 1024 };

struct questions_options {
	struct question_mix mix;
	uint32_t tokens, count;
	uint64_t seed;
	const char *out; // NULL: stdout
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct questions_options *options = state->input;
	switch (key) {
	case 't':
		options->tokens = (uint32_t)option_number(state, "tokens", arg, WORLD_TOKENS_MIN, WORLD_TOKENS_MAX);
		return 0;
	case 's':
		options->seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case 'c':
		options->count = (uint32_t)option_number(state, "count", arg, 1, REQUESTS_MAX);
		return 0;
	case 'm':
		option_mix(state, arg, &options->mix);
		return 0;
	case 'k':
		option_keys(state, arg, &options->mix);
		return 0;
	case 'o':
		options->out = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void write_expected(const struct world_answer *answer, struct line_writer *writer)
{
	char tariff[WORLD_TEXT_SIZE] = "";
	if (answer->tariff != WORLD_NONE)
		world_tariff_id(answer->tariff, tariff);
	line_field(writer, ",\"expect\":{\"verdict\":\"", json_enum_name(JSON_ENUM_VERDICT, answer->verdict));
	line_field(writer, ",\"reason\":\"", json_enum_name(JSON_ENUM_REASON, answer->reason));
	line_field(writer, ",\"access\":\"", json_enum_name(JSON_ENUM_ACCESS, answer->access));
	line_field(writer, ",\"offline_verdict\":\"", json_enum_name(JSON_ENUM_VERDICT, answer->offline_verdict));
	line_text(writer, ",\"tariff_id\":\"");
	line_text(writer, tariff);
	line_end(writer, "\"}}");
}

static int write_question(const struct question *question, struct line_writer *writer, struct arena *arena)
{
	struct bytes text;
	arena_reset(arena);
	const int error = json_encode(&schema_authorize_request, &question->request, JSON_COMPACT, arena, &text);
	if (error < 0)
		return error;
	line_text_sized(writer, text.data, text.size - 1); // the brace is still open
	write_expected(&question->answer, writer);
	return 0;
}

static int write_questions(const struct world *world, const struct questions_options *options, int fd)
{
	struct arena arena;
	struct question question;
	struct line_writer *writer = malloc(sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	int error = 0;
	line_writer_init(writer, fd);
	arena_init(&arena, 4096, ARENA_BUDGET);
	for (uint32_t i = 0; i < options->count && error == 0; i++) {
		question_make(world, &options->mix, options->seed, i, &question);
		error = write_question(&question, writer, &arena);
	}
	if (error == 0)
		error = line_writer_flush(writer);
	arena_finish(&arena);
	free(writer);
	return error;
}

int command_questions(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"tokens", 't', "N", 0, "Size of the world (default 1000000)", 0},
		{"seed", 's', "S", 0, "Of the world and of the questions (default 1)", 0},
		{"count", 'c', "K", 0, "How many questions (default 10000)", 0},
		{"mix", 'm', "A:D:U:F", 0, "Shares of allowed, denied, unknown and foreign (default 60:25:5:10)", 0},
		{"keys", 'k', "uniform|zipf[:THETA]", 0, "How tokens and points are drawn (default uniform)", 0},
		{"out", 'o', "FILE", 0, "Where to (default: standard output)", 0},
		{0},
	};
	static const struct argp argp = {rows,
					 parse_option,
					 "",
					 "Writes questions about the world of `evauth-bench generate` with their "
					 "answers, one JSON object a line, "
					 "for `evauth-bench run --requests FILE`.",
					 NULL,
					 NULL,
					 NULL};
	struct questions_options options = {.mix = QUESTION_MIX_DEFAULT, .tokens = 1000000, .count = 10000, .seed = 1};
	struct world world;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	const int fd = options.out ? open(options.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : STDOUT_FILENO;
	if (fd < 0)
		return command_error(options.out, -errno);
	int error = world_init(&world, options.tokens, options.seed);
	if (error == 0) {
		error = write_questions(&world, &options, fd);
		world_finish(&world);
	}
	if (options.out && close(fd) < 0 && error == 0)
		error = -errno;
	return error < 0 ? command_error("questions", error) : EXIT_CODE_DONE;
}
