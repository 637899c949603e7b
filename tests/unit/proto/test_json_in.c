// SPDX-License-Identifier: Apache-2.0
#include "proto/json.h"
#include "proto/limits.h"
#include "proto/messages.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

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

static void *read(const struct schema *schema, const char *text)
{
	void *message = NULL;
	const int result = json_decode(schema, bytes_from(text), &arena, &message, &fault);
	ck_assert_msg(result == 0, "%s: %s", fault.field, fault.message);
	return message;
}

static void refuse_as(enum status_code code, const struct schema *schema, const char *text, const char *field,
		      const char *message)
{
	void *decoded = &arena;
	fault = (struct fault){0};
	ck_assert_msg(json_decode(schema, bytes_from(text), &arena, &decoded, &fault) == -EINVAL, "%s", text);
	ck_assert_int_eq(fault.code, code);
	ck_assert_str_eq(fault.field, field);
	ck_assert_msg(strstr(fault.message, message) != NULL, "%s", fault.message);
	ck_assert_ptr_eq(decoded, &arena);
}

static void refuse(const struct schema *schema, const char *text, const char *field, const char *message)
{
	refuse_as(STATUS_INVALID_ARGUMENT, schema, text, field, message);
}

static const struct token *read_token(const char *text)
{
	return read(&schema_token, text);
}

// ---------------------------------------------------------------- names

START_TEST(fields_are_named_as_in_the_proto_file_or_in_camel_case)
{
	const char *const texts[] = {
		"{\"put_token\":{\"customer_id\":\"c\"},\"expected_object_revision\":\"5\",\"create_only\":true}",
		"{\"putToken\":{\"customerId\":\"c\"},\"expectedObjectRevision\":5,\"createOnly\":true}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct change *change = read(&schema_change, texts[i]);
		ck_assert_int_eq(change->kind, CHANGE_PUT_TOKEN);
		ck_assert(bytes_equal(change->put_token->customer_id, BYTES_LITERAL("c")));
		ck_assert_uint_eq(change->expected_object_revision, 5);
		ck_assert(change->create_only);
	}
	const struct authorize_response *response =
		read(&schema_authorize_response, "{\"ocpp16Status\":\"a\",\"ocpp2_status\":\"b\"}");
	ck_assert(bytes_equal(response->ocpp16_status, BYTES_LITERAL("a")));
	ck_assert(bytes_equal(response->ocpp2_status, BYTES_LITERAL("b")));
}
END_TEST

START_TEST(members_may_come_in_any_order)
{
	const struct token *token =
		read_token("{\"roaming_allowed\":true,\"uid\":\"u\",\"blocked\":false,\"type\":\"RFID\"}");
	ck_assert(bytes_equal(token->uid, BYTES_LITERAL("u")));
	ck_assert(token->roaming_allowed);
	ck_assert_int_eq(token->type, TOKEN_TYPE_RFID);
}
END_TEST

START_TEST(unknown_names_are_refused_with_their_path)
{
	refuse(&schema_token, "{\"uidx\":\"u\"}", "uidx", "is not a field of Token");
	refuse(&schema_token, "{\"ui\":\"u\"}", "ui", "is not a field");
	refuse(&schema_token, "{\"UID\":\"u\"}", "UID", "is not a field");
	refuse(&schema_token, "{\"customerid\":\"u\"}", "customerid", "is not a field");
	refuse(&schema_token, "{\"customer-id\":\"u\"}", "customer-id", "is not a field");
	refuse(&schema_token, "{\"customer_Id\":\"u\"}", "customer_Id", "is not a field");
	refuse(&schema_token, "{\"\":\"u\"}", "", "is not a field");
	refuse(&schema_change_set, "{\"changes\":[{\"delete_token\":{\"uid\":\"u\"}},{\"put_token\":{\"colour\":1}}]}",
	       "changes[1].put_token.colour", "is not a field of Token");
	refuse(&schema_change, "{\"put_tokens\":{}}", "put_tokens", "is not a field of Change");
}
END_TEST

