// SPDX-License-Identifier: Apache-2.0
// What the files of the store share; nobody else includes this.
//
//     store.c         open and close, the queue, the writer's loop
//     store_reader.c  readers, and making an image the one they see
//     store_index.c   an index in the making
//     store_figures.c how the writer is doing
//     side.c          a thread beside the writer's
//     store_call.c    what others have the writer do between two commits
//     commit.c        one commit and its revisions
//     apply.c         change sets that are ordered here, up to their answers
//     apply_entry.c   revisions that were ordered elsewhere
//     history.c       where the store stands, and its log
//     idempotency.c   what was answered to whom
//     load.c          the index from the database
//     install*.c      another state in place of this one
//     audit*.c        whether all of it is sound
//     erase*.c        what is left of a customer that was deleted
#pragma once

#include "base/drain.h"
#include "store/digest.h"
#include "store/entry.h"
#include "store/history.h"
#include "store/image_edit.h"
#include "store/rules.h"
#include "store/side.h"
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
	struct store_entry *entries_first; // a queue of their own
	struct store_entry **entries_end;
	uint32_t entries_count;
	struct store_call *calls_first, **calls_end;
	pthread_cond_t call_done;
	bool is_entries_turn;   // after a commit of change sets
	size_t untrimmed_bytes; // of change sets taken from the queue since malloc_trim()
	uint32_t queue_max;
	uint64_t queue_refused;
	bool is_behind; // more change sets waited than the last commit, or part of one, took
	struct drain drain;
	bool is_closing;
	atomic_bool is_fatal; // a commit failed for good
	atomic_bool is_installing;

	// The writer's.
	pthread_t writer;
	bool has_writer;
	struct image_edit *edit;
	struct db_read *read;
	struct side *side;  // persists the parts of a commit
	struct arena arena; // of the commit at hand
	uint64_t sets_more; // taken by the commit at hand besides its first ones
	struct log_limits log_limits;
	struct rules_limits rules_limits;
	bool has_rubbish;           // the tables that are not live may have something in them, and nobody is staging
	int64_t remember_age_min_s; // of idempotency keys
	uint64_t remember_count_min;
	void (*on_fatal)(void *context, int error);
	void *context;

	// Of the published revision. The writer's to change, under the lock; others read them under it.
	pthread_mutex_t state_lock;
	struct history_state state;
	struct digest digest;
	uint64_t objects[OBJECT_KINDS];
	uint64_t index_bytes;

	// Counted by the writer.
	struct buckets commit_ns, commit_sets;
};

static inline struct image *store_other_image(struct store *store, const struct image *image)
{
	return &store->images[image == &store->images[0]];
}

// ---------------------------------------------------------------- store_index.c

// What the store keeps in memory, not shown to anybody yet. It may be moved.
struct store_index {
	struct strings *strings;
	struct image images[2];
	struct image_edit *edit;
};

// Empty. -ENOMEM.
MUST_CHECK int store_index_create(struct store_index *ret_index);
// Harmless on a zeroed one. Leaves the tariff bodies.
void store_index_finish(struct store_index *index);

// ---------------------------------------------------------------- apply.c (writer thread)

// One commit for all jobs of the list, and done() for each. While more wait than fit, it takes those, too.
void store_commit(struct store *store, struct store_job *jobs);

// ---------------------------------------------------------------- apply_entry.c (writer thread)

// One commit, or as many as it takes, for all entries of the list, and done() for each.
void store_commit_entries(struct store *store, struct store_entry *entries);

// ---------------------------------------------------------------- store.c (writer thread)

// What store_get_status() and store_get_position() tell from now on, of the published image.
void store_set_state(struct store *store, const struct history_state *state);
// Makes the standby image, which is new and backed, a copy of the one that is shown.
void store_fill_standby(struct store *store);
// The change sets that go into the next part of a commit, when more waited than the last part took. NULL: there are
// none, or something else is to be done first.
struct store_job *store_take_more(struct store *store);
// All entries that wait, in order.
struct store_entry *store_take_entries(struct store *store);

// ---------------------------------------------------------------- store_figures.c

// A commit is measured from the first to the second; one that made no revision leaves nothing.
struct store_measure {
	uint64_t begun_ns;
	uint64_t revision;
	uint64_t sets;
};
struct store_measure store_measure_begin(const struct store *store, const struct store_job *jobs,
					 const struct store_entry *entries);
void store_measure_end(struct store *store, const struct store_measure *measure);
// Bytes that hold something.
uint64_t store_index_bytes(const struct store *store, const struct image *image);

// ---------------------------------------------------------------- store_call.c

// A function for the writer thread to run between two commits.
struct store_call {
	int (*function)(struct store *store, void *argument);
	void *argument;
	int result;
	bool is_done;
	struct store_call *next;
};

// Has the writer run the function and waits for its result. It goes ahead of change sets and entries that wait. Any
// thread but the writer and the workers, which the writer may be waiting for. -EIO: the store is closing, or has
// failed.
MUST_CHECK int store_call(struct store *store, int (*function)(struct store *store, void *argument), void *argument);
// On the writer thread.
void store_run_call(struct store *store, struct store_call *call);

// ---------------------------------------------------------------- install_sweep.c (writer thread)

// A piece of what an install left behind, a few milliseconds.
void store_sweep(struct store *store);

// ---------------------------------------------------------------- store_reader.c (writer thread)

// Shows the standby image to everybody; on return nobody reads the other one, which is the standby now.
void store_publish(struct store *store);
