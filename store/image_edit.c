// SPDX-License-Identifier: Apache-2.0
// A journal of what was done, in order: read backwards it undoes, read forwards it repeats. Undoing needs the former
// bytes of records; repeating copies the records from the target, which nobody writes by then.
#include "store/image_edit.h"

#include <errno.h>
#include <stdlib.h>

enum {
	EDIT_ENTRIES_MIN = 256,
	EDIT_FORMER_MIN = 16 * 1024,            // bytes
	EDIT_ENTRIES_KEPT_MAX = 256 * 1024,     // more is given back at the end of a commit
	EDIT_FORMER_KEPT_MAX = 8 * 1024 * 1024, // bytes; likewise
	EDIT_AHEAD = 12,                        // entries whose slots are on their way from memory
};

enum edit_kind {
	EDIT_ADD,    // a record was taken
	EDIT_MODIFY, // it is written; its former bytes were saved
	EDIT_REMOVE, // it was released; its former bytes were saved
	EDIT_LINK,   // (tag, handle) was put into the table
	EDIT_UNLINK, // or taken out
	EDIT_BODY,   // a tariff's body was replaced, or went with the tariff
};

struct edit_entry {
	uint8_t kind;  // enum edit_kind
	uint8_t slab;  // enum image_slab
	bool is_noted; // MODIFY: the note is written with the record's LINK, by which time the record is final
	uint32_t handle;
	uint32_t tag;  // LINK, UNLINK; MODIFY in slabs with notes: where the record stands, if it does
	uint32_t note; // UNLINK: the note that went with the slot; sealed, where a note was written: that
	union {
		bool fresh;    // ADD: a handle never used before
		size_t former; // MODIFY, REMOVE: offset of the former bytes
		struct {
			struct tariff_body *before; // freed at the end
			struct tariff_body *after;  // freed at a rollback
		} body;
	};
};

struct image_edit {
	struct strings *strings;
	struct image *target;
	struct image *other; // NULL: there is none
	struct edit_entry *entries;
	size_t entries_count;
	size_t entries_limit;
	char *former;
	size_t former_size;
	size_t former_limit;
	size_t sealed_count; // of the entries
	bool repeated_records, repeated_slots;
};

int image_edit_create(struct strings *strings, struct image_edit **ret_edit)
{
	struct image_edit *edit = calloc(1, sizeof(*edit));
	if (edit == NULL)
		return -ENOMEM;
	edit->strings = strings;
	*ret_edit = edit;
	return 0;
}

void image_edit_destroy(struct image_edit *edit)
{
	if (edit == NULL)
		return;
	free(edit->entries);
	free(edit->former);
	free(edit);
}

const struct image *image_edit_image(const struct image_edit *edit)
{
	return edit->target;
}

struct strings *image_edit_strings(const struct image_edit *edit)
{
	return edit->strings;
}

// ---------------------------------------------------------------- the journal

static int grow(void **memory, size_t *limit, size_t limit_min, size_t item_size)
{
	const size_t bigger = *limit == 0 ? limit_min : *limit * 2;
	void *moved = realloc(*memory, bigger * item_size);
	if (moved == NULL)
		return -ENOMEM;
	*memory = moved;
	*limit = bigger;
	return 0;
}

// Room for `entries` more entries and `bytes` more former bytes: every edit asks first and then cannot fail half-way.
static int reserve_journal(struct image_edit *edit, size_t entries, size_t bytes)
{
	int error = 0;
	while (error == 0 && edit->entries_limit - edit->entries_count < entries)
		error = grow((void **)&edit->entries, &edit->entries_limit, EDIT_ENTRIES_MIN, sizeof(*edit->entries));
	while (error == 0 && edit->former_limit - edit->former_size < bytes)
		error = grow((void **)&edit->former, &edit->former_limit, EDIT_FORMER_MIN, 1);
	return error;
}

static struct edit_entry *push(struct image_edit *edit, enum edit_kind kind, enum image_slab slab, uint32_t handle)
{
	struct edit_entry *entry = &edit->entries[edit->entries_count++];
	*entry = (struct edit_entry){.kind = (uint8_t)kind, .slab = (uint8_t)slab, .handle = handle};
	return entry;
}

static struct edit_entry *push_record(struct image_edit *edit, enum edit_kind kind, enum image_slab slab,
				      uint32_t handle)
{
	const struct slab *records = &edit->target->slabs[slab];
	struct edit_entry *entry = push(edit, kind, slab, handle);
	entry->former = edit->former_size;
	memcpy(edit->former + edit->former_size, slab_get(records, handle), records->record_size);
	edit->former_size += records->record_size;
	return entry;
}

// ---------------------------------------------------------------- edits

