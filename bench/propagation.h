// SPDX-License-Identifier: Apache-2.0
// How long a change takes until answers show it. One connection blocks and unblocks a token of its own, one change at
// a time; pollers, each with a connection and a thread, ask about that token without pause. A change is over when
// every poller has the new answer to a request it sent after the acknowledgement. What a poller saw of a change, and
// when that is wrong: bench/propagation_sighting.h.
#pragma once

#include "base/check.h"
#include "client/evauth.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROPAGATION_COUNT_MAX = 100000,
	PROPAGATION_POLLERS_MAX = 32,
};

struct propagation_options {
	const char *server;    // where changes go: [tls:]HOST:PORT or unix:PATH
	const char *read_from; // where pollers ask
	struct evauth_tls tls; // of both
	bool must_be_visible;  // both are one daemon: acknowledged is visible (DESIGN 1.4)
	uint32_t count;        // changes
	uint32_t pollers;
	uint32_t timeout_ms; // for a change to be acknowledged, and then to be visible to everybody
};

// Durations, in nanoseconds, in the order they were measured.
struct propagation_times {
	int64_t *ns;
	size_t count;
};

struct propagation_result {
	uint32_t count;                                   // changes that were seen by every poller
	struct propagation_times sent_to_acknowledged;    // one per change
	struct propagation_times sent_to_visible;         // one per change and poller: to the first new answer
	struct propagation_times acknowledged_to_visible; // to when the last request with the old answer was sent
	uint64_t answers;
	uint64_t stale; // sightings; any is wrong
	bool is_wrong;
	char problem[512]; // of the first thing that went wrong, for people
};

// 0 when the run came to its end or found an answer to be wrong (see is_wrong). Negative errno when it could not be
// carried out: no connection, refused, -EINTR by SIGINT or SIGTERM; `problem` says what and why. The objects made for
// it are removed in every case. The result must be finished, after a failure as well.
// SIGINT and SIGTERM are blocked in the calling thread meanwhile.
MUST_CHECK int propagation_run(const struct propagation_options *options, struct propagation_result *ret_result);
void propagation_result_finish(struct propagation_result *result);
