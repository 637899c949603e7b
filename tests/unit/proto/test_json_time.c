// SPDX-License-Identifier: Apache-2.0
#include "proto/json.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static void check(const char *text, int64_t expected)
{
	int64_t value = 77;
	ck_assert_msg(json_time_parse(bytes_from(text), &value) == 0, "%s", text);
	ck_assert_int_eq(value, expected);
}

static void refuse(const char *text)
{
	int64_t value = 77;
	ck_assert_msg(json_time_parse(bytes_from(text), &value) == -EINVAL, "%s", text);
	ck_assert_int_eq(value, 77);
}

START_TEST(instants_are_unix_seconds)
{
	check("1970-01-01T00:00:00Z", 0);
	check("1969-12-31T23:59:59Z", -1);
	check("2026-12-01T08:00:00Z", 1796112000);
	check("2000-02-29T12:34:56Z", 951827696);
	check("9999-12-31T23:59:59Z", 253402300799);
	check("0000-01-01T00:00:00Z", -62167219200);
}
END_TEST

START_TEST(every_day_of_four_centuries_is_as_the_c_library_has_it)
{
	for (int64_t day = -100 * 366; day < 300 * 366; day++) {
		const time_t instant = (time_t)(day * 86400 + 3661);
		struct tm tm;
		char text[64];
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&instant, &tm));
		int64_t value = 77;
		if (json_time_parse(bytes_from(text), &value) != 0 || value != instant)
			ck_abort_msg("%s", text);
	}
}
END_TEST

START_TEST(offsets_are_taken_off)
{
	check("2026-12-01T09:00:00+01:00", 1796112000);
	check("2026-12-01T02:30:00-05:30", 1796112000);
	check("2026-12-01T08:00:00-00:00", 1796112000);
	check("2026-12-01T08:00:00+00:00", 1796112000);
}
END_TEST

START_TEST(fractions_are_dropped)
{
	check("2026-12-01T08:00:00.000Z", 1796112000);
	check("2026-12-01T08:00:00.999999999Z", 1796112000);
	check("2026-12-01T09:00:00.5+01:00", 1796112000);
}
END_TEST

START_TEST(t_and_z_may_be_small)
{
	check("2026-12-01t08:00:00z", 1796112000);
}
END_TEST

START_TEST(everything_else_is_refused)
{
	const char *const texts[] = {
		"",
		"2026-12-01",
		"2026-12-01T08:00:00",
		"2026-12-01T08:00Z",
		"2026-12-01 08:00:00Z",
		"2026-12-01T08:00:00Zx",
		"2026-12-01T08:00:00.Z",
		"2026-12-01T08:00:00.5",
		"2026-12-01T08:00:00+1:00",
		"2026-12-01T08:00:00+0100",
		"2026-12-01T08:00:00+24:00",
		"2026-12-01T08:00:00+01:60",
		"2026-13-01T08:00:00Z",
		"2026-00-01T08:00:00Z",
		"2026-12-00T08:00:00Z",
		"2026-12-32T08:00:00Z",
		"2026-02-29T08:00:00Z",
		"2100-02-29T08:00:00Z",
		"2026-12-01T24:00:00Z",
		"2026-12-01T08:60:00Z",
		"2026-12-01T08:00:60Z",
		"2026/12/01T08:00:00Z",
		"2026\r12-01T08:00:00Z",
		"+026-12-01T08:00:00Z",
		" 2026-12-01T08:00:00Z",
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		refuse(texts[i]);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json_time");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, instants_are_unix_seconds);
	tcase_add_test(tcase, every_day_of_four_centuries_is_as_the_c_library_has_it);
	tcase_add_test(tcase, offsets_are_taken_off);
	tcase_add_test(tcase, fractions_are_dropped);
	tcase_add_test(tcase, t_and_z_may_be_small);
	tcase_add_test(tcase, everything_else_is_refused);
	Suite *suite = suite_create("proto/json_time");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