START_TEST(the_same_field_twice_is_refused)
{
	refuse(&schema_token, "{\"uid\":\"u\",\"uid\":\"u\"}", "", "duplicate object key");
	refuse(&schema_token, "{\"customer_id\":\"a\",\"customerId\":\"b\"}", "customer_id", "twice");
	refuse(&schema_token, "{\"customer_id\":null,\"customerId\":\"b\"}", "customer_id", "twice");
}
END_TEST

START_TEST(null_means_absent)
{
	const struct token *token =
		read_token("{\"uid\":null,\"issuer\":null,\"type\":null,\"valid_from\":null,\"blocked\":null}");
	ck_assert_uint_eq(token->uid.size, 0);
	ck_assert_ptr_null(token->issuer);
	const struct attach_customers *attach =
		((const struct change *)read(&schema_change,
					     "{\"put_tariff\":null,\"attach_customers\":{\"customer_ids\":null}}"))
			->attach_customers;
	ck_assert_uint_eq(attach->customer_ids_count, 0);
	refuse(&schema_change, "{\"detach_charge_points\":{\"charge_point_ids\":[\"a\",null]}}",
	       "detach_charge_points.charge_point_ids[1]", "must be a string");
}
END_TEST

// ---------------------------------------------------------------- oneofs

START_TEST(a_change_is_named_directly)
{
	const struct change *change = read(
		&schema_change, "{\"attach_customers\":{\"charge_group_id\":\"office\",\"customer_ids\":[\"c1\",\"\","
				"\"c2\"]},\"expected_object_revision\":\"5\"}");
	ck_assert_int_eq(change->kind, CHANGE_ATTACH_CUSTOMERS);
	ck_assert_uint_eq(change->attach_customers->customer_ids_count, 3);
	ck_assert(bytes_equal(change->attach_customers->customer_ids[2], BYTES_LITERAL("c2")));
	const struct change *removal = read(&schema_change, "{\"delete_customer\":{\"id\":\"c1\"}}");
	ck_assert_int_eq(removal->kind, CHANGE_DELETE_CUSTOMER);
	ck_assert(bytes_equal(removal->delete_object->id, BYTES_LITERAL("c1")));
}
END_TEST

START_TEST(two_members_or_none_are_refused)
{
	refuse(&schema_change, "{\"put_token\":{},\"delete_token\":{}}", "delete_token", "oneof");
	refuse(&schema_change, "{}", "", "says nothing");
	refuse(&schema_change, "{\"create_only\":true}", "", "put_tariff");
	refuse(&schema_change_set, "{\"changes\":[{\"put_token\":{}},{}]}", "changes[1]", "says nothing");
	refuse(&schema_record, "{\"modified_revision\":\"1\"}", "", "tariff");
}
END_TEST

// ---------------------------------------------------------------- values

START_TEST(strings_are_unescaped)
{
	const struct token *token = read_token("{\"uid\":\"a\\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00é\"}");
	ck_assert(bytes_equal(token->uid, BYTES_LITERAL("a\"\\/\né😀é")));
	ck_assert_int_eq(token->uid.data[token->uid.size], '\0');
	refuse(&schema_token, "{\"uid\":\"a\\u0000b\"}", "", "line 1");
	refuse(&schema_token, "{\"uid\":\"\xff\"}", "", "line 1");
	refuse(&schema_token, "{\"uid\":17}", "uid", "must be a string");
	refuse(&schema_token, "{\"uid\":{}}", "uid", "must be a string");
}
END_TEST

START_TEST(bools_are_true_or_false)
{
	ck_assert(read_token("{\"blocked\":true}")->blocked);
	ck_assert(!read_token("{\"blocked\":false}")->blocked);
	refuse(&schema_token, "{\"blocked\":1}", "blocked", "true or false");
	refuse(&schema_token, "{\"blocked\":\"true\"}", "blocked", "true or false");
}
END_TEST

