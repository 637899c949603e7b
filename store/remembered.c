// SPDX-License-Identifier: Apache-2.0
#include "store/remembered.h"

#include "proto/codec.h"
#include "store/idempotency.h"
#include "store/refuse.h"
#include "store/rules.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

// ---------------------------------------------------------------- the hash of the changes, as text

static struct id128 hash_id(const uint64_t changes[2])
{
	struct id128 id;
	const uint64_t words[2] = {htobe64(changes[1]), htobe64(changes[0])};
	memcpy(id.data, words, sizeof(words));
	return id;
}

static int read_hash(struct bytes text, uint64_t ret_changes[2])
{
	struct id128 id;
	uint64_t words[2];
	const int result = id128_parse(text, &id);
	if (result != 0)
		return result;
	memcpy(words, id.data, sizeof(words));
	ret_changes[0] = be64toh(words[1]);
	ret_changes[1] = be64toh(words[0]);
	return 0;
}

// ---------------------------------------------------------------- reading

// The actor has no NUL: both are text.
static int split_key(struct bytes key, struct remembered *remembered)
{
	const char *nul = key.size > 0 ? memchr(key.data, '\0', key.size) : NULL;
	if (nul == NULL)
		return -EBADMSG;
	remembered->actor = (struct bytes){.data = key.data, .size = (size_t)(nul - key.data)};
	remembered->idempotency_key = (struct bytes){.data = nul + 1, .size = key.size - remembered->actor.size - 1};
	return 0;
}

static int read_value(struct bytes value, struct arena *arena, struct remembered *remembered)
{
	struct idempotency_head head;
	struct fault fault = {0};
	char hash[ID128_TEXT_SIZE + 1];
	if (value.size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, value.data, sizeof(head));
	const struct id128 id = hash_id(head.changes);
	id128_format(&id, hash);
	remembered->time = head.time;
	remembered->changes_hash = arena_copy(arena, (struct bytes){.data = hash, .size = ID128_TEXT_SIZE});
	if (remembered->changes_hash.data == NULL)
		return -ENOMEM;
	const struct bytes response = {.data = value.data + sizeof(head), .size = value.size - sizeof(head)};
	const int result =
		codec_decode(&schema_apply_response, CODEC_TOLERANT, response, arena, &remembered->response, &fault);
	return result == -EINVAL ? -EBADMSG : result;
}

int remembered_read(struct db_read *read, const struct db_record *age, struct arena *arena, struct record *ret_record)
{
	struct idempotency_age order;
	struct db_record stored;
	if (age->key.size != sizeof(order) || age->value.size <= sizeof(int64_t))
		return -EBADMSG;
	memcpy(&order, age->key.data, sizeof(order));
	const struct bytes key = {.data = age->value.data + sizeof(int64_t), .size = age->value.size - sizeof(int64_t)};
	struct remembered *remembered = arena_calloc(arena, 1, sizeof(*remembered));
	if (remembered == NULL)
		return -ENOMEM;
	int result = db_get(read, DB_IDEMPOTENCY, key, &stored);
	if (result == 0 && stored.modified_revision != be64toh(order.revision))
		return -ENOENT; // it was remembered anew
	if (result == 0)
		result = split_key(key, remembered);
	if (result == 0)
		result = read_value(stored.value, arena, remembered);
	if (result != 0)
		return result;
	remembered->number = be64toh(order.number);
	*ret_record = (struct record){
		.modified_revision = stored.modified_revision, .kind = RECORD_REMEMBERED, .remembered = remembered};
	return 0;
}

// ---------------------------------------------------------------- writing

static int check(const struct record *record, struct idempotency_head *ret_head, struct fault *fault)
{
	const struct remembered *remembered = record->remembered;
	struct change none = {.kind = CHANGE_NONE};
	const struct change_set set = {.changes = &none,
				       .changes_count = 1,
				       .actor = remembered->actor,
				       .idempotency_key = remembered->idempotency_key};
	const int result = rules_check_set(&set, fault);
	if (result != 0)
		return result;
	ret_head->time = remembered->time;
	if (remembered->idempotency_key.size == 0 || remembered->response == NULL ||
	    read_hash(remembered->changes_hash, ret_head->changes) != 0)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "remembered",
				    "what is remembered of an idempotency key is incomplete");
	return 0;
}

static struct bytes join(struct arena *arena, struct bytes first, struct bytes second)
{
	char *data = arena_alloc(arena, first.size + second.size);
	if (data != NULL && first.size > 0)
		memcpy(data, first.data, first.size);
	if (data != NULL && second.size > 0)
		memcpy(data + first.size, second.data, second.size);
	return (struct bytes){.data = data, .size = first.size + second.size};
}

int remembered_write(const struct record *record, struct arena *arena, struct db_write ret_writes[REMEMBERED_WRITES],
		     struct fault *fault)
{
	const struct remembered *remembered = record->remembered;
	struct idempotency_head head;
	struct bytes response;
	int result = check(record, &head, fault);
	if (result == 0)
		result = codec_encode(&schema_apply_response, remembered->response, arena, &response);
	if (result != 0)
		return result;
	const struct idempotency_age order = {.revision = htobe64(record->modified_revision),
					      .number = htobe64(remembered->number)};
	const struct bytes actor = join(arena, remembered->actor, (struct bytes){.data = "", .size = 1});
	if (actor.data == NULL)
		return -ENOMEM;
	const struct bytes key = join(arena, actor, remembered->idempotency_key);
	const struct bytes head_bytes = {.data = (const char *)&head, .size = sizeof(head)};
	const struct bytes time = {.data = (const char *)&head.time, .size = sizeof(head.time)};
	ret_writes[0] = (struct db_write){.table = DB_IDEMPOTENCY,
					  .key = key,
					  .modified_revision = record->modified_revision,
					  .value = join(arena, head_bytes, response)};
	ret_writes[1] = (struct db_write){
		.table = DB_IDEMPOTENCY_AGE,
		.key = arena_copy(arena, (struct bytes){.data = (const char *)&order, .size = sizeof(order)}),
		.modified_revision = record->modified_revision,
		.value = join(arena, time, key)};
	const bool has_all = key.data && ret_writes[0].value.data && ret_writes[1].key.data && ret_writes[1].value.data;
	return has_all ? 0 : -ENOMEM;
}
