// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"
#include "tests/unit/unit.h"

#include <locale.h>
#include <string.h>

static struct screen screen;
static char *shown;
static size_t shown_size;
static FILE *out;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_int_eq(screen_begin(&screen), 0);
	out = open_memstream(&shown, &shown_size);
}

static void teardown(void)
{
	screen_finish(&screen);
	fclose(out);
	free(shown);
}

static void expect_shown(int columns, int rows, bool color, const char *expected)
{
	const struct screen_size size = {.columns = columns, .rows = rows};
	fclose(out);
	free(shown);
	out = open_memstream(&shown, &shown_size);
	screen_show(&screen, out, &size, color);
	ck_assert_str_eq(shown, expected);
}

START_TEST(on_paper_all_lines_are_whole_and_plain)
{
	screen_title(&screen, "a title of %d", 7);
	fputs("a long line\n\nlast", screen.out);
	screen_print(&screen, out);
	fflush(out);
	ck_assert_str_eq(shown, "a title of 7\na long line\n\nlast\n");
}
END_TEST

START_TEST(on_a_terminal_each_row_wipes_the_rest_of_what_was_there)
{
	fputs("one\ntwo\n", screen.out);
	expect_shown(80, 24, false, "\033[Hone\033[K\r\ntwo\033[K\033[J");
}
END_TEST

START_TEST(what_is_too_wide_is_cut_by_columns_not_by_bytes)
{
	fputs("abcdef\n\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n", screen.out);
	expect_shown(3, 24, false, "\033[Habc\033[K\r\n\xc3\xa9\xc3\xa9\xc3\xa9\033[K\033[J");
}
END_TEST

START_TEST(a_wide_character_does_not_stick_out)
{
	fputs("a\xe5\x85\x85\xe5\x85\x85\n", screen.out); // two columns each
	expect_shown(4, 24, false, "\033[Ha\xe5\x85\x85\033[K\033[J");
}
END_TEST

START_TEST(what_is_too_long_is_counted_in_the_last_row)
{
	fputs("1\n2\n3\n4\n", screen.out);
	expect_shown(80, 4, false, "\033[H1\033[K\r\n2\033[K\r\n3\033[K\r\n4\033[K\033[J");
	expect_shown(80, 3, false, "\033[H1\033[K\r\n2\033[K\r\n(2 more lines: make the window larger)\033[K\033[J");
	expect_shown(8, 1, false, "\033[H(4 more \033[K\033[J");
}
END_TEST

START_TEST(titles_are_bold_where_there_are_colors)
{
	screen_title(&screen, "T");
	expect_shown(80, 24, true, "\033[H\033[1mT\033[0m\033[K\033[J");
	expect_shown(80, 24, false, "\033[HT\033[K\033[J");
}
END_TEST

START_TEST(what_is_told_cannot_command_the_terminal)
{
	fputs("a\033[2Jb\001\n", screen.out);
	expect_shown(80, 24, true, "\033[Ha?[2Jb?\033[K\033[J");
}
END_TEST

START_TEST(nothing_drawn_is_an_empty_terminal)
{
	expect_shown(80, 24, false, "\033[H\033[J");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("screen");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, on_paper_all_lines_are_whole_and_plain);
	tcase_add_test(tcase, on_a_terminal_each_row_wipes_the_rest_of_what_was_there);
	tcase_add_test(tcase, what_is_too_wide_is_cut_by_columns_not_by_bytes);
	tcase_add_test(tcase, a_wide_character_does_not_stick_out);
	tcase_add_test(tcase, what_is_too_long_is_counted_in_the_last_row);
	tcase_add_test(tcase, titles_are_bold_where_there_are_colors);
	tcase_add_test(tcase, what_is_told_cannot_command_the_terminal);
	tcase_add_test(tcase, nothing_drawn_is_an_empty_terminal);
	Suite *suite = suite_create("cli/screen");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
