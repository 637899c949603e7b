// SPDX-License-Identifier: Apache-2.0
// The store: LMDB, the two images, and the writer thread between them (DESIGN 3.1).
//
//     write:  store_submit() -> writer: rules -> db_commit() -> publish -> done()
//     read:   image = store_pin(reader); look up; store_unpin(reader)
//
// Start here for the order of a commit: store_commit() in apply.c.
#pragma once

#include "base/arena.h"
#include "base/counter.h"
#include "base/id128.h"
#include "proto/messages.h"
#include "store/db.h"
#include "store/image.h"

#include <stdatomic.h>

struct store;

struct store_options {
	const char *directory;
	uint64_t map_size;    // bytes
	uint32_t readers_max; // how many readers may be created
	uint32_t queue_max;   // change sets waiting for the writer; more are refused
	// How much of the log of changes is kept (log.h): all three hold, and never more than an eighth of the map. 0:
	// nothing is kept.
	uint64_t log_entries_max;
	uint64_t log_bytes_max;
	int64_t log_age_max_s;
	// Called now and then while the index is built from a large store. May be NULL.
	void (*on_progress)(void *context, uint64_t records_done, uint64_t records_total);
	void *context;
	// Called on the writer thread when a commit failed for good, after its jobs were answered: nothing more is
	// acknowledged. The caller logs and exits.
	void (*on_fatal)(void *context, int error);
};

enum {
	STORE_MAP_SIZE_DEFAULT_GIB = 16,
	STORE_QUEUE_MAX_DEFAULT = 4096,
};

// Opens the database, builds the index, starts the writer. The fault says what is wrong and the way out.
MUST_CHECK int store_open(const struct store_options *options, struct store **ret_store, struct fault *fault);
// Finishes what was submitted, then closes. No reader may be left.
void store_close(struct store *store);

// ---------------------------------------------------------------- reading

// A thread's door to the published image. `pinned` is alone in its cache line: the writer polls it.
struct store_reader {
	_Alignas(64) _Atomic(const struct image *) pinned;
	_Alignas(64) const _Atomic(const struct image *) *active;
	struct store *store;
	void (*on_publish)(void *context);
	void *context;
};

// `on_publish` (may be NULL) is called on the writer thread after each publication; it must not block.
// -ENOSPC when readers_max are there. Any thread that has no image pinned (the writer may be waiting for it), but not
// concurrently with store_close().
MUST_CHECK int store_reader_create(struct store *store, void (*on_publish)(void *context), void *context,
				   struct store_reader **ret_reader);
// Nothing may be pinned. on_publish is not called any more when this returns.
void store_reader_destroy(struct store_reader *reader);

// The image stays as it is until store_unpin(). Pin once per loop turn, unpin before sleeping. The reader's thread.
static inline const struct image *store_pin(struct store_reader *reader)
{
	for (;;) {
		const struct image *image = atomic_load(reader->active);
		atomic_store(&reader->pinned, image);
		if (LIKELY(atomic_load(reader->active) == image))
			return image;
	}
}
static inline void store_unpin(struct store_reader *reader)
{
	atomic_store_explicit(&reader->pinned, NULL, memory_order_release);
}

// ---------------------------------------------------------------- writing

// One change set on its way through the writer. The submitter allocates it and owns it again in done().
struct store_job {
	const struct change_set *set; // lives in `arena`
	struct arena arena;           // also takes the response's memory; its budget grows by as much
	size_t body_size;             // encoded size of the set, for COMMIT_BODIES_MAX
	struct bytes body;            // the encoded set itself, as received or as codec_encode() gave it
	uint32_t repeat_window_s;     // LoggedSet of evauth.proto; 0 but for the inbox
	uint64_t late_ns;             // clock_wall_ns() from when on it is not begun any more: -ETIME; 0: never
	// Called on the writer thread once the change set is durable and visible to every reader, or refused. It
	// must not block: hand the job to its thread.
	void (*done)(struct store_job *job);
	void *context;
	int result;                     // 0, or negative errno with the fault set
	struct apply_response response; // when result is 0
	struct fault fault;
	struct store_job *next; // the store's until done()
	bool is_pending;        // likewise: the result stands or falls with the commit
};

// An accepted set belongs to a revision, also when it changes nothing; sets committed together share one. Refusals,
// dry runs and repeated answers use up none. A dry run answers with the revision of the state it was tried on.
// A set whose commit has begun before its late_ns is finished, however long that takes; later it is refused, and
// nothing of it was done. Faults of the store itself: RESOURCE_EXHAUSTED (-ENOSPC) when it is full, for what does more
// than delete and detach; UNAVAILABLE (-EIO) when the commit failed for good, and whether it is on disk is unknown.

// Any thread. -EAGAIN: the queue is full, and the job's fault says when to come again, or -EIO: the store is closed to
// writes; done() is not called then.
MUST_CHECK int store_submit(struct store *store, struct store_job *job);

// ---------------------------------------------------------------- the operator's view (any thread)

struct store_status {
	uint64_t revision;
	uint64_t objects[OBJECT_KINDS];
	uint64_t bytes_used;
	uint64_t bytes_max;
	bool accepts_writes; // false: full, or failed for good
	struct id128 digest; // of all objects at `revision` (digest.h)
	struct id128 epoch;
	uint64_t log_oldest_revision; // 0: nothing is kept
	uint64_t orphans;
};
void store_get_status(struct store *store, struct store_status *ret_status);

// How the writer is doing.
struct store_figures {
	uint64_t queue, entries_queue; // change sets, and entries ordered elsewhere, that wait
	uint64_t queue_max;
	uint64_t queue_refused;            // change sets that found the queue full, since the start
	uint64_t index_bytes;              // in both images and their strings
	struct bucket_figures commit_ns;   // from the queue until both images have it (buckets_commit_ns)
	struct bucket_figures commit_sets; // change sets taken together (buckets_sizes)
};
void store_get_figures(struct store *store, struct store_figures *ret_figures);
struct db *store_db(struct store *store);
