// SPDX-License-Identifier: Apache-2.0
#include "store/log.h"

#include "proto/codec.h"
#include "proto/limits.h"
#include "store/commit.h"
#include "store/log_impl.h"

#include <errno.h>
#include <stdlib.h>

enum { FORGET_ROWS_MAX = 4096 }; // by one commit

struct log_reader {
	struct store *store;
	struct db_read *read;
};

int log_reader_create(struct store *store, struct log_reader **ret_reader)
{
	struct log_reader *reader = calloc(1, sizeof(*reader));
	if (reader == NULL)
		return -ENOMEM;
	reader->store = store;
	const int result = db_read_create(store_db(store), &reader->read);
	if (result != 0) {
		free(reader);
		return result;
	}
	*ret_reader = reader;
	return 0;
}

void log_reader_destroy(struct log_reader *reader)
{
	if (reader == NULL)
		return;
	db_read_destroy(reader->read);
	free(reader);
}

// ---------------------------------------------------------------- one entry

// The stored bytes of an entry whose first chunk is `row`, in one piece.
static int join_chunks(struct db_read *read, enum db_table table, const struct db_record *row,
		       const struct log_head *head, struct arena *arena, struct bytes *ret_entry)
{
	char *data = arena_alloc(arena, head->size);
	if (data == NULL)
		return -ENOMEM;
	struct db_record chunk = *row;
	uint64_t first_revision, revision;
	uint32_t number = 0, expected = 0;
	size_t size = 0;
	int result = log_key_read(row->key, &first_revision, &number);
	for (; result == 0; expected++) {
		if (number != expected || chunk.value.size > head->size - size)
			return -EBADMSG;
		memcpy(data + size, chunk.value.data, chunk.value.size);
		size += chunk.value.size;
		if (size == head->size)
			break;
		result = db_next(read, table, &chunk);
		if (result == 0)
			result = log_key_read(chunk.key, &revision, &number);
		if (result == 0 && revision != first_revision)
			return -EBADMSG;
	}
	*ret_entry = (struct bytes){.data = data, .size = size};
	return result == -ENOENT ? -EBADMSG : result;
}

static int decode_set(struct bytes *rest, struct arena *arena, struct change_set *ret_set)
{
	uint32_t size;
	struct change_set *set;
	struct fault fault = {0};
	if (rest->size < sizeof(size))
		return -EBADMSG;
	memcpy(&size, rest->data, sizeof(size));
	if (size > rest->size - sizeof(size))
		return -EBADMSG;
	const struct bytes body = {.data = rest->data + sizeof(size), .size = size};
	const int result = codec_decode(&schema_change_set, CODEC_TOLERANT, body, arena, &set, &fault);
	if (result != 0)
		return result == -EINVAL ? -EBADMSG : result;
	*ret_set = *set;
	*rest = (struct bytes){.data = body.data + size, .size = rest->size - sizeof(size) - size};
	return 0;
}

static int decode_sets(const struct log_head *head, struct bytes rest, struct arena *arena, struct log_entry *entry)
{
	entry->change_sets = arena_calloc(arena, head->sets_count, sizeof(*entry->change_sets));
	if (entry->change_sets == NULL)
		return -ENOMEM;
	for (; entry->change_sets_count < head->sets_count; entry->change_sets_count++) {
		const int result = decode_set(&rest, arena, &entry->change_sets[entry->change_sets_count]);
		if (result != 0)
			return result;
	}
	return rest.size == 0 ? 0 : -EBADMSG;
}

// A name that was never given is an empty text.
static int format_id(const struct id128 *id, struct arena *arena, struct bytes *ret_text)
{
	char text[ID128_TEXT_SIZE + 1];
	if (id128_is_zero(id))
		return 0;
	id128_format(id, text);
	*ret_text = arena_copy(arena, (struct bytes){.data = text, .size = ID128_TEXT_SIZE});
	return ret_text->data != NULL ? 0 : -ENOMEM;
}

static int decode_head(const struct log_head *head, struct arena *arena, struct log_entry *entry)
{
	int result = format_id(&head->epoch, arena, &entry->epoch);
	if (result == 0)
		result = format_id(&head->nonce, arena, &entry->nonce);
	if (result == 0)
		result = format_id(&head->prev, arena, &entry->prev);
	entry->time = head->time;
	return result;
}

