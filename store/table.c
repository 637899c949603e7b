// SPDX-License-Identifier: Apache-2.0
#include "store/table.h"

#include <errno.h>
#include <string.h>

enum { TABLE_SLOTS_UNIT = 512 }; // one page

// Four fifths: a miss in a full table looks at 13 slots on average, under two cache lines.
static uint32_t table_limit(uint32_t slots_count)
{
	return slots_count / 5 * 4;
}

static uint32_t next_slot(const struct table *table, uint32_t slot)
{
	return slot + 1 == table->slots_count ? 0 : slot + 1;
}

// How far behind `from` slot `to` is, around the end.
static uint32_t distance(const struct table *table, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + table->slots_count - from;
}

int table_init_size(struct table *table, bool has_notes, uint32_t slots_count)
{
	slots_count = (slots_count + TABLE_SLOTS_UNIT - 1) / TABLE_SLOTS_UNIT * TABLE_SLOTS_UNIT;
	const size_t slots_size = slots_count * sizeof(struct table_slot);
	const size_t size = slots_size + (has_notes ? slots_count * sizeof(uint32_t) : 0);
	struct memory memory;
	int error = memory_reserve(&memory, size);
	if (error != 0)
		return error;
	error = memory_back(&memory, size);
	if (error != 0) {
		memory_release(&memory);
		return error;
	}
	*table = (struct table){
		.slots = (struct table_slot *)memory.start,
		.notes = has_notes ? (uint32_t *)(memory.start + slots_size) : NULL,
		.slots_count = slots_count,
		.memory = memory,
	};
	return 0;
}

int table_init(struct table *table, bool has_notes)
{
	return table_init_size(table, has_notes, TABLE_SLOTS_UNIT);
}

void table_finish(struct table *table)
{
	memory_release(&table->memory);
	*table = (struct table){0};
}

// The first free slot of the tag's run.
static uint32_t put(struct table *table, struct table_slot entry)
{
	uint32_t slot = table_home(table, entry.tag);
	while (table->slots[slot].handle != 0)
		slot = next_slot(table, slot);
	table->slots[slot] = entry;
	table->count++;
	return slot;
}

void table_move(struct table *table, struct table *source)
{
	ASSERT(table->count == 0 && table->slots_count >= source->slots_count);
	ASSERT((table->notes != NULL) == (source->notes != NULL));
	for (uint32_t i = 0; i < source->slots_count; i++) {
		if (source->slots[i].handle == 0)
			continue;
		const uint32_t slot = put(table, source->slots[i]);
		if (table->notes != NULL)
			table->notes[slot] = source->notes[i];
	}
	table_finish(source);
}

// By an eighth: memory stays well filled at any size, and moving is sequential, so that doing it often costs little.
int table_reserve(struct table *table)
{
	if (LIKELY(table->count < table_limit(table->slots_count)))
		return 0;
	if (table->slots_count > UINT32_MAX / 2)
		return -ENOMEM;
	struct table bigger;
	const int error =
		table_init_size(&bigger, table->notes != NULL, table->slots_count + table->slots_count / 8 + 1);
	if (error != 0)
		return error;
	table_move(&bigger, table);
	*table = bigger;
	return 0;
}

void table_insert(struct table *table, uint32_t tag, uint32_t handle)
{
	ASSERT(handle != 0 && table->count < table_limit(table->slots_count));
	const uint32_t slot = put(table, (struct table_slot){.tag = tag, .handle = handle});
	if (table->notes != NULL)
		table->notes[slot] = 0;
}

// False when it is not there.
static bool find_slot(const struct table *table, uint32_t tag, uint32_t handle, uint32_t *ret_slot)
{
	uint32_t slot = table_home(table, tag);
	while (table->slots[slot].handle != handle || table->slots[slot].tag != tag) {
		if (table->slots[slot].handle == 0)
			return false;
		slot = next_slot(table, slot);
	}
	*ret_slot = slot;
	return true;
}

static void move_slot(struct table *table, uint32_t to, uint32_t from)
{
	table->slots[to] = table->slots[from];
	if (table->notes != NULL)
		table->notes[to] = table->notes[from];
}

// Each entry after the hole that may stand in it (its home is not behind the hole) moves there and leaves a new hole.
uint32_t table_remove(struct table *table, uint32_t tag, uint32_t handle)
{
	uint32_t hole = 0;
	const bool is_there = find_slot(table, tag, handle, &hole);
	ASSERT(is_there);
	const uint32_t note = table->notes != NULL ? table->notes[hole] : 0;
	for (uint32_t slot = next_slot(table, hole); table->slots[slot].handle != 0; slot = next_slot(table, slot)) {
		const uint32_t home = table_home(table, table->slots[slot].tag);
		if (distance(table, home, slot) >= distance(table, hole, slot)) {
			move_slot(table, hole, slot);
			hole = slot;
		}
	}
	table->slots[hole] = (struct table_slot){0};
	table->count--;
	return note;
}

void table_set_note(struct table *table, uint32_t tag, uint32_t handle, uint32_t note)
{
	uint32_t slot;
	if (table->notes != NULL && find_slot(table, tag, handle, &slot))
		table->notes[slot] = note;
}

int table_copy(struct table *table, const struct table *source)
{
	ASSERT((table->notes != NULL) == (source->notes != NULL));
	if (table->slots_count != source->slots_count) {
		struct table copy;
		const int error = table_init_size(&copy, source->notes != NULL, source->slots_count);
		if (error != 0)
			return error;
		table_finish(table);
		*table = copy;
	}
	memcpy(table->slots, source->slots, source->slots_count * sizeof(struct table_slot));
	if (source->notes != NULL)
		memcpy(table->notes, source->notes, source->slots_count * sizeof(uint32_t));
	table->count = source->count;
	return 0;
}
