// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"
#include "bench/protocol_authorize.h"
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/methods.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static struct arena arena;
static struct world world;

static void setup(void)
{
	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
	ck_assert_int_eq(world_init(&world, 1000, 1), 0);
}

static void teardown(void)
{
	arena_finish(&arena);
	world_finish(&world);
}

static struct bytes encode(const struct schema *schema, const void *message)
{
	struct bytes body;
	ck_assert_int_eq(codec_encode(schema, message, &arena, &body), 0);
	return body;
}

static struct authorize_response full_response(void)
{
	return (struct authorize_response){
		.verdict = VERDICT_ASK_ISSUER,
		.reason = REASON_ISSUER_DECIDES,
		.access = ACCESS_ROAMING,
		.offline_verdict = VERDICT_ALLOWED,
		.charge_group_id = BYTES_LITERAL("group-000001"),
		.contract_id = BYTES_LITERAL("NLEVCC00000001"),
		.tariff_id = BYTES_LITERAL("tariff-0042"),
		.valid_until = 4102444800,
		.revision = 77,
		.ocpi_allowed = BYTES_LITERAL("ALLOWED"),
		.token_uid = BYTES_LITERAL("04A1B2C3D4E5F6"),
	};
}

START_TEST(facts_are_read_off_an_encoded_answer)
{
	const struct authorize_response response = full_response();
	struct answer_facts facts;
	ck_assert(answer_facts_read(encode(&schema_authorize_response, &response), &facts));
	ck_assert_int_eq(facts.verdict, VERDICT_ASK_ISSUER);
	ck_assert_int_eq(facts.reason, REASON_ISSUER_DECIDES);
	ck_assert_int_eq(facts.access, ACCESS_ROAMING);
	ck_assert_int_eq(facts.offline_verdict, VERDICT_ALLOWED);
	ck_assert_uint_eq(facts.tariff, 41);
}
END_TEST

START_TEST(absent_facts_are_zero_and_no_tariff)
{
	struct answer_facts facts;
	ck_assert(answer_facts_read((struct bytes){0}, &facts));
	ck_assert_int_eq(facts.verdict, VERDICT_UNSPECIFIED);
	ck_assert_uint_eq(facts.tariff, WORLD_NONE);
	struct authorize_response response = full_response();
	response.tariff_id = (struct bytes)BYTES_LITERAL("something");
	ck_assert(answer_facts_read(encode(&schema_authorize_response, &response), &facts));
	ck_assert_uint_ne(facts.tariff, WORLD_NONE);
	ck_assert_uint_gt(facts.tariff, world.tariffs);
}
END_TEST

START_TEST(an_answer_cut_short_is_read_within_its_bytes)
{
	const struct authorize_response response = full_response();
	const struct bytes body = encode(&schema_authorize_response, &response);
	for (size_t size = 0; size < body.size; size++) {
		struct answer_facts facts;
		char *part = malloc(size + 1);
		memcpy(part, body.data, size);
		(void)answer_facts_read((struct bytes){.data = part, .size = size}, &facts);
		free(part);
	}
}
END_TEST

// The frame of an answer to entry `entry`, with the facts that are expected there.
static struct authorize_response right_response(const struct question *question, char *tariff)
{
	const struct world_answer *answer = &question->answer;
	struct authorize_response response = {
		.verdict = answer->verdict,
		.reason = answer->reason,
		.access = answer->access,
		.offline_verdict = answer->offline_verdict,
		.charge_group_id = BYTES_LITERAL("group-000007"),
	};
	if (answer->tariff != WORLD_NONE)
		response.tariff_id = (struct bytes){.data = tariff, .size = world_tariff_id(answer->tariff, tariff)};
	return response;
}

static const struct authorize_load_options options = {
	.mix = {.allowed = 6, .denied = 2, .unknown = 1, .foreign = 1}, .seed = 5, .count = 300};

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct authorize_response *response)
{
	const struct load_answer answer = {.body = encode(&schema_authorize_response, response)};
	return protocol_authorize.is_right(requests, entry, &answer);
}

START_TEST(only_the_expected_verdict_reason_access_and_tariff_are_right)
{
	struct load_requests requests;
	ck_assert_int_eq(authorize_requests_create(&world, &options, &requests), 0);
	for (uint32_t i = 0; i < options.count; i++) {
		struct question question;
		char tariff[WORLD_TEXT_SIZE];
		question_make(&world, &options.mix, options.seed, i, &question);
		const struct authorize_response right = right_response(&question, tariff);
		ck_assert(is_right(&requests, i, &right));
		struct authorize_response wrong = right;
		wrong.verdict = right.verdict == VERDICT_ALLOWED ? VERDICT_DENIED : VERDICT_ALLOWED;
		ck_assert(!is_right(&requests, i, &wrong));
		wrong = right;
		wrong.reason++;
		ck_assert(!is_right(&requests, i, &wrong));
		wrong = right;
		wrong.access++;
		ck_assert(!is_right(&requests, i, &wrong));
		wrong = right;
		wrong.offline_verdict++;
		ck_assert(!is_right(&requests, i, &wrong));
		wrong = right;
		wrong.tariff_id = right.tariff_id.size ? (struct bytes){0} : (struct bytes)BYTES_LITERAL("tariff-0001");
		ck_assert(!is_right(&requests, i, &wrong));
	}
	authorize_requests_destroy(&requests);
}
END_TEST

