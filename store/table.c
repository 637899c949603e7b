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

static uint32_t whole_units(uint32_t slots_count)
{
	return (slots_count + TABLE_SLOTS_UNIT - 1) / TABLE_SLOTS_UNIT * TABLE_SLOTS_UNIT;
}

static size_t bytes_of(const struct table *table, uint32_t slots_count)
{
	return (size_t)slots_count * table->slot_size;
}

int table_init(struct table *table, bool has_notes, uint32_t count_max)
{
	ASSERT(count_max <= UINT32_MAX / 4);
	struct table new = {
		.slots_count = TABLE_SLOTS_UNIT,
		.slots_max = whole_units(count_max / 4 * 5 + TABLE_SLOTS_UNIT),
		.slot_size = sizeof(struct table_slot) + (has_notes ? sizeof(uint32_t) : 0),
		.has_notes = has_notes,
	};
	int error = memory_reserve(&new.memory, 2 * bytes_of(&new, new.slots_max));
	if (error != 0)
		return error;
	error = memory_back(&new.memory, bytes_of(&new, new.slots_count));
	if (error != 0) {
		memory_release(&new.memory);
		return error;
	}
	*table = new;
	return 0;
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

// ---------------------------------------------------------------- growing

// How many entries came around the end: they are the first ones, and the only ones in front of their homes.
static uint32_t count_wrapped(const struct table *table)
{
	uint32_t count = 0;
	while (count < table->slots_count) {
		const struct table_slot *at = table_at(table, count);
		if (at->handle == 0 || table_home(table, at->tag) <= count)
			break;
		count++;
	}
	return count;
}

int table_back(struct table *table, uint32_t slots_count)
{
	if (slots_count > table->slots_max)
		return -ENOMEM;
	return memory_back(&table->memory, bytes_of(table, slots_count + count_wrapped(table)));
}

// Takes entries [from, end) out and puts them in again.
static void put_again(struct table *table, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++) {
		struct table_slot *at = table_at(table, i);
		uint32_t entry[3] = {0};
		if (at->handle == 0)
			continue;
		copy_slot(table, (struct table_slot *)entry, at);
		memset(at, 0, table->slot_size);
		put(table, (struct table_slot *)entry);
	}
}

// Everything moves to the end of the new slots, and is put in again from there, front to back. With d more slots a home
// moves back by at most d, as the entries just did: each one's home is no farther back than the slot it is read from.
// So those that are back in, whichever order they took, need no slot behind that one, and nothing unread is touched.
// Those that had come around the end wait behind the last slot and go last.
void table_grow(struct table *table, uint32_t slots_count)
{
	const uint32_t former = table->slots_count, wrapped = count_wrapped(table);
	if (slots_count <= former)
		return;
	const uint32_t moved = slots_count - former + wrapped; // where what came behind the wrapped goes
	memcpy(table_at(table, slots_count), table_at(table, 0), bytes_of(table, wrapped));
	memmove(table_at(table, moved), table_at(table, wrapped), bytes_of(table, former - wrapped));
	memset(table_at(table, 0), 0, bytes_of(table, moved));
	table->slots_count = slots_count;
	table->count = 0;
	put_again(table, moved, slots_count + wrapped);
}

int table_reserve_empty(struct table *table, uint64_t count)
{
	ASSERT(table->count == 0);
	const uint64_t slots_count = (count + 4) / 4 * 5;
	if (slots_count <= table->slots_count)
		return 0;
	if (slots_count > table->slots_max)
		return -ENOMEM;
	const int error = table_back(table, whole_units((uint32_t)slots_count));
	if (error == 0)
		table->slots_count = whole_units((uint32_t)slots_count);
	return error;
}

// By an eighth: memory stays well filled at any size, and moving is sequential, so that doing it often costs little.
uint32_t table_slots_for_one_more(const struct table *table)
{
	if (LIKELY(table->count < table_limit(table->slots_count)))
		return table->slots_count;
	const uint32_t bigger = whole_units(table->slots_count + table->slots_count / 8 + 1);
	return bigger > table->slots_max && table->slots_count < table->slots_max ? table->slots_max : bigger;
}

int table_reserve(struct table *table)
{
	const uint32_t bigger = table_slots_for_one_more(table);
	if (LIKELY(bigger == table->slots_count))
		return 0;
	const int error = table_back(table, bigger);
	if (error == 0)
		table_grow(table, bigger);
	return error;
}

void table_insert_noted(struct table *table, uint32_t tag, uint32_t handle, uint32_t note)
{
	ASSERT(handle != 0 && table->count < table_limit(table->slots_count));
	uint32_t entry[3] = {tag, handle, note};
	put(table, (struct table_slot *)entry);
}

void table_insert(struct table *table, uint32_t tag, uint32_t handle)
{
	table_insert_noted(table, tag, handle, 0);
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

void table_give_back(const struct table *table)
{
	memory_give_back(&table->memory, bytes_of(table, table->slots_count));
}

struct memory_range table_ahead(const struct table *table)
{
	return memory_behind(&table->memory, bytes_of(table, table->slots_count));
}

void table_grow_copy(struct table *table, const struct table *source)
{
	const size_t bytes = bytes_of(source, source->slots_count);
	ASSERT(table->slot_size == source->slot_size && table->slots_count <= source->slots_count);
	ASSERT(bytes <= table->memory.backed);
	memcpy(table->memory.start, source->memory.start, bytes);
	table->slots_count = source->slots_count;
	table->count = source->count;
}

int table_copy(struct table *table, const struct table *source)
{
	ASSERT(table->count == 0);
	const int error = table_back(table, source->slots_count);
	if (error == 0)
		table_grow_copy(table, source);
	return error;
}
