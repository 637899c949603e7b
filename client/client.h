// SPDX-License-Identifier: Apache-2.0
// What client.c and methods.c share.
#pragma once

#include "client/evauth.h"
#include "client/transport.h"
#include "proto/schema.h"

// Whether a request that may have reached the daemon is sent again.
enum repeat {
	REPEAT_FREELY,
	REPEAT_WITH_KEY, // a change set: only with an idempotency_key, because else it might take effect twice
	REPEAT_NEVER,
};

// One row per method we can call.
struct method_row {
	enum method method;
	enum repeat repeat;
	const struct schema *request;
	const struct schema *response; // of a stream: of its items
	const struct schema *end;      // of a stream whose end has a body
};

// NULL for a method libevauth does not know.
const struct method_row *method_find(enum method method);

struct pipelined {
	const struct method_row *row; // NULL: free
	uint32_t request_id;
};

struct evauth_client {
	struct address address;
	struct client_tls *tls; // NULL: plain
	struct transport transport;
	uint32_t connect_timeout_ms;
	uint32_t call_timeout_ms;
	bool without_deadlines;
	uint32_t next_request_id;
	uint32_t in_flight;
	struct fault fault;
	struct arena scratch;                               // a request on its way into the output, a stream's item
	struct pipelined outstanding[EVAUTH_IN_FLIGHT_MAX]; // at request id modulo its size
};
