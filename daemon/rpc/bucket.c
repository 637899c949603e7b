// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/bucket.h"

enum { WAIT_MAX_MS = 24 * 3600 * 1000 };

void bucket_fill(struct bucket *bucket)
{
	atomic_store_explicit(&bucket->empty_ns, INT64_MIN / 2, memory_order_relaxed);
}

// What flowed in beyond a full bucket is lost: the moment is never further back than the window.
static int64_t empty_since(int64_t empty_ns, const struct bucket_rate *rate, int64_t now_ns)
{
	const int64_t full_ns = now_ns - atomic_load_explicit(&rate->window_ns, memory_order_relaxed);
	return empty_ns < full_ns ? full_ns : empty_ns;
}

static uint64_t count_between(int64_t empty_ns, int64_t interval_ns, int64_t now_ns)
{
	return empty_ns < now_ns ? (uint64_t)((now_ns - empty_ns) / interval_ns) : 0;
}

static bool replace(struct bucket *bucket, int64_t *empty_ns, int64_t by_ns)
{
	return atomic_compare_exchange_weak_explicit(&bucket->empty_ns, empty_ns, by_ns, memory_order_relaxed,
						     memory_order_relaxed);
}

uint32_t bucket_take(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns, uint32_t wanted)
{
	const int64_t interval_ns = bucket_interval(rate);
	int64_t empty_ns = atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed);
	if (interval_ns == 0)
		return wanted;
	for (;;) {
		const int64_t since_ns = empty_since(empty_ns, rate, now_ns);
		const uint64_t left = count_between(since_ns, interval_ns, now_ns);
		const uint32_t taken = left < wanted ? (uint32_t)left : wanted;
		if (taken == 0 || replace(bucket, &empty_ns, since_ns + taken * interval_ns))
			return taken;
	}
}

bool bucket_spend(struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns, uint32_t count)
{
	const int64_t interval_ns = bucket_interval(rate);
	int64_t empty_ns = atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed);
	if (interval_ns == 0)
		return false;
	for (;;) {
		const int64_t since_ns = empty_since(empty_ns, rate, now_ns);
		const int64_t then_ns = since_ns + count * interval_ns;
		if (replace(bucket, &empty_ns, then_ns))
			return since_ns <= now_ns - interval_ns && then_ns > now_ns - interval_ns;
	}
}

void bucket_give_back(struct bucket *bucket, const struct bucket_rate *rate, uint32_t count)
{
	atomic_fetch_sub_explicit(&bucket->empty_ns, count * bucket_interval(rate), memory_order_relaxed);
}

uint64_t bucket_left(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns)
{
	const int64_t empty_ns = atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed);
	const int64_t interval_ns = bucket_interval(rate);
	return interval_ns ? count_between(empty_since(empty_ns, rate, now_ns), interval_ns, now_ns) : UINT64_MAX;
}

bool bucket_is_full(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns)
{
	const int64_t empty_ns = atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed);
	return bucket_interval(rate) == 0 || empty_since(empty_ns, rate, now_ns) > empty_ns ||
	       empty_ns == now_ns - atomic_load_explicit(&rate->window_ns, memory_order_relaxed);
}

uint32_t bucket_wait_ms(const struct bucket *bucket, const struct bucket_rate *rate, int64_t now_ns)
{
	const int64_t empty_ns = atomic_load_explicit(&bucket->empty_ns, memory_order_relaxed);
	const int64_t wait_ns = empty_ns + bucket_interval(rate) - now_ns;
	const int64_t wait_ms = wait_ns / BUCKET_NS_PER_MS + (wait_ns % BUCKET_NS_PER_MS > 0);
	return wait_ms < 1 ? 1 : wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : (uint32_t)wait_ms;
}
