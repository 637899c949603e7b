// SPDX-License-Identifier: Apache-2.0
#include "cli/fields.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static struct arguments arguments;
static struct arena arena;
static struct fault fault;
static size_t given;

static void setup(void)
{
	arguments = (struct arguments){0};
	fault = (struct fault){0};
	arena_init(&arena, 4096, 1024 * 1024);
}

static void teardown(void)
{
	arena_finish(&arena);
}

static int take(enum object_kind kind, bool creating, void *object)
{
	return fields_take(object_row(kind), &arguments, creating, object, &arena, &given, &fault);
}

START_TEST(what_is_given_is_taken_and_the_rest_left_alone)
{
	struct charge_group group = {.id = BYTES_LITERAL("office"),
				     .name = BYTES_LITERAL("Office"),
				     .tariff_id = BYTES_LITERAL("t"),
				     .open_to_all_customers = true};
	arguments.values[OPTION_ROAMING] = "on";
	arguments.values[OPTION_NAME] = "New";
	ck_assert_int_eq(take(OBJECT_KIND_CHARGE_GROUP, false, &group), 0);
	ck_assert_uint_eq(given, 2);
	ck_assert(group.open_to_roaming);
	ck_assert(group.open_to_all_customers);
	ck_assert(bytes_equal(group.name, BYTES_LITERAL("New")));
	ck_assert(bytes_equal(group.tariff_id, BYTES_LITERAL("t")));
}
END_TEST

START_TEST(an_empty_value_clears_a_field)
{
	struct charge_group group = {.prepaid_tariff_id = BYTES_LITERAL("t")};
	struct token token = {.valid_until = 5, .whitelist = WHITELIST_ALWAYS};
	arguments.values[OPTION_PREPAID_TARIFF] = "";
	ck_assert_int_eq(take(OBJECT_KIND_CHARGE_GROUP, false, &group), 0);
	ck_assert_uint_eq(group.prepaid_tariff_id.size, 0);
	arguments.values[OPTION_VALID_UNTIL] = "";
	arguments.values[OPTION_WHITELIST] = "";
	ck_assert_int_eq(take(OBJECT_KIND_TOKEN, false, &token), 0);
	ck_assert_int_eq(token.valid_until, 0);
	ck_assert_int_eq(token.whitelist, WHITELIST_UNSPECIFIED);
}
END_TEST

START_TEST(a_switch_may_be_turned_off)
{
	struct customer customer = {.blocked = true, .no_credit = true};
	arguments.values[OPTION_BLOCKED] = "off";
	ck_assert_int_eq(take(OBJECT_KIND_CUSTOMER, false, &customer), 0);
	ck_assert(!customer.blocked);
	ck_assert(customer.no_credit);
}
END_TEST

START_TEST(identity_is_taken_at_create_and_not_at_set)
{
	struct token token = {0};
	arguments.values[OPTION_TOKEN_TYPE] = "rfid";
	arguments.values[OPTION_ISSUER] = "NL*ABC";
	ck_assert_int_eq(take(OBJECT_KIND_TOKEN, false, &token), 0);
	ck_assert_uint_eq(given, 0);
	ck_assert_int_eq(token.type, TOKEN_TYPE_UNSPECIFIED);
	ck_assert_int_eq(take(OBJECT_KIND_TOKEN, true, &token), 0);
	ck_assert_uint_eq(given, 2);
	ck_assert_int_eq(token.type, TOKEN_TYPE_RFID);
	ck_assert(bytes_equal(token.issuer->party_id, BYTES_LITERAL("ABC")));
}
END_TEST

START_TEST(an_empty_issuer_is_none)
{
	struct token token = {0};
	arguments.values[OPTION_ISSUER] = "";
	ck_assert_int_eq(take(OBJECT_KIND_TOKEN, true, &token), 0);
	ck_assert_ptr_null(token.issuer);
}
END_TEST

START_TEST(evses_have_an_optional_connector)
{
	struct charge_point point = {0};
	arguments.values[OPTION_EVSES] = "E2";
	arguments.evses[0] = "NL*EVC*E1*1=IEC_62196_T2";
	arguments.evses[1] = "E2";
	arguments.evses_count = 2;
	ck_assert_int_eq(take(OBJECT_KIND_CHARGE_POINT, true, &point), 0);
	ck_assert_uint_eq(point.evses_count, 2);
	ck_assert(bytes_equal(point.evses[0].evse_id, BYTES_LITERAL("NL*EVC*E1*1")));
	ck_assert(bytes_equal(point.evses[0].connector_type, BYTES_LITERAL("IEC_62196_T2")));
	ck_assert(bytes_equal(point.evses[1].evse_id, BYTES_LITERAL("E2")));
	ck_assert_uint_eq(point.evses[1].connector_type.size, 0);
}
END_TEST

