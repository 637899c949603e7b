// SPDX-License-Identifier: Apache-2.0
#include "base/counter.h"

#include <assert.h>

#define US 1000ull
#define MS (1000 * US)
#define S (1000 * MS)

static const uint64_t request_bounds[] = {10 * US, 25 * US, 50 * US, 100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US,
					  5 * MS,  10 * MS, 25 * MS, 50 * MS,  100 * MS, 250 * MS, 1 * S,  5 * S};
static const uint64_t commit_bounds[] = {100 * US, 250 * US, 500 * US, 1 * MS,   2500 * US, 5 * MS,    10 * MS, 25 * MS,
					 50 * MS,  100 * MS, 250 * MS, 500 * MS, 1 * S,     2500 * MS, 5 * S,   10 * S};
static const uint64_t size_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

static_assert(ARRAY_SIZE(request_bounds) < BUCKETS_MAX && ARRAY_SIZE(commit_bounds) < BUCKETS_MAX, "one is left");

const struct bucket_bounds buckets_request_ns = {request_bounds, ARRAY_SIZE(request_bounds)};
const struct bucket_bounds buckets_commit_ns = {commit_bounds, ARRAY_SIZE(commit_bounds)};
const struct bucket_bounds buckets_sizes = {size_bounds, ARRAY_SIZE(size_bounds)};

void buckets_add(struct buckets *buckets, const struct bucket_bounds *bounds, uint64_t value, uint64_t times)
{
	size_t i = 0;
	while (i < bounds->count && value > bounds->bounds[i])
		i++;
	counter_add(&buckets->counts[i], times);
	counter_add(&buckets->sum, value * times);
}

void buckets_collect(const struct buckets *buckets, struct bucket_figures *figures)
{
	for (size_t i = 0; i < BUCKETS_MAX; i++)
		figures->counts[i] += counter_get(&buckets->counts[i]);
	figures->sum += counter_get(&buckets->sum);
}
