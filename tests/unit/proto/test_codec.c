// SPDX-License-Identifier: Apache-2.0
#include "proto/codec.h"
#include "proto/limits.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct arena arena;
static struct fault fault;

static void set_up(void)
{
	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
	fault = (struct fault){0};
}

static void tear_down(void)
{
	arena_finish(&arena);
}

static struct bytes encode(const struct schema *schema, const void *message)
{
	struct bytes body;
	ck_assert_int_eq(codec_encode(schema, message, &arena, &body), 0);
	return body;
}

static void *decode(const struct schema *schema, enum codec_mode mode, struct bytes body)
{
	void *message = NULL;
	const int result = codec_decode(schema, mode, body, &arena, &message, &fault);
	ck_assert_msg(result == 0, "%s: %s", fault.field, fault.message);
	return message;
}

static void check_bytes(struct bytes body, const char *expected, size_t size)
{
	ck_assert_uint_eq(body.size, size);
	ck_assert_mem_eq(body.data, expected, size);
}

// ---------------------------------------------------------------- bytes made by the Python library

START_TEST(an_authorize_request_is_encoded_as_others_do)
{
	static const char expected[] =
		"\x0a\x0e\x30\x34\x41\x31\x42\x32\x43\x33\x44\x34\x45\x35\x46\x36\x10\x01\x1a\x09\x0a\x02\x4e\x4c"
		"\x12\x03\x45\x56\x43\x22\x0c\x4e\x4c\x2a\x45\x56\x43\x2a\x45\x30\x30\x30\x31\x30\xff\xff\xff\xff"
		"\xff\xff\xff\xff\xff\x01\x40\xac\x02\x48\x01";
	struct issuer issuer = {BYTES_LITERAL("NL"), BYTES_LITERAL("EVC")};
	const struct authorize_request request = {
		.token_uid = BYTES_LITERAL("04A1B2C3D4E5F6"),
		.token_type = TOKEN_TYPE_RFID,
		.issuer = &issuer,
		.charge_point_id = BYTES_LITERAL("NL*EVC*E0001"),
		.at = -1,
		.min_revision = 300,
		.explain = true,
	};
	check_bytes(encode(&schema_authorize_request, &request), expected, sizeof(expected) - 1);
	ck_assert(message_equal(
		&schema_authorize_request, &request,
		decode(&schema_authorize_request, CODEC_TOLERANT, (struct bytes){expected, sizeof(expected) - 1})));
}
END_TEST

static const char set_bytes[] =
	"\x0a\x18\x4a\x16\x0a\x04\x30\x34\x41\x31\x10\x01\x1a\x02\x63\x31\x50\x80\xe6\xfe\x89\x07\x58\x02"
	"\x60\x01\x0a\x30\x0a\x2b\x0a\x01\x74\x12\x03\x45\x55\x52\x22\x14\x0a\x0c\x08\x01\x12\x04\x08\x32"
	"\x10\x02\x1a\x02\x08\x29\x12\x04\x6a\x02\x01\x07\x4a\x0b\x0a\x02\x65\x6e\x12\x05\x35\x30\x20\x63"
	"\x74\x88\x01\x01\x0a\x0f\x6a\x0d\x0a\x01\x67\x12\x02\x63\x31\x12\x00\x12\x02\x63\x32\x10\x07\x1a"
	"\x06\x69\x6d\x70\x6f\x72\x74";

