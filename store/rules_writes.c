// SPDX-License-Identifier: Apache-2.0
// The writes of a commit, in order, and a hash from key to the latest of them.
//
// Everything is taken back strictly in reverse, so the hash needs no tombstones: when a write is the first under its
// key, every slot filled after its own is empty again by the time it goes.
#include "store/rules_impl.h"

#include "proto/codec.h"
#include "proto/limits.h"

#include <errno.h>

enum { WRITES_LIMIT_MIN = 128 };

const struct rules_limits rules_limits = {
	.set = {.writes = SET_WRITES_MAX, .bytes = SET_WRITE_BYTES_MAX},
	.revision = {.writes = REVISION_WRITES_MAX, .bytes = REVISION_WRITE_BYTES_MAX},
};

static const uint32_t NO_WRITE = 0; // else the index of the write + 1

struct writes_slot {
	uint32_t hash;
	uint32_t write;
};

struct rules_touched {
	struct writes_slot *slots;
	uint32_t mask;     // slots - 1; twice as many slots as writes can be
	uint32_t *formers; // by write: the one before it under the same key
};

static uint32_t hash_of_key(const struct rules_commit *commit, enum db_table table, struct bytes key)
{
	return (uint32_t)hash_bytes(key.data, key.size, image_edit_image(commit->edit)->seed + table);
}

// The slot of the key, or the empty one where it belongs.
static struct writes_slot *find_slot(const struct rules_commit *commit, uint32_t hash, enum db_table table,
				     struct bytes key)
{
	const struct rules_touched *touched = commit->touched;
	for (uint32_t i = hash & touched->mask;; i = (i + 1) & touched->mask) {
		struct writes_slot *slot = &touched->slots[i];
		if (slot->write == NO_WRITE)
			return slot;
		const struct db_write *write = &commit->writes[slot->write - 1];
		if (slot->hash == hash && write->table == table && bytes_equal(write->key, key))
			return slot;
	}
}

static uint32_t find_write(const struct rules_commit *commit, enum db_table table, struct bytes key)
{
	if (commit->touched == NULL)
		return NO_WRITE;
	return find_slot(commit, hash_of_key(commit, table, key), table, key)->write;
}

static void note_write(const struct rules_commit *commit, uint32_t index)
{
	const struct db_write *write = &commit->writes[index];
	const uint32_t hash = hash_of_key(commit, write->table, write->key);
	struct writes_slot *slot = find_slot(commit, hash, write->table, write->key);
	commit->touched->formers[index] = slot->write;
	*slot = (struct writes_slot){.hash = hash, .write = index + 1};
}

// Room for twice as many writes. The former arrays stay in the arena: all together they are as big as the last.
static int grow_writes(struct rules_commit *commit)
{
	const size_t limit = commit->writes_limit ? commit->writes_limit * 2 : WRITES_LIMIT_MIN;
	if (limit > UINT32_MAX / 2)
		return -ENOMEM;
	struct db_write *writes = arena_alloc(commit->arena, limit * sizeof(*writes));
	struct rules_touched *touched = arena_alloc(commit->arena, sizeof(*touched));
	uint32_t *formers = arena_alloc(commit->arena, limit * sizeof(*formers));
	struct writes_slot *slots = arena_calloc(commit->arena, limit * 2, sizeof(*slots));
	if (writes == NULL || touched == NULL || formers == NULL || slots == NULL)
		return -ENOMEM;
	if (commit->writes_count > 0)
		memcpy(writes, commit->writes, commit->writes_count * sizeof(*writes));
	*touched = (struct rules_touched){.slots = slots, .mask = (uint32_t)limit * 2 - 1, .formers = formers};
	commit->writes = writes;
	commit->writes_limit = limit;
	commit->touched = touched;
	for (uint32_t i = 0; i < commit->writes_count; i++)
		note_write(commit, i);
	return 0;
}

static bool is_beyond(const struct rules_volume *volume, const struct rules_volume *limit, size_t bytes)
{
	return volume->writes + 1 > limit->writes || volume->bytes + bytes > limit->bytes;
}

