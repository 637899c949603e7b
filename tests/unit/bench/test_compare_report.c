// SPDX-License-Identifier: Apache-2.0
#include "bench/compare_report.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3 };

static struct compare_options options;
static struct compare *compare; // of evauthd and echo at depth 16
static char *text;

static struct compare_run run_with(double per_second, double p99_us)
{
	return (struct compare_run){.figures = {[COMPARE_PER_SECOND] = per_second,
						[COMPARE_SERVER_CPU_US] = 0.5,
						[COMPARE_P50_US] = 10,
						[COMPARE_P99_US] = p99_us,
						[COMPARE_P99_9_US] = 2 * p99_us,
						[COMPARE_CLIENT_SHARE] = 0.7,
						[COMPARE_WRITES_PER_SECOND] = 999,
						[COMPARE_WRITE_P99_US] = 321}};
}

static void setup(void)
{
	options = (struct compare_options){.tokens = 1000000,
					   .connections = 50,
					   .workers = 1,
					   .value_size = 150,
					   .write_connections = 8,
					   .depths = {16},
					   .depth_count = 1,
					   .rounds = ROUNDS,
					   .seconds = 1};
	compare = calloc(1, sizeof(*compare));
	compare->options = &options;
	compare->peer_count = 2;
	compare->peers[0].class = &peer_class_evauthd;
	compare->peers[1].class = &peer_class_echo;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		compare->runs[0][0][round] = run_with(500000, 250 + 10 * round);
		compare->runs[1][0][round] = run_with(1000000, 100);
	}
}

static void teardown(void)
{
	free(text);
	text = NULL;
	free(compare);
}

static const char *written(void (*report)(const struct compare *compare, FILE *stream))
{
	size_t size;
	free(text);
	text = NULL;
	FILE *stream = open_memstream(&text, &size);
	report(compare, stream);
	fclose(stream);
	return text;
}

static void write_at_half_of_the_maximum(void)
{
	options.rate_share = 0.5;
	options.has_writes = true;
	options.writes = 1000;
	for (uint32_t round = 0; round < ROUNDS; round++)
		compare->maxima[0][round] = run_with(900000 + 100000 * round, 50);
}

#define ASSERT_HAS(text, part) ck_assert_msg(strstr(text, part), "no '%s' in:\n%s", part, text)
#define ASSERT_LACKS(text, part) ck_assert_msg(!strstr(text, part), "'%s' in:\n%s", part, text)

START_TEST(a_closed_loop_is_held_to_throughput)
{
	const char *report = written(compare_report_text);
	ASSERT_HAS(report, "50 connections, closed loop, 3 rounds");
	ASSERT_HAS(report, "target 0.60 MISSED");
	ASSERT_LACKS(report, "p99.9");
	ASSERT_LACKS(report, "maximum");
	ASSERT_LACKS(report, "writes");
	compare->runs[0][0][0] = compare->runs[0][0][1] = run_with(700000, 250);
	ASSERT_HAS(written(compare_report_text), "target 0.60 reached");
	report = written(compare_report_json);
	ASSERT_HAS(report, "\"target\":0.60");
	ASSERT_LACKS(report, "p99_target");
	ASSERT_LACKS(report, "\"maximum\"");
	ASSERT_LACKS(report, "\"writes\"");
}
END_TEST

START_TEST(half_of_the_maximum_beside_writes_is_held_to_p99)
{
	write_at_half_of_the_maximum();
	const char *report = written(compare_report_text);
	ASSERT_HAS(report, "open loop at 50 % of evauthd's maximum");
	ASSERT_HAS(report, "from 8 connections, 1000 changes/s");
	ASSERT_HAS(report, "   900000   1000000   1100000  of evauthd, closed loop without writes");
	ASSERT_HAS(report, "p99.9");
	ASSERT_HAS(report, "     0.37      0.38      0.40"); // 100 / 270, / 260, / 250
	ASSERT_HAS(report, "target 0.33 reached");
	ASSERT_HAS(report, "999     321.0");
	compare->runs[0][0][1] = compare->runs[0][0][2] = run_with(500000, 310);
	ASSERT_HAS(written(compare_report_text), "target 0.33 MISSED");
	report = written(compare_report_json);
	ASSERT_HAS(report, "\"p99_target\":0.33");
	ASSERT_LACKS(report, "\"target\"");
	ASSERT_HAS(report, "\"rate_share\":0.5");
	ASSERT_HAS(report, "\"maximum\":{\"min\":900000,\"median\":1000000,\"max\":1100000}");
	ASSERT_HAS(report, "\"writes\":1000,\"write_connections\":8");
}
END_TEST

START_TEST(another_load_is_held_to_nothing)
{
	write_at_half_of_the_maximum();
	options.rate_share = 0.6;
	ASSERT_LACKS(written(compare_report_text), "target");
	options.rate_share = 0;
	ASSERT_LACKS(written(compare_report_text), "target");
	options.has_writes = false;
	options.tokens = 1000;
	ASSERT_LACKS(written(compare_report_text), "target");
}
END_TEST

