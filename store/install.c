// SPDX-License-Identifier: Apache-2.0
// Everything that can fail comes before the commit that takes over: the staged records are loaded into an index of
// their own, with memory for its second image, while the store goes on with what it has.
#include "store/digest.h"
#include "store/install_impl.h"
#include "store/load.h"
#include "store/refuse.h"

#include <errno.h>
#include <stdlib.h>

enum {
	BATCH_WRITES_MAX = 8192,
	BATCH_BYTES_ENOUGH = 1024 * 1024, // of the arena, so that a transaction holds up no commit for long
	BATCH_ARENA_CHUNK = 2 * 1024 * 1024,
	BATCH_ARENA_BUDGET = 64 * 1024 * 1024,
};

struct store_install {
	struct store *store;
	struct arena arena; // of the batch
	struct db_write *writes;
	size_t writes_count;
	uint64_t records, remembered; // so far
	uint64_t newest_revision;     // of a record
	struct digest digest;         // of what is staged
	int error;                    // nothing more is taken
};

// ---------------------------------------------------------------- begin and end

int install_fail(struct store *store, int error)
{
	if (error == -ENOSPC || error == -ENOMEM)
		return error;
	atomic_store(&store->is_fatal, true);
	if (store->on_fatal != NULL)
		store->on_fatal(store->context, error);
	return -EIO;
}

static int say(struct fault *fault, int error)
{
	if (error == -ENOSPC)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			  "the store has no room for another state beside its own until that is taken over; give it a "
			  "larger map_size and a larger disk");
	else if (error == -ENOMEM)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "out of memory");
	else
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "the store takes no snapshot: %s", strerror(-error));
	return error;
}

static void free_install(struct store_install *install)
{
	atomic_store(&install->store->is_installing, false);
	arena_finish(&install->arena);
	free(install->writes);
	free(install);
}

int store_install_begin(struct store *store, struct store_install **ret_install, struct fault *fault)
{
	if (atomic_exchange(&store->is_installing, true)) {
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "the store is taking over another snapshot already");
		return -EBUSY;
	}
	struct store_install *install = calloc(1, sizeof(*install));
	if (install == NULL) {
		atomic_store(&store->is_installing, false);
		return say(fault, -ENOMEM);
	}
	install->store = store;
	arena_init(&install->arena, BATCH_ARENA_CHUNK, BATCH_ARENA_BUDGET);
	install->writes = calloc(BATCH_WRITES_MAX, sizeof(*install->writes));
	const int result = install->writes != NULL ? install_wait_for_sweep(store) : -ENOMEM;
	if (result != 0) {
		free_install(install);
		return say(fault, result);
	}
	*ret_install = install;
	return 0;
}

static int leave_rubbish(struct store *store, void *argument)
{
	(void)argument;
	store->has_rubbish = true;
	return 0;
}

void store_install_abort(struct store_install *install)
{
	if (install == NULL)
		return;
	// If the writer is gone, the next start sees what is left.
	(void)!store_call(install->store, leave_rubbish, NULL);
	free_install(install);
}

// ---------------------------------------------------------------- staging

static int stage(struct store *store, void *argument)
{
	struct store_install *install = argument;
	if (db_is_full(store->db))
		return -ENOSPC;
	const int result = db_stage(store->db, install->writes, install->writes_count);
	if (result != 0)
		return install_fail(store, result);
	db_get_staged_digest(store->db, &install->digest);
	return 0;
}

static int flush(struct store_install *install, struct fault *fault)
{
	const int result = install->writes_count > 0 ? store_call(install->store, stage, install) : 0;
	install->writes_count = 0;
	arena_reset(&install->arena);
	return result == 0 ? 0 : say(fault, result);
}

// `number` counts from 1.
static int refuse_record(struct fault *fault, uint64_t number, int error)
{
	const struct fault reason = *fault;
	if (error == -ENOMEM)
		return say(fault, error);
	*fault = (struct fault){0};
	fault_set(fault, STATUS_INVALID_ARGUMENT, reason.field, "record %llu of the snapshot: %s",
		  (unsigned long long)number, reason.message);
	return -EBADMSG;
}

