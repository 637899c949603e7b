// SPDX-License-Identifier: Apache-2.0
// The command line of `evauth-bench run`.
#pragma once

#include "bench/load.h"
#include "bench/questions.h"
#include "bench/tls_options.h"

#include <argp.h>

enum {
	REQUESTS_DEFAULT = 1000000, // prepared; a run goes through them again and again
	REQUESTS_MAX = 10000000,
	KEYS_TEXT_SIZE = 24,
};

#define RATE_MAX 1e8

enum run_format {
	RUN_FORMAT_TEXT,
	RUN_FORMAT_JSON,
	RUN_FORMAT_CSV,
};

// A quantile of the latency that must not exceed a limit: "p99=200us".
struct run_goal {
	double share; // 0: there is none
	double limit_us;
	const char *text; // as it was given
};

struct run_scan {
	double from, to, step; // requests a second; step 0: no scan
};

struct run_options {
	struct load_options load; // beside is set by who makes the writes, tls by who runs it
	struct tls_options tls;
	bool full_handshakes; // no session is taken up again
	struct question_mix mix;
	char keys[KEYS_TEXT_SIZE]; // "uniform", "zipf:0.99", "file"
	const char *resp;          // NULL: evauthd
	const char *requests_file; // NULL: questions about the world
	uint32_t tokens;
	uint32_t requests;
	uint32_t batch;
	uint32_t value_size;
	uint64_t seed;
	struct run_goal goal;
	struct run_scan scan;
	// Not 0: an open loop at so many times the rate of a closed loop, in so many rounds.
	double rate_share;
	uint32_t rounds;
	bool has_writes;
	double writes;      // a second; 0: as many as are answered
	double apply_share; // percent of all requests; 0: none
	uint32_t write_connections;
	enum run_format format;
	const char *csv_seconds; // a file, or NULL
};

// Ends the program with a message for what cannot be.
void run_options_parse(int argc, char **argv, struct run_options *ret_options);

// For other commands; as argp_error() for what cannot be read. "60:25:5:10"; "uniform", "zipf", "zipf:1.2".
void option_mix(struct argp_state *state, const char *text, struct question_mix *mix);
void option_keys(struct argp_state *state, const char *text, struct question_mix *mix);