// Before memory is asked for: how much of that there is differs from machine to machine (DESIGN 1.4).
static int count_write(struct rules_set *set, size_t bytes)
{
	struct rules_commit *commit = set->commit;
	const struct rules_limits *limits = commit->limits;
	if (UNLIKELY(is_beyond(&set->volume, &limits->set, bytes)))
		return store_refuse(
			set->fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			"the change set writes more than %zu records or %zu bytes; split it, or first detach "
			"or delete in parts what goes with the object",
			limits->set.writes, limits->set.bytes);
	if (UNLIKELY(is_beyond(&commit->volume, &limits->revision, bytes)))
		return store_refuse(
			set->fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			"together with others of the same moment the change set writes more than %zu records "
			"or %zu bytes; send it again",
			limits->revision.writes, limits->revision.bytes);
	set->volume.writes++;
	set->volume.bytes += bytes;
	commit->volume.writes++;
	commit->volume.bytes += bytes;
	return 0;
}

int rules_write(struct rules_set *set, enum db_table table, struct bytes key, struct bytes value)
{
	struct rules_commit *commit = set->commit;
	const int error = count_write(set, key.size + value.size);
	if (error != 0)
		return error;
	if (commit->writes_count == commit->writes_limit && grow_writes(commit) != 0)
		return -ENOMEM;
	const struct bytes own_key = arena_copy(commit->arena, key);
	if (own_key.data == NULL)
		return -ENOMEM;
	commit->writes[commit->writes_count] = (struct db_write){
		.table = table,
		.key = own_key,
		.modified_revision = commit->revision,
		.value = value,
	};
	note_write(commit, (uint32_t)commit->writes_count++);
	return 0;
}

int rules_encode(struct rules_set *set, const struct schema *schema, const void *message, struct bytes *ret_value)
{
	struct bytes encoded;
	const int error = codec_encode(schema, message, &set->scratch, &encoded);
	if (error != 0)
		return error;
	*ret_value = arena_copy(set->commit->arena, encoded);
	arena_reset(&set->scratch);
	return ret_value->data != NULL ? 0 : -ENOMEM;
}

int rules_write_message(struct rules_set *set, enum db_table table, struct bytes key, const struct schema *schema,
			const void *message)
{
	struct bytes value;
	const int error = rules_encode(set, schema, message, &value);
	return error != 0 ? error : rules_write(set, table, key, value);
}

void rules_writes_rollback(struct rules_commit *commit, size_t mark)
{
	while (commit->writes_count > mark) {
		const uint32_t index = (uint32_t)--commit->writes_count;
		const struct db_write *write = &commit->writes[index];
		const uint32_t hash = hash_of_key(commit, write->table, write->key);
		find_slot(commit, hash, write->table, write->key)->write = commit->touched->formers[index];
	}
}

const struct db_write *rules_former_write(const struct rules_set *set, enum db_table table, struct bytes key)
{
	uint32_t write = find_write(set->commit, table, key);
	while (write > set->writes_mark)
		write = set->commit->touched->formers[write - 1];
	return write != NO_WRITE ? &set->commit->writes[write - 1] : NULL;
}

int rules_read_message(struct rules_set *set, enum db_table table, struct bytes key, const struct schema *schema,
		       void *ret_message)
{
	const uint32_t write = find_write(set->commit, table, key);
	struct db_record record = {0};
	int error = 0;
	if (write != NO_WRITE)
		record.value = set->commit->writes[write - 1].value;
	else
		error = db_get(set->commit->read, table, key, &record);
	struct fault fault = {0};
	if (error == 0)
		error = codec_decode(schema, CODEC_TOLERANT, record.value, &set->scratch, ret_message, &fault);
	if (error == 0 || error == -ENOMEM)
		return error;
	return store_refuse(set->fault, STATUS_DATA_LOSS, NULL, "the stored object %.*s cannot be read: %s",
			    BYTES_ARG(key), fault.code != STATUS_OK ? fault.message : strerror(-error));
}
