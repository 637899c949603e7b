// SPDX-License-Identifier: Apache-2.0
#include "store/listing_impl.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	WORK_CHUNK_SIZE = 64 * 1024,
	WORK_SIZE_MAX = 32 * 1024 * 1024,
	SCRATCH_CHUNK_SIZE = 16 * 1024,
	SCRATCH_SIZE_MAX = 64 * 1024 * 1024, // a tariff of the largest size, decoded
	MATCH_TRIES_MAX = 200000,            // ten seconds, for a slow disk under an import
	MATCH_PAUSE_NS = 50 * 1000,
};

int listing_create(struct store *store, struct listing **ret_listing)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	if (listing == NULL)
		return -ENOMEM;
	listing->store = store;
	arena_init(&listing->work, WORK_CHUNK_SIZE, WORK_SIZE_MAX);
	arena_init(&listing->scratch, SCRATCH_CHUNK_SIZE, SCRATCH_SIZE_MAX);
	arena_init(&listing->spelling, SCRATCH_CHUNK_SIZE, SCRATCH_SIZE_MAX);
	int error = store_reader_create(store, NULL, NULL, &listing->reader);
	if (error == 0)
		error = db_read_create(store_db(store), &listing->read);
	if (error != 0) {
		listing_destroy(listing);
		return error;
	}
	*ret_listing = listing;
	return 0;
}

void listing_destroy(struct listing *listing)
{
	if (listing == NULL)
		return;
	db_read_destroy(listing->read);
	if (listing->reader != NULL)
		store_reader_destroy(listing->reader);
	arena_finish(&listing->work);
	arena_finish(&listing->scratch);
	arena_finish(&listing->spelling);
	free(listing);
}

// ---------------------------------------------------------------- view

static void pin(struct listing *listing)
{
	listing->image = store_pin(listing->reader);
}

void listing_unpin(struct listing *listing)
{
	if (listing->image == NULL)
		return;
	store_unpin(listing->reader);
	listing->image = NULL;
}

// Revisions come again when an install puts another history in the place of this one.
static bool is_same_state(const struct listing *listing)
{
	return listing->image->revision == listing->revision && listing->image->swaps == db_read_swaps(listing->read);
}

// Between the commit and the publication of a state the image is the older of the two: for microseconds, or while a
// commit goes on in parts, in an import. While an image is pinned the writer gets no further than one publication ahead
// of it, and what is published stays the same state until the next part is on disk.
static int pin_same_state(struct listing *listing)
{
	const struct timespec pause = {.tv_nsec = MATCH_PAUSE_NS};
	pin(listing);
	for (int tries = 0; tries < MATCH_TRIES_MAX; tries++) {
		if (is_same_state(listing))
			return 0;
		// Which of the two is older cannot be told; a new snapshot is as new as the image, or newer.
		db_read_stop(listing->read);
		const int error = db_read_start(listing->read, &listing->revision);
		if (error != 0)
			return error;
		if (is_same_state(listing))
			return 0;
		nanosleep(&pause, NULL);
		listing_unpin(listing);
		pin(listing);
	}
	return -EAGAIN;
}

int listing_begin(struct listing *listing, bool with_image, struct fault *fault)
{
	arena_reset(&listing->work);
	listing->snapshot++;
	int error = db_read_start(listing->read, &listing->revision);
	if (error != 0)
		return listing_fail(fault, error);
	error = with_image ? pin_same_state(listing) : 0;
	if (error != 0) {
		listing_end(listing);
		return listing_fail(fault, error);
	}
	return 0;
}

void listing_end(struct listing *listing)
{
	listing_unpin(listing);
	db_read_stop(listing->read);
}

void listing_set_give_way(struct listing *listing, bool (*gives_way)(void *context), void *context)
{
	listing->gives_way = gives_way;
	listing->gives_way_context = context;
}

void listing_give_way(struct listing *listing)
{
	static const struct timespec rest = {.tv_nsec = LISTING_REST_NS};
	// The writer may be waiting for a pinned image.
	if (listing->gives_way == NULL || listing->image != NULL || ++listing->looked_at % LISTING_GIVE_WAY_EVERY != 0)
		return;
	if (clock_monotonic_ns() - listing->rested_ns < LISTING_WORK_NS ||
	    !listing->gives_way(listing->gives_way_context))
		return;
	nanosleep(&rest, NULL);
	listing->rested_ns = clock_monotonic_ns();
}

int listing_fail(struct fault *fault, int error)
{
	if (error == -ENOMEM)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "the answer takes too much memory; ask for less");
	else if (error == -EAGAIN)
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "the store is not up to date; try again");
	else
		fault_set(fault, STATUS_DATA_LOSS, NULL, "the store cannot be read: %s", strerror(-error));
	return error;
}

int listing_filter(struct bytes id, const char *field, struct id_key *ret_key, struct fault *fault)
{
	ret_key->size = 0;
	const int error = id_check_optional(ID_FOLD_PLAIN, id, field, fault);
	if (error == 0 && !bytes_is_empty(id))
		id_fold(ID_FOLD_PLAIN, id, ret_key);
	return error;
}

int listing_check_exists(struct listing *listing, enum object_kind kind, const struct id_key *key, const char *field,
			 struct fault *fault)
{
	if (key->size == 0)
		return 0;
	struct db_record stored;
	const int error = db_get(listing->read, listing_kind_get(kind)->table, id_key_bytes(key), &stored);
	if (error == -ENOENT)
		return store_refuse(fault, STATUS_NOT_FOUND, field, "%s %.*s does not exist",
				    listing_kind_get(kind)->name, key->size, key->data);
	return error != 0 ? listing_fail(fault, error) : 0;
}
