// SPDX-License-Identifier: Apache-2.0
// What an install leaves behind: the tables that were live, or what was staged in vain. The writer empties them piece
// by piece between its commits, and goes on with that after a restart.
#include "store/install_impl.h"
#include "store/log_impl.h"

#include <errno.h>

enum {
	ORPHAN_ROWS_ENOUGH = 256, // moved by one transaction; an entry is moved as a whole
	ORPHAN_ROWS_MAX = ORPHAN_ROWS_ENOUGH + 4096,
};

// ---------------------------------------------------------------- orphans

struct orphans {
	struct arena *arena;
	struct db_write *writes;
	size_t writes_count;
	size_t rows;
	struct id128 nonce; // of the entry at hand
	uint64_t entries;
};

// A row of the log: out of there, in to the orphans.
static int move_row(struct orphans *orphans, const struct db_record *row)
{
	struct log_head head;
	uint64_t revision;
	uint32_t chunk;
	const int result = log_row_read(row, &revision, &chunk, &head);
	if (result != 0)
		return result;
	if (chunk == 0) {
		if (orphans->rows >= ORPHAN_ROWS_ENOUGH)
			return -ENOENT; // the next piece begins here
		orphans->nonce = head.nonce;
		orphans->entries++;
	}
	if (orphans->rows == ORPHAN_ROWS_MAX)
		return -EBADMSG; // no entry is that long
	const struct log_orphan_key key = log_orphan_key_make(revision, &orphans->nonce, chunk);
	const struct bytes own_key = arena_copy(orphans->arena, log_orphan_key_bytes(&key));
	if (own_key.data == NULL)
		return -ENOMEM;
	orphans->writes[orphans->writes_count++] = (struct db_write){
		.table = DB_ORPHANS, .key = own_key, .modified_revision = row->modified_revision, .value = row->value};
	orphans->writes[orphans->writes_count++] = (struct db_write){.table = DB_LOG, .key = row->key};
	orphans->rows++;
	return 0;
}

static int collect(struct db_read *read, uint64_t after, struct orphans *orphans)
{
	const struct log_key from = log_key_make(after + 1, 0);
	struct db_record row;
	int result = db_seek(read, DB_LOG, log_key_bytes(&from), &row);
	while (result == 0) {
		result = move_row(orphans, &row);
		if (result == 0)
			result = db_next(read, DB_LOG, &row);
	}
	return result == -ENOENT ? 0 : result;
}

static int move_orphans(struct store *store, struct orphans *orphans)
{
	struct db_log_state log = store->state.log;
	log.orphans += orphans->entries;
	orphans->writes[orphans->writes_count++] =
		(struct db_write){.table = DB_META,
				  .key = db_key_log,
				  .modified_revision = store->state.position.revision,
				  .value = {.data = (const char *)&log, .size = sizeof(log)}};
	const int result = db_stage(store->db, orphans->writes, orphans->writes_count);
	if (result != 0)
		return install_fail(store, result);
	pthread_mutex_lock(&store->state_lock);
	store->state.log = log;
	pthread_mutex_unlock(&store->state_lock);
	return 1;
}

static int keep_some(struct store *store, uint64_t after)
{
	struct orphans orphans = {.arena = &store->arena};
	arena_reset(&store->arena);
	orphans.writes = arena_alloc(&store->arena, (2 * ORPHAN_ROWS_MAX + 1) * sizeof(*orphans.writes));
	if (orphans.writes == NULL)
		return -ENOMEM;
	const int result = collect(store->read, after, &orphans);
	if (result != 0)
		return result == -ENOMEM ? result : install_fail(store, result);
	return orphans.entries > 0 ? move_orphans(store, &orphans) : 0;
}

int install_keep_orphans(struct store *store)
{
	struct db_generation generation;
	int result = db_read_start_staged(store->read);
	if (result != 0)
		return install_fail(store, result);
	result = db_get_meta(store->read, db_key_generation, &generation, sizeof(generation));
	if (result != 0)
		result = install_fail(store, result);
	else if (generation.orphans_after < UINT64_MAX)
		result = keep_some(store, generation.orphans_after);
	db_read_stop(store->read);
	return result;
}

// ---------------------------------------------------------------- a piece

// 1: there is more to do.
static int sweep(struct store *store)
{
	int result = install_keep_orphans(store);
	if (result != 0)
		return result;
	result = db_empty_staged(store->db);
	return result < 0 ? install_fail(store, result) : result;
}

// When there is no room even for this, the next start or install tries again.
void store_sweep(struct store *store)
{
	if (store->has_rubbish && !atomic_load(&store->is_fatal))
		store->has_rubbish = sweep(store) > 0;
}

static int sweep_now(struct store *store, void *argument)
{
	(void)argument;
	const int result = sweep(store);
	store->has_rubbish = result > 0;
	return result;
}

int install_wait_for_sweep(struct store *store)
{
	int result;
	while ((result = store_call(store, sweep_now, NULL)) > 0)
		;
	return result;
}
