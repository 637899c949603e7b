// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "daemon/rpc/rpc.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <sys/socket.h>

static struct rpc_fixture fixture;
static struct client_budgets *budgets;
static int fd;

static void setup(void)
{
	rpc_fixture_start(&fixture);
	budgets = &fixture.service.budgets;
	fd = rpc_fixture_connect(&fixture);
}

static void teardown(void)
{
	close(fd);
	rpc_fixture_finish(&fixture);
}

static uint64_t refused(enum budget budget)
{
	return counter_get(&worker_counters(fixture.worker)->budget_refusals[budget]);
}

// What everything below comes down to. Half an hour until the next one flows in: no test is that slow.
static const char tokens_option[] = "client-unknown-tokens-per-second";

static void allow_unknown_tokens(uint64_t burst)
{
	atomic_store(&budgets->unknown_tokens.interval_ns, 1800ll * BUCKET_NS_PER_S);
	atomic_store(&budgets->unknown_tokens.window_ns, (int64_t)burst * 1800ll * BUCKET_NS_PER_S);
}

static void allow_requests(uint64_t burst)
{
	atomic_store(&budgets->requests.interval_ns, 1800ll * BUCKET_NS_PER_S);
	atomic_store(&budgets->requests.window_ns, (int64_t)burst * 1800ll * BUCKET_NS_PER_S);
}

static void send_batch(uint32_t request_id, const char *uid, size_t count)
{
	struct authorize_request items[8];
	const struct authorize_batch_request batch = {.requests = items, .requests_count = count};
	for (size_t i = 0; i < count; i++)
		items[i] = (struct authorize_request){.token_uid = bytes_from(uid),
						      .charge_point_id = BYTES_LITERAL("CP-1")};
	send_request(fd, METHOD_AUTHORIZE_BATCH, request_id, &schema_authorize_batch_request, &batch);
}

static void send_get_tariff(uint32_t request_id, const char *uid)
{
	const struct get_tariff_request request = {.charge_point_id = BYTES_LITERAL("CP-1"),
						   .token_uid = bytes_from(uid)};
	send_request(fd, METHOD_GET_TARIFF, request_id, &schema_get_tariff_request, &request);
}

static void send_get(uint32_t request_id, enum object_kind kind, const char *id)
{
	const struct get_request request = {.kind = kind, .id = bytes_from(id)};
	send_request(fd, METHOD_GET, request_id, &schema_get_request, &request);
}

static void send_search(uint32_t request_id, const char *text)
{
	const struct search_request request = {.kind = OBJECT_KIND_TOKEN, .text = bytes_from(text)};
	send_request(fd, METHOD_SEARCH, request_id, &schema_search_request, &request);
}

// ---------------------------------------------------------------- unknown tokens

