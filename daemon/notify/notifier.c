// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/notifier.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/limits.h"
#include "store/entry.h"
#include "store/log.h"
#include "store/position.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum {
	NOTIFIER_NICE = 10, // less than the workers: queries come first
	CACHE_SIZE = 4,     // blocks kept for subscribers at the same place
	ARENA_CHUNK = 64 * 1024,
	ARENA_BUDGET = 128 * 1024 * 1024,
};

struct notifier {
	struct store *store;
	uint32_t frame_size_max;
	struct store_reader *reader; // only to be woken by publications
	struct log_reader *log;
	pthread_t thread;

	pthread_mutex_t lock; // for these:
	pthread_cond_t changed;
	struct subscription *joining;
	bool is_woken;
	bool is_ending;

	_Atomic bool is_stopping;
	_Atomic uint32_t count;

	// The thread's.
	struct subscription *first;
	struct store_position position; // of this round
	uint64_t now_ms;                // likewise
	uint64_t wake_ms;               // the next round at the latest
	uint64_t empty_after;           // a revision that had nothing behind it in this round
	struct event_block *cache[CACHE_SIZE];
	uint32_t cache_next;
	struct event_block *heartbeat; // the last one
	struct arena arena;
};

static void wake(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->is_woken = true;
	pthread_cond_signal(&notifier->changed);
	pthread_mutex_unlock(&notifier->lock);
}

// On the writer's thread. The lock is never held for long.
static void on_publish(void *context)
{
	struct notifier *notifier = context;
	if (atomic_load(&notifier->count) > 0)
		wake(notifier);
}

// ---------------------------------------------------------------- blocks

// What is read before the epoch is looked at again belongs to the history of this round: entries of another one come
// after its publication.
static bool history_has_changed(struct notifier *notifier)
{
	struct store_position position;
	store_get_position(notifier->store, &position);
	return !id128_equal(&position.epoch, &notifier->position.epoch);
}

static int read_entries(struct notifier *notifier, struct event_block *block)
{
	while (block->size < WATCH_BLOCK_SIZE) {
		struct log_entry entry;
		arena_reset(&notifier->arena);
		int result = log_read_after(notifier->log, block->through, &notifier->arena, &entry);
		if (result == 0)
			result = event_block_add_entry(block, &entry, notifier->frame_size_max, &notifier->arena);
		if (result != 0)
			return block->through > block->after ? 0 : result;
	}
	return 0;
}

static struct event_block *find_block(struct notifier *notifier, uint64_t after)
{
	for (uint32_t i = 0; i < CACHE_SIZE; i++) {
		if (notifier->cache[i] != NULL && notifier->cache[i]->after == after)
			return notifier->cache[i];
	}
	return NULL;
}

// The events behind `after`; the notifier's reference. -ENOENT: there are none yet; -ERANGE; -ESTALE: another history.
static int get_block(struct notifier *notifier, uint64_t after, struct event_block **ret_block)
{
	struct event_block *block = find_block(notifier, after);
	if (block == NULL && after == notifier->empty_after)
		return -ENOENT;
	if (block == NULL) {
		int result = event_block_create(after, &block);
		if (result != 0)
			return result;
		result = read_entries(notifier, block);
		if (result == -ENOENT)
			notifier->empty_after = after;
		if (result == 0 && history_has_changed(notifier))
			result = -ESTALE;
		if (result != 0) {
			event_block_release(block);
			return result;
		}
		event_block_release(notifier->cache[notifier->cache_next]);
		notifier->cache[notifier->cache_next] = block;
		notifier->cache_next = (notifier->cache_next + 1) % CACHE_SIZE;
	}
	*ret_block = block;
	return 0;
}

static void forget_blocks(struct notifier *notifier)
{
	for (uint32_t i = 0; i < CACHE_SIZE; i++) {
		event_block_release(notifier->cache[i]);
		notifier->cache[i] = NULL;
	}
}

