// SPDX-License-Identifier: Apache-2.0
#include "store/history.h"

#include "proto/codec.h"
#include "store/log_impl.h"

#include <errno.h>

enum {
	WRITES_LIMIT_MIN = 64,
	TRIM_ROWS_MAX = 1024, // of the log, by one commit
};

struct history_set {
	struct history_set *next;
	struct bytes body;
};

// An entry of the log on its way.
struct history_entry {
	struct history_entry *next;
	uint64_t revision;
	struct log_head head;
	struct bytes origin;
	struct history_set *sets, **end;
};

int history_read_state(struct db_read *read, uint64_t revision, struct history_state *ret_state)
{
	struct db_position position;
	struct history_state state = {0};
	int result = db_get_meta(read, db_key_position, &position, sizeof(position));
	if (result == 0)
		result = db_get_meta(read, db_key_log, &state.log, sizeof(state.log));
	if (result != 0)
		return result == -ENOENT ? -EBADMSG : result;
	result = db_get_meta(read, db_key_time, &state.time, sizeof(state.time));
	if (result != 0 && result != -ENOENT) // there is none before the first commit
		return result;
	state.position = (struct store_position){.epoch = position.epoch,
						 .revision = revision,
						 .nonce = position.nonce,
						 .is_attached = position.is_attached != 0};
	*ret_state = state;
	return 0;
}

// ---------------------------------------------------------------- revisions

static int add_entry(struct history *history, const struct history_revision *revision, const struct id128 *prev)
{
	const struct history_state *state = &history->state;
	struct history_entry *entry = arena_calloc(history->arena, 1, sizeof(*entry));
	if (entry == NULL)
		return -ENOMEM;
	entry->revision = state->position.revision;
	entry->origin = revision->origin;
	entry->end = &entry->sets;
	entry->head = (struct log_head){
		.epoch = state->position.epoch,
		.nonce = revision->nonce,
		.prev = *prev,
		.time = state->time,
		.size = sizeof(entry->head) + revision->origin.size,
		.origin_size = (uint32_t)revision->origin.size,
	};
	if (history->oldest == NULL)
		history->oldest = entry;
	else
		history->newest->next = entry;
	history->newest = entry;
	return 0;
}

int history_begin_revision(struct history *history, const struct history_revision *revision)
{
	struct history_state *state = &history->state;
	const struct id128 prev = state->position.nonce;
	state->position.revision++;
	state->position.nonce = revision->nonce;
	// It never goes back: what is remembered is trimmed by it.
	if (state->time < revision->time)
		state->time = revision->time;
	return history->limits.entries_max > 0 ? add_entry(history, revision, &prev) : 0;
}

static int body_of(struct history *history, const struct store_job *job, struct bytes *ret_body)
{
	if (job->body.data == NULL)
		return codec_encode(&schema_change_set, job->set, history->arena, ret_body);
	*ret_body = job->body;
	return 0;
}

int history_accept(struct history *history, const struct store_job *job)
{
	if (history->limits.entries_max == 0)
		return 0;
	struct history_entry *entry = history->newest;
	struct history_set *set = arena_calloc(history->arena, 1, sizeof(*set));
	if (set == NULL)
		return -ENOMEM;
	const int result = body_of(history, job, &set->body);
	if (result != 0)
		return result;
	*entry->end = set;
	entry->end = &set->next;
	entry->head.sets_count++;
	entry->head.size += sizeof(uint32_t) + set->body.size;
	return 0;
}

// ---------------------------------------------------------------- writes

int history_write(struct history *history, const struct db_write *write)
{
	if (history->writes_count == history->writes_limit) {
		const size_t limit = history->writes_limit != 0 ? 2 * history->writes_limit : (size_t)WRITES_LIMIT_MIN;
		struct db_write *writes = arena_alloc(history->arena, limit * sizeof(*writes));
		if (writes == NULL)
			return -ENOMEM;
		if (history->writes_count > 0)
			memcpy(writes, history->writes, history->writes_count * sizeof(*writes));
		history->writes = writes;
		history->writes_limit = limit;
	}
	history->writes[history->writes_count++] = *write;
	return 0;
}

static char *append(char *end, const void *data, size_t size)
{
	if (size > 0)
		memcpy(end, data, size);
	return end + size;
}

static int encode_entry(struct history *history, const struct history_entry *entry, struct bytes *ret_encoded)
{
	char *data = arena_alloc(history->arena, entry->head.size);
	if (data == NULL)
		return -ENOMEM;
	char *end = append(data, &entry->head, sizeof(entry->head));
	end = append(end, entry->origin.data, entry->origin.size);
	for (const struct history_set *set = entry->sets; set != NULL; set = set->next) {
		const uint32_t size = (uint32_t)set->body.size;
		end = append(end, &size, sizeof(size));
		end = append(end, set->body.data, set->body.size);
	}
	*ret_encoded = (struct bytes){.data = data, .size = (size_t)(end - data)};
	return 0;
}

static int write_chunk(struct history *history, uint64_t revision, uint32_t number, struct bytes chunk)
{
	const struct log_key key = log_key_make(revision, number);
	const struct db_write write = {
		.table = DB_LOG,
		.key = arena_copy(history->arena, log_key_bytes(&key)),
		.modified_revision = revision,
		.value = chunk,
	};
	return write.key.data != NULL ? history_write(history, &write) : -ENOMEM;
}

