// SPDX-License-Identifier: Apache-2.0
#include "bench/run_options.h"

#include "bench/command.h"
#include "bench/protocol_resp.h"
#include "bench/zipf.h"
#include "proto/limits.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPIN_US_MAX = 1000, PASSES_MAX = 1000000, ROUNDS_MAX = 1000, ROUNDS_DEFAULT = 5, TIMEOUT_MS_MAX = 60000 };

static const double zipf_theta_default = 0.99;
static const double unset = -1;
// By default, in seconds: of one run; of a step of a search or a scan; of a run that ends by --passes.
static const double seconds_default = 10, warmup_default = 2, step_seconds_default = 2, step_warmup_default = 0.5,
		    passes_seconds_default = 3600;

enum option_key {
	KEY_SERVER = 256,
	KEY_RESP,
	KEY_TOKENS,
	KEY_SEED,
	KEY_REQUESTS,
	KEY_MIX,
	KEY_KEYS,
	KEY_BATCH,
	KEY_VALUE_SIZE,
	KEY_CONNECTIONS,
	KEY_THREADS,
	KEY_DEPTH,
	KEY_CHURN,
	KEY_FULL_HANDSHAKES,
	KEY_RATE,
	KEY_ROUNDS,
	KEY_TIMEOUT,
	KEY_ARRIVALS,
	KEY_SPIN,
	KEY_WRITES,
	KEY_APPLY_SHARE,
	KEY_WRITE_CONNECTIONS,
	KEY_SECONDS,
	KEY_WARMUP,
	KEY_PASSES,
	KEY_SEARCH,
	KEY_SCAN,
	KEY_SERVER_PID,
	KEY_JSON,
	KEY_CSV,
	KEY_CSV_SECONDS,
};