int image_edit_add(struct image_edit *edit, enum image_slab slab, uint32_t *ret_handle)
{
	struct slab *records = &edit->target->slabs[slab];
	int error = reserve_journal(edit, 1, 0);
	if (error == 0)
		error = slab_reserve(records);
	if (error == 0 && edit->other != NULL)
		error = slab_extend(&edit->other->slabs[slab], records->limit);
	if (error != 0)
		return error;
	const bool fresh = records->first_free == 0;
	const uint32_t handle = slab_take(records);
	push(edit, EDIT_ADD, slab, handle)->fresh = fresh;
	*ret_handle = handle;
	return 0;
}

// The tag under which a record that is linked stands; of one that is not filled yet, any.
static uint32_t tag_of_record(const struct image *image, enum image_slab slab, uint32_t handle)
{
	const struct short_id *id =
		slab_get(&image->slabs[slab], handle); // where there is one, the record starts with it
	struct id_key key;
	if (slab == IMAGE_MEMBERSHIPS) {
		const struct membership_record *membership = image_membership(image, handle);
		return table_tag(image_membership_hash(image, membership->group, membership->customer));
	}
	if (slab == IMAGE_TOKENS)
		return table_tag(image_token_hash(image, image_token(image, handle)->type, image_id(image, id)));
	id_fold(slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN, image_id(image, id), &key);
	return table_tag(image_hash_key(image, &key));
}

// A new record is written before it is linked, or right after.
static bool is_new(const struct image_edit *edit, enum image_slab slab, uint32_t handle)
{
	if (edit->entries_count == edit->sealed_count)
		return false;
	const struct edit_entry *last = &edit->entries[edit->entries_count - 1];
	return (last->kind == EDIT_ADD || last->kind == EDIT_LINK) && last->slab == slab && last->handle == handle;
}

int image_edit_modify(struct image_edit *edit, enum image_slab slab, uint32_t handle, void *ret_record)
{
	const struct slab *records = &edit->target->slabs[slab];
	const int error = reserve_journal(edit, 1, records->record_size);
	if (error != 0)
		return error;
	const bool is_noted = is_new(edit, slab, handle) || !edit->target->tables[slab].has_notes;
	struct edit_entry *entry = push_record(edit, EDIT_MODIFY, slab, handle);
	entry->is_noted = is_noted;
	if (!is_noted)
		entry->tag = tag_of_record(edit->target, slab, handle);
	void *record = slab_get(records, handle);
	memcpy(ret_record, &record, sizeof(record));
	return 0;
}

int image_edit_remove(struct image_edit *edit, enum image_slab slab, uint32_t handle)
{
	struct slab *records = &edit->target->slabs[slab];
	const int error = reserve_journal(edit, 2, records->record_size);
	if (error != 0)
		return error;
	if (slab == IMAGE_TARIFFS)
		push(edit, EDIT_BODY, slab, handle)->body.before = image_tariff(edit->target, handle)->body;
	push_record(edit, EDIT_REMOVE, slab, handle);
	slab_release(records, handle);
	return 0;
}

// `other` is being read and cannot grow before image_edit_repeat(), which may not fail: its memory is made ready before
// the target grows, for the target stays grown when the edit is taken back.
static int back_other(struct image_edit *edit, enum image_slab slab)
{
	const uint32_t slots_count = table_slots_for_one_more(&edit->target->tables[slab]);
	if (edit->other == NULL || LIKELY(edit->other->tables[slab].slots_count >= slots_count))
		return 0;
	return table_back(&edit->other->tables[slab], slots_count);
}

int image_edit_link(struct image_edit *edit, enum image_slab slab, uint64_t hash, uint32_t handle)
{
	struct table *table = &edit->target->tables[slab];
	int error = reserve_journal(edit, 1, 0);
	if (error == 0)
		error = back_other(edit, slab);
	if (error == 0)
		error = table_reserve(table);
	if (error != 0)
		return error;
	push(edit, EDIT_LINK, slab, handle)->tag = table_tag(hash);
	table_insert(table, table_tag(hash), handle);
	return 0;
}

int image_edit_unlink(struct image_edit *edit, enum image_slab slab, uint64_t hash, uint32_t handle)
{
	const int error = reserve_journal(edit, 1, 0);
	if (error != 0)
		return error;
	struct table *table = &edit->target->tables[slab];
	struct edit_entry *entry = push(edit, EDIT_UNLINK, slab, handle);
	entry->tag = table_tag(hash);
	entry->note = table_remove(table, table_tag(hash), handle);
	return 0;
}

