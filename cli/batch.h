// SPDX-License-Identifier: Apache-2.0
// Lines of changes put together into one change set, up to what a set may hold.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/messages.h"

#include <stdint.h>

// Which lines a batch has: change_number n is of numbers[n - 1].
struct batch_lines {
	uint64_t first; // line; lines without a change are counted in
	uint64_t last;
	uint32_t count; // changes
	uint32_t numbers[CHANGES_PER_SET_MAX];
};

struct batch {
	size_t prefix_size; // actor and dry_run, encoded
	size_t size;
	char body[BODY_APPLY_MAX]; // a ChangeSet, encoded
	struct batch_lines lines;
};

// Empty, for sets with this frame (its changes are ignored). -ENOMEM.
MUST_CHECK int batch_init(struct batch *batch, const struct change_set *frame, struct arena *arena);
// Puts an encoded Change at the end. False: it does not fit any more; an empty batch takes whatever a set can hold.
MUST_CHECK bool batch_add(struct batch *batch, struct bytes change, uint64_t line);
// Without changes, and going on after the last line.
void batch_clear(struct batch *batch);
static inline struct bytes batch_body(const struct batch *batch)
{
	return (struct bytes){.data = batch->body, .size = batch->size};
}
