// SPDX-License-Identifier: Apache-2.0
// Events of the log as frames of Watch, encoded once for all subscribers that are at the same place.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"

#include <stdatomic.h>

struct event_block {
	_Atomic uint32_t references;
	uint64_t after;   // it holds the events behind this revision ...
	uint64_t through; // ... up to this one
	size_t size;
	size_t capacity;
	char *frames; // stream items of method Watch, without a request id
};

// With one reference, the caller's. -ENOMEM.
MUST_CHECK int event_block_create(uint64_t after, struct event_block **ret_block);
// Takes another reference. Any thread that has one.
void event_block_acquire(struct event_block *block);
// Gives a reference back; the last one frees. Any thread. NULL is fine.
void event_block_release(struct event_block *block);

// Appends one event; `arena` is for its encoding. -EMSGSIZE: longer than a frame may be; -ENOMEM. Only before the block
// is shared, like the next one.
MUST_CHECK int event_block_add(struct event_block *block, const struct event *event, uint32_t frame_size_max,
			       struct arena *arena);
// The event of a log entry, borrowing from it. An entry without change sets has none: it only moves `through` on.
MUST_CHECK int event_block_add_entry(struct event_block *block, const struct log_entry *entry, uint32_t frame_size_max,
				     struct arena *arena);
