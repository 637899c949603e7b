// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/rpc.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <sys/socket.h>

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

START_TEST(a_question_is_answered_with_its_id)
{
	static const uint32_t ids[] = {0, 1, 7, 7, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		send_authorize(fd, ids[i], "04AA", 0);
		expect_verdict(fd, ids[i], VERDICT_ALLOWED);
	}
	send_authorize(fd, 1, "04BB", 0);
	expect_verdict(fd, 1, VERDICT_DENIED);
}
END_TEST

START_TEST(ordered_methods_are_answered_in_order)
{
	struct authorize_request item = {.token_uid = BYTES_LITERAL("04AA"), .charge_point_id = BYTES_LITERAL("CP-1")};
	const struct authorize_batch_request batch = {.requests = &item, .requests_count = 1};
	const struct get_tariff_request tariff = {.charge_point_id = BYTES_LITERAL("CP-1"),
						  .token_uid = BYTES_LITERAL("04AA")};
	for (uint32_t id = 0; id < 300; id += 3) {
		send_authorize(fd, id, "04AA", 0);
		send_request(fd, METHOD_AUTHORIZE_BATCH, id + 1, &schema_authorize_batch_request, &batch);
		send_request(fd, METHOD_GET_TARIFF, id + 2, &schema_get_tariff_request, &tariff);
	}
	for (uint32_t id = 0; id < 300; id++)
		expect_status(fd, id, STATUS_OK);
}
END_TEST

static void send_odd(uint32_t request_id)
{
	struct authorize_request request = {.token_uid = BYTES_LITERAL("04AA"),
					    .charge_point_id = BYTES_LITERAL("CP-1")};
	if (request_id % 5 == 1)
		request.charge_point_id = BYTES_LITERAL("");
	else if (request_id % 5 == 2)
		request.explain = true;
	else if (request_id % 5 == 3)
		request.token_uid = BYTES_LITERAL("04BB");
	send_request(fd, METHOD_AUTHORIZE, request_id, &schema_authorize_request, &request);
}

// They are answered side by side; nobody must notice.
START_TEST(questions_of_all_kinds_in_one_pipeline_are_answered_each_in_its_place)
{
	enum { COUNT = 200 };
	for (uint32_t id = 0; id < COUNT; id++)
		send_odd(id);
	for (uint32_t id = 0; id < COUNT; id++) {
		if (id % 5 == 1)
			expect_fault(fd, id, STATUS_INVALID_ARGUMENT, "charge_point_id");
		else
			expect_verdict(fd, id, id % 5 == 3 ? VERDICT_DENIED : VERDICT_ALLOWED);
	}
}
END_TEST

// ---------------------------------------------------------------- what cannot be trusted

// Headers written by hand, so that each mistake is there alone.
static const struct {
	unsigned char header[12];
	uint32_t answered_id;
	const char *message;
} bad_frames[] = {
	{{0, 0, 0, 7, 0x11, 0, 0, 1, 0, 0, 0, 9}, 9, "length"},
	{{0, 0, 0, 0, 0x11, 0, 0, 1, 0, 0, 0, 9}, 9, "length"},
	{{0, 0x10, 0, 1, 0x11, 0, 0, 1, 0, 0, 0, 9}, 9, "length"},
	{{0xff, 0xff, 0xff, 0xff, 0x11, 0, 0, 1, 0, 0, 0, 9}, 9, "length"},
	{{0, 0, 0, 8, 0x21, 0, 0, 1, 0, 0, 0, 9}, 9, "version"},
	{{0, 0, 0, 8, 0x01, 0, 0, 1, 0, 0, 0, 9}, 9, "version"},
	{{0, 0, 0, 8, 0x10, 0, 0, 1, 0, 0, 0, 9}, 9, "kind 1"},
	{{0, 0, 0, 8, 0x12, 0, 0, 1, 0, 0, 0, 9}, 9, "kind 1"},
	{{0, 0, 0, 8, 0x14, 0, 0, 1, 0, 0, 0, 9}, 9, "kind 1"},
	{{0, 0, 0, 8, 0x15, 0, 0, 1, 0, 0, 0, 9}, 9, "kind 1"},
	{{0, 0, 0, 8, 0x11, 1, 0, 1, 0, 0, 0, 9}, 9, "status"},
};

START_TEST(after_a_bad_frame_comes_one_error_and_the_end)
{
	send_authorize(fd, 1, "04AA", 0);
	send_data(fd, bad_frames[_i].header, sizeof(bad_frames[_i].header));
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	expect_fault(fd, bad_frames[_i].answered_id, STATUS_INVALID_ARGUMENT, bad_frames[_i].message);
	expect_end(fd);
}
END_TEST