static const struct argp_option option_rows[] = {
	{NULL, 0, NULL, 0, "What is asked:", 1},
	{"server", KEY_SERVER, "[tls:]HOST:PORT|unix:PATH", 0, "evauthd (default 127.0.0.1:7420, or EVAUTH_SERVER)", 1},
	{"resp", KEY_RESP, "HOST:PORT", 0, "A Redis server instead: GET of one key per token", 1},
	{"tokens", KEY_TOKENS, "N", 0, "Size of the world that was imported (default 1000000)", 1},
	{"seed", KEY_SEED, "S", 0, "Seed of that world, of the questions and of the arrivals (default 1)", 1},
	{"requests", KEY_REQUESTS, "N|FILE", 0,
	 "Different requests to prepare (default 1000000), or a file of requests with expected answers, one JSON "
	 "object a line, as `evauth-bench questions` writes; - is standard input",
	 1},
	{"mix", KEY_MIX, "A:D:U:F", 0, "Shares of allowed, denied, unknown and foreign (default 60:25:5:10)", 1},
	{"keys", KEY_KEYS, "uniform|zipf[:THETA]", 0, "How tokens and points are drawn (default uniform; THETA 0.99)",
	 1},
	{"batch", KEY_BATCH, "N", 0, "AuthorizeBatch of N instead of Authorize", 1},
	{"value-size", KEY_VALUE_SIZE, "BYTES", 0, "--resp: of the values stored (default 150)", 1},
	{NULL, 0, NULL, 0, "How:", 2},
	{"connections", KEY_CONNECTIONS, "C", 0, "Connections (default 50)", 2},
	{"threads", KEY_THREADS, "N", 0, "Threads that share connections and rate (default 1)", 2},
	{"depth", KEY_DEPTH, "D", 0, "Most requests on the way per connection (default 1)", 2},
	{"churn", KEY_CHURN, "N", 0, "Close each connection after N requests and make it anew", 2},
	{"full-handshakes", KEY_FULL_HANDSHAKES, NULL, 0,
	 "--churn with TLS: no session is taken up again (default: each connection takes up the last one's)", 2},
	{"rate", KEY_RATE, "R|PERCENT%", 0,
	 "Open loop: requests a second over all connections (default: closed loop); or a share of what a closed loop "
	 "does, measured before each round",
	 2},
	{"rounds", KEY_ROUNDS, "N", 0, "With --rate PERCENT%: so often (default 5)", 2},
	{"timeout-ms", KEY_TIMEOUT, "N", 0,
	 "Ask for answers within N milliseconds of the moment a request was due: tells the daemon, counts what came in "
	 "time, and does not send what is too late. Refusals for lack of time or room are counted, and no errors",
	 2},
	{"arrivals", KEY_ARRIVALS, "constant|poisson", 0, "Open loop: when requests are due (default constant)", 2},
	{"spin-us", KEY_SPIN, "US", 0,
	 "Open loop: poll for so long before a request is due, as a sleep may end late; 0: sleep (default 50 where "
	 "every thread has a core and one is left, else 0)",
	 2},
	{"writes", KEY_WRITES, "RATE|max", 0,
	 "Apply beside the load, to 1000 customers (evauth-bench-0000 and on) and 1000 tokens (0EBE..., of issuer ZZ "
	 "BEN) that are not asked about; they stay in the store. max: the next one as soon as one is answered",
	 2},
	{"apply-share", KEY_APPLY_SHARE, "PERCENT", 0,
	 "As --writes, so many of all requests: on top of --rate, --search, --scan", 2},
	{"write-connections", KEY_WRITE_CONNECTIONS, "N", 0, "Connections for Apply (default 8)", 2},
	{NULL, 0, NULL, 0, "How long:", 3},
	{"seconds", KEY_SECONDS, "T", 0, "Measured time (default 10; of a step of --search or --scan 2)", 3},
	{"warmup", KEY_WARMUP, "T", 0, "Seconds before that (default 2; of a step 0.5)", 3},
	{"passes", KEY_PASSES, "N", 0,
	 "End when every request was asked N times, without warm-up; --seconds is then the most it may take", 3},
	{"search", KEY_SEARCH, "Q=LIMIT", 0,
	 "Find the highest rate that keeps a quantile, as in p99=200us or p99.9=2ms: doubling, bisecting, and a run "
	 "three times as long that has to confirm it",
	 3},
	{"scan", KEY_SCAN, "FROM:TO:STEP", 0, "One run per rate: the curve", 3},
	{NULL, 0, NULL, 0, "What is told:", 4},
	{"server-pid", KEY_SERVER_PID, "PID", 0, "Measure the CPU time of this process as well", 4},
	{"json", KEY_JSON, NULL, 0, "One line of JSON per run instead of text", 4},
	{"csv", KEY_CSV, NULL, 0, "A header and one row per run instead of text", 4},
	{"csv-seconds", KEY_CSV_SECONDS, "FILE", 0, "Requests answered in every second, as CSV", 4},
	{0},
};

// ---------------------------------------------------------------- values

void option_mix(struct argp_state *state, const char *text, struct question_mix *mix)
{
	char rest;
	if (sscanf(text, "%9u:%9u:%9u:%9u%c", &mix->allowed, &mix->denied, &mix->unknown, &mix->foreign, &rest) != 4 ||
	    mix->allowed > 1000000 || mix->denied > 1000000 || mix->unknown > 1000000 || mix->foreign > 1000000 ||
	    mix->allowed + mix->denied + mix->unknown + mix->foreign == 0)
		argp_error(state, "--mix: '%s' is not like 60:25:5:10", text);
}

// A number above `min` and up to `max` that the text begins with; *end is behind it.
static double decimal_part(struct argp_state *state, const char *name, const char *text, double max, char **end)
{
	const double number = strtod(text, end);
	if (*end == text || !isfinite(number) || number < 0 || number > max)
		argp_error(state, "--%s: '%s' is not a number from 0 to %.0f", name, text, max);
	return number;
}

static double option_decimal(struct argp_state *state, const char *name, const char *text, double max)
{
	char *end = NULL;
	const double number = decimal_part(state, name, text, max, &end);
	if (*end != '\0')
		argp_error(state, "--%s: '%s' is not a number from 0 to %.0f", name, text, max);
	return number;
}

