// SPDX-License-Identifier: Apache-2.0
#include "store/refuse.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

START_TEST(a_refusal_fills_the_fault_and_names_its_errno)
{
	static const struct {
		enum status_code code;
		int error;
	} rows[] = {
		{STATUS_INVALID_ARGUMENT, -EINVAL},
		{STATUS_NOT_FOUND, -ENOENT},
		{STATUS_ALREADY_EXISTS, -EEXIST},
		{STATUS_ABORTED, -ECANCELED},
		{STATUS_RESOURCE_EXHAUSTED, -E2BIG},
		{STATUS_DATA_LOSS, -EBADMSG},
		{STATUS_FAILED_PRECONDITION, -EPERM},
		{STATUS_UNAVAILABLE, -EAGAIN},
		{STATUS_INTERNAL, -EPERM},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault fault = {0};
		ck_assert_int_eq(store_refuse(&fault, rows[i].code, "field", "%s %d", "tariff", 7), rows[i].error);
		ck_assert_int_eq(fault.code, rows[i].code);
		ck_assert_str_eq(fault.field, "field");
		ck_assert_str_eq(fault.message, "tariff 7");
	}
}
END_TEST

START_TEST(the_first_refusal_stands_and_a_long_one_is_cut)
{
	struct fault fault = {0};
	char text[1000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(store_refuse(&fault, STATUS_ABORTED, NULL, "%s", text), -ECANCELED);
	ck_assert_uint_eq(strlen(fault.message), sizeof(fault.message) - 1);
	ck_assert_str_eq(fault.field, "");
	ck_assert_int_eq(store_refuse(&fault, STATUS_NOT_FOUND, "field", "later"), -ENOENT);
	ck_assert_int_eq(fault.code, STATUS_ABORTED);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("refuse");
	tcase_add_test(tcase, a_refusal_fills_the_fault_and_names_its_errno);
	tcase_add_test(tcase, the_first_refusal_stands_and_a_long_one_is_cut);
	Suite *suite = suite_create("store/refuse");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
