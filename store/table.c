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
	struct memory memory;
	const uint32_t slot_size = sizeof(struct table_slot) + (has_notes ? sizeof(uint32_t) : 0);
	slots_count = (slots_count + TABLE_SLOTS_UNIT - 1) / TABLE_SLOTS_UNIT * TABLE_SLOTS_UNIT;
	const size_t size = (size_t)slots_count * slot_size;
	int error = memory_reserve(&memory, size);
	if (error != 0)
		return error;
	error = memory_back(&memory, size);
	if (error != 0) {
		memory_release(&memory);
		return error;
	}
	*table = (struct table){
		.memory = memory, .slots_count = slots_count, .slot_size = slot_size, .has_notes = has_notes};
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

static void copy_slot(const struct table *table, struct table_slot *to, const struct table_slot *from)
{
	to->tag = from->tag;
	to->handle = from->handle;
	if (table->has_notes)
		to->note[0] = from->note[0];
}

// At the first free slot of the tag's run.
static void put(struct table *table, const struct table_slot *entry)
{
	uint32_t slot = table_home(table, entry->tag);
	while (table_at(table, slot)->handle != 0)
		slot = next_slot(table, slot);
	copy_slot(table, table_at(table, slot), entry);
	table->count++;
}

void table_move(struct table *table, struct table *source)
{
	ASSERT(table->count == 0 && table->slots_count >= source->slots_count);
	ASSERT(table->slot_size == source->slot_size);
	for (uint32_t i = 0; i < source->slots_count; i++)
		if (table_at(source, i)->handle != 0)
			put(table, table_at(source, i));
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
	const int error = table_init_size(&bigger, table->has_notes, table->slots_count + table->slots_count / 8 + 1);
	if (error != 0)
		return error;
	table_move(&bigger, table);
	*table = bigger;
	return 0;
}

void table_insert(struct table *table, uint32_t tag, uint32_t handle)
{
	ASSERT(handle != 0 && table->count < table_limit(table->slots_count));
	const uint32_t entry[3] = {tag, handle, 0};
	put(table, (const struct table_slot *)entry);
}

// False when it is not there.
static bool find_slot(const struct table *table, uint32_t tag, uint32_t handle, uint32_t *ret_slot)
{
	uint32_t slot = table_home(table, tag);
	while (table_at(table, slot)->handle != handle || table_at(table, slot)->tag != tag) {
		if (table_at(table, slot)->handle == 0)
			return false;
		slot = next_slot(table, slot);
	}
	*ret_slot = slot;
	return true;
}

// Each entry after the hole that may stand in it (its home is not behind the hole) moves there and leaves a new hole.
uint32_t table_remove(struct table *table, uint32_t tag, uint32_t handle)
{
	uint32_t hole = 0;
	const bool is_there = find_slot(table, tag, handle, &hole);
	ASSERT(is_there);
	const uint32_t note = table->has_notes ? table_at(table, hole)->note[0] : 0;
	for (uint32_t i = next_slot(table, hole); table_at(table, i)->handle != 0; i = next_slot(table, i)) {
		const uint32_t home = table_home(table, table_at(table, i)->tag);
		if (distance(table, home, i) >= distance(table, hole, i)) {
			copy_slot(table, table_at(table, hole), table_at(table, i));
			hole = i;
		}
	}
	memset(table_at(table, hole), 0, table->slot_size);
	table->count--;
	return note;
}

void table_set_note(struct table *table, uint32_t tag, uint32_t handle, uint32_t note)
{
	uint32_t slot;
	if (table->has_notes && find_slot(table, tag, handle, &slot))
		table_at(table, slot)->note[0] = note;
}

int table_copy(struct table *table, const struct table *source)
{
	ASSERT(table->slot_size == source->slot_size);
	if (table->slots_count != source->slots_count) {
		struct table copy;
		const int error = table_init_size(&copy, source->has_notes, source->slots_count);
		if (error != 0)
			return error;
		table_finish(table);
		*table = copy;
	}
	memcpy(table->memory.start, source->memory.start, (size_t)source->slots_count * source->slot_size);
	table->count = source->count;
	return 0;
}
