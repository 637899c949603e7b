// SPDX-License-Identifier: Apache-2.0
// What was answered to (actor, idempotency key): the same changes again get the same answer (DESIGN 1.4). Remembered
// in the commit that carries the changes, for at least IDEMPOTENCY_AGE_MIN_S and the last IDEMPOTENCY_COUNT_MIN.
// Writer thread.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/db.h"

enum {
	IDEMPOTENCY_AGE_MIN_S = 24 * 60 * 60,
	IDEMPOTENCY_COUNT_MIN = 100000,
	IDEMPOTENCY_TRIM_MAX = 64, // forgotten in one commit beyond what it adds
};

struct idempotency_entry;

// Of one commit. The caller zeroes it and sets the first six.
struct idempotency {
	struct db_read *read; // started at the stored revision
	struct arena *arena;  // lives as long as the commit
	uint64_t revision;    // being made
	int64_t time;         // of the commit
	int64_t age_min_s;
	uint64_t count_min;
	struct idempotency_entry *entries; // of this commit
	size_t entries_count;
};

// Looks for a remembered answer to `set`, whose frame was checked (rules_check_set). -ENOENT: none, go on; 0: the first
// answer, decoded into `response_arena`; else negative errno and the fault: -EEXIST other changes under this key.
MUST_CHECK int idempotency_find(struct idempotency *idempotency, const struct change_set *set,
				struct arena *response_arena, struct apply_response *ret_response, struct fault *fault);

// Remembers the answer to an accepted set; nothing happens for one without a key. -ENOMEM.
MUST_CHECK int idempotency_remember(struct idempotency *idempotency, const struct change_set *set,
				    const struct apply_response *response);

// How many writes idempotency_write() may make.
size_t idempotency_writes_max(const struct idempotency *idempotency);
// The writes that remember and forget, at `ret_writes`. They borrow from the arena and the snapshot.
MUST_CHECK int idempotency_write(struct idempotency *idempotency, struct db_write *ret_writes, size_t *ret_count);
