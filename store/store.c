// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"
#include "store/db_guard.h"
#include "store/idempotency.h"
#include "store/load.h"
#include "store/store_impl.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

enum {
	COMMIT_JOBS_MAX = 512,
	COMMIT_ENTRIES_MAX = 1024,
	LOG_SHARE_OF_MAP = 8, // of the map's size, one part of so many
	// A commit takes no more sets beyond this, well below the COMMIT_BODIES_MAX of DESIGN 3.4: LMDB keeps the
	// memory of the most pages a commit ever touched.
	COMMIT_BODIES_ENOUGH = 256 * 1024,
	// Likewise, beyond as many records as a set of that size puts one by one. The ids of a list are shorter than
	// objects, and each writes a record, some of them anywhere in a table.
	COMMIT_WRITES_ENOUGH = 6000,
	TRIM_AFTER_BYTES = 4 * 1024 * 1024, // of change sets
	TRIM_IDLE_S = 1,
	ARENA_FIRST_CHUNK = 16 * 1024 * 1024, // what an import's commits take; memory that is not used is not there
	// Twice what a revision at the limits of the rules takes (limits.h): only malloc() says that memory is short.
	ARENA_BUDGET = 1024 * 1024 * 1024,
};
static_assert((int)COMMIT_BODIES_ENOUGH >= (int)BODY_APPLY_MAX && (int)COMMIT_BODIES_ENOUGH <= (int)COMMIT_BODIES_MAX,
	      "a set of any size fits a commit");

// ---------------------------------------------------------------- queue

int store_submit(struct store *store, struct store_job *job)
{
	int result = 0;
	job->next = NULL;
	job->result = 0;
	pthread_mutex_lock(&store->queue_lock);
	if (store->is_closing || atomic_load(&store->is_fatal)) {
		result = -EIO;
	} else if (store->queue_count >= store->queue_max) {
		store->queue_refused++;
		fault_set(&job->fault, STATUS_RESOURCE_EXHAUSTED, NULL, "%u change sets wait for the writer already",
			  store->queue_count);
		job->fault.retry_after_ms = drain_wait_ms(&store->drain, store->queue_count);
		result = -EAGAIN;
	} else {
		*store->queue_end = job;
		store->queue_end = &job->next;
		store->queue_count++;
		pthread_cond_signal(&store->queue_filled);
	}
	pthread_mutex_unlock(&store->queue_lock);
	return result;
}

int store_submit_entry(struct store *store, struct store_entry *entry)
{
	int result = 0;
	entry->next = NULL;
	entry->result = 0;
	pthread_mutex_lock(&store->queue_lock);
	if (store->is_closing || atomic_load(&store->is_fatal)) {
		result = -EIO;
	} else if (store->entries_count >= store->queue_max) {
		result = -EAGAIN;
	} else {
		*store->entries_end = entry;
		store->entries_end = &entry->next;
		store->entries_count++;
		pthread_cond_signal(&store->queue_filled);
	}
	pthread_mutex_unlock(&store->queue_lock);
	return result;
}

// About how many records a set writes.
static size_t count_writes(const struct change_set *set)
{
	size_t count = set->changes_count;
	for (size_t i = 0; i < set->changes_count; i++) {
		const struct change *change = &set->changes[i];
		if (change->kind == CHANGE_ATTACH_CUSTOMERS && change->change != NULL)
			count += change->attach_customers->customer_ids_count;
		else if (change->kind == CHANGE_ATTACH_CHARGE_POINTS && change->change != NULL)
			count += change->attach_charge_points->charge_point_ids_count;
	}
	return count;
}

// As many jobs as go into one commit, at least one: DESIGN 3.4. `queue_lock` is held.
static struct store_job *cut_batch(struct store *store)
{
	struct store_job *first = store->queue_first, **end = &store->queue_first;
	size_t size = 0, writes = 0;
	for (int i = 0; *end != NULL && i < COMMIT_JOBS_MAX; i++) {
		size += (*end)->body_size;
		writes += count_writes((*end)->set);
		if (i > 0 && (size > COMMIT_BODIES_ENOUGH || writes > COMMIT_WRITES_ENOUGH))
			break;
		store->untrimmed_bytes += (*end)->body_size;
		end = &(*end)->next;
		store->queue_count--;
	}
	store->queue_first = *end;
	store->is_behind = *end != NULL;
	*end = NULL;
	if (store->queue_first == NULL)
		store->queue_end = &store->queue_first;
	return first;
}