static int write_entry(struct history *history, const struct history_entry *entry)
{
	struct bytes encoded;
	int result = encode_entry(history, entry, &encoded);
	for (uint32_t number = 0; result == 0 && encoded.size > 0; number++) {
		const struct bytes chunk = {.data = encoded.data,
					    .size = encoded.size < LOG_CHUNK_SIZE ? encoded.size : LOG_CHUNK_SIZE};
		result = write_chunk(history, entry->revision, number, chunk);
		encoded = (struct bytes){.data = encoded.data + chunk.size, .size = encoded.size - chunk.size};
	}
	return result;
}

// ---------------------------------------------------------------- limits

static uint64_t entry_size(const struct history_entry *entry)
{
	const uint64_t chunks = (entry->head.size + LOG_CHUNK_SIZE - 1) / LOG_CHUNK_SIZE;
	return entry->head.size + chunks * LOG_KEY_SIZE;
}

// Whether the oldest entry, of `time`, is to go.
static bool is_too_much(const struct history *history, int64_t time)
{
	const struct log_limits *limits = &history->limits;
	const struct db_log_state *log = &history->state.log;
	return log->entries > limits->entries_max || log->bytes > limits->bytes_max ||
	       time < history->state.time - limits->age_max_s;
}

// A row of the oldest stored entry. 1: it goes; 0: it stays, and so do all after it.
static int trim_row(struct history *history, const struct db_record *row)
{
	struct db_log_state *log = &history->state.log;
	struct log_head head;
	uint64_t revision;
	uint32_t chunk;
	int result = log_row_read(row, &revision, &chunk, &head);
	if (result != 0)
		return result;
	if (chunk == 0) {
		if (!is_too_much(history, head.time) || history->writes_count >= TRIM_ROWS_MAX)
			return 0;
		log->entries--;
		log->floor = log->floor > revision ? log->floor : revision;
	}
	log->bytes -= log_row_size(row->key, row->value);
	result = history_write(history, &(struct db_write){.table = DB_LOG, .key = row->key});
	return result == 0 ? 1 : result;
}

static void keep_from(struct history *history, struct bytes key)
{
	memcpy(history->kept.data, key.data, key.size);
	history->kept.size = key.size;
}

// 1: none is left of the snapshot's.
static int trim_stored(struct history *history)
{
	struct db_record row;
	if (history->is_all_gone)
		return 1;
	int result = db_seek(history->read, DB_LOG, db_key_bytes(&history->kept), &row);
	while (result == 0) {
		result = trim_row(history, &row);
		if (result == 0)
			keep_from(history, row.key);
		if (result <= 0)
			return result;
		result = db_next(history->read, DB_LOG, &row);
	}
	history->is_all_gone = result == -ENOENT;
	return result == -ENOENT ? 1 : result;
}

// Those of this commit that would have to go at once are not even written. What a part before this one wrote is older,
// and the snapshot does not have it: that goes with the next commit.
static void trim_pending(struct history *history)
{
	struct db_log_state *log = &history->state.log;
	while (!history->has_ended && history->oldest != NULL && is_too_much(history, history->oldest->head.time)) {
		log->entries--;
		log->bytes -= entry_size(history->oldest);
		log->floor = history->oldest->revision;
		history->oldest = history->oldest->next;
	}
}

static int update_log(struct history *history)
{
	struct db_log_state *log = &history->state.log;
	for (const struct history_entry *entry = history->oldest; entry != NULL; entry = entry->next) {
		log->entries++;
		log->bytes += entry_size(entry);
	}
	int result = trim_stored(history);
	if (result > 0)
		trim_pending(history);
	if (result >= 0 && (log->entries == 0 || history->limits.entries_max == 0))
		log->floor = history->state.position.revision;
	for (const struct history_entry *entry = history->oldest; result >= 0 && entry != NULL; entry = entry->next)
		result = write_entry(history, entry);
	return result < 0 ? result : 0;
}

// ---------------------------------------------------------------- the end

static int write_meta(struct history *history, struct bytes key, const void *data, size_t size)
{
	const struct db_write write = {
		.table = DB_META,
		.key = key,
		.modified_revision = history->state.position.revision,
		.value = arena_copy(history->arena, (struct bytes){.data = data, .size = size}),
	};
	return write.value.data != NULL ? history_write(history, &write) : -ENOMEM;
}

int history_end(struct history *history)
{
	const struct history_state *state = &history->state;
	const struct db_position position = {.epoch = state->position.epoch,
					     .nonce = state->position.nonce,
					     .is_attached = state->position.is_attached};
	int result = update_log(history);
	history->has_ended = history->has_ended || history->oldest != NULL;
	history->oldest = history->newest = NULL;
	if (result == 0)
		result = write_meta(history, db_key_position, &position, sizeof(position));
	if (result == 0)
		result = write_meta(history, db_key_time, &state->time, sizeof(state->time));
	return result == 0 ? write_meta(history, db_key_log, &state->log, sizeof(state->log)) : result;
}
