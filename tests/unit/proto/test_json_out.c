// SPDX-License-Identifier: Apache-2.0
#include "proto/json.h"
#include "proto/messages.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct arena arena;

static void set_up(void)
{
	arena_init(&arena, 1024, 16 * 1024 * 1024);
}

static void tear_down(void)
{
	arena_finish(&arena);
}

static const char *write_as(enum json_style style, const struct schema *schema, const void *message)
{
	struct bytes text;
	ck_assert_int_eq(json_encode(schema, message, style, &arena, &text), 0);
	ck_assert_uint_eq(strlen(text.data), text.size);
	return text.data;
}

static const char *write(const struct schema *schema, const void *message)
{
	return write_as(JSON_COMPACT, schema, message);
}

START_TEST(absent_fields_are_left_out)
{
	const struct token token = {.uid = BYTES_LITERAL("04A1"), .type = TOKEN_TYPE_RFID};
	ck_assert_str_eq(write(&schema_token, &token), "{\"uid\":\"04A1\",\"type\":\"RFID\"}");
	ck_assert_str_eq(write(&schema_status_request, &(struct status_request){0}), "{}");
}
END_TEST

START_TEST(numbers_of_64_bits_are_strings_and_smaller_ones_are_not)
{
	const struct list_permitted_request request = {.page_size = UINT32_MAX, .min_revision = UINT64_MAX};
	ck_assert_str_eq(write(&schema_list_permitted_request, &request),
			 "{\"page_size\":4294967295,\"min_revision\":\"18446744073709551615\"}");
	const struct token token = {.valid_from = INT64_MIN, .valid_until = 1796112000};
	ck_assert_str_eq(write(&schema_token, &token),
			 "{\"valid_from\":\"-9223372036854775808\",\"valid_until\":\"1796112000\"}");
}
END_TEST

START_TEST(a_oneof_shows_the_member_that_is_set)
{
	struct delete_object object = {.id = BYTES_LITERAL("c1")};
	const struct change change = {
		.kind = CHANGE_DELETE_CUSTOMER, .delete_object = &object, .expected_object_revision = 5};
	ck_assert_str_eq(write(&schema_change, &change),
			 "{\"delete_customer\":{\"id\":\"c1\"},\"expected_object_revision\":\"5\"}");
	struct membership membership = {0};
	const struct record record = {.modified_revision = 7, .kind = RECORD_MEMBERSHIP, .membership = &membership};
	ck_assert_str_eq(write(&schema_record, &record), "{\"modified_revision\":\"7\",\"membership\":{}}");
}
END_TEST

START_TEST(lists_keep_empty_elements)
{
	struct bytes ids[] = {BYTES_LITERAL("a"), {0}, BYTES_LITERAL("b")};
	struct detach_charge_points detach = {.charge_point_ids = ids, .charge_point_ids_count = 3};
	const struct change change = {.kind = CHANGE_DETACH_CHARGE_POINTS, .detach_charge_points = &detach};
	ck_assert_str_eq(write(&schema_change, &change),
			 "{\"detach_charge_points\":{\"charge_point_ids\":[\"a\",\"\",\"b\"]}}");
	struct evse evses[2] = {{.evse_id = BYTES_LITERAL("e")}};
	const struct charge_point point = {.evses = evses, .evses_count = 2};
	ck_assert_str_eq(write(&schema_charge_point, &point), "{\"evses\":[{\"evse_id\":\"e\"},{}]}");
}
END_TEST

START_TEST(decimals_are_numbers)
{
	struct decimal price = {25, 2}, vat = {0, 0};
	struct price_component component = {
		.type = TARIFF_DIMENSION_TYPE_ENERGY, .price = &price, .vat = &vat, .step_size = 1};
	enum day_of_week days[] = {DAY_OF_WEEK_MONDAY, DAY_OF_WEEK_UNSPECIFIED};
	struct tariff_restrictions restrictions = {.day_of_week = days, .day_of_week_count = 2};
	struct tariff_element element = {&component, 1, &restrictions};
	const struct tariff tariff = {.elements = &element, .elements_count = 1};
	ck_assert_str_eq(
		write(&schema_tariff, &tariff),
		"{\"elements\":[{\"price_components\":[{\"type\":\"ENERGY\",\"price\":0.25,\"vat\":0,\"step_size\":1}],"
		"\"restrictions\":{\"day_of_week\":[\"MONDAY\",\"UNSPECIFIED\"]}}]}");
}
END_TEST