struct store_job *store_take_more(struct store *store)
{
	struct store_job *jobs = NULL;
	pthread_mutex_lock(&store->queue_lock);
	if (store->is_behind && store->calls_first == NULL && store->entries_first == NULL)
		jobs = cut_batch(store);
	pthread_mutex_unlock(&store->queue_lock);
	for (const struct store_job *job = jobs; job != NULL; job = job->next)
		store->sets_more++;
	return jobs;
}

// What the sets of an entry come to, added to the commit's.
static void measure_entry(const struct store_entry *entry, size_t *size, size_t *writes)
{
	for (const struct store_job *job = entry->jobs; job != NULL; job = job->next) {
		*size += job->body_size;
		*writes += count_writes(job->set);
	}
}

// Those before `end`, the link to the first that stays. `queue_lock` is held.
static struct store_entry *cut_entries_at(struct store *store, struct store_entry **end)
{
	struct store_entry *first = store->entries_first;
	store->entries_first = *end;
	*end = NULL;
	if (store->entries_first == NULL)
		store->entries_end = &store->entries_first;
	return first;
}

// Likewise. An entry was bounded by whoever made it.
static struct store_entry *cut_entries(struct store *store)
{
	struct store_entry **end = &store->entries_first;
	size_t size = 0, writes = 0;
	for (int i = 0; *end != NULL && i < COMMIT_ENTRIES_MAX; i++) {
		const size_t size_before = size;
		measure_entry(*end, &size, &writes);
		if (i > 0 && (size > COMMIT_BODIES_ENOUGH || writes > COMMIT_WRITES_ENOUGH))
			break;
		store->untrimmed_bytes += size - size_before;
		end = &(*end)->next;
		store->entries_count--;
	}
	return cut_entries_at(store, end);
}

struct store_entry *store_take_entries(struct store *store)
{
	pthread_mutex_lock(&store->queue_lock);
	struct store_entry **end = &store->entries_first;
	while (*end != NULL)
		end = &(*end)->next;
	struct store_entry *entries = cut_entries_at(store, end);
	store->entries_count = 0;
	pthread_mutex_unlock(&store->queue_lock);
	return entries;
}

// `queue_lock` is held.
static struct store_call *take_call(struct store *store)
{
	struct store_call *call = store->calls_first;
	store->calls_first = call->next;
	if (store->calls_first == NULL)
		store->calls_end = &store->calls_first;
	return call;
}

// What an import used for its commits, and leaves free in malloc's heaps and behind the records, is given back; a
// daemon runs for months. `queue_lock` is held, but not meanwhile.
static void trim(struct store *store)
{
	pthread_mutex_unlock(&store->queue_lock);
	arena_finish(&store->arena);
	image_edit_give_back(store->edit);
	malloc_trim(0);
	image_give_back(&store->images[0]);
	image_give_back(&store->images[1]);
	store->untrimmed_bytes = 0;
	pthread_mutex_lock(&store->queue_lock);
}

