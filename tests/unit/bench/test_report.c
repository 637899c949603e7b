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

// The cells of a row of CSV without quoted ones.
static uint32_t split(char *row, char **cells)
{
	uint32_t count = 0;
	row[strcspn(row, "\n")] = '\0';
	for (char *at = row; at;)
		cells[count++] = strsep(&at, ",");
	return count;
}

static void csv_header(const struct report *report, FILE *stream)
{
	(void)report;
	report_csv_header(stream);
}

static char *cell_of(const char *name)
{
	static char header[4096], row[4096];
	char *names[100], *cells[100];
	strcpy(header, written(csv_header));
	strcpy(row, written(report_csv));
	const uint32_t count = split(header, names);
	ck_assert_uint_eq(split(row, cells), count);
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return cells[i];
	}
	ck_abort_msg("no column %s", name);
}

START_TEST(csv_has_the_columns_that_the_header_file_lists)
{
	ck_assert_str_eq(
		written(csv_header),
		"server,connections,threads,depth,batch,rate,arrivals,keys,tokens,seconds,requests,per_second,"
		"decisions_per_second,mean_us,p50_us,p90_us,p99_us,p99_9_us,p99_99_us,max_us,late_p99_us,client_cpu_s,"
		"client_cpu_us,server_cpu_s,server_cpu_us,other_cpu_s,timeout_ms,good,good_per_second,late,refused,"
		"dropped,error_count,"
		"unanswered,unsent,wrong,connects,"
		"connect_p50_us,connect_p99_us,writes,writes_per_second,write_p50_us,write_p99_us,write_p99_9_us,"
		"write_max_us,write_error_count,cpu,cores,kernel,bench_version,server_version,started_at\n");
}
END_TEST

START_TEST(a_row_of_csv_has_the_figures_and_nothing_for_what_was_not_measured)
{
	result.errors[8] = 3;
	result.errors[14] = 1;
	result.beside.answers = 400;
	histogram_add(&result.beside.latency_ns, 2000000);
	histogram_add(&result.late_ns, 7000);
	ck_assert_str_eq(cell_of("connections"), "50");
	ck_assert_str_eq(cell_of("threads"), "1");
	ck_assert_str_eq(cell_of("arrivals"), "closed");
	ck_assert_str_eq(cell_of("per_second"), "500");
	ck_assert_str_eq(cell_of("decisions_per_second"), "2000");
	ck_assert_str_eq(cell_of("mean_us"), "50.5");
	ck_assert_str_eq(cell_of("max_us"), "100.0");
	ck_assert_str_eq(cell_of("late_p99_us"), "7.0");
	ck_assert_str_eq(cell_of("client_cpu_us"), "1000.000");
	ck_assert_str_eq(cell_of("server_cpu_s"), "");
	ck_assert_str_eq(cell_of("server_cpu_us"), "");
	ck_assert_str_eq(cell_of("error_count"), "4");
	ck_assert_str_eq(cell_of("wrong"), "false");
	ck_assert_str_eq(cell_of("writes_per_second"), "200");
	ck_assert_str_eq(cell_of("write_max_us"), "2000.0");
	ck_assert_str_eq(cell_of("keys"), "");
	ck_assert_str_eq(cell_of("kernel"), "");
	result.server_cpu_s = 0.25;
	ck_assert_str_eq(cell_of("server_cpu_us"), "250.000");
}
END_TEST

START_TEST(texts_are_quoted_where_they_must_be)
{
	static char text[4096];
	const struct environment environment = {.cpu = "A \"fast\", new one", .kernel = "Linux 6", .cores = 2};
	const struct report report = {
		.options = &options, .result = &result, .keys = "zipf:0.99", .environment = &environment};
	FILE *stream = fmemopen(text, sizeof(text), "w");
	report_csv(&report, stream);
	report_json(&report, stream);
	fclose(stream);
	ck_assert_ptr_nonnull(strstr(text, ",\"A \"\"fast\"\", new one\",2,Linux 6,"));
	ck_assert_ptr_nonnull(strstr(text, "\"cpu\":\"A \\\"fast\\\", new one\",\"cores\":2,"));
	ck_assert_ptr_nonnull(strstr(text, "\"keys\":\"zipf:0.99\""));
}
END_TEST

START_TEST(every_second_is_told_in_all_formats)
{
	result.over_time_count = 3;
	result.over_time[0] = 10;
	result.over_time[2] = 30;
	ck_assert_str_eq(written(report_csv_seconds), "second,requests\n1,10\n2,0\n3,30\n");
	ck_assert_ptr_nonnull(strstr(written(report_json), "\"over_time\":[10,0,30]}"));
	ck_assert_ptr_nonnull(strstr(written(report_text), "each second  10 0 30\n"));
}
END_TEST

START_TEST(writes_and_connections_made_anew_are_told_when_there_were_any)
{
	const struct load_beside beside = {.connections = 1};
	const struct load_options busy = {.connections = 4,
					  .depth = 1,
					  .threads = 2,
					  .rate = 100,
					  .churn = 5,
					  .beside = &beside,
					  .arrivals = LOAD_ARRIVALS_POISSON};
	static char text[4096];
	ck_assert_ptr_null(strstr(written(report_text), "writes"));
	ck_assert_ptr_null(strstr(written(report_text), "connects"));
	result.beside.answers = 6;
	result.beside.errors[14] = 2;
	histogram_add(&result.connect_ns, 5000);
	FILE *stream = fmemopen(text, sizeof(text), "w");
	report_text(&(struct report){.options = &busy, .result = &result}, stream);
	fclose(stream);
	ck_assert_ptr_nonnull(strstr(text, "2 threads, open loop at 100 requests/s, Poisson arrivals"));
	ck_assert_ptr_nonnull(strstr(text, "writes       6, 3 a second"));
	ck_assert_ptr_nonnull(strstr(text, "write errors       2 UNAVAILABLE"));
	ck_assert_ptr_nonnull(strstr(text, "connects     1\n"));
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
	result.unsent = 0;
	result.beside.unsent = 3;
	ck_assert_ptr_nonnull(strstr(written(report_warnings), "3 writes"));
	result.beside.unsent = 0;
	histogram_add(&result.late_ns, 51000);
	ck_assert_ptr_nonnull(strstr(written(report_warnings), "sent up to 51 us late"));
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
	result.is_incomplete = true;
	ck_assert(!report_is_clean(&result));
	result.is_incomplete = false;
	result.beside.errors[14] = 1;
	ck_assert(!report_is_clean(&result));
	result.beside.errors[14] = 0;
	result.beside.unanswered = 1;
	ck_assert(!report_is_clean(&result));
	result.beside.unanswered = 0;
	ck_assert(report_is_clean(&result));
	result.answers = 0;
	ck_assert(!report_is_clean(&result));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("report");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, text_has_rate_decisions_and_latencies);
	tcase_add_test(tcase, csv_has_the_columns_that_the_header_file_lists);
	tcase_add_test(tcase, a_row_of_csv_has_the_figures_and_nothing_for_what_was_not_measured);
	tcase_add_test(tcase, texts_are_quoted_where_they_must_be);
	tcase_add_test(tcase, every_second_is_told_in_all_formats);
	tcase_add_test(tcase, writes_and_connections_made_anew_are_told_when_there_were_any);
	tcase_add_test(tcase, json_is_one_line_with_the_same);
	tcase_add_test(tcase, what_spoils_a_measurement_is_told_about);
	tcase_add_test(tcase, a_run_is_clean_when_all_answers_came_and_were_right);
	Suite *suite = suite_create("bench/report");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