static int get_heartbeat(struct notifier *notifier, uint64_t revision, struct event_block **ret_block)
{
	if (notifier->heartbeat == NULL || notifier->heartbeat->through != revision) {
		const struct event event = {.revision = revision};
		struct event_block *block;
		int result = event_block_create(revision, &block);
		if (result != 0)
			return result;
		arena_reset(&notifier->arena);
		result = event_block_add(block, &event, notifier->frame_size_max, &notifier->arena);
		if (result != 0) {
			event_block_release(block);
			return result;
		}
		event_block_release(notifier->heartbeat);
		notifier->heartbeat = block;
	}
	*ret_block = notifier->heartbeat;
	return 0;
}

// ---------------------------------------------------------------- a subscriber

static int give(struct notifier *notifier, struct subscription *subscription, struct event_block *block)
{
	if (block->size > 0) {
		if (atomic_fetch_add(&subscription->queued, block->size) == 0)
			atomic_store(&subscription->taken_ms, notifier->now_ms);
		const int result = subscription->on_block(subscription, block);
		if (result != 0)
			return result;
		subscription->given_ms = notifier->now_ms;
	}
	subscription->after = block->through;
	return 0;
}

static void wake_by(struct notifier *notifier, uint64_t time_ms)
{
	if (time_ms < notifier->wake_ms)
		notifier->wake_ms = time_ms;
}

// It has not even begun, or its history is another one now: what it asks for is not to be had.
static void explain_range(struct notifier *notifier, const struct subscription *subscription, struct fault *fault)
{
	struct store_status status;
	store_get_status(notifier->store, &status);
	const unsigned long long after = subscription->after, oldest = status.log_oldest_revision;
	if (after > notifier->position.revision)
		fault_set(fault, STATUS_OUT_OF_RANGE, "after_revision",
			  "revision %llu is beyond this daemon's, %llu; the oldest change kept is %llu: take a "
			  "snapshot and go on after its revision",
			  after, (unsigned long long)notifier->position.revision, oldest);
	else
		fault_set(fault, STATUS_OUT_OF_RANGE, "after_revision",
			  "the changes after revision %llu are not kept any more, the oldest is %llu: take a snapshot "
			  "and go on after its revision",
			  after, oldest);
}

// Why it ends with `error`, in the words of the stream's end.
static void explain(struct notifier *notifier, const struct subscription *subscription, int error, struct fault *fault)
{
	const unsigned long long after = subscription->after;
	if (error == -ESHUTDOWN)
		fault_set(fault, STATUS_UNAVAILABLE, NULL, "the daemon is stopping; go on after revision %llu", after);
	else if (error == -ETIME)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			  "the receiver took nothing for %d ms; go on after revision %llu", WATCH_STALL_MS, after);
	else if (error == -ESTALE)
		fault_set(fault, STATUS_OUT_OF_RANGE, NULL,
			  "the history of this daemon was replaced after revision %llu: take a snapshot and go on "
			  "after its revision",
			  after);
	else if (error == -ERANGE && subscription->has_begun && !subscription->was_at_head)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			  "the receiver was too slow: what comes after revision %llu is not kept any more", after);
	else if (error == -ERANGE)
		explain_range(notifier, subscription, fault);
	else if (error == -EMSGSIZE)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL,
			  "the event after revision %llu is longer than frame_size_max (%u) allows", after,
			  notifier->frame_size_max);
	else if (error == -ENOMEM)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "out of memory; go on after revision %llu", after);
	else
		fault_set(fault, STATUS_INTERNAL, NULL, "the log of changes cannot be read: %s",
			  strerrordesc_np(-error));
}

static void free_place(struct subscription *subscription)
{
	if (atomic_exchange(&subscription->has_place, false))
		atomic_fetch_sub(&subscription->notifier->count, 1);
}

static void end(struct notifier *notifier, struct subscription *subscription, int error)
{
	struct fault fault = {0};
	free_place(subscription);
	if (error == -ECANCELED) {
		subscription->on_end(subscription, NULL);
		return;
	}
	explain(notifier, subscription, error, &fault);
	if (fault.code == STATUS_INTERNAL)
		log_error("watch", "%s", fault.message);
	subscription->on_end(subscription, &fault);
}

