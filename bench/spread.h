// SPDX-License-Identifier: Apache-2.0
// How a figure varied over the rounds of a comparison.
#pragma once

#include <stdint.h>

struct spread {
	double min, median, max; // all 0 without values
};

// `values` are left in order. Of an even number the median lies between the two in the middle.
struct spread spread_of(double *values, uint32_t count);
