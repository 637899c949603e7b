// SPDX-License-Identifier: Apache-2.0
// What a worker counts for the operator (daemon/admin/). Each worker has its own and counts on its own thread, so
// that a question pays for a few plain additions; whoever reads them adds them up.
#pragma once

#include "base/counter.h"
#include "proto/fault.h"
#include "proto/messages.h"

enum {
	METHODS_MAX = 40, // method numbers are below; 0: requests of no method there is
	STATUSES_MAX = STATUS_UNAUTHENTICATED + 1,
	VERDICTS_MAX = VERDICT_ASK_ISSUER + 1,
	REASONS_MAX = REASON_ISSUER_DECIDES + 1,
	COUNTERS_STRIDE = 32, // of a row: a power of two, so that it is found by a shift
};

// What a client may use up (clients.h); that of bytes in flight is counted with the connections.
enum budget {
	BUDGET_CONNECTIONS,
	BUDGET_REQUESTS,
	BUDGET_UNKNOWN_TOKENS,
	BUDGETS,
};

struct counters {
	// Answers by method and status. A stream (Watch, Snapshot) that began counts as OK.
	struct counter answers[METHODS_MAX][COUNTERS_STRIDE];
	// Decisions of Authorize and of the items of batches. An item that was refused has no verdict and no reason.
	struct counter decisions[VERDICTS_MAX][COUNTERS_STRIDE];
	// From reading the frame to writing the answer, ns, by method. What is answered in one turn of the loop counts
	// with the time of that turn (up to 64 KiB of requests).
	struct buckets times[METHODS_MAX];
	// Connections and requests refused because of a budget of their client.
	struct counter budget_refusals[BUDGETS];
	struct counter token_budgets_spent; // times a client had used up BUDGET_UNKNOWN_TOKENS
};

// NULL: there is no such method.
const char *counters_method_name(uint16_t number);

// Between two values of clock_wall_ns(). A clock that was set back meanwhile has measured nothing.
static inline uint64_t counters_time(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

static inline void counters_add_answer(struct counters *counters, uint16_t method, uint8_t status)
{
	counter_add(&counters->answers[method][status], 1);
}

static inline void counters_add_decision(struct counters *counters, const struct authorize_response *response)
{
	counter_add(&counters->decisions[response->verdict][response->reason], 1);
}

static inline void counters_add_time(struct counters *counters, uint16_t method, uint64_t time_ns)
{
	buckets_add(&counters->times[method], &buckets_request_ns, time_ns, 1);
}
