// SPDX-License-Identifier: Apache-2.0
// What happened between two readings of the daemon's figures: differences, rates, and where the times lie.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"

#include <stdbool.h>
#include <stdint.h>

struct span {
	const struct figures_response *before; // NULL: what counted is counted from the start of the daemon
	const struct figures_response *now;
	double seconds;
};

// Borrows both; `before` may be NULL. A daemon that was started between them counts from its start.
void span_init(struct span *span, const struct figures_response *before, const struct figures_response *now);
// Whether `now` is of another start of the daemon than `before`.
bool span_is_restart(const struct figures_response *before, const struct figures_response *now);

// Per second. A counter that fell has begun anew.
double span_rate(const struct span *span, uint64_t before, uint64_t now);

// The lowest bound that so many of the values in between did not exceed: for 0.99, that of the 99th percentile.
enum quantile_kind {
	QUANTILE_NONE,  // there were no values
	QUANTILE_BOUND, // at most `bound`
	QUANTILE_ABOVE, // above `bound`, the last there is
};
struct quantile {
	enum quantile_kind kind;
	uint64_t bound;
};
// Both may be NULL: nothing was measured.
struct quantile span_quantile(const struct distribution *before, const struct distribution *now, double share);
// How many values there were in between.
uint64_t span_values(const struct distribution *before, const struct distribution *now);

struct method_span {
	struct bytes name;
	double answered; // per second
	double refused;  // of those, with another status than OK
	uint64_t total;  // since the start
	struct quantile p50, p99, p999;
};

// Methods that were ever called, those called most in the span first. -ENOMEM.
MUST_CHECK int span_methods(const struct span *span, struct arena *arena, struct method_span **ret_methods,
			    size_t *ret_count);

struct client_span {
	struct bytes name;
	uint32_t connections;                      // now
	double requests, denied, unknown, refused; // per second
	double bytes_in, bytes_out;
	uint64_t total; // requests, since the start
};

// Those with the most requests in the span first. `before` may be NULL; who is not in it has come since. -ENOMEM.
MUST_CHECK int span_clients(const struct span *span, const struct clients_response *before,
			    const struct clients_response *now, struct arena *arena, struct client_span **ret_clients);

struct reason_span {
	enum reason reason;
	double rate;
	uint64_t total;
};

enum {
	SPAN_VERDICTS = VERDICT_ASK_ISSUER + 1,
	SPAN_REASONS = REASON_ISSUER_DECIDES + 1,
};

struct verdict_span {
	double rate;
	double share; // of all decisions of the span, 0 to 1
	uint64_t total;
	struct reason_span reasons[SPAN_REASONS]; // the most frequent first
	size_t reasons_count;
};

// ret_verdicts[verdict]; of VERDICT_UNSPECIFIED: malformed items of batches.
void span_verdicts(const struct span *span, struct verdict_span ret_verdicts[SPAN_VERDICTS]);
