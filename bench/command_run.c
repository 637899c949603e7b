// SPDX-License-Identifier: Apache-2.0
// evauth-bench run
#include "bench/command.h"
#include "bench/protocol_authorize.h"
#include "bench/protocol_resp.h"
#include "bench/report.h"

#include "proto/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	REQUESTS_DEFAULT = 1000000, // prepared; a run goes through them again and again
	REQUESTS_MAX = 10000000,
	BATCHED_ANSWERS_MAX = 10000000,
};

struct run_options {
	struct load_options load;
	struct question_mix mix;
	const char *resp; // NULL: evauthd
	uint32_t tokens;
	uint32_t requests;
	uint32_t batch;
	uint32_t value_size;
	uint64_t seed;
	bool json;
};

enum option_key {
	KEY_SERVER = 256,
	KEY_RESP,
	KEY_TOKENS,
	KEY_SEED,
	KEY_CONNECTIONS,
	KEY_DEPTH,
	KEY_RATE,
	KEY_SECONDS,
	KEY_WARMUP,
	KEY_BATCH,
	KEY_MIX,
	KEY_REQUESTS,
	KEY_VALUE_SIZE,
	KEY_SERVER_PID,
	KEY_JSON,
};

static const struct argp_option option_rows[] = {
	{"server", KEY_SERVER, "HOST:PORT|unix:PATH", 0, "evauthd (default 127.0.0.1:7420, or EVAUTH_SERVER)", 0},
	{"resp", KEY_RESP, "HOST:PORT", 0, "A Redis server instead: GET of one key per token", 0},
	{"tokens", KEY_TOKENS, "N", 0, "Size of the world that was imported (default 1000000)", 0},
	{"seed", KEY_SEED, "S", 0, "Its seed (default 1)", 0},
	{"connections", KEY_CONNECTIONS, "C", 0, "Connections (default 50)", 0},
	{"depth", KEY_DEPTH, "D", 0, "Most requests on the way per connection (default 1)", 0},
	{"rate", KEY_RATE, "R", 0, "Open loop: requests a second over all connections (default: closed loop)", 0},
	{"seconds", KEY_SECONDS, "T", 0, "Measured time (default 10)", 0},
	{"warmup", KEY_WARMUP, "T", 0, "Seconds before that (default 2)", 0},
	{"batch", KEY_BATCH, "N", 0, "AuthorizeBatch of N instead of Authorize", 0},
	{"mix", KEY_MIX, "A:D:U:F", 0, "Shares of allowed, denied, unknown and foreign (default 60:25:5:10)", 0},
	{"requests", KEY_REQUESTS, "N", 0, "Different requests to prepare (default 1000000)", 0},
	{"value-size", KEY_VALUE_SIZE, "BYTES", 0, "--resp: of the values stored (default 150)", 0},
	{"server-pid", KEY_SERVER_PID, "PID", 0, "Measure the CPU time of this process as well", 0},
	{"json", KEY_JSON, NULL, 0, "One line of JSON instead of text", 0},
	{0},
};

// "60:25:5:10"
static void parse_mix(struct argp_state *state, const char *text, struct question_mix *mix)
{
	char rest;
	if (sscanf(text, "%9u:%9u:%9u:%9u%c", &mix->allowed, &mix->denied, &mix->unknown, &mix->foreign, &rest) != 4 ||
	    mix->allowed > 1000000 || mix->denied > 1000000 || mix->unknown > 1000000 || mix->foreign > 1000000 ||
	    mix->allowed + mix->denied + mix->unknown + mix->foreign == 0)
		argp_error(state, "--mix: '%s' is not like 60:25:5:10", text);
}

