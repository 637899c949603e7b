// SPDX-License-Identifier: Apache-2.0
// Entries and answers that are about the customer are found in a snapshot, by the caller's thread, and rewritten one by
// one by the writer, each in a commit that makes no revision. They cannot become more meanwhile: the customer is gone.
#include "store/erase.h"

#include "proto/codec.h"
#include "proto/ids.h"
#include "store/commit.h"
#include "store/erase_match.h"
#include "store/install_impl.h"
#include "store/log_impl.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	ARENA_CHUNK = 256 * 1024,
	ARENA_BUDGET = 256 * 1024 * 1024, // of an entry
	FOUND_BUDGET = 64 * 1024 * 1024,
	WAIT_NS = 100 * 1000 * 1000,
};

// A row to be rewritten; of an entry its first chunk.
struct found_row {
	struct found_row *next;
	enum db_table table;
	struct db_key key;
};

struct erase {
	struct store *store;
	struct db_read *read;
	struct arena arena;   // of what is found
	struct arena scratch; // of an entry
	struct erase_subject subject;
	struct bytes customer_id; // as asked
	struct found_row *found;
	const struct found_row *row; // being rewritten
	struct erase_response *response;
};

// ---------------------------------------------------------------- finding

static int add_row(struct erase *erase, enum db_table table, struct bytes key)
{
	struct found_row *row = arena_alloc(&erase->arena, sizeof(*row));
	if (row == NULL)
		return -ENOMEM;
	*row = (struct found_row){.next = erase->found, .table = table, .key.size = key.size};
	memcpy(row->key.data, key.data, key.size);
	erase->found = row;
	return 0;
}

typedef int look_at_entry(struct erase *erase, enum db_table table, struct bytes key, struct log_entry *entry);

static int learn(struct erase *erase, enum db_table table, struct bytes key, struct log_entry *entry)
{
	int result = 0;
	(void)table;
	(void)key;
	for (size_t i = 0; result == 0 && i < entry->change_sets_count; i++)
		result = erase_learn(&erase->subject, &entry->change_sets[i]);
	return result;
}

static int find_entry(struct erase *erase, enum db_table table, struct bytes key, struct log_entry *entry)
{
	bool is_about = false;
	for (size_t i = 0; i < entry->change_sets_count; i++)
		is_about |= erase_from_set(&erase->subject, &entry->change_sets[i]);
	return is_about ? add_row(erase, table, key) : 0;
}

static int walk_entries(struct erase *erase, enum db_table table, look_at_entry *look)
{
	struct db_record row;
	struct log_entry entry;
	int result = db_seek(erase->read, table, (struct bytes){0}, &row);
	while (result == 0) {
		arena_reset(&erase->scratch);
		const struct bytes key = arena_copy(&erase->scratch, row.key);
		if (key.data == NULL)
			return -ENOMEM;
		result = log_entry_read(erase->read, table, &row, &erase->scratch, &entry);
		if (result == 0)
			result = look(erase, table, key, &entry);
		if (result == 0)
			result = db_next(erase->read, table, &row);
	}
	return result == -ENOENT ? 0 : result;
}

static int decode_response(struct arena *arena, struct bytes value, struct apply_response **ret_response)
{
	struct fault fault = {0};
	if (value.size < sizeof(struct idempotency_head))
		return -EBADMSG;
	const struct bytes body = {.data = value.data + sizeof(struct idempotency_head),
				   .size = value.size - sizeof(struct idempotency_head)};
	const int result = codec_decode(&schema_apply_response, CODEC_TOLERANT, body, arena, ret_response, &fault);
	return result == -EINVAL ? -EBADMSG : result;
}

