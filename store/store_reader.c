// SPDX-License-Identifier: Apache-2.0
#include "store/store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	WAIT_MIN_NS = 50 * 1000,
	WAIT_MAX_NS = 1000 * 1000,
};

static_assert(sizeof(struct store_reader) % 64 == 0, "`pinned` is alone in its cache line");

int store_reader_create(struct store *store, void (*on_publish)(void *context), void *context,
			struct store_reader **ret_reader)
{
	struct store_reader *reader = aligned_alloc(_Alignof(struct store_reader), sizeof(*reader));
	if (reader == NULL)
		return -ENOMEM;
	*reader = (struct store_reader){
		.active = &store->active, .store = store, .on_publish = on_publish, .context = context};
	pthread_mutex_lock(&store->readers_lock);
	const bool has_place = store->readers_count < store->readers_max;
	if (has_place)
		store->readers[store->readers_count++] = reader;
	pthread_mutex_unlock(&store->readers_lock);
	if (!has_place) {
		free(reader);
		return -ENOSPC;
	}
	*ret_reader = reader;
	return 0;
}

void store_reader_destroy(struct store_reader *reader)
{
	if (reader == NULL)
		return;
	struct store *store = reader->store;
	ASSERT(atomic_load(&reader->pinned) == NULL);
	pthread_mutex_lock(&store->readers_lock);
	for (uint32_t i = 0; i < store->readers_count; i++)
		if (store->readers[i] == reader)
			store->readers[i] = store->readers[--store->readers_count];
	pthread_mutex_unlock(&store->readers_lock);
	free(reader);
}

// A reader pins for a turn of its loop, microseconds mostly: sleeping costs less than spinning would.
static void wait_for_reader(struct store_reader *reader, const struct image *image)
{
	struct timespec pause = {.tv_nsec = WAIT_MIN_NS};
	while (atomic_load(&reader->pinned) == image) {
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < WAIT_MAX_NS)
			pause.tv_nsec *= 2;
	}
}

void store_publish(struct store *store)
{
	struct image *image = store->standby;
	struct image *former = store_other_image(store, image);
	atomic_store(&store->active, image);
	pthread_mutex_lock(&store->readers_lock);
	for (uint32_t i = 0; i < store->readers_count; i++)
		wait_for_reader(store->readers[i], former);
	for (uint32_t i = 0; i < store->readers_count; i++)
		if (store->readers[i]->on_publish != NULL)
			store->readers[i]->on_publish(store->readers[i]->context);
	pthread_mutex_unlock(&store->readers_lock);
	store->standby = former;
}
