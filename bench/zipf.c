// SPDX-License-Identifier: Apache-2.0
#include "bench/zipf.h"

#include <math.h>

static double weight(const struct zipf *zipf, double x)
{
	return pow(x, -zipf->theta);
}

// Of the weight, up to a constant.
static double integral(const struct zipf *zipf, double x)
{
	const double exponent = 1 - zipf->theta;
	return exponent == 0 ? log(x) : expm1(exponent * log(x)) / exponent;
}

static double inverse_integral(const struct zipf *zipf, double value)
{
	const double exponent = 1 - zipf->theta;
	return exponent == 0 ? exp(value) : exp(log1p(exponent * value) / exponent);
}

void zipf_init(struct zipf *zipf, uint32_t count, double theta)
{
	*zipf = (struct zipf){.count = count, .theta = theta};
	zipf->first = integral(zipf, 1.5) - 1;
	zipf->last = integral(zipf, count + 0.5);
	zipf->shortcut = 2 - inverse_integral(zipf, integral(zipf, 2.5) - weight(zipf, 2));
}

bool zipf_try(const struct zipf *zipf, double uniform, uint32_t *ret_rank)
{
	const double value = zipf->last + uniform * (zipf->first - zipf->last);
	const double x = inverse_integral(zipf, value);
	double nearest = floor(x + 0.5);
	nearest = nearest < 1 ? 1 : nearest > zipf->count ? zipf->count : nearest;
	// Near its number the hat is below the histogram; elsewhere it has to be looked at.
	if (nearest - x > zipf->shortcut && value < integral(zipf, nearest + 0.5) - weight(zipf, nearest))
		return false;
	*ret_rank = (uint32_t)nearest - 1;
	return true;
}
