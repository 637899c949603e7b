// SPDX-License-Identifier: Apache-2.0
// What the files of the store share; nobody else includes this.
//
//     store.c         open and close, the queue, the writer's loop
//     store_reader.c  readers, and making an image the one they see
//     apply.c         one commit, from its change sets to their answers
//     idempotency.c   what was answered to whom
//     load.c          the index from the database
#pragma once

#include "store/image_edit.h"
#include "store/store.h"

#include <pthread.h>

struct store {
	struct db *db;
	struct strings *strings;
	struct image images[2];
	struct image *standby; // the one readers do not see; the writer's

	_Alignas(64) _Atomic(const struct image *) active; // read by every thread
	_Alignas(64) pthread_mutex_t readers_lock;
	struct store_reader **readers;
	uint32_t readers_count;
	uint32_t readers_max;

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_filled;
	struct store_job *queue_first;
	struct store_job **queue_end;
	uint32_t queue_count;
	size_t untrimmed_bytes; // of change sets taken from the queue since malloc_trim()
	uint32_t queue_max;
	bool is_closing;
	atomic_bool is_fatal; // a commit failed for good

	// The writer's.
	pthread_t writer;
	bool has_writer;
	struct image_edit *edit;
	struct db_read *read;
	struct arena arena; // of the commit at hand
	int64_t time;       // of the last commit
	void (*on_fatal)(void *context, int error);
	void *context;

	_Atomic uint64_t revision;
	_Atomic uint64_t objects[OBJECT_KINDS];
};

static inline struct image *store_other_image(struct store *store, const struct image *image)
{
	return &store->images[image == &store->images[0]];
}

// ---------------------------------------------------------------- apply.c (writer thread)

// One commit for all jobs of the list, and done() for each.
void store_commit(struct store *store, struct store_job *jobs);
// The time of the last commit, as recorded; 0 before the first.
MUST_CHECK int store_read_time(struct db_read *read, int64_t *ret_time);

// ---------------------------------------------------------------- store.c (writer thread)

// What store_get_status() tells from now on.
void store_count(struct store *store, const struct image *image);

// ---------------------------------------------------------------- store_reader.c (writer thread)

// Shows the standby image to everybody; on return nobody reads the other one, which is the standby now.
void store_publish(struct store *store);
