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

// One of many. The caller sets `request`, where the decision goes, and zeroes the fault.
struct decide_item {
	const struct authorize_request *request;
	struct decision *decision;
	int result; // 0, or -EINVAL and the fault
	struct fault fault;
};
enum { DECIDE_LANES = 16 }; // decided side by side

// As decide() for each item, in little more than half the time: their cache misses overlap.
void decide_many(const struct image *image, int64_t now, struct decide_item *items, size_t count);

// Decides again, writing down the rules tried in order; fills response.explanation, in `arena`. Same answer, same
// errors; -ENOMEM when the arena is spent.
MUST_CHECK int decide_explained(const struct image *image, const struct authorize_request *request, int64_t now,
				struct arena *arena, struct decision *ret_decision, struct fault *fault);
