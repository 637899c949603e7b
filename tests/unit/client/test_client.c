// SPDX-License-Identifier: Apache-2.0
// Calls: one request, one answer, and all the ways in which that can go wrong.
#include "proto/limits.h"
#include "proto/timeout.h"
#include "tests/unit/client/client_fixture.h"

#include <stdio.h>
#include <unistd.h>

static int change(const char *idempotency_key)
{
	struct delete_object delete = {.id = BYTES_LITERAL("t")};
	struct change one = {.kind = CHANGE_DELETE_TARIFF, .delete_object = &delete};
	const struct change_set set = {
		.changes = &one, .changes_count = 1, .idempotency_key = bytes_from(idempotency_key)};
	struct apply_response *response;
	return evauth_apply(client, &set, &arena, &response);
}

// ---------------------------------------------------------------- what servers do

static void serve_one_answer(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	if (fake_read(fd, &request))
		answer_with_revision(fd, &request, (uint64_t)number);
}

static void serve_from_the_second_connection_on(struct fake_server *self, int fd, int number)
{
	if (number == 1)
		serve_nothing(self, fd, number);
	else
		serve_answers(self, fd, number);
}

static void serve_silence(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request))
		;
}

// Answers the first request by `answer`, and waits for the client to go.
static void serve_once(int fd, void (*answer)(int fd, struct frame *request))
{
	struct frame request;
	if (!fake_read(fd, &request))
		return;
	answer(fd, &request);
	(void)fake_read(fd, &request);
}

static void answer_another_request(int fd, struct frame *request)
{
	request->request_id += 7;
	answer_with_revision(fd, request, 1);
}

static void answer_another_method(int fd, struct frame *request)
{
	request->method = METHOD_APPLY;
	answer_with_revision(fd, request, 1);
}

static void answer_about_no_request(int fd, struct frame *request)
{
	request->request_id = 0;
	request->method = 0;
	fake_refuse(fd, request, STATUS_RESOURCE_EXHAUSTED, "too many connections");
}

static void answer_oversized(int fd, struct frame *request)
{
	char header[FRAME_HEADER_SIZE];
	const struct frame answer = {.kind = FRAME_RESPONSE,
				     .method = request->method,
				     .request_id = request->request_id,
				     .body.size = FIXTURE_FRAME_SIZE_MAX};
	frame_write_header(header, &answer);
	fake_write(fd, header, sizeof(header));
}

static void answer_garbage(int fd, struct frame *request)
{
	(void)request;
	fake_write(fd, "\0\0\0\x10HTTP/1.1 400 Bad", 20);
}

static void answer_no_message(int fd, struct frame *request)
{
	const struct frame answer = {.kind = FRAME_RESPONSE,
				     .method = request->method,
				     .request_id = request->request_id,
				     .body = BYTES_LITERAL("\xff\xff\xff\xff")};
	fake_write_frame(fd, &answer);
}

static void answer_with_a_stream(int fd, struct frame *request)
{
	fake_answer(fd, request, FRAME_STREAM_ITEM, &schema_authorize_response, &(struct authorize_response){0});
}

#define SERVE_ONCE(answer)                                                       \
	static void serve_##answer(struct fake_server *self, int fd, int number) \
	{                                                                        \
		(void)self;                                                      \
		(void)number;                                                    \
		serve_once(fd, answer);                                          \
	}
SERVE_ONCE(answer_another_request)
SERVE_ONCE(answer_another_method)
SERVE_ONCE(answer_about_no_request)
SERVE_ONCE(answer_oversized)
SERVE_ONCE(answer_garbage)
SERVE_ONCE(answer_no_message)
SERVE_ONCE(answer_with_a_stream)

static void serve_half_an_answer(struct fake_server *self, int fd, int number)
{
	struct frame request;
	char header[FRAME_HEADER_SIZE];
	(void)self;
	(void)number;
	if (!fake_read(fd, &request))
		return;
	const struct frame answer = {
		.kind = FRAME_RESPONSE, .method = request.method, .request_id = request.request_id, .body.size = 100};
	frame_write_header(header, &answer);
	fake_write(fd, header, sizeof(header));
	fake_write(fd, "only this", 9);
}

// Answers with the request's timeout_ms as the revision.
static void serve_timeouts(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request))
		answer_with_revision(fd, &request, timeout_find(request.body));
}

// ---------------------------------------------------------------- answers

START_TEST(a_call_tells_how_long_it_waits)
{
	struct authorize_response *response;
	const struct authorize_request own = {.token_uid = BYTES_LITERAL("04A1"), .timeout_ms = 77};
	start(serve_timeouts);
	ck_assert_int_eq(ask(&response), 0);
	ck_assert_uint_eq(response->revision, 20000);
	ck_assert_int_eq(evauth_authorize(client, &own, &arena, &response), 0);
	ck_assert_uint_eq(response->revision, 77);
}
END_TEST

