// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

enum { QUEUE_MAX = 8 };

static struct rpc_fixture fixture;
static int fd;

static void setup(void)
{
	rpc_fixture_start(&fixture);
	fd = rpc_fixture_connect(&fixture);
}

static void teardown(void)
{
	close(fd);
	rpc_fixture_finish(&fixture);
}

static void send_token(uint32_t request_id, const char *uid)
{
	struct token token = {.uid = bytes_from(uid), .type = TOKEN_TYPE_RFID, .customer_id = BYTES_LITERAL("c")};
	struct change change = {.kind = CHANGE_PUT_TOKEN, .put_token = &token};
	const struct change_set set = {.changes = &change, .changes_count = 1};
	send_request(fd, METHOD_APPLY, request_id, &schema_change_set, &set);
}

START_TEST(what_is_acknowledged_is_seen_by_whatever_comes_after)
{
	char uid[16];
	for (uint32_t i = 0; i < 50; i++) {
		snprintf(uid, sizeof(uid), "AA%06u", i);
		send_authorize(fd, 1, uid, 0);
		expect_verdict(fd, 1, VERDICT_DENIED);
		send_token(2, uid);
		expect_status(fd, 2, STATUS_OK);
		send_authorize(fd, 3, uid, 0);
		expect_verdict(fd, 3, VERDICT_ALLOWED);
	}
}
END_TEST

START_TEST(a_result_says_revision_and_outcome)
{
	struct answer answer;
	const uint64_t before = store_fixture_revision(&fixture.store);
	send_put_customer(fd, 1, "new");
	const struct apply_response *response = receive_message(fd, 1, &schema_apply_response, &answer);
	ck_assert_uint_eq(response->revision, before + 1);
	ck_assert_uint_eq(response->results_count, 1);
	ck_assert_int_eq(response->results[0].outcome, CHANGE_OUTCOME_CREATED);
	answer_finish(&answer);
}
END_TEST

START_TEST(a_refusal_names_the_change)
{
	struct delete_object gone = {.id = BYTES_LITERAL("t")};
	struct customer customer = {.id = BYTES_LITERAL("x")};
	struct change changes[2] = {{.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer},
				    {.kind = CHANGE_DELETE_TARIFF, .delete_object = &gone}};
	const struct change_set set = {.changes = changes, .changes_count = 2};
	struct answer answer;
	struct fault fault = {0};
	send_request(fd, METHOD_APPLY, 1, &schema_change_set, &set);
	receive(fd, &answer);
	ck_assert_uint_eq(answer.frame.status, STATUS_FAILED_PRECONDITION);
	codec_decode_fault(answer.frame.status, answer.frame.body, &answer.arena, &fault);
	ck_assert_uint_eq(fault.change_number, 2);
	answer_finish(&answer);
}
END_TEST

START_TEST(unknown_fields_in_a_change_are_refused)
{
	// changes[0] with the unknown field 1000
	const struct frame frame = {.kind = FRAME_REQUEST,
				    .method = METHOD_APPLY,
				    .request_id = 1,
				    .body = BYTES_LITERAL("\x0a\x03\xc0\x3e\x01")};
	send_frame(fd, &frame);
	expect_status(fd, 1, STATUS_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_full_queue_refuses_and_says_when_to_come_back)
{
	struct test_gate gate;
	struct answer answer;
	struct fault fault = {0};
	char id[16];
	test_gate_close(&gate, fixture.store.store);
	for (uint32_t i = 0; i <= QUEUE_MAX; i++) {
		snprintf(id, sizeof(id), "c-%u", i);
		send_put_customer(fd, i, id);
	}
	receive(fd, &answer);
	ck_assert_uint_eq(answer.frame.request_id, QUEUE_MAX);
	ck_assert_uint_eq(answer.frame.status, STATUS_RESOURCE_EXHAUSTED);
	codec_decode_fault(answer.frame.status, answer.frame.body, &answer.arena, &fault);
	ck_assert_uint_gt(fault.retry_after_ms, 0);
	answer_finish(&answer);
	test_gate_open(&gate);
	for (uint32_t i = 0; i < QUEUE_MAX; i++)
		expect_status(fd, i, STATUS_OK);
}
END_TEST

START_TEST(queries_are_answered_while_changes_wait_for_the_disk)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(fd, 1, "slow");
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
	test_gate_open(&gate);
	expect_status(fd, 1, STATUS_OK);
}
END_TEST

START_TEST(a_change_whose_sender_left_takes_effect_all_the_same)
{
	struct test_gate gate;
	const int other = rpc_fixture_connect(&fixture);
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(other, 1, "orphan");
	send_authorize(other, 2, "04AA", 0); // answered: so the change before it was taken
	expect_verdict(other, 2, VERDICT_ALLOWED);
	close(other);
	send_put_customer(fd, 3, "mine");
	test_gate_open(&gate);
	expect_status(fd, 3, STATUS_OK);
	ck_assert(store_fixture_has(&fixture.store, IMAGE_CUSTOMERS, "orphan"));
}
END_TEST

// More arrives than may be in flight: the rest waits in the socket, unread.
START_TEST(changes_that_wait_count_as_in_flight)
{
	struct test_gate gate;
	fixture.service.limits.inflight_bytes_max = 1;
	test_gate_close(&gate, fixture.store.store);
	for (uint32_t i = 0; i < 3 * QUEUE_MAX; i++)
		send_put_customer(fd, i, "x");
	test_gate_open(&gate);
	for (uint32_t i = 0; i < 3 * QUEUE_MAX; i++)
		expect_status(fd, i, STATUS_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/method_apply");
	TCase *tests = tcase_create("apply");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_is_acknowledged_is_seen_by_whatever_comes_after);
	tcase_add_test(tests, a_result_says_revision_and_outcome);
	tcase_add_test(tests, a_refusal_names_the_change);
	tcase_add_test(tests, unknown_fields_in_a_change_are_refused);
	tcase_add_test(tests, a_full_queue_refuses_and_says_when_to_come_back);
	tcase_add_test(tests, queries_are_answered_while_changes_wait_for_the_disk);
	tcase_add_test(tests, a_change_whose_sender_left_takes_effect_all_the_same);
	tcase_add_test(tests, changes_that_wait_count_as_in_flight);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
