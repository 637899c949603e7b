// SPDX-License-Identifier: Apache-2.0
#include "store/idempotency.h"

#include "base/hash.h"
#include "proto/codec.h"
#include "store/key.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

enum {
	BUCKETS = 1024,
	WRITES_LIMIT_MIN = 64,
};

static_assert(sizeof(struct idempotency_head) == 24 && sizeof(struct idempotency_age) == 16, "on disk");

// A key whose stored state this commit changes: remembered (again), or forgotten.
struct idempotency_entry {
	struct idempotency_entry *next;  // in the bucket; newer ones come first
	struct idempotency_entry *newer; // of those remembered
	struct db_key key;
	struct idempotency_head head;
	struct idempotency_age age; // as stored
	uint64_t revision;
	struct bytes response; // encoded
	bool is_gone;          // forgotten, or remembered anew by a later entry
};

// A stored or pending answer.
struct found {
	struct idempotency_entry *entry; // of this commit; NULL: it is stored
	struct idempotency_head head;
	uint64_t revision;
	struct bytes response;
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

// ---------------------------------------------------------------- what this commit changes

static size_t bucket_of(struct bytes key)
{
	return hash_bytes(key.data, key.size, 0) % BUCKETS;
}

// The latest word on a key; NULL: what is stored.
static struct idempotency_entry *find_entry(const struct idempotency *idempotency, struct bytes key)
{
	struct idempotency_entry *entry = idempotency->buckets != NULL ? idempotency->buckets[bucket_of(key)] : NULL;
	while (entry != NULL && !bytes_equal(db_key_bytes(&entry->key), key))
		entry = entry->next;
	return entry;
}

static struct idempotency_entry *add_entry(struct idempotency *idempotency, struct bytes key)
{
	if (idempotency->buckets == NULL)
		idempotency->buckets = arena_calloc(idempotency->arena, BUCKETS, sizeof(*idempotency->buckets));
	if (idempotency->buckets == NULL || key.size > DB_KEY_SIZE_MAX)
		return NULL;
	struct idempotency_entry *entry = arena_calloc(idempotency->arena, 1, sizeof(*entry));
	if (entry == NULL)
		return NULL;
	struct idempotency_entry **bucket = &idempotency->buckets[bucket_of(key)];
	memcpy(entry->key.data, key.data, key.size);
	entry->key.size = key.size;
	entry->next = *bucket;
	*bucket = entry;
	return entry;
}

// The write's key and value live as long as the commit.
static int add_write(struct idempotency *idempotency, enum db_table table, struct bytes key, struct bytes value)
{
	if (idempotency->writes_count == idempotency->writes_limit) {
		const size_t limit =
			idempotency->writes_limit != 0 ? 2 * idempotency->writes_limit : (size_t)WRITES_LIMIT_MIN;
		struct db_write *writes = arena_alloc(idempotency->arena, limit * sizeof(*writes));
		if (writes == NULL)
			return -ENOMEM;
		if (idempotency->writes_count > 0)
			memcpy(writes, idempotency->writes, idempotency->writes_count * sizeof(*writes));
		idempotency->writes = writes;
		idempotency->writes_limit = limit;
	}
	idempotency->writes[idempotency->writes_count++] = (struct db_write){
		.table = table, .key = key, .modified_revision = idempotency->revision, .value = value};
	return 0;
}

static int delete_age(struct idempotency *idempotency, const struct idempotency_age *age)
{
	const struct bytes key =
		arena_copy(idempotency->arena, (struct bytes){.data = (const char *)age, .size = sizeof(*age)});
	idempotency->growth--;
	return key.data != NULL ? add_write(idempotency, DB_IDEMPOTENCY_AGE, key, (struct bytes){0}) : -ENOMEM;
}

// ---------------------------------------------------------------- finding

static int find_answer(struct idempotency *idempotency, struct bytes key, struct found *ret_found)
{
	struct idempotency_entry *entry = find_entry(idempotency, key);
	if (entry != NULL) {
		*ret_found = (struct found){
			.entry = entry, .head = entry->head, .revision = entry->revision, .response = entry->response};
		return entry->is_gone ? -ENOENT : 0;
	}
	struct db_record record;
	const int result = db_get(idempotency->read, DB_IDEMPOTENCY, key, &record);
	if (result != 0)
		return result;
	if (record.value.size < sizeof(ret_found->head))
		return -EBADMSG;
	*ret_found = (struct found){.revision = record.modified_revision,
				    .response = {.data = record.value.data + sizeof(ret_found->head),
						 .size = record.value.size - sizeof(ret_found->head)}};
	memcpy(&ret_found->head, record.value.data, sizeof(ret_found->head));
	return 0;
}

static int check_same_changes(struct idempotency *idempotency, const struct change_set *set, const struct found *found,
			      struct fault *fault)
{
	uint64_t changes[2];
	const int result = hash_changes(idempotency, set, changes);
	if (result != 0 || memcmp(changes, found->head.changes, sizeof(changes)) == 0)
		return result;
	fault_set(fault, STATUS_ALREADY_EXISTS, "idempotency_key",
		  "idempotency key %.*s was used before, for other changes; use a new key for new changes",
		  BYTES_ARG(set->idempotency_key));
	return -EEXIST;
}

int idempotency_find(struct idempotency *idempotency, const struct change_set *set, uint32_t repeat_window_s,
		     struct arena *response_arena, struct apply_response *ret_response, struct fault *fault)
{
	struct db_key key;
	struct found found;
	struct apply_response *response;
	if (set->idempotency_key.size == 0)
		return -ENOENT;
	key_of_set(set, &key);
	int result = find_answer(idempotency, db_key_bytes(&key), &found);
	if (result == 0 && repeat_window_s != 0 && idempotency->time - found.head.time > (int64_t)repeat_window_s)
		return -ENOENT;
	if (result == 0)
		result = check_same_changes(idempotency, set, &found, fault);
	if (result == 0)
		result = codec_decode(&schema_apply_response, CODEC_TOLERANT, found.response, response_arena, &response,
				      fault);
	if (result == -EINVAL)
		result = -EBADMSG;
	if (result == 0) {
		*ret_response = *response;
		ret_response->replayed = true;
	} else if (result == -EBADMSG) {
		fault_set(fault, STATUS_DATA_LOSS, "idempotency_key", "the remembered result is damaged");
	}
	return result;
}

// ---------------------------------------------------------------- remembering

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

// The age row of a stored answer: one of those of its revision.
static int delete_stored_age(struct idempotency *idempotency, struct bytes key, uint64_t revision)
{
	const struct idempotency_age from = {.revision = htobe64(revision)};
	struct db_record row;
	struct idempotency_age age;
	int result = db_seek(idempotency->read, DB_IDEMPOTENCY_AGE,
			     (struct bytes){.data = (const char *)&from, .size = sizeof(from)}, &row);
	for (; result == 0; result = db_next(idempotency->read, DB_IDEMPOTENCY_AGE, &row)) {
		if (row.key.size != sizeof(age) || row.value.size < sizeof(int64_t))
			return -EBADMSG;
		memcpy(&age, row.key.data, sizeof(age));
		const struct bytes named = {.data = row.value.data + sizeof(int64_t),
					    .size = row.value.size - sizeof(int64_t)};
		if (age.revision != from.revision)
			return -EBADMSG;
		if (bytes_equal(named, key))
			return delete_age(idempotency, &age);
	}
	return result == -ENOENT ? -EBADMSG : result;
}

// What was remembered under a key that is used anew leaves the order of age.
static int supersede(struct idempotency *idempotency, struct bytes key)
{
	struct found found;
	const int result = find_answer(idempotency, key, &found);
	if (result != 0)
		return result == -ENOENT ? 0 : result;
	if (found.entry == NULL)
		return delete_stored_age(idempotency, key, found.revision);
	found.entry->is_gone = true;
	return delete_age(idempotency, &found.entry->age);
}

static int write_entry(struct idempotency *idempotency, const struct idempotency_entry *entry)
{
	const struct bytes key = db_key_bytes(&entry->key);
	const struct bytes age_key = {.data = (const char *)&entry->age, .size = sizeof(entry->age)};
	struct bytes value, age_value;
	int result = join(idempotency->arena, &entry->head, sizeof(entry->head), entry->response, &value);
	if (result == 0)
		result = join(idempotency->arena, &entry->head.time, sizeof(entry->head.time), key, &age_value);
	if (result == 0)
		result = add_write(idempotency, DB_IDEMPOTENCY, key, value);
	return result == 0 ? add_write(idempotency, DB_IDEMPOTENCY_AGE, age_key, age_value) : result;
}

int idempotency_remember(struct idempotency *idempotency, const struct change_set *set,
			 const struct apply_response *response)
{
	struct db_key key;
	if (set->idempotency_key.size == 0)
		return 0;
	key_of_set(set, &key);
	int result = supersede(idempotency, db_key_bytes(&key));
	if (result != 0)
		return result;
	struct idempotency_entry *entry = add_entry(idempotency, db_key_bytes(&key));
	if (entry == NULL)
		return -ENOMEM;
	entry->head.time = idempotency->time;
	entry->revision = idempotency->revision;
	entry->age = (struct idempotency_age){.revision = htobe64(idempotency->revision),
					      .number = htobe64(idempotency->number++)};
	result = hash_changes(idempotency, set, entry->head.changes);
	if (result == 0)
		result = codec_encode(&schema_apply_response, response, idempotency->arena, &entry->response);
	if (result != 0)
		return result;
	if (idempotency->end == NULL)
		idempotency->end = &idempotency->oldest;
	*idempotency->end = entry;
	idempotency->end = &entry->newer;
	idempotency->growth++;
	return write_entry(idempotency, entry);
}

// ---------------------------------------------------------------- forgetting

static bool is_old(const struct idempotency *idempotency, int64_t time)
{
	return time <= idempotency->time - idempotency->age_min_s;
}

static int forget(struct idempotency *idempotency, struct bytes key, const struct idempotency_age *age)
{
	const int result = add_write(idempotency, DB_IDEMPOTENCY, key, (struct bytes){0});
	return result == 0 ? delete_age(idempotency, age) : result;
}

// One stored row, the oldest that is left. 1: forgotten; 0: it was gone already; -ENOENT: it is too young.
static int forget_stored(struct idempotency *idempotency, const struct db_record *row)
{
	int64_t time;
	struct idempotency_age age;
	if (row->value.size <= sizeof(time) || row->key.size != sizeof(age))
		return -EBADMSG;
	memcpy(&time, row->value.data, sizeof(time));
	memcpy(&age, row->key.data, sizeof(age));
	const struct bytes key = {.data = row->value.data + sizeof(time), .size = row->value.size - sizeof(time)};
	const bool is_gone = find_entry(idempotency, key) != NULL; // each key has one row
	if (!is_gone && !is_old(idempotency, time))
		return -ENOENT;
	idempotency->looked_at =
		(struct idempotency_age){.revision = age.revision, .number = htobe64(be64toh(age.number) + 1)};
	if (is_gone)
		return 0;
	struct idempotency_entry *entry = add_entry(idempotency, key);
	if (entry == NULL)
		return -ENOMEM;
	entry->is_gone = true;
	const int result = forget(idempotency, db_key_bytes(&entry->key), &age);
	return result == 0 ? 1 : result;
}

// Up to `excess` of the rows of the snapshot. -ENOENT: the next one is too young; 0: there are no more of them, or that
// was enough.
static int trim_stored(struct idempotency *idempotency, uint64_t *excess)
{
	const struct idempotency_age from = idempotency->looked_at;
	struct db_record row;
	int result = db_seek(idempotency->read, DB_IDEMPOTENCY_AGE,
			     (struct bytes){.data = (const char *)&from, .size = sizeof(from)}, &row);
	while (result == 0) {
		const int forgotten = forget_stored(idempotency, &row);
		if (forgotten < 0)
			return forgotten;
		*excess -= (uint64_t)forgotten;
		if (*excess == 0)
			return 0;
		result = db_next(idempotency->read, DB_IDEMPOTENCY_AGE, &row);
	}
	return result == -ENOENT ? 0 : result;
}

// Likewise, of those remembered by earlier revisions of this commit.
static int trim_pending(struct idempotency *idempotency, uint64_t excess)
{
	struct idempotency_entry *entry = idempotency->oldest;
	for (; entry != NULL && excess > 0; entry = entry->newer) {
		if (!entry->is_gone) {
			if (!is_old(idempotency, entry->head.time) || entry->revision == idempotency->revision)
				return 0;
			entry->is_gone = true;
			excess--;
			const int result = forget(idempotency, db_key_bytes(&entry->key), &entry->age);
			if (result != 0)
				return result;
		}
		idempotency->oldest = entry->newer;
		if (idempotency->oldest == NULL)
			idempotency->end = NULL;
	}
	return 0;
}

void idempotency_begin_revision(struct idempotency *idempotency, uint64_t revision, int64_t time)
{
	idempotency->revision = revision;
	idempotency->time = time;
	idempotency->number = 0;
}

// From the oldest on, as long as there were too many before this revision and they are old enough.
int idempotency_end_revision(struct idempotency *idempotency)
{
	uint64_t count;
	int result = db_count(idempotency->read, DB_IDEMPOTENCY_AGE, &count);
	if (result != 0)
		return result;
	count += (uint64_t)idempotency->growth - idempotency->number;
	uint64_t excess = count > idempotency->count_min ? count - idempotency->count_min : 0;
	if (excess > idempotency->number + IDEMPOTENCY_TRIM_MAX)
		excess = idempotency->number + IDEMPOTENCY_TRIM_MAX;
	if (excess == 0)
		return 0;
	result = trim_stored(idempotency, &excess);
	if (result == 0)
		result = trim_pending(idempotency, excess);
	return result == -ENOENT ? 0 : result;
}