START_TEST(enums_are_names_in_any_case_or_known_numbers)
{
	const char *const texts[] = {"{\"type\":\"EMAID\"}", "{\"type\":\"emaid\"}", "{\"type\":\"TOKEN_TYPE_EMAID\"}",
				     "{\"type\":\"token_type_Emaid\"}", "{\"type\":4}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_int_eq(read_token(texts[i])->type, TOKEN_TYPE_EMAID);
	ck_assert_int_eq(read_token("{\"type\":0}")->type, TOKEN_TYPE_UNSPECIFIED);
	refuse(&schema_token, "{\"type\":\"CARD\"}", "type", "TokenType, such as OTHER");
	refuse(&schema_token, "{\"type\":6}", "type", "TokenType");
	refuse(&schema_token, "{\"type\":-1}", "type", "TokenType");
	refuse(&schema_token, "{\"type\":4294967297}", "type", "TokenType");
	refuse(&schema_token, "{\"type\":1.0}", "type", "TokenType");
	refuse(&schema_token, "{\"type\":\"4\"}", "type", "TokenType");
	refuse(&schema_tariff,
	       "{\"elements\":[{\"restrictions\":{\"day_of_week\":[\"monday\",\"SUNDAY\",\"FUNDAY\"]}}]}",
	       "elements[0].restrictions.day_of_week[2]", "DayOfWeek");
}
END_TEST

START_TEST(whole_numbers_are_numbers_or_digits)
{
	const struct change_set *set = read(&schema_change_set, "{\"expected_revision\":\"18446744073709551615\"}");
	ck_assert_uint_eq(set->expected_revision, UINT64_MAX);
	set = read(&schema_change_set, "{\"expected_revision\":9223372036854775807}");
	ck_assert_uint_eq(set->expected_revision, INT64_MAX);
	refuse(&schema_change_set, "{\"expected_revision\":\"18446744073709551616\"}", "expected_revision", "range");
	refuse(&schema_change_set, "{\"expected_revision\":-1}", "expected_revision", "range");
	refuse(&schema_change_set, "{\"expected_revision\":\"-1\"}", "expected_revision", "whole number");
	refuse(&schema_change_set, "{\"expected_revision\":1.5}", "expected_revision", "whole number");
	refuse(&schema_change_set, "{\"expected_revision\":\"\"}", "expected_revision", "whole number");
	refuse(&schema_change_set, "{\"expected_revision\":\"0x10\"}", "expected_revision", "whole number");
	refuse(&schema_change_set, "{\"expected_revision\":true}", "expected_revision", "whole number");

	const struct search_request *search = read(&schema_search_request, "{\"page_size\":4294967295}");
	ck_assert_uint_eq(search->page_size, UINT32_MAX);
	search = read(&schema_search_request, "{\"page_size\":\"100\"}");
	ck_assert_uint_eq(search->page_size, 100);
	refuse(&schema_search_request, "{\"page_size\":4294967296}", "page_size", "range");
}
END_TEST

START_TEST(times_are_rfc_3339_or_unix_seconds)
{
	const char *const texts[] = {"{\"valid_until\":\"2026-12-01T08:00:00Z\"}",
				     "{\"validUntil\":\"2026-12-01T09:00:00+01:00\"}", "{\"valid_until\":1796112000}",
				     "{\"valid_until\":\"1796112000\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_int_eq(read_token(texts[i])->valid_until, 1796112000);
	ck_assert_int_eq(read_token("{\"valid_from\":\"-5\"}")->valid_from, -5);
	ck_assert_int_eq(
		((struct authorize_request *)read(&schema_authorize_request, "{\"at\":\"1970-01-01T00:00:01Z\"}"))->at,
		1);
	refuse(&schema_token, "{\"valid_from\":\"2026-12-01\"}", "valid_from", "must be a time");
	refuse(&schema_token, "{\"valid_from\":\"2026-02-29T00:00:00Z\"}", "valid_from", "must be a time");
	refuse(&schema_token, "{\"valid_from\":\"\"}", "valid_from", "must be a time");
	refuse(&schema_token, "{\"valid_from\":1.5}", "valid_from", "must be a time");
	refuse(&schema_token, "{\"valid_from\":\"9223372036854775808\"}", "valid_from", "range");
	refuse(&schema_event, "{\"time\":\"2026-12-01T08:00:00Z\"}", "time", "whole number");
}
END_TEST

// ---------------------------------------------------------------- decimals

static struct decimal read_price(const char *number)
{
	char text[200];
	snprintf(text, sizeof(text), "{\"min_price\":{\"excl_vat\":%s}}", number);
	const struct tariff *tariff = read(&schema_tariff, text);
	return *tariff->min_price->excl_vat;
}

static void check_price(const char *number, int64_t units, uint32_t scale)
{
	const struct decimal decimal = read_price(number);
	ck_assert_int_eq(decimal.units, units);
	ck_assert_uint_eq(decimal.scale, scale);
}

START_TEST(decimals_are_exact)
{
	check_price("0", 0, 0);
	check_price("21", 21, 0);
	check_price("-0.1", -1, 1);
	check_price("0.25", 25, 2);
	check_price("0.2500", 2500, 4);
	check_price("0.1000000", 1000, 4);
	check_price("1.5e1", 15, 0);
	check_price("25e-2", 25, 2);
	// A double would have 16 digits at most.
	check_price("123456789012345.6789", 1234567890123456789, 4);
	check_price("922337203685477.5807", INT64_MAX, 4);
	check_price("-922337203685477.5808", INT64_MIN, 4);
	check_price("9223372036854775807", INT64_MAX, 0);
}
END_TEST

START_TEST(decimals_that_do_not_fit_are_refused)
{
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":0.12345}}", "min_price.excl_vat", "more than 4 decimals");
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":1e-5}}", "min_price.excl_vat", "more than 4 decimals");
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":922337203685477.5808}}", "min_price.excl_vat",
	       "too many digits");
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":1e19}}", "min_price.excl_vat", "too many digits");
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":1e400}}", "", "line 1");
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":\"0.25\"}}", "min_price.excl_vat", "must be a number");
	refuse(&schema_tariff, "{\"min_price\":{\"excl_vat\":{\"units\":25,\"scale\":2}}}", "min_price.excl_vat",
	       "must be a number");
}
END_TEST