START_TEST(a_change_set_is_read_as_others_write_it)
{
	const struct change_set *set =
		decode(&schema_change_set, CODEC_STRICT, (struct bytes){set_bytes, sizeof(set_bytes) - 1});
	ck_assert_uint_eq(set->changes_count, 3);
	ck_assert_uint_eq(set->expected_revision, 7);
	ck_assert(bytes_equal(set->actor, BYTES_LITERAL("import")));

	ck_assert_int_eq(set->changes[0].kind, CHANGE_PUT_TOKEN);
	const struct token *token = set->changes[0].put_token;
	ck_assert(bytes_equal(token->uid, BYTES_LITERAL("04A1")));
	ck_assert_int_eq(token->type, TOKEN_TYPE_RFID);
	ck_assert_int_eq(token->valid_until, 1900000000);
	ck_assert_int_eq(token->whitelist, WHITELIST_ALLOWED);
	ck_assert(token->roaming_allowed && !token->blocked && token->issuer == NULL);

	ck_assert_int_eq(set->changes[1].kind, CHANGE_PUT_TARIFF);
	ck_assert(set->changes[1].create_only);
	const struct tariff *tariff = set->changes[1].put_tariff;
	const struct price_component *component = tariff->elements[0].price_components;
	ck_assert_int_eq(component->price->units, 25);
	ck_assert_uint_eq(component->price->scale, 2);
	ck_assert_int_eq(component->vat->units, -21);
	ck_assert_uint_eq(tariff->elements[0].restrictions->day_of_week_count, 2);
	ck_assert_int_eq(tariff->elements[0].restrictions->day_of_week[1], DAY_OF_WEEK_SUNDAY);
	ck_assert(bytes_equal(tariff->tariff_alt_text[0].text, BYTES_LITERAL("50 ct")));

	const struct attach_customers *attach = set->changes[2].attach_customers;
	ck_assert_uint_eq(attach->customer_ids_count, 3);
	ck_assert(bytes_equal(attach->customer_ids[2], BYTES_LITERAL("c2")));
	ck_assert_uint_eq(attach->customer_ids[1].size, 0);
	check_bytes(encode(&schema_change_set, set), set_bytes, sizeof(set_bytes) - 1);
}
END_TEST

START_TEST(a_record_is_encoded_as_others_do)
{
	static const char expected[] = "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x3a\x06\x0a\x01\x67\x12\x01\x63";
	struct membership membership = {.charge_group_id = BYTES_LITERAL("g"), .customer_id = BYTES_LITERAL("c")};
	const struct record record = {
		.modified_revision = UINT64_MAX, .kind = RECORD_MEMBERSHIP, .membership = &membership};
	check_bytes(encode(&schema_record, &record), expected, sizeof(expected) - 1);
}
END_TEST

// ---------------------------------------------------------------- every schema

START_TEST(what_is_encoded_is_decoded_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = (uint64_t)_i};
	for (int round = 0; round < 200; round++) {
		arena_reset(&arena);
		const void *message = random_message(&random, schema, &arena);
		const struct bytes body = encode(schema, message);
		const void *decoded = decode(schema, CODEC_STRICT, body);
		ck_assert(message_equal(schema, message, decoded));
		const struct bytes again = encode(schema, decoded);
		check_bytes(again, body.data, body.size);
	}
}
END_TEST

// A body cut off anywhere is refused or, where a field ends, a shorter message; never a crash, which the copies of
// exactly that size let the sanitizers see.
START_TEST(every_truncation_is_survived_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 1000 + (uint64_t)_i};
	arena_reset(&arena);
	const struct bytes body = encode(schema, random_message(&random, schema, &arena));
	unsigned refused = 0;
	for (size_t size = 0; size < body.size; size++) {
		void *message = &arena;
		char *exact = malloc(size + 1);
		memcpy(exact, body.data, size);
		fault = (struct fault){0};
		const int result =
			codec_decode(schema, CODEC_STRICT, (struct bytes){exact, size}, &arena, &message, &fault);
		free(exact);
		ck_assert(result == 0 || (result == -EINVAL && fault.code == STATUS_INVALID_ARGUMENT));
		ck_assert(result == 0 || message == &arena);
		refused += result != 0;
	}
	ck_assert(body.size == 0 || refused > 0);
}
END_TEST

START_TEST(every_flipped_byte_is_survived_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 2000 + (uint64_t)_i};
	arena_reset(&arena);
	const struct bytes body = encode(schema, random_message(&random, schema, &arena));
	char *flipped = malloc(body.size + 1);
	for (size_t i = 0; i < body.size; i++) {
		memcpy(flipped, body.data, body.size);
		flipped[i] = (char)(flipped[i] ^ (1 << random_below(&random, 8)));
		void *message;
		fault = (struct fault){0};
		const int result = codec_decode(schema, CODEC_TOLERANT, (struct bytes){flipped, body.size}, &arena,
						&message, &fault);
		ck_assert(result == 0 || fault.code == STATUS_INVALID_ARGUMENT);
	}
	free(flipped);
}
END_TEST