void option_keys(struct argp_state *state, const char *text, struct question_mix *mix)
{
	if (strcmp(text, "uniform") == 0)
		mix->zipf_theta = 0;
	else if (strcmp(text, "zipf") == 0)
		mix->zipf_theta = zipf_theta_default;
	else if (strncmp(text, "zipf:", 5) == 0)
		mix->zipf_theta = option_decimal(state, "keys", text + 5, ZIPF_THETA_MAX);
	else
		argp_error(state, "--keys: '%s' is neither uniform nor zipf[:THETA]", text);
}

static enum load_arrivals option_arrivals(struct argp_state *state, const char *text)
{
	if (strcmp(text, "constant") != 0 && strcmp(text, "poisson") != 0)
		argp_error(state, "--arrivals: '%s' is neither constant nor poisson", text);
	return strcmp(text, "poisson") == 0 ? LOAD_ARRIVALS_POISSON : LOAD_ARRIVALS_CONSTANT;
}

// "p99=200us"
static void option_goal(struct argp_state *state, const char *text, struct run_goal *goal)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50=", 0.5},     {"p90=", 0.9},       {"p99=", 0.99},
			 {"p99.9=", 0.999}, {"p99.99=", 0.9999}, {"max=", 1}};
	static const struct {
		const char *name;
		double us;
	} units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}};
	char *unit = NULL;
	*goal = (struct run_goal){.text = text};
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++) {
		const size_t size = strlen(quantiles[i].name);
		if (strncmp(text, quantiles[i].name, size) == 0) {
			goal->share = quantiles[i].share;
			goal->limit_us = decimal_part(state, "search", text + size, 1e9, &unit);
		}
	}
	for (size_t i = 0; unit && i < ARRAY_SIZE(units); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			goal->limit_us *= units[i].us;
			unit = NULL;
		}
	}
	if (goal->limit_us <= 0 || unit)
		argp_error(state, "--search: '%s' is not like p99=200us", text);
}

static void option_scan(struct argp_state *state, const char *text, struct run_scan *scan)
{
	int size = 0;
	if (sscanf(text, "%lf:%lf:%lf%n", &scan->from, &scan->to, &scan->step, &size) != 3 || text[size] != '\0' ||
	    !(scan->from >= 1 && scan->to >= scan->from && scan->to <= RATE_MAX && scan->step >= 1))
		argp_error(state, "--scan: '%s' is not like 10000:100000:10000", text);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

// ---------------------------------------------------------------- parsing

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
		[KEY_THREADS - KEY_SERVER] = {"threads", &options->load.threads, 1, LOAD_THREADS_MAX},
		[KEY_DEPTH - KEY_SERVER] = {"depth", &options->load.depth, 1, LOAD_DEPTH_MAX},
		[KEY_ROUNDS - KEY_SERVER] = {"rounds", &options->rounds, 1, ROUNDS_MAX},
		[KEY_TIMEOUT - KEY_SERVER] = {"timeout-ms", &options->load.timeout_ms, 1, TIMEOUT_MS_MAX},
		[KEY_CHURN - KEY_SERVER] = {"churn", &options->load.churn, 1, UINT32_MAX},
		[KEY_SPIN - KEY_SERVER] = {"spin-us", &options->load.spin_us, 0, SPIN_US_MAX},
		[KEY_PASSES - KEY_SERVER] = {"passes", &options->load.passes, 1, PASSES_MAX},
		[KEY_WRITE_CONNECTIONS -
			KEY_SERVER] = {"write-connections", &options->write_connections, 1, LOAD_CONNECTIONS_MAX},
		[KEY_BATCH - KEY_SERVER] = {"batch", &options->batch, 1, BATCH_REQUESTS_MAX},
		[KEY_VALUE_SIZE - KEY_SERVER] = {"value-size", &options->value_size, 1, RESP_VALUE_SIZE_MAX},
	};
	const int row = key - KEY_SERVER;
	if (row < 0 || row >= (int)ARRAY_SIZE(rows) || !rows[row].name)
		return ARGP_ERR_UNKNOWN;
	*rows[row].value = (uint32_t)option_number(state, rows[row].name, arg, rows[row].min, rows[row].max);
	return 0;
}

