// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

enum { WAITERS_MAX = 1024 };

static struct rpc_fixture fixture;
static int fd;
static uint64_t revision;

static void setup(void)
{
	rpc_fixture_start(&fixture);
	fd = rpc_fixture_connect(&fixture);
	revision = store_fixture_revision(&fixture.store);
}

static void teardown(void)
{
	close(fd);
	rpc_fixture_finish(&fixture);
}

START_TEST(a_revision_that_is_there_is_not_waited_for)
{
	send_authorize(fd, 1, "04AA", revision);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
}
END_TEST

START_TEST(a_question_for_a_later_revision_leaves_the_order_and_is_answered_when_it_comes)
{
	send_authorize(fd, 1, "04AA", revision + 1);
	send_authorize(fd, 2, "04AA", revision + 2);
	send_authorize(fd, 3, "04AA", 0);
	expect_verdict(fd, 3, VERDICT_ALLOWED);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("y", "")), 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
}
END_TEST

// Commits and questions race: none may sleep through its revision.
START_TEST(no_question_misses_its_revision)
{
	fixture.service.min_revision_wait_ms = 15000;
	for (uint32_t i = 1; i <= 200; i++) {
		send_authorize(fd, i, "04AA", revision + i);
		ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
		expect_verdict(fd, i, VERDICT_ALLOWED);
	}
}
END_TEST

START_TEST(a_batch_waits_for_the_highest_of_its_items)
{
	struct authorize_request items[2] = {
		{.token_uid = BYTES_LITERAL("04AA"), .charge_point_id = BYTES_LITERAL("CP-1")},
		{.token_uid = BYTES_LITERAL("04AA"),
		 .charge_point_id = BYTES_LITERAL("CP-1"),
		 .min_revision = revision + 1},
	};
	const struct authorize_batch_request batch = {.requests = items, .requests_count = 2};
	struct answer answer;
	send_request(fd, METHOD_AUTHORIZE_BATCH, 1, &schema_authorize_batch_request, &batch);
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
	const struct authorize_batch_response *response =
		receive_message(fd, 1, &schema_authorize_batch_response, &answer);
	ck_assert_uint_eq(response->responses_count, 2);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(response->responses[i].revision, revision + 1);
	answer_finish(&answer);
}
END_TEST

START_TEST(listings_wait_as_well)
{
	const struct search_request search = {.kind = OBJECT_KIND_CUSTOMER, .min_revision = revision + 1};
	struct answer answer;
	send_request(fd, METHOD_SEARCH, 1, &schema_search_request, &search);
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
	const struct search_response *response = receive_message(fd, 1, &schema_search_response, &answer);
	ck_assert_uint_eq(response->records_count, 2);
	answer_finish(&answer);
}
END_TEST

START_TEST(a_revision_that_does_not_come_is_unavailable)
{
	fixture.service.min_revision_wait_ms = 20;
	send_authorize(fd, 1, "04AA", revision + 1);
	send_authorize(fd, 2, "04AA", UINT64_MAX);
	expect_fault(fd, 1, STATUS_UNAVAILABLE, "did not come within 20 ms");
	expect_fault(fd, 2, STATUS_UNAVAILABLE, "18446744073709551615");
}
END_TEST

START_TEST(a_wait_of_nothing_is_refused_at_once)
{
	fixture.service.min_revision_wait_ms = 0;
	send_authorize(fd, 1, "04AA", revision + 1);
	send_authorize(fd, 2, "04AA", 0);
	expect_status(fd, 1, STATUS_UNAVAILABLE); // in order: it never left it
	expect_verdict(fd, 2, VERDICT_ALLOWED);
}
END_TEST

START_TEST(as_many_may_wait_as_allowed_and_not_one_more)
{
	for (uint32_t i = 0; i < WAITERS_MAX; i++)
		send_authorize(fd, i, "04AA", revision + 1);
	send_authorize(fd, WAITERS_MAX, "04AA", revision + 1);
	struct answer answer;
	struct fault fault;
	receive(fd, &answer);
	ck_assert_uint_eq(answer.frame.request_id, WAITERS_MAX);
	codec_decode_fault(answer.frame.status, answer.frame.body, &answer.arena, &fault);
	ck_assert_int_eq(fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_uint_ge(fault.retry_after_ms, 1);
	ck_assert_uint_le(fault.retry_after_ms, 30000);
	answer_finish(&answer);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
	for (uint32_t i = 0; i < WAITERS_MAX; i++)
		expect_verdict(fd, i, VERDICT_ALLOWED);
	send_authorize(fd, 1, "04AA", revision + 1);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
}
END_TEST

START_TEST(whoever_leaves_while_waiting_is_forgotten)
{
	const int other = rpc_fixture_connect(&fixture);
	send_authorize(other, 1, "04AA", revision + 1);
	send_authorize(other, 2, "04AA", 0);
	expect_verdict(other, 2, VERDICT_ALLOWED);
	close(other);
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("x", "")), 0);
	send_authorize(fd, 3, "04AA", revision + 1);
	expect_verdict(fd, 3, VERDICT_ALLOWED);
}
END_TEST

START_TEST(a_stop_answers_those_who_wait)
{
	send_authorize(fd, 1, "04AA", revision + 1);
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	rpc_fixture_stop(&fixture, 10000);
	expect_status(fd, 1, STATUS_UNAVAILABLE);
	expect_end(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/waiters");
	TCase *tests = tcase_create("waiters");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_revision_that_is_there_is_not_waited_for);
	tcase_add_test(tests, a_question_for_a_later_revision_leaves_the_order_and_is_answered_when_it_comes);
	tcase_add_test(tests, no_question_misses_its_revision);
	tcase_add_test(tests, a_batch_waits_for_the_highest_of_its_items);
	tcase_add_test(tests, listings_wait_as_well);
	tcase_add_test(tests, a_revision_that_does_not_come_is_unavailable);
	tcase_add_test(tests, a_wait_of_nothing_is_refused_at_once);
	tcase_add_test(tests, as_many_may_wait_as_allowed_and_not_one_more);
	tcase_add_test(tests, whoever_leaves_while_waiting_is_forgotten);
	tcase_add_test(tests, a_stop_answers_those_who_wait);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