START_TEST(what_was_never_sent_is_said)
{
	options.rate = 1000;
	ASSERT_LACKS(written(compare_report_text), "UNSENT");
	compare->runs[1][0][2].figures[COMPARE_UNSENT] = 17;
	ASSERT_HAS(written(compare_report_text), "up to 17 UNSENT");
}
END_TEST

// ---------------------------------------------------------------- disturbed runs

// The cell of `column` in line `number`, from 0, of CSV without quotes.
static void csv_cell(const char *csv, int number, const char *column, char cell[64])
{
	char header[1024], line[1024];
	snprintf(header, sizeof(header), "%.*s", (int)strcspn(csv, "\n"), csv);
	for (int i = 0; i < number; i++)
		csv += strcspn(csv, "\n") + 1;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(csv, "\n"), csv);
	char *names = header, *cells = line, *name;
	while ((name = strsep(&names, ",")) != NULL) {
		const char *value = strsep(&cells, ",");
		ck_assert_ptr_nonnull(value);
		if (strcmp(name, column) == 0) {
			snprintf(cell, 64, "%s", value);
			return;
		}
	}
	ck_abort_msg("no column %s", column);
}

START_TEST(csv_has_a_row_per_run)
{
	static const struct {
		int line;
		const char *column, *cell;
	} rows[] = {
		{1, "peer", "evauthd"},    {1, "round", "1"},
		{1, "rate", "450000"},     {2, "peer", "echo"},
		{2, "rate", "450000"},     {2, "p99_us", "100.0"},
		{6, "peer", "echo"},       {6, "round", "3"},
		{6, "maximum", "1100000"}, {6, "rate", "550000"},
		{5, "p99_us", "270.0"},    {5, "p99_9_us", "540.0"},
		{5, "depth", "16"},        {1, "write_p99_us", "321.0"},
		{1, "disturbed", "false"},
	};
	write_at_half_of_the_maximum();
	const char *csv = written(compare_report_csv);
	char cell[64];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		csv_cell(csv, rows[i].line, rows[i].column, cell);
		ck_assert_str_eq(cell, rows[i].cell);
	}
	uint32_t lines = 0;
	for (const char *at = csv; *at; at++)
		lines += *at == '\n';
	ck_assert_uint_eq(lines, 1 + 2 * ROUNDS);
	options.rate_share = 0;
	csv_cell(written(compare_report_csv), 1, "maximum", cell);
	ck_assert_str_eq(cell, "");
}
END_TEST

START_TEST(a_disturbed_run_that_was_kept_is_marked_in_every_form)
{
	char cell[64];
	ASSERT_LACKS(written(compare_report_text), "DISTURBED");
	ASSERT_HAS(written(compare_report_json), "\"disturbed\":0");
	compare->runs[1][0][0].is_disturbed = compare->runs[1][0][2].is_disturbed = true;
	const char *report = written(compare_report_text);
	ASSERT_HAS(report, "2 DISTURBED runs were kept");
	ASSERT_HAS(report, "2 of 3 DISTURBED");
	ASSERT_LACKS(report, "1 of 3");
	report = written(compare_report_json);
	ASSERT_HAS(report, "\"disturbed\":2");
	ASSERT_HAS(report, "\"disturbed_rounds\":[1,3]");
	ASSERT_HAS(report, "\"disturbed_rounds\":[]");
	report = written(compare_report_csv);
	static const char *const marks[] = {"false", "true", "false", "false", "false", "true"};
	for (int i = 0; i < 2 * ROUNDS; i++) {
		csv_cell(report, i + 1, "disturbed", cell);
		ck_assert_str_eq(cell, marks[i]);
	}
}
END_TEST

START_TEST(a_disturbed_maximum_marks_all_that_its_rate_was_for)
{
	write_at_half_of_the_maximum();
	compare->maxima[0][1].is_disturbed = true;
	ASSERT_HAS(written(compare_report_text), "2 DISTURBED runs were kept");
	const char *first = strstr(written(compare_report_json), "\"disturbed_rounds\":[2]");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_nonnull(strstr(first + 1, "\"disturbed_rounds\":[2]"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("compare_report");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_closed_loop_is_held_to_throughput);
	tcase_add_test(tcase, half_of_the_maximum_beside_writes_is_held_to_p99);
	tcase_add_test(tcase, another_load_is_held_to_nothing);
	tcase_add_test(tcase, what_was_never_sent_is_said);
	tcase_add_test(tcase, csv_has_a_row_per_run);
	tcase_add_test(tcase, a_disturbed_run_that_was_kept_is_marked_in_every_form);
	tcase_add_test(tcase, a_disturbed_maximum_marks_all_that_its_rate_was_for);
	Suite *suite = suite_create("bench/compare_report");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
