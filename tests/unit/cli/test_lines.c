// SPDX-License-Identifier: Apache-2.0
#include "cli/lines.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char path[64];
static struct lines lines;
static struct bytes line;

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/evauth-lines-%d", (int)getpid());
}

static void teardown(void)
{
	lines_close(&lines);
	unlink(path);
}

static void open_with(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	fclose(file);
	ck_assert_int_eq(lines_open(&lines, path), 0);
}

static void expect(const char *text)
{
	ck_assert_int_eq(lines_next(&lines, &line), 1);
	ck_assert_msg(bytes_equal(line, bytes_from(text)), "'%.*s'", BYTES_ARG(line));
}

START_TEST(lines_come_without_their_ends)
{
	open_with("a\nbb\r\n\nc\n", 9);
	expect("a");
	expect("bb");
	expect("");
	expect("c");
	ck_assert_uint_eq(lines.number, 4);
	ck_assert_uint_eq(lines.bytes_read, 9);
	ck_assert_uint_eq(lines.bytes_all, 9);
	ck_assert_int_eq(lines_next(&lines, &line), 0);
}
END_TEST

START_TEST(the_last_line_needs_no_end)
{
	open_with("a\nb", 3);
	expect("a");
	expect("b");
	ck_assert_int_eq(lines_next(&lines, &line), 0);
	ck_assert_int_eq(lines_next(&lines, &line), 0);
}
END_TEST

START_TEST(an_empty_file_has_no_lines)
{
	open_with("", 0);
	ck_assert_int_eq(lines_next(&lines, &line), 0);
	ck_assert_uint_eq(lines.number, 0);
}
END_TEST

START_TEST(lines_longer_than_a_read_are_whole)
{
	enum { SIZE = 1000 * 1000 };
	char *text = malloc(2 * SIZE + 2);
	memset(text, 'a', SIZE);
	text[SIZE] = '\n';
	memset(text + SIZE + 1, 'b', SIZE);
	text[2 * SIZE + 1] = '\n';
	open_with(text, 2 * SIZE + 2);
	for (char letter = 'a'; letter <= 'b'; letter++) {
		ck_assert_int_eq(lines_next(&lines, &line), 1);
		ck_assert_uint_eq(line.size, SIZE);
		ck_assert_int_eq(line.data[0], letter);
		ck_assert_int_eq(line.data[SIZE - 1], letter);
	}
	ck_assert_int_eq(lines_next(&lines, &line), 0);
	free(text);
}
END_TEST

START_TEST(a_line_without_end_does_not_take_all_memory)
{
	ck_assert_int_eq(lines_open(&lines, "/dev/zero"), 0);
	ck_assert_int_eq(lines_next(&lines, &line), -EFBIG);
}
END_TEST

START_TEST(every_line_of_many_comes_once)
{
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 200000; i++)
		fprintf(file, "%d\n", i);
	fclose(file);
	ck_assert_int_eq(lines_open(&lines, path), 0);
	for (int i = 0; i < 200000; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%d", i);
		ck_assert_int_eq(lines_next(&lines, &line), 1);
		ck_assert(bytes_equal(line, bytes_from(text)));
	}
	ck_assert_int_eq(lines_next(&lines, &line), 0);
	ck_assert_uint_eq(lines.bytes_read, lines.bytes_all);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
	ck_assert_int_eq(lines_open(&lines, "/nowhere/at/all"), -ENOENT);
	ck_assert_int_eq(lines_open(&lines, "/"), 0);
	ck_assert_int_eq(lines_next(&lines, &line), -EISDIR);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("lines");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lines_come_without_their_ends);
	tcase_add_test(tcase, the_last_line_needs_no_end);
	tcase_add_test(tcase, an_empty_file_has_no_lines);
	tcase_add_test(tcase, lines_longer_than_a_read_are_whole);
	tcase_add_test(tcase, a_line_without_end_does_not_take_all_memory);
	tcase_add_test(tcase, every_line_of_many_comes_once);
	tcase_add_test(tcase, a_file_that_is_not_there_is_an_error);
	Suite *suite = suite_create("cli/lines");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
