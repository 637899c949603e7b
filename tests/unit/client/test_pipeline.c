// SPDX-License-Identifier: Apache-2.0
// Many requests on their way at once, and streams.
#include "proto/codec.h"
#include "tests/unit/client/client_fixture.h"

enum { REQUESTS = 5, RECORDS = 40 };

static void serve_backwards(struct fake_server *self, int fd, int number)
{
	struct frame requests[REQUESTS];
	(void)self;
	(void)number;
	for (int i = 0; i < REQUESTS; i++) {
		if (!fake_read(fd, &requests[i]))
			return;
	}
	for (int i = REQUESTS - 1; i >= 0; i--)
		answer_with_revision(fd, &requests[i], requests[i].request_id);
	(void)fake_read(fd, &requests[0]);
}

static uint32_t send_one(void)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04A1")};
	uint32_t id;
	ck_assert_int_eq(evauth_send(client, METHOD_AUTHORIZE, &request, &id), 0);
	return id;
}

START_TEST(answers_are_matched_by_id_in_any_order)
{
	uint32_t ids[REQUESTS];
	struct evauth_answer answer;
	start(serve_backwards);
	for (int i = 0; i < REQUESTS; i++)
		ids[i] = send_one();
	ck_assert_uint_eq(evauth_in_flight(client), REQUESTS);
	for (int i = REQUESTS - 1; i >= 0; i--) {
		ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
		const struct authorize_response *response = answer.response;
		ck_assert_uint_eq(answer.request_id, ids[i]);
		ck_assert_uint_eq(response->revision, ids[i]);
		ck_assert_int_eq(answer.method, METHOD_AUTHORIZE);
	}
	ck_assert_uint_eq(evauth_in_flight(client), 0);
}
END_TEST

START_TEST(a_refusal_is_in_its_answer)
{
	struct evauth_answer answer;
	start(serve_refusals);
	send_one();
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
	ck_assert_int_eq(answer.fault.code, STATUS_NOT_FOUND);
	ck_assert_ptr_null(answer.response);
}
END_TEST

START_TEST(nothing_outstanding_is_nothing_to_receive)
{
	struct evauth_answer answer;
	start(serve_answers);
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), -ENODATA);
}
END_TEST

START_TEST(a_call_among_pipelined_requests_is_refused)
{
	struct authorize_response *response;
	struct evauth_answer answer;
	start(serve_answers);
	send_one();
	ck_assert_int_eq(ask(&response), -EBUSY);
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
	ck_assert_int_eq(ask(&response), 0);
}
END_TEST

START_TEST(there_is_a_limit_to_what_is_outstanding)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04A1")};
	struct evauth_answer answer;
	uint32_t id;
	start(serve_answers);
	for (int i = 0; i < EVAUTH_IN_FLIGHT_MAX; i++)
		send_one();
	ck_assert_int_eq(evauth_send(client, METHOD_AUTHORIZE, &request, &id), -EBUSY);
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
	send_one();
	while (evauth_in_flight(client) > 0) {
		arena_reset(&arena);
		ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
	}
}
END_TEST

// Much more than sockets hold: neither side may wait for the other to read first.
START_TEST(many_large_requests_do_not_wait_for_their_answers)
{
	enum { COUNT = 200, SIZE = 60 * 1024 };
	char *text = calloc(1, SIZE);
	struct evauth_answer answer;
	uint32_t id;
	memset(text, 'x', SIZE);
	const struct authorize_request request = {.token_uid = {.data = text, .size = SIZE}};
	start(serve_answers);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(evauth_send(client, METHOD_AUTHORIZE, &request, &id), 0);
	for (int i = 0; i < COUNT; i++) {
		arena_reset(&arena);
		ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
	}
	free(text);
}
END_TEST

START_TEST(a_broken_connection_ends_everything_outstanding)
{
	struct evauth_answer answer;
	start(serve_nothing);
	send_one();
	send_one();
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), -ECONNRESET);
	ck_assert_uint_eq(evauth_in_flight(client), 0);
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), -ENODATA);
}
END_TEST

START_TEST(a_request_may_be_encoded_already)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04A1")};
	struct evauth_answer answer;
	struct bytes body;
	uint32_t id;
	start(serve_answers);
	ck_assert_int_eq(codec_encode(&schema_authorize_request, &request, &arena, &body), 0);
	ck_assert_int_eq(evauth_send_body(client, METHOD_AUTHORIZE, body, &id), 0);
	ck_assert_int_eq(evauth_receive(client, &arena, &answer), 0);
	ck_assert_uint_eq(answer.request_id, id);
}
END_TEST

// ---------------------------------------------------------------- streams

static void answer_records(int fd, const struct frame *request, int count)
{
	for (int i = 0; i < count; i++) {
		struct customer customer = {.id = BYTES_LITERAL("c")};
		const struct record record = {
			.modified_revision = (uint64_t)i, .kind = RECORD_CUSTOMER, .customer = &customer};
		fake_answer(fd, request, FRAME_STREAM_ITEM, &schema_record, &record);
	}
}

static void serve_snapshots(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request)) {
		answer_records(fd, &request, RECORDS);
		// As a daemon of before did it, the first time.
		const struct snapshot_end end = {.revision = 7, .records = RECORDS, .digest = BYTES_LITERAL("d1")};
		fake_answer(fd, &request, FRAME_STREAM_END, &schema_snapshot_end, self->context ? &end : NULL);
		self->context = self;
	}
}