START_TEST(a_bad_length_is_noticed_at_its_fourth_byte)
{
	send_data(fd, "\xff\xff\xff\xff", 4);
	expect_fault(fd, 0, STATUS_INVALID_ARGUMENT, "length");
	expect_end(fd);
}
END_TEST

START_TEST(what_waits_for_the_disk_is_answered_before_the_error)
{
	struct test_gate gate;
	test_gate_close(&gate, fixture.store.store);
	send_put_customer(fd, 5, "late");
	send_data(fd, bad_frames[0].header, sizeof(bad_frames[0].header));
	test_gate_open(&gate);
	expect_status(fd, 5, STATUS_OK);
	expect_status(fd, 9, STATUS_INVALID_ARGUMENT);
	expect_end(fd);
}
END_TEST

// ---------------------------------------------------------------- what keeps the connection

START_TEST(unknown_methods_are_refused_and_their_bodies_skipped)
{
	static const uint16_t numbers[] = {0, 4, 7, 8, 15, 22, 31, 40, 0xffff};
	static char body[300000];
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct frame frame = {.kind = FRAME_REQUEST,
					    .method = numbers[i],
					    .request_id = 3,
					    .body = {.data = body, .size = i % 2 ? sizeof(body) : 0}};
		send_frame(fd, &frame);
		expect_fault(fd, 3, STATUS_UNIMPLEMENTED, "there is no method");
	}
	send_authorize(fd, 4, "04AA", 0);
	expect_verdict(fd, 4, VERDICT_ALLOWED);
}
END_TEST

START_TEST(a_body_over_the_cap_is_refused_before_it_arrives)
{
	static char body[BODY_QUERY_MAX + 1];
	const struct frame frame = {.kind = FRAME_REQUEST,
				    .method = METHOD_AUTHORIZE,
				    .request_id = 6,
				    .body = {.data = body, .size = sizeof(body)}};
	char header[FRAME_HEADER_SIZE];
	frame_write_header(header, &frame);
	send_data(fd, header, sizeof(header));
	expect_fault(fd, 6, STATUS_INVALID_ARGUMENT, "4097");
	for (size_t i = 0; i < sizeof(body); i++)
		send_data(fd, body + i, 1);
	send_authorize(fd, 7, "04AA", 0);
	expect_verdict(fd, 7, VERDICT_ALLOWED);
}
END_TEST

START_TEST(a_body_at_the_cap_is_read)
{
	// the question, then an unknown field that fills the rest
	static char body[BODY_QUERY_MAX] = "\x0a\x04"
					   "04AA\x22\x04"
					   "CP-1\xfa\x3e";
	const size_t used = 14, rest = BODY_QUERY_MAX - used - 2;
	body[used] = (char)(rest % 128 + 128);
	body[used + 1] = (char)(rest / 128);
	const struct frame frame = {.kind = FRAME_REQUEST,
				    .method = METHOD_AUTHORIZE,
				    .request_id = 6,
				    .body = {.data = body, .size = sizeof(body)}};
	send_frame(fd, &frame);
	expect_verdict(fd, 6, VERDICT_ALLOWED);
}
END_TEST

static const enum method all_methods[] = {
	METHOD_AUTHORIZE,      METHOD_AUTHORIZE_BATCH, METHOD_GET_TARIFF, METHOD_LIST_VISIBLE_CHARGE_POINTS,
	METHOD_LIST_PERMITTED, METHOD_APPLY,           METHOD_GET,        METHOD_SEARCH,
	METHOD_SNAPSHOT,       METHOD_STATUS,          METHOD_WATCH,      METHOD_LOG,
	METHOD_ADOPT,          METHOD_FORGET_ORPHANS,  METHOD_CHECK,      METHOD_ERASE};

START_TEST(a_malformed_body_keeps_the_connection)
{
	const struct frame frame = {.kind = FRAME_REQUEST,
				    .method = (uint16_t)all_methods[_i],
				    .request_id = 6,
				    .body = BYTES_LITERAL("\x0a\xff\xff\xff\xff\x0f")};
	send_frame(fd, &frame);
	expect_status(fd, 6, STATUS_INVALID_ARGUMENT);
	send_authorize(fd, 7, "04AA", 0);
	expect_verdict(fd, 7, VERDICT_ALLOWED);
}
END_TEST

