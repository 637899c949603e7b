// SPDX-License-Identifier: Apache-2.0
#include "bench/search.h"

#include <errno.h>
#include <math.h>

struct search {
	const struct search_options *options;
	search_run_step *run_step;
	void *context;
	double low, high; // kept; not kept; 0: unknown
};

static int try_rate(const struct search *search, double rate, bool *ret_keeps)
{
	int error = 0;
	bool keeps = false;
	for (uint32_t tried = 0; tried < search->options->tries && error == 0 && !keeps; tried++)
		error = search->run_step(search->context, rate, false, &keeps);
	*ret_keeps = keeps;
	return error;
}

static int narrow(struct search *search, double rate)
{
	bool keeps;
	const int error = try_rate(search, rate, &keeps);
	if (error == 0 && keeps)
		search->low = rate;
	else if (error == 0)
		search->high = rate;
	return error;
}

// Until one rate is known that keeps the goal and one that does not, or the bounds are reached.
static int bracket(struct search *search)
{
	const double rate_max = search->options->rate_max;
	int error = narrow(search, fmin(search->options->rate_first, rate_max));
	while (error == 0 && search->high == 0 && search->low < rate_max)
		error = narrow(search, fmin(2 * search->low, rate_max));
	while (error == 0 && search->low == 0) {
		if (search->high <= 1)
			return -ERANGE;
		error = narrow(search, fmax(search->high / 2, 1));
	}
	return error;
}

static int bisect(struct search *search)
{
	int error = 0;
	while (error == 0 && search->high > search->low * (1 + search->options->precision))
		error = narrow(search, sqrt(search->low * search->high));
	return error;
}

static int confirm(const struct search *search, double *ret_rate)
{
	double rate = search->low;
	for (uint32_t tried = 0; tried < search->options->confirmations; tried++) {
		bool keeps = false;
		const int error = search->run_step(search->context, rate, true, &keeps);
		if (error < 0)
			return error;
		if (keeps) {
			*ret_rate = rate;
			return 0;
		}
		rate *= search->options->retreat;
	}
	return -ERANGE;
}

int search_highest_rate(const struct search_options *options, search_run_step *run_step, void *context,
			double *ret_rate)
{
	struct search search = {.options = options, .run_step = run_step, .context = context};
	int error = bracket(&search);
	if (error == 0)
		error = bisect(&search);
	return error < 0 ? error : confirm(&search, ret_rate);
}
