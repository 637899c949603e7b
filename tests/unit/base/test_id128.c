// SPDX-License-Identifier: Apache-2.0
#include "base/id128.h"
#include "tests/unit/unit.h"

#include <errno.h>

START_TEST(a_text_is_read_and_written_alike)
{
	char text[ID128_TEXT_SIZE + 1];
	struct id128 id;
	ck_assert_int_eq(id128_parse(BYTES_LITERAL("000102030405060708090a0b0C0D0E0F"), &id), 0);
	id128_format(&id, text);
	ck_assert_str_eq(text, "000102030405060708090a0b0c0d0e0f");
	ck_assert_uint_eq(id.data[0], 0);
	ck_assert_uint_eq(id.data[15], 15);
}
END_TEST

START_TEST(anything_else_is_refused_and_changes_nothing)
{
	static const struct bytes wrong[] = {
		BYTES_LITERAL(""),
		BYTES_LITERAL("000102030405060708090a0b0c0d0e0"),
		BYTES_LITERAL("000102030405060708090a0b0c0d0e0f0"),
		BYTES_LITERAL("000102030405060708090a0b0c0d0e0g"),
		BYTES_LITERAL("0x0102030405060708090a0b0c0d0e0f"),
	};
	struct id128 id = {{7}};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(id128_parse(wrong[i], &id), -EINVAL);
	ck_assert_uint_eq(id.data[0], 7);
}
END_TEST

START_TEST(random_ones_differ)
{
	const struct id128 a = id128_random(), b = id128_random(), zero = {{0}};
	ck_assert(!id128_equal(&a, &b));
	ck_assert(!id128_is_zero(&a));
	ck_assert(id128_is_zero(&zero));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("id128");
	tcase_add_test(tcase, a_text_is_read_and_written_alike);
	tcase_add_test(tcase, anything_else_is_refused_and_changes_nothing);
	tcase_add_test(tcase, random_ones_differ);
	Suite *suite = suite_create("base/id128");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