static int begin(struct notifier *notifier, struct subscription *subscription)
{
	struct event_block *block;
	subscription->epoch = notifier->position.epoch;
	if (subscription->after == 0) {
		const int result = get_heartbeat(notifier, notifier->position.revision, &block);
		return result ? result : give(notifier, subscription, block);
	}
	return 0;
}

// True: it is to be looked at again when it has taken something.
static bool is_full(struct subscription *subscription)
{
	if (atomic_load(&subscription->queued) < WATCH_QUEUED_MAX)
		return false;
	atomic_store(&subscription->waits_for_room, true);
	return atomic_load(&subscription->queued) >= WATCH_QUEUED_MAX;
}

// There is nothing new for it. All up to this round's revision was in the log before it was read.
static int keep_alive(struct notifier *notifier, struct subscription *subscription)
{
	struct event_block *block;
	subscription->was_at_head = true;
	if (subscription->after < notifier->position.revision)
		subscription->after = notifier->position.revision;
	if (atomic_load(&subscription->queued) > 0)
		return 0;
	if (notifier->now_ms - subscription->given_ms >= WATCH_HEARTBEAT_MS) {
		int result = get_heartbeat(notifier, subscription->after, &block);
		if (result == 0)
			result = give(notifier, subscription, block);
		if (result != 0)
			return result;
	}
	wake_by(notifier, subscription->given_ms + WATCH_HEARTBEAT_MS);
	return 0;
}

// 0 or why it ends. *ret_more: it may have more to get at once.
static int serve(struct notifier *notifier, struct subscription *subscription, bool *ret_more)
{
	struct event_block *block;
	int result = 0;
	if (atomic_load(&subscription->is_leaving))
		return -ECANCELED;
	if (atomic_load(&notifier->is_stopping))
		return -ESHUTDOWN;
	if (!subscription->has_begun)
		result = begin(notifier, subscription);
	if (result != 0)
		return result;
	if (!id128_equal(&subscription->epoch, &notifier->position.epoch))
		return -ESTALE;
	if (atomic_load(&subscription->queued) > 0) {
		const uint64_t end_ms = atomic_load(&subscription->taken_ms) + WATCH_STALL_MS;
		if (notifier->now_ms >= end_ms)
			return -ETIME;
		wake_by(notifier, end_ms);
	}
	if (is_full(subscription))
		return 0;
	result = get_block(notifier, subscription->after, &block);
	if (result == -ENOENT)
		result = keep_alive(notifier, subscription);
	else if (result == 0) {
		result = give(notifier, subscription, block);
		subscription->was_at_head = false;
		*ret_more = true;
	}
	if (result == 0)
		subscription->has_begun = true;
	return result;
}

// ---------------------------------------------------------------- the thread

static void take_joining(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	struct subscription *joining = notifier->joining;
	notifier->joining = NULL;
	notifier->is_woken = false;
	pthread_mutex_unlock(&notifier->lock);
	while (joining != NULL) {
		struct subscription *next = joining->next;
		joining->next = notifier->first;
		notifier->first = joining;
		joining = next;
	}
}

// Everybody gets one block at most, so that nobody who is far behind keeps the others waiting.
static void serve_all(struct notifier *notifier)
{
	struct subscription **link = &notifier->first;
	const struct id128 epoch = notifier->position.epoch;
	take_joining(notifier);
	store_get_position(notifier->store, &notifier->position);
	if (!id128_equal(&epoch, &notifier->position.epoch))
		forget_blocks(notifier);
	notifier->now_ms = clock_monotonic_ms();
	notifier->wake_ms = UINT64_MAX;
	notifier->empty_after = 0;
	while (*link != NULL) {
		struct subscription *subscription = *link;
		bool has_more = false;
		const int result = serve(notifier, subscription, &has_more);
		if (result != 0) {
			*link = subscription->next;
			end(notifier, subscription, result);
		} else {
			link = &subscription->next;
		}
		if (has_more)
			wake_by(notifier, 0);
	}
}