static int add(struct store_install *install, const struct record *record, struct fault *fault)
{
	size_t count;
	if (install->writes_count + INSTALL_WRITES_MAX > BATCH_WRITES_MAX ||
	    install->arena.used >= BATCH_BYTES_ENOUGH) {
		const int result = flush(install, fault);
		if (result != 0)
			return result;
	}
	struct fault reason = {0};
	const int result =
		install_write_record(record, &install->arena, &install->writes[install->writes_count], &count, &reason);
	if (result != 0) {
		*fault = fault->code == STATUS_OK ? reason : *fault;
		return refuse_record(fault, install->records + 1, result);
	}
	install->writes_count += count;
	install->records++;
	install->remembered += record->kind == RECORD_REMEMBERED;
	if (record->modified_revision > install->newest_revision)
		install->newest_revision = record->modified_revision;
	return 0;
}

int store_install_add(struct store_install *install, const struct record *records, size_t count, struct fault *fault)
{
	for (size_t i = 0; install->error == 0 && i < count; i++)
		install->error = add(install, &records[i], fault);
	return install->error == 0 ? 0 : say(fault, install->error);
}

// ---------------------------------------------------------------- is it what was announced?

// Records under one key count once in the tables.
static int count_staged(struct db_read *read, uint64_t *ret_objects, uint64_t *ret_remembered)
{
	uint64_t objects = 0, count = 0, ages = 0;
	int result = 0;
	for (int i = 0; result == 0 && i < DB_TABLES; i++) {
		if (db_is_object_table((enum db_table)i))
			result = db_count(read, (enum db_table)i, &count);
		objects += db_is_object_table((enum db_table)i) ? count : 0;
	}
	if (result == 0)
		result = db_count(read, DB_IDEMPOTENCY, &count);
	if (result == 0)
		result = db_count(read, DB_IDEMPOTENCY_AGE, &ages);
	*ret_objects = objects;
	*ret_remembered = count == ages ? count : UINT64_MAX;
	return result;
}

static int refuse_end(struct fault *fault, const char *what)
{
	fault_set(fault, STATUS_DATA_LOSS, NULL, "the snapshot is not what its end says it is: %s", what);
	return -EBADMSG;
}

static int check_end(const struct store_install *install, const struct snapshot_end *end, struct db_read *read,
		     struct fault *fault)
{
	struct id128 digest;
	uint64_t objects, remembered;
	const struct id128 staged = digest_id(&install->digest);
	const int result = count_staged(read, &objects, &remembered);
	if (result != 0)
		return say(fault, result);
	if (end->records != install->records || end->remembered != install->remembered)
		return refuse_end(fault, "some records are missing, or too many");
	if (objects != install->records - install->remembered || remembered != install->remembered)
		return refuse_end(fault, "a record came twice");
	if (install->newest_revision > end->revision)
		return refuse_end(fault, "a record is of a later revision");
	if (id128_parse(end->digest, &digest) != 0 || !id128_equal(&digest, &staged))
		return refuse_end(fault, "the digest is another one");
	return 0;
}

// ---------------------------------------------------------------- taking over

struct take_over {
	struct store_install *install;
	const struct store_position *position; // NULL: of its own
	const struct snapshot_end *end;
	struct store_index index;
	struct history_state state;
	uint64_t orphans_after;
};

static int load(struct take_over *take_over, struct db_read *read, struct fault *fault)
{
	struct store_index *index = &take_over->index;
	const struct load_options options = {
		.db = take_over->install->store->db, .strings = index->strings, .is_staged = true};
	int result = load_image(&options, read, &index->images[0], fault);
	if (result == 0)
		result = image_back(&index->images[1], &index->images[0]);
	return result == 0 || result == -EBADMSG ? result : say(fault, result);
}

// The staged records as an index that waits to be shown.
static int prepare(struct take_over *take_over, struct fault *fault)
{
	struct store_install *install = take_over->install;
	struct db_read *read;
	int result = db_read_create(install->store->db, &read);
	if (result != 0)
		return say(fault, result);
	result = db_read_start_staged(read);
	if (result != 0) {
		db_read_destroy(read);
		return say(fault, result);
	}
	result = check_end(install, take_over->end, read, fault);
	db_read_stop(read);
	if (result == 0)
		result = load(take_over, read, fault);
	db_read_destroy(read);
	return result;
}

