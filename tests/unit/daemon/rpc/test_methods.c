// SPDX-License-Identifier: Apache-2.0
// The methods as a client sees them: the table of dispatch.c, AuthorizeBatch, GetTariff, Status, Get and the lists.
#include "base/clock.h"
#include "daemon/rpc/rpc.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <sched.h>

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

// ---------------------------------------------------------------- the table

START_TEST(every_row_is_whole_and_found_by_its_number)
{
	int count = 0;
	for (const struct method_row *row = dispatch_next(NULL); row != NULL; row = dispatch_next(row)) {
		const int ways = (row->answer != NULL) + (row->answer_calls != NULL) + (row->list != NULL) +
				 (row->start != NULL);
		ck_assert_ptr_eq(dispatch_find(dispatch_number(row)), row);
		ck_assert_int_eq(ways, 1);
		ck_assert_uint_gt(row->body_size_max, 0);
		ck_assert_uint_le(row->body_size_max, FRAME_SIZE_MAX_DEFAULT);
		count++;
	}
	ck_assert_int_eq(count, 19);
}
END_TEST

START_TEST(numbers_without_a_method_are_not_found)
{
	static const uint16_t numbers[] = {0, 4, 7, 8, 15, 22, 31, 40, 100, UINT16_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		ck_assert_ptr_null(dispatch_find(numbers[i]));
}
END_TEST

START_TEST(only_changes_are_read_strictly)
{
	for (const struct method_row *row = dispatch_next(NULL); row != NULL; row = dispatch_next(row))
		ck_assert_int_eq(row->mode == CODEC_STRICT,
				 strchr("\x10\x21\x22\x23\x25", dispatch_number(row)) != NULL);
}
END_TEST

static uint64_t times_counted(uint16_t number)
{
	struct bucket_figures figures = {0};
	uint64_t count = 0;
	buckets_collect(&worker_counters(fixture.worker)->times[number], &figures);
	for (size_t i = 0; i < BUCKETS_MAX; i++)
		count += figures.counts[i];
	return count;
}

// Counted when the answer was written: a moment after it came.
START_TEST(whatever_is_answered_at_once_is_timed)
{
	for (const struct method_row *row = dispatch_next(NULL); row != NULL; row = dispatch_next(row)) {
		const struct frame frame = {.kind = FRAME_REQUEST, .method = dispatch_number(row)};
		struct answer answer;
		if (!method_is_immediate(row))
			continue;
		send_frame(fd, &frame);
		receive(fd, &answer);
		answer_finish(&answer);
		while (times_counted(frame.method) == 0)
			sched_yield();
	}
}
END_TEST

// Listings give way to queries: not to each other, and not to changes.
START_TEST(only_queries_count_as_queries_being_answered)
{
	static const struct {
		enum method method;
		bool is_query;
	} rows[] = {
		{METHOD_STATUS, false},
		{METHOD_GET, false},
		{METHOD_SEARCH, false},
		{METHOD_LIST_PERMITTED, false},
		{METHOD_LIST_VISIBLE_CHARGE_POINTS, false},
		{METHOD_SNAPSHOT, false},
		{METHOD_APPLY, false},
		{METHOD_LOG, false},
		{METHOD_ADOPT, false},
		{METHOD_FORGET_ORPHANS, false},
		{METHOD_CHECK, false},
		{METHOD_ERASE, false},
		{METHOD_AUTHORIZE, true},
		{METHOD_AUTHORIZE_BATCH, true},
		{METHOD_GET_TARIFF, true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer answer;
		const struct frame request = {.kind = FRAME_REQUEST, .method = (uint16_t)rows[i].method};
		atomic_store(&fixture.service.answered_s, 0);
		send_frame(fd, &request); // answered or refused, it is a request of that kind
		do {
			receive(fd, &answer);
			answer_finish(&answer);
		} while (answer.frame.kind == FRAME_STREAM_ITEM);
		ck_assert_msg(service_is_answering(&fixture.service) == rows[i].is_query, "method %d", rows[i].method);
	}
}
END_TEST

START_TEST(queries_of_three_seconds_ago_are_over)
{
	atomic_store(&fixture.service.answered_s, clock_monotonic_ms() / 1000 - 3);
	ck_assert(!service_is_answering(&fixture.service));
}
END_TEST

// ---------------------------------------------------------------- AuthorizeBatch

static struct authorize_request *make_items(size_t count, size_t explained)
{
	static struct authorize_request items[BATCH_REQUESTS_MAX + 1];
	for (size_t i = 0; i < count; i++)
		items[i] = (struct authorize_request){.token_uid = BYTES_LITERAL("04AA"),
						      .charge_point_id = BYTES_LITERAL("CP-1"),
						      .explain = i < explained};
	return items;
}

static void send_batch(struct authorize_request *items, size_t count)
{
	const struct authorize_batch_request batch = {.requests = items, .requests_count = count};
	send_request(fd, METHOD_AUTHORIZE_BATCH, 1, &schema_authorize_batch_request, &batch);
}

START_TEST(a_bad_item_gets_its_own_error_and_the_rest_are_answered)
{
	struct authorize_request *items = make_items(3, 0);
	struct answer answer;
	items[1].charge_point_id = BYTES_LITERAL("");
	send_batch(items, 3);
	const struct authorize_batch_response *response =
		receive_message(fd, 1, &schema_authorize_batch_response, &answer);
	ck_assert_uint_eq(response->responses_count, 3);
	ck_assert_int_eq(response->responses[0].verdict, VERDICT_ALLOWED);
	ck_assert_int_eq(response->responses[2].verdict, VERDICT_ALLOWED);
	ck_assert_int_eq(response->responses[1].verdict, VERDICT_UNSPECIFIED);
	const struct error_message *error = response->responses[1].error;
	ck_assert_ptr_nonnull(error);
	ck_assert_uint_eq(error->code, STATUS_INVALID_ARGUMENT);
	ck_assert(bytes_equal(error->field, BYTES_LITERAL("charge_point_id")));
	ck_assert_uint_gt(error->message.size, 0);
	answer_finish(&answer);
}
END_TEST

START_TEST(a_batch_holds_at_most_its_maximum)
{
	struct answer answer;
	send_batch(make_items(BATCH_REQUESTS_MAX, 0), BATCH_REQUESTS_MAX);
	const struct authorize_batch_response *response =
		receive_message(fd, 1, &schema_authorize_batch_response, &answer);
	ck_assert_uint_eq(response->responses_count, BATCH_REQUESTS_MAX);
	for (size_t i = 0; i < BATCH_REQUESTS_MAX; i++)
		ck_assert_uint_eq(response->responses[i].decided_at, response->responses[0].decided_at);
	answer_finish(&answer);
	send_batch(make_items(BATCH_REQUESTS_MAX + 1, 0), BATCH_REQUESTS_MAX + 1);
	receive(fd, &answer);
	ck_assert_uint_ne(answer.frame.status, STATUS_OK);
	answer_finish(&answer);
	send_batch(NULL, 0);
	expect_status(fd, 1, STATUS_OK);
}
END_TEST

START_TEST(a_batch_explains_at_most_its_maximum)
{
	struct answer answer;
	send_batch(make_items(20, BATCH_EXPLAIN_MAX), 20);
	const struct authorize_batch_response *response =
		receive_message(fd, 1, &schema_authorize_batch_response, &answer);
	ck_assert_uint_gt(response->responses[0].explanation_count, 0);
	ck_assert_uint_eq(response->responses[BATCH_EXPLAIN_MAX].explanation_count, 0);
	answer_finish(&answer);
	send_batch(make_items(20, BATCH_EXPLAIN_MAX + 1), 20);
	expect_fault(fd, 1, STATUS_RESOURCE_EXHAUSTED, "at most 16");
}
END_TEST

START_TEST(a_single_question_is_explained)
{
	struct answer answer;
	send_request(fd, METHOD_AUTHORIZE, 1, &schema_authorize_request, make_items(1, 1));
	const struct authorize_response *response = receive_message(fd, 1, &schema_authorize_response, &answer);
	ck_assert_int_eq(response->verdict, VERDICT_ALLOWED);
	ck_assert_uint_gt(response->explanation_count, 3);
	answer_finish(&answer);
}
END_TEST

// ---------------------------------------------------------------- GetTariff

static const struct get_tariff_response *ask_tariff(const struct get_tariff_request *request, struct answer *answer)
{
	send_request(fd, METHOD_GET_TARIFF, 1, &schema_get_tariff_request, request);
	return receive_message(fd, 1, &schema_get_tariff_response, answer);
}

START_TEST(a_tariff_comes_whole_and_with_its_reason)
{
	struct answer answer;
	const struct get_tariff_request request = {.charge_point_id = BYTES_LITERAL("CP-1"),
						   .token_uid = BYTES_LITERAL("04AA")};
	const struct get_tariff_response *response = ask_tariff(&request, &answer);
	ck_assert(bytes_equal(response->tariff->id, BYTES_LITERAL("t-staff")));
	ck_assert_uint_gt(response->tariff->elements_count, 0);
	ck_assert_int_eq(response->source, TARIFF_SOURCE_OVERRIDE);
	ck_assert(bytes_equal(response->charge_group_id, BYTES_LITERAL("g")));
	ck_assert(bytes_equal(response->customer_id, BYTES_LITERAL("c")));
	ck_assert_uint_eq(response->revision, store_fixture_revision(&fixture.store));
	answer_finish(&answer);
}
END_TEST

START_TEST(a_foreign_caller_is_named_by_its_issuer)
{
	struct answer answer;
	const struct get_tariff_request request = {.charge_group_id = BYTES_LITERAL("g"),
						   .token_uid = BYTES_LITERAL("04FF")};
	const struct get_tariff_response *response = ask_tariff(&request, &answer);
	ck_assert(bytes_equal(response->tariff->id, BYTES_LITERAL("t")));
	ck_assert_int_eq(response->source, TARIFF_SOURCE_GROUP);
	ck_assert(bytes_equal(response->issuer->country_code, BYTES_LITERAL("DE")));
	ck_assert(bytes_equal(response->issuer->party_id, BYTES_LITERAL("LAD")));
	ck_assert_uint_eq(response->customer_id.size, 0);
	answer_finish(&answer);
}
END_TEST

START_TEST(refusals_of_a_tariff_have_their_codes)
{
	const struct {
		struct get_tariff_request request;
		enum status_code status;
	} rows[] = {
		{{.charge_point_id = BYTES_LITERAL("CP-1")}, STATUS_INVALID_ARGUMENT},
		{{.charge_point_id = BYTES_LITERAL("CP-9"), .token_uid = BYTES_LITERAL("04AA")}, STATUS_NOT_FOUND},
		{{.charge_point_id = BYTES_LITERAL("CP-2"), .token_uid = BYTES_LITERAL("04AA")},
		 STATUS_FAILED_PRECONDITION},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		send_request(fd, METHOD_GET_TARIFF, 1, &schema_get_tariff_request, &rows[i].request);
		expect_status(fd, 1, rows[i].status);
	}
}
END_TEST

// ---------------------------------------------------------------- Status, Get, lists

START_TEST(status_tells_version_methods_limits_and_counts)
{
	struct answer answer;
	const struct status_request request = {0};
	send_request(fd, METHOD_STATUS, 1, &schema_status_request, &request);
	const struct status_response *response = receive_message(fd, 1, &schema_status_response, &answer);
	ck_assert(bytes_equal(response->version, bytes_from(EVAUTH_VERSION)));
	ck_assert_uint_eq(response->methods_count, 19);
	ck_assert_uint_eq(response->methods[0].number, METHOD_AUTHORIZE);
	ck_assert(bytes_equal(response->limits[0].name, BYTES_LITERAL("frame_size_max")));
	ck_assert_uint_eq(response->limits[0].value, FRAME_SIZE_MAX_DEFAULT);
	ck_assert_uint_eq(response->objects_count, OBJECT_KINDS - 1);
	ck_assert_uint_eq(response->objects[OBJECT_KIND_TARIFF - 1].count, 2);
	ck_assert_uint_eq(response->connections, 1);
	ck_assert_uint_eq(response->workers, 1);
	ck_assert_int_eq(response->started_at, 1700000000);
	ck_assert(response->accepts_writes);
	answer_finish(&answer);
}
END_TEST

static int give_figures(void *context, struct arena *figures_arena, struct figures_response *ret_response)
{
	*ret_response =
		(struct figures_response){.version = arena_copy(figures_arena, bytes_from(context)), .uptime_ms = 7};
	return 0;
}

START_TEST(figures_are_what_the_server_gives)
{
	static char version[] = "9.9";
	struct answer answer;
	const struct figures_request request = {0};
	send_request(fd, METHOD_FIGURES, 1, &schema_figures_request, &request);
	expect_status(fd, 1, STATUS_UNIMPLEMENTED);
	fixture.service.figures = (struct service_figures){.context = version, .get = give_figures};
	send_request(fd, METHOD_FIGURES, 2, &schema_figures_request, &request);
	const struct figures_response *response = receive_message(fd, 2, &schema_figures_response, &answer);
	ck_assert(bytes_equal(response->version, BYTES_LITERAL("9.9")));
	ck_assert_uint_eq(response->uptime_ms, 7);
	answer_finish(&answer);
}
END_TEST

START_TEST(get_answers_a_record_or_not_found)
{
	struct answer answer;
	struct get_request request = {.kind = OBJECT_KIND_CUSTOMER, .id = BYTES_LITERAL("C")};
	send_request(fd, METHOD_GET, 1, &schema_get_request, &request);
	const struct record *record = receive_message(fd, 1, &schema_record, &answer);
	ck_assert_int_eq(record->kind, RECORD_CUSTOMER);
	ck_assert(bytes_equal(record->customer->id, BYTES_LITERAL("c")));
	answer_finish(&answer);
	request.id = BYTES_LITERAL("nobody");
	send_request(fd, METHOD_GET, 2, &schema_get_request, &request);
	expect_status(fd, 2, STATUS_NOT_FOUND);
}
END_TEST

START_TEST(the_lists_answer)
{
	struct answer answer;
	const struct list_visible_charge_points_request visible = {.customer_id = BYTES_LITERAL("c")};
	const struct list_permitted_request permitted = {.charge_point_id = BYTES_LITERAL("CP-1")};
	send_request(fd, METHOD_LIST_VISIBLE_CHARGE_POINTS, 1, &schema_list_visible_charge_points_request, &visible);
	const struct list_visible_charge_points_response *points =
		receive_message(fd, 1, &schema_list_visible_charge_points_response, &answer);
	ck_assert_uint_eq(points->charge_points_count, 1);
	answer_finish(&answer);
	send_request(fd, METHOD_LIST_PERMITTED, 2, &schema_list_permitted_request, &permitted);
	const struct list_permitted_response *people = receive_message(fd, 2, &schema_list_permitted_response, &answer);
	ck_assert_uint_eq(people->customers_count, 1);
	answer_finish(&answer);
}
END_TEST

START_TEST(an_answer_over_the_frame_size_is_refused_and_less_is_not)
{
	struct search_request request = {.kind = OBJECT_KIND_CUSTOMER, .page_size = 100};
	rpc_fixture_fill(&fixture, 40);
	fixture.service.frame_size_max = FRAME_SIZE_MAX_MIN; // read by the worker when the answer is there
	send_request(fd, METHOD_SEARCH, 1, &schema_search_request, &request);
	expect_fault(fd, 1, STATUS_RESOURCE_EXHAUSTED, "frame_size_max is 16384");
	request.page_size = 10;
	send_request(fd, METHOD_SEARCH, 2, &schema_search_request, &request);
	expect_status(fd, 2, STATUS_OK);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_bad_item_gets_its_own_error_and_the_rest_are_answered);
	tcase_add_test(tests, a_batch_holds_at_most_its_maximum);
	tcase_add_test(tests, a_batch_explains_at_most_its_maximum);
	tcase_add_test(tests, a_single_question_is_explained);
	tcase_add_test(tests, a_tariff_comes_whole_and_with_its_reason);
	tcase_add_test(tests, a_foreign_caller_is_named_by_its_issuer);
	tcase_add_test(tests, refusals_of_a_tariff_have_their_codes);
	tcase_add_test(tests, only_queries_count_as_queries_being_answered);
	tcase_add_test(tests, queries_of_three_seconds_ago_are_over);
	tcase_add_test(tests, status_tells_version_methods_limits_and_counts);
	tcase_add_test(tests, figures_are_what_the_server_gives);
	tcase_add_test(tests, whatever_is_answered_at_once_is_timed);
	tcase_add_test(tests, get_answers_a_record_or_not_found);
	tcase_add_test(tests, the_lists_answer);
	tcase_add_test(tests, an_answer_over_the_frame_size_is_refused_and_less_is_not);
}

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/methods");
	TCase *table = tcase_create("table"), *tests = tcase_create("methods");
	tcase_add_test(table, every_row_is_whole_and_found_by_its_number);
	tcase_add_test(table, numbers_without_a_method_are_not_found);
	tcase_add_test(table, only_changes_are_read_strictly);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_tests(tests);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, table);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
