// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_axis.h"

#include "base/check.h"

#include <math.h>

enum { TICS_MAX = 10, DECADES_WITH_ALL_TICS = 3 };

static const double steps[] = {1, 2, 5, 10};

struct unit {
	double size;
	const char *name;
};

void plot_range_add(struct plot_range *range, double value)
{
	if (!range->has_values || value < range->min)
		range->min = value;
	if (!range->has_values || value > range->max)
		range->max = value;
	range->has_values = true;
}

// `units` from large to small; what is smaller than the last is told in it.
static const struct unit *find_unit(double value, const struct unit *units, size_t count)
{
	size_t i = 0;
	// A tic may be a hair below the number it stands for.
	while (i + 1 < count && fabs(value) < units[i].size * 0.999999)
		i++;
	return &units[i];
}

static const char *text_with_unit(double value, const struct unit *units, size_t count, char text[PLOT_NUMBER_SIZE])
{
	const struct unit *unit = find_unit(value, units, count);
	snprintf(text, PLOT_NUMBER_SIZE, "%.4g%s", value / unit->size, unit->name);
	return text;
}

static const struct unit counts[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};

const char *plot_number_text(double value, char text[PLOT_NUMBER_SIZE])
{
	return text_with_unit(value, counts, ARRAY_SIZE(counts), text);
}

const char *plot_rounded_text(double value, char text[PLOT_NUMBER_SIZE])
{
	const struct unit *unit = find_unit(value, counts, ARRAY_SIZE(counts));
	const double part = value / unit->size;
	snprintf(text, PLOT_NUMBER_SIZE, "%.*f%s", part < 10 ? 2 : part < 100 ? 1 : 0, part, unit->name);
	return text;
}

const char *plot_seconds_text(double seconds, char text[PLOT_NUMBER_SIZE])
{
	static const struct unit units[] = {{1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}, {1e-9, " ns"}};
	return text_with_unit(seconds, units, ARRAY_SIZE(units), text);
}

static double find_step(double max)
{
	const double decade = pow(10, floor(log10(max / TICS_MAX)));
	size_t i = 0;
	while (max / (steps[i] * decade) > TICS_MAX)
		i++;
	return steps[i] * decade;
}

void plot_axis_linear(char axis, const struct plot_range *range, FILE *script)
{
	char text[PLOT_NUMBER_SIZE];
	const double max = range->has_values && range->max > 0 ? range->max : 1;
	const double step = find_step(max);
	const int tics = (int)ceil(max / step - 1e-9);
	fprintf(script, "set %crange [0:%.9g]\nset %ctics (", axis, tics * step, axis);
	for (int i = 0; i <= tics; i++)
		fprintf(script, "%s'%s' %.9g", i == 0 ? "" : ", ", plot_number_text(i * step, text), i * step);
	fprintf(script, ")\n");
}

// The largest round number not above, or the smallest not below.
static double round_to_step(double value, bool up)
{
	const double decade = pow(10, floor(log10(value)));
	const double part = value / decade; // 1 <= part < 10, but for rounding
	double below = 1, above = 10;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i] <= part * (1 + 1e-9))
			below = steps[i];
		if (steps[i] >= part * (1 - 1e-9)) {
			above = steps[i];
			break;
		}
	}
	return (up ? above : below) * decade;
}

void plot_axis_logarithmic(char axis, const struct plot_range *range,
			   const char *(*text)(double value, char text[PLOT_NUMBER_SIZE]), FILE *script)
{
	char label[PLOT_NUMBER_SIZE];
	const double min = round_to_step(range->has_values ? range->min : 1e-6, false);
	double max = round_to_step(range->has_values ? range->max : 1e-6, true);
	if (max < 9.9 * min)
		max = 10 * min;
	const size_t tics = log10(max / min) > DECADES_WITH_ALL_TICS ? 1 : ARRAY_SIZE(steps) - 1;
	fprintf(script, "set logscale %c 10\nset %crange [%.9g:%.9g]\nset %ctics (", axis, axis, min, max, axis);
	const char *comma = "";
	for (int exponent = (int)floor(log10(min)); pow(10, exponent) <= max * 1.000001; exponent++) {
		for (size_t i = 0; i < tics; i++) {
			const double value = steps[i] * pow(10, exponent);
			if (value < min * 0.999999 || value > max * 1.000001)
				continue;
			fprintf(script, "%s'%s' %.9g", comma, text(value, label), value);
			comma = ", ";
		}
	}
	fprintf(script, ")\n");
}