static void set_requests(struct argp_state *state, const char *arg, struct run_options *options)
{
	options->requests_file = is_number(arg) ? NULL : arg;
	if (is_number(arg))
		options->requests = (uint32_t)option_number(state, "requests", arg, 1, REQUESTS_MAX);
}

static void set_writes(struct argp_state *state, const char *arg, struct run_options *options)
{
	options->has_writes = true;
	options->writes =
		strcmp(arg, "max") == 0 ? 0 : (double)option_number(state, "writes", arg, 1, (uint64_t)RATE_MAX);
}

static void set_rate(struct argp_state *state, const char *arg, struct run_options *options)
{
	char *end = NULL;
	const double percent = strtod(arg, &end);
	options->load.rate = options->rate_share = 0;
	if (end == arg || strcmp(end, "%") != 0)
		options->load.rate = (double)option_number(state, "rate", arg, 1, (uint64_t)RATE_MAX);
	else if (percent >= 1 && percent <= 1000)
		options->rate_share = percent / 100;
	else
		argp_error(state, "--rate: '%s' is not from 1%% to 1000%%", arg);
}

static error_t parse_load(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	switch (key) {
	case KEY_RATE:
		set_rate(state, arg, options);
		return 0;
	case KEY_ARRIVALS:
		options->load.arrivals = option_arrivals(state, arg);
		return 0;
	case KEY_WRITES:
		set_writes(state, arg, options);
		return 0;
	case KEY_APPLY_SHARE:
		options->apply_share = option_decimal(state, "apply-share", arg, 99);
		return 0;
	case KEY_SECONDS:
		options->load.seconds = option_decimal(state, "seconds", arg, LOAD_SECONDS_MAX);
		return 0;
	case KEY_WARMUP:
		options->load.warmup_s = option_decimal(state, "warmup", arg, 3600);
		return 0;
	case KEY_SEARCH:
		option_goal(state, arg, &options->goal);
		return 0;
	case KEY_SCAN:
		option_scan(state, arg, &options->scan);
		return 0;
	default:
		return parse_number(key, arg, state);
	}
}

// What does not go together.
static void check(struct argp_state *state, const struct run_options *options)
{
	const bool is_search = options->goal.share > 0 || options->scan.step > 0;
	const bool is_many = is_search || options->rate_share > 0;
	const bool is_open = options->load.rate > 0 || is_many;
	const struct {
		bool is_wrong;
		const char *why;
	} rows[] = {
		{options->load.threads > options->load.connections, "--threads: more than --connections"},
		{options->goal.share > 0 && options->scan.step > 0, "--search and --scan: one or the other"},
		{(options->load.rate > 0 || options->rate_share > 0) && is_search,
		 "--rate: --search and --scan choose it"},
		{options->load.seconds == 0, "--seconds: must be above 0"},
		{options->apply_share > 0 && options->has_writes, "--apply-share and --writes: one or the other"},
		{options->apply_share > 0 && !is_open, "--apply-share: needs --rate; a closed loop takes --writes"},
		{options->load.arrivals != LOAD_ARRIVALS_CONSTANT && !is_open, "--arrivals: needs --rate"},
		{options->resp && (options->apply_share > 0 || options->has_writes), "--resp: has no Apply"},
		{options->resp && options->requests_file, "--resp: takes no file of requests"},
		{options->rounds > 0 && options->rate_share == 0, "--rounds: needs --rate PERCENT%"},
		{options->rate_share > 0 && options->apply_share > 0, "--apply-share: not with --rate PERCENT%"},
		{options->load.timeout_ms > 0 && options->resp, "--timeout-ms: not with --resp"},
		{options->load.passes > 0 && is_many, "--passes: not with --search, --scan or --rate PERCENT%"},
		{options->csv_seconds && is_many, "--csv-seconds: not with --search, --scan or --rate PERCENT%"},
		{options->full_handshakes && options->load.churn == 0, "--full-handshakes: needs --churn"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].is_wrong)
			argp_error(state, "%s", rows[i].why);
	}
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
	case KEY_REQUESTS:
		set_requests(state, arg, options);
		return 0;
	case KEY_MIX:
		option_mix(state, arg, &options->mix);
		return 0;
	case KEY_KEYS:
		option_keys(state, arg, &options->mix);
		return 0;
	case KEY_SERVER_PID:
		options->load.server_pid = (pid_t)option_number(state, "server-pid", arg, 1, INT32_MAX);
		return 0;
	case KEY_JSON:
		options->format = RUN_FORMAT_JSON;
		return 0;
	case KEY_CSV:
		options->format = RUN_FORMAT_CSV;
		return 0;
	case KEY_CSV_SECONDS:
		options->csv_seconds = arg;
		return 0;
	case KEY_FULL_HANDSHAKES:
		options->full_handshakes = true;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->tls;
		return 0;
	case ARGP_KEY_END:
		check(state, options);
		tls_options_check(state, &options->tls, options->resp ? options->resp : options->load.server);
		return 0;
	default:
		return parse_load(key, arg, state);
	}
}

