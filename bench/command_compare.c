// SPDX-License-Identifier: Apache-2.0
// evauth-bench compare
#include "bench/command.h"
#include "bench/compare_report.h"
#include "bench/protocol_resp.h"
#include "proto/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUESTS_MAX = 2000000, BATCHED_DECISIONS_MAX = 4000000, SECONDS_MAX = 3600, RATE_MAX = 100000000 };

struct arguments {
	struct compare_options compare;
	const char *evauthd; // NULL: next to us
	void (*report)(const struct compare *compare, FILE *stream);
};

enum option_key {
	KEY_PEERS = 256,
	KEY_TOKENS,
	KEY_SEED,
	KEY_CONNECTIONS,
	KEY_DEPTHS,
	KEY_ROUNDS,
	KEY_REPEATS,
	KEY_SECONDS,
	KEY_WARMUP,
	KEY_RATE,
	KEY_WRITES,
	KEY_WRITE_CONNECTIONS,
	KEY_MIX,
	KEY_BATCH,
	KEY_REQUESTS,
	KEY_VALUE_SIZE,
	KEY_WORKERS,
	KEY_SERVER_CPU,
	KEY_CLIENT_CPU,
	KEY_EVAUTHD,
	KEY_JSON,
	KEY_CSV,
};

static const struct argp_option option_rows[] = {
	{"peers", KEY_PEERS, "LIST", 0, "Which ones, e.g. get,echo (default: all that are installed)", 0},
	{"tokens", KEY_TOKENS, "N", 0, "Size of the world (default 1000000)", 0},
	{"seed", KEY_SEED, "S", 0, "Another seed, another world (default 1)", 0},
	{"connections", KEY_CONNECTIONS, "C", 0, "Connections (default 50)", 0},
	{"depths", KEY_DEPTHS, "LIST", 0, "Most requests on the way per connection (default 1,16,64)", 0},
	{"rounds", KEY_ROUNDS, "N", 0, "Every server at every depth so often, in turn (default 5)", 0},
	{"repeats", KEY_REPEATS, "N", 0, "Repeat at most N runs that something else disturbed, of all (default 40)", 0},
	{"seconds", KEY_SECONDS, "T", 0, "Measured time of a run (default 2)", 0},
	{"warmup", KEY_WARMUP, "T", 0, "Seconds before that (default 0.5)", 0},
	{"rate", KEY_RATE, "R|PERCENT%", 0,
	 "Open loop: decisions a second of every server, or a share of what evauthd does in a closed loop without "
	 "writes, found anew for each depth and round (default: closed loop)",
	 0},
	{"writes", KEY_WRITES, "RATE|max", 0,
	 "Apply to evauthd beside every run, also of the other servers, so that all share the machine with the same "
	 "writer. max: the next one as soon as one is answered",
	 0},
	{"write-connections", KEY_WRITE_CONNECTIONS, "N", 0, "Connections for Apply (default 8)", 0},
	{"mix", KEY_MIX, "A:D:U:F", 0, "Shares of allowed, denied, unknown and foreign (default 60:25:5:10)", 0},
	{"batch", KEY_BATCH, "N", 0, "AuthorizeBatch of N; peers but echo get N times the depth instead", 0},
	{"requests", KEY_REQUESTS, "N", 0, "Different requests to prepare (default 1000000)", 0},
	{"value-size", KEY_VALUE_SIZE, "BYTES", 0, "Of the values that get and memcached answer (default 150)", 0},
	{"workers", KEY_WORKERS, "N", 0, "Of evauthd (default 1)", 0},
	{"server-cpu", KEY_SERVER_CPU, "LIST", 0, "Cores for the servers (default 0)", 0},
	{"client-cpu", KEY_CLIENT_CPU, "LIST", 0, "Cores for the load (default: the last)", 0},
	{"evauthd", KEY_EVAUTHD, "PATH", 0, "The daemon (default: next to evauth-bench)", 0},
	{"json", KEY_JSON, NULL, 0, "One line of JSON instead of text", 0},
	{"csv", KEY_CSV, NULL, 0, "A header and one row per run instead of text", 0},
	{0},
};

// ---------------------------------------------------------------- values

static double parse_seconds(struct argp_state *state, const char *name, const char *text, double min)
{
	char *end = NULL;
	const double seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(seconds >= min) || seconds > SECONDS_MAX)
		argp_error(state, "--%s: '%s' is not a number of seconds from %g to %d", name, text, min, SECONDS_MAX);
	return seconds;
}