// `queue_lock` is held.
static void wait_for_work(struct store *store)
{
	struct timespec deadline;
	if (store->untrimmed_bytes < TRIM_AFTER_BYTES) {
		pthread_cond_wait(&store->queue_filled, &store->queue_lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += TRIM_IDLE_S;
	if (pthread_cond_timedwait(&store->queue_filled, &store->queue_lock, &deadline) == ETIMEDOUT)
		trim(store);
}

// What the writer does next: one of the three, or nothing when there is only rubbish to be swept.
struct work {
	struct store_call *call;
	struct store_entry *entries;
	struct store_job *jobs;
	bool is_over; // the store is closing and everything is done
};

static bool has_work(const struct store *store)
{
	return store->calls_first != NULL || store->entries_first != NULL || store->queue_first != NULL;
}

// Waits for it. Entries and change sets take turns.
static struct work take_work(struct store *store)
{
	struct work work = {0};
	pthread_mutex_lock(&store->queue_lock);
	while (!has_work(store) && !store->is_closing && !store->has_rubbish)
		wait_for_work(store);
	work.is_over = !has_work(store) && store->is_closing;
	if (store->calls_first != NULL)
		work.call = take_call(store);
	else if (store->entries_first != NULL && (store->is_entries_turn || store->queue_first == NULL))
		work.entries = cut_entries(store);
	else if (store->queue_first != NULL)
		work.jobs = cut_batch(store);
	store->is_entries_turn = work.jobs != NULL;
	pthread_mutex_unlock(&store->queue_lock);
	return work;
}

static void do_work(struct store *store, const struct work *work)
{
	const struct store_measure measure = store_measure_begin(store, work->jobs, work->entries);
	if (work->call != NULL)
		store_run_call(store, work->call);
	else if (work->entries != NULL)
		store_commit_entries(store, work->entries);
	else if (work->jobs != NULL)
		store_commit(store, work->jobs);
	store_measure_end(store, &measure);
	store_sweep(store);
}

// The second image is a copy of the one that was loaded. It is not needed before the first change: while it is made,
// which takes seconds for a large store, questions are answered already. Its memory was backed on open: this cannot
// fail.
void store_fill_standby(struct store *store)
{
	const int result = image_copy(store->standby, store_other_image(store, store->standby));
	ASSERT(result == 0);
	image_give_back(&store->images[0]);
	image_give_back(&store->images[1]);
}

static void *run_writer(void *argument)
{
	struct store *store = argument;
	store_fill_standby(store);
	for (;;) {
		const struct work work = take_work(store);
		if (work.is_over)
			return NULL;
		do_work(store, &work);
	}
}

static int start_writer(struct store *store)
{
	const int result = thread_start(&store->writer, "evauthd-writer", run_writer, store);
	store->has_writer = result == 0;
	return result;
}

// ---------------------------------------------------------------- open and close

// All three hold, so nothing of one is nothing. The log must not crowd out the objects.
static struct log_limits limits_of(const struct store_options *options)
{
	const uint64_t share = options->map_size / LOG_SHARE_OF_MAP;
	if (options->log_entries_max == 0 || options->log_bytes_max == 0 || options->log_age_max_s <= 0)
		return (struct log_limits){0};
	return (struct log_limits){.entries_max = options->log_entries_max,
				   .bytes_max = options->log_bytes_max < share ? options->log_bytes_max : share,
				   .age_max_s = options->log_age_max_s};
}

static struct store *store_allocate(const struct store_options *options)
{
	struct store *store = aligned_alloc(_Alignof(struct store), sizeof(*store));
	if (store == NULL)
		return NULL;
	*store = (struct store){
		.readers_max = options->readers_max,
		.queue_max = options->queue_max,
		.on_fatal = options->on_fatal,
		.context = options->context,
		.standby = &store->images[1],
		.has_rubbish = true, // for all we know
	};
	atomic_init(&store->active, &store->images[0]);
	store->queue_end = &store->queue_first;
	store->entries_end = &store->entries_first;
	store->calls_end = &store->calls_first;
	store->log_limits = limits_of(options);
	store->rules_limits = rules_limits;
	store->remember_age_min_s = IDEMPOTENCY_AGE_MIN_S;
	store->remember_count_min = IDEMPOTENCY_COUNT_MIN;
	pthread_mutex_init(&store->readers_lock, NULL);
	pthread_mutex_init(&store->queue_lock, NULL);
	pthread_mutex_init(&store->state_lock, NULL);
	pthread_cond_init(&store->queue_filled, NULL);
	pthread_cond_init(&store->call_done, NULL);
	arena_init(&store->arena, ARENA_FIRST_CHUNK, ARENA_BUDGET);
	return store;
}

static int create_index(struct store *store)
{
	struct store_index index;
	const int result = store_index_create(&index);
	if (result != 0)
		return result;
	store->strings = index.strings;
	store->images[0] = index.images[0];
	store->images[1] = index.images[1];
	store->edit = index.edit;
	return 0;
}

static int load_state(struct store *store)
{
	uint64_t revision;
	struct history_state state;
	int result = db_read_start(store->read, &revision);
	if (result != 0)
		return result;
	result = history_read_state(store->read, revision, &state);
	db_read_stop(store->read);
	if (result == 0)
		store_set_state(store, &state);
	return result;
}

static int load_index(struct store *store, const struct store_options *options, struct fault *fault)
{
	const struct load_options load = {
		.db = store->db,
		.strings = store->strings,
		.on_progress = options->on_progress,
		.context = options->context,
	};
	int result = db_read_create(store->db, &store->read);
	if (result == 0)
		result = side_create("evauthd-disk", &store->side);
	if (result == 0)
		result = load_image(&load, store->read, &store->images[0], fault);
	if (result == 0)
		result = load_state(store);
	if (result == 0)
		result = image_back(&store->images[1], &store->images[0]); // filled by store_fill_standby()
	return result;
}

int store_open(const struct store_options *options, struct store **ret_store, struct fault *fault)
{
	const struct db_options db_options = {.directory = options->directory, .map_size = options->map_size};
	struct store *store = store_allocate(options);
	if (store == NULL)
		return -ENOMEM;
	int result = -ENOMEM;
	store->readers = calloc(options->readers_max, sizeof(struct store_reader *));
	if (store->readers == NULL)
		goto failed;
	db_guard_install(options->directory);
	result = db_open(&db_options, &store->db, fault);
	if (result == 0)
		result = create_index(store);
	if (result == 0)
		result = load_index(store, options, fault);
	if (result == 0)
		result = start_writer(store);
	if (result != 0)
		goto failed;
	*ret_store = store;
	return 0;

failed:
	fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "cannot open the store %s: %s", options->directory,
		  strerror(-result));
	store_close(store);
	return result;
}

static void stop_writer(struct store *store)
{
	pthread_mutex_lock(&store->queue_lock);
	store->is_closing = true;
	pthread_cond_signal(&store->queue_filled);
	pthread_mutex_unlock(&store->queue_lock);
	if (store->has_writer)
		pthread_join(store->writer, NULL);
}

void store_close(struct store *store)
{
	if (store == NULL)
		return;
	stop_writer(store);
	ASSERT(store->readers_count == 0);
	side_destroy(store->side);
	db_read_destroy(store->read);
	db_close(store->db);
	image_edit_destroy(store->edit);
	image_free_bodies(&store->images[0]); // both have the same
	for (int i = 0; i < 2; i++)
		image_finish(&store->images[i]);
	strings_destroy(store->strings);
	arena_finish(&store->arena);
	free(store->readers);
	pthread_cond_destroy(&store->call_done);
	pthread_cond_destroy(&store->queue_filled);
	pthread_mutex_destroy(&store->state_lock);
	pthread_mutex_destroy(&store->queue_lock);
	pthread_mutex_destroy(&store->readers_lock);
	free(store);
}

// ---------------------------------------------------------------- status

static const enum image_slab slab_of_kind[OBJECT_KINDS] = {
	[OBJECT_KIND_TARIFF] = IMAGE_TARIFFS,      [OBJECT_KIND_CHARGE_GROUP] = IMAGE_GROUPS,
	[OBJECT_KIND_CHARGE_POINT] = IMAGE_POINTS, [OBJECT_KIND_CUSTOMER] = IMAGE_CUSTOMERS,
	[OBJECT_KIND_TOKEN] = IMAGE_TOKENS,        [OBJECT_KIND_MEMBERSHIP] = IMAGE_MEMBERSHIPS,
};

void store_set_state(struct store *store, const struct history_state *state)
{
	const struct image *image = atomic_load(&store->active);
	pthread_mutex_lock(&store->state_lock);
	store->state = *state;
	db_get_digest(store->db, &store->digest);
	for (int kind = OBJECT_KIND_TARIFF; kind < OBJECT_KINDS; kind++)
		store->objects[kind] = image->slabs[slab_of_kind[kind]].count;
	store->index_bytes = store_index_bytes(store, image);
	pthread_mutex_unlock(&store->state_lock);
}

void store_get_position(struct store *store, struct store_position *ret_position)
{
	pthread_mutex_lock(&store->state_lock);
	*ret_position = store->state.position;
	pthread_mutex_unlock(&store->state_lock);
}

void store_get_status(struct store *store, struct store_status *ret_status)
{
	struct store_status status = {
		.bytes_used = db_bytes_used(store->db),
		.bytes_max = db_bytes_max(store->db),
		.accepts_writes = !atomic_load(&store->is_fatal) && !db_is_full(store->db),
	};
	pthread_mutex_lock(&store->state_lock);
	const struct history_state *state = &store->state;
	status.revision = state->position.revision;
	status.epoch = state->position.epoch;
	status.digest = digest_id(&store->digest);
	status.log_oldest_revision =
		state->log.entries > 0 && state->log.floor < status.revision ? state->log.floor + 1 : 0;
	status.orphans = state->log.orphans;
	memcpy(status.objects, store->objects, sizeof(status.objects));
	pthread_mutex_unlock(&store->state_lock);
	*ret_status = status;
}

struct db *store_db(struct store *store)
{
	return store->db;
}