static int walk_answers(struct erase *erase)
{
	struct db_record row;
	struct apply_response *response;
	int result = db_seek(erase->read, DB_IDEMPOTENCY, (struct bytes){0}, &row);
	while (result == 0) {
		arena_reset(&erase->scratch);
		result = decode_response(&erase->scratch, row.value, &response);
		if (result == 0 && erase_from_response(&erase->subject, response))
			result = add_row(erase, DB_IDEMPOTENCY, row.key);
		// A replica that forgot a key would apply again what the others only answer again: it stays.
		if (erase->customer_id.size > 0 &&
		    memmem(row.key.data, row.key.size, erase->customer_id.data, erase->customer_id.size) != NULL)
			erase->response->keys_kept++;
		if (result == 0)
			result = db_next(erase->read, DB_IDEMPOTENCY, &row);
	}
	return result == -ENOENT ? 0 : result;
}

// A uid that somebody else has now is not the customer's any more; what gave it to the customer goes all the same.
static int forget_given_tokens(struct erase *erase)
{
	struct db_record row;
	int result = 0;
	for (struct erase_token **link = &erase->subject.tokens; *link != NULL;) {
		result = db_get(erase->read, DB_TOKENS, db_key_bytes(&(*link)->key), &row);
		if (result != 0 && result != -ENOENT)
			return result;
		if (result == 0)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	}
	return 0;
}

static int find_all(struct erase *erase)
{
	int result = walk_entries(erase, DB_LOG, learn);
	if (result == 0)
		result = walk_entries(erase, DB_ORPHANS, learn);
	if (result == 0)
		result = forget_given_tokens(erase);
	if (result == 0)
		result = walk_entries(erase, DB_LOG, find_entry);
	if (result == 0)
		result = walk_entries(erase, DB_ORPHANS, find_entry);
	return result == 0 ? walk_answers(erase) : result;
}

static int find(struct erase *erase, struct fault *fault)
{
	struct db_record row;
	uint64_t revision;
	int result = db_read_start(erase->read, &revision);
	if (result != 0)
		return result;
	result = db_get(erase->read, DB_CUSTOMERS, db_key_bytes(&erase->subject.customer), &row);
	if (result == 0) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, "customer_id",
			  "the customer is still there: delete it first");
		result = -EPERM;
	} else if (result == -ENOENT) {
		result = find_all(erase);
	}
	db_read_stop(erase->read);
	return result;
}

// ---------------------------------------------------------------- rewriting (writer thread)

static int encode_sets(struct erase *erase, struct arena *arena, const struct log_entry *entry, struct log_head *head,
		       struct bytes *bodies)
{
	head->size = sizeof(*head) + head->origin_size;
	head->sets_count = 0;
	for (size_t i = 0; i < entry->change_sets_count; i++) {
		struct change_set *set = &entry->change_sets[i];
		(void)erase_from_set(&erase->subject, set);
		if (set->changes_count == 0)
			continue;
		struct bytes *body = &bodies[head->sets_count++];
		const int result = codec_encode(&schema_change_set, set, arena, body);
		if (result != 0)
			return result;
		head->size += sizeof(uint32_t) + body->size;
	}
	return 0;
}

static int join_entry(struct erase *erase, struct arena *arena, const struct log_entry *entry, struct log_head *head,
		      struct bytes *ret_encoded)
{
	struct bytes *bodies = arena_calloc(arena, entry->change_sets_count + 1, sizeof(*bodies));
	int result = bodies != NULL ? encode_sets(erase, arena, entry, head, bodies) : -ENOMEM;
	char *data = result == 0 ? arena_alloc(arena, head->size) : NULL;
	if (data == NULL)
		return result != 0 ? result : -ENOMEM;
	char *end = mempcpy(data, head, sizeof(*head));
	end = entry->origin.size > 0 ? mempcpy(end, entry->origin.data, entry->origin.size) : end;
	for (uint32_t i = 0; i < head->sets_count; i++) {
		const uint32_t size = (uint32_t)bodies[i].size;
		end = mempcpy(end, &size, sizeof(size));
		end = mempcpy(end, bodies[i].data, bodies[i].size);
	}
	*ret_encoded = (struct bytes){.data = data, .size = head->size};
	return 0;
}

