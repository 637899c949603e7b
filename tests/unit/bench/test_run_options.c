// SPDX-License-Identifier: Apache-2.0
// What the command line means. That bad ones are refused, and with which words: tests/integration.
#include "bench/run_options.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static struct run_options options;

enum { WORDS_MAX = 16 };

// The words after `run`, up to NULL.
static void parse(const char *const *words)
{
	char *argv[WORDS_MAX + 2] = {(char *)"run"};
	int argc = 1;
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	run_options_parse(argc, argv, &options);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void setup(void)
{
	unsetenv("EVAUTH_SERVER");
}

START_TEST(without_options_it_is_a_closed_loop_of_questions)
{
	PARSE();
	ck_assert_str_eq(options.load.server, "127.0.0.1:7420");
	ck_assert_double_eq(options.load.rate, 0);
	ck_assert_double_eq(options.load.seconds, 10);
	ck_assert_double_eq(options.load.warmup_s, 2);
	ck_assert_uint_eq(options.load.threads, 1);
	ck_assert_uint_eq(options.load.churn, 0);
	ck_assert_ptr_null(options.requests_file);
	ck_assert_str_eq(options.keys, "uniform");
	ck_assert(!options.has_writes);
	ck_assert_double_eq(options.scan.step, 0);
	ck_assert_double_eq(options.goal.share, 0);
	ck_assert_int_eq(options.format, RUN_FORMAT_TEXT);
}
END_TEST

START_TEST(requests_are_a_number_or_a_file)
{
	PARSE("--requests", "500");
	ck_assert_uint_eq(options.requests, 500);
	ck_assert_ptr_null(options.requests_file);
	PARSE("--requests", "500.jsonl");
	ck_assert_str_eq(options.requests_file, "500.jsonl");
	ck_assert_str_eq(options.keys, "file");
	PARSE("--requests", "-");
	ck_assert_str_eq(options.requests_file, "-");
}
END_TEST

START_TEST(keys_are_uniform_or_of_a_zipf_distribution)
{
	PARSE("--keys", "zipf");
	ck_assert_double_eq(options.mix.zipf_theta, 0.99);
	ck_assert_str_eq(options.keys, "zipf:0.99");
	PARSE("--keys", "zipf:1.25");
	ck_assert_double_eq(options.mix.zipf_theta, 1.25);
	ck_assert_str_eq(options.keys, "zipf:1.25");
	PARSE("--keys", "uniform");
	ck_assert_double_eq(options.mix.zipf_theta, 0);
}
END_TEST

START_TEST(a_goal_has_a_quantile_and_a_limit_with_its_unit)
{
	static const struct {
		const char *text;
		double share, limit_us;
	} rows[] = {{"p99=200us", 0.99, 200},   {"p50=1.5ms", 0.5, 1500}, {"p99.9=2ms", 0.999, 2000},
		    {"p99.99=1s", 0.9999, 1e6}, {"p90=7us", 0.9, 7},      {"max=3ms", 1, 3000}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		PARSE("--search", rows[i].text);
		ck_assert_double_eq(options.goal.share, rows[i].share);
		ck_assert_double_eq_tol(options.goal.limit_us, rows[i].limit_us, 1e-6);
		ck_assert_str_eq(options.goal.text, rows[i].text);
	}
	ck_assert_double_eq(options.load.seconds, 2); // of a step
	ck_assert_double_eq(options.load.warmup_s, 0.5);
}
END_TEST

START_TEST(a_scan_goes_from_one_rate_to_another_by_steps)
{
	PARSE("--scan", "10000:200000:5000", "--seconds", "0.25", "--arrivals", "poisson");
	ck_assert_double_eq(options.scan.from, 10000);
	ck_assert_double_eq(options.scan.to, 200000);
	ck_assert_double_eq(options.scan.step, 5000);
	ck_assert_double_eq(options.load.seconds, 0.25);
	ck_assert_int_eq(options.load.arrivals, LOAD_ARRIVALS_POISSON);
}
END_TEST

START_TEST(writes_have_a_rate_or_come_as_fast_as_they_are_answered)
{
	PARSE("--writes", "500", "--write-connections", "64");
	ck_assert(options.has_writes);
	ck_assert_double_eq(options.writes, 500);
	ck_assert_uint_eq(options.write_connections, 64);
	PARSE("--writes", "max");
	ck_assert(options.has_writes);
	ck_assert_double_eq(options.writes, 0);
	PARSE("--apply-share", "2.5", "--rate", "1000");
	ck_assert_double_eq(options.apply_share, 2.5);
}
END_TEST

START_TEST(passes_may_take_long_unless_told_otherwise)
{
	PARSE("--passes", "1");
	ck_assert_double_eq(options.load.seconds, 3600);
	PARSE("--passes", "1", "--seconds", "5");
	ck_assert_double_eq(options.load.seconds, 5);
}
END_TEST

START_TEST(a_rate_may_be_a_share_of_the_maximum)
{
	PARSE("--rate", "200%", "--rounds", "3", "--timeout-ms", "100");
	ck_assert_double_eq(options.load.rate, 0);
	ck_assert_double_eq(options.rate_share, 2);
	ck_assert_uint_eq(options.rounds, 3);
	ck_assert_uint_eq(options.load.timeout_ms, 100);
	ck_assert_double_eq(options.load.seconds, 2);
	PARSE("--rate", "1%");
	ck_assert_double_eq(options.rate_share, 0.01);
	ck_assert_uint_eq(options.rounds, 5);
}
END_TEST

START_TEST(the_other_options_reach_the_load)
{
	PARSE("--connections", "8", "--threads", "4", "--depth", "3", "--churn", "100", "--rate", "77", "--spin-us",
	      "12", "--seed", "9");
	ck_assert_uint_eq(options.load.connections, 8);
	ck_assert_uint_eq(options.load.threads, 4);
	ck_assert_uint_eq(options.load.depth, 3);
	ck_assert_uint_eq(options.load.churn, 100);
	ck_assert_double_eq(options.load.rate, 77);
	ck_assert_uint_eq(options.load.spin_us, 12);
	ck_assert_uint_eq(options.load.seed, 9);
	ck_assert_uint_eq(options.seed, 9);
	PARSE("--csv", "--csv-seconds", "x.csv");
	ck_assert_int_eq(options.format, RUN_FORMAT_CSV);
	ck_assert_str_eq(options.csv_seconds, "x.csv");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("run_options");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, without_options_it_is_a_closed_loop_of_questions);
	tcase_add_test(tcase, requests_are_a_number_or_a_file);
	tcase_add_test(tcase, keys_are_uniform_or_of_a_zipf_distribution);
	tcase_add_test(tcase, a_goal_has_a_quantile_and_a_limit_with_its_unit);
	tcase_add_test(tcase, a_scan_goes_from_one_rate_to_another_by_steps);
	tcase_add_test(tcase, writes_have_a_rate_or_come_as_fast_as_they_are_answered);
	tcase_add_test(tcase, passes_may_take_long_unless_told_otherwise);
	tcase_add_test(tcase, a_rate_may_be_a_share_of_the_maximum);
	tcase_add_test(tcase, the_other_options_reach_the_load);
	Suite *suite = suite_create("bench/run_options");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
