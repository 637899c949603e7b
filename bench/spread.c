// SPDX-License-Identifier: Apache-2.0
#include "bench/spread.h"

#include <stdlib.h>

static int compare_values(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;
	return (left > right) - (left < right);
}

struct spread spread_of(double *values, uint32_t count)
{
	if (count == 0)
		return (struct spread){0};
	qsort(values, count, sizeof(*values), compare_values);
	return (struct spread){
		.min = values[0],
		.median = (values[(count - 1) / 2] + values[count / 2]) / 2,
		.max = values[count - 1],
	};
}