// They are found again in the text, whatever stands between them.
START_TEST(many_decimals_keep_their_places)
{
	const struct tariff *tariff = read(
		&schema_tariff,
		"{\"id\":\"1.5 \\\" 2.5e3\",\n \"elements\" : [ {\"price_components\":[{\"price\":0.11,\"vat\":21, "
		"\"step_size\":1},{\"vat\": 6.5 ,\"price\":-0.22}],\"restrictions\":{\"min_kwh\":3.333,"
		"\"start_time\":\"9.9\",\"max_kwh\":4,\"min_power\":5.0}}],\"max_price\":{\"incl_vat\":1E1}}");
	const struct price_component *components = tariff->elements[0].price_components;
	const struct tariff_restrictions *restrictions = tariff->elements[0].restrictions;
	ck_assert_int_eq(components[0].price->units, 11);
	ck_assert_int_eq(components[0].vat->units, 21);
	ck_assert_uint_eq(components[0].vat->scale, 0);
	ck_assert_int_eq(components[1].vat->units, 65);
	ck_assert_int_eq(components[1].price->units, -22);
	ck_assert_int_eq(restrictions->min_kwh->units, 3333);
	ck_assert_int_eq(restrictions->max_kwh->units, 4);
	ck_assert_int_eq(restrictions->min_power->units, 50);
	ck_assert_int_eq(tariff->max_price->incl_vat->units, 10);
}
END_TEST

// ---------------------------------------------------------------- structure

START_TEST(bad_json_is_named_by_line_and_column)
{
	refuse(&schema_token, "{\"uid\": \"u\",\n  \"type\": }", "", "line 2, column 11");
	refuse(&schema_token, "", "", "line 1");
	refuse(&schema_token, "{\"uid\":\"u\"} x", "", "line 1, column 13");
	refuse(&schema_token, "{\"uid\":\"u\"", "", "line 1");
	refuse(&schema_token, "{uid:\"u\"}", "", "line 1, column 4");
	refuse(&schema_token, "{\"uid\":\"u\",}", "", "line 1");
	void *message;
	fault = (struct fault){0};
	ck_assert_int_eq(json_decode(&schema_token, (struct bytes){NULL, 0}, &arena, &message, &fault), -EINVAL);
}
END_TEST

