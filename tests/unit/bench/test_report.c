// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct load_result result;
static const struct load_options options = {.connections = 50, .depth = 16};

static void setup(void)
{
	result = (struct load_result){
		.seconds = 2, .answers = 1000, .client_cpu_s = 1, .server_cpu_s = -1, .other_cpu_s = -1};
	for (uint64_t us = 1; us <= 100; us++)
		histogram_add(&result.latency_ns, us * 1000);
}

static const char *written(void (*write)(const struct report *report, FILE *stream))
{
	static char text[4096];
	const struct report report = {.options = &options, .result = &result, .batch = 4};
	FILE *stream = fmemopen(text, sizeof(text), "w");
	write(&report, stream);
	fclose(stream);
	return text;
}

START_TEST(text_has_rate_decisions_and_latencies)
{
	const char *text = written(report_text);
	ck_assert_ptr_nonnull(strstr(text, "50 connections, depth 16, closed loop"));
	ck_assert_ptr_nonnull(strstr(text, "500 requests/s, 2000 decisions/s"));
	ck_assert_ptr_nonnull(strstr(text, "max 100.0 us"));
	ck_assert_ptr_nonnull(strstr(text, "client cpu"));
	ck_assert_ptr_null(strstr(text, "server cpu"));
	result.server_cpu_s = 0.5;
	result.other_cpu_s = 0.1;
	result.errors[8] = 3;
	text = written(report_text);
	ck_assert_ptr_nonnull(strstr(text, "server cpu   0.50 s, 25 % of a core"));
	ck_assert_ptr_nonnull(strstr(text, "other cpu    0.10 s, 5 % of a core"));
	ck_assert_ptr_nonnull(strstr(text, "3 RESOURCE_EXHAUSTED"));
}
END_TEST

START_TEST(json_is_one_line_with_the_same)
{
	result.errors[8] = 3;
	result.errors[14] = 1;
	const char *text = written(report_json);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_ptr_nonnull(strstr(text, "\"per_second\":500,"));
	ck_assert_ptr_nonnull(strstr(text, "\"max_us\":100.0"));
	ck_assert_ptr_nonnull(strstr(text, "\"errors\":{\"RESOURCE_EXHAUSTED\":3,\"UNAVAILABLE\":1}"));
	ck_assert_ptr_nonnull(strstr(text, "\"wrong\":false,"));
}
END_TEST

START_TEST(what_spoils_a_measurement_is_told_about)
{
	ck_assert_str_eq(written(report_warnings), "");
	result.client_busiest = 0.96;
	ck_assert_ptr_nonnull(strstr(written(report_warnings), "bottleneck"));
	result.client_busiest = 0.5;
	result.other_cpu_s = 0.5;
	ck_assert_ptr_nonnull(strstr(written(report_warnings), "something else on this machine used 25 %"));
	result.other_cpu_s = 0;
	result.unsent = 7;
	ck_assert_ptr_nonnull(strstr(written(report_warnings), "7 requests"));
}
END_TEST

START_TEST(a_run_is_clean_when_all_answers_came_and_were_right)
{
	ck_assert(report_is_clean(&result));
	result.unanswered = 1;
	ck_assert(!report_is_clean(&result));
	result.unanswered = 0;
	result.errors[31] = 1;
	ck_assert(!report_is_clean(&result));
	result.errors[31] = 0;
	result.is_wrong = true;
	ck_assert(!report_is_clean(&result));
	result.is_wrong = false;
	result.answers = 0;
	ck_assert(!report_is_clean(&result));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, text_has_rate_decisions_and_latencies);
	tcase_add_test(tcase, json_is_one_line_with_the_same);
	tcase_add_test(tcase, what_spoils_a_measurement_is_told_about);
	tcase_add_test(tcase, a_run_is_clean_when_all_answers_came_and_were_right);
	Suite *suite = suite_create("bench/report");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
