// SPDX-License-Identifier: Apache-2.0
// What was answered to (actor, idempotency key): the same changes again get the same answer (DESIGN 1.4). Remembered
// in the commit that carries the changes, for at least IDEMPOTENCY_AGE_MIN_S and the last IDEMPOTENCY_COUNT_MIN.
//
// A commit makes one revision or several. What is found and what is forgotten is a function of the revisions alone, not
// of how they came to share commits: every replica remembers the same. Each key is remembered once, and has one row in
// the order of age.
//
// Writer thread.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/db.h"
#include "store/key.h"

enum {
	IDEMPOTENCY_AGE_MIN_S = 24 * 60 * 60,
	IDEMPOTENCY_COUNT_MIN = 100000,
	IDEMPOTENCY_TRIM_MAX = 64, // forgotten in one revision beyond what it adds
};

struct idempotency_entry;

// What is stored under a key of DB_IDEMPOTENCY, in front of the encoded ApplyResponse.
struct idempotency_head {
	int64_t time; // of the commit, unix seconds
	uint64_t changes[2];
};

// A key of DB_IDEMPOTENCY_AGE, in big endian: oldest first. Its value is the time and the other table's key.
struct idempotency_age {
	uint64_t revision;
	uint64_t number; // within the revision
};

// Of one commit. The caller zeroes it and sets the first four.
struct idempotency {
	struct db_read *read; // started at the revision before the commit
	struct arena *arena;  // lives as long as the commit
	int64_t age_min_s;
	uint64_t count_min;
	// What remembers and forgets, for the caller to commit. They borrow from the arena and the snapshot.
	struct db_write *writes;
	size_t writes_count;
	// Of the revision at hand.
	uint64_t revision;
	int64_t time;
	uint64_t number; // remembered in it so far
	// What differs from the snapshot.
	struct idempotency_entry **buckets;      // by key
	struct idempotency_entry *oldest, **end; // remembered in this commit, in their order
	struct idempotency_age looked_at;        // age rows below are gone; as stored
	int64_t growth;                          // rows
	size_t writes_limit;
};

// Before the sets of each revision.
void idempotency_begin_revision(struct idempotency *idempotency, uint64_t revision, int64_t time);
// After them: forgets what is old enough. -ENOMEM and errors of the database.
MUST_CHECK int idempotency_end_revision(struct idempotency *idempotency);

// Looks for a remembered answer to `set`, whose frame was checked (rules_check_set). With `repeat_window_s` one that is
// older than that does not count. -ENOENT: none, go on; 0: the first answer, decoded into `response_arena`; else
// negative errno and the fault: -EEXIST other changes under this key.
MUST_CHECK int idempotency_find(struct idempotency *idempotency, const struct change_set *set, uint32_t repeat_window_s,
				struct arena *response_arena, struct apply_response *ret_response, struct fault *fault);

// Remembers the answer to an accepted set, in place of one that did not count any more; nothing happens for one without
// a key. -ENOMEM and errors of the database.
MUST_CHECK int idempotency_remember(struct idempotency *idempotency, const struct change_set *set,
				    const struct apply_response *response);
