// SPDX-License-Identifier: Apache-2.0
#include "store/idempotency.h"

#include "base/hash.h"
#include "proto/codec.h"
#include "store/key.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

// What is stored under a key of DB_IDEMPOTENCY, in front of the encoded ApplyResponse.
struct remembered_head {
	int64_t time; // of the commit
	uint64_t changes[2];
};
static_assert(sizeof(struct remembered_head) == 24, "on disk");

// A key of DB_IDEMPOTENCY_AGE, in big endian: oldest first. Its value is the time and the other table's key.
struct age_key {
	uint64_t revision;
	uint64_t number; // within the commit
};
static_assert(sizeof(struct age_key) == 16, "on disk");

struct idempotency_entry {
	struct idempotency_entry *next;
	struct db_key key;
	uint64_t changes[2];
	struct bytes response; // encoded
};

// Actors have no NUL: both are text (rules_check_set).
static void key_of_set(const struct change_set *set, struct db_key *ret_key)
{
	ASSERT(set->actor.size + 1 + set->idempotency_key.size <= sizeof(ret_key->data));
	char *end = ret_key->data;
	if (set->actor.size > 0)
		memcpy(end, set->actor.data, set->actor.size);
	end += set->actor.size;
	*end++ = '\0';
	memcpy(end, set->idempotency_key.data, set->idempotency_key.size);
	ret_key->size = (size_t)(end - ret_key->data) + set->idempotency_key.size;
}

// A hash of the changes and nothing else, in their encoded form. Without a seed: it outlives the process.
static int hash_changes(struct idempotency *idempotency, const struct change_set *set, uint64_t ret_hash[2])
{
	const struct change_set changes = {.changes = set->changes, .changes_count = set->changes_count};
	struct bytes encoded;
	const int result = codec_encode(&schema_change_set, &changes, idempotency->arena, &encoded);
	if (result != 0)
		return result;
	const XXH128_hash_t hash = XXH3_128bits(encoded.data, encoded.size);
	ret_hash[0] = hash.low64;
	ret_hash[1] = hash.high64;
	return 0;
}

// ---------------------------------------------------------------- finding

static const struct idempotency_entry *find_entry(const struct idempotency *idempotency, const struct db_key *key)
{
	const struct idempotency_entry *entry = idempotency->entries;
	while (entry != NULL && !bytes_equal(db_key_bytes(&entry->key), db_key_bytes(key)))
		entry = entry->next;
	return entry;
}

// The hash and the response remembered under `key`, in this commit or before it.
static int find_remembered(struct idempotency *idempotency, const struct db_key *key, uint64_t ret_changes[2],
			   struct bytes *ret_response)
{
	const struct idempotency_entry *entry = find_entry(idempotency, key);
	if (entry != NULL) {
		memcpy(ret_changes, entry->changes, sizeof(entry->changes));
		*ret_response = entry->response;
		return 0;
	}
	struct db_record record;
	struct remembered_head remembered;
	const int result = db_get(idempotency->read, DB_IDEMPOTENCY, db_key_bytes(key), &record);
	if (result != 0)
		return result;
	if (record.value.size < sizeof(remembered))
		return -EBADMSG;
	memcpy(&remembered, record.value.data, sizeof(remembered));
	memcpy(ret_changes, remembered.changes, sizeof(remembered.changes));
	*ret_response = (struct bytes){.data = record.value.data + sizeof(remembered),
				       .size = record.value.size - sizeof(remembered)};
	return 0;
}

int idempotency_find(struct idempotency *idempotency, const struct change_set *set, struct arena *response_arena,
		     struct apply_response *ret_response, struct fault *fault)
{
	struct db_key key;
	uint64_t changes[2], first_changes[2];
	struct bytes encoded;
	struct apply_response *response;
	if (set->idempotency_key.size == 0)
		return -ENOENT;
	key_of_set(set, &key);
	int result = find_remembered(idempotency, &key, first_changes, &encoded);
	if (result == 0)
		result = hash_changes(idempotency, set, changes);
	if (result == 0 && memcmp(changes, first_changes, sizeof(changes)) != 0) {
		fault_set(fault, STATUS_ALREADY_EXISTS, "idempotency_key",
			  "idempotency key %.*s was used before, for other changes; use a new key for new changes",
			  BYTES_ARG(set->idempotency_key));
		return -EEXIST;
	}
	if (result == 0)
		result =
			codec_decode(&schema_apply_response, CODEC_TOLERANT, encoded, response_arena, &response, fault);
	if (result == 0) {
		*ret_response = *response;
		ret_response->replayed = true;
	} else if (result == -EBADMSG) {
		fault_set(fault, STATUS_DATA_LOSS, "idempotency_key", "the remembered result is damaged");
	}
	return result;
}

// ---------------------------------------------------------------- remembering