static error_t parse_number(int key, const char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	const struct {
		const char *name;
		uint32_t *value;
		uint32_t min, max;
	} rows[] = {
		[KEY_TOKENS - KEY_SERVER] = {"tokens", &options->tokens, WORLD_TOKENS_MIN, WORLD_TOKENS_MAX},
		[KEY_CONNECTIONS - KEY_SERVER] = {"connections", &options->load.connections, 1, LOAD_CONNECTIONS_MAX},
		[KEY_DEPTH - KEY_SERVER] = {"depth", &options->load.depth, 1, LOAD_DEPTH_MAX},
		[KEY_BATCH - KEY_SERVER] = {"batch", &options->batch, 1, BATCH_REQUESTS_MAX},
		[KEY_REQUESTS - KEY_SERVER] = {"requests", &options->requests, 1, REQUESTS_MAX},
		[KEY_VALUE_SIZE - KEY_SERVER] = {"value-size", &options->value_size, 1, RESP_VALUE_SIZE_MAX},
	};
	const int row = key - KEY_SERVER;
	if (row < 0 || row >= (int)ARRAY_SIZE(rows) || !rows[row].name)
		return ARGP_ERR_UNKNOWN;
	*rows[row].value = (uint32_t)option_number(state, rows[row].name, arg, rows[row].min, rows[row].max);
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	switch (key) {
	case KEY_SERVER:
		options->load.server = arg;
		return 0;
	case KEY_RESP:
		options->resp = arg;
		return 0;
	case KEY_SEED:
		options->seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_RATE:
		options->load.rate = (double)option_number(state, "rate", arg, 1, 100000000);
		return 0;
	case KEY_SECONDS:
		options->load.seconds = (double)option_number(state, "seconds", arg, 1, 86400);
		return 0;
	case KEY_WARMUP:
		options->load.warmup_s = (double)option_number(state, "warmup", arg, 0, 3600);
		return 0;
	case KEY_MIX:
		parse_mix(state, arg, &options->mix);
		return 0;
	case KEY_SERVER_PID:
		options->load.server_pid = (pid_t)option_number(state, "server-pid", arg, 1, INT32_MAX);
		return 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	default:
		return parse_number(key, arg, state);
	}
}

static int report(const struct run_options *options, const struct load_result *result)
{
	const struct report report = {.options = &options->load, .result = result, .batch = options->batch};
	if (options->json)
		report_json(&report, stdout);
	else
		report_text(&report, stdout);
	report_warnings(&report, stderr);
	return report_is_clean(result) ? EXIT_CODE_DONE : EXIT_CODE_WRONG;
}

static int put_load(const struct run_options *options, const struct load_protocol *protocol,
		    const struct load_requests *requests,
		    void (*explain_wrong)(const struct load_requests *requests, const struct load_result *result))
{
	const char *what = "";
	struct load_result *result = calloc(1, sizeof(*result));
	if (!result)
		return command_error("run", -ENOMEM);
	const int error = load_run(&options->load, protocol, requests, result, &what);
	int code;
	if (error < 0)
		code = command_error(what, error);
	else
		code = report(options, result);
	if (result->is_wrong)
		explain_wrong(requests, result);
	free(result);
	return code;
}

static int run_resp(struct run_options *options)
{
	const struct resp_load_options resp = {
		.keys = options->tokens,
		.value_size = options->value_size,
		.seed = options->seed,
		.count = options->requests,
	};
	struct load_requests requests;
	const int error = resp_requests_create(&resp, &requests);
	if (error < 0)
		return command_error("preparing requests", error);
	options->load.server = options->resp;
	const int code = put_load(options, &protocol_resp, &requests, resp_explain_wrong);
	resp_requests_destroy(&requests);
	return code;
}

static int run_authorize(const struct run_options *options)
{
	const uint32_t per_frame = options->batch == 0 ? 1 : options->batch;
	const uint32_t most = BATCHED_ANSWERS_MAX / per_frame;
	const struct authorize_load_options authorize = {
		.mix = options->mix,
		.seed = options->seed,
		.count = options->requests < most ? options->requests : most,
		.batch = options->batch,
	};
	struct world world;
	struct load_requests requests;
	int error = world_init(&world, options->tokens, options->seed);
	if (error < 0)
		return command_error("world", error);
	error = authorize_requests_create(&world, &authorize, &requests);
	world_finish(&world);
	if (error < 0)
		return command_error("preparing requests", error);
	const int code = put_load(options, &protocol_authorize, &requests, authorize_explain_wrong);
	authorize_requests_destroy(&requests);
	return code;
}

int command_run(int argc, char **argv)
{
	static const struct argp argp = {
		option_rows,
		parse_option,
		"",
		"Puts load on a daemon that holds the world of `evauth-bench generate` and checks every answer.\v"
		"Exit code: 0 all answers right, 1 a wrong answer, an error or none at all, 2 the run failed.",
		NULL,
		NULL,
		NULL};
	const char *server = getenv("EVAUTH_SERVER");
	struct run_options options = {
		.load = {.server = server ? server : "127.0.0.1:7420",
			 .connections = 50,
			 .depth = 1,
			 .seconds = 10,
			 .warmup_s = 2},
		.mix = {.allowed = 60, .denied = 25, .unknown = 5, .foreign = 10},
		.tokens = 1000000,
		.requests = REQUESTS_DEFAULT,
		.value_size = 150,
		.seed = 1,
	};
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	return options.resp ? run_resp(&options) : run_authorize(&options);
}
