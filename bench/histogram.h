// SPDX-License-Identifier: Apache-2.0
// A histogram of durations with a bounded relative error, in the manner of HdrHistogram: every power of two is cut
// into HISTOGRAM_SLICES equal slices, so a quantile is at most 1/128 (0.8 %) above the true value. Adding is a few
// instructions and never allocates.
#pragma once

#include <stdint.h>

enum {
	HISTOGRAM_SLICE_BITS = 7,
	HISTOGRAM_SLICES = 1 << HISTOGRAM_SLICE_BITS,
	HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SLICE_BITS + 1) * HISTOGRAM_SLICES,
};

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max; // exact
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value);
// Adds all values of `source` to `histogram`.
void histogram_merge(struct histogram *histogram, const struct histogram *source);
// The smallest value that at least `share` (0..1) of all values do not exceed, rounded up to the end of its slice
// and never above the largest value seen. 0 when empty.
uint64_t histogram_quantile(const struct histogram *histogram, double share);
