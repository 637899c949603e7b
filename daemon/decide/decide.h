// SPDX-License-Identifier: Apache-2.0
// The decision (DESIGN 1.2, docs/decision.md): may this token charge at this charge point, and at which tariff?
// Pure: an image, a request and a clock value in, an answer out. No I/O, no clock, no allocation, no log.
#pragma once

#include "base/arena.h"
#include "proto/fault.h"
#include "proto/messages.h"
#include "store/image.h"

// An answer and what it refers to: response.issuer points to `issuer` beside it, so a decision is not to be copied. Its
// strings borrow from the image and from the request.
struct decision {
	struct authorize_response response; // explanation and error are empty
	struct issuer issuer;
};

// `now`: unix seconds, used where request->at is 0. -EINVAL with a fault naming the field for a malformed request.
MUST_CHECK int decide(const struct image *image, const struct authorize_request *request, int64_t now,
		      struct decision *ret_decision, struct fault *fault);

// Many requests, one behind the other, in far less time than one by one: while one waits for memory, those before and
// behind it are worked on.
struct decide_flow {
	// The request `index`, which stays until it was given back; at most DECIDE_LANES of them are on the way.
	// NULL: this one is not to be decided.
	const struct authorize_request *(*take)(void *context, size_t index);
	// In the order of the indexes, each one once. NULL for what take() said so, and for a malformed request:
	// decide() says what is wrong with it. The decision is gone afterwards.
	void (*give)(void *context, size_t index, const struct decision *decision);
	void *context;
};
enum { DECIDE_LANES = 16 };

void decide_flow(const struct image *image, int64_t now, const struct decide_flow *flow, size_t count);

// Decides again, writing down the rules tried in order; fills response.explanation, in `arena`. Same answer, same
// errors; -ENOMEM when the arena is spent.
MUST_CHECK int decide_explained(const struct image *image, const struct authorize_request *request, int64_t now,
				struct arena *arena, struct decision *ret_decision, struct fault *fault);
