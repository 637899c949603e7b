// SPDX-License-Identifier: Apache-2.0
// JSON both ways for every schema, and the names of enums.
#include "proto/codec.h"
#include "proto/json.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <jansson.h>

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

// ---------------------------------------------------------------- every schema

static void check_round_trip(const struct schema *schema, const void *message, enum json_style style)
{
	struct bytes text, again;
	void *decoded;
	ck_assert_int_eq(json_encode(schema, message, style, &arena, &text), 0);
	ck_assert_int_eq(text.data[text.size], '\0');
	const int result = json_decode(schema, text, &arena, &decoded, &fault);
	ck_assert_msg(result == 0, "%s: %s\n%s", fault.field, fault.message, text.data);
	ck_assert_msg(message_equal(schema, message, decoded), "%s", text.data);
	ck_assert_int_eq(json_encode(schema, decoded, style, &arena, &again), 0);
	ck_assert_str_eq(again.data, text.data);
}

START_TEST(what_is_written_is_read_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 3000 + (uint64_t)_i};
	for (int round = 0; round < 100; round++) {
		arena_reset(&arena);
		const void *message = random_message(&random, schema, &arena);
		check_round_trip(schema, message, JSON_COMPACT);
		check_round_trip(schema, message, JSON_INDENT);
	}
}
END_TEST

// What another parser makes of it.
START_TEST(what_is_written_is_json_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 4000 + (uint64_t)_i};
	for (int round = 0; round < 50; round++) {
		struct bytes text;
		json_error_t error;
		arena_reset(&arena);
		const void *message = random_message(&random, schema, &arena);
		ck_assert_int_eq(json_encode(schema, message, round % 2 ? JSON_COMPACT : JSON_INDENT, &arena, &text),
				 0);
		json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
		ck_assert_msg(root != NULL, "%s\n%s", error.text, text.data);
		ck_assert(json_is_object(root));
		ck_assert(round % 2 == 0 || strchr(text.data, '\n') == NULL);
		json_decref(root);
	}
}
END_TEST

START_TEST(every_truncation_is_refused_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 5000 + (uint64_t)_i};
	struct bytes text;
	const void *message = random_message(&random, schema, &arena);
	ck_assert_int_eq(json_encode(schema, message, JSON_COMPACT, &arena, &text), 0);
	const size_t step = text.size / 400 + 1;
	for (size_t size = 0; size < text.size; size += step) {
		void *decoded = &arena;
		char *exact = malloc(size + 1);
		memcpy(exact, text.data, size);
		fault = (struct fault){0};
		ck_assert_int_eq(json_decode(schema, (struct bytes){exact, size}, &arena, &decoded, &fault), -EINVAL);
		ck_assert_int_eq(fault.code, STATUS_INVALID_ARGUMENT);
		ck_assert_ptr_eq(decoded, &arena);
		free(exact);
	}
}
END_TEST

START_TEST(an_empty_object_is_the_default_message_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct bytes text;
	void *decoded;
	const void *nothing = arena_calloc(&arena, 1, schema->size);
	ck_assert_int_eq(json_encode(schema, nothing, JSON_COMPACT, &arena, &text), 0);
	ck_assert_str_eq(text.data, "{}");
	const int result = json_decode(schema, BYTES_LITERAL("{}"), &arena, &decoded, &fault);
	ck_assert_int_eq(result, schema->oneof.count > 0 ? -EINVAL : 0);
	if (result == 0)
		ck_assert(message_equal(schema, nothing, decoded));
}
END_TEST

// Also what came in as bytes and has values that JSON does not take back.
START_TEST(unknown_enum_values_are_written_as_numbers)
{
	struct bytes text;
	const struct token token = {.type = (enum token_type)99};
	ck_assert_int_eq(json_encode(&schema_token, &token, JSON_COMPACT, &arena, &text), 0);
	ck_assert_str_eq(text.data, "{\"type\":99}");
	const struct token negative = {.type = (enum token_type) - 1};
	ck_assert_int_eq(json_encode(&schema_token, &negative, JSON_COMPACT, &arena, &text), 0);
	ck_assert_str_eq(text.data, "{\"type\":-1}");
}
END_TEST

// ---------------------------------------------------------------- names of enums

START_TEST(enums_have_names_without_prefix)
{
	ck_assert_str_eq(json_enum_name(JSON_ENUM_VERDICT, VERDICT_ASK_ISSUER), "ASK_ISSUER");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_REASON, REASON_UNKNOWN_CHARGE_POINT), "UNKNOWN_CHARGE_POINT");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_ACCESS, ACCESS_DIRECT_PAYMENT), "DIRECT_PAYMENT");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_TOKEN_TYPE, TOKEN_TYPE_UNSPECIFIED), "UNSPECIFIED");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_CHARGE_GROUP_TYPE, CHARGE_GROUP_TYPE_HOME), "HOME");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_PAYMENT, PAYMENT_PREPAID), "PREPAID");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_WHITELIST, WHITELIST_ALLOWED_OFFLINE), "ALLOWED_OFFLINE");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_OBJECT_KIND, OBJECT_KIND_MEMBERSHIP), "MEMBERSHIP");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_CALLER_CLASS, CALLER_CLASS_ROAMING), "ROAMING");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_TARIFF_SOURCE, TARIFF_SOURCE_OVERRIDE), "OVERRIDE");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_CHANGE_OUTCOME, CHANGE_OUTCOME_CREATED), "CREATED");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_REPLICATION_STATE, REPLICATION_STATE_NO_PEER), "NO_PEER");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_VERDICT, 17), "17");
	ck_assert_str_eq(json_enum_name(JSON_ENUM_VERDICT, -17), "-17");
}
END_TEST

START_TEST(names_are_parsed_in_any_case_with_and_without_prefix)
{
	const char *const spellings[] = {"APP_USER", "app_user", "App_User", "TOKEN_TYPE_APP_USER",
					 "token_type_app_user"};
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		int value = -1;
		ck_assert_int_eq(json_enum_parse(JSON_ENUM_TOKEN_TYPE, bytes_from(spellings[i]), &value), 0);
		ck_assert_int_eq(value, TOKEN_TYPE_APP_USER);
	}
	const char *const wrong[] = {"",  "APP",       "APP_USERS", "TOKEN_TYPE_", "TYPE_APP_USER",
				     "2", " APP_USER", "APP USER"};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int value = -1;
		ck_assert_int_eq(json_enum_parse(JSON_ENUM_TOKEN_TYPE, bytes_from(wrong[i]), &value), -EINVAL);
		ck_assert_int_eq(value, -1);
	}
}
END_TEST

START_TEST(every_name_is_parsed_back)
{
	for (int type = JSON_ENUM_VERDICT; type <= JSON_ENUM_REPLICATION_STATE; type++) {
		for (int value = 0; value < 4; value++) {
			int parsed = -1;
			const char *name = json_enum_name((enum json_enum)type, value);
			if (name[0] == '3') // an enum of three
				continue;
			ck_assert_int_eq(json_enum_parse((enum json_enum)type, bytes_from(name), &parsed), 0);
			ck_assert_int_eq(parsed, value);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, what_is_written_is_read_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, what_is_written_is_json_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, every_truncation_is_refused_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, an_empty_object_is_the_default_message_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_test(tcase, unknown_enum_values_are_written_as_numbers);
	tcase_add_test(tcase, enums_have_names_without_prefix);
	tcase_add_test(tcase, names_are_parsed_in_any_case_with_and_without_prefix);
	tcase_add_test(tcase, every_name_is_parsed_back);
	Suite *suite = suite_create("proto/json");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