static uint32_t chunks_of(uint64_t size)
{
	return (uint32_t)((size + LOG_CHUNK_SIZE - 1) / LOG_CHUNK_SIZE);
}

// The key of the entry's chunk `number`: both tables' keys end with it.
static struct bytes chunk_key(struct arena *arena, const struct db_key *first, uint32_t number)
{
	const uint32_t big = htobe32(number);
	const struct bytes key = arena_copy(arena, db_key_bytes(first));
	if (key.data != NULL)
		memcpy((char *)key.data + key.size - sizeof(big), &big, sizeof(big));
	return key;
}

static int write_chunks(struct history *history, const struct found_row *row, uint64_t revision, struct bytes encoded,
			uint32_t chunks_before)
{
	const uint32_t chunks = chunks_of(encoded.size);
	int result = 0;
	for (uint32_t i = 0; result == 0 && (i < chunks || i < chunks_before); i++) {
		struct db_write write = {.table = row->table,
					 .key = chunk_key(history->arena, &row->key, i),
					 .modified_revision = revision};
		const uint64_t from = (uint64_t)i * LOG_CHUNK_SIZE;
		const uint64_t left = i < chunks ? encoded.size - from : 0;
		if (write.key.data == NULL)
			return -ENOMEM;
		if (i < chunks)
			write.value = (struct bytes){.data = encoded.data + from,
						     .size = left < LOG_CHUNK_SIZE ? left : LOG_CHUNK_SIZE};
		result = history_write(history, &write);
	}
	return result;
}

static uint64_t stored_size(uint64_t size)
{
	return size + (uint64_t)chunks_of(size) * LOG_KEY_SIZE;
}

static int rewrite_entry(struct commit *commit, struct erase *erase, const struct db_record *row)
{
	struct history *history = &commit->history;
	struct log_entry entry;
	struct log_head head;
	struct bytes encoded;
	const uint64_t revision = row->modified_revision;
	int result = log_head_read(row->value, &head);
	const uint64_t size_before = result == 0 ? head.size : 0;
	if (result == 0)
		result = log_entry_read(commit->store->read, erase->row->table, row, history->arena, &entry);
	if (result == 0)
		result = join_entry(erase, history->arena, &entry, &head, &encoded);
	if (result != 0)
		return result;
	if (erase->row->table == DB_LOG)
		history->state.log.bytes -= stored_size(size_before) - stored_size(encoded.size);
	erase->response->entries++;
	return write_chunks(history, erase->row, revision, encoded, chunks_of(size_before));
}

static int rewrite_answer(struct commit *commit, struct erase *erase, const struct db_record *row)
{
	struct arena *arena = commit->history.arena;
	struct apply_response *response;
	struct bytes body;
	int result = decode_response(arena, row->value, &response);
	if (result == 0) {
		(void)erase_from_response(&erase->subject, response);
		result = codec_encode(&schema_apply_response, response, arena, &body);
	}
	char *value = result == 0 ? arena_alloc(arena, sizeof(struct idempotency_head) + body.size) : NULL;
	if (value == NULL)
		return result != 0 ? result : -ENOMEM;
	memcpy(value, row->value.data, sizeof(struct idempotency_head));
	if (body.size > 0)
		memcpy(value + sizeof(struct idempotency_head), body.data, body.size);
	erase->response->answers++;
	return history_write(
		&commit->history,
		&(struct db_write){.table = DB_IDEMPOTENCY,
				   .key = db_key_bytes(&erase->row->key),
				   .modified_revision = row->modified_revision,
				   .value = {.data = value, .size = sizeof(struct idempotency_head) + body.size}});
}

static int rewrite_row(struct commit *commit, struct erase *erase)
{
	struct db_record row;
	const struct bytes key = db_key_bytes(&erase->row->key);
	int result = db_seek(commit->store->read, erase->row->table, key, &row);
	if (result != 0 || !bytes_equal(row.key, key))
		return result == 0 ? -ENOENT : result; // forgotten meanwhile
	return erase->row->table == DB_IDEMPOTENCY ? rewrite_answer(commit, erase, &row)
						   : rewrite_entry(commit, erase, &row);
}