// The entry whose first chunk is `row`, which a walk of the table has come to.
static int decode_entry(struct db_read *read, enum db_table table, const struct db_record *row, bool with_sets,
			struct arena *arena, struct log_entry *ret_entry)
{
	struct log_head head;
	struct bytes encoded;
	struct log_entry entry = {.revision = row->modified_revision};
	int result = log_head_read(row->value, &head);
	if (result == 0)
		result = decode_head(&head, arena, &entry);
	if (result != 0)
		return result;
	if (head.origin_size > head.size - sizeof(head))
		return -EBADMSG;
	result = join_chunks(read, table, row, &head, arena, &encoded);
	if (result != 0)
		return result;
	const char *origin = encoded.data + sizeof(head);
	entry.origin = (struct bytes){.data = origin, .size = head.origin_size};
	const struct bytes rest = {.data = origin + head.origin_size,
				   .size = encoded.size - sizeof(head) - head.origin_size};
	if (with_sets)
		result = decode_sets(&head, rest, arena, &entry);
	if (result == 0)
		*ret_entry = entry;
	return result;
}

int log_entry_read(struct db_read *read, enum db_table table, const struct db_record *row, struct arena *arena,
		   struct log_entry *ret_entry)
{
	return decode_entry(read, table, row, true, arena, ret_entry);
}

// ---------------------------------------------------------------- reading on

static int read_after(struct log_reader *reader, uint64_t revision, uint64_t after, struct arena *arena,
		      struct log_entry *ret_entry)
{
	struct db_log_state state;
	struct db_record row;
	int result = db_get_meta(reader->read, db_key_log, &state, sizeof(state));
	if (result != 0)
		return result == -ENOENT ? -EBADMSG : result;
	if (after < state.floor || after > revision)
		return -ERANGE;
	const struct log_key key = log_key_make(after + 1, 0);
	result = db_seek(reader->read, DB_LOG, log_key_bytes(&key), &row);
	return result == 0 ? decode_entry(reader->read, DB_LOG, &row, true, arena, ret_entry) : result;
}

int log_read_after(struct log_reader *reader, uint64_t after, struct arena *arena, struct log_entry *ret_entry)
{
	uint64_t revision;
	int result = db_read_start(reader->read, &revision);
	if (result != 0)
		return result;
	result = read_after(reader, revision, after, arena, ret_entry);
	db_read_stop(reader->read);
	return result;
}

// ---------------------------------------------------------------- pages

// A page on its way.
struct page {
	struct db_read *read;
	enum db_table table;
	const struct log_request *request;
	struct arena *arena;
	struct log_response *response;
	uint64_t floor; // entries up to here are not shown
	uint64_t entries_max;
	uint64_t bytes;    // so far
	uint64_t last;     // revision of the last entry
	struct db_key key; // the entries before it are wanted
};

// The first chunk of the entry before the page's key. -ENOENT: there is none.
static int find_before(struct page *page, struct db_record *ret_row)
{
	struct db_record row;
	int result = db_seek_before(page->read, page->table, db_key_bytes(&page->key), &row);
	if (result != 0)
		return result;
	if (row.key.size < sizeof(uint32_t) || row.key.size > sizeof(page->key.data))
		return -EBADMSG;
	memcpy(page->key.data, row.key.data, row.key.size);
	memset(page->key.data + row.key.size - sizeof(uint32_t), 0, sizeof(uint32_t)); // its chunk 0
	page->key.size = row.key.size;
	// Damage may have taken it; then this is a later chunk, and its head is none.
	return db_seek(page->read, page->table, db_key_bytes(&page->key), ret_row);
}

// Whether an entry goes onto the page. Orphans of one revision, of several histories, are never put apart: the next
// page is asked for by revision.
static bool has_room(const struct page *page, uint64_t revision, uint64_t size)
{
	const struct log_response *response = page->response;
	if (response->entries_count == 0 || revision == page->last)
		return true;
	return response->entries_count < page->entries_max && page->bytes + size <= PAGE_BYTES_MAX;
}

