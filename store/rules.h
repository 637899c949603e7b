// SPDX-License-Identifier: Apache-2.0
// The change rules (DESIGN 1.4): what a Change does to the state, and when it is refused. They use the change set
// and the stored state only, never the clock, configuration or files: every replica refuses the same.
// Writer thread.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/db.h"
#include "store/image_edit.h"

// What a change set, or all sets of a revision, write.
struct rules_volume {
	size_t writes;
	size_t bytes; // of keys and values
};

// The most of it: part of the rules, so every replica has the same. Tests choose their own.
struct rules_limits {
	struct rules_volume set;
	struct rules_volume revision;
};
extern const struct rules_limits rules_limits;

// The commit being prepared: edits of the standby image and the writes they mean on disk. It makes one revision, or
// several one after the other: for the next one, add 1 to `revision` and set `sets_accepted` and `volume` to 0.
// The caller zeroes it and sets the first six; the rest is rules_apply()'s, for the caller to read.
struct rules_commit {
	struct image_edit *edit;
	struct db_read *read;         // started at the revision before the commit; for the former text of records
	struct arena *arena;          // lives as long as the commit
	struct arena *response_arena; // of the set at hand: takes what its response points to
	uint64_t revision;            // the one being made; the head is the one before it
	const struct rules_limits *limits;
	struct db_write *writes; // in `arena`; an object written twice is there twice, the later one counts
	size_t writes_count;
	size_t writes_limit;
	size_t sets_accepted;          // in this revision; dry runs do not count
	struct rules_volume volume;    // of this revision, with what was taken back: its memory is spent
	struct rules_touched *touched; // finds the writes of an object; in `arena`
};

// Checks what stands around the changes: how many there are, actor, idempotency key. -EINVAL. Any thread.
MUST_CHECK int rules_check_set(const struct change_set *set, struct fault *fault);

// Checks one change by itself, without state: ids, enums, ranges, sizes. `field` names the change in the fault, as
// "changes[3]"; NULL or empty: the path starts at the change. -EINVAL. Any thread.
MUST_CHECK int rules_check_change(const struct change *change, const char *field, struct fault *fault);

// Applies `set` after the sets before it: all of it (0, *ret_response filled but for revision), or nothing: negative
// errno and the fault with change_number; image, writes and touched are then as before. -E2BIG also beyond `limits`,
// -ENOMEM when memory ran out.
// All of DESIGN 1.4 but for idempotency, which is apply.c's. A dry run is applied, answered and taken back.
// The response borrows from `set` and from response_arena.
MUST_CHECK int rules_apply(struct rules_commit *commit, const struct change_set *set,
			   struct apply_response *ret_response, struct fault *fault);