static int rewrite(struct store *store, void *argument)
{
	struct commit commit;
	int result = commit_begin(&commit, store);
	if (result != 0)
		return result;
	// What this commit rewrites it must not forget as well; the next one does.
	commit.history.limits =
		(struct log_limits){.entries_max = UINT64_MAX, .bytes_max = UINT64_MAX, .age_max_s = INT64_MAX / 2};
	result = rewrite_row(&commit, argument);
	if (result == 0)
		return commit_alone(&commit);
	commit_abandon(&commit);
	return result == -ENOENT ? 0 : result;
}

// ---------------------------------------------------------------- the bytes

static int wipe(struct store *store, void *argument)
{
	struct erase *erase = argument;
	uint64_t bytes;
	const int result = db_wipe(store->db, store->state.position.revision, &bytes);
	erase->response->bytes_wiped += bytes;
	return result == 0 || result == -EBUSY ? result : install_fail(store, result);
}

static int wipe_when_possible(struct erase *erase, struct fault *fault)
{
	static const struct timespec pause = {.tv_nsec = WAIT_NS};
	int result = -EBUSY;
	for (int i = 0; result == -EBUSY && i < ERASE_WAIT_S * (1000 * 1000 * 1000 / WAIT_NS); i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		result = store_call(erase->store, wipe, erase);
	}
	if (result == -EBUSY)
		fault_set(
			fault, STATUS_UNAVAILABLE, NULL,
			"a snapshot is being taken that may hold the customer: nothing refers to it any more, but its "
			"bytes are still in the file; erase it again when the snapshot is over");
	return result;
}

// ---------------------------------------------------------------- all of it

static int run(struct erase *erase, struct fault *fault)
{
	int result = install_wait_for_sweep(erase->store);
	if (result == 0)
		result = find(erase, fault);
	for (erase->row = erase->found; result == 0 && erase->row != NULL; erase->row = erase->row->next)
		result = store_call(erase->store, rewrite, erase);
	if (result == 0)
		result = wipe_when_possible(erase, fault);
	if (result == 0)
		erase->response->time = time(NULL);
	return result;
}

static int add_tokens(struct erase *erase, const struct erase_request *request)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < request->tokens_count; i++) {
		const struct delete_token *token = &request->tokens[i];
		result = erase_add_token(&erase->subject, token->issuer, token->type, token->uid);
	}
	return result;
}

static int check(const struct erase_request *request, struct fault *fault)
{
	int result = id_check(ID_FOLD_PLAIN, request->customer_id, "customer_id", fault);
	for (size_t i = 0; result == 0 && i < request->tokens_count; i++)
		result = id_check(id_fold_of_token(request->tokens[i].type), request->tokens[i].uid, "tokens.uid",
				  fault);
	return result;
}

int store_erase(struct store *store, const struct erase_request *request, struct erase_response *ret_response,
		struct fault *fault)
{
	struct erase_response response = {0};
	struct erase erase = {.store = store, .customer_id = request->customer_id, .response = &response};
	int result = check(request, fault);
	if (result == 0)
		result = db_read_create(store->db, &erase.read);
	if (result != 0)
		return result;
	key_of_id(request->customer_id, &erase.subject.customer);
	arena_init(&erase.arena, ARENA_CHUNK, FOUND_BUDGET);
	arena_init(&erase.scratch, ARENA_CHUNK, ARENA_BUDGET);
	erase.subject.arena = &erase.arena;
	result = add_tokens(&erase, request);
	if (result == 0)
		result = run(&erase, fault);
	arena_finish(&erase.scratch);
	arena_finish(&erase.arena);
	db_read_destroy(erase.read);
	if (result == 0)
		*ret_response = response;
	return result;
}
