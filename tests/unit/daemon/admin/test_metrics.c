// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/metrics.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct figures figures;
static struct replication replication;
static struct text text;

static void setup(void)
{
	replication = (struct replication){.state = REPLICATION_STATE_DIVERGED, .lag_ms = 1500, .stale_ms = UINT64_MAX};
	figures = (struct figures){.phase = FIGURES_SERVING};
	figures.methods[1].name = "Authorize";
	text = (struct text){0};
}

static void teardown(void)
{
	text_finish(&text);
}

static void expect_line(const char *line)
{
	char wanted[256];
	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	text_finish(&text);
	metrics_write(&figures, &text);
	ck_assert(!text.has_failed);
	ck_assert_msg(strstr(text.data, wanted) != NULL, "no line %s", line);
}

static bool has(const char *part)
{
	text_finish(&text);
	metrics_write(&figures, &text);
	return strstr(text.data, part) != NULL;
}

START_TEST(values_are_written_in_their_base_units)
{
	figures.store.revision = UINT64_MAX;
	figures.replication = &replication;
	expect_line("evauth_revision 18446744073709551615");
	expect_line("evauth_replication_lag_seconds 1.5");
	expect_line("evauth_replication_stale_seconds +Inf");
	replication.stale_ms = 250;
	expect_line("evauth_replication_stale_seconds 0.25");
}
END_TEST

START_TEST(handshakes_are_told_by_kind_and_by_why_they_failed)
{
	struct figures_connections *connections = &figures.connections;
	connections->handshakes_full = 2;
	connections->handshakes_resumed = 3;
	connections->ended[CONN_END_DISPLACED] = 4;
	connections->handshakes_left = 5;
	connections->ended[CONN_END_HANDSHAKE_TIMEOUT] = 6;
	connections->handshakes_failed[TLS_FAILURE_EXPIRED] = 7;
	expect_line("evauth_tls_handshakes_total{kind=\"full\"} 2");
	expect_line("evauth_tls_handshakes_total{kind=\"resumed\"} 3");
	expect_line("evauth_limit_hits_total{limit=\"tls-handshakes-max\"} 4");
	expect_line("evauth_tls_handshakes_failed_total{reason=\"left\"} 5");
	expect_line("evauth_tls_handshakes_failed_total{reason=\"timeout\"} 6");
	expect_line("evauth_tls_handshakes_failed_total{reason=\"displaced\"} 4");
	expect_line("evauth_tls_handshakes_failed_total{reason=\"expired\"} 7");
	expect_line("evauth_tls_handshakes_failed_total{reason=\"untrusted\"} 0");
	ck_assert(!has("reason=\"none\""));
}
END_TEST

START_TEST(a_histogram_counts_everything_up_to_each_bound)
{
	figures.methods[1].time_ns.counts[0] = 2;
	figures.methods[1].time_ns.counts[2] = 1;
	figures.methods[1].time_ns.counts[buckets_request_ns.count] = 4;
	figures.methods[1].time_ns.sum = 2000000000;
	expect_line("evauth_request_duration_seconds_bucket{method=\"Authorize\",le=\"1e-05\"} 2");
	expect_line("evauth_request_duration_seconds_bucket{method=\"Authorize\",le=\"2.5e-05\"} 2");
	expect_line("evauth_request_duration_seconds_bucket{method=\"Authorize\",le=\"5e-05\"} 3");
	expect_line("evauth_request_duration_seconds_bucket{method=\"Authorize\",le=\"5\"} 3");
	expect_line("evauth_request_duration_seconds_bucket{method=\"Authorize\",le=\"+Inf\"} 7");
	expect_line("evauth_request_duration_seconds_sum{method=\"Authorize\"} 2");
	expect_line("evauth_request_duration_seconds_count{method=\"Authorize\"} 7");
	figures.writer.commit_sets.counts[1] = 1;
	expect_line("evauth_commit_sets_bucket{le=\"2\"} 1");
	expect_line("evauth_commit_sets_count 1");
}
END_TEST

START_TEST(answers_and_decisions_have_their_labels)
{
	figures.methods[1].answers[STATUS_INVALID_ARGUMENT] = 3;
	figures.unknown_methods = 2;
	figures.decisions[VERDICT_DENIED][REASON_UNKNOWN_TOKEN] = 5;
	expect_line("evauth_requests_total{method=\"Authorize\",status=\"OK\"} 0");
	expect_line("evauth_requests_total{method=\"Authorize\",status=\"INVALID_ARGUMENT\"} 3");
	expect_line("evauth_requests_total{method=\"unknown\",status=\"UNIMPLEMENTED\"} 2");
	expect_line("evauth_decisions_total{verdict=\"DENIED\",reason=\"UNKNOWN_TOKEN\"} 5");
	expect_line("evauth_decisions_total{verdict=\"ALLOWED\",reason=\"OK\"} 0");
	ck_assert(!has("verdict=\"ALLOWED\",reason=\"UNKNOWN_TOKEN\""));
	ck_assert(!has("status=\"INTERNAL\""));
}
END_TEST

START_TEST(one_state_of_replication_is_set_and_none_without_redis)
{
	ck_assert(!has("evauth_replication"));
	ck_assert(!has("evauth_digest_info"));
	figures.replication = &replication;
	expect_line("evauth_replication_state{state=\"DIVERGED\"} 1");
	expect_line("evauth_replication_state{state=\"FOLLOWING\"} 0");
	expect_line("evauth_ready 0");
	ck_assert(has("evauth_digest_info{epoch=\""));
}
END_TEST

START_TEST(before_and_after_serving_there_is_little_to_tell)
{
	figures.phase = FIGURES_LOADING;
	expect_line("evauth_ready 0");
	ck_assert(!has("evauth_revision"));
	figures.phase = FIGURES_STOPPED;
	ck_assert(!has("evauth_requests_total"));
	ck_assert(has("evauth_build_info"));
}
END_TEST

START_TEST(text_that_grows_too_long_fails)
{
	for (int i = 0; i < TEXT_MAX / 8 - 1; i++)
		text_add(&text, "%s", "12345678");
	ck_assert(!text.has_failed);
	ck_assert_uint_eq(text.size, TEXT_MAX - 8);
	text_add(&text, "%s", "12345678");
	ck_assert(text.has_failed);
	ck_assert_uint_eq(text.size, TEXT_MAX - 8);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("metrics");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, values_are_written_in_their_base_units);
	tcase_add_test(tcase, handshakes_are_told_by_kind_and_by_why_they_failed);
	tcase_add_test(tcase, a_histogram_counts_everything_up_to_each_bound);
	tcase_add_test(tcase, answers_and_decisions_have_their_labels);
	tcase_add_test(tcase, one_state_of_replication_is_set_and_none_without_redis);
	tcase_add_test(tcase, before_and_after_serving_there_is_little_to_tell);
	tcase_add_test(tcase, text_that_grows_too_long_fails);
	Suite *suite = suite_create("daemon/admin/metrics");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
