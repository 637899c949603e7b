// SPDX-License-Identifier: Apache-2.0
// Counters that one thread counts up, without a lock and without the atomic instructions that threads would contend
// for, and any thread reads. What is read together may be a few events apart.
#pragma once

#include "base/check.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct counter {
	_Atomic uint64_t value;
};

// By the one thread that owns the counter, or under one lock.
static inline void counter_add(struct counter *counter, uint64_t count)
{
	const uint64_t value = atomic_load_explicit(&counter->value, memory_order_relaxed);
	atomic_store_explicit(&counter->value, value + count, memory_order_relaxed);
}
static inline uint64_t counter_get(const struct counter *counter)
{
	return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

// ---------------------------------------------------------------- how values are spread

enum { BUCKETS_MAX = 17 };

// What a bucket takes: bucket i the values up to and with bounds[i], the last one, `count`, everything above.
struct bucket_bounds {
	const uint64_t *bounds; // rising
	size_t count;           // below BUCKETS_MAX
};

struct buckets {
	struct counter counts[BUCKETS_MAX];
	struct counter sum;
};

// What any number of struct buckets counted, together.
struct bucket_figures {
	uint64_t counts[BUCKETS_MAX];
	uint64_t sum;
};

// `value`, `times` times. By the owner's thread.
void buckets_add(struct buckets *buckets, const struct bucket_bounds *bounds, uint64_t value, uint64_t times);
// Adds to `figures`. Any thread.
void buckets_collect(const struct buckets *buckets, struct bucket_figures *figures);

// From 10 us to 5 s, in ns: what questions take.
extern const struct bucket_bounds buckets_request_ns;
// From 100 us to 10 s, in ns: what commits take.
extern const struct bucket_bounds buckets_commit_ns;
// Powers of two from 1 to 1024.
extern const struct bucket_bounds buckets_sizes;
