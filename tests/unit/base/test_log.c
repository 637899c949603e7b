// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Runs with stderr in a pipe and returns what one call wrote.
static void logged(enum log_level level, char *line, size_t size)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	const int saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_event(level, "store_opened", "%d records", 7);
	dup2(saved, STDERR_FILENO);
	close(saved);
	const ssize_t got = read(ends[0], line, size - 1);
	line[got > 0 ? got : 0] = '\0';
	close(ends[0]);
}

START_TEST(a_line_has_time_level_event_and_text)
{
	char line[256];
	logged(LOG_LEVEL_WARNING, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "Z warning store_opened: 7 records\n"));
}
END_TEST

START_TEST(below_the_level_nothing_is_written)
{
	char line[256];
	log_set_level(LOG_LEVEL_WARNING);
	logged(LOG_LEVEL_INFO, line, sizeof(line));
	ck_assert_str_eq(line, "");
}
END_TEST

START_TEST(levels_are_read_by_name)
{
	enum log_level level = LOG_LEVEL_ERROR;
	ck_assert_int_eq(log_level_parse("debug", &level), 0);
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert_int_lt(log_level_parse("loud", &level), 0);
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

int main(void)
{
	unsetenv("JOURNAL_STREAM");
	TCase *tcase = tcase_create("log");
	tcase_add_test(tcase, a_line_has_time_level_event_and_text);
	tcase_add_test(tcase, below_the_level_nothing_is_written);
	tcase_add_test(tcase, levels_are_read_by_name);
	Suite *suite = suite_create("base/log");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