static void wait_until(struct notifier *notifier, uint64_t time_ms)
{
	const struct timespec time = {.tv_sec = (time_t)(time_ms / 1000), .tv_nsec = (long)(time_ms % 1000 * 1000000)};
	if (time_ms == UINT64_MAX)
		(void)pthread_cond_wait(&notifier->changed, &notifier->lock);
	else
		(void)pthread_cond_timedwait(&notifier->changed, &notifier->lock, &time);
}

// False: the end.
static bool wait_for_work(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	while (!notifier->is_woken && !notifier->is_ending && clock_monotonic_ms() < notifier->wake_ms)
		wait_until(notifier, notifier->wake_ms);
	const bool goes_on = !notifier->is_ending;
	pthread_mutex_unlock(&notifier->lock);
	return goes_on;
}

static void *run(void *argument)
{
	struct notifier *notifier = argument;
	(void)setpriority(PRIO_PROCESS, 0, NOTIFIER_NICE); // best effort: a sandbox may forbid it
	while (wait_for_work(notifier))
		serve_all(notifier);
	return NULL;
}

// ---------------------------------------------------------------- any thread

static void init_sync(struct notifier *notifier)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&notifier->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&notifier->lock, NULL);
}

static void finish(struct notifier *notifier)
{
	store_reader_destroy(notifier->reader);
	log_reader_destroy(notifier->log);
	forget_blocks(notifier);
	event_block_release(notifier->heartbeat);
	arena_finish(&notifier->arena);
	pthread_cond_destroy(&notifier->changed);
	pthread_mutex_destroy(&notifier->lock);
	free(notifier);
}

int notifier_create(struct store *store, uint32_t frame_size_max, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	if (notifier == NULL)
		return -ENOMEM;
	notifier->store = store;
	notifier->frame_size_max = frame_size_max;
	notifier->wake_ms = UINT64_MAX;
	store_get_position(store, &notifier->position);
	arena_init(&notifier->arena, ARENA_CHUNK, ARENA_BUDGET);
	init_sync(notifier);
	int result = log_reader_create(store, &notifier->log);
	if (result == 0)
		result = store_reader_create(store, on_publish, notifier, &notifier->reader);
	if (result == 0)
		result = -pthread_create(&notifier->thread, NULL, run, notifier);
	if (result != 0)
		finish(notifier);
	else
		*ret_notifier = notifier;
	return result;
}

void notifier_destroy(struct notifier *notifier)
{
	if (notifier == NULL)
		return;
	pthread_mutex_lock(&notifier->lock);
	notifier->is_ending = true;
	pthread_cond_signal(&notifier->changed);
	pthread_mutex_unlock(&notifier->lock);
	pthread_join(notifier->thread, NULL);
	ASSERT(notifier->first == NULL && notifier->joining == NULL);
	finish(notifier);
}

void notifier_stop(struct notifier *notifier)
{
	atomic_store(&notifier->is_stopping, true);
	wake(notifier);
}

uint32_t notifier_count(const struct notifier *notifier)
{
	return atomic_load(&notifier->count);
}

int notifier_subscribe(struct notifier *notifier, struct subscription *subscription)
{
	subscription->notifier = notifier;
	if (atomic_fetch_add(&notifier->count, 1) >= WATCHERS_MAX) {
		atomic_fetch_sub(&notifier->count, 1);
		return -EAGAIN;
	}
	atomic_store(&subscription->has_place, true);
	pthread_mutex_lock(&notifier->lock);
	subscription->next = notifier->joining;
	notifier->joining = subscription;
	notifier->is_woken = true;
	pthread_cond_signal(&notifier->changed);
	pthread_mutex_unlock(&notifier->lock);
	return 0;
}

void notifier_unsubscribe(struct subscription *subscription)
{
	free_place(subscription);
	atomic_store(&subscription->is_leaving, true);
	wake(subscription->notifier);
}

void notifier_taken(struct subscription *subscription, size_t size)
{
	atomic_store(&subscription->taken_ms, clock_monotonic_ms());
	atomic_fetch_sub(&subscription->queued, size);
	if (atomic_exchange(&subscription->waits_for_room, false))
		wake(subscription->notifier);
}