int idempotency_remember(struct idempotency *idempotency, const struct change_set *set,
			 const struct apply_response *response)
{
	if (set->idempotency_key.size == 0)
		return 0;
	struct idempotency_entry *entry = arena_alloc(idempotency->arena, sizeof(*entry));
	if (entry == NULL)
		return -ENOMEM;
	key_of_set(set, &entry->key);
	int result = hash_changes(idempotency, set, entry->changes);
	if (result == 0)
		result = codec_encode(&schema_apply_response, response, idempotency->arena, &entry->response);
	if (result != 0)
		return result;
	entry->next = idempotency->entries;
	idempotency->entries = entry;
	idempotency->entries_count++;
	return 0;
}

// A value made of a head and a tail.
static int join(struct arena *arena, const void *head, size_t head_size, struct bytes tail, struct bytes *ret_value)
{
	char *value = arena_alloc(arena, head_size + tail.size);
	if (value == NULL)
		return -ENOMEM;
	memcpy(value, head, head_size);
	if (tail.size > 0)
		memcpy(value + head_size, tail.data, tail.size);
	*ret_value = (struct bytes){.data = value, .size = head_size + tail.size};
	return 0;
}

static int write_entry(const struct idempotency *idempotency, const struct idempotency_entry *entry, size_t number,
		       struct db_write ret_writes[2])
{
	struct arena *arena = idempotency->arena;
	struct remembered_head remembered = {.time = idempotency->time};
	memcpy(remembered.changes, entry->changes, sizeof(remembered.changes));
	const struct age_key age = {.revision = htobe64(idempotency->revision), .number = htobe64(number)};
	const struct bytes key = db_key_bytes(&entry->key);
	ret_writes[0] =
		(struct db_write){.table = DB_IDEMPOTENCY, .key = key, .modified_revision = idempotency->revision};
	ret_writes[1] = (struct db_write){.table = DB_IDEMPOTENCY_AGE, .modified_revision = idempotency->revision};
	int result = join(arena, &remembered, sizeof(remembered), entry->response, &ret_writes[0].value);
	if (result == 0)
		result = join(arena, &age, sizeof(age), (struct bytes){0}, &ret_writes[1].key);
	if (result == 0)
		result = join(arena, &idempotency->time, sizeof(idempotency->time), key, &ret_writes[1].value);
	return result;
}

// ---------------------------------------------------------------- forgetting

static size_t trim_max(const struct idempotency *idempotency)
{
	return idempotency->entries_count + IDEMPOTENCY_TRIM_MAX;
}

// The deletes of one remembered answer, or -ENOENT when it is to be kept.
static int forget(const struct idempotency *idempotency, const struct db_record *record, struct db_write ret_writes[2])
{
	int64_t time;
	if (record->value.size <= sizeof(time))
		return -EBADMSG;
	memcpy(&time, record->value.data, sizeof(time));
	if (time > idempotency->time - idempotency->age_min_s)
		return -ENOENT;
	const struct bytes key = {.data = record->value.data + sizeof(time), .size = record->value.size - sizeof(time)};
	ret_writes[0] = (struct db_write){.table = DB_IDEMPOTENCY, .key = key};
	ret_writes[1] = (struct db_write){.table = DB_IDEMPOTENCY_AGE, .key = record->key};
	return 0;
}

// From the oldest on, as long as there are too many and they are old enough.
static int write_trimming(const struct idempotency *idempotency, struct db_write *ret_writes, size_t *ret_count)
{
	struct db_record record;
	uint64_t count;
	int result = db_count(idempotency->read, DB_IDEMPOTENCY_AGE, &count);
	if (result != 0)
		return result;
	uint64_t excess = count > idempotency->count_min ? count - idempotency->count_min : 0;
	if (excess > trim_max(idempotency))
		excess = trim_max(idempotency);
	*ret_count = 0;
	result = excess > 0 ? db_seek(idempotency->read, DB_IDEMPOTENCY_AGE, (struct bytes){0}, &record) : -ENOENT;
	while (result == 0) {
		result = forget(idempotency, &record, &ret_writes[*ret_count]);
		if (result != 0)
			break;
		*ret_count += 2;
		excess--;
		result = excess > 0 ? db_next(idempotency->read, DB_IDEMPOTENCY_AGE, &record) : -ENOENT;
	}
	return result == -ENOENT ? 0 : result;
}

size_t idempotency_writes_max(const struct idempotency *idempotency)
{
	return 2 * idempotency->entries_count + 2 * trim_max(idempotency);
}

int idempotency_write(struct idempotency *idempotency, struct db_write *ret_writes, size_t *ret_count)
{
	size_t count = 0;
	int result = write_trimming(idempotency, ret_writes, &count);
	size_t number = 0;
	const struct idempotency_entry *entry = idempotency->entries;
	for (; result == 0 && entry != NULL; entry = entry->next, count += 2)
		result = write_entry(idempotency, entry, number++, &ret_writes[count]);
	if (result == 0)
		*ret_count = count;
	return result;
}
