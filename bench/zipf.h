// SPDX-License-Identifier: Apache-2.0
// Zipf's distribution over the ranks 0 .. n-1: rank r comes with a probability in proportion to 1 / (r+1)^theta. By
// rejection-inversion (Hörmann, Derflinger 1996): no table, any theta above 0, about one uniform number a draw.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ZIPF_THETA_MAX 10.0

struct zipf {
	uint32_t count;
	double theta;
	double first, last; // the integral's values that uniform numbers are spread over
	double shortcut;
};

void zipf_init(struct zipf *zipf, uint32_t count, double theta);
// What `uniform`, from 0 to below 1, leads to. False: to nothing, try another number.
bool zipf_try(const struct zipf *zipf, double uniform, uint32_t *ret_rank);
