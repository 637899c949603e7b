// SPDX-License-Identifier: Apache-2.0
#include "cli/span.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct bin buckets_before[4], buckets_now[4];
static struct distribution times_before, times_now;
static struct status_count answers_before[2], answers_now[2];
static struct method_figures methods_before[3], methods_now[3];
static struct decision_count decisions_before[4], decisions_now[4];
static struct figures_response before, now;
static struct span span;

// Up to 10, 20, 50 and above: `counts` in each.
static void fill(struct bin *buckets, const uint64_t counts[4])
{
	static const uint64_t bounds[] = {10, 20, 50, 0};
	for (size_t i = 0; i < 4; i++)
		buckets[i] = (struct bin){.at_most = bounds[i], .count = counts[i]};
}

static void setup(void)
{
	arena_init(&arena, 4096, SIZE_MAX);
	times_before = (struct distribution){.bins = buckets_before, .bins_count = 4};
	times_now = (struct distribution){.bins = buckets_now, .bins_count = 4};
	fill(buckets_before, (const uint64_t[]){0, 0, 0, 0});
	fill(buckets_now, (const uint64_t[]){0, 0, 0, 0});
	before = (struct figures_response){
		.started_at = 1000, .uptime_ms = 10000, .methods = methods_before, .decisions = decisions_before};
	now = (struct figures_response){
		.started_at = 1000, .uptime_ms = 12000, .methods = methods_now, .decisions = decisions_now};
	span_init(&span, &before, &now);
}

static void teardown(void)
{
	arena_finish(&arena);
}

static void expect_quantile(double share, enum quantile_kind kind, uint64_t bound)
{
	const struct quantile quantile = span_quantile(&times_before, &times_now, share);
	ck_assert_int_eq(quantile.kind, kind);
	ck_assert_uint_eq(quantile.bound, bound);
}

// ---------------------------------------------------------------- spans and rates

START_TEST(a_rate_is_the_difference_by_the_daemons_own_clock)
{
	ck_assert_double_eq(span.seconds, 2);
	ck_assert_double_eq(span_rate(&span, 100, 300), 100);
	ck_assert_double_eq(span_rate(&span, 300, 300), 0);
}
END_TEST

START_TEST(without_a_reading_before_rates_are_since_the_start)
{
	span_init(&span, NULL, &now);
	ck_assert_double_eq(span.seconds, 12);
	ck_assert_double_eq(span_rate(&span, 0, 24), 2);
}
END_TEST

START_TEST(a_daemon_that_was_restarted_counts_from_its_start)
{
	now.uptime_ms = 500;
	ck_assert(span_is_restart(&before, &now));
	span_init(&span, &before, &now);
	ck_assert_ptr_null(span.before);
	ck_assert_double_eq(span.seconds, 0.5);
	now.uptime_ms = before.uptime_ms + 1; // as old as the one before would be, but another one
	now.started_at++;
	ck_assert(span_is_restart(&before, &now));
}
END_TEST

START_TEST(two_readings_of_one_moment_have_no_rate)
{
	now.uptime_ms = before.uptime_ms;
	span_init(&span, &before, &now);
	ck_assert_double_eq(span_rate(&span, 1, 2), 0);
}
END_TEST

START_TEST(a_counter_that_fell_has_begun_anew)
{
	ck_assert_double_eq(span_rate(&span, 100, 10), 5);
}
END_TEST

// ---------------------------------------------------------------- quantiles

START_TEST(a_quantile_is_the_bound_that_so_many_did_not_exceed)
{
	fill(buckets_now, (const uint64_t[]){50, 49, 1, 0});
	expect_quantile(0.5, QUANTILE_BOUND, 10);
	expect_quantile(0.51, QUANTILE_BOUND, 20);
	expect_quantile(0.99, QUANTILE_BOUND, 20);
	expect_quantile(0.999, QUANTILE_BOUND, 50);
	expect_quantile(1, QUANTILE_BOUND, 50);
}
END_TEST

START_TEST(only_what_came_in_between_counts)
{
	fill(buckets_before, (const uint64_t[]){1000, 0, 0, 0});
	fill(buckets_now, (const uint64_t[]){1000, 1, 1, 0});
	ck_assert_uint_eq(span_values(&times_before, &times_now), 2);
	expect_quantile(0.5, QUANTILE_BOUND, 20);
	expect_quantile(0.99, QUANTILE_BOUND, 50);
}
END_TEST

START_TEST(what_lies_above_all_bounds_has_none)
{
	fill(buckets_now, (const uint64_t[]){1, 0, 0, 1});
	expect_quantile(0.5, QUANTILE_BOUND, 10);
	expect_quantile(0.99, QUANTILE_ABOVE, 50);
}
END_TEST

START_TEST(nothing_measured_has_no_quantile)
{
	expect_quantile(0.5, QUANTILE_NONE, 0);
	ck_assert_int_eq(span_quantile(NULL, NULL, 0.5).kind, QUANTILE_NONE);
	ck_assert_uint_eq(span_values(NULL, NULL), 0);
	fill(buckets_now, (const uint64_t[]){1, 0, 0, 0});
	ck_assert_int_eq(span_quantile(NULL, &times_now, 0.5).kind, QUANTILE_BOUND);
}
END_TEST

// ---------------------------------------------------------------- methods and verdicts