START_TEST(requests_are_frames_of_the_questions)
{
	struct load_requests requests;
	uint64_t begin = 0;
	ck_assert_int_eq(authorize_requests_create(&world, &options, &requests), 0);
	for (uint32_t i = 0; i < options.count; i++) {
		struct question question;
		struct frame frame;
		struct fault fault = {0};
		struct authorize_request *request;
		const struct bytes bytes = {.data = requests.frames + begin, .size = requests.ends[i] - begin};
		protocol_authorize.stamp(requests.frames + begin, 0x01020304 + i);
		ck_assert_int_eq(frame_parse(bytes, FRAME_SIZE_MAX_DEFAULT, &frame), FRAME_READY);
		ck_assert_uint_eq(frame.size, bytes.size);
		ck_assert_int_eq(frame.kind, FRAME_REQUEST);
		ck_assert_uint_eq(frame.method, METHOD_AUTHORIZE);
		ck_assert_uint_eq(frame.request_id, 0x01020304 + i);
		ck_assert_int_eq(
			codec_decode(&schema_authorize_request, CODEC_STRICT, frame.body, &arena, &request, &fault), 0);
		question_make(&world, &options.mix, options.seed, i, &question);
		ck_assert(bytes_equal(request->token_uid, question.request.token_uid));
		ck_assert(bytes_equal(request->charge_point_id, question.request.charge_point_id));
		ck_assert(bytes_equal(request->evse_id, question.request.evse_id));
		begin = requests.ends[i];
	}
	authorize_requests_destroy(&requests);
}
END_TEST

enum { BATCH = 5 };

START_TEST(a_batch_is_right_when_each_of_its_answers_is)
{
	struct authorize_load_options batched = options;
	struct load_requests requests;
	struct authorize_response responses[BATCH + 1];
	char tariffs[BATCH][WORLD_TEXT_SIZE];
	batched.batch = BATCH;
	batched.count = 20;
	ck_assert_int_eq(authorize_requests_create(&world, &batched, &requests), 0);
	for (uint32_t i = 0; i < BATCH; i++) {
		struct question question;
		question_make(&world, &batched.mix, batched.seed, 3 * BATCH + i, &question);
		responses[i] = right_response(&question, tariffs[i]);
	}
	struct authorize_batch_response response = {.responses = responses, .responses_count = BATCH};
	struct load_answer answer = {.body = encode(&schema_authorize_batch_response, &response)};
	ck_assert(protocol_authorize.is_right(&requests, 3, &answer));
	ck_assert(!protocol_authorize.is_right(&requests, 4, &answer));
	for (size_t size = 0; size < answer.body.size; size++) {
		const struct load_answer part = {.body = {.data = answer.body.data, .size = size}};
		ck_assert(!protocol_authorize.is_right(&requests, 3, &part));
	}
	responses[BATCH] = responses[0];
	response.responses_count = BATCH + 1;
	answer.body = encode(&schema_authorize_batch_response, &response);
	ck_assert(!protocol_authorize.is_right(&requests, 3, &answer));
	responses[BATCH - 1].reason++;
	response.responses_count = BATCH;
	answer.body = encode(&schema_authorize_batch_response, &response);
	ck_assert(!protocol_authorize.is_right(&requests, 3, &answer));
	authorize_requests_destroy(&requests);
}
END_TEST

START_TEST(answers_are_cut_out_of_the_stream_and_others_refused)
{
	char bytes[FRAME_HEADER_SIZE + 3] = {0};
	struct frame frame = {.kind = FRAME_RESPONSE,
			      .status = 8,
			      .method = METHOD_AUTHORIZE,
			      .request_id = 9,
			      .body = {.data = bytes, .size = 3}};
	struct load_answer answer;
	frame_write_header(bytes, &frame);
	for (size_t size = 0; size < sizeof(bytes); size++)
		ck_assert_int_eq(protocol_authorize.parse(bytes, size, &answer), 0);
	ck_assert_int_eq(protocol_authorize.parse(bytes, sizeof(bytes), &answer), sizeof(bytes));
	ck_assert_uint_eq(answer.id, 9);
	ck_assert_int_eq(answer.status, 8);
	ck_assert_uint_eq(answer.body.size, 3);
	frame.kind = FRAME_REQUEST;
	frame_write_header(bytes, &frame);
	ck_assert_int_eq(protocol_authorize.parse(bytes, sizeof(bytes), &answer), -EBADMSG);
	ck_assert_int_eq(protocol_authorize.parse("HTTP/1.1 400 Bad Request", 24, &answer), -EBADMSG);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("protocol_authorize");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, facts_are_read_off_an_encoded_answer);
	tcase_add_test(tcase, absent_facts_are_zero_and_no_tariff);
	tcase_add_test(tcase, an_answer_cut_short_is_read_within_its_bytes);
	tcase_add_test(tcase, only_the_expected_verdict_reason_access_and_tariff_are_right);
	tcase_add_test(tcase, requests_are_frames_of_the_questions);
	tcase_add_test(tcase, a_batch_is_right_when_each_of_its_answers_is);
	tcase_add_test(tcase, answers_are_cut_out_of_the_stream_and_others_refused);
	Suite *suite = suite_create("bench/protocol_authorize");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
