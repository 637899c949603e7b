// SPDX-License-Identifier: Apache-2.0
// evauth-bench propagation
#include "bench/command.h"
#include "bench/propagation_report.h"
#include "bench/tls_options.h"
#include "client/address.h"

#include <stdlib.h>
#include <string.h>

enum option_key { KEY_SERVER = 256, KEY_READ_FROM, KEY_COUNT, KEY_POLLERS, KEY_TIMEOUT, KEY_JSON };

struct propagation_arguments {
	struct propagation_options run;
	struct tls_options tls;
	bool json;
};

static const struct argp_option option_rows[] = {
	{"server", KEY_SERVER, "[tls:]HOST:PORT|unix:PATH", 0,
	 "Where the changes are sent (default 127.0.0.1:7420, or EVAUTH_SERVER)", 0},
	{"read-from", KEY_READ_FROM, "[tls:]HOST:PORT|unix:PATH", 0,
	 "Another daemon, which follows that one, to ask (default: the same)", 0},
	{"count", KEY_COUNT, "N", 0, "Changes (default 1000)", 0},
	{"pollers", KEY_POLLERS, "N", 0, "Connections that ask without pause, a thread each (default 2)", 0},
	{"timeout", KEY_TIMEOUT, "S", 0, "Seconds for a change to become visible (default 10)", 0},
	{"json", KEY_JSON, NULL, 0, "One line of JSON instead of text", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct propagation_arguments *arguments = state->input;
	struct propagation_options *run = &arguments->run;
	switch (key) {
	case KEY_SERVER:
		run->server = arg;
		return 0;
	case KEY_READ_FROM:
		run->read_from = arg;
		return 0;
	case KEY_COUNT:
		run->count = (uint32_t)option_number(state, "count", arg, 1, PROPAGATION_COUNT_MAX);
		return 0;
	case KEY_POLLERS:
		run->pollers = (uint32_t)option_number(state, "pollers", arg, 1, PROPAGATION_POLLERS_MAX);
		return 0;
	case KEY_TIMEOUT:
		run->timeout_ms = 1000 * (uint32_t)option_number(state, "timeout", arg, 1, 3600);
		return 0;
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->tls;
		return 0;
	case ARGP_KEY_END:
		if (!run->read_from || !address_names_tls(run->read_from))
			tls_options_check(state, &arguments->tls, run->server);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(const struct propagation_arguments *arguments)
{
	struct propagation_result result;
	int code = EXIT_CODE_ERROR;
	const int error = propagation_run(&arguments->run, &result);
	if (error == 0) {
		if (arguments->json)
			propagation_report_json(&arguments->run, &result, stdout);
		else
			propagation_report_text(&arguments->run, &result, stdout);
		code = result.is_wrong ? EXIT_CODE_WRONG : EXIT_CODE_DONE;
	}
	if (code == EXIT_CODE_WRONG)
		fprintf(stderr, "WRONG ANSWER\n%s\n", result.problem);
	else if (code == EXIT_CODE_ERROR)
		fprintf(stderr, "evauth-bench: propagation: %s\n", result.problem);
	propagation_result_finish(&result);
	return code;
}

int command_propagation(int argc, char **argv)
{
	static const struct argp_child children[] = {{&tls_options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		option_rows,
		parse_option,
		"",
		"Blocks and unblocks a token of its own, one change at a time, and measures when answers show it.\v"
		"It makes its own objects, named bench-propagation-..., and removes them. On one daemon what is "
		"acknowledged is visible: an older answer to a request sent after the acknowledgement is wrong. "
		"Exit code: 0 every answer right, 1 a wrong answer or a change not visible in time, 2 the run failed.",
		children,
		NULL,
		NULL};
	const char *server = getenv("EVAUTH_SERVER");
	struct propagation_arguments arguments = {.run =
							  {
								  .server = server ? server : "127.0.0.1:7420",
								  .count = 1000,
								  .pollers = 2,
								  .timeout_ms = 10000,
							  },
						  .tls = tls_options_default()};
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	struct propagation_options *options = &arguments.run;
	options->tls = arguments.tls.tls;
	if (!options->read_from)
		options->read_from = options->server;
	options->must_be_visible = strcmp(options->read_from, options->server) == 0;
	return run(&arguments);
}
