// SPDX-License-Identifier: Apache-2.0
// Who watches the changes: one thread reads the log of changes for all subscribers, each at its own place, and hands
// them blocks of events. It is woken by publications, so that the writer never waits for anybody who watches; the log
// itself is the queue of those that are behind.
#pragma once

#include "base/id128.h"
#include "daemon/notify/event_block.h"
#include "proto/fault.h"
#include "store/store.h"

enum {
	WATCH_HEARTBEAT_MS = 1000,     // of silence
	WATCH_QUEUED_MAX = 256 * 1024, // bytes a subscriber has not taken, before it gets more
	WATCH_STALL_MS = 3000,         // without taking any of them; then it is cut
	WATCH_BLOCK_SIZE = 64 * 1024,  // events together, at least one
};

struct notifier;

// A place in the log. The subscriber's memory, from notifier_subscribe() until on_end().
struct subscription {
	uint64_t after; // the subscriber's wish, 0: from now on; then the last revision it was given
	// On the notifier's thread; neither may block. The first acquires the block, whose bytes count as queued until
	// notifier_taken(); -ENOMEM ends the subscription. The second is the last call: the memory is the subscriber's
	// again. The fault says why, with the revision to go on after; NULL after notifier_unsubscribe().
	int (*on_block)(struct subscription *subscription, struct event_block *block);
	void (*on_end)(struct subscription *subscription, const struct fault *fault);

	// The notifier's.
	struct notifier *notifier;
	struct subscription *next;
	struct id128 epoch;
	uint64_t given_ms; // the last block
	bool has_begun;
	bool was_at_head; // there was nothing more for it when it was looked at last
	_Atomic bool has_place;
	_Atomic bool is_leaving;
	_Atomic bool waits_for_room;
	_Atomic size_t queued;
	_Atomic uint64_t taken_ms; // when it last took something, or there was nothing to take
};

// `frame_size_max` of the events. The store must outlive the notifier and have a place for a reader.
MUST_CHECK int notifier_create(struct store *store, uint32_t frame_size_max, struct notifier **ret_notifier);
// Every subscription has ended. NULL is fine.
void notifier_destroy(struct notifier *notifier);
// Ends all subscriptions with UNAVAILABLE, now and from now on. Any thread.
void notifier_stop(struct notifier *notifier);
// Those under way. Any thread.
uint32_t notifier_count(const struct notifier *notifier);

// `after`, on_block and on_end are set, the rest is zero. -EAGAIN: WATCHERS_MAX are there. Any thread.
MUST_CHECK int notifier_subscribe(struct notifier *notifier, struct subscription *subscription);
// Its place is free at once, and on_end() is called soon. Harmless when it has ended already. Any thread.
void notifier_unsubscribe(struct subscription *subscription);
// So many bytes of blocks were taken. Any one thread; also after the end.
void notifier_taken(struct subscription *subscription, size_t size);