int image_edit_set_tariff_body(struct image_edit *edit, uint32_t tariff, struct bytes encoded)
{
	ASSERT(encoded.size <= UINT32_MAX);
	int error = reserve_journal(edit, 2, sizeof(struct tariff_record));
	if (error != 0)
		return error;
	struct tariff_body *body = malloc(sizeof(*body) + encoded.size);
	if (body == NULL)
		return -ENOMEM;
	body->size = (uint32_t)encoded.size;
	if (encoded.size > 0)
		memcpy(body->data, encoded.data, encoded.size);
	struct tariff_record *record = image_tariff(edit->target, tariff);
	struct edit_entry *entry = push(edit, EDIT_BODY, IMAGE_TARIFFS, tariff);
	entry->body.before = record->body;
	entry->body.after = body;
	push_record(edit, EDIT_MODIFY, IMAGE_TARIFFS, tariff);
	record->body = body;
	return 0;
}

// ---------------------------------------------------------------- undoing

static void restore_record(struct image_edit *edit, const struct edit_entry *entry)
{
	const struct slab *records = &edit->target->slabs[entry->slab];
	memcpy(slab_get(records, entry->handle), edit->former + entry->former, records->record_size);
	edit->former_size = entry->former;
}

// A fresh record goes back to the end it came from: handles must not depend on what was refused.
static void undo_add(struct slab *records, const struct edit_entry *entry)
{
	if (!entry->fresh) {
		slab_release(records, entry->handle);
		return;
	}
	ASSERT(records->next == entry->handle + 1);
	records->next--;
	records->count--;
}

static void undo_remove(struct image_edit *edit, const struct edit_entry *entry)
{
	const uint32_t handle = slab_take(&edit->target->slabs[entry->slab]);
	ASSERT(handle == entry->handle); // released last, so taken first
	restore_record(edit, entry);
}

static void undo(struct image_edit *edit, const struct edit_entry *entry)
{
	struct slab *records = &edit->target->slabs[entry->slab];
	struct table *table = &edit->target->tables[entry->slab];
	switch ((enum edit_kind)entry->kind) {
	case EDIT_ADD:
		undo_add(records, entry);
		break;
	case EDIT_REMOVE:
		undo_remove(edit, entry);
		break;
	case EDIT_MODIFY:
		restore_record(edit, entry);
		break;
	case EDIT_LINK:
		table_remove(table, entry->tag, entry->handle);
		break;
	case EDIT_UNLINK:
		table_insert(table, entry->tag, entry->handle);
		table_set_note(table, entry->tag, entry->handle, entry->note);
		break;
	case EDIT_BODY:
		free(entry->body.after);
		break;
	}
}

void image_edit_rollback(struct image_edit *edit, size_t mark)
{
	ASSERT(mark <= edit->entries_count && mark >= edit->sealed_count);
	while (edit->entries_count > mark)
		undo(edit, &edit->entries[--edit->entries_count]);
}

// ---------------------------------------------------------------- the life of a commit

void image_edit_begin(struct image_edit *edit, struct image *target, struct image *other)
{
	ASSERT(edit->entries_count == 0);
	ASSERT(other == NULL || other->revision == target->revision);
	edit->target = target;
	edit->other = other;
	edit->sealed_count = 0;
	edit->repeated_records = edit->repeated_slots = false;
}

size_t image_edit_mark(const struct image_edit *edit)
{
	return edit->entries_count;
}

static bool writes_note(const struct edit_entry *entry)
{
	return entry->kind == EDIT_LINK || (entry->kind == EDIT_MODIFY && !entry->is_noted);
}

// The entries of a commit stand anywhere in the table: a miss each, unless the slot was asked for early.
static void prefetch_slot(const struct image_edit *edit, const struct image *image, size_t at)
{
	if (at + EDIT_AHEAD >= edit->entries_count)
		return;
	const struct edit_entry *entry = &edit->entries[at + EDIT_AHEAD];
	if (writes_note(entry))
		table_prefetch(&image->tables[entry->slab], entry->tag);
}

// Notes follow what the entries from `first` on did: a record was linked, or one that may be linked was written.
static void write_notes(struct image_edit *edit, size_t first)
{
	const struct image *image = edit->target;
	for (size_t i = first; i < edit->entries_count; i++) {
		struct edit_entry *entry = &edit->entries[i];
		struct table *table = &edit->target->tables[entry->slab];
		prefetch_slot(edit, image, i);
		if (!table->has_notes || !writes_note(entry))
			continue;
		entry->note = image_note(image, (enum image_slab)entry->slab, entry->handle);
		table_set_note(table, entry->tag, entry->handle, entry->note);
	}
}

void image_edit_seal(struct image_edit *edit, uint64_t revision)
{
	write_notes(edit, edit->sealed_count);
	edit->sealed_count = edit->entries_count;
	edit->target->revision = revision;
}

// ---------------------------------------------------------------- repeating

