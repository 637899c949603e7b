// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "base/log_limit.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Runs with stderr in a pipe and returns what one call wrote.
static void logged(enum log_level level, const char *event, const char *text, char *line, size_t size)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	const int saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	log_event(level, event, "%s", text);
	dup2(saved, STDERR_FILENO);
	close(saved);
	const ssize_t got = read(ends[0], line, size - 1);
	line[got > 0 ? got : 0] = '\0';
	close(ends[0]);
}

START_TEST(a_line_has_time_level_event_and_text)
{
	char line[256];
	logged(LOG_LEVEL_WARNING, "store_opened", "7 records", line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "Z warning store_opened: 7 records\n"));
}
END_TEST

START_TEST(an_event_is_one_line_whatever_the_text_is)
{
	char line[256];
	logged(LOG_LEVEL_ERROR, "odd", "first\nsecond\033[2J\x7f \xc3\xa9", line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, " error odd: first second [2J  \xc3\xa9\n"));
}
END_TEST

START_TEST(a_line_of_json_is_an_object_whatever_the_text_is)
{
	char line[8192], text[1024];
	log_set_format(LOG_FORMAT_JSON);
	logged(LOG_LEVEL_ERROR, "odd", "say \"no\"\\ \n\t\x7f\xff", line, sizeof(line));
	ck_assert_int_eq(strncmp(line, "{\"time\":\"20", 11), 0);
	ck_assert_ptr_nonnull(strstr(line, "Z\",\"level\":\"error\",\"event\":\"odd\",\"message\":\"say \\\"no\\\"\\\\ "
					   "\\u000a\\u0009\\u007f\\ufffd\"}\n"));
	memset(text, '\1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	logged(LOG_LEVEL_ERROR, "odd", text, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "\\u0001\"}\n"));
}
END_TEST

START_TEST(an_event_that_comes_again_and_again_is_cut_and_others_are_not)
{
	char line[256];
	for (int i = 0; i < LOG_LIMIT_LINES; i++) {
		logged(LOG_LEVEL_ERROR, "again", "x", line, sizeof(line));
		ck_assert_str_ne(line, "");
	}
	logged(LOG_LEVEL_ERROR, "again", "x", line, sizeof(line));
	ck_assert_str_eq(line, "");
	logged(LOG_LEVEL_ERROR, "other", "x", line, sizeof(line));
	ck_assert_str_ne(line, "");
}
END_TEST

START_TEST(the_limit_tells_what_was_dropped_and_begins_anew)
{
	static struct log_limit limit;
	static char names[LOG_LIMIT_EVENTS_MAX][8];
	uint64_t dropped;
	for (int i = 0; i < LOG_LIMIT_LINES + 7; i++)
		ck_assert_int_eq(log_limit_admit(&limit, "a", 5000 + i, &dropped), i < LOG_LIMIT_LINES);
	ck_assert(!log_limit_admit(&limit, "a", 5000 + LOG_LIMIT_WINDOW_MS - 1, &dropped));
	ck_assert(log_limit_admit(&limit, "a", 5000 + LOG_LIMIT_WINDOW_MS, &dropped));
	ck_assert_uint_eq(dropped, 8);
	ck_assert(log_limit_admit(&limit, "a", 5001 + LOG_LIMIT_WINDOW_MS, &dropped));
	ck_assert_uint_eq(dropped, 0);
	for (int i = 0; i < LOG_LIMIT_EVENTS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i);
		ck_assert(log_limit_admit(&limit, names[i], 9000, &dropped));
	}
	for (int i = 0; i < 2 * LOG_LIMIT_LINES; i++) // there is no room to count it
		ck_assert(log_limit_admit(&limit, "last", 9000, &dropped));
}
END_TEST

START_TEST(below_the_level_nothing_is_written)
{
	char line[256];
	log_set_level(LOG_LEVEL_WARNING);
	logged(LOG_LEVEL_INFO, "store_opened", "7 records", line, sizeof(line));
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
	tcase_add_test(tcase, an_event_is_one_line_whatever_the_text_is);
	tcase_add_test(tcase, a_line_of_json_is_an_object_whatever_the_text_is);
	tcase_add_test(tcase, an_event_that_comes_again_and_again_is_cut_and_others_are_not);
	tcase_add_test(tcase, the_limit_tells_what_was_dropped_and_begins_anew);
	Suite *suite = suite_create("base/log");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
