// SPDX-License-Identifier: Apache-2.0
#include "bench/histogram.h"

#include <math.h>
#include <string.h>

static uint32_t bucket_of(uint64_t value)
{
	if (value < HISTOGRAM_SLICES)
		return (uint32_t)value;
	const uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - HISTOGRAM_SLICE_BITS;
	return (shift + 1) * HISTOGRAM_SLICES + (uint32_t)((value >> shift) - HISTOGRAM_SLICES);
}

// The largest value of a bucket.
static uint64_t bucket_end(uint32_t bucket)
{
	if (bucket < HISTOGRAM_SLICES)
		return bucket;
	const uint32_t shift = bucket / HISTOGRAM_SLICES - 1;
	const uint64_t slice = HISTOGRAM_SLICES + bucket % HISTOGRAM_SLICES;
	return (slice << shift) + ((1ull << shift) - 1);
}

void histogram_init(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->count++;
	histogram->sum += value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->buckets[bucket_of(value)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *source)
{
	histogram->count += source->count;
	histogram->sum += source->sum;
	if (source->max > histogram->max)
		histogram->max = source->max;
	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++)
		histogram->buckets[bucket] += source->buckets[bucket];
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
	const uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count);
	uint64_t seen = 0;
	for (uint32_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		seen += histogram->buckets[bucket];
		if (seen >= wanted && seen > 0) {
			const uint64_t end = bucket_end(bucket);
			return end < histogram->max ? end : histogram->max;
		}
	}
	return histogram->max;
}
