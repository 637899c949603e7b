// SPDX-License-Identifier: Apache-2.0
// How fast a queue empties, and so when it is worth to come again after it was found full.
#pragma once

#include <stdint.h>

enum {
	DRAIN_WAIT_MIN_MS = 1,
	DRAIN_WAIT_MAX_MS = 60 * 1000,
	DRAIN_WAIT_UNKNOWN_MS = 100, // nothing has left it yet
};

struct drain {
	uint64_t item_ns; // an item takes, smoothed over the last ones; 0: unknown
};

// `items` left the queue in `took_ns` together.
static inline void drain_note(struct drain *drain, uint64_t took_ns, uint64_t items)
{
	const uint64_t item_ns = items > 0 ? took_ns / items : 0;
	if (items > 0)
		drain->item_ns = drain->item_ns == 0 ? item_ns : drain->item_ns - drain->item_ns / 8 + item_ns / 8;
}

// Until half of `items` will have left it: then there is room for whoever comes meanwhile as well.
static inline uint32_t drain_wait_ms(const struct drain *drain, uint64_t items)
{
	const uint64_t wait_ms = items * drain->item_ns / 2 / 1000000;
	if (drain->item_ns == 0)
		return DRAIN_WAIT_UNKNOWN_MS;
	if (wait_ms > DRAIN_WAIT_MAX_MS)
		return DRAIN_WAIT_MAX_MS;
	return wait_ms > DRAIN_WAIT_MIN_MS ? (uint32_t)wait_ms : DRAIN_WAIT_MIN_MS;
}