START_TEST(who_asked_for_too_many_unknown_tokens_hears_nothing_about_known_ones_either)
{
	allow_unknown_tokens(3);
	for (uint32_t id = 1; id <= 3; id++) {
		send_authorize(fd, 100 + id, "04AA", 0); // costs nothing
		expect_verdict(fd, 100 + id, VERDICT_ALLOWED);
		send_authorize(fd, id, "04BB", 0);
		expect_verdict(fd, id, VERDICT_DENIED);
	}
	send_authorize(fd, 4, "04BB", 0);
	expect_fault(fd, 4, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	send_authorize(fd, 5, "04AA", 0);
	expect_fault(fd, 5, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	ck_assert_uint_eq(refused(BUDGET_UNKNOWN_TOKENS), 2);
	ck_assert_uint_eq(counter_get(&worker_counters(fixture.worker)->token_budgets_spent), 1);
}
END_TEST

START_TEST(the_refusal_says_when_to_ask_again)
{
	struct answer answer;
	allow_unknown_tokens(1);
	send_authorize(fd, 1, "04BB", 0);
	expect_verdict(fd, 1, VERDICT_DENIED);
	send_authorize(fd, 2, "04AA", 0);
	receive(fd, &answer);
	void *message;
	struct fault fault = {0};
	ck_assert_int_eq(
		codec_decode(&schema_error, CODEC_TOLERANT, answer.frame.body, &answer.arena, &message, &fault), 0);
	const struct error_message *error = message;
	ck_assert_uint_gt(error->retry_after_ms, 1000 * 1000);
	ck_assert_uint_le(error->retry_after_ms, 1800 * 1000);
	answer_finish(&answer);
}
END_TEST

START_TEST(everything_that_tells_of_a_token_is_refused_and_nothing_else)
{
	allow_unknown_tokens(1);
	send_authorize(fd, 1, "04BB", 0);
	expect_verdict(fd, 1, VERDICT_DENIED);
	send_batch(2, "04AA", 2);
	expect_fault(fd, 2, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	send_get_tariff(3, "04AA");
	expect_fault(fd, 3, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	send_get(4, OBJECT_KIND_TOKEN, "04AA");
	expect_fault(fd, 4, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	send_search(5, "04AA");
	expect_fault(fd, 5, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	send_get_tariff(6, "");
	expect_fault(fd, 6, STATUS_INVALID_ARGUMENT, "caller");
	send_get(7, OBJECT_KIND_CUSTOMER, "c");
	expect_status(fd, 7, STATUS_OK);
	send_put_customer(fd, 8, "d");
	expect_status(fd, 8, STATUS_OK);
	send_request(fd, METHOD_STATUS, 9, &schema_status_request, &(struct status_request){0});
	expect_status(fd, 9, STATUS_OK);
}
END_TEST

// Each of these spends the one there is.
static void ask_alone(uint32_t id)
{
	send_authorize(fd, id, "04BB", 0);
	expect_verdict(fd, id, VERDICT_DENIED);
}

static void ask_explained(uint32_t id)
{
	const struct authorize_request request = {
		.token_uid = BYTES_LITERAL("04BB"), .charge_point_id = BYTES_LITERAL("CP-1"), .explain = true};
	send_request(fd, METHOD_AUTHORIZE, id, &schema_authorize_request, &request);
	expect_verdict(fd, id, VERDICT_DENIED);
}

// Line 3b: that no token has this uid is what it says.
static void ask_ad_hoc(uint32_t id)
{
	const struct authorize_request request = {.token_uid = BYTES_LITERAL("04BB"),
						  .token_type = TOKEN_TYPE_AD_HOC_USER,
						  .charge_point_id = BYTES_LITERAL("CP-1")};
	send_request(fd, METHOD_AUTHORIZE, id, &schema_authorize_request, &request);
	expect_verdict(fd, id, VERDICT_DENIED);
}

static void ask_batch(uint32_t id)
{
	send_batch(id, "04BB", 1);
	expect_status(fd, id, STATUS_OK);
}

static void ask_tariff(uint32_t id)
{
	send_get_tariff(id, "04BB");
	expect_status(fd, id, STATUS_OK);
}

static void ask_record(uint32_t id)
{
	send_get(id, OBJECT_KIND_TOKEN, "04BB");
	expect_status(fd, id, STATUS_NOT_FOUND);
}

static void ask_search(uint32_t id)
{
	send_search(id, "04BB");
	expect_status(fd, id, STATUS_OK);
}

static void (*const in_vain[])(uint32_t id) = {ask_alone,  ask_explained, ask_ad_hoc, ask_batch,
					       ask_tariff, ask_record,    ask_search};

START_TEST(every_answer_that_a_token_is_not_there_counts)
{
	allow_unknown_tokens(1);
	in_vain[_i](1);
	send_authorize(fd, 2, "04AA", 0);
	expect_fault(fd, 2, STATUS_RESOURCE_EXHAUSTED, tokens_option);
}
END_TEST

static void find_alone(uint32_t id)
{
	send_authorize(fd, id, "04FF", 0); // foreign, and refused: known all the same
	expect_verdict(fd, id, VERDICT_DENIED);
}

static void find_elsewhere(uint32_t id)
{
	// Lines 1 and 2 do not look at the token.
	static const struct authorize_request requests[] = {
		{.token_uid = BYTES_LITERAL("04BB"), .charge_point_id = BYTES_LITERAL("CP-2")},
		{.token_uid = BYTES_LITERAL("04BB"), .charge_point_id = BYTES_LITERAL("no such point")},
		// Nobody is asked for.
		{.token_type = TOKEN_TYPE_AD_HOC_USER, .charge_point_id = BYTES_LITERAL("CP-1")},
	};
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		send_request(fd, METHOD_AUTHORIZE, id, &schema_authorize_request, &requests[i]);
		expect_verdict(fd, id, VERDICT_DENIED);
	}
}

static void find_tariff(uint32_t id)
{
	send_get_tariff(id, "04AA");
	expect_status(fd, id, STATUS_OK);
}

static void find_record(uint32_t id)
{
	send_get(id, OBJECT_KIND_TOKEN, "04AA");
	expect_status(fd, id, STATUS_OK);
	send_get(id, OBJECT_KIND_CUSTOMER, "nobody");
	expect_status(fd, id, STATUS_NOT_FOUND);
}

static void find_search(uint32_t id)
{
	send_search(id, "04AA");
	expect_status(fd, id, STATUS_OK);
}

static void (*const found[])(uint32_t id) = {find_alone, find_elsewhere, find_tariff, find_record, find_search};

START_TEST(nothing_else_counts)
{
	allow_unknown_tokens(1);
	found[_i](1);
	send_authorize(fd, 2, "04AA", 0);
	expect_verdict(fd, 2, VERDICT_ALLOWED);
}
END_TEST

START_TEST(connecting_anew_fills_no_budget_and_another_limit_does)
{
	allow_unknown_tokens(1);
	ask_alone(1);
	close(fd);
	fd = rpc_fixture_connect(&fixture);
	send_authorize(fd, 2, "04AA", 0);
	expect_fault(fd, 2, STATUS_RESOURCE_EXHAUSTED, tokens_option);
	allow_unknown_tokens(10); // the one spent is still spent
	send_authorize(fd, 3, "04AA", 0);
	expect_status(fd, 3, STATUS_RESOURCE_EXHAUSTED);
	bucket_rate_set(&budgets->unknown_tokens, 0, 0);
	send_authorize(fd, 4, "04BB", 0);
	expect_verdict(fd, 4, VERDICT_DENIED);
}
END_TEST

// What is asked in one go is answered in one go: the rest has to be made up for.
START_TEST(a_pipeline_overdraws_the_budget_at_most_once)
{
	enum { COUNT = 1000 };
	uint32_t answered = 0;
	allow_unknown_tokens(10);
	for (uint32_t id = 0; id < COUNT; id++)
		send_authorize(fd, id, "04BB", 0);
	for (uint32_t id = 0; id < COUNT; id++) {
		struct answer answer;
		receive(fd, &answer);
		ck_assert_uint_eq(answer.frame.request_id, id);
		answered += answer.frame.status == STATUS_OK;
		answer_finish(&answer);
	}
	ck_assert_uint_ge(answered, 10);
	ck_assert_uint_lt(answered, 10 + CALLS_MAX);
	ck_assert_uint_eq(refused(BUDGET_UNKNOWN_TOKENS), COUNT - answered);
}
END_TEST

// ---------------------------------------------------------------- requests

START_TEST(more_requests_than_allowed_are_refused_whatever_they_ask)
{
	allow_requests(3);
	send_authorize(fd, 1, "04AA", 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	send_put_customer(fd, 2, "d");
	expect_status(fd, 2, STATUS_OK);
	send_get(3, OBJECT_KIND_CUSTOMER, "d");
	expect_status(fd, 3, STATUS_OK);
	send_authorize(fd, 4, "04AA", 0);
	expect_fault(fd, 4, STATUS_RESOURCE_EXHAUSTED, "client-requests-per-second");
	send_put_customer(fd, 5, "e");
	expect_fault(fd, 5, STATUS_RESOURCE_EXHAUSTED, "client-requests-per-second");
	ck_assert_uint_eq(refused(BUDGET_REQUESTS), 2);
	bucket_rate_set(&budgets->requests, 0, 0);
	send_get(6, OBJECT_KIND_CUSTOMER, "e");
	expect_status(fd, 6, STATUS_NOT_FOUND);
}
END_TEST

START_TEST(of_a_pipeline_the_first_are_answered_in_their_order)
{
	allow_requests(5);
	for (uint32_t id = 0; id < 20; id++)
		send_authorize(fd, id, "04AA", 0);
	for (uint32_t id = 0; id < 20; id++) {
		if (id < 5)
			expect_verdict(fd, id, VERDICT_ALLOWED);
		else
			expect_status(fd, id, STATUS_RESOURCE_EXHAUSTED);
	}
}
END_TEST

START_TEST(every_item_of_a_batch_counts)
{
	allow_requests(5);
	send_batch(1, "04AA", 8); // there were some left, so it is answered as a whole
	expect_status(fd, 1, STATUS_OK);
	send_batch(2, "04AA", 1);
	expect_fault(fd, 2, STATUS_RESOURCE_EXHAUSTED, "client-requests-per-second");
}
END_TEST

START_TEST(an_overdrawn_budget_answers_no_second_batch_of_the_same_read)
{
	allow_requests(4);
	for (uint32_t id = 1; id <= 3; id++)
		send_batch(id, "04AA", 8);
	expect_status(fd, 1, STATUS_OK);
	expect_status(fd, 2, STATUS_RESOURCE_EXHAUSTED);
	expect_status(fd, 3, STATUS_RESOURCE_EXHAUSTED);
}
END_TEST

START_TEST(requests_of_no_method_count_as_well)
{
	const struct frame frame = {.kind = FRAME_REQUEST, .method = 99, .request_id = 1};
	allow_requests(2);
	send_frame(fd, &frame);
	expect_status(fd, 1, STATUS_UNIMPLEMENTED);
	send_frame(fd, &frame);
	expect_status(fd, 1, STATUS_UNIMPLEMENTED);
	send_authorize(fd, 2, "04AA", 0);
	expect_status(fd, 2, STATUS_RESOURCE_EXHAUSTED);
}
END_TEST

// ---------------------------------------------------------------- connections

START_TEST(one_connection_too_many_hears_why_and_is_closed)
{
	atomic_store(&budgets->connections_max, 2);
	send_authorize(fd, 1, "04AA", 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	const int second = rpc_fixture_connect(&fixture);
	send_authorize(second, 1, "04AA", 0);
	expect_verdict(second, 1, VERDICT_ALLOWED);
	const int third = rpc_fixture_connect(&fixture);
	expect_fault(third, 0, STATUS_RESOURCE_EXHAUSTED, "client-connections-max");
	expect_end(third);
	close(third);
	ck_assert_uint_eq(refused(BUDGET_CONNECTIONS), 1);
	atomic_store(&budgets->connections_max, 0);
	const int fourth = rpc_fixture_connect(&fixture);
	send_authorize(fourth, 1, "04AA", 0);
	expect_verdict(fourth, 1, VERDICT_ALLOWED);
	close(fourth);
	close(second);
}
END_TEST

// ---------------------------------------------------------------- Clients

// The one this test is.
static const struct client_info *find_clients(const struct clients_request *request, struct answer *answer)
{
	char own[32];
	snprintf(own, sizeof(own), "uid:%u", geteuid());
	send_request(fd, METHOD_CLIENTS, 9, &schema_clients_request, request);
	const struct clients_response *response = receive_message(fd, 9, &schema_clients_response, answer);
	ck_assert_uint_eq(response->clients_count, 1);
	ck_assert_uint_eq(response->clients_total, 1);
	ck_assert(bytes_equal(response->clients[0].name, bytes_from(own)));
	return &response->clients[0];
}

START_TEST(clients_are_told_with_what_they_did)
{
	struct answer answer;
	allow_unknown_tokens(2);
	send_authorize(fd, 1, "04AA", 0);
	expect_verdict(fd, 1, VERDICT_ALLOWED);
	send_batch(2, "04BB", 2);
	expect_status(fd, 2, STATUS_OK);
	send_authorize(fd, 3, "04AA", 0);
	expect_status(fd, 3, STATUS_RESOURCE_EXHAUSTED);
	const int other = rpc_fixture_connect(&fixture);
	send_authorize(other, 1, "04AA", 0);
	expect_status(other, 1, STATUS_RESOURCE_EXHAUSTED);
	const struct client_info *client = find_clients(&(struct clients_request){.count_max = 1}, &answer);
	ck_assert_uint_eq(client->connections, 2);
	ck_assert_uint_eq(client->requests, 5);
	ck_assert_uint_eq(client->allowed, 1);
	ck_assert_uint_eq(client->denied, 2);
	ck_assert_uint_eq(client->unknown_tokens, 2);
	ck_assert_uint_eq(client->unknown_tokens_left, 0);
	ck_assert_uint_eq(client->refused, 2);
	ck_assert_uint_eq(client->roles_count, 4);
	ck_assert(bytes_equal(client->roles[3], BYTES_LITERAL("admin")));
	ck_assert_uint_gt(client->bytes_in, 5 * FRAME_HEADER_SIZE);
	ck_assert_uint_gt(client->bytes_out, 4 * FRAME_HEADER_SIZE);
	ck_assert_int_ge(client->last_seen_at, clock_wall_s() - 600);
	ck_assert_int_le(client->last_seen_at, clock_wall_s());
	answer_finish(&answer);
	close(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/budget");
	TCase *tests = tcase_create("budget");
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, who_asked_for_too_many_unknown_tokens_hears_nothing_about_known_ones_either);
	tcase_add_test(tests, the_refusal_says_when_to_ask_again);
	tcase_add_test(tests, everything_that_tells_of_a_token_is_refused_and_nothing_else);
	tcase_add_loop_test(tests, every_answer_that_a_token_is_not_there_counts, 0, ARRAY_SIZE(in_vain));
	tcase_add_loop_test(tests, nothing_else_counts, 0, ARRAY_SIZE(found));
	tcase_add_test(tests, connecting_anew_fills_no_budget_and_another_limit_does);
	tcase_add_test(tests, a_pipeline_overdraws_the_budget_at_most_once);
	tcase_add_test(tests, more_requests_than_allowed_are_refused_whatever_they_ask);
	tcase_add_test(tests, of_a_pipeline_the_first_are_answered_in_their_order);
	tcase_add_test(tests, every_item_of_a_batch_counts);
	tcase_add_test(tests, an_overdrawn_budget_answers_no_second_batch_of_the_same_read);
	tcase_add_test(tests, requests_of_no_method_count_as_well);
	tcase_add_test(tests, one_connection_too_many_hears_why_and_is_closed);
	tcase_add_test(tests, clients_are_told_with_what_they_did);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
