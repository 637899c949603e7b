// SPDX-License-Identifier: Apache-2.0
// Token buckets in one word: so much a second, so much at once. Any thread, without a lock.
//
// A bucket is the moment at which it was empty (in the past), or will be (in the future: what was spent is more than
// there was, and has to flow in first). So nothing has to be refilled, and a rate may change at any time.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { BUCKET_NS_PER_S = 1000000000, BUCKET_NS_PER_MS = 1000000 };

// Shared by the buckets of one kind. Zeroed: no limit.
struct bucket_rate {
	_Atomic int64_t interval_ns; // in which one flows in; 0: no limit
	_Atomic int64_t window_ns;   // in which an empty bucket becomes full
};

struct bucket {
	_Atomic int64_t empty_ns;
};

// `per_second` 0: no limit, else at most 10^9. `burst` is what a full bucket holds; 0: as much as a second brings.
static inline void bucket_rate_set(struct bucket_rate *rate, uint64_t per_second, uint64_t burst)
{
	const int64_t interval_ns = per_second ? (int64_t)(BUCKET_NS_PER_S / per_second) : 0;
	atomic_store_explicit(&rate->window_ns, interval_ns * (int64_t)(burst ? burst : per_second),
			      memory_order_relaxed);
	atomic_store_explicit(&rate->interval_ns, interval_ns, memory_order_relaxed);
}

static inline int64_t bucket_interval(const struct bucket_rate *rate)
{
	return atomic_load_explicit(&rate->interval_ns, memory_order_relaxed);
}

// What a full bucket holds; 0: no limit.
static inline uint64_t bucket_burst(const struct bucket_rate *rate)
{
	const int64_t interval_ns = bucket_interval(rate);
	const int64_t window_ns = atomic_load_explicit(&rate->window_ns, memory_order_relaxed);
	return interval_ns ? (uint64_t)(window_ns / interval_ns) : 0;
}

// The times `now_ns` below are of one monotonic clock.
void bucket_fill(struct bucket *bucket);
// Takes up to `wanted`; returns how many there were.
uint32_t bucket_take(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns, uint32_t wanted);
// Takes all of `count`, whether or not they are there. True: this emptied the bucket.
bool bucket_spend(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns, uint32_t count);
// Of what was taken or spent.
void bucket_give_back(struct bucket *bucket, const struct bucket_rate *rate, uint32_t count);
// How many there are.
uint64_t bucket_left(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns);
bool bucket_is_full(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns);
// Until there is one again; at least 1.
uint32_t bucket_wait_ms(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns);

// There is at least one.
static inline bool bucket_has(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns)
{
	const int64_t interval_ns = bucket_interval(rate);
	return interval_ns == 0 ||
	       atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed) <= now_ns - interval_ns;
}

// More was spent than there was, and that has not flowed in yet.
static inline bool bucket_is_overdrawn(const struct bucket *bucket, int64_t now_ns)
{
	return atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed) > now_ns;
}
