// SPDX-License-Identifier: Apache-2.0
// evauth-bench resp-load: fills a Redis server with what `run --resp` asks for.
#include "bench/command.h"
#include "bench/peer_redis.h"
#include "bench/protocol_resp.h"

#include <stdio.h>

struct resp_load {
	const char *server;
	uint32_t keys, value_size;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct resp_load *options = state->input;
	switch (key) {
	case 'r':
		options->server = arg;
		return 0;
	case 'k':
		options->keys = (uint32_t)option_number(state, "keys", arg, 1, 100000000);
		return 0;
	case 'v':
		options->value_size = (uint32_t)option_number(state, "value-size", arg, 1, RESP_VALUE_SIZE_MAX);
		return 0;
	case ARGP_KEY_END:
		if (!options->server)
			argp_error(state, "--resp HOST:PORT is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int command_resp_load(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"resp", 'r', "HOST:PORT", 0, "The Redis server to fill", 0},
		{"keys", 'k', "N", 0, "How many keys (default 1000000)", 0},
		{"value-size", 'v', "BYTES", 0, "Of every value (default 150)", 0},
		{0},
	};
	static const struct argp argp = {
		rows, parse_option, "",  "Fills a Redis server with the keys that `evauth-bench run --resp` asks for.",
		NULL, NULL,         NULL};
	struct resp_load options = {.keys = 1000000, .value_size = 150};
	struct fault fault = {0};
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (redis_fill_values(options.server, options.keys, options.value_size, &fault) == 0)
		return EXIT_CODE_DONE;
	fprintf(stderr, "evauth-bench: %s: %s\n", options.server, fault.message);
	return EXIT_CODE_ERROR;
}
