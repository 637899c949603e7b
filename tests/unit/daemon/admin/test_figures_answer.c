// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/figures_answer.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct figures figures;
static struct replication replication;
static struct arena arena;
static struct figures_response answer;

static void setup(void)
{
	arena_init(&arena, 4096, SIZE_MAX);
	figures = (struct figures){.phase = FIGURES_SERVING};
	figures.store.accepts_writes = true;
	figures.store.bytes_max = 1 << 30;
	figures.methods[1].name = "Authorize";
	figures.methods[16].name = "Apply";
}

static void teardown(void)
{
	arena_finish(&arena);
}

static void make(void)
{
	arena_reset(&arena);
	ck_assert_int_eq(figures_answer(&figures, &arena, &answer), 0);
}

START_TEST(methods_have_the_answers_that_happened_and_their_times)
{
	figures.methods[1].answers[STATUS_OK] = 7;
	figures.methods[1].answers[STATUS_UNAVAILABLE] = 2;
	figures.methods[1].time_ns.counts[1] = 9;
	figures.methods[1].time_ns.counts[buckets_request_ns.count] = 1;
	figures.methods[1].time_ns.sum = 12345;
	make();
	ck_assert_uint_eq(answer.methods_count, 2);
	const struct method_figures *method = &answer.methods[0];
	ck_assert(bytes_equal(method->name, BYTES_LITERAL("Authorize")));
	ck_assert_uint_eq(method->answers_count, 2);
	ck_assert_uint_eq(method->answers[0].count, 7);
	ck_assert_uint_eq(method->answers[1].code, STATUS_UNAVAILABLE);
	const struct distribution *times = method->time_ns;
	ck_assert_uint_eq(times->bins_count, buckets_request_ns.count + 1);
	ck_assert_uint_eq(times->bins[1].at_most, buckets_request_ns.bounds[1]);
	ck_assert_uint_eq(times->bins[1].count, 9);
	ck_assert_uint_eq(times->bins[buckets_request_ns.count].at_most, 0);
	ck_assert_uint_eq(times->bins[buckets_request_ns.count].count, 1);
	ck_assert_uint_eq(times->sum, 12345);
	ck_assert_uint_eq(answer.methods[1].answers_count, 0);
	ck_assert_ptr_null(answer.methods[1].time_ns);
}
END_TEST

START_TEST(requests_of_no_method_are_told_when_there_were_some)
{
	make();
	ck_assert_uint_eq(answer.methods_count, 2);
	figures.unknown_methods = 3;
	make();
	ck_assert_uint_eq(answer.methods_count, 3);
	ck_assert(bytes_equal(answer.methods[2].name, BYTES_LITERAL("unknown")));
	ck_assert_uint_eq(answer.methods[2].answers[0].code, STATUS_UNIMPLEMENTED);
	ck_assert_uint_eq(answer.methods[2].answers[0].count, 3);
}
END_TEST

START_TEST(every_limit_of_the_metrics_is_there)
{
	figures.connections.refused = 1;
	figures.connections.ended[CONN_END_WRITE_TIMEOUT] = 2;
	figures.writer.queue_refused = 3;
	make();
	ck_assert_uint_eq(answer.limits_hit_count, FIGURES_LIMITS);
	ck_assert(bytes_equal(answer.limits_hit[0].name, BYTES_LITERAL("max-connections")));
	ck_assert_uint_eq(answer.limits_hit[0].value, 1);
	ck_assert_uint_eq(answer.limits_hit[4].value, 2);
	ck_assert_uint_eq(answer.limits_hit[5].value, 3);
}
END_TEST

START_TEST(decisions_that_happened_are_told)
{
	figures.decisions[VERDICT_DENIED][REASON_UNKNOWN_TOKEN] = 5;
	figures.decisions[VERDICT_UNSPECIFIED][REASON_UNSPECIFIED] = 1;
	make();
	ck_assert_uint_eq(answer.decisions_count, 2);
	ck_assert_int_eq(answer.decisions[1].verdict, VERDICT_DENIED);
	ck_assert_int_eq(answer.decisions[1].reason, REASON_UNKNOWN_TOKEN);
	ck_assert_uint_eq(answer.decisions[1].count, 5);
}
END_TEST

START_TEST(store_writer_and_process_are_told)
{
	figures.store.revision = 17;
	figures.store.bytes_used = 4096;
	figures.store.objects[OBJECT_KIND_TOKEN] = 3;
	figures.writer.index_bytes = 1000;
	figures.writer.queue = 4;
	figures.writer.commit_sets.sum = 6;
	figures.uptime_ms = 99;
	make();
	ck_assert_uint_eq(answer.revision, 17);
	ck_assert_uint_eq(answer.uptime_ms, 99);
	ck_assert_uint_eq(answer.store->bytes_used, 4096);
	ck_assert_uint_eq(answer.store->objects_count, OBJECT_KINDS - 1);
	ck_assert_uint_eq(answer.store->objects[OBJECT_KIND_TOKEN - 1].count, 3);
	ck_assert_uint_eq(answer.store->index_bytes, 1000);
	ck_assert_uint_eq(answer.store->digest.size, ID128_TEXT_SIZE);
	ck_assert_uint_eq(answer.writer->queue, 4);
	ck_assert_uint_eq(answer.writer->commit_sets->sum, 6);
	ck_assert_uint_eq(answer.writer->commit_ns->bins_count, buckets_commit_ns.count + 1);
	ck_assert_uint_gt(answer.process->resident_bytes, 0);
}
END_TEST

START_TEST(why_it_is_not_ready_is_told_as_ready_does)
{
	make();
	ck_assert_uint_eq(answer.not_ready_count, 0);
	ck_assert_ptr_null(answer.replication);
	replication = (struct replication){.state = REPLICATION_STATE_DIVERGED, .lag_entries = 8};
	figures.replication = &replication;
	figures.is_stale = true;
	make();
	ck_assert_uint_eq(answer.not_ready_count, 2);
	ck_assert(bytes_equal(answer.not_ready[0], BYTES_LITERAL("stale")));
	ck_assert(bytes_equal(answer.not_ready[1], BYTES_LITERAL("diverged")));
	ck_assert_uint_eq(answer.replication->lag_entries, 8);
}
END_TEST

START_TEST(without_memory_there_is_no_answer_whatever_is_missing)
{
	figures.replication = &replication;
	figures.unknown_methods = 1;
	make();
	const size_t needed = arena.used;
	for (size_t budget = 0; budget < needed; budget += 64) {
		struct arena small;
		arena_init(&small, 64, budget);
		ck_assert_int_eq(figures_answer(&figures, &small, &answer), -ENOMEM);
		arena_finish(&small);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("figures_answer");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, methods_have_the_answers_that_happened_and_their_times);
	tcase_add_test(tcase, requests_of_no_method_are_told_when_there_were_some);
	tcase_add_test(tcase, every_limit_of_the_metrics_is_there);
	tcase_add_test(tcase, decisions_that_happened_are_told);
	tcase_add_test(tcase, store_writer_and_process_are_told);
	tcase_add_test(tcase, why_it_is_not_ready_is_told_as_ready_does);
	tcase_add_test(tcase, without_memory_there_is_no_answer_whatever_is_missing);
	Suite *suite = suite_create("daemon/admin/figures_answer");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
