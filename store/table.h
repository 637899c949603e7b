// SPDX-License-Identifier: Apache-2.0
// A flat open-addressing hash table from a 32-bit tag to handles: linear probing, backward-shift deletion, no
// tombstones. The table knows no keys: a caller walks the handles under a tag and compares for itself.
// One owner; a reader may read a table nobody writes.
#pragma once

#include "base/check.h"
#include "store/memory.h"

#include <stddef.h>
#include <stdint.h>

struct table_slot {
	uint32_t tag;
	uint32_t handle; // 0: empty
};

struct table {
	struct table_slot *slots;
	uint32_t mask; // number of slots - 1; a power of two
	uint32_t count;
	struct memory memory; // of `slots`
};

// Small and empty. -ENOMEM.
MUST_CHECK int table_init(struct table *table);
// Empty, with `mask` + 1 slots. -ENOMEM.
MUST_CHECK int table_init_size(struct table *table, uint32_t mask);
// Harmless on a zeroed one.
void table_finish(struct table *table);
// Makes room for one more. -ENOMEM. Afterwards table_insert() cannot fail.
MUST_CHECK int table_reserve(struct table *table);
// The same tag may stand for several handles. (tag, handle) must not be there yet.
void table_insert(struct table *table, uint32_t tag, uint32_t handle);
// (tag, handle) must be there.
void table_remove(struct table *table, uint32_t tag, uint32_t handle);
// Inserts everything of `source`, which is finished then. There must be room: a mask not below the source's.
void table_move(struct table *table, struct table *source);
// Makes `table`, which is initialized, an exact copy. -ENOMEM; `table` is unchanged then.
MUST_CHECK int table_copy(struct table *table, const struct table *source);

static inline uint32_t table_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static inline void table_prefetch(const struct table *table, uint32_t tag)
{
	__builtin_prefetch(&table->slots[tag & table->mask]);
}

// Walks the handles under `tag`: start with *position = tag, stop at 0.
static inline uint32_t table_next(const struct table *table, uint32_t tag, uint32_t *position)
{
	for (uint32_t i = *position & table->mask;; i = (i + 1) & table->mask) {
		const struct table_slot slot = table->slots[i];
		if (slot.handle == 0 || slot.tag == tag) {
			*position = i + 1;
			return slot.handle;
		}
	}
}