static int grow(struct page *page)
{
	struct log_response *response = page->response;
	const size_t count = response->entries_count;
	if ((count & (count - 1)) != 0)
		return 0; // there is room up to the next power of two
	struct log_entry *entries = arena_alloc(page->arena, (count != 0 ? 2 * count : 1) * sizeof(*entries));
	if (entries == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(entries, response->entries, count * sizeof(*entries));
	response->entries = entries;
	return 0;
}

// 0, -ENOENT when there are no more, -EXFULL when the page is full.
static int add_entry(struct page *page)
{
	struct db_record row;
	struct log_head head;
	int result = find_before(page, &row);
	if (result == 0)
		result = log_head_read(row.value, &head);
	if (result != 0)
		return result;
	const uint64_t revision = row.modified_revision;
	const uint64_t size = page->request->without_changes ? sizeof(struct log_entry) : head.size;
	if (revision <= page->floor)
		return -ENOENT;
	if (!has_room(page, revision, size))
		return -EXFULL;
	result = grow(page);
	if (result == 0)
		result = decode_entry(page->read, page->table, &row, !page->request->without_changes, page->arena,
				      &page->response->entries[page->response->entries_count]);
	if (result != 0)
		return result;
	page->response->entries_count++;
	page->bytes += size;
	page->last = revision;
	return 0;
}

static int find_oldest(struct page *page)
{
	struct db_record row;
	const struct log_key key = log_key_make(page->floor + 1, 0);
	const int result = db_seek(page->read, page->table, log_key_bytes(&key), &row);
	if (result == 0)
		page->response->oldest_revision = row.modified_revision;
	return result == -ENOENT ? 0 : result;
}

static int fill_page(struct page *page)
{
	struct db_log_state state;
	int result = db_get_meta(page->read, db_key_log, &state, sizeof(state));
	if (result != 0)
		return result == -ENOENT ? -EBADMSG : result;
	page->floor = page->table == DB_LOG ? state.floor : 0;
	const uint64_t before = page->request->before_revision != 0 ? page->request->before_revision : UINT64_MAX;
	const struct log_key key = log_key_make(before, 0);
	memcpy(page->key.data, key.data, sizeof(key.data));
	page->key.size = sizeof(key.data);
	while (result == 0)
		result = add_entry(page);
	return result == -ENOENT || result == -EXFULL ? find_oldest(page) : result;
}

int log_read_page(struct log_reader *reader, const struct log_request *request, struct arena *arena,
		  struct log_response *ret_response)
{
	struct log_response response = {0};
	struct page page = {
		.read = reader->read,
		.table = request->orphans ? DB_ORPHANS : DB_LOG,
		.request = request,
		.arena = arena,
		.response = &response,
		.entries_max = request->page_size != 0 ? request->page_size : PAGE_SIZE_DEFAULT,
	};
	int result = db_read_start(reader->read, &response.revision);
	if (result != 0)
		return result;
	result = fill_page(&page);
	db_read_stop(reader->read);
	if (result == 0)
		*ret_response = response;
	return result;
}

// ---------------------------------------------------------------- orphans

struct forgetting {
	uint64_t through_revision;
	uint64_t forgotten; // entries
	bool is_over;
};

// The rows of as many orphans as one commit takes away.
static int gather_orphans(struct commit *commit, struct forgetting *forgetting)
{
	struct db_record row;
	uint64_t revision;
	uint32_t chunk;
	size_t rows = 0;
	int result = db_seek(commit->store->read, DB_ORPHANS, (struct bytes){0}, &row);
	for (; result == 0; result = db_next(commit->store->read, DB_ORPHANS, &row), rows++) {
		result = log_key_read(row.key, &revision, &chunk);
		if (result != 0)
			return result;
		if (revision > forgetting->through_revision)
			break;
		if (chunk == 0 && rows >= FORGET_ROWS_MAX)
			return 0;
		if (chunk == 0)
			forgetting->forgotten++;
		result = history_write(&commit->history, &(struct db_write){.table = DB_ORPHANS, .key = row.key});
		if (result != 0)
			return result;
	}
	forgetting->is_over = true;
	return result == -ENOENT ? 0 : result;
}

static int forget_orphans(struct store *store, void *argument)
{
	struct forgetting *forgetting = argument;
	const uint64_t before = forgetting->forgotten;
	struct commit commit;
	int result = commit_begin(&commit, store);
	if (result != 0)
		return result;
	result = gather_orphans(&commit, forgetting);
	const uint64_t forgotten = forgetting->forgotten - before;
	if (result != 0 || forgotten == 0) {
		commit_abandon(&commit);
		return result;
	}
	commit.history.state.log.orphans -= forgotten;
	return commit_alone(&commit);
}

int log_forget_orphans(struct store *store, uint64_t through_revision, uint64_t *ret_forgotten)
{
	struct forgetting forgetting = {.through_revision = through_revision};
	while (!forgetting.is_over) {
		const int result = store_call(store, forget_orphans, &forgetting);
		if (result != 0)
			return result;
	}
	*ret_forgotten = forgetting.forgotten;
	return 0;
}
