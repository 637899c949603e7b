// SPDX-License-Identifier: Apache-2.0
#include "daemon/tariff/tariff_choice.h"

#include "tests/unit/daemon/decide/decide_world.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct image_builder world;

static void setup(void)
{
	decide_world_init(&world);
}

static void teardown(void)
{
	image_builder_finish(&world);
}

static void assert_text(struct bytes text, const char *expected)
{
	ck_assert_msg(bytes_equal(text, bytes_from(expected)), "\"%.*s\" is not \"%s\"", BYTES_ARG(text), expected);
}

static struct tariff_choice expect(struct get_tariff_request request, const char *tariff, enum tariff_source source,
				   enum caller_class caller_class)
{
	struct tariff_choice choice;
	struct fault fault = {0};
	ck_assert_msg(tariff_choice_find(&world.image, &request, &choice, &fault) == 0, "%s", fault.message);
	assert_text(image_id(&world.image, &image_tariff(&world.image, choice.tariff)->id), tariff);
	ck_assert_int_eq(choice.source, source);
	ck_assert_int_eq(choice.caller_class, caller_class);
	return choice;
}

static void refused(struct get_tariff_request request, int error, enum status_code code, const char *field)
{
	struct tariff_choice choice;
	struct fault fault = {0};
	ck_assert_int_eq(tariff_choice_find(&world.image, &request, &choice, &fault), error);
	ck_assert_int_eq(fault.code, code);
	ck_assert_str_eq(fault.field, field);
}

#define AT(group) .charge_group_id = TEXT(group)

START_TEST(a_customer_pays_override_then_prepaid_then_the_groups)
{
	expect((struct get_tariff_request){AT("closed"), .customer_id = TEXT("staff")}, "t-staff",
	       TARIFF_SOURCE_OVERRIDE, CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("prepaid"), .customer_id = TEXT("prepaid-staff")}, "t-staff",
	       TARIFF_SOURCE_OVERRIDE, CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("prepaid"), .customer_id = TEXT("prepaid")}, "t-pre",
	       TARIFF_SOURCE_PREPAID, CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("closed"), .customer_id = TEXT("prepaid")}, "t-work", TARIFF_SOURCE_GROUP,
	       CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("prepaid"), .customer_id = TEXT("staff")}, "t-work", TARIFF_SOURCE_GROUP,
	       CALLER_CLASS_CUSTOMER);
}
END_TEST

START_TEST(access_does_not_matter)
{
	expect((struct get_tariff_request){AT("closed"), .customer_id = TEXT("other")}, "t-work", TARIFF_SOURCE_GROUP,
	       CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("closed"), .token_uid = TEXT("BLOCKED")}, "t-work", TARIFF_SOURCE_GROUP,
	       CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("closed"), .token_uid = TEXT("F-ALWAYS")}, "t-work", TARIFF_SOURCE_GROUP,
	       CALLER_CLASS_ROAMING);
}
END_TEST

START_TEST(a_caller_class_alone_is_a_caller)
{
	expect((struct get_tariff_request){AT("prepaid"), .caller_class = CALLER_CLASS_CUSTOMER}, "t-work",
	       TARIFF_SOURCE_GROUP, CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){AT("prepaid"), .caller_class = CALLER_CLASS_ROAMING}, "t-work",
	       TARIFF_SOURCE_GROUP, CALLER_CLASS_ROAMING);
	expect((struct get_tariff_request){AT("prepaid"), .caller_class = CALLER_CLASS_DIRECT_PAYMENT}, "t-pre",
	       TARIFF_SOURCE_PREPAID, CALLER_CLASS_DIRECT_PAYMENT);
	expect((struct get_tariff_request){AT("closed"), .caller_class = CALLER_CLASS_DIRECT_PAYMENT}, "t-work",
	       TARIFF_SOURCE_GROUP, CALLER_CLASS_DIRECT_PAYMENT);
}
END_TEST