START_TEST(an_empty_body_is_the_default_message_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	const void *nothing = arena_calloc(&arena, 1, schema->size);
	const void *decoded = decode(schema, CODEC_TOLERANT, (struct bytes){0});
	ck_assert(message_equal(schema, nothing, decoded));
	ck_assert_uint_eq(encode(schema, nothing).size, 0);
}
END_TEST

// ---------------------------------------------------------------- what is special

START_TEST(what_is_decoded_does_not_borrow_from_the_body)
{
	char body[sizeof(set_bytes) - 1];
	memcpy(body, set_bytes, sizeof(body));
	const struct change_set *set = decode(&schema_change_set, CODEC_STRICT, (struct bytes){body, sizeof(body)});
	memset(body, 0, sizeof(body));
	ck_assert(bytes_equal(set->actor, BYTES_LITERAL("import")));
	ck_assert(bytes_equal(set->changes[0].put_token->uid, BYTES_LITERAL("04A1")));
}
END_TEST

START_TEST(an_unknown_enum_value_comes_as_its_number_in_queries)
{
	const struct authorize_request *request =
		decode(&schema_authorize_request, CODEC_TOLERANT, BYTES_LITERAL("\x10\x63"));
	ck_assert_int_eq(request->token_type, 99);
	void *message;
	ck_assert_int_eq(codec_decode(&schema_authorize_request, CODEC_STRICT, BYTES_LITERAL("\x10\x63"), &arena,
				      &message, &fault),
			 -EINVAL);
	ck_assert_str_eq(fault.field, "token_type");
}
END_TEST

START_TEST(an_unknown_field_is_skipped_in_queries)
{
	const struct authorize_request *request =
		decode(&schema_authorize_request, CODEC_TOLERANT, BYTES_LITERAL("\xa8\x06\x05\x0a\x01x\xaa\x06\x00"));
	ck_assert(bytes_equal(request->token_uid, BYTES_LITERAL("x")));
}
END_TEST

START_TEST(a_oneof_without_its_message_is_encoded_as_not_set)
{
	const struct change change = {.kind = CHANGE_PUT_TOKEN, .create_only = true};
	check_bytes(encode(&schema_change, &change), "\x88\x01\x01", 3);
	struct token token = {0};
	const struct change unknown_kind = {.kind = (enum change_kind)99, .put_token = &token};
	ck_assert_uint_eq(encode(&schema_change, &unknown_kind).size, 0);
}
END_TEST

START_TEST(an_empty_message_is_not_an_absent_one)
{
	struct issuer issuer = {0};
	const struct token token = {.issuer = &issuer};
	check_bytes(encode(&schema_token, &token), "\x22\x00", 2);
	const struct token *decoded = decode(&schema_token, CODEC_STRICT, BYTES_LITERAL("\x22\x00"));
	ck_assert_ptr_nonnull(decoded->issuer);
}
END_TEST

// Empty bytes may point into something, as the empty string of the index does.
START_TEST(an_empty_string_is_encoded_as_empty_wherever_it_points)
{
	const struct customer customer = {.id = BYTES_LITERAL("c"), .name = {.data = "secret", .size = 0}};
	check_bytes(encode(&schema_customer, &customer),
		    "\x0a\x01"
		    "c",
		    3);
}
END_TEST

START_TEST(the_budget_of_the_arena_is_kept)
{
	struct bytes body = {set_bytes, sizeof(set_bytes) - 1}, encoded;
	const struct change_set *set = decode(&schema_change_set, CODEC_STRICT, body);
	unsigned refused = 0;
	for (size_t budget = 0; budget < 8192; budget += 16) {
		struct arena small;
		void *message = &small;
		fault = (struct fault){0};
		arena_init(&small, 1024, budget);
		const int result = codec_decode(&schema_change_set, CODEC_STRICT, body, &small, &message, &fault);
		if (result != 0) {
			ck_assert_int_eq(result, -ENOMEM);
			ck_assert_int_eq(fault.code, STATUS_RESOURCE_EXHAUSTED);
			ck_assert_ptr_eq(message, &small);
			refused++;
		}
		arena_reset(&small);
		const int encode_result = codec_encode(&schema_change_set, set, &small, &encoded);
		ck_assert(encode_result == 0 || encode_result == -ENOMEM);
		refused += encode_result != 0;
		arena_finish(&small);
	}
	ck_assert_uint_gt(refused, 50);
	ck_assert_uint_lt(refused, 1000); // with the largest budgets both succeed
}
END_TEST

