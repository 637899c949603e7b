// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "store/store_impl.h"

// ---------------------------------------------------------------- the writer thread

static uint64_t count_sets(const struct store_job *jobs)
{
	uint64_t count = 0;
	for (const struct store_job *job = jobs; job != NULL; job = job->next)
		count++;
	return count;
}

struct store_measure store_measure_begin(const struct store *store, const struct store_job *jobs,
					 const struct store_entry *entries)
{
	struct store_measure measure = {
		.begun_ns = clock_monotonic_ns(),
		.revision = store->state.position.revision, // the writer's own: no lock
		.sets = count_sets(jobs),
	};
	for (const struct store_entry *entry = entries; entry != NULL; entry = entry->next)
		measure.sets += count_sets(entry->jobs);
	return measure;
}

// What comes from elsewhere than the two queues (a restore) is no commit of change sets.
void store_measure_end(struct store *store, const struct store_measure *measure)
{
	const uint64_t sets = measure->sets + store->sets_more;
	store->sets_more = 0;
	if (sets == 0 || store->state.position.revision == measure->revision)
		return;
	const uint64_t took_ns = clock_monotonic_ns() - measure->begun_ns;
	buckets_add(&store->commit_ns, &buckets_commit_ns, took_ns, 1);
	buckets_add(&store->commit_sets, &buckets_sizes, sets, 1);
	pthread_mutex_lock(&store->queue_lock);
	drain_note(&store->drain, took_ns, sets);
	pthread_mutex_unlock(&store->queue_lock);
}

uint64_t store_index_bytes(const struct store *store, const struct image *image)
{
	uint64_t bytes = 0;
	for (int i = 0; i < IMAGE_SLABS; i++) {
		bytes += (uint64_t)image->slabs[i].next * image->slabs[i].record_size;
		bytes += (uint64_t)image->tables[i].slots_count * image->tables[i].slot_size;
	}
	return 2 * bytes + strings_bytes_used(store->strings);
}

// ---------------------------------------------------------------- any thread

void store_get_figures(struct store *store, struct store_figures *ret_figures)
{
	struct store_figures figures = {.queue_max = store->queue_max};
	buckets_collect(&store->commit_ns, &figures.commit_ns);
	buckets_collect(&store->commit_sets, &figures.commit_sets);
	pthread_mutex_lock(&store->queue_lock);
	figures.queue = store->queue_count;
	figures.entries_queue = store->entries_count;
	figures.queue_refused = store->queue_refused;
	pthread_mutex_unlock(&store->queue_lock);
	pthread_mutex_lock(&store->state_lock);
	figures.index_bytes = store->index_bytes;
	pthread_mutex_unlock(&store->state_lock);
	*ret_figures = figures;
}