START_TEST(a_token_stands_for_its_customer)
{
	const struct tariff_choice choice =
		expect((struct get_tariff_request){AT("closed"), .token_uid = TEXT("04STAFF")}, "t-staff",
		       TARIFF_SOURCE_OVERRIDE, CALLER_CLASS_CUSTOMER);
	assert_text(image_id(&world.image, &image_customer(&world.image, choice.customer)->id), "staff");
	assert_text(image_id(&world.image, &image_token(&world.image, choice.token)->uid), "04staff");
	assert_text(image_id(&world.image, &image_group(&world.image, choice.group)->id), "closed");
}
END_TEST

START_TEST(an_unknown_token_counts_as_roaming)
{
	const struct tariff_choice choice =
		expect((struct get_tariff_request){AT("prepaid"), .token_uid = TEXT("nobody")}, "t-work",
		       TARIFF_SOURCE_GROUP, CALLER_CLASS_ROAMING);
	ck_assert_uint_eq(choice.token, 0);
	ck_assert_uint_eq(choice.customer, 0);
	struct issuer issuer = {TEXT("NL"), TEXT("TNM")};
	expect((struct get_tariff_request){AT("prepaid"), .token_uid = TEXT("04staff"), .issuer = &issuer}, "t-work",
	       TARIFF_SOURCE_GROUP, CALLER_CLASS_ROAMING);
}
END_TEST

START_TEST(an_unknown_ad_hoc_user_without_issuer_pays_directly)
{
	struct issuer issuer = {TEXT("NL"), TEXT("TNM")};
	const enum token_type type = TOKEN_TYPE_AD_HOC_USER;
	expect((struct get_tariff_request){AT("prepaid"), .token_type = type}, "t-pre", TARIFF_SOURCE_PREPAID,
	       CALLER_CLASS_DIRECT_PAYMENT);
	expect((struct get_tariff_request){AT("prepaid"), .token_type = type, .token_uid = TEXT("terminal")}, "t-pre",
	       TARIFF_SOURCE_PREPAID, CALLER_CLASS_DIRECT_PAYMENT);
	expect((struct get_tariff_request){AT("prepaid"), .token_type = type, .token_uid = TEXT("x"),
					   .issuer = &issuer},
	       "t-work", TARIFF_SOURCE_GROUP, CALLER_CLASS_ROAMING);
	// As in line 3 of the decision: a uid that is stored under another type is not one of direct payment.
	expect((struct get_tariff_request){AT("prepaid"), .token_type = type, .token_uid = TEXT("04m")}, "t-work",
	       TARIFF_SOURCE_GROUP, CALLER_CLASS_ROAMING);
}
END_TEST

START_TEST(the_place_may_be_a_point_an_evse_or_both)
{
	const struct bytes customer = TEXT("staff");
	expect((struct get_tariff_request){.charge_point_id = TEXT("p-closed"), .customer_id = customer}, "t-staff",
	       TARIFF_SOURCE_OVERRIDE, CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){.evse_id = TEXT("NLECLOSED1"), .customer_id = customer}, "t-staff",
	       TARIFF_SOURCE_OVERRIDE, CALLER_CLASS_CUSTOMER);
	expect((struct get_tariff_request){.charge_point_id = TEXT("P-closed"),
					   .evse_id = TEXT("NL*Eclosed*1"),
					   .customer_id = customer},
	       "t-staff", TARIFF_SOURCE_OVERRIDE, CALLER_CLASS_CUSTOMER);
}
END_TEST

START_TEST(exactly_one_place_is_needed)
{
	const struct bytes customer = TEXT("m"), group = TEXT("closed"), point = TEXT("P-closed");
	refused((struct get_tariff_request){.customer_id = customer}, -EINVAL, STATUS_INVALID_ARGUMENT,
		"charge_point_id");
	refused((struct get_tariff_request){.customer_id = customer,
					    .charge_group_id = group,
					    .charge_point_id = point},
		-EINVAL, STATUS_INVALID_ARGUMENT, "charge_point_id");
	refused((struct get_tariff_request){.customer_id = customer, .charge_group_id = group, .evse_id = point},
		-EINVAL, STATUS_INVALID_ARGUMENT, "charge_point_id");
}
END_TEST

