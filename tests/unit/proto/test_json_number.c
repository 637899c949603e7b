// SPDX-License-Identifier: Apache-2.0
#include "proto/json_number.h"
#include "tests/unit/unit.h"

#include <errno.h>

static void check_decimal(const char *text, int64_t units, uint32_t scale)
{
	struct decimal value = {0};
	ck_assert_msg(json_parse_decimal(bytes_from(text), &value) == 0, "%s", text);
	ck_assert_int_eq(value.units, units);
	ck_assert_uint_eq(value.scale, scale);
}

static void refuse_decimal(const char *text, int error)
{
	struct decimal value = {.units = 77};
	ck_assert_msg(json_parse_decimal(bytes_from(text), &value) == error, "%s", text);
	ck_assert_int_eq(value.units, 77);
}

START_TEST(as_many_decimals_as_written_are_kept)
{
	check_decimal("0", 0, 0);
	check_decimal("-0", 0, 0);
	check_decimal("7", 7, 0);
	check_decimal("-7.5", -75, 1);
	check_decimal("0.50", 50, 2);
	check_decimal("100.0000", 1000000, 4);
	check_decimal("0.0", 0, 1);
	check_decimal("0.0001", 1, 4);
}
END_TEST

START_TEST(zeros_beyond_the_fourth_decimal_do_not_count)
{
	check_decimal("0.12340000000000000000000000000000", 1234, 4);
	check_decimal("0.00000", 0, 4);
	check_decimal("5.10000", 51000, 4);
	refuse_decimal("0.00001", -ERANGE);
	refuse_decimal("0.12340000000000000000000000000001", -ERANGE);
	refuse_decimal("1.00005", -ERANGE);
}
END_TEST

START_TEST(exponents_move_the_point)
{
	check_decimal("1e0", 1, 0);
	check_decimal("1e2", 100, 0);
	check_decimal("1.5E+2", 150, 0);
	check_decimal("1.25e1", 125, 1);
	check_decimal("25e-2", 25, 2);
	check_decimal("1000e-4", 1000, 4);
	check_decimal("1000e-6", 10, 4);
	check_decimal("0e99999", 0, 0);
	check_decimal("0e-99999", 0, 0);
	check_decimal("1e18", 1000000000000000000, 0);
	refuse_decimal("1e-5", -ERANGE);
	refuse_decimal("1e19", -ERANGE);
	refuse_decimal("1e999999999999", -ERANGE);
	refuse_decimal("1e-999999999999", -ERANGE);
}
END_TEST

START_TEST(the_range_of_int64_is_used_to_its_ends)
{
	check_decimal("9223372036854775807", INT64_MAX, 0);
	check_decimal("-9223372036854775808", INT64_MIN, 0);
	check_decimal("922337203685477.5807", INT64_MAX, 4);
	refuse_decimal("9223372036854775808", -ERANGE);
	refuse_decimal("-9223372036854775809", -ERANGE);
	refuse_decimal("922337203685477.5808", -ERANGE);
	refuse_decimal("99999999999999999999999999", -ERANGE);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
	const char *const texts[] = {"",      "-",   ".",  "1.", ".5", "1e", "1e+", "e5",
				     "1.5.5", "--1", "+1", "1 ", "x",  "1x", "1e5x"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refuse_decimal(texts[i], -EINVAL);
}
END_TEST

static void check_format(int64_t units, uint32_t scale, const char *expected)
{
	char text[JSON_DECIMAL_SIZE];
	const size_t size = json_format_decimal(&(struct decimal){units, scale}, text);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(size, strlen(expected));
}

START_TEST(decimals_are_written_digit_by_digit)
{
	check_format(0, 0, "0");
	check_format(0, 2, "0.00");
	check_format(25, 2, "0.25");
	check_format(-25, 2, "-0.25");
	check_format(2500, 2, "25.00");
	check_format(-1, 4, "-0.0001");
	check_format(INT64_MAX, 4, "922337203685477.5807");
	check_format(INT64_MIN, 4, "-922337203685477.5808");
	check_format(INT64_MIN, 0, "-9223372036854775808");
	check_format(INT64_MIN, 18, "-9.223372036854775808");
	check_format(INT64_MIN, 19, "-9223372036854775808e-19");
	check_format(5, UINT32_MAX, "5e-4294967295");
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	const int64_t units[] = {0, 1, -1, 9, 10, 99, 12345, -98765, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		for (uint32_t scale = 0; scale <= 4; scale++) {
			char text[JSON_DECIMAL_SIZE];
			json_format_decimal(&(struct decimal){units[i], scale}, text);
			check_decimal(text, units[i], scale);
		}
	}
}
END_TEST

START_TEST(whole_numbers_are_digits_in_range)
{
	uint64_t wide = 77;
	int64_t value = 77;
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL("18446744073709551615"), &wide), 0);
	ck_assert_uint_eq(wide, UINT64_MAX);
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL("18446744073709551616"), &wide), -ERANGE);
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL("99999999999999999999999"), &wide), -ERANGE);
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL("9999999999999999999999x"), &wide), -EINVAL);
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL(""), &wide), -EINVAL);
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL("-1"), &wide), -EINVAL);
	ck_assert_uint_eq(wide, UINT64_MAX);
	ck_assert_int_eq(json_parse_uint64(BYTES_LITERAL("007"), &wide), 0);
	ck_assert_uint_eq(wide, 7);
	ck_assert_int_eq(json_parse_int64(BYTES_LITERAL("-9223372036854775808"), &value), 0);
	ck_assert_int_eq(value, INT64_MIN);
	ck_assert_int_eq(json_parse_int64(BYTES_LITERAL("9223372036854775808"), &value), -ERANGE);
	ck_assert_int_eq(json_parse_int64(BYTES_LITERAL("-9223372036854775809"), &value), -ERANGE);
	ck_assert_int_eq(json_parse_int64(BYTES_LITERAL("-"), &value), -EINVAL);
	ck_assert_int_eq(json_parse_int64(BYTES_LITERAL("--1"), &value), -EINVAL);
	ck_assert_int_eq(value, INT64_MIN);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_number");
	tcase_add_test(tcase, as_many_decimals_as_written_are_kept);
	tcase_add_test(tcase, zeros_beyond_the_fourth_decimal_do_not_count);
	tcase_add_test(tcase, exponents_move_the_point);
	tcase_add_test(tcase, the_range_of_int64_is_used_to_its_ends);
	tcase_add_test(tcase, what_is_no_number_is_refused);
	tcase_add_test(tcase, decimals_are_written_digit_by_digit);
	tcase_add_test(tcase, what_is_written_is_read_back);
	tcase_add_test(tcase, whole_numbers_are_digits_in_range);
	Suite *suite = suite_create("proto/json_number");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
