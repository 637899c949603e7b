// SPDX-License-Identifier: Apache-2.0
#include "proto/fault.h"
#include "tests/unit/unit.h"

#include <string.h>

START_TEST(the_first_refusal_stands)
{
	struct fault fault = {0};
	fault_set(&fault, STATUS_NOT_FOUND, "tariff_id", "tariff %s is unknown", "t-work");
	fault_set(&fault, STATUS_INTERNAL, NULL, "something later");
	ck_assert_int_eq(fault.code, STATUS_NOT_FOUND);
	ck_assert_str_eq(fault.field, "tariff_id");
	ck_assert_str_eq(fault.message, "tariff t-work is unknown");
	ck_assert_uint_eq(fault.change_number, 0);
}
END_TEST

START_TEST(without_a_field_the_field_is_empty)
{
	struct fault fault = {0};
	fault_set(&fault, STATUS_UNAVAILABLE, NULL, "not now");
	ck_assert_str_eq(fault.field, "");
}
END_TEST

START_TEST(what_is_set_before_stays)
{
	struct fault fault = {.change_number = 3, .retry_after_ms = 100};
	fault_set(&fault, STATUS_ABORTED, NULL, "x");
	ck_assert_uint_eq(fault.change_number, 3);
	ck_assert_uint_eq(fault.retry_after_ms, 100);
}
END_TEST

START_TEST(long_texts_are_cut_between_characters)
{
	struct fault fault = {0};
	char field[300], message[600];
	memset(field, 'f', sizeof(field) - 1);
	field[sizeof(field) - 1] = '\0';
	for (size_t i = 0; i + 2 < sizeof(message); i += 2)
		memcpy(message + i, "é", 3);
	fault_set(&fault, STATUS_INTERNAL, field, "%s", message);
	ck_assert_uint_eq(strlen(fault.field), sizeof(fault.field) - 1);
	ck_assert_uint_eq(strlen(fault.message), sizeof(fault.message) - 1);
	// 255 bytes hold 127 characters and half of one.
	ck_assert_int_eq(fault.message[254], '?');
	ck_assert(memcmp(fault.message + 252, "é", 2) == 0);
}
END_TEST

START_TEST(bytes_that_are_no_text_do_not_reach_the_message)
{
	struct fault fault = {0};
	fault_set(&fault, STATUS_INVALID_ARGUMENT, "a\xff", "near '%s'", "\xc3(");
	ck_assert_str_eq(fault.field, "a?");
	ck_assert_str_eq(fault.message, "near '?('");
}
END_TEST

START_TEST(codes_have_the_names_of_grpc)
{
	ck_assert_str_eq(status_code_name(STATUS_OK), "OK");
	ck_assert_str_eq(status_code_name(STATUS_INVALID_ARGUMENT), "INVALID_ARGUMENT");
	ck_assert_str_eq(status_code_name(STATUS_UNAUTHENTICATED), "UNAUTHENTICATED");
	ck_assert_str_eq(status_code_name((enum status_code)17), "CODE_17");
	ck_assert_str_eq(status_code_name((enum status_code)255), "CODE_255");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("fault");
	tcase_add_test(tcase, the_first_refusal_stands);
	tcase_add_test(tcase, without_a_field_the_field_is_empty);
	tcase_add_test(tcase, what_is_set_before_stays);
	tcase_add_test(tcase, long_texts_are_cut_between_characters);
	tcase_add_test(tcase, bytes_that_are_no_text_do_not_reach_the_message);
	tcase_add_test(tcase, codes_have_the_names_of_grpc);
	Suite *suite = suite_create("proto/fault");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
