// SPDX-License-Identifier: Apache-2.0
// A flat open-addressing hash table from a 32-bit tag to handles: linear probing, backward-shift deletion, no
// tombstones. The table knows no keys: a caller walks the handles under a tag and compares for itself.
//
// A table may keep notes: 32 bits beside each slot, for what readers want to know about a record before they have it.
// One owner; a reader may read a table nobody writes.
#pragma once

#include "base/check.h"
#include "store/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint32_t tag;
	uint32_t handle; // 0: empty
};

struct table {
	struct table_slot *slots;
	uint32_t *notes; // of the slots, in the same order; NULL: none are kept
	uint32_t slots_count;
	uint32_t count;
	struct memory memory; // of slots and notes
};

// Small and empty. -ENOMEM.
MUST_CHECK int table_init(struct table *table, bool has_notes);
// Empty, with at least `slots_count` slots. -ENOMEM.
MUST_CHECK int table_init_size(struct table *table, bool has_notes, uint32_t slots_count);
// Harmless on a zeroed one.
void table_finish(struct table *table);
// Makes room for one more. -ENOMEM. Afterwards table_insert() cannot fail.
MUST_CHECK int table_reserve(struct table *table);
// The same tag may stand for several handles. (tag, handle) must not be there yet. Its note is 0.
void table_insert(struct table *table, uint32_t tag, uint32_t handle);
// (tag, handle) must be there. Gives its note.
uint32_t table_remove(struct table *table, uint32_t tag, uint32_t handle);
// Nothing when (tag, handle) is not there, or no notes are kept.
void table_set_note(struct table *table, uint32_t tag, uint32_t handle, uint32_t note);
// Inserts everything of `source`, which is finished then. `table` must be empty and not smaller.
void table_move(struct table *table, struct table *source);
// Makes `table`, which is initialized, an exact copy. -ENOMEM; `table` is unchanged then.
MUST_CHECK int table_copy(struct table *table, const struct table *source);

static inline uint32_t table_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

// Where a tag's run of slots starts. Monotone in the tag, so that a bigger table is filled from front to back, and for
// any number of slots, so that tables grow in small steps.
static inline uint32_t table_home(const struct table *table, uint32_t tag)
{
	return (uint32_t)((uint64_t)tag * table->slots_count >> 32);
}

static inline void table_prefetch(const struct table *table, uint32_t tag)
{
	const uint32_t home = table_home(table, tag);
	__builtin_prefetch(&table->slots[home]);
	if (table->notes != NULL)
		__builtin_prefetch(&table->notes[home]);
}

// A walk over the handles under one tag.
struct table_walk {
	uint32_t tag;
	uint32_t at;   // slot of the handle table_next() gave last
	uint32_t next; // slot to look at next
};

static inline struct table_walk table_walk(const struct table *table, uint32_t tag)
{
	return (struct table_walk){.tag = tag, .next = table_home(table, tag)};
}

// The next handle, 0 at the end.
static inline uint32_t table_next(const struct table *table, struct table_walk *walk)
{
	for (;;) {
		const struct table_slot slot = table->slots[walk->next];
		walk->at = walk->next;
		walk->next = walk->next + 1 == table->slots_count ? 0 : walk->next + 1;
		if (slot.handle == 0 || slot.tag == walk->tag)
			return slot.handle;
	}
}

// Of the handle table_next() gave last.
static inline uint32_t table_note(const struct table *table, const struct table_walk *walk)
{
	return table->notes[walk->at];
}