static int swap_tables(struct store *store, const struct take_over *take_over)
{
	const struct history_state *state = &take_over->state;
	const uint64_t revision = state->position.revision;
	const struct db_position position = {.epoch = state->position.epoch,
					     .nonce = state->position.nonce,
					     .is_attached = state->position.is_attached};
	const struct db_write writes[] = {
		{DB_META, db_key_position, revision, {.data = (const char *)&position, .size = sizeof(position)}},
		{DB_META, db_key_time, revision, {.data = (const char *)&state->time, .size = sizeof(state->time)}},
		{DB_META, db_key_log, revision, {.data = (const char *)&state->log, .size = sizeof(state->log)}},
	};
	return db_swap(store->db, writes, ARRAY_SIZE(writes), revision, take_over->orphans_after);
}

// Shows the new index in the place of the old one, which is given back before the second image takes its memory.
static void swap_index(struct store *store, struct store_index *index)
{
	struct store_index former = {.strings = store->strings, .edit = store->edit};
	former.images[0] = *store->standby;
	*store->standby = index->images[0];
	store_publish(store);
	former.images[1] = *store->standby;
	*store->standby = index->images[1];
	store->strings = index->strings;
	store->edit = index->edit;
	*index = (struct store_index){0};
	image_free_bodies(&former.images[1]); // both have the same
	store_index_finish(&former);
}

// The last word on it, for the store may have moved on meanwhile.
static struct store_position choose_position(const struct store *store, const struct take_over *take_over)
{
	const struct store_position *former = &store->state.position;
	if (take_over->position != NULL)
		return *take_over->position;
	const uint64_t revision =
		former->revision > take_over->end->revision ? former->revision : take_over->end->revision;
	return (struct store_position){.epoch = id128_random(),
				       .revision = revision + 1,
				       .nonce = id128_random(),
				       .is_attached = former->is_attached};
}

static int take_over_now(struct store *store, void *argument)
{
	struct take_over *take_over = argument;
	struct history_state *state = &take_over->state;
	state->position = choose_position(store, take_over);
	take_over->index.images[0].revision = state->position.revision;
	state->log = (struct db_log_state){.floor = state->position.revision, .orphans = store->state.log.orphans};
	const int result = swap_tables(store, take_over);
	if (result != 0)
		return install_fail(store, result);
	take_over->index.images[0].swaps = db_swaps(store->db);
	swap_index(store, &take_over->index);
	store_set_state(store, state);
	store_fill_standby(store);
	store->has_rubbish = true;
	return 0;
}

static int keep_orphans(struct store *store, void *argument)
{
	(void)argument;
	return install_keep_orphans(store);
}

static int commit(struct take_over *take_over, struct fault *fault)
{
	struct store *store = take_over->install->store;
	int result = store_index_create(&take_over->index);
	if (result != 0)
		return say(fault, result);
	result = prepare(take_over, fault);
	if (result == 0) {
		result = store_call(store, take_over_now, take_over);
		if (result != 0)
			say(fault, result);
	}
	if (take_over->index.strings != NULL) // not shown
		image_free_bodies(&take_over->index.images[0]);
	store_index_finish(&take_over->index);
	// Done here so that they are there on return; what fails now, the sweep tries again.
	while (result == 0 && store_call(store, keep_orphans, NULL) > 0)
		;
	return result;
}

int store_install_commit(struct store_install **install_pointer, const struct snapshot_end *end,
			 const struct store_position *position, uint64_t orphans_after, struct fault *fault)
{
	struct store_install *install = *install_pointer;
	struct take_over take_over = {.install = install,
				      .position = position,
				      .end = end,
				      .state = {.time = end->time},
				      .orphans_after = orphans_after};
	*install_pointer = NULL;
	int result = install->error == 0 ? flush(install, fault) : say(fault, install->error);
	if (result == 0)
		result = commit(&take_over, fault);
	if (result != 0)
		store_install_abort(install);
	else
		free_install(install);
	return result;
}
