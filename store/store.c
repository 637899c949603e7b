// SPDX-License-Identifier: Apache-2.0
#include "store/db_guard.h"
#include "store/load.h"
#include "store/store_impl.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
	COMMIT_JOBS_MAX = 512,
	// A commit takes no more sets beyond this, well below the COMMIT_BODIES_MAX of DESIGN 3.4: LMDB keeps the
	// memory of the most pages a commit ever touched.
	COMMIT_BODIES_ENOUGH = 256 * 1024,
	// Likewise, beyond as many records as a set of that size puts one by one. The ids of a list are shorter than
	// objects, and each writes a record, some of them anywhere in a table.
	COMMIT_WRITES_ENOUGH = 6000,
	TRIM_AFTER_BYTES = 4 * 1024 * 1024, // of change sets
	TRIM_IDLE_S = 1,
	ARENA_FIRST_CHUNK = 1024 * 1024,
	ARENA_BUDGET = 512 * 1024 * 1024, // a cascade writes once per object deleted
};
static_assert((int)COMMIT_BODIES_ENOUGH >= (int)BODY_APPLY_MAX && (int)COMMIT_BODIES_ENOUGH <= (int)COMMIT_BODIES_MAX,
	      "a set of any size fits a commit");
static const uint64_t STRINGS_SIZE_MAX = (uint64_t)4 << 30;

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
	*end = NULL;
	if (store->queue_first == NULL)
		store->queue_end = &store->queue_first;
	return first;
}

// What an import leaves free in malloc's heaps and behind the records stays ours until the kernel is asked to take it;
// a daemon runs for months. `queue_lock` is held, but not meanwhile.
static void trim(struct store *store)
{
	pthread_mutex_unlock(&store->queue_lock);
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

// Waits for work. NULL when the store is closing and everything is done.
static struct store_job *take_batch(struct store *store)
{
	pthread_mutex_lock(&store->queue_lock);
	while (store->queue_first == NULL && !store->is_closing)
		wait_for_work(store);
	struct store_job *batch = store->queue_first != NULL ? cut_batch(store) : NULL;
	pthread_mutex_unlock(&store->queue_lock);
	return batch;
}

// The second image is a copy of the one that was loaded. It is not needed before the first change: while it is made,
// which takes seconds for a large store, questions are answered already. Its memory was backed on open: this cannot
// fail.
static void fill_standby(struct store *store)
{
	const int result = image_copy(store->standby, store_other_image(store, store->standby));
	ASSERT(result == 0);
	image_give_back(&store->images[0]);
	image_give_back(&store->images[1]);
}

static void *run_writer(void *argument)
{
	struct store *store = argument;
	struct store_job *batch;
	fill_standby(store);
	while ((batch = take_batch(store)) != NULL)
		store_commit(store, batch);
	return NULL;
}

// Signals are for other threads.
static int start_writer(struct store *store)
{
	sigset_t all, former;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	const int result = pthread_create(&store->writer, NULL, run_writer, store);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	if (result != 0)
		return -result;
	store->has_writer = true;
	pthread_setname_np(store->writer, "evauthd-writer");
	return 0;
}

// ---------------------------------------------------------------- open and close

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
	};
	atomic_init(&store->active, &store->images[0]);
	store->queue_end = &store->queue_first;
	pthread_mutex_init(&store->readers_lock, NULL);
	pthread_mutex_init(&store->queue_lock, NULL);
	pthread_cond_init(&store->queue_filled, NULL);
	arena_init(&store->arena, ARENA_FIRST_CHUNK, ARENA_BUDGET);
	return store;
}

static int create_index(struct store *store)
{
	const uint64_t seed = hash_random_seed();
	int result = strings_create(STRINGS_SIZE_MAX, seed, &store->strings);
	for (int i = 0; result == 0 && i < 2; i++)
		result = image_init(&store->images[i], store->strings, seed);
	if (result == 0)
		result = image_edit_create(store->strings, &store->edit);
	return result;
}

static int load_time(struct store *store)
{
	uint64_t revision;
	int result = db_read_start(store->read, &revision);
	if (result != 0)
		return result;
	result = store_read_time(store->read, &store->time);
	db_read_stop(store->read);
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
		result = load_image(&load, store->read, &store->images[0], fault);
	if (result == 0)
		result = load_time(store);
	if (result == 0)
		result = image_back(&store->images[1], &store->images[0]); // filled by fill_standby()
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
	if (result == 0) {
		store_count(store, &store->images[0]);
		result = start_writer(store);
	}
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
	db_read_destroy(store->read);
	db_close(store->db);
	image_edit_destroy(store->edit);
	image_free_bodies(&store->images[0]); // both have the same
	for (int i = 0; i < 2; i++)
		image_finish(&store->images[i]);
	strings_destroy(store->strings);
	arena_finish(&store->arena);
	free(store->readers);
	pthread_cond_destroy(&store->queue_filled);
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

void store_count(struct store *store, const struct image *image)
{
	for (int kind = OBJECT_KIND_TARIFF; kind < OBJECT_KINDS; kind++)
		atomic_store_explicit(&store->objects[kind], image->slabs[slab_of_kind[kind]].count,
				      memory_order_relaxed);
	atomic_store_explicit(&store->revision, image->revision, memory_order_relaxed);
}

void store_get_status(struct store *store, struct store_status *ret_status)
{
	*ret_status = (struct store_status){
		.revision = atomic_load_explicit(&store->revision, memory_order_relaxed),
		.bytes_used = db_bytes_used(store->db),
		.bytes_max = db_bytes_max(store->db),
		.accepts_writes = !atomic_load(&store->is_fatal) && !db_is_full(store->db),
	};
	for (int kind = 0; kind < OBJECT_KINDS; kind++)
		ret_status->objects[kind] = atomic_load_explicit(&store->objects[kind], memory_order_relaxed);
}

struct db *store_db(struct store *store)
{
	return store->db;
}
