// SPDX-License-Identifier: Apache-2.0
// Axes as gnuplot commands: ranges that never are empty (gnuplot would warn), and tics at round numbers with the unit
// in their labels.
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum { PLOT_NUMBER_SIZE = 32 };

struct plot_range {
	double min, max;
	bool has_values;
};

void plot_range_add(struct plot_range *range, double value);

// 1500000 is "1.5M", 20000 "20k", 0.5 "0.5".
const char *plot_number_text(double value, char text[PLOT_NUMBER_SIZE]);
// The same with three digits, always: 1234567 is "1.23M", 3 "3.00".
const char *plot_rounded_text(double value, char text[PLOT_NUMBER_SIZE]);
// 0.00002 is "20 µs", 1.5 "1.5 s".
const char *plot_seconds_text(double seconds, char text[PLOT_NUMBER_SIZE]);

// From 0 to a round number above the range. `axis` is x or y.
void plot_axis_linear(char axis, const struct plot_range *range, FILE *script);
// From one round number to another, a decade at least; all values must be positive. `text` writes the tics' labels.
void plot_axis_logarithmic(char axis, const struct plot_range *range,
			   const char *(*text)(double value, char text[PLOT_NUMBER_SIZE]), FILE *script);
