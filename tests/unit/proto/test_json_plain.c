// SPDX-License-Identifier: Apache-2.0
// What is read as plain JSON is what the tree makes of it, whatever text comes; and what is not plain is left alone.
#include "proto/json.h"
#include "proto/json_impl.h"
#include "proto/limits.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct arena arena;

static void set_up(void)
{
	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
}

static void tear_down(void)
{
	arena_finish(&arena);
}

// Whether it was taken; then it is the same message.
static bool agrees(const struct schema *schema, struct bytes text)
{
	struct fault fault = {0};
	void *plain = &arena, *message;
	if (!json_decode_plain(schema, text, &arena, &plain)) {
		ck_assert_ptr_eq(plain, &arena);
		return false;
	}
	const int result = json_decode_tree(schema, text, &arena, &message, &fault);
	ck_assert_msg(result == 0, "%.*s: %s", BYTES_ARG(text), fault.message);
	ck_assert_msg(message_equal(schema, plain, message), "%.*s", BYTES_ARG(text));
	return true;
}

static bool is_plain(const struct schema *schema, const char *text)
{
	return agrees(schema, bytes_from(text));
}

static struct bytes random_json(struct random *random, const struct schema *schema)
{
	struct bytes text;
	const void *message = random_message(random, schema, &arena);
	const enum json_style style = random_below(random, 2) ? JSON_COMPACT : JSON_INDENT;
	ck_assert_int_eq(json_encode(schema, message, style, &arena, &text), 0);
	return text;
}

START_TEST(what_is_written_is_read_alike_for_every_schema)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 7000 + (uint64_t)_i};
	for (int round = 0; round < 200; round++) {
		arena_reset(&arena);
		(void)agrees(schema, random_json(&random, schema));
	}
}
END_TEST

START_TEST(damaged_text_is_left_alone_or_read_alike)
{
	static const char likely[] = "\"\\{}[]:,.-+eE0 \n\x7f\x01\xc3\xff";
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = 8000 + (uint64_t)_i, .is_ascii = true};
	for (int round = 0; round < 400; round++) {
		arena_reset(&arena);
		const struct bytes text = random_json(&random, schema);
		char *damaged = (char *)text.data;
		for (uint64_t i = random_below(&random, 3); i > 0; i--)
			damaged[random_below(&random, text.size)] = likely[random_below(&random, sizeof(likely) - 1)];
		const size_t size = text.size - (random_below(&random, 4) == 0 ? random_below(&random, text.size) : 0);
		(void)agrees(schema, (struct bytes){.data = damaged, .size = size});
	}
}
END_TEST

// Or else it would be of no use.
START_TEST(the_lines_of_an_import_are_plain)
{
	static const char *const lines[] = {
		"{\"put_token\":{\"uid\":\"0400000AFCFE10\",\"type\":\"RFID\",\"customer_id\":\"c-1\","
		"\"valid_from\":\"1420070400\",\"valid_until\":4102444800}}",
		"{\"put_token\":{\"uid\":\"A1\",\"issuer\":{\"country_code\":\"NL\",\"party_id\":\"EMS\"},"
		"\"whitelist\":\"NEVER\"}}",
		"{ \"put_customer\" : { \"id\" : \"c-1\", \"name\" : \"J\xc3\xbcrgen\", \"payment\" : \"PREPAID\" } "
		"}\t",
		"{\"put_charge_point\":{\"id\":\"P1\",\"evses\":[{\"evse_id\":\"NL*EVC*E1\"},{\"evse_id\":\"NL*EVC*"
		"E2\"}],"
		"\"home_charger\":true}}",
		"{\"attach_charge_points\":{\"charge_group_id\":\"g\",\"charge_point_ids\":[\"1\",\"2\",\"3\",\"4\","
		"\"5\","
		"\"6\",\"7\",\"8\",\"9\",\"10\"],\"move\":false}}",
		"{\"attach_customers\":{\"charge_group_id\":\"g\",\"customer_ids\":[]},\"create_only\":true}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_msg(is_plain(&schema_change, lines[i]), "%s", lines[i]);
}
END_TEST

START_TEST(what_is_not_plain_is_left_alone)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"[]",
		"{}x",
		"{} {}",
		"{,}",
		"{\"uid\":\"a\",}",
		"{\"uid\":\"a\"\"type\":\"RFID\"}",
		"{\"uid\"}",
		"{\"uid\":\"a",
		"{\"uid\":\"a\\u0062\"}",
		"{\"uid\":\"a\tb\"}",
		"{\"uid\":\"\xff\"}",
		"{\"uid\":null}",
		"{\"uid\":1}",
		"{\"uid\":\"a\",\"uid\":\"b\"}",
		"{\"UID\":\"a\"}",
		"{\"customerId\":\"a\"}",
		"{\"ui\":\"a\"}",
		"{\"uidx\":\"a\"}",
		"{\"blocked\":tru}",
		"{\"blocked\":truefalse}",
		"{\"blocked\":\"true\"}",
		"{\"type\":1}",
		"{\"type\":\"NONE\"}",
		"{\"valid_from\":01}",
		"{\"valid_from\":-1}",
		"{\"valid_from\":1.0}",
		"{\"valid_from\":1e3}",
		"{\"valid_from\":1234567890123456789}",
		"{\"valid_from\":\"12345678901234567890\"}",
		"{\"valid_from\":\"2026-12-01T08:00:00Z\"}",
		"{\"issuer\":[]}",
		"{\"issuer\":{}",
		"{\"issuer\":\"NL\"}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(!is_plain(&schema_token, texts[i]), "%s", texts[i]);
	ck_assert(!is_plain(&schema_change, "{}"));
	ck_assert(!is_plain(&schema_change, "{\"put_token\":{},\"put_customer\":{}}"));
	ck_assert(!is_plain(&schema_price, "{\"excl_vat\":1}"));
	ck_assert(!json_decode_plain(&schema_token, (struct bytes){0}, &arena, &(void *){NULL}));
}
END_TEST

START_TEST(lists_that_are_too_long_are_left_alone)
{
	char *text = malloc(16 * CHANGES_PER_SET_MAX * 8);
	for (int extra = 0; extra < 2; extra++) {
		char *end = text + sprintf(text, "{\"changes\":[");
		for (int i = 0; i < CHANGES_PER_SET_MAX + extra; i++)
			end += sprintf(end, "%s{\"put_token\":{\"uid\":\"%d\"}}", i > 0 ? "," : "", i);
		sprintf(end, "]}");
		ck_assert_int_eq(is_plain(&schema_change_set, text), extra == 0);
		arena_reset(&arena);
	}
	free(text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_plain");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, what_is_written_is_read_alike_for_every_schema, 0, ALL_SCHEMAS);
	tcase_add_loop_test(tcase, damaged_text_is_left_alone_or_read_alike, 0, ALL_SCHEMAS);
	tcase_add_test(tcase, the_lines_of_an_import_are_plain);
	tcase_add_test(tcase, what_is_not_plain_is_left_alone);
	tcase_add_test(tcase, lists_that_are_too_long_are_left_alone);
	Suite *suite = suite_create("proto/json_plain");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
