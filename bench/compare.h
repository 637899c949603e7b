// SPDX-License-Identifier: Apache-2.0
// evauthd and its peers side by side: the same machine, the same world, the same client loop, in turn.
//
//   compare_open()    starts and fills every server, then asks each for a while and checks the truth of every answer
//   compare_measure() the rounds: for every depth every server once, over and over; only ids and lengths are looked at
//   compare_close()   stops the servers, whether the rest came to its end or not
//
// A ratio is of two runs of the same round. A run beside which something else used much of the machine is repeated, and
// marked where that did not help.
//
// Writes: evauthd is written to beside every measured run, that of another server too, so that all of them share the
// machine with the same writer.
#pragma once

#include "bench/peer.h"
#include "bench/spread.h"

enum {
	COMPARE_DEPTHS_MAX = 8,
	COMPARE_ROUNDS_MAX = 100,
	COMPARE_REPEATS_MAX = 40, // runs, of all; those without any answer even when less is asked for
	COMPARE_OTHERS_MAX = 20,  // percent of a core that anything else may use meanwhile
	COMPARE_WRITE_DEPTH = 64, // of a writer with a rate: what is due must not wait for room
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
	uint32_t repeats_max; // disturbed runs, of all
	double seconds, warmup_s;
	double rate; // decisions a second, open loop; 0: closed
	// Open loop, instead of rate: a share of what evauthd does in a closed loop without writes, found anew for each
	// depth and round, so that all servers are asked at the same rate; 0: none.
	double rate_share;
	bool has_writes;
	double writes; // changes a second; 0: the next one as soon as one is answered
	uint32_t write_connections;
	cpu_set_t server_cpus, client_cpus;
	const char *evauthd, *evauth; // paths
};

enum compare_figure {
	COMPARE_PER_SECOND,    // decisions
	COMPARE_SERVER_CPU_US, // per decision; of evauthd with what its writes cost
	COMPARE_CLIENT_CPU_US, // per decision, with the writer
	COMPARE_P50_US,
	COMPARE_P99_US,
	COMPARE_P99_9_US,
	COMPARE_LATE_P99_US,  // open loop: how late the client sent; within the latencies
	COMPARE_UNSENT,       // open loop: requests due that were never sent, and are missing in the latencies
	COMPARE_CLIENT_SHARE, // of a core
	COMPARE_OTHER_SHARE,  // of a core
	COMPARE_WRITES_PER_SECOND,
	COMPARE_WRITE_P99_US,
	COMPARE_FIGURES,
};

// What a figure is called in reports.
struct compare_figure_row {
	const char *name;
	const char *ratio; // NULL: none is of interest
	int decimals;
};
extern const struct compare_figure_row compare_figure_rows[COMPARE_FIGURES];

// One run.
struct compare_run {
	double figures[COMPARE_FIGURES];
	bool is_disturbed; // kept all the same: repeating it did not help
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
	uint32_t *answer_sizes;      // of evauthd, per entry, with headers
	struct load_requests writes; // without writes: none
	uint32_t repeats;
	struct load_result *result; // of the last run
	struct compare_run runs[PEERS_MAX][COMPARE_DEPTHS_MAX][COMPARE_ROUNDS_MAX];
	struct compare_run maxima[COMPARE_DEPTHS_MAX][COMPARE_ROUNDS_MAX]; // with rate_share: of evauthd
};

// Large: not for the stack. On failure *fault says why; -EBADMSG: a wrong answer, which has been shown on stderr.
// compare_close() is needed in any case.
MUST_CHECK int compare_open(const struct compare_options *options, struct compare *compare, struct fault *fault);
MUST_CHECK int compare_measure(struct compare *compare, struct fault *fault);
void compare_close(struct compare *compare);

// ---------------------------------------------------------------- figures

struct spread compare_spread(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure);
// How many times better the first peer, evauthd, is than `peer`, round by round: its throughput over the other's; of
// CPU and latency the other's over its own.
struct spread compare_ratio(const struct compare *compare, uint32_t peer, uint32_t depth, enum compare_figure figure);
// Decisions a second of the closed loops that rate_share is of.
struct spread compare_maximum(const struct compare *compare, uint32_t depth);
// Whether the run, or the closed loop that its rate is a share of, was kept although it was disturbed.
bool compare_is_disturbed(const struct compare *compare, uint32_t peer, uint32_t depth, uint32_t round);
uint32_t compare_count_disturbed(const struct compare *compare);
