// SPDX-License-Identifier: Apache-2.0
#include "store/table.h"

#include <errno.h>
#include <string.h>

enum { TABLE_SLOTS_UNIT = 512 }; // one page

// Four fifths: in a full table a search looks at three slots on average.
static uint32_t table_limit(uint32_t slots_count)
{
	return slots_count / 5 * 4;
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

static void swap_slots(const struct table *table, struct table_slot *a, struct table_slot *b)
{
	const uint32_t kept[3] = {a->tag, a->handle, table->has_notes ? a->note[0] : 0};
	copy_slot(table, a, b);
	copy_slot(table, b, (const struct table_slot *)kept);
}

// Who is nearer to its home than the entry would be makes room and moves on. `entry` is used up.
static void put(struct table *table, struct table_slot *entry)
{
	uint32_t slot = table_home(table, entry->tag);
	for (uint32_t distance = 0; table_at(table, slot)->handle != 0; distance++) {
		struct table_slot *at = table_at(table, slot);
		const uint32_t distance_at = table_distance(table, at->tag, slot);
		if (distance_at < distance) {
			swap_slots(table, at, entry);
			distance = distance_at;
		}
		slot = table_after(table, slot);
	}
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

int table_reserve_empty(struct table *table, uint64_t count)
{
	ASSERT(table->count == 0);
	const uint64_t slots_count = (count + 4) / 4 * 5;
	if (slots_count <= table->slots_count)
		return 0;
	if (slots_count > UINT32_MAX / 2)
		return -ENOMEM;
	struct table bigger;
	const int error = table_init_size(&bigger, table->has_notes, (uint32_t)slots_count);
	if (error != 0)
		return error;
	table_finish(table);
	*table = bigger;
	return 0;
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
	uint32_t entry[3] = {tag, handle, 0};
	put(table, (struct table_slot *)entry);
}

// NULL when it is not there.
static struct table_slot *find_slot(const struct table *table, uint32_t tag, uint32_t handle)
{
	struct table_walk walk = table_walk(table, tag);
	uint32_t found;
	while ((found = table_next(table, &walk)) != 0)
		if (found == handle)
			return (struct table_slot *)walk.at;
	return NULL;
}

// The entries after it that are not at home move one slot back.
uint32_t table_remove(struct table *table, uint32_t tag, uint32_t handle)
{
	struct table_slot *hole = find_slot(table, tag, handle);
	ASSERT(hole != NULL);
	const uint32_t note = table->has_notes ? hole->note[0] : 0;
	uint32_t slot = (uint32_t)((size_t)((char *)hole - table->memory.start) / table->slot_size);
	for (;;) {
		slot = table_after(table, slot);
		struct table_slot *at = table_at(table, slot);
		if (at->handle == 0 || table_distance(table, at->tag, slot) == 0)
			break;
		copy_slot(table, hole, at);
		hole = at;
	}
	memset(hole, 0, table->slot_size);
	table->count--;
	return note;
}

void table_set_note(struct table *table, uint32_t tag, uint32_t handle, uint32_t note)
{
	struct table_slot *slot = table->has_notes ? find_slot(table, tag, handle) : NULL;
	if (slot != NULL)
		slot->note[0] = note;
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
