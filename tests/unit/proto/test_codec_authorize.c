// SPDX-License-Identifier: Apache-2.0
// The hand-written codec against the generic one: the same bytes, the same messages, the same refusals.
#include "proto/codec.h"
#include "proto/codec_authorize.h"
#include "proto/limits.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct arena arena;

static void set_up(void)
{
	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
}

static void tear_down(void)
{
	arena_finish(&arena);
}

// ---------------------------------------------------------------- requests

// Decodes both ways; returns the result, which must be the same.
static int compare_decoding(struct bytes body)
{
	struct authorize_request by_hand, *generic = NULL;
	struct fault fault_by_hand = {0}, fault_generic = {0};
	const int expected =
		codec_decode(&schema_authorize_request, CODEC_TOLERANT, body, &arena, &generic, &fault_generic);
	memset(&by_hand, 0xee, sizeof(by_hand));
	const int result = codec_decode_authorize_request(body, &arena, &by_hand, &fault_by_hand);
	ck_assert_int_eq(result, expected);
	ck_assert_int_eq(fault_by_hand.code, fault_generic.code);
	ck_assert_str_eq(fault_by_hand.field, fault_generic.field);
	ck_assert_str_eq(fault_by_hand.message, fault_generic.message);
	if (result == 0)
		ck_assert(message_equal(&schema_authorize_request, &by_hand, generic));
	return result;
}

START_TEST(random_requests_are_decoded_alike)
{
	struct random random = {.state = 1, .is_ascii = true};
	for (int round = 0; round < 5000; round++) {
		struct bytes body;
		arena_reset(&arena);
		random.is_ascii = round % 4 != 0;
		const void *message = random_message(&random, &schema_authorize_request, &arena);
		ck_assert_int_eq(codec_encode(&schema_authorize_request, message, &arena, &body), 0);
		ck_assert_int_eq(compare_decoding(body), 0);
		// Damaged in one byte, and cut off.
		char *damaged = malloc(body.size + 1);
		memcpy(damaged, body.data, body.size);
		if (body.size > 0)
			damaged[random_below(&random, body.size)] = (char)random_next(&random);
		compare_decoding((struct bytes){damaged, body.size});
		compare_decoding((struct bytes){damaged, random_below(&random, body.size + 1)});
		free(damaged);
	}
}
END_TEST

