// SPDX-License-Identifier: Apache-2.0
// The change rules (DESIGN 1.4): what a Change does to the state, and when it is refused. They use the change set
// and the stored state only, never the clock, configuration or files: every replica refuses the same.
// Writer thread.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/db.h"
#include "store/image_edit.h"

// The commit being prepared: edits of the standby image and the writes they mean on disk.
struct rules_commit {
	struct image_edit *edit;
	struct db_read *read;    // started at the stored revision; for the former text of records
	struct arena *arena;     // lives as long as the commit
	uint64_t revision;       // the one being made
	struct db_write *writes; // grows in `arena`
	size_t writes_count;
	size_t writes_limit;
	struct rules_touched *touched; // objects touched by the sets accepted so far in this commit
};

// Checks one change by itself, without state: ids, enums, ranges, sizes. -EINVAL. Any thread.
MUST_CHECK int rules_check_change(const struct change *change, const char *field, struct fault *fault);

// Applies `set` after the sets before it: all of it (0, *ret_response filled but for revision), or nothing: negative
// errno and the fault with change_number. -ENOMEM when memory ran out.
MUST_CHECK int rules_apply(struct rules_commit *commit, const struct change_set *set,
			   struct apply_response *ret_response, struct fault *fault);
