// SPDX-License-Identifier: Apache-2.0
// evauthd and its peers side by side: the same machine, the same world, the same client loop, in turn.
//
//   compare_open()    starts and fills every server, then asks each for a while and checks the truth of every answer
//   compare_measure() the rounds: for every depth every server once, over and over; only ids and lengths are looked at
//   compare_close()   stops the servers, whether the rest came to its end or not
//
// A ratio is of two runs of the same round. A run beside which something else used much of the machine is repeated.
#pragma once

#include "bench/peer.h"
#include "bench/spread.h"

enum {
	COMPARE_DEPTHS_MAX = 8,
	COMPARE_ROUNDS_MAX = 100,
	COMPARE_REPEATS_MAX = 40, // runs, of all
	COMPARE_OTHERS_MAX = 20,  // percent of a core that anything else may use meanwhile
};

struct compare_options {
	const struct peer_class *classes[PEERS_MAX]; // the first is evauthd
	uint32_t class_count;
	bool must_have_all; // else a peer that is not installed is left out
	uint32_t tokens, requests, batch, value_size, workers;
	uint64_t seed;
	struct question_mix mix;
	uint32_t connections;
	uint32_t depths[COMPARE_DEPTHS_MAX];
	uint32_t depth_count;
	uint32_t rounds;
	double seconds, warmup_s;
	double rate; // requests a second, open loop; 0: closed
	cpu_set_t server_cpus, client_cpus;
	const char *evauthd, *evauth; // paths
};

// One run.
struct compare_run {
	double per_second;                   // decisions
	double server_cpu_us, client_cpu_us; // per decision
	double p50_us, p99_us;
	double client_share; // of a core
	double other_share;
};

struct compare {
	const struct compare_options *options;
	struct processes processes;
	bool has_processes;
	struct world world;
	struct peer_setup setup;
	struct peer peers[PEERS_MAX];
	uint64_t truths[PEERS_MAX]; // answers found right before the rounds
	uint32_t peer_count;
	uint32_t *answer_sizes; // of evauthd, per entry, with headers
	uint32_t repeats;
	struct load_result *result; // of the last run
	struct compare_run runs[PEERS_MAX][COMPARE_DEPTHS_MAX][COMPARE_ROUNDS_MAX];
};

// Large: not for the stack. On failure *fault says why; -EBADMSG: a wrong answer, which has been shown on stderr.
// compare_close() is needed in any case.
MUST_CHECK int compare_open(const struct compare_options *options, struct compare *compare, struct fault *fault);
MUST_CHECK int compare_measure(struct compare *compare, struct fault *fault);
void compare_close(struct compare *compare);

// ---------------------------------------------------------------- figures

enum compare_figure {
	COMPARE_PER_SECOND,
	COMPARE_SERVER_CPU_US,
	COMPARE_P50_US,
	COMPARE_P99_US,
	COMPARE_CLIENT_SHARE,
	COMPARE_FIGURES,
};

struct spread compare_spread(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure);
// How many times better the first peer, evauthd, is than `peer`, round by round: its throughput over the other's; of
// CPU and latency the other's over its own.
struct spread compare_ratio(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure);