START_TEST(a_call_need_not_tell)
{
	struct authorize_response *response;
	struct fault fault = {0};
	fake_server_start(&server, serve_timeouts, NULL);
	const struct evauth_options options = {.server = server.name, .without_deadlines = true};
	ck_assert_int_eq(evauth_client_create(&options, &client, &fault), 0);
	ck_assert_int_eq(ask(&response), 0);
	ck_assert_uint_eq(response->revision, 0);
}
END_TEST

START_TEST(a_call_whose_body_would_grow_over_its_cap_does_not_tell)
{
	enum { OVERHEAD = 3 }; // tag and size of a string of over 127 bytes
	static char text[BODY_QUERY_MAX];
	struct authorize_response *response;
	memset(text, 'x', sizeof(text));
	start(serve_timeouts);
	for (size_t spare = 0; spare <= TIMEOUT_FIELD_SIZE_MAX; spare++) {
		const struct authorize_request request = {
			.token_uid = {.data = text, .size = BODY_QUERY_MAX - OVERHEAD - spare}};
		ck_assert_int_eq(evauth_authorize(client, &request, &arena, &response), 0);
		ck_assert_uint_eq(response->revision, spare < TIMEOUT_FIELD_SIZE_MAX ? 0 : 20000);
	}
}
END_TEST

START_TEST(a_call_returns_the_answer)
{
	struct authorize_response *response;
	start(serve_answers);
	ck_assert_int_eq(ask(&response), 0);
	ck_assert_int_eq(response->verdict, VERDICT_ALLOWED);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_OK);
	ck_assert_uint_eq(evauth_in_flight(client), 0);
}
END_TEST

START_TEST(calls_share_one_connection)
{
	struct authorize_response *response;
	start(serve_answers);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(ask(&response), 0);
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

START_TEST(a_unix_socket_works_as_well)
{
	struct authorize_response *response;
	char path[64];
	snprintf(path, sizeof(path), "/tmp/evauth-test-%d", (int)getpid());
	unlink(path);
	fake_server_start_unix(&server, serve_answers, path);
	make_client(20000);
	ck_assert_int_eq(ask(&response), 0);
	unlink(path);
}
END_TEST

START_TEST(a_refusal_carries_the_daemons_fault)
{
	struct authorize_response *response = NULL;
	start(serve_refusals);
	ck_assert_int_eq(ask(&response), -EREMOTEIO);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_NOT_FOUND);
	ck_assert_str_eq(evauth_fault(client)->message, "no such thing");
	ck_assert_str_eq(evauth_fault(client)->field, "some.field");
	ck_assert_uint_eq(evauth_fault(client)->change_number, 3);
	ck_assert_ptr_null(response);
}
END_TEST

START_TEST(a_refusal_does_not_end_the_connection)
{
	struct authorize_response *response;
	start(serve_refusals);
	ck_assert_int_eq(ask(&response), -EREMOTEIO);
	ck_assert_int_eq(ask(&response), -EREMOTEIO);
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

// ---------------------------------------------------------------- time and connections

START_TEST(an_unreachable_server_is_named)
{
	struct authorize_response *response;
	fake_server_start(&server, serve_answers, NULL);
	const struct evauth_options options = {.server = "unix:/nowhere/at/all"};
	struct fault fault = {0};
	ck_assert_int_eq(evauth_client_create(&options, &client, &fault), 0);
	ck_assert_int_eq(ask(&response), -ENOENT);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(evauth_fault(client)->message, "unix:/nowhere/at/all"));
	ck_assert_int_eq(server.connections, 0);
}
END_TEST

START_TEST(silence_ends_in_a_time_out)
{
	struct authorize_response *response;
	fake_server_start(&server, serve_silence, NULL);
	make_client(30);
	ck_assert_int_eq(ask(&response), -ETIMEDOUT);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_DEADLINE_EXCEEDED);
}
END_TEST

START_TEST(after_a_time_out_there_is_a_new_connection)
{
	struct authorize_response *response;
	fake_server_start(&server, serve_silence, NULL);
	make_client(30);
	ck_assert_int_eq(ask(&response), -ETIMEDOUT);
	ck_assert_int_eq(ask(&response), -ETIMEDOUT);
	// The server may come to the second one only when the first is gone.
	evauth_client_destroy(client);
	client = NULL;
	while (atomic_load(&server.connections) < 2)
		;
}
END_TEST

START_TEST(a_closed_connection_is_made_again)
{
	struct authorize_response *response;
	start(serve_one_answer);
	for (uint64_t i = 1; i <= 3; i++) {
		ck_assert_int_eq(ask(&response), 0);
		ck_assert_uint_eq(response->revision, i);
	}
}
END_TEST