// ---------------------------------------------------------------- what was not given

// Polling takes a core: the client's, not the server's.
static bool has_core_to_spin(uint32_t threads)
{
	cpu_set_t ours;
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	return sched_getaffinity(0, sizeof(ours), &ours) == 0 && CPU_COUNT(&ours) >= (int)threads &&
	       online > (long)threads;
}

static void set_defaults(struct run_options *options)
{
	struct load_options *load = &options->load;
	const bool is_many = options->goal.share > 0 || options->scan.step > 0 || options->rate_share > 0;
	if (options->rounds == 0)
		options->rounds = ROUNDS_DEFAULT;
	if (load->warmup_s == unset)
		load->warmup_s = is_many ? step_warmup_default : warmup_default;
	if (load->seconds == unset)
		load->seconds = load->passes > 0 ? passes_seconds_default
				: is_many        ? step_seconds_default
						 : seconds_default;
	if (load->spin_us == UINT32_MAX)
		load->spin_us = has_core_to_spin(load->threads) ? LOAD_SPIN_US_DEFAULT : 0;
	load->seed = options->seed;
	if (options->requests_file)
		snprintf(options->keys, sizeof(options->keys), "file");
	else if (options->mix.zipf_theta > 0)
		snprintf(options->keys, sizeof(options->keys), "zipf:%g", options->mix.zipf_theta);
	else
		snprintf(options->keys, sizeof(options->keys), "uniform");
}

void run_options_parse(int argc, char **argv, struct run_options *ret_options)
{
	static const struct argp_child children[] = {{&tls_options_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		option_rows,
		parse_option,
		"",
		"Puts load on a daemon that holds the world of `evauth-bench generate` and checks every answer.\v"
		"Exit code: 0 all answers right, 1 a wrong answer, an error, none at all or no rate that keeps the "
		"goal, 2 the run failed. What is measured, and how: docs/performance.md",
		children,
		NULL,
		NULL};
	const char *server = getenv("EVAUTH_SERVER");
	*ret_options = (struct run_options){
		.load = {.server = server ? server : "127.0.0.1:7420",
			 .connections = 50,
			 .threads = 1,
			 .depth = 1,
			 .spin_us = UINT32_MAX,
			 .seconds = unset,
			 .warmup_s = unset},
		.tls = tls_options_default(),
		.mix = QUESTION_MIX_DEFAULT,
		.tokens = 1000000,
		.requests = REQUESTS_DEFAULT,
		.value_size = 150,
		.write_connections = 8,
		.seed = 1,
	};
	argp_parse(&argp, argc, argv, 0, NULL, ret_options);
	set_defaults(ret_options);
}