static void serve_garbage_at_the_end(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	if (!fake_read(fd, &request))
		return;
	const struct frame end = {.kind = FRAME_STREAM_END,
				  .method = request.method,
				  .request_id = request.request_id,
				  .body = BYTES_LITERAL("\x0a\xff\xff")};
	fake_write_frame(fd, &end);
	(void)fake_read(fd, &request);
}

static void serve_broken_snapshot(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	if (fake_read(fd, &request))
		answer_records(fd, &request, RECORDS);
}

static void serve_refused_snapshot(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	if (!fake_read(fd, &request))
		return;
	answer_records(fd, &request, 1);
	fake_refuse(fd, &request, STATUS_UNAVAILABLE, "stopping");
	(void)fake_read(fd, &request);
}

static int count_record(void *context, const struct record *record)
{
	int *count = context;
	ck_assert_int_eq(record->kind, RECORD_CUSTOMER);
	ck_assert_uint_eq(record->modified_revision, (uint64_t)*count);
	++*count;
	return 0;
}

static int stop_at_second_record(void *context, const struct record *record)
{
	(void)record;
	return ++*(int *)context == 2 ? -ECANCELED : 0;
}

static int snapshot(int (*each)(void *context, const struct record *record), int *count)
{
	return evauth_snapshot(client, &(struct snapshot_request){0},
			       &(struct evauth_receiver){.each = each, .context = count});
}

struct walk {
	int records;
	int ends;
	struct snapshot_end end;
};

static int count_in_walk(void *context, const struct record *record)
{
	(void)record;
	((struct walk *)context)->records++;
	return 0;
}

static int keep_end(void *context, const struct snapshot_end *end)
{
	struct walk *walk = context;
	walk->ends++;
	walk->end = *end;
	return walk->end.revision == 0 ? 0 : -ECANCELED;
}

static int walk_to_the_end(struct walk *walk)
{
	*walk = (struct walk){0};
	return evauth_snapshot(client, &(struct snapshot_request){0},
			       &(struct evauth_receiver){.each = count_in_walk, .end = keep_end, .context = walk});
}

START_TEST(the_end_of_a_snapshot_says_what_came)
{
	struct walk walk;
	start(serve_snapshots);
	ck_assert_int_eq(walk_to_the_end(&walk), 0);
	ck_assert_int_eq(walk.ends, 1);
	ck_assert_uint_eq(walk.end.records, 0); // an older daemon
	ck_assert_int_eq(walk_to_the_end(&walk), -ECANCELED);
	ck_assert_int_eq(walk.ends, 1);
	ck_assert_int_eq(walk.records, RECORDS);
	ck_assert_uint_eq(walk.end.revision, 7);
	ck_assert_uint_eq(walk.end.records, RECORDS);
}
END_TEST

START_TEST(an_end_that_cannot_be_read_is_no_end)
{
	struct walk walk;
	start(serve_garbage_at_the_end);
	ck_assert_int_eq(walk_to_the_end(&walk), -EPROTO);
	ck_assert_int_eq(walk.ends, 0);
}
END_TEST

START_TEST(a_snapshot_gives_every_record)
{
	start(serve_snapshots);
	for (int round = 0; round < 2; round++) {
		int count = 0;
		ck_assert_int_eq(snapshot(count_record, &count), 0);
		ck_assert_int_eq(count, RECORDS);
	}
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

START_TEST(a_broken_snapshot_is_an_error_and_not_begun_again)
{
	int count = 0;
	start(serve_broken_snapshot);
	ck_assert_int_eq(snapshot(count_record, &count), -ECONNRESET);
	ck_assert_int_eq(count, RECORDS);
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

START_TEST(a_snapshot_may_be_refused_on_the_way)
{
	int count = 0;
	start(serve_refused_snapshot);
	ck_assert_int_eq(snapshot(count_record, &count), -EREMOTEIO);
	ck_assert_str_eq(evauth_fault(client)->message, "stopping");
	ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(who_walks_a_snapshot_may_stop_it)
{
	int count = 0;
	start(serve_snapshots);
	ck_assert_int_eq(snapshot(stop_at_second_record, &count), -ECANCELED);
	ck_assert_int_eq(count, 2);
	count = 0;
	ck_assert_int_eq(snapshot(count_record, &count), 0);
	ck_assert_int_eq(server.connections, 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		answers_are_matched_by_id_in_any_order,
		a_refusal_is_in_its_answer,
		nothing_outstanding_is_nothing_to_receive,
		a_call_among_pipelined_requests_is_refused,
		there_is_a_limit_to_what_is_outstanding,
		many_large_requests_do_not_wait_for_their_answers,
		a_broken_connection_ends_everything_outstanding,
		a_request_may_be_encoded_already,
		a_snapshot_gives_every_record,
		the_end_of_a_snapshot_says_what_came,
		an_end_that_cannot_be_read_is_no_end,
		a_broken_snapshot_is_an_error_and_not_begun_again,
		a_snapshot_may_be_refused_on_the_way,
		who_walks_a_snapshot_may_stop_it,
	};
	return run_client_tests("client/pipeline", tests, ARRAY_SIZE(tests));
}
