// SPDX-License-Identifier: Apache-2.0
#include "store/table.h"

#include <errno.h>
#include <string.h>

enum { TABLE_SLOTS_MIN = 512 }; // one page

static size_t table_limit(uint32_t mask)
{
	const size_t slots = (size_t)mask + 1;
	return slots - slots / 4; // three quarters: a miss in a full table looks at 8 slots on average, one cache line
}

int table_init_size(struct table *table, uint32_t mask)
{
	struct memory memory;
	const size_t size = ((size_t)mask + 1) * sizeof(struct table_slot);
	int error = memory_reserve(&memory, size);
	if (error != 0)
		return error;
	error = memory_back(&memory, size);
	if (error != 0) {
		memory_release(&memory);
		return error;
	}
	*table = (struct table){.slots = (struct table_slot *)memory.start, .mask = mask, .memory = memory};
	return 0;
}

int table_init(struct table *table)
{
	return table_init_size(table, TABLE_SLOTS_MIN - 1);
}

void table_finish(struct table *table)
{
	memory_release(&table->memory);
	*table = (struct table){0};
}

void table_move(struct table *table, struct table *source)
{
	for (size_t i = 0; i <= source->mask; i++) {
		const struct table_slot slot = source->slots[i];
		if (slot.handle != 0)
			table_insert(table, slot.tag, slot.handle);
	}
	table_finish(source);
}

int table_reserve(struct table *table)
{
	if (LIKELY(table->count < table_limit(table->mask)))
		return 0;
	if (table->mask > UINT32_MAX / 4)
		return -ENOMEM;
	struct table bigger;
	const int error = table_init_size(&bigger, table->mask * 2 + 1);
	if (error != 0)
		return error;
	table_move(&bigger, table);
	*table = bigger;
	return 0;
}

void table_insert(struct table *table, uint32_t tag, uint32_t handle)
{
	ASSERT(handle != 0 && table->count < table_limit(table->mask));
	uint32_t i = tag & table->mask;
	while (table->slots[i].handle != 0)
		i = (i + 1) & table->mask;
	table->slots[i] = (struct table_slot){.tag = tag, .handle = handle};
	table->count++;
}

static uint32_t table_find_slot(const struct table *table, uint32_t tag, uint32_t handle)
{
	uint32_t i = tag & table->mask;
	while (table->slots[i].handle != handle || table->slots[i].tag != tag) {
		ASSERT(table->slots[i].handle != 0);
		i = (i + 1) & table->mask;
	}
	return i;
}

// Each entry after the hole that may stand in it (its home is not behind the hole) moves there and leaves a new hole.
void table_remove(struct table *table, uint32_t tag, uint32_t handle)
{
	uint32_t hole = table_find_slot(table, tag, handle);
	for (uint32_t i = (hole + 1) & table->mask; table->slots[i].handle != 0; i = (i + 1) & table->mask) {
		const uint32_t distance_home = (i - table->slots[i].tag) & table->mask;
		if (distance_home >= ((i - hole) & table->mask)) {
			table->slots[hole] = table->slots[i];
			hole = i;
		}
	}
	table->slots[hole] = (struct table_slot){0};
	table->count--;
}

int table_copy(struct table *table, const struct table *source)
{
	if (table->mask != source->mask) {
		struct table copy;
		const int error = table_init_size(&copy, source->mask);
		if (error != 0)
			return error;
		table_finish(table);
		*table = copy;
	}
	memcpy(table->slots, source->slots, ((size_t)source->mask + 1) * sizeof(struct table_slot));
	table->count = source->count;
	return 0;
}
