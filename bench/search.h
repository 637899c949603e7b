// SPDX-License-Identifier: Apache-2.0
// The highest rate at which something still holds, found by short runs: doubling until it does not, bisecting (by
// factors) between the two, and a longer run at the end that has to confirm it.
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

struct search_options {
	double rate_first; // the first one tried; above 0
	double rate_max;   // never exceeded
	double precision;  // bisects until the factor between the bounds is at most 1 + precision
	// A step that fails is tried so many times in all before it counts: one disturbance of the machine is not the
	// server's limit. Confirmations are not tried again.
	uint32_t tries;
	// A rate that is not confirmed is lowered by `retreat` (a factor below 1) and tried anew, so many times in all.
	uint32_t confirmations;
	double retreat;
};

// One run. 0 and whether the goal was kept, or a negative errno, which ends the search.
typedef int search_run_step(void *context, double rate, bool is_confirmation, bool *ret_keeps);

// 0 and the rate; -ERANGE when no rate of 1 a second or more keeps the goal, or none was confirmed; or the error of a
// step.
MUST_CHECK int search_highest_rate(const struct search_options *options, search_run_step *run_step, void *context,
				   double *ret_rate);