START_TEST(one_empty_evse_clears_the_list)
{
	struct evse evse = {.evse_id = BYTES_LITERAL("E")};
	struct charge_point point = {.evses = &evse, .evses_count = 1};
	arguments.values[OPTION_EVSES] = arguments.evses[0] = "";
	arguments.evses_count = 1;
	ck_assert_int_eq(take(OBJECT_KIND_CHARGE_POINT, false, &point), 0);
	ck_assert_uint_eq(point.evses_count, 0);
}
END_TEST

static void refused(enum object_kind kind, enum option_id option, const char *value)
{
	union {
		struct token token;
		struct charge_group group;
		struct customer customer;
	} object = {0};
	char name[64];
	arguments = (struct arguments){0};
	fault = (struct fault){0};
	arguments.values[option] = value;
	ck_assert_int_eq(take(kind, true, &object), -EINVAL);
	snprintf(name, sizeof(name), "--%s: '%s'", option_rows[option].name, value);
	ck_assert_ptr_nonnull(strstr(fault.message, name));
}

START_TEST(a_wrong_value_is_named_with_its_option)
{
	refused(OBJECT_KIND_TOKEN, OPTION_TOKEN_TYPE, "card");
	refused(OBJECT_KIND_TOKEN, OPTION_WHITELIST, "sometimes");
	refused(OBJECT_KIND_TOKEN, OPTION_VALID_FROM, "soon");
	refused(OBJECT_KIND_TOKEN, OPTION_ISSUER, "N");
	refused(OBJECT_KIND_CHARGE_GROUP, OPTION_GROUP_TYPE, "office");
	refused(OBJECT_KIND_CUSTOMER, OPTION_PAYMENT, "cash");
}
END_TEST

START_TEST(the_first_field_of_every_object_is_its_id)
{
	const struct token token = {.uid = BYTES_LITERAL("04A1")};
	const struct charge_point point = {.id = BYTES_LITERAL("P")};
	ck_assert(bytes_equal(object_id(OBJECT_KIND_TOKEN, &token), BYTES_LITERAL("04A1")));
	ck_assert(bytes_equal(object_id(OBJECT_KIND_CHARGE_POINT, &point), BYTES_LITERAL("P")));
	for (int kind = OBJECT_KIND_TARIFF; kind < OBJECT_KINDS; kind++) {
		ck_assert_int_eq(object_row((enum object_kind)kind)->fields[0].type, FIELD_TEXT);
		ck_assert(object_row((enum object_kind)kind)->fields[0].identity);
	}
}
END_TEST

START_TEST(an_object_is_shown_field_by_field)
{
	char *printed;
	size_t size;
	struct context context = {.out = open_memstream(&printed, &size)};
	struct issuer issuer = {.country_code = BYTES_LITERAL("NL"), .party_id = BYTES_LITERAL("ABC")};
	const struct token token = {.uid = BYTES_LITERAL("04A1"),
				    .type = TOKEN_TYPE_RFID,
				    .issuer = &issuer,
				    .valid_until = 1796112000,
				    .roaming_allowed = true};
	fields_print(&context, OBJECT_KIND_TOKEN, &token);
	fclose(context.out);
	ck_assert_str_eq(printed, "  uid                    04A1\n"
				  "  type                   RFID\n"
				  "  issuer                 NL*ABC\n"
				  "  blocked                no\n"
				  "  valid until            2026-12-01T08:00:00Z\n"
				  "  roaming allowed        yes\n");
	free(printed);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("fields");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_given_is_taken_and_the_rest_left_alone);
	tcase_add_test(tcase, an_empty_value_clears_a_field);
	tcase_add_test(tcase, a_switch_may_be_turned_off);
	tcase_add_test(tcase, identity_is_taken_at_create_and_not_at_set);
	tcase_add_test(tcase, an_empty_issuer_is_none);
	tcase_add_test(tcase, evses_have_an_optional_connector);
	tcase_add_test(tcase, one_empty_evse_clears_the_list);
	tcase_add_test(tcase, a_wrong_value_is_named_with_its_option);
	tcase_add_test(tcase, the_first_field_of_every_object_is_its_id);
	tcase_add_test(tcase, an_object_is_shown_field_by_field);
	Suite *suite = suite_create("cli/fields");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