START_TEST(methods_are_told_by_rate_and_refusals_apart)
{
	struct method_span *methods;
	struct status_count apply = {.code = 0, .count = 1000};
	size_t count;
	answers_before[0] = (struct status_count){.code = 0, .count = 10};
	answers_now[0] = (struct status_count){.code = 0, .count = 20};
	answers_now[1] = (struct status_count){.code = 14, .count = 4};
	methods_before[0] = (struct method_figures){
		.name = BYTES_LITERAL("Authorize"), .answers = answers_before, .answers_count = 1};
	methods_now[0] = (struct method_figures){.name = BYTES_LITERAL("Search")}; // never called
	methods_now[1] = (struct method_figures){.name = BYTES_LITERAL("Apply"), .answers = &apply, .answers_count = 1};
	methods_now[2] = (struct method_figures){
		.name = BYTES_LITERAL("Authorize"), .answers = answers_now, .answers_count = 2, .time_ns = &times_now};
	before.methods_count = 1;
	now.methods_count = 3;
	fill(buckets_now, (const uint64_t[]){14, 0, 0, 0});
	ck_assert_int_eq(span_methods(&span, &arena, &methods, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert(bytes_equal(methods[0].name, BYTES_LITERAL("Apply"))); // new: all of it came in the span
	ck_assert_double_eq(methods[0].answered, 500);
	ck_assert_double_eq(methods[0].refused, 0);
	ck_assert(bytes_equal(methods[1].name, BYTES_LITERAL("Authorize")));
	ck_assert_double_eq(methods[1].answered, 7);
	ck_assert_double_eq(methods[1].refused, 2);
	ck_assert_uint_eq(methods[1].total, 24);
	ck_assert_uint_eq(methods[1].p999.bound, 10);
}
END_TEST

START_TEST(without_memory_there_are_no_methods)
{
	struct method_span *methods;
	size_t count;
	struct arena none;
	arena_init(&none, 16, 0);
	ck_assert_int_ne(span_methods(&span, &none, &methods, &count), 0);
	arena_finish(&none);
}
END_TEST

START_TEST(verdicts_have_their_share_and_the_main_reasons_first)
{
	struct verdict_span verdicts[SPAN_VERDICTS];
	decisions_before[0] = (struct decision_count){VERDICT_ALLOWED, REASON_OK, 100};
	decisions_now[0] = (struct decision_count){VERDICT_ALLOWED, REASON_OK, 106};
	decisions_now[1] = (struct decision_count){VERDICT_DENIED, REASON_CUSTOMER_BLOCKED, 2};
	decisions_now[2] = (struct decision_count){VERDICT_DENIED, REASON_UNKNOWN_TOKEN, 4};
	decisions_now[3] = (struct decision_count){VERDICT_UNSPECIFIED, REASON_UNSPECIFIED, 8};
	before.decisions_count = 1;
	now.decisions_count = 4;
	span_verdicts(&span, verdicts);
	ck_assert_double_eq(verdicts[VERDICT_ALLOWED].rate, 3);
	ck_assert_double_eq(verdicts[VERDICT_ALLOWED].share, 0.5);
	ck_assert_double_eq(verdicts[VERDICT_DENIED].rate, 3);
	ck_assert_uint_eq(verdicts[VERDICT_DENIED].reasons_count, 2);
	ck_assert_int_eq(verdicts[VERDICT_DENIED].reasons[0].reason, REASON_UNKNOWN_TOKEN);
	ck_assert_double_eq(verdicts[VERDICT_DENIED].reasons[0].rate, 2);
	ck_assert_int_eq(verdicts[VERDICT_DENIED].reasons[1].reason, REASON_CUSTOMER_BLOCKED);
	ck_assert_double_eq(verdicts[VERDICT_UNSPECIFIED].rate, 4);
	ck_assert_double_eq(verdicts[VERDICT_ASK_ISSUER].rate, 0);
}
END_TEST

START_TEST(a_verdict_of_a_later_version_is_left_out)
{
	struct verdict_span verdicts[SPAN_VERDICTS];
	decisions_now[0] = (struct decision_count){(enum verdict)77, REASON_OK, 6};
	now.decisions_count = 1;
	span_verdicts(&span, verdicts);
	for (size_t i = 0; i < SPAN_VERDICTS; i++)
		ck_assert_uint_eq(verdicts[i].total, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("span");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_rate_is_the_difference_by_the_daemons_own_clock);
	tcase_add_test(tcase, without_a_reading_before_rates_are_since_the_start);
	tcase_add_test(tcase, a_daemon_that_was_restarted_counts_from_its_start);
	tcase_add_test(tcase, two_readings_of_one_moment_have_no_rate);
	tcase_add_test(tcase, a_counter_that_fell_has_begun_anew);
	tcase_add_test(tcase, a_quantile_is_the_bound_that_so_many_did_not_exceed);
	tcase_add_test(tcase, only_what_came_in_between_counts);
	tcase_add_test(tcase, what_lies_above_all_bounds_has_none);
	tcase_add_test(tcase, nothing_measured_has_no_quantile);
	tcase_add_test(tcase, methods_are_told_by_rate_and_refusals_apart);
	tcase_add_test(tcase, without_memory_there_are_no_methods);
	tcase_add_test(tcase, verdicts_have_their_share_and_the_main_reasons_first);
	tcase_add_test(tcase, a_verdict_of_a_later_version_is_left_out);
	Suite *suite = suite_create("cli/span");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
