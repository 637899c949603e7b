// SPDX-License-Identifier: Apache-2.0
#include "bench/load_schedule.h"

#include "bench/world.h"

#include <math.h>

static const double second_ns = 1e9;

// Between two arrivals of this thread, on average.
static double interval_ns(const struct load_schedule_options *options)
{
	return second_ns * options->threads / options->rate;
}

static void set_due(struct load_schedule *schedule)
{
	const struct load_schedule_options *options = &schedule->options;
	if (options->arrivals == LOAD_ARRIVALS_POISSON) {
		const uint64_t draw = world_hash(options->seed, options->thread + 1, schedule->number);
		const double uniform = ((double)(draw >> 11) + 1) * 0x1p-53; // above 0, at most 1
		schedule->after_ns += -log(uniform) * interval_ns(options);
	} else {
		// From the number, lest rounding errors add up.
		const double place = (double)schedule->number * options->threads + options->thread;
		schedule->after_ns = place * second_ns / options->rate;
	}
	schedule->due_ns = options->start_ns + (uint64_t)schedule->after_ns;
}

void load_schedule_init(struct load_schedule *schedule, const struct load_schedule_options *options)
{
	*schedule = (struct load_schedule){.options = *options};
	set_due(schedule);
}

void load_schedule_advance(struct load_schedule *schedule)
{
	schedule->number++;
	set_due(schedule);
}

uint64_t load_schedule_count_before(const struct load_schedule *schedule, uint64_t stop_ns)
{
	if (schedule->due_ns >= stop_ns)
		return 0;
	return (uint64_t)ceil((double)(stop_ns - schedule->due_ns) / interval_ns(&schedule->options));
}