START_TEST(a_query_is_sent_once_more_when_the_connection_breaks)
{
	struct authorize_response *response;
	start(serve_from_the_second_connection_on);
	ck_assert_int_eq(ask(&response), 0);
	ck_assert_uint_eq(response->revision, 2);
}
END_TEST

START_TEST(a_query_is_not_sent_a_third_time)
{
	struct authorize_response *response;
	start(serve_nothing);
	ck_assert_int_eq(ask(&response), -ECONNRESET);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_UNAVAILABLE);
	ck_assert_int_eq(server.connections, 2);
}
END_TEST

START_TEST(a_change_that_was_sent_is_not_repeated)
{
	start(serve_from_the_second_connection_on);
	ck_assert_int_eq(change(NULL), -ECONNRESET);
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

START_TEST(a_change_with_an_idempotency_key_is_repeated)
{
	start(serve_from_the_second_connection_on);
	ck_assert_int_eq(change("key-1"), 0);
	ck_assert_int_eq(server.connections, 2);
}
END_TEST

// ---------------------------------------------------------------- what is not our protocol

START_TEST(an_answer_to_another_request_ends_the_connection)
{
	struct authorize_response *response;
	start(serve_answer_another_request);
	ck_assert_int_eq(ask(&response), -EPROTO);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_INTERNAL);
}
END_TEST

START_TEST(an_answer_of_another_method_ends_the_connection)
{
	struct authorize_response *response;
	start(serve_answer_another_method);
	ck_assert_int_eq(ask(&response), -EPROTO);
}
END_TEST

START_TEST(a_refused_connection_says_why)
{
	struct authorize_response *response;
	start(serve_answer_about_no_request);
	ck_assert_int_eq(ask(&response), -EPROTO);
	ck_assert_str_eq(evauth_fault(client)->message, "too many connections");
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_RESOURCE_EXHAUSTED);
}
END_TEST

START_TEST(a_frame_above_the_limit_is_refused_by_its_header)
{
	struct authorize_response *response;
	start(serve_answer_oversized);
	ck_assert_int_eq(ask(&response), -EPROTO);
	ck_assert_ptr_nonnull(strstr(evauth_fault(client)->message, "length"));
}
END_TEST

START_TEST(a_connection_broken_in_the_middle_of_an_answer_is_reported_as_such)
{
	struct authorize_response *response;
	start(serve_half_an_answer);
	ck_assert_int_eq(ask(&response), -ECONNRESET);
	ck_assert_ptr_nonnull(strstr(evauth_fault(client)->message, "in the middle"));
}
END_TEST

START_TEST(another_protocol_is_recognized)
{
	struct authorize_response *response;
	start(serve_answer_garbage);
	ck_assert_int_eq(ask(&response), -EPROTO);
}
END_TEST

START_TEST(an_answer_that_is_no_message_ends_the_connection)
{
	struct authorize_response *response;
	start(serve_answer_no_message);
	ck_assert_int_eq(ask(&response), -EPROTO);
}
END_TEST

START_TEST(a_stream_is_no_answer_to_a_call)
{
	struct authorize_response *response;
	start(serve_answer_with_a_stream);
	ck_assert_int_eq(ask(&response), -EPROTO);
}
END_TEST

START_TEST(an_unknown_method_is_not_sent)
{
	void *response;
	start(serve_answers);
	ck_assert_int_eq(evauth_call(client, METHOD_PRICE_SESSION, NULL, &arena, &response), -EINVAL);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_UNIMPLEMENTED);
	ck_assert_int_eq(server.connections, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_call_tells_how_long_it_waits,
		a_call_need_not_tell,
		a_call_whose_body_would_grow_over_its_cap_does_not_tell,
		a_call_returns_the_answer,
		calls_share_one_connection,
		a_unix_socket_works_as_well,
		a_refusal_carries_the_daemons_fault,
		a_refusal_does_not_end_the_connection,
		an_unreachable_server_is_named,
		silence_ends_in_a_time_out,
		after_a_time_out_there_is_a_new_connection,
		a_closed_connection_is_made_again,
		a_query_is_sent_once_more_when_the_connection_breaks,
		a_query_is_not_sent_a_third_time,
		a_change_that_was_sent_is_not_repeated,
		a_change_with_an_idempotency_key_is_repeated,
		an_answer_to_another_request_ends_the_connection,
		an_answer_of_another_method_ends_the_connection,
		a_refused_connection_says_why,
		a_frame_above_the_limit_is_refused_by_its_header,
		a_connection_broken_in_the_middle_of_an_answer_is_reported_as_such,
		another_protocol_is_recognized,
		an_answer_that_is_no_message_ends_the_connection,
		a_stream_is_no_answer_to_a_call,
		an_unknown_method_is_not_sent,
	};
	return run_client_tests("client/client", tests, ARRAY_SIZE(tests));
}