START_TEST(objects_and_lists_are_told_apart)
{
	refuse(&schema_token, "[]", "", "must be an object");
	refuse(&schema_token, "{\"issuer\":\"NL*EVC\"}", "issuer", "must be an object");
	refuse(&schema_change_set, "{\"changes\":{}}", "changes", "must be a list");
	refuse(&schema_change_set, "{\"changes\":[[]]}", "changes[0]", "must be an object");
}
END_TEST

START_TEST(lists_with_a_maximum_are_held_to_it)
{
	char text[16 * EVSES_PER_POINT_MAX];
	for (int count = EVSES_PER_POINT_MAX; count <= EVSES_PER_POINT_MAX + 1; count++) {
		strcpy(text, "{\"evses\":[{}");
		for (int i = 1; i < count; i++)
			strcat(text, ",{}");
		strcat(text, "]}");
		if (count <= EVSES_PER_POINT_MAX)
			read(&schema_charge_point, text);
		else
			refuse_as(STATUS_RESOURCE_EXHAUSTED, &schema_charge_point, text, "evses", "longer than 64");
	}
}
END_TEST

START_TEST(nesting_without_end_is_refused)
{
	enum { DEPTH = 100000 };
	char *text = malloc(DEPTH + 1);
	memset(text, '[', DEPTH);
	text[DEPTH] = '\0';
	refuse(&schema_token, text, "", "depth");
	free(text);
}
END_TEST

START_TEST(the_budget_of_the_arena_is_kept)
{
	const struct bytes text =
		BYTES_LITERAL("{\"changes\":[{\"put_token\":{\"uid\":\"04A1\",\"issuer\":{\"country_code\":\"NL\"}}},"
			      "{\"attach_customers\":{\"customer_ids\":[\"a\",\"b\"]}}]}");
	bool was_refused = false, was_read = false;
	for (size_t budget = 0; budget < 4096; budget += 16) {
		struct arena small;
		void *message;
		arena_init(&small, 256, budget);
		fault = (struct fault){0};
		const int result = json_decode(&schema_change_set, text, &small, &message, &fault);
		ck_assert(result == 0 || (result == -ENOMEM && fault.code == STATUS_RESOURCE_EXHAUSTED));
		was_refused = was_refused || result != 0;
		was_read = was_read || result == 0;
		arena_finish(&small);
	}
	ck_assert(was_refused && was_read);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_in");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, fields_are_named_as_in_the_proto_file_or_in_camel_case);
	tcase_add_test(tcase, members_may_come_in_any_order);
	tcase_add_test(tcase, unknown_names_are_refused_with_their_path);
	tcase_add_test(tcase, the_same_field_twice_is_refused);
	tcase_add_test(tcase, null_means_absent);
	tcase_add_test(tcase, a_change_is_named_directly);
	tcase_add_test(tcase, two_members_or_none_are_refused);
	tcase_add_test(tcase, strings_are_unescaped);
	tcase_add_test(tcase, bools_are_true_or_false);
	tcase_add_test(tcase, enums_are_names_in_any_case_or_known_numbers);
	tcase_add_test(tcase, whole_numbers_are_numbers_or_digits);
	tcase_add_test(tcase, times_are_rfc_3339_or_unix_seconds);
	tcase_add_test(tcase, decimals_are_exact);
	tcase_add_test(tcase, decimals_that_do_not_fit_are_refused);
	tcase_add_test(tcase, many_decimals_keep_their_places);
	tcase_add_test(tcase, bad_json_is_named_by_line_and_column);
	tcase_add_test(tcase, objects_and_lists_are_told_apart);
	tcase_add_test(tcase, lists_with_a_maximum_are_held_to_it);
	tcase_add_test(tcase, nesting_without_end_is_refused);
	tcase_add_test(tcase, the_budget_of_the_arena_is_kept);
	Suite *suite = suite_create("proto/json_in");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
