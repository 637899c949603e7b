// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_table.h"

#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int parse(struct plot_table *table, const char *text, size_t size, struct plot_error *error);

static struct plot_table table;
static struct plot_error error;

static void setup(void)
{
	table = (struct plot_table){.name = "in"};
}

static void teardown(void)
{
	plot_table_finish(&table);
}

// From memory of exactly this size, so that the address sanitizer sees a step too far.
static int parse_exactly(parse *parser, const char *text)
{
	const size_t size = strlen(text);
	char *copy = malloc(size > 0 ? size : 1);
	memcpy(copy, text, size);
	const int result = parser(&table, copy, size, &error);
	free(copy);
	return result;
}

START_TEST(csv_rows_are_read_by_the_names_of_their_columns)
{
	ck_assert_int_eq(parse_exactly(plot_table_parse_csv, "server,\"rate\",cpu,p99_us\r\n"
							     "127.0.0.1,5e3,\"AMD \"\"EPYC\"\", 2 cores\",12.5\r\n"
							     "\n"
							     ",,,\n"
							     "x,-7,,"),
			 0);
	ck_assert_uint_eq(table.count, 3);
	ck_assert_double_eq(table.rows[0].values[PLOT_RATE], 5000);
	ck_assert_double_eq(table.rows[0].values[PLOT_P99_US], 12.5);
	ck_assert(isnan(table.rows[0].values[PLOT_P50_US]));
	ck_assert(isnan(table.rows[1].values[PLOT_RATE]));
	ck_assert_double_eq(table.rows[2].values[PLOT_RATE], -7);
	ck_assert_uint_eq(table.rows[2].line, 5);
}
END_TEST

START_TEST(json_objects_are_read_one_after_the_other)
{
	ck_assert_int_eq(parse_exactly(plot_table_parse_json,
				       "\n{\"rate\":10,\"wrong\":false,\"errors\":{},\"p50_us\":1.5}\n"
				       "{\n\"rate\":20,\"over_time\":[1,2.5,3]} {\"over_time\":[]}\n"),
			 0);
	ck_assert_uint_eq(table.count, 3);
	ck_assert_double_eq(table.rows[0].values[PLOT_P50_US], 1.5);
	ck_assert_uint_eq(table.rows[0].line, 2);
	ck_assert_ptr_null(table.rows[0].over_time);
	ck_assert_uint_eq(table.rows[1].over_time_count, 3);
	ck_assert_double_eq(table.rows[1].over_time[1], 2.5);
	ck_assert_uint_eq(table.rows[2].line, 4);
	ck_assert_uint_eq(table.rows[2].over_time_count, 0);
}
END_TEST

static const struct bad {
	parse *parser;
	const char *text, *error;
} bad[] = {
	{plot_table_parse_csv, "rate,p99_us\n1,fast\n", "in:2: column 2 (p99_us): 'fast' is not a number"},
	{plot_table_parse_csv, "rate,p99_us\n1,2\n0x10,2\n", "in:3: column 1 (rate): '0x10' is not a number"},
	{plot_table_parse_csv, "rate\nnan\n", "in:2: column 1 (rate): 'nan' is not a number"},
	{plot_table_parse_csv, "rate\n1e999\n", "in:2: column 1 (rate): '1e999' is not a number"},
	{plot_table_parse_csv, "rate\n 1\n", "in:2: column 1 (rate): ' 1' is not a number"},
	{plot_table_parse_csv, "rate\n\"1\"\"\"\n", "in:2: column 1 (rate): '1\"\"' is not a number"},
	{plot_table_parse_csv, "rate,p99_us\n1\n", "in:2: fewer than the 2 columns of the first line"},
	{plot_table_parse_csv, "rate,p99_us\n1,2,3\n", "in:2: more than the 2 columns of the first line"},
	{plot_table_parse_csv, "rate,cpu\n1,\"AMD\n", "in:2: column 2: the quote is not closed"},
	{plot_table_parse_csv, "rate,cpu\n1,\"AMD", "in:2: column 2: the quote is not closed"},
	{plot_table_parse_csv, "rate,cpu\n1,\"AMD\"\"", "in:2: column 2: the quote is not closed"},
	{plot_table_parse_csv, "rate,cpu\n1,\"AMD\" EPYC\n", "in:2: column 2: a comma is missing after the quote"},
	{plot_table_parse_csv, "rate,cpu\n", "in: no rows after the line of column names"},
	{plot_table_parse_csv, "once,upon,a,time\n",
	 "in:1: no report of evauth-bench: no column has a name like per_second"},
	{plot_table_parse_json, "{\"rate\":1}\n{\"rate\":\"x\"}", "in:2: rate is not a number"},
	{plot_table_parse_json, "{\"over_time\":7}", "in:1: over_time is not an array"},
	{plot_table_parse_json, "{\"over_time\":[1,null]}", "in:1: over_time: value 2 is not a number"},
	{plot_table_parse_json, "{\"rate\":1}\n[1]\n", "in:2: not an object: {...} is expected"},
	{plot_table_parse_json, "{\"rate\":1}\n{\"rate\":}\n", "in:2:9: unexpected token near '}'"},
	{plot_table_parse_json, "{\"rate\":1,\"rate\":2}", "in:1:16: duplicate object key near '\"rate\"'"},
};

