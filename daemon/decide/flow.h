// SPDX-License-Identifier: Apache-2.0
// decide_flow() to be compiled into whoever runs it, with take() and give() of its own known: the calls between one
// step of a request and the next one, and what they hand over in memory, cost as much as a step.
//
// A method that answers many small requests includes this, calls flow_run() and is marked `flatten`; everybody else
// calls decide_flow(). What is seldom needed on the way is marked `noinline` where it is.
#pragma once

#include "daemon/decide/course.h"

// Where one request is looked up.
struct lookups {
	struct image_key point;
	struct image_key evse;
	struct image_uid uid;
	// What is first under their hashes.
	struct image_hit first_point, first_evse, first_tokens[IMAGE_UID_FORMS];
	// What the notes say: nearly always right, so it is worth loading, and never taken for true.
	uint32_t group, point_of_evse, customers[IMAGE_UID_FORMS];
	// The membership of that group and the first of those customers, if it was looked for.
	bool knows_member, has_tariff;
	uint32_t membership;
};

// A request on its way. Its steps, each of which starts loading what the next one reads:
struct lane {
	struct course course;
	struct lookups lookups;
	bool is_good; // false: the other steps do not take it
};

// `request` NULL, or malformed: it is not good.
void lane_begin(struct lane *lane, const struct image *image, int64_t now, const struct authorize_request *request);
void lane_load(struct lane *lane);
void lane_load_rest(struct lane *lane);
void lane_settle(struct lane *lane, struct decision *ret_decision);

// How many requests are begun between one step of a request and its next one: long enough for memory to arrive.
enum { STEP_AFTER = 5, FLOW_STEPS = 4 };
static_assert((FLOW_STEPS - 1) * STEP_AFTER < DECIDE_LANES, "a lane is free before it is needed again");

// As decide_flow().
static inline __attribute__((always_inline)) void flow_run(const struct image *image, int64_t now,
							   const struct decide_flow *flow, size_t count)
{
	struct lane lanes[DECIDE_LANES];
	for (size_t i = 0; i < count + (FLOW_STEPS - 1) * STEP_AFTER; i++) {
		const size_t first = i - STEP_AFTER, second = first - STEP_AFTER, last = second - STEP_AFTER;
		struct lane *loading = &lanes[first % DECIDE_LANES], *finding = &lanes[second % DECIDE_LANES];
		struct lane *settling = &lanes[last % DECIDE_LANES];
		struct decision decision;
		if (i < count)
			lane_begin(&lanes[i % DECIDE_LANES], image, now, flow->take(flow->context, i));
		if (first < count && loading->is_good)
			lane_load(loading);
		if (second < count && finding->is_good)
			lane_load_rest(finding);
		if (last >= count)
			continue;
		if (LIKELY(settling->is_good))
			lane_settle(settling, &decision);
		flow->give(flow->context, last, settling->is_good ? &decision : NULL);
	}
}