static void parse_mix(struct argp_state *state, const char *text, struct question_mix *mix)
{
	enum { SHARE_MAX = 1000000 };
	char rest;
	if (sscanf(text, "%9u:%9u:%9u:%9u%c", &mix->allowed, &mix->denied, &mix->unknown, &mix->foreign, &rest) != 4 ||
	    mix->allowed > SHARE_MAX || mix->denied > SHARE_MAX || mix->unknown > SHARE_MAX ||
	    mix->foreign > SHARE_MAX || mix->allowed + mix->denied + mix->unknown + mix->foreign == 0)
		argp_error(state, "--mix: '%s' is not like 60:25:5:10", text);
}

static void parse_peers(struct argp_state *state, char *text, struct compare_options *options)
{
	char *rest = NULL;
	options->class_count = 1; // evauthd
	options->must_have_all = true;
	for (char *name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		const struct peer_class *class = peer_class_find(bytes_from(name));
		if (!class)
			argp_error(state, "--peers: there is no '%s'", name);
		for (uint32_t i = 0; i < options->class_count; i++) {
			if (options->classes[i] == class)
				class = NULL;
		}
		if (class)
			options->classes[options->class_count++] = class;
	}
}

static void parse_rate(struct argp_state *state, const char *text, struct compare_options *options)
{
	char *end = NULL;
	const double percent = strtod(text, &end);
	options->rate = options->rate_share = 0;
	if (end == text || strcmp(end, "%") != 0)
		options->rate = (double)option_number(state, "rate", text, 1, RATE_MAX);
	else if (percent >= 1 && percent <= 100)
		options->rate_share = percent / 100;
	else
		argp_error(state, "--rate: '%s' is not from 1%% to 100%%", text);
}

static void parse_writes(struct argp_state *state, const char *text, struct compare_options *options)
{
	options->has_writes = true;
	options->writes = strcmp(text, "max") == 0 ? 0 : (double)option_number(state, "writes", text, 1, RATE_MAX);
}

static void parse_depths(struct argp_state *state, char *text, struct compare_options *options)
{
	char *rest = NULL;
	options->depth_count = 0;
	for (char *depth = strtok_r(text, ",", &rest); depth; depth = strtok_r(NULL, ",", &rest)) {
		if (options->depth_count == COMPARE_DEPTHS_MAX)
			argp_error(state, "--depths: more than %d", COMPARE_DEPTHS_MAX);
		options->depths[options->depth_count++] =
			(uint32_t)option_number(state, "depths", depth, 1, LOAD_DEPTH_MAX);
	}
	if (options->depth_count == 0)
		argp_error(state, "--depths: there is none");
}

// "0", "0,2", "1-3"
static void parse_cpus(struct argp_state *state, const char *name, char *text, cpu_set_t *cpus)
{
	char *rest = NULL;
	CPU_ZERO(cpus);
	for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
		char *dash = strchr(part, '-');
		if (dash)
			*dash++ = '\0';
		const uint64_t first = option_number(state, name, part, 0, CPU_SETSIZE - 1);
		const uint64_t last = dash ? option_number(state, name, dash, first, CPU_SETSIZE - 1) : first;
		for (uint64_t cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, cpus);
	}
	if (CPU_COUNT(cpus) == 0)
		argp_error(state, "--%s: there is none", name);
}

// ---------------------------------------------------------------- the command line

static error_t parse_number(int key, const char *arg, struct argp_state *state)
{
	struct compare_options *options = &((struct arguments *)state->input)->compare;
	const struct {
		int key;
		const char *name;
		uint32_t *value;
		uint32_t min, max;
	} rows[] = {
		{KEY_TOKENS, "tokens", &options->tokens, WORLD_TOKENS_MIN, WORLD_TOKENS_MAX},
		{KEY_CONNECTIONS, "connections", &options->connections, 1, LOAD_CONNECTIONS_MAX},
		{KEY_ROUNDS, "rounds", &options->rounds, 1, COMPARE_ROUNDS_MAX},
		{KEY_REPEATS, "repeats", &options->repeats_max, 0, COMPARE_REPEATS_MAX},
		{KEY_BATCH, "batch", &options->batch, 1, BATCH_REQUESTS_MAX},
		{KEY_REQUESTS, "requests", &options->requests, 1, REQUESTS_MAX},
		{KEY_VALUE_SIZE, "value-size", &options->value_size, 1, RESP_VALUE_SIZE_MAX},
		{KEY_WORKERS, "workers", &options->workers, 1, 64},
		{KEY_WRITE_CONNECTIONS, "write-connections", &options->write_connections, 1, LOAD_CONNECTIONS_MAX},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].key != key)
			continue;
		*rows[i].value = (uint32_t)option_number(state, rows[i].name, arg, rows[i].min, rows[i].max);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct compare_options *options = &arguments->compare;
	switch (key) {
	case KEY_PEERS:
		parse_peers(state, arg, options);
		return 0;
	case KEY_SEED:
		options->seed = option_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_DEPTHS:
		parse_depths(state, arg, options);
		return 0;
	case KEY_SECONDS:
		options->seconds = parse_seconds(state, "seconds", arg, 0.01);
		return 0;
	case KEY_WARMUP:
		options->warmup_s = parse_seconds(state, "warmup", arg, 0);
		return 0;
	case KEY_RATE:
		parse_rate(state, arg, options);
		return 0;
	case KEY_WRITES:
		parse_writes(state, arg, options);
		return 0;
	case KEY_MIX:
		parse_mix(state, arg, &options->mix);
		return 0;
	case KEY_SERVER_CPU:
		parse_cpus(state, "server-cpu", arg, &options->server_cpus);
		return 0;
	case KEY_CLIENT_CPU:
		parse_cpus(state, "client-cpu", arg, &options->client_cpus);
		return 0;
	case KEY_EVAUTHD:
		arguments->evauthd = arg;
		return 0;
	case KEY_JSON:
		arguments->report = compare_report_json;
		return 0;
	case KEY_CSV:
		arguments->report = compare_report_csv;
		return 0;
	default:
		return parse_number(key, arg, state);
	}
}