static bool copies_record(const struct edit_entry *entry)
{
	return entry->kind == EDIT_ADD || entry->kind == EDIT_MODIFY || entry->kind == EDIT_REMOVE;
}

// A new record is written right behind its ADD, or behind its LINK: that copies it.
static bool is_copied_soon(const struct image_edit *edit, size_t at)
{
	const struct edit_entry *entry = &edit->entries[at];
	for (size_t i = at + 1; entry->kind == EDIT_ADD && i < edit->entries_count && i <= at + 2; i++) {
		const struct edit_entry *later = &edit->entries[i];
		if (later->kind == EDIT_MODIFY && later->slab == entry->slab && later->handle == entry->handle)
			return true;
	}
	return false;
}

static void prefetch_record(const struct image_edit *edit, size_t at)
{
	if (at + EDIT_AHEAD >= edit->entries_count)
		return;
	const struct edit_entry *entry = &edit->entries[at + EDIT_AHEAD];
	image_prefetch(edit->target, (enum image_slab)entry->slab, entry->handle);
	image_prefetch(edit->other, (enum image_slab)entry->slab, entry->handle);
}

static void repeat_record(struct image_edit *edit, const struct edit_entry *entry)
{
	const struct slab *records = &edit->target->slabs[entry->slab];
	memcpy(slab_get(&edit->other->slabs[entry->slab], entry->handle), slab_get(records, entry->handle),
	       records->record_size);
}

void image_edit_repeat_records(struct image_edit *edit)
{
	ASSERT(edit->other != NULL && !edit->repeated_records && edit->sealed_count == edit->entries_count);
	for (size_t i = 0; i < edit->entries_count; i++) {
		const struct edit_entry *entry = &edit->entries[i];
		prefetch_record(edit, i);
		if (copies_record(entry) && !is_copied_soon(edit, i))
			repeat_record(edit, entry);
	}
	for (int i = 0; i < IMAGE_SLABS; i++) {
		const struct slab *from = &edit->target->slabs[i];
		struct slab *to = &edit->other->slabs[i];
		to->next = from->next;
		to->first_free = from->first_free;
		to->count = from->count;
	}
	edit->repeated_records = true;
}

static void repeat_slot(struct image_edit *edit, const struct edit_entry *entry)
{
	struct table *table = &edit->other->tables[entry->slab];
	if (entry->kind == EDIT_LINK)
		table_insert_noted(table, entry->tag, entry->handle, entry->note);
	else if (entry->kind == EDIT_UNLINK)
		table_remove(table, entry->tag, entry->handle);
	else if (table->has_notes && writes_note(entry))
		table_set_note(table, entry->tag, entry->handle, entry->note);
}

// A table that grew is copied, with what was done to it before and since. Returns which: a bit for each.
static uint32_t repeat_growing(struct image_edit *edit)
{
	uint32_t grown = 0;
	for (int i = 0; i < IMAGE_SLABS; i++) {
		if (edit->other->tables[i].slots_count == edit->target->tables[i].slots_count)
			continue;
		table_grow_copy(&edit->other->tables[i], &edit->target->tables[i]);
		grown |= 1u << i;
	}
	return grown;
}

// The records are final, so the notes of the seal are.
void image_edit_repeat_slots(struct image_edit *edit)
{
	ASSERT(edit->other != NULL && !edit->repeated_slots && edit->sealed_count == edit->entries_count);
	const uint32_t grown = repeat_growing(edit);
	for (size_t i = 0; i < edit->entries_count; i++) {
		const struct edit_entry *entry = &edit->entries[i];
		prefetch_slot(edit, edit->other, i);
		if ((grown & 1u << entry->slab) == 0)
			repeat_slot(edit, entry);
	}
	edit->other->revision = edit->target->revision;
	edit->repeated_slots = true;
}

void image_edit_repeat(struct image_edit *edit)
{
	image_edit_repeat_records(edit);
	image_edit_repeat_slots(edit);
}

void image_edit_give_back(struct image_edit *edit)
{
	ASSERT(edit->entries_count == 0);
	free(edit->entries);
	free(edit->former);
	edit->entries = NULL;
	edit->former = NULL;
	edit->entries_limit = edit->former_limit = 0;
}

void image_edit_end(struct image_edit *edit)
{
	ASSERT(edit->entries_count == 0 || edit->other == NULL || (edit->repeated_records && edit->repeated_slots));
	for (size_t i = 0; i < edit->entries_count; i++)
		if (edit->entries[i].kind == EDIT_BODY)
			free(edit->entries[i].body.before);
	edit->entries_count = 0;
	edit->former_size = 0;
	if (edit->entries_limit > EDIT_ENTRIES_KEPT_MAX || edit->former_limit > EDIT_FORMER_KEPT_MAX)
		image_edit_give_back(edit);
	edit->target = edit->other = NULL;
}
