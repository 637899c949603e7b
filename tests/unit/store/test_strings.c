// SPDX-License-Identifier: Apache-2.0
#include "store/strings.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static struct strings *strings_of(uint64_t size_max)
{
	struct strings *strings;
	ck_assert_int_eq(strings_create(size_max, 42, &strings), 0);
	return strings;
}

static uint32_t intern(struct strings *strings, const char *text)
{
	uint32_t string;
	ck_assert_int_eq(strings_intern(strings, bytes_from(text), &string), 0);
	return string;
}

static bool is(struct bytes bytes, const char *text)
{
	return bytes_equal(bytes, bytes_from(text));
}

START_TEST(equal_texts_have_equal_handles)
{
	struct strings *strings = strings_of(1 << 20);
	const uint32_t office = intern(strings, "office"), home = intern(strings, "home");
	ck_assert_uint_ne(office, home);
	ck_assert_uint_eq(intern(strings, "office"), office);
	ck_assert(is(strings_get(strings_base(strings), office), "office"));
	ck_assert(is(strings_get(strings_base(strings), home), "home"));
	strings_destroy(strings);
}
END_TEST

START_TEST(the_empty_text_is_handle_zero)
{
	struct strings *strings = strings_of(1 << 20);
	ck_assert_uint_eq(intern(strings, ""), STRING_EMPTY);
	ck_assert_uint_eq(strings_get(strings_base(strings), STRING_EMPTY).size, 0);
	ck_assert_uint_ne(intern(strings, "x"), STRING_EMPTY);
	strings_destroy(strings);
}
END_TEST

START_TEST(case_counts)
{
	struct strings *strings = strings_of(1 << 20);
	ck_assert_uint_ne(intern(strings, "Office"), intern(strings, "office"));
	strings_destroy(strings);
}
END_TEST

START_TEST(strings_stay_while_many_more_come)
{
	enum { COUNT = 100000 };
	struct strings *strings = strings_of(1 << 24);
	const char *base = strings_base(strings);
	char text[32];
	uint32_t first = 0;
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "location-%d", i);
		const uint32_t string = intern(strings, text);
		first = i == 0 ? string : first;
	}
	ck_assert_ptr_eq(strings_base(strings), base);
	ck_assert(is(strings_get(base, first), "location-0"));
	const uint64_t used = strings_bytes_used(strings);
	for (int i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "location-%d", i);
		ck_assert(is(strings_get(base, intern(strings, text)), text));
	}
	ck_assert_uint_eq(strings_bytes_used(strings), used);
	strings_destroy(strings);
}
END_TEST

START_TEST(a_string_of_the_maximum_size_is_kept)
{
	char text[STRING_SIZE_MAX];
	memset(text, 'x', sizeof(text));
	struct strings *strings = strings_of(1 << 20);
	uint32_t string;
	ck_assert_int_eq(strings_intern(strings, (struct bytes){text, sizeof(text)}, &string), 0);
	ck_assert_uint_eq(strings_get(strings_base(strings), string).size, STRING_SIZE_MAX);
	strings_destroy(strings);
}
END_TEST

START_TEST(a_full_arena_takes_nothing_new)
{
	struct strings *strings = strings_of(4096);
	char text[128];
	memset(text, 'x', sizeof(text));
	uint32_t string = 0, last = 0;
	int error = 0;
	for (int i = 0; error == 0; i++) {
		snprintf(text, sizeof(text), "%0100d", i);
		last = string;
		error = strings_intern(strings, bytes_from(text), &string);
	}
	ck_assert_int_eq(error, -ENOMEM);
	ck_assert_uint_le(strings_bytes_used(strings), 4096);
	ck_assert_uint_ne(last, 0);
	ck_assert_uint_eq(intern(strings, "abc"), string + 101);
	strings_destroy(strings);
}
END_TEST

START_TEST(short_ids_are_kept_in_place_and_long_ones_by_handle)
{
	struct strings *strings = strings_of(1 << 20);
	const struct {
		const char *text;
		bool in_place;
	} rows[] = {{"", true}, {"x", true}, {"123456789012345", true}, {"1234567890123456", false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint64_t used = strings_bytes_used(strings);
		struct short_id id;
		ck_assert_int_eq(short_id_set(strings, bytes_from(rows[i].text), &id), 0);
		ck_assert(is(short_id_get(strings_base(strings), &id), rows[i].text));
		ck_assert_int_eq(strings_bytes_used(strings) == used, rows[i].in_place);
	}
	strings_destroy(strings);
}
END_TEST

START_TEST(destroying_nothing_is_harmless)
{
	strings_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("strings");
	tcase_add_test(tcase, equal_texts_have_equal_handles);
	tcase_add_test(tcase, the_empty_text_is_handle_zero);
	tcase_add_test(tcase, case_counts);
	tcase_add_test(tcase, strings_stay_while_many_more_come);
	tcase_add_test(tcase, a_string_of_the_maximum_size_is_kept);
	tcase_add_test(tcase, a_full_arena_takes_nothing_new);
	tcase_add_test(tcase, short_ids_are_kept_in_place_and_long_ones_by_handle);
	tcase_add_test(tcase, destroying_nothing_is_harmless);
	Suite *suite = suite_create("store/strings");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