static const char *write_name(struct bytes name)
{
	const struct customer customer = {.name = name};
	return write(&schema_customer, &customer);
}

START_TEST(strings_are_escaped)
{
	ck_assert_str_eq(write_name(BYTES_LITERAL("a\"b\\c/d")), "{\"name\":\"a\\\"b\\\\c/d\"}");
	ck_assert_str_eq(write_name(BYTES_LITERAL("\b\f\n\r\t")), "{\"name\":\"\\b\\f\\n\\r\\t\"}");
	ck_assert_str_eq(write_name(BYTES_LITERAL("\x01\x1f\x7f")), "{\"name\":\"\\u0001\\u001f\\u007f\"}");
	ck_assert_str_eq(write_name((struct bytes){"a\0b", 3}), "{\"name\":\"a\\u0000b\"}");
	ck_assert_str_eq(write_name(BYTES_LITERAL("Zoë €5 😀")), "{\"name\":\"Zoë €5 😀\"}");
}
END_TEST

START_TEST(bytes_that_are_no_text_are_replaced)
{
	ck_assert_str_eq(write_name(BYTES_LITERAL("a\xff")), "{\"name\":\"a\\ufffd\"}");
	ck_assert_str_eq(write_name(BYTES_LITERAL("\xe2\x82")), "{\"name\":\"\\ufffd\\ufffd\"}");
}
END_TEST

START_TEST(indented_text_has_a_member_on_each_line)
{
	struct issuer issuer = {BYTES_LITERAL("NL"), BYTES_LITERAL("EVC")}, none = {0};
	const struct token token = {.uid = BYTES_LITERAL("u"), .issuer = &issuer, .blocked = true};
	ck_assert_str_eq(write_as(JSON_INDENT, &schema_token, &token), "{\n"
								       "  \"uid\": \"u\",\n"
								       "  \"issuer\": {\n"
								       "    \"country_code\": \"NL\",\n"
								       "    \"party_id\": \"EVC\"\n"
								       "  },\n"
								       "  \"blocked\": true\n"
								       "}");
	struct bytes ids[] = {BYTES_LITERAL("a"), BYTES_LITERAL("b")};
	const struct change_result result = {.unchanged_ids = ids, .unchanged_ids_count = 2};
	struct change_result results[] = {result};
	const struct apply_response response = {.results = results, .results_count = 1};
	ck_assert_str_eq(write_as(JSON_INDENT, &schema_apply_response, &response), "{\n"
										   "  \"results\": [\n"
										   "    {\n"
										   "      \"unchanged_ids\": [\n"
										   "        \"a\",\n"
										   "        \"b\"\n"
										   "      ]\n"
										   "    }\n"
										   "  ]\n"
										   "}");
	const struct token empty_issuer = {.issuer = &none};
	ck_assert_str_eq(write_as(JSON_INDENT, &schema_token, &empty_issuer), "{\n  \"issuer\": {}\n}");
}
END_TEST

START_TEST(long_texts_grow)
{
	static char name[100000];
	memset(name, 'n', sizeof(name));
	const char *text = write_name((struct bytes){name, sizeof(name)});
	ck_assert_uint_eq(strlen(text), sizeof(name) + strlen("{\"name\":\"\"}"));
}
END_TEST

START_TEST(the_budget_of_the_arena_is_kept)
{
	static char name[2000];
	memset(name, 'n', sizeof(name));
	const struct customer customer = {.name = {name, sizeof(name)}};
	for (size_t budget = 0; budget < 2000; budget += 100) {
		struct arena small;
		struct bytes text = {0};
		arena_init(&small, 64, budget);
		ck_assert_int_eq(json_encode(&schema_customer, &customer, JSON_COMPACT, &small, &text), -ENOMEM);
		ck_assert_uint_eq(text.size, 0);
		arena_finish(&small);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_out");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, absent_fields_are_left_out);
	tcase_add_test(tcase, numbers_of_64_bits_are_strings_and_smaller_ones_are_not);
	tcase_add_test(tcase, a_oneof_shows_the_member_that_is_set);
	tcase_add_test(tcase, lists_keep_empty_elements);
	tcase_add_test(tcase, decimals_are_numbers);
	tcase_add_test(tcase, strings_are_escaped);
	tcase_add_test(tcase, bytes_that_are_no_text_are_replaced);
	tcase_add_test(tcase, indented_text_has_a_member_on_each_line);
	tcase_add_test(tcase, long_texts_grow);
	tcase_add_test(tcase, the_budget_of_the_arena_is_kept);
	Suite *suite = suite_create("proto/json_out");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