START_TEST(bad_input_is_refused_with_its_place)
{
	ck_assert_int_lt(parse_exactly(bad[_i].parser, bad[_i].text), 0);
	ck_assert_str_eq(error.text, bad[_i].error);
}
END_TEST

START_TEST(many_rows_and_columns_are_read_up_to_their_limits)
{
	static char text[2 * PLOT_ROWS_MAX + 16] = "rate\n";
	for (size_t i = 0; i < PLOT_ROWS_MAX; i++)
		memcpy(text + 5 + 2 * i, "1\n", 2);
	ck_assert_int_eq(parse_exactly(plot_table_parse_csv, text), 0);
	ck_assert_uint_eq(table.count, PLOT_ROWS_MAX);
	plot_table_finish(&table);
	strcat(text, "1\n");
	ck_assert_int_lt(parse_exactly(plot_table_parse_csv, text), 0);
	ck_assert_str_eq(error.text, "in:100002: more than 100000 rows");
	plot_table_finish(&table);

	memset(text, ',', 256);
	memcpy(text, "rate", 4);
	text[256] = '\0'; // 253 columns
	strcat(text, ",,,\n1");
	ck_assert_int_lt(parse_exactly(plot_table_parse_csv, text), 0);
	ck_assert_str_eq(error.text, "in:2: fewer than the 256 columns of the first line");
	memset(text + 256, ',', 4);
	ck_assert_int_lt(parse_exactly(plot_table_parse_csv, text), 0);
	ck_assert_str_eq(error.text, "in:1: more than 256 columns");
}
END_TEST

START_TEST(a_file_is_csv_or_json_by_how_it_begins)
{
	static const struct {
		const char *text, *error;
		size_t rows;
	} rows[] = {
		{"rate\n1\n2\n", "", 2},
		{"  \n{\"rate\":1}", "", 1},
		{"", "%s: empty", 0},
		{" \n\n", "%s: empty", 0},
	};
	char name[] = "/tmp/evauth-test-XXXXXX", expected[PLOT_ERROR_SIZE];
	const int fd = mkstemp(name);
	const size_t size = strlen(rows[_i].text);
	ck_assert_int_eq(write(fd, rows[_i].text, size), (int)size);
	close(fd);
	const int result = plot_table_read(name, &table, &error);
	unlink(name);
	snprintf(expected, sizeof(expected), rows[_i].error, name);
	ck_assert_int_eq(result == 0, rows[_i].rows > 0);
	ck_assert_uint_eq(table.count, rows[_i].rows);
	if (result < 0)
		ck_assert_str_eq(error.text, expected);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
	ck_assert_int_lt(plot_table_read("/nowhere/at/all", &table, &error), 0);
	ck_assert_str_eq(error.text, "/nowhere/at/all: No such file or directory");
	ck_assert_int_lt(plot_table_read("/", &table, &error), 0);
	ck_assert_str_eq(error.text, "/: Is a directory");
	ck_assert_int_lt(plot_table_read("/dev/zero", &table, &error), 0);
	ck_assert_str_eq(error.text, "/dev/zero: larger than 16 MiB");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/plot_table");
	TCase *tcase = tcase_create("table");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, csv_rows_are_read_by_the_names_of_their_columns);
	tcase_add_test(tcase, json_objects_are_read_one_after_the_other);
	tcase_add_loop_test(tcase, bad_input_is_refused_with_its_place, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tcase, many_rows_and_columns_are_read_up_to_their_limits);
	tcase_add_loop_test(tcase, a_file_is_csv_or_json_by_how_it_begins, 0, 4);
	tcase_add_test(tcase, a_file_that_cannot_be_read_is_named);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
