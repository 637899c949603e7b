// SPDX-License-Identifier: Apache-2.0
// What the operator is told, collected at one moment: plain values that metrics.c, readiness.c and figures_answer.c
// write down. Nothing in here names a token, a customer or a client.
#pragma once

#include "base/counter.h"
#include "daemon/net/conn.h"
#include "proto/messages.h"
#include "store/store.h"

enum {
	FIGURES_METHODS_MAX = 40,
	FIGURES_STATUSES = STATUS_UNAUTHENTICATED + 1,
	FIGURES_VERDICTS = VERDICT_ASK_ISSUER + 1,
	FIGURES_REASONS = REASON_ISSUER_DECIDES + 1,
};

// Of a client, in the order in which they are counted.
enum figures_budget {
	FIGURES_BUDGET_CONNECTIONS,
	FIGURES_BUDGET_REQUESTS,
	FIGURES_BUDGET_UNKNOWN_TOKENS,
	FIGURES_BUDGETS,
};

// Where the daemon is in its life.
enum figures_phase {
	FIGURES_LOADING, // the rest of the figures is not there yet
	FIGURES_SERVING,
	FIGURES_STOPPING, // accepts nothing more
	FIGURES_STOPPED,  // the rest is not there any more
};

struct figures_method {
	const char *name; // NULL: no such method
	uint64_t answers[FIGURES_STATUSES];
	struct bucket_figures time_ns; // buckets_request_ns
};

struct figures_connections {
	uint64_t open, max;
	uint64_t opened, refused, throttled, share_throttled; // since the start, as the rest
	uint64_t ended[CONN_ENDS];
	uint64_t bytes_in, bytes_out;
	uint64_t handshakes, handshakes_max; // of TLS, under way
	uint64_t handshakes_full, handshakes_resumed, handshakes_left;
	uint64_t handshakes_failed[TLS_FAILURES_COUNT];
};

struct figures {
	enum figures_phase phase;
	uint64_t load_done, load_total; // records, while loading
	uint64_t started_at;            // unix seconds
	uint64_t uptime_ms;             // monotonic
	uint64_t workers, watchers, clients;
	bool is_stuck; // a worker or the writer has made no progress for long
	bool is_stale; // questions are refused (redis-stale)
	struct store_status store;
	struct store_figures writer;
	struct figures_connections connections;
	uint64_t budget_refusals[FIGURES_BUDGETS];
	uint64_t token_budgets_spent; // times FIGURES_BUDGET_UNKNOWN_TOKENS of a client was
	uint64_t unknown_methods;     // requests of a method that is not there
	struct figures_method methods[FIGURES_METHODS_MAX];
	uint64_t decisions[FIGURES_VERDICTS][FIGURES_REASONS];
	const struct replication *replication; // NULL: without Redis
};

enum { FIGURES_LIMITS = 12 };

// How often a limit was reached.
struct figures_limit {
	const char *option; // that sets it
	uint64_t hits;
};

void figures_limits(const struct figures *figures, struct figures_limit ret_limits[FIGURES_LIMITS]);