// More than one turn takes, and more than may be in flight.
START_TEST(a_long_pipeline_is_answered_whole)
{
	enum { COUNT = 3000 };
	fixture.service.limits.inflight_bytes_max = 64 * 1024;
	for (uint32_t id = 0; id < 1000; id++)
		send_authorize(fd, id, "04AA", 0);
	for (uint32_t id = 1000; id < COUNT; id++) {
		send_authorize(fd, id, "04AA", 0);
		expect_verdict(fd, id - 1000, VERDICT_ALLOWED);
	}
	shutdown(fd, SHUT_WR);
	for (uint32_t id = COUNT - 1000; id < COUNT; id++)
		expect_verdict(fd, id, VERDICT_ALLOWED);
	expect_end(fd);
}
END_TEST

// ---------------------------------------------------------------- one look at the input

// A worker that does not run, so that the test says what comes in at once.
struct still {
	struct worker *worker;
	struct conn *conn;
	struct conn_handler handler;
	int peer;
};

static void still_begin(struct still *still)
{
	int pair[2];
	*still = (struct still){0};
	ck_assert_int_eq(worker_create(&fixture.service, &still->worker), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	conn_set_add(still->worker->conns, pair[1]);
	for (uint32_t generation = 0; still->conn == NULL; generation++)
		still->conn = conn_find(still->worker->conns, (struct conn_ref){.generation = generation});
	still->handler = session_handler(still->worker);
	still->peer = pair[0];
}

static void still_end(struct still *still)
{
	worker_destroy(still->worker);
	close(still->peer);
}

static struct conn_input still_see(struct still *still, const void *data, size_t size)
{
	struct conn_input input = {.bytes = {.data = data, .size = size}};
	still->handler.on_input(still->worker, still->conn, &input);
	return input;
}

static size_t write_refused(char *at, size_t body_size)
{
	const struct frame frame = {.kind = FRAME_REQUEST, .method = 0xffff, .body = {.size = body_size}};
	frame_write_header(at, &frame);
	memset(at + FRAME_HEADER_SIZE, 0, body_size);
	return FRAME_HEADER_SIZE + body_size;
}

// Its age begins now: frame-timeout must not count that of the one before.
START_TEST(what_begins_behind_a_refused_body_is_not_its_continuation)
{
	struct still still;
	char data[100];
	still_begin(&still);
	size_t size = write_refused(data, 20);
	struct conn_input input = still_see(&still, data, size - 10);
	ck_assert_uint_eq(input.consumed, size - 10);
	ck_assert_uint_eq(input.message_size, 10);
	input = still_see(&still, data, 5);
	ck_assert(input.continued);
	size = 5 + write_refused(data + 5, 0) - 4; // the rest of the body, and most of a header
	input = still_see(&still, data, size);
	ck_assert_uint_eq(input.consumed, 5);
	ck_assert(!input.continued);
	still_end(&still);
}
END_TEST

START_TEST(refused_requests_count_towards_a_turn)
{
	static char data[(REQUESTS_PER_TURN_MAX + 10) * FRAME_HEADER_SIZE];
	struct still still;
	still_begin(&still);
	for (size_t at = 0; at < sizeof(data);)
		at += write_refused(data + at, 0);
	const struct conn_input input = still_see(&still, data, sizeof(data));
	ck_assert(input.paused);
	ck_assert_uint_eq(input.consumed, REQUESTS_PER_TURN_MAX * FRAME_HEADER_SIZE);
	still_end(&still);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/session");
	TCase *tests = tcase_create("session");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_question_is_answered_with_its_id);
	tcase_add_test(tests, ordered_methods_are_answered_in_order);
	tcase_add_test(tests, questions_of_all_kinds_in_one_pipeline_are_answered_each_in_its_place);
	tcase_add_loop_test(tests, after_a_bad_frame_comes_one_error_and_the_end, 0, ARRAY_SIZE(bad_frames));
	tcase_add_test(tests, a_bad_length_is_noticed_at_its_fourth_byte);
	tcase_add_test(tests, what_waits_for_the_disk_is_answered_before_the_error);
	tcase_add_test(tests, unknown_methods_are_refused_and_their_bodies_skipped);
	tcase_add_test(tests, a_body_over_the_cap_is_refused_before_it_arrives);
	tcase_add_test(tests, a_body_at_the_cap_is_read);
	tcase_add_loop_test(tests, a_malformed_body_keeps_the_connection, 0, ARRAY_SIZE(all_methods));
	tcase_add_test(tests, a_long_pipeline_is_answered_whole);
	tcase_add_test(tests, what_begins_behind_a_refused_body_is_not_its_continuation);
	tcase_add_test(tests, refused_requests_count_towards_a_turn);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
