// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_axis.h"

#include "base/check.h"
#include "tests/unit/unit.h"

typedef void write_axis(char axis, const struct plot_range *range, FILE *script);

static const char *written(write_axis *write, double min, double max)
{
	static char text[4096];
	struct plot_range range = {0};
	FILE *script = fmemopen(text, sizeof(text), "w");
	if (max > 0) {
		plot_range_add(&range, max);
		plot_range_add(&range, min);
	}
	write('y', &range, script);
	fclose(script);
	return text;
}

static void write_latency_axis(char axis, const struct plot_range *range, FILE *script)
{
	plot_axis_logarithmic(axis, range, plot_seconds_text, script);
}

START_TEST(numbers_have_prefixes)
{
	static const struct {
		double value;
		const char *text, *seconds;
	} rows[] = {
		{0, "0", "0 ns"},
		{0.5, "0.5", "500 ms"},
		{20000, "20k", "2e+04 s"},
		{1500000, "1.5M", "1.5e+06 s"},
		{2e9, "2G", "2e+09 s"},
		{0.00002, "2e-05", "20 µs"},
		{5e-9, "5e-09", "5 ns"},
		{0.3 - 0.1 - 0.1, "0.1", "100 ms"},
		{999.9999999, "1k", "1000 s"},
	};
	char text[PLOT_NUMBER_SIZE];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_str_eq(plot_number_text(rows[i].value, text), rows[i].text);
		ck_assert_str_eq(plot_seconds_text(rows[i].value, text), rows[i].seconds);
	}
}
END_TEST

START_TEST(rounded_numbers_have_three_digits)
{
	char text[PLOT_NUMBER_SIZE];
	ck_assert_str_eq(plot_rounded_text(1234567, text), "1.23M");
	ck_assert_str_eq(plot_rounded_text(59449, text), "59.4k");
	ck_assert_str_eq(plot_rounded_text(161000, text), "161k");
	ck_assert_str_eq(plot_rounded_text(3, text), "3.00");
	ck_assert_str_eq(plot_rounded_text(0.2696, text), "0.27");
}
END_TEST

START_TEST(linear_axes_end_at_a_round_number)
{
	ck_assert_str_eq(
		written(plot_axis_linear, 100, 1300),
		"set yrange [0:1400]\nset ytics ('0' 0, '200' 200, '400' 400, '600' 600, '800' 800, '1k' 1000, "
		"'1.2k' 1200, '1.4k' 1400)\n");
	ck_assert_str_eq(written(plot_axis_linear, 0.1, 0.2),
			 "set yrange [0:0.2]\nset ytics ('0' 0, '0.02' 0.02, '0.04' 0.04, '0.06' 0.06, '0.08' 0.08, "
			 "'0.1' 0.1, '0.12' 0.12, '0.14' 0.14, '0.16' 0.16, '0.18' 0.18, '0.2' 0.2)\n");
	// Nothing to show is no reason for an empty range.
	ck_assert_str_eq(written(plot_axis_linear, 0, 0), written(plot_axis_linear, 1, 1));
}
END_TEST

START_TEST(latency_axes_span_at_least_a_decade)
{
	ck_assert_str_eq(
		written(write_latency_axis, 33e-6, 230e-6),
		"set logscale y 10\nset yrange [2e-05:0.0005]\n"
		"set ytics ('20 µs' 2e-05, '50 µs' 5e-05, '100 µs' 0.0001, '200 µs' 0.0002, '500 µs' 0.0005)\n");
	ck_assert_str_eq(written(write_latency_axis, 1e-3, 1e-3),
			 "set logscale y 10\nset yrange [0.001:0.01]\n"
			 "set ytics ('1 ms' 0.001, '2 ms' 0.002, '5 ms' 0.005, '10 ms' 0.01)\n");
	// From three decades on only whole ones have tics.
	ck_assert_str_eq(written(write_latency_axis, 1e-6, 2),
			 "set logscale y 10\nset yrange [1e-06:2]\n"
			 "set ytics ('1 µs' 1e-06, '10 µs' 1e-05, '100 µs' 0.0001, '1 ms' 0.001, '10 ms' 0.01, "
			 "'100 ms' 0.1, '1 s' 1)\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/plot_axis");
	TCase *tcase = tcase_create("axis");
	tcase_add_test(tcase, numbers_have_prefixes);
	tcase_add_test(tcase, rounded_numbers_have_three_digits);
	tcase_add_test(tcase, linear_axes_end_at_a_round_number);
	tcase_add_test(tcase, latency_axes_span_at_least_a_decade);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
