// SPDX-License-Identifier: Apache-2.0
// How many lines an event may log: whatever goes wrong ten thousand times a second must not fill the disk. One thread
// at a time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	LOG_LIMIT_LINES = 100, // of one event, within
	LOG_LIMIT_WINDOW_MS = 10 * 1000,
	LOG_LIMIT_EVENTS_MAX = 128, // more are not limited
};

struct log_limit_event {
	const char *name; // NULL: free
	int64_t since_ms; // the window began
	uint32_t lines;
	uint64_t dropped; // not told yet
};

// Zeroed is empty.
struct log_limit {
	struct log_limit_event events[LOG_LIMIT_EVENTS_MAX];
};

// Whether a line of `event`, a name that outlives the limit, may be written at `now_ms`. *ret_dropped: how many were
// not since the last one that was.
bool log_limit_admit(struct log_limit *limit, const char *event, int64_t now_ms, uint64_t *ret_dropped);
