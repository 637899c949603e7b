// SPDX-License-Identifier: Apache-2.0
#include "cli/table.h"
#include "tests/unit/unit.h"

#include <locale.h>
#include <string.h>

static const char *const titles[] = {"ID", "NAME", "X", NULL};
static struct table table;
static char *printed;
static size_t printed_size;
static FILE *out;

static void setup(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	out = open_memstream(&printed, &printed_size);
	table_init(&table, out, false, titles);
}

static void teardown(void)
{
	fclose(out);
	free(printed);
}

static void add(const char *id, const char *name, const char *x)
{
	const struct bytes cells[] = {bytes_from(id), bytes_from(name), bytes_from(x)};
	ck_assert_int_eq(table_add(&table, cells), 0);
}

static const char *finish(void)
{
	table_finish(&table);
	fflush(out);
	return printed;
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	add("a", "Anna", "1");
	add("long-id", "B", "2");
	ck_assert_str_eq(finish(), "ID       NAME  X\n"
				   "a        Anna  1\n"
				   "long-id  B     2\n");
}
END_TEST

START_TEST(a_table_without_rows_prints_nothing)
{
	ck_assert_str_eq(finish(), "");
	ck_assert_uint_eq(table.total, 0);
}
END_TEST

START_TEST(lines_have_no_blanks_at_their_end)
{
	add("a", "", "");
	add("b", "", "2");
	ck_assert_str_eq(finish(), "ID  NAME  X\n"
				   "a\n"
				   "b         2\n");
}
END_TEST

START_TEST(widths_count_columns_on_the_screen)
{
	add("Zoë", "Ångström", "1");
	add("日本", "abcdefgh", "2");
	ck_assert_str_eq(finish(), "ID    NAME      X\n"
				   "Zoë   Ångström  1\n"
				   "日本  abcdefgh  2\n");
}
END_TEST

START_TEST(a_name_cannot_command_the_terminal)
{
	add("\033[2Jx", "two\nlines", "\tx");
	ck_assert_str_eq(finish(), "ID     NAME       X\n"
				   "?[2Jx  two lines   x\n");
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_shown_one_by_one)
{
	add("\xff\xfe", "a\xc3", "x");
	ck_assert_str_eq(finish(), "ID  NAME  X\n"
				   "??  a?    x\n");
}
END_TEST

START_TEST(a_long_table_has_its_titles_once)
{
	for (int i = 0; i < 2 * TABLE_ROWS_MAX + 1; i++)
		add("a", "b", "c");
	const char *text = finish();
	size_t lines = 0, title_lines = 0;
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	for (const char *at = text; (at = strstr(at, "NAME")) != NULL; at++)
		title_lines++;
	ck_assert_uint_eq(lines, 2 * TABLE_ROWS_MAX + 2);
	ck_assert_uint_eq(title_lines, 1);
	ck_assert_uint_eq(table.total, 2 * TABLE_ROWS_MAX + 1);
}
END_TEST

START_TEST(cells_are_copied)
{
	char name[] = "Anna";
	add("a", name, "1");
	strcpy(name, "Kees");
	ck_assert_ptr_nonnull(strstr(finish(), "Anna"));
}
END_TEST

START_TEST(titles_are_bold_when_colors_are_wanted)
{
	table.color = true;
	add("a", "b", "c");
	ck_assert_str_eq(finish(), "\033[1mID  NAME  X\n\033[0ma   b     c\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("table");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, columns_are_as_wide_as_their_widest_cell);
	tcase_add_test(tcase, a_table_without_rows_prints_nothing);
	tcase_add_test(tcase, lines_have_no_blanks_at_their_end);
	tcase_add_test(tcase, widths_count_columns_on_the_screen);
	tcase_add_test(tcase, a_name_cannot_command_the_terminal);
	tcase_add_test(tcase, bytes_that_are_no_utf8_are_shown_one_by_one);
	tcase_add_test(tcase, a_long_table_has_its_titles_once);
	tcase_add_test(tcase, cells_are_copied);
	tcase_add_test(tcase, titles_are_bold_when_colors_are_wanted);
	Suite *suite = suite_create("cli/table");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