static void set_defaults(struct compare_options *options)
{
	*options = (struct compare_options){
		.class_count = peer_class_count,
		.tokens = 1000000,
		.requests = 1000000,
		.value_size = 150,
		.workers = 1,
		.seed = 1,
		.mix = {.allowed = 60, .denied = 25, .unknown = 5, .foreign = 10},
		.connections = 50,
		.depths = {1, 16, 64},
		.depth_count = 3,
		.rounds = 5,
		.repeats_max = COMPARE_REPEATS_MAX,
		.seconds = 2,
		.warmup_s = 0.5,
		.write_connections = 8,
	};
	for (uint32_t i = 0; i < peer_class_count; i++)
		options->classes[i] = peer_classes[i];
	CPU_SET(0, &options->server_cpus);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &options->client_cpus);
}

// The programs next to us.
static int find_programs(const char *evauthd, char daemon[PROCESS_PATH_SIZE], char cli[PROCESS_PATH_SIZE])
{
	char own[PROCESS_PATH_SIZE - 16];
	const ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (size < 0)
		return command_error("/proc/self/exe", -errno);
	own[size] = '\0';
	*strrchr(own, '/') = '\0';
	snprintf(cli, PROCESS_PATH_SIZE, "%s/evauth", own);
	if (evauthd)
		snprintf(daemon, PROCESS_PATH_SIZE, "%s", evauthd);
	else
		snprintf(daemon, PROCESS_PATH_SIZE, "%s/evauthd", own);
	if (access(daemon, X_OK) < 0)
		return command_error(daemon, -errno);
	return access(cli, X_OK) < 0 ? command_error(cli, -errno) : EXIT_CODE_DONE;
}

static int compare_all(const struct arguments *arguments)
{
	struct fault fault = {0};
	struct compare *compare = malloc(sizeof(*compare));
	if (!compare)
		return command_error("compare", -ENOMEM);
	int error = compare_open(&arguments->compare, compare, &fault);
	if (error == 0)
		error = compare_measure(compare, &fault);
	if (error == 0)
		arguments->report(compare, stdout);
	compare_close(compare);
	free(compare);
	if (error < 0)
		fprintf(stderr, "evauth-bench: compare: %s\n", fault.message);
	return error == 0 ? EXIT_CODE_DONE : error == -EBADMSG ? EXIT_CODE_WRONG : EXIT_CODE_ERROR;
}

int command_compare(int argc, char **argv)
{
	static const struct argp argp = {
		option_rows,
		parse_option,
		"",
		"Runs evauthd and other servers in turn on the same world with the same client loop, and prints how "
		"many times "
		"faster it is. Starts all of them on free ports in a temporary folder and stops them in the end.\v"
		"Exit code: 0 compared, 1 a wrong answer or an error from a server, 2 the comparison failed.",
		NULL,
		NULL,
		NULL};
	struct arguments arguments = {.report = compare_report_text};
	char daemon[PROCESS_PATH_SIZE], cli[PROCESS_PATH_SIZE];
	set_defaults(&arguments.compare);
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	const int code = find_programs(arguments.evauthd, daemon, cli);
	if (code != EXIT_CODE_DONE)
		return code;
	struct compare_options *options = &arguments.compare;
	options->evauthd = daemon;
	options->evauth = cli;
	if (options->batch > 0 && options->requests > BATCHED_DECISIONS_MAX / options->batch)
		options->requests = BATCHED_DECISIONS_MAX / options->batch;
	return compare_all(&arguments);
}
