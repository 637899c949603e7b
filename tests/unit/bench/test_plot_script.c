// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_script.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct plot_table tables[2];
static struct plot_error error;
static char script[64 * 1024];

static void teardown(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		plot_table_finish(&tables[i]);
}

static void load_csv(size_t i, const char *name, const char *text)
{
	tables[i] = (struct plot_table){.name = name};
	ck_assert_msg(plot_table_parse_csv(&tables[i], text, strlen(text), &error) == 0, "%s", error.text);
}

static void load_json(size_t i, const char *name, const char *text)
{
	tables[i] = (struct plot_table){.name = name};
	ck_assert_msg(plot_table_parse_json(&tables[i], text, strlen(text), &error) == 0, "%s", error.text);
}

static int write_figure(enum plot_kind kind, uint32_t count, const char *const *labels)
{
	const struct plot_figure figure = {
		.kind = kind,
		.title = "It's\na_title",
		.tables = tables,
		.labels = labels,
		.count = count,
		.quantiles = {PLOT_P50_US, PLOT_P99_9_US},
		.quantile_count = 2,
	};
	FILE *stream = fmemopen(script, sizeof(script), "w");
	const int result = plot_script_write(&figure, stream, &error);
	fclose(stream);
	return result;
}

static void assert_has(const char *part)
{
	ck_assert_msg(strstr(script, part) != NULL, "'%s' is missing in:\n%s", part, script);
}

START_TEST(rows_are_drawn_in_the_order_of_their_load_in_seconds)
{
	load_csv(0, "dir/one.csv",
		 "rate,per_second,p50_us,p99_9_us\n2000,2000,20,500\n0,3000,25,600.5\n1000,999,15,100\n");
	ck_assert_int_eq(write_figure(PLOT_LATENCY, 1, NULL), 0);
	assert_has("set title 'It''s a_title'");
	assert_has("$file1 << END\n"
		   "1000 1.5e-05 0.0001\n"
		   "2000 2e-05 0.0005\n"
		   "3000 2.5e-05 0.0006005\n"
		   "END\n");
	assert_has("set xrange [0:3000]\n");
	assert_has("set yrange [1e-05:0.001]\n");
	assert_has("plot $file1 using 1:2 with linespoints");
	assert_has("linecolor rgb '#0072B2' dashtype 1 pointtype 5 title 'p50', \\\n     $file1 using 1:3");
	assert_has("linecolor rgb '#D55E00' dashtype 1 pointtype 7 title 'p99.9'\n");
	assert_has("set key outside right");
}
END_TEST

START_TEST(rounds_at_one_load_are_drawn_as_their_medians)
{
	load_json(0, "three.json",
		  "{\"rate\":1000,\"p50_us\":30,\"p99_9_us\":100}\n{\"rate\":2000,\"p50_us\":40,\"p99_9_us\":100}\n"
		  "{\"rate\":1000,\"p50_us\":10,\"p99_9_us\":900}\n{\"rate\":2000,\"p50_us\":50,\"p99_9_us\":300}\n"
		  "{\"rate\":1000,\"p50_us\":20,\"p99_9_us\":200}\n");
	ck_assert_int_eq(write_figure(PLOT_LATENCY, 1, NULL), 0);
	assert_has("$file1 << END\n1000 2e-05 0.0002\n2000 4.5e-05 0.0002\nEND\n");
}
END_TEST

START_TEST(several_files_have_a_colour_each_and_their_label_or_name)
{
	const char *const labels[] = {NULL, "it's \"two\""};
	load_csv(0, "dir.d/one.scan.csv", "rate,p50_us,p99_9_us\n1000,15,100\n");
	load_json(1, "two", "{\"rate\":2000,\"p50_us\":1,\"p99_9_us\":2}");
	ck_assert_int_eq(write_figure(PLOT_LATENCY, 2, labels), 0);
	assert_has("linecolor rgb '#0072B2' dashtype 1 pointtype 5 title 'one.scan p50'");
	assert_has("linecolor rgb '#0072B2' dashtype 2 pointtype 7 title 'one.scan p99.9'");
	assert_has("linecolor rgb '#D55E00' dashtype 2 pointtype 7 title 'it''s \"two\" p99.9'\n");
	ck_assert_int_eq(write_figure(PLOT_LATENCY, 2, NULL), 0);
	assert_has("title 'two p50'");
}
END_TEST

START_TEST(a_rate_that_was_not_reached_is_warned_of)
{
	static char text[1024];
	const struct plot_figure figure = {.tables = tables, .count = 1};
	load_csv(0, "in.csv", "rate,requests,unsent\n1,99,1\n2,880,120\n3,,7\n4,100,\n5,0,0\n");
	FILE *stream = fmemopen(text, sizeof(text), "w");
	plot_script_warn(&figure, stream);
	fclose(stream);
	ck_assert_str_eq(text, "warning: in.csv:3: 12 % of the requests due were never sent: the latencies drawn there "
			       "are too low\n");
}
END_TEST