START_TEST(unusual_requests_are_decoded_alike)
{
	const struct {
		struct bytes body;
		int result;
	} cases[] = {
		{{NULL, 0}, 0},
		{BYTES_LITERAL("\x0a\x01x\x0a\x01y"), 0},     // a string twice
		{BYTES_LITERAL("\x0a\x01x\x0a\x00"), 0},      // the second one empty
		{BYTES_LITERAL("\x1a\x00"), 0},               // an empty issuer
		{BYTES_LITERAL("\x1a\x00\x1a\x00"), -EINVAL}, // an issuer twice
		{BYTES_LITERAL("\x1a\x04\x0a\x02NL\x1a\x00"), -EINVAL},
		{BYTES_LITERAL("\x1a\x06\x0a\x01x\x0a\x01y"), 0}, // a part of it twice
		{BYTES_LITERAL("\x1a\x03\x1a\x01x"), 0},          // an unknown part
		{BYTES_LITERAL("\x1a\x03\x0a\x02x"), -EINVAL},
		{BYTES_LITERAL("\x0a\x02\xc3\xa9"), 0},
		{BYTES_LITERAL("\x0a\x01\xff"), -EINVAL},
		{BYTES_LITERAL("\x0a\x03x\x00y"), -EINVAL},
		{BYTES_LITERAL("\x10\x81\x80\x80\x80\x10"), 0}, // an enum above 32 bits
		{BYTES_LITERAL("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0},
		{BYTES_LITERAL("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0}, // bits above the 64th
		{BYTES_LITERAL("\x48\x02"), 0},                                     // a bool that is neither
		{BYTES_LITERAL("\x48\x00"), 0},
		{BYTES_LITERAL("\x48\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), 0},
		{BYTES_LITERAL("\x48\x81\x00"), 0},
		{BYTES_LITERAL("\xa0\x06\x05\x0a\x01x"), 0},            // timeout_ms, and not last
		{BYTES_LITERAL("\xa0\x06\x05\xa0\x06\x06"), 0},         // twice
		{BYTES_LITERAL("\xa0\x06\xff\xff\xff\xff\xff\x01"), 0}, // above 32 bits
		{BYTES_LITERAL("\xa0\x06"), -EINVAL},
		{BYTES_LITERAL("\xa0"), -EINVAL},
		{BYTES_LITERAL("\xa0\x07\x05"), 0},        // field 116: unknown
		{BYTES_LITERAL("\xa2\x06\x01x"), -EINVAL}, // of another wire type
		{BYTES_LITERAL("\xa0\x86\x00\x05"), 0},    // its tag longer than needed
		{BYTES_LITERAL("\x08\x01"), -EINVAL},      // wrong wire types
		{BYTES_LITERAL("\x12\x01x"), -EINVAL},
		{BYTES_LITERAL("\x18\x01"), -EINVAL},
		{BYTES_LITERAL("\x00\x00"), -EINVAL},
		{BYTES_LITERAL("\x8a\x00\x01x"), 0}, // a tag longer than needed
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(compare_decoding(cases[i].body) == cases[i].result, "case %zu", i);
}
END_TEST

START_TEST(an_everyday_request_takes_no_memory)
{
	struct authorize_request request;
	struct fault fault = {0};
	const struct bytes body = BYTES_LITERAL("\x0a\x04"
						"04A1"
						"\x10\x01\x22\x02P1");
	ck_assert_int_eq(codec_decode_authorize_request(body, &arena, &request, &fault), 0);
	ck_assert_uint_eq(arena.used, 0);
	ck_assert_ptr_eq(request.token_uid.data, body.data + 2);
	ck_assert_uint_eq(request.charge_point_id.size, 2);
}
END_TEST

START_TEST(without_memory_for_the_issuer_the_request_is_refused)
{
	struct arena none;
	struct authorize_request request = {.at = 77};
	struct fault fault = {0};
	arena_init(&none, 64, 0);
	ck_assert_int_eq(codec_decode_authorize_request(BYTES_LITERAL("\x1a\x00"), &none, &request, &fault), -ENOMEM);
	ck_assert_int_eq(fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_int_eq(request.at, 77);
	arena_finish(&none);
}
END_TEST

// ---------------------------------------------------------------- responses

static void compare_encoding(const struct authorize_response *response)
{
	struct bytes expected;
	ck_assert_int_eq(codec_encode(&schema_authorize_response, response, &arena, &expected), 0);
	// Without room to spare the size is looked at first, with room it is not.
	for (size_t spare = 0; spare <= 1024; spare += 1024) {
		const size_t size = expected.size + spare;
		char *room = malloc(size + 1);
		ck_assert_uint_eq(codec_encode_authorize_response(response, room, size), expected.size);
		ck_assert_mem_eq(room, expected.data, expected.size);
		free(room);
	}
}

START_TEST(random_responses_are_encoded_alike)
{
	struct random random = {.state = 2, .list_max = 20};
	for (int round = 0; round < 5000; round++) {
		arena_reset(&arena);
		compare_encoding(random_message(&random, &schema_authorize_response, &arena));
	}
}
END_TEST

START_TEST(numbers_of_every_size_are_encoded_alike)
{
	for (unsigned bits = 0; bits < 64; bits++) {
		const struct authorize_response response = {
			.verdict = (enum verdict)(uint32_t)(1ull << bits),
			.valid_until = (int64_t)(1ull << bits),
			.revision = (2ull << bits) - 1,
			.decided_at = -(int64_t)(1ull << bits % 63),
		};
		compare_encoding(&response);
	}
	compare_encoding(&(struct authorize_response){.reason = (enum reason)(-1), .token_type = (enum token_type)99});
	compare_encoding(&(struct authorize_response){0});
}
END_TEST

START_TEST(strings_around_the_sizes_of_a_length_are_encoded_alike)
{
	static char text[17000];
	memset(text, 't', sizeof(text));
	const size_t sizes[] = {1, 126, 127, 128, 129, 16383, 16384, 17000};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct bytes string = {text, sizes[i]};
		struct issuer issuer = {string, string};
		struct explanation_step step = {.rule = string, .decided = true, .text = string};
		struct error_message error = {.code = 3, .message = string};
		const struct authorize_response response = {.issuer = &issuer,
							    .location_id = string,
							    .explanation = &step,
							    .explanation_count = 1,
							    .error = &error};
		compare_encoding(&response);
	}
}
END_TEST

START_TEST(a_buffer_that_is_too_small_stays_untouched)
{
	const struct authorize_response response = {.verdict = VERDICT_ALLOWED, .tariff_id = BYTES_LITERAL("t-work")};
	char buffer[16];
	memset(buffer, 0x55, sizeof(buffer));
	const size_t size = codec_encode_authorize_response(&response, NULL, 0);
	ck_assert_uint_eq(size, 10);
	ck_assert_uint_eq(codec_encode_authorize_response(&response, buffer, size - 1), size);
	ck_assert_int_eq(buffer[0], 0x55);
	ck_assert_uint_eq(codec_encode_authorize_response(&response, buffer, size), size);
	ck_assert_int_eq(buffer[0], 0x08);
	ck_assert_int_eq(buffer[size], 0x55);
}
END_TEST

// ---------------------------------------------------------------- batches

static int compare_batch_decoding(struct bytes body)
{
	struct authorize_batch_request by_hand, *generic = NULL;
	struct fault fault_by_hand = {0}, fault_generic = {0};
	const int expected =
		codec_decode(&schema_authorize_batch_request, CODEC_TOLERANT, body, &arena, &generic, &fault_generic);
	memset(&by_hand, 0xee, sizeof(by_hand));
	const int result = codec_decode_authorize_batch_request(body, &arena, &by_hand, &fault_by_hand);
	ck_assert_int_eq(result, expected);
	ck_assert_int_eq(fault_by_hand.code, fault_generic.code);
	ck_assert_str_eq(fault_by_hand.field, fault_generic.field);
	ck_assert_str_eq(fault_by_hand.message, fault_generic.message);
	if (result == 0)
		ck_assert(message_equal(&schema_authorize_batch_request, &by_hand, generic));
	return result;
}

START_TEST(random_batches_are_decoded_alike)
{
	struct random random = {.state = 3, .is_ascii = true, .list_max = 20};
	for (int round = 0; round < 2000; round++) {
		struct bytes body;
		arena_reset(&arena);
		random.is_ascii = round % 4 != 0;
		const void *message = random_message(&random, &schema_authorize_batch_request, &arena);
		ck_assert_int_eq(codec_encode(&schema_authorize_batch_request, message, &arena, &body), 0);
		ck_assert_int_eq(compare_batch_decoding(body), 0);
		char *damaged = malloc(body.size + 1);
		if (body.size > 0) {
			memcpy(damaged, body.data, body.size);
			damaged[random_below(&random, body.size)] = (char)random_next(&random);
		}
		compare_batch_decoding((struct bytes){damaged, body.size});
		compare_batch_decoding((struct bytes){damaged, random_below(&random, body.size + 1)});
		free(damaged);
	}
}
END_TEST

START_TEST(unusual_batches_are_decoded_alike)
{
	const struct {
		struct bytes body;
		int result;
	} cases[] = {
		{{NULL, 0}, 0},
		{BYTES_LITERAL("\x0a\x00\x0a\x00"), 0},
		{BYTES_LITERAL("\x0a\x80\x00"), 0},              // a size longer than needed
		{BYTES_LITERAL("\x0a\x80\x80\x00"), 0},          // and longer
		{BYTES_LITERAL("\x8a\x00\x03\x0a\x01x"), 0},     // a tag longer than needed
		{BYTES_LITERAL("\x0a\x03\x0a\x01x\x10\x01"), 0}, // an unknown field
		{BYTES_LITERAL("\x0a\x03\x0a\x01"), -EINVAL},    // cut off
		{BYTES_LITERAL("\x0a\x02\x0a\x01x"), -EINVAL},
		{BYTES_LITERAL("\x0a"), -EINVAL},
		{BYTES_LITERAL("\x0a\x80"), -EINVAL},
		{BYTES_LITERAL("\x08\x01"), -EINVAL},
		{BYTES_LITERAL("\x0a\x04\x1a\x00\x1a\x00"), -EINVAL}, // an issuer twice, in one of them
		{BYTES_LITERAL("\x0a\x03\x0a\x01\xff"), -EINVAL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_msg(compare_batch_decoding(cases[i].body) == cases[i].result, "case %zu", i);
}
END_TEST

START_TEST(a_batch_over_its_maximum_is_refused_alike)
{
	static char body[2 * BATCH_REQUESTS_MAX + 2];
	for (size_t i = 0; i < sizeof(body); i += 2)
		body[i] = 0x0a;
	ck_assert_int_eq(compare_batch_decoding((struct bytes){body, sizeof(body) - 2}), 0);
	ck_assert_int_eq(compare_batch_decoding((struct bytes){body, sizeof(body)}), -EINVAL);
}
END_TEST

START_TEST(a_batch_without_memory_is_refused)
{
	struct arena none;
	struct authorize_batch_request batch = {.requests_count = 77};
	struct fault fault = {0};
	arena_init(&none, 64, 64);
	ck_assert_int_eq(codec_decode_authorize_batch_request(BYTES_LITERAL("\x0a\x00\x0a\x00"), &none, &batch, &fault),
			 -ENOMEM);
	ck_assert_int_eq(fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_uint_eq(batch.requests_count, 77);
	arena_finish(&none);
}
END_TEST

static void compare_item(const struct authorize_response *response)
{
	const struct authorize_batch_response batch = {.responses = (struct authorize_response *)response,
						       .responses_count = 1};
	struct bytes expected;
	ck_assert_int_eq(codec_encode(&schema_authorize_batch_response, &batch, &arena, &expected), 0);
	for (size_t spare = 0; spare <= 1024; spare += 1024) {
		const size_t size = expected.size + spare;
		char *room = malloc(size);
		ck_assert_uint_eq(codec_encode_authorize_item(response, room, size), expected.size);
		ck_assert_mem_eq(room, expected.data, expected.size);
		ck_assert_uint_eq(codec_encode_authorize_item(response, room, expected.size - 1), expected.size);
		free(room);
	}
}

START_TEST(random_items_are_encoded_alike)
{
	struct random random = {.state = 4, .list_max = 3};
	for (int round = 0; round < 5000; round++) {
		arena_reset(&arena);
		compare_item(random_message(&random, &schema_authorize_response, &arena));
	}
}
END_TEST

START_TEST(items_around_the_sizes_of_a_length_are_encoded_alike)
{
	static char text[17000];
	memset(text, 't', sizeof(text));
	const size_t sizes[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 100, 16000, 17000};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		compare_item(&(struct authorize_response){.location_id = {text, sizes[i]}});
	for (size_t size = 110; size < 140; size++)
		compare_item(&(struct authorize_response){.location_id = {text, size}});
	for (size_t size = 16360; size < 16400; size++)
		compare_item(&(struct authorize_response){.location_id = {text, size}});
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("codec_authorize");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, random_requests_are_decoded_alike);
	tcase_add_test(tcase, unusual_requests_are_decoded_alike);
	tcase_add_test(tcase, an_everyday_request_takes_no_memory);
	tcase_add_test(tcase, without_memory_for_the_issuer_the_request_is_refused);
	tcase_add_test(tcase, random_responses_are_encoded_alike);
	tcase_add_test(tcase, numbers_of_every_size_are_encoded_alike);
	tcase_add_test(tcase, strings_around_the_sizes_of_a_length_are_encoded_alike);
	tcase_add_test(tcase, a_buffer_that_is_too_small_stays_untouched);
	tcase_add_test(tcase, random_batches_are_decoded_alike);
	tcase_add_test(tcase, unusual_batches_are_decoded_alike);
	tcase_add_test(tcase, a_batch_over_its_maximum_is_refused_alike);
	tcase_add_test(tcase, a_batch_without_memory_is_refused);
	tcase_add_test(tcase, random_items_are_encoded_alike);
	tcase_add_test(tcase, items_around_the_sizes_of_a_length_are_encoded_alike);
	Suite *suite = suite_create("proto/codec_authorize");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
