// SPDX-License-Identifier: Apache-2.0
// When the requests of an open loop are due. Several threads share a rate: constant arrivals are dealt out in turn, so
// that all together are evenly spaced; Poisson arrivals are drawn by each thread for its part of the rate, and the sum
// of Poisson processes is one. A schedule depends on its options alone, never on what the server does.
#pragma once

#include <stdint.h>

enum load_arrivals {
	LOAD_ARRIVALS_CONSTANT, // every 1/rate
	LOAD_ARRIVALS_POISSON,  // independent of each other: exponential gaps with the mean 1/rate
};

struct load_schedule_options {
	enum load_arrivals arrivals;
	double rate;   // a second, of all threads together; above 0
	uint64_t seed; // of Poisson arrivals
	uint32_t thread, threads;
	uint64_t start_ns; // monotonic
};

struct load_schedule {
	struct load_schedule_options options;
	uint64_t number; // of the next arrival, counted over this thread's
	double after_ns; // the start
	uint64_t due_ns; // when it is due
};

void load_schedule_init(struct load_schedule *schedule, const struct load_schedule_options *options);
// On to the arrival after the next one.
void load_schedule_advance(struct load_schedule *schedule);
// How many are due before `stop_ns`, from the next one on; for Poisson arrivals how many are to be expected.
uint64_t load_schedule_count_before(const struct load_schedule *schedule, uint64_t stop_ns);