START_TEST(exactly_one_caller_is_needed)
{
	const enum status_code code = STATUS_INVALID_ARGUMENT;
	const struct bytes customer = TEXT("m"), uid = TEXT("04m");
	refused((struct get_tariff_request){AT("closed")}, -EINVAL, code, "token_uid");
	refused((struct get_tariff_request){AT("nowhere")}, -EINVAL, code, "token_uid");
	refused((struct get_tariff_request){AT("closed"), .customer_id = customer, .token_uid = uid}, -EINVAL, code,
		"token_uid");
	refused((struct get_tariff_request){AT("closed"), .token_uid = uid, .caller_class = CALLER_CLASS_ROAMING},
		-EINVAL, code, "token_uid");
	refused((struct get_tariff_request){AT("closed"), .customer_id = customer,
					    .token_type = TOKEN_TYPE_AD_HOC_USER},
		-EINVAL, code, "token_uid");
}
END_TEST

START_TEST(malformed_fields_are_refused)
{
	const enum status_code code = STATUS_INVALID_ARGUMENT;
	const struct bytes customer = TEXT("m");
	struct issuer half = {.party_id = TEXT("TNM")};
	refused((struct get_tariff_request){AT("closed"), .customer_id = customer, .at = -1}, -EINVAL, code, "at");
	refused((struct get_tariff_request){AT(" closed"), .customer_id = customer}, -EINVAL, code, "charge_group_id");
	refused((struct get_tariff_request){.evse_id = TEXT("*"), .customer_id = customer}, -EINVAL, code, "evse_id");
	refused((struct get_tariff_request){AT("closed"), .customer_id = TEXT("m ")}, -EINVAL, code, "customer_id");
	refused((struct get_tariff_request){AT("closed"), .token_uid = TEXT("\t")}, -EINVAL, code, "token_uid");
	refused((struct get_tariff_request){AT("closed"), .token_uid = TEXT("x"), .issuer = &half}, -EINVAL, code,
		"issuer.country_code");
	refused((struct get_tariff_request){AT("closed"), .caller_class = (enum caller_class)9}, -EINVAL, code,
		"caller_class");
}
END_TEST

START_TEST(unknown_places_and_customers_are_not_found)
{
	const struct bytes customer = TEXT("m");
	refused((struct get_tariff_request){AT("nowhere"), .customer_id = customer}, -ENOENT, STATUS_NOT_FOUND,
		"charge_group_id");
	refused((struct get_tariff_request){.charge_point_id = TEXT("P-x"), .customer_id = customer}, -ENOENT,
		STATUS_NOT_FOUND, "charge_point_id");
	refused((struct get_tariff_request){.evse_id = TEXT("E-x"), .customer_id = customer}, -ENOENT, STATUS_NOT_FOUND,
		"evse_id");
	refused((struct get_tariff_request){.charge_point_id = TEXT("P-closed"),
					    .evse_id = TEXT("NL*Eboth*1"),
					    .customer_id = customer},
		-ENOENT, STATUS_NOT_FOUND, "evse_id");
	refused((struct get_tariff_request){AT("closed"), .customer_id = TEXT("nobody")}, -ENOENT, STATUS_NOT_FOUND,
		"customer_id");
}
END_TEST

START_TEST(a_point_in_no_group_has_no_tariff)
{
	refused((struct get_tariff_request){.charge_point_id = TEXT("P-alone"), .customer_id = TEXT("m")}, -EINVAL,
		STATUS_FAILED_PRECONDITION, "charge_point_id");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("tariff_choice");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_customer_pays_override_then_prepaid_then_the_groups);
	tcase_add_test(tcase, access_does_not_matter);
	tcase_add_test(tcase, a_caller_class_alone_is_a_caller);
	tcase_add_test(tcase, a_token_stands_for_its_customer);
	tcase_add_test(tcase, an_unknown_token_counts_as_roaming);
	tcase_add_test(tcase, an_unknown_ad_hoc_user_without_issuer_pays_directly);
	tcase_add_test(tcase, the_place_may_be_a_point_an_evse_or_both);
	tcase_add_test(tcase, exactly_one_place_is_needed);
	tcase_add_test(tcase, exactly_one_caller_is_needed);
	tcase_add_test(tcase, malformed_fields_are_refused);
	tcase_add_test(tcase, unknown_places_and_customers_are_not_found);
	tcase_add_test(tcase, a_point_in_no_group_has_no_tariff);
	Suite *suite = suite_create("daemon/tariff");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
