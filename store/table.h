// SPDX-License-Identifier: Apache-2.0
// A flat open-addressing hash table from a 32-bit tag to handles: linear probing in the order of homes ("robin hood"),
// so that a search for what is not there ends as early as one for what is; backward-shift deletion, no tombstones. The
// table knows no keys: a caller walks the handles under a tag and compares for itself.
//
// A table may keep notes: 32 bits in each slot, for what readers want to know about a record before they have it.
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
	uint32_t note[]; // one, if the table keeps notes
};

struct table {
	struct memory memory; // of the slots; zeroed behind them
	uint32_t slots_count;
	uint32_t slots_max;
	uint32_t slot_size; // bytes
	uint32_t count;     // of the handles
	bool has_notes;
};

// Small and empty. Reserves address space for `count_max` handles: slots never move, and a table grows where it is.
// -ENOMEM.
MUST_CHECK int table_init(struct table *table, bool has_notes, uint32_t count_max);
// Harmless on a zeroed one.
void table_finish(struct table *table);
// Makes room for `count` in an empty table at once, if it has less. -ENOMEM.
MUST_CHECK int table_reserve_empty(struct table *table, uint64_t count);
// The slots that table_reserve() wants: those there are when there is room.
uint32_t table_slots_for_one_more(const struct table *table);
// Makes room for one more. -ENOMEM, also past count_max. Afterwards table_insert() cannot fail.
MUST_CHECK int table_reserve(struct table *table);
// Backs what table_grow() to `slots_count` needs. Readers are not disturbed. -ENOMEM.
MUST_CHECK int table_back(struct table *table, uint32_t slots_count);
// At least `slots_count` slots, as many as a table_back() before it, with no insertion or removal between, was asked
// for.
void table_grow(struct table *table, uint32_t slots_count);
// The same tag may stand for several handles. (tag, handle) must not be there yet. Without notes, `note` is nothing.
void table_insert_noted(struct table *table, uint32_t tag, uint32_t handle, uint32_t note);
// Likewise, with the note 0.
void table_insert(struct table *table, uint32_t tag, uint32_t handle);
// (tag, handle) must be there. Gives its note.
uint32_t table_remove(struct table *table, uint32_t tag, uint32_t handle);
// Nothing when (tag, handle) is not there, or no notes are kept.
void table_set_note(struct table *table, uint32_t tag, uint32_t handle, uint32_t note);
// Gives memory behind the slots back to the kernel. Also while others read the table.
void table_give_back(const struct table *table);
// What is backed and holds no slots yet.
struct memory_range table_ahead(const struct table *table);
// Makes `table`, which is new, an exact copy. -ENOMEM; `table` is unchanged then.
MUST_CHECK int table_copy(struct table *table, const struct table *source);
// In place of table_grow() to the slots of `source`, which grew before: makes `table` an exact copy, with what was
// inserted there since. Copying takes a fraction of the time that putting every entry again does.
void table_grow_copy(struct table *table, const struct table *source);

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

static inline struct table_slot *table_at(const struct table *table, uint32_t slot)
{
	return (struct table_slot *)(table->memory.start + (size_t)slot * table->slot_size);
}

static inline void table_prefetch(const struct table *table, uint32_t tag)
{
	const char *home = (const char *)table_at(table, table_home(table, tag));
	__builtin_prefetch(home);
	__builtin_prefetch(
		home + 63); // entries stand two slots behind their home on average: in the next line as often as not
}

// How far behind its home an entry at `slot` stands, around the end.
static inline uint32_t table_distance(const struct table *table, uint32_t tag, uint32_t slot)
{
	const uint32_t home = table_home(table, tag);
	return slot >= home ? slot - home : slot + table->slots_count - home;
}

static inline uint32_t table_after(const struct table *table, uint32_t slot)
{
	return slot + 1 == table->slots_count ? 0 : slot + 1;
}

// A walk over the handles under one tag.
struct table_walk {
	uint32_t tag;
	uint32_t next;               // slot to look at next
	uint32_t distance;           // of that from the tag's home
	const struct table_slot *at; // of the handle table_next() gave last
};

static inline struct table_walk table_walk(const struct table *table, uint32_t tag)
{
	return (struct table_walk){.tag = tag, .next = table_home(table, tag)};
}

// The next handle, 0 at the end: an empty slot, or an entry nearer to its home than the tag's would be here.
static inline uint32_t table_next(const struct table *table, struct table_walk *walk)
{
	for (;;) {
		const struct table_slot *at = table_at(table, walk->next);
		if (at->handle == 0 ||
		    (at->tag != walk->tag && table_distance(table, at->tag, walk->next) < walk->distance))
			return 0;
		walk->next = table_after(table, walk->next);
		walk->distance++;
		if (at->tag == walk->tag) {
			walk->at = at;
			return at->handle;
		}
	}
}

enum { TABLE_NEAR = 5 }; // slots, within what table_prefetch() loads

// As table_walk() and table_next(). Nearly all entries stand in one of the first slots from their home, but in which
// one nobody can predict, so these are all looked at, without a branch.
static inline uint32_t table_first(const struct table *table, uint32_t tag, struct table_walk *ret_walk)
{
	const uint32_t home = table_home(table, tag);
	const char *at = (const char *)table_at(table, home);
	uint32_t found = 0;
	// Empty slots have the tag 0 as well.
	if (LIKELY(tag != 0 && table->slots_count - home > TABLE_NEAR))
		for (uint32_t i = 0; i < TABLE_NEAR; i++)
			found |=
				(uint32_t)(((const struct table_slot *)(at + i * (size_t)table->slot_size))->tag == tag)
				<< i;
	if (UNLIKELY(found == 0)) {
		*ret_walk = table_walk(table, tag);
		return table_next(table, ret_walk);
	}
	const uint32_t behind = (uint32_t)__builtin_ctz(found);
	ret_walk->tag = tag;
	ret_walk->next = home + behind + 1;
	ret_walk->distance = behind + 1;
	ret_walk->at = (const struct table_slot *)(at + behind * (size_t)table->slot_size);
	return ret_walk->at->handle;
}

// Of the handle table_next() gave last; 0 when no notes are kept.
static inline uint32_t table_note(const struct table *table, const struct table_walk *walk)
{
	return table->has_notes ? walk->at->note[0] : 0;
}