START_TEST(a_string_in_a_body_of_any_allowed_size_is_read)
{
	const size_t sizes[] = {BODY_QUERY_MAX, BODY_BATCH_MAX, BODY_APPLY_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *text = malloc(sizes[i]);
		memset(text, 'a', sizes[i]);
		const struct customer customer = {.name = {text, sizes[i]}};
		const struct bytes body = encode(&schema_customer, &customer);
		const struct customer *decoded = decode(&schema_customer, CODEC_STRICT, body);
		ck_assert(bytes_equal(decoded->name, customer.name));
		free(text);
	}
}
END_TEST

// ---------------------------------------------------------------- faults

START_TEST(a_fault_travels_as_an_error)
{
	const struct fault sent = {
		.code = STATUS_FAILED_PRECONDITION,
		.change_number = 3,
		.retry_after_ms = 250,
		.field = "changes[2].attach_charge_points",
		.message = "charge point NL*EVC*E0001 is in group office",
	};
	struct bytes body;
	struct fault received;
	ck_assert_int_eq(codec_encode_fault(&sent, &arena, &body), 0);
	codec_decode_fault(STATUS_FAILED_PRECONDITION, body, &arena, &received);
	ck_assert_int_eq(received.code, sent.code);
	ck_assert_uint_eq(received.change_number, 3);
	ck_assert_uint_eq(received.retry_after_ms, 250);
	ck_assert_str_eq(received.field, sent.field);
	ck_assert_str_eq(received.message, sent.message);
}
END_TEST

START_TEST(a_body_that_is_no_error_gives_the_code_alone)
{
	struct fault received;
	memset(&received, 0xee, sizeof(received));
	codec_decode_fault(STATUS_UNAVAILABLE, BYTES_LITERAL("\xff\xff\xff"), &arena, &received);
	ck_assert_int_eq(received.code, STATUS_UNAVAILABLE);
	ck_assert_str_eq(received.message, "");
	ck_assert_str_eq(received.field, "");
	ck_assert_uint_eq(received.change_number, 0);
	codec_decode_fault(STATUS_INTERNAL, (struct bytes){0}, &arena, &received);
	ck_assert_int_eq(received.code, STATUS_INTERNAL);
}
END_TEST

START_TEST(an_error_longer_than_a_fault_is_cut)
{
	char long_text[1000];
	memset(long_text, 'm', sizeof(long_text));
	const struct error_message error = {.message = {long_text, sizeof(long_text)},
					    .field = {long_text, sizeof(long_text)}};
	struct fault received;
	codec_decode_fault(STATUS_INTERNAL, encode(&schema_error, &error), &arena, &received);
	ck_assert_uint_eq(strlen(received.message), sizeof(received.message) - 1);
	ck_assert_uint_eq(strlen(received.field), sizeof(received.field) - 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("codec");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, an_authorize_request_is_encoded_as_others_do);
	tcase_add_test(tcase, a_change_set_is_read_as_others_write_it);
	tcase_add_test(tcase, a_record_is_encoded_as_others_do);
	tcase_add_loop_test(tcase, what_is_encoded_is_decoded_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, every_truncation_is_survived_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, every_flipped_byte_is_survived_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, an_empty_body_is_the_default_message_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_test(tcase, what_is_decoded_does_not_borrow_from_the_body);
	tcase_add_test(tcase, an_unknown_enum_value_comes_as_its_number_in_queries);
	tcase_add_test(tcase, an_unknown_field_is_skipped_in_queries);
	tcase_add_test(tcase, a_oneof_without_its_message_is_encoded_as_not_set);
	tcase_add_test(tcase, an_empty_message_is_not_an_absent_one);
	tcase_add_test(tcase, an_empty_string_is_encoded_as_empty_wherever_it_points);
	tcase_add_test(tcase, the_budget_of_the_arena_is_kept);
	tcase_add_test(tcase, a_string_in_a_body_of_any_allowed_size_is_read);
	tcase_add_test(tcase, a_fault_travels_as_an_error);
	tcase_add_test(tcase, a_body_that_is_no_error_gives_the_code_alone);
	tcase_add_test(tcase, an_error_longer_than_a_fault_is_cut);
	Suite *suite = suite_create("proto/codec");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