START_TEST(throughput_has_a_curve_per_run)
{
	load_json(0, "a.json", "{\"rate\":1000,\"over_time\":[990,1010]}\n{\"rate\":20000,\"over_time\":[19000]}");
	load_csv(1, "b.csv", "second,requests\n1,500\n2,600\n");
	ck_assert_int_eq(write_figure(PLOT_THROUGHPUT, 2, NULL), 0);
	assert_has("$run1 << END\n1 990\n2 1010\nEND\n$run2 << END\n1 19000\nEND\n$run3 << END\n1 500\n2 600\nEND\n");
	assert_has("title 'a, 1k/s'");
	assert_has("title 'a, 20k/s'");
	assert_has("title 'b'\n");
	assert_has("set yrange [0:20000]");
}
END_TEST

static const struct bad {
	enum plot_kind kind;
	const char *csv, *error;
} bad[] = {
	{PLOT_LATENCY, "rate,p50_us\n10,1\n", "in.csv:2: no p99_9_us"},
	{PLOT_LATENCY, "rate,p50_us,p99_9_us\n10,1,2\n10,,2\n", "in.csv:3: no p50_us"},
	{PLOT_LATENCY, "rate,p50_us,p99_9_us\n10,1,0\n", "in.csv:2: p99_9_us is not above 0: nothing was answered"},
	{PLOT_LATENCY, "rate,p50_us,p99_9_us\n,1,2\n", "in.csv:2: neither rate nor per_second is above 0"},
	{PLOT_LATENCY, "per_second,p50_us,p99_9_us\n0,1,2\n", "in.csv:2: neither rate nor per_second is above 0"},
	{PLOT_THROUGHPUT, "rate,p50_us\n10,1\n", "in.csv:2: no over_time, as --json has it, and no column second"},
	{PLOT_THROUGHPUT, "second,requests\n1,2\n,3\n", "in.csv:3: no second"},
	{PLOT_THROUGHPUT, "second,requests\n1,\n", "in.csv:2: no requests"},
};

START_TEST(what_a_figure_needs_and_a_file_has_not_is_named)
{
	load_csv(0, "in.csv", bad[_i].csv);
	ck_assert_int_lt(write_figure(bad[_i].kind, 1, NULL), 0);
	ck_assert_str_eq(error.text, bad[_i].error);
}
END_TEST

START_TEST(more_runs_than_a_figure_can_show_are_refused)
{
	char text[4096] = "";
	for (int i = 0; i < PLOT_CURVES_MAX; i++)
		strcat(text, "{\"rate\":1,\"over_time\":[1]}\n");
	load_json(0, "full.json", text);
	ck_assert_int_eq(write_figure(PLOT_THROUGHPUT, 1, NULL), 0);
	load_json(1, "more.json", "{\"rate\":1,\"over_time\":[1]}");
	ck_assert_int_lt(write_figure(PLOT_THROUGHPUT, 2, NULL), 0);
	ck_assert_str_eq(error.text, "more.json: more than 24 runs in one figure");
}
END_TEST

START_TEST(quantiles_have_the_names_of_the_text_report)
{
	ck_assert_int_eq(plot_quantile_find("p99.9,max", 5), PLOT_P99_9_US);
	ck_assert_int_eq(plot_quantile_find("mean", 4), PLOT_MEAN_US);
	ck_assert_int_eq(plot_quantile_find("p99_9", 5), PLOT_COLUMNS);
	ck_assert_int_eq(plot_quantile_find("", 0), PLOT_COLUMNS);
	ck_assert_str_eq(plot_quantile_name(PLOT_P99_99_US), "p99.99");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/plot_script");
	TCase *tcase = tcase_create("script");
	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, rows_are_drawn_in_the_order_of_their_load_in_seconds);
	tcase_add_test(tcase, rounds_at_one_load_are_drawn_as_their_medians);
	tcase_add_test(tcase, several_files_have_a_colour_each_and_their_label_or_name);
	tcase_add_test(tcase, a_rate_that_was_not_reached_is_warned_of);
	tcase_add_test(tcase, throughput_has_a_curve_per_run);
	tcase_add_loop_test(tcase, what_a_figure_needs_and_a_file_has_not_is_named, 0, (int)ARRAY_SIZE(bad));
	tcase_add_test(tcase, more_runs_than_a_figure_can_show_are_refused);
	tcase_add_test(tcase, quantiles_have_the_names_of_the_text_report);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
