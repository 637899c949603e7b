// SPDX-License-Identifier: Apache-2.0
// One thread of the client loop: an epoll and the connections that are its share. Private to load.c.
#pragma once

#include "bench/load.h"
#include "bench/load_connection.h"

#include <pthread.h>
#include <stdatomic.h>

struct load_thread {
	// Set by load.c; the options are a copy with the thread's share of connections.
	struct load_options options;
	const struct load_protocol *protocol;
	const struct load_requests *requests;
	struct load_result *result; // its own
	uint32_t number, count;     // which of how many share the rate
	uint32_t entry_count;       // its part of a pass over the requests
	atomic_bool *is_cancelled;  // of all threads: another one has failed or found a wrong answer
	pthread_t handle;

	int error;        // how its run ended
	const char *what; // was being done then (static)
	int epoll;
	struct load_connection *connections;
	struct load_peer peer;
	struct load_schedule schedule;          // open loop
	uint64_t start_ns, measure_ns, stop_ns; // first request; measured from .. to
	bool is_measuring;
	bool is_stopped; // sends nothing more, waits for the answers on the way
	// When measuring began; of the last three what was used, at its end.
	double client_cpu_s, server_cpu_s, machine_cpu_s, beside_cpu_s;
	uint32_t next_entry;
	uint32_t next_id;
	uint64_t sends_left; // with passes
	uint64_t in_flight;
	uint64_t full_ns;                // open loop: when something was due last and no connection had room
	bool is_full;                    // it is so now
	uint32_t next_connection;        // open loop: round robin
	struct load_connection **staged; // with output for this turn
	uint32_t staged_count;
};

// Opens its connections. 0, or negative errno with `what`.
MUST_CHECK int load_thread_init(struct load_thread *thread);
// From the first request, at `start_ns`, to the last answer. Sets `error`, `what` and the result.
void load_thread_run(struct load_thread *thread, uint64_t start_ns);
void load_thread_finish(struct load_thread *thread);
