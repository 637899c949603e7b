// SPDX-License-Identifier: Apache-2.0
#include "bench/line_writer.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct line_writer writer;

START_TEST(what_is_written_comes_out_once_and_in_order)
{
	FILE *file = tmpfile();
	ck_assert_ptr_nonnull(file);
	line_writer_init(&writer, fileno(file));
	enum { LINES = 100000 }; // more than the buffer holds
	for (int i = 0; i < LINES; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%d", i);
		line_field(&writer, "{\"n\":\"", text);
		line_end(&writer, "}");
	}
	ck_assert_int_eq(line_writer_flush(&writer), 0);
	ck_assert_uint_eq(writer.lines, LINES);
	rewind(file);
	for (int i = 0; i < LINES; i++) {
		int number = -1;
		ck_assert_int_eq(fscanf(file, "{\"n\":\"%d\"}\n", &number), 1);
		ck_assert_int_eq(number, i);
	}
	ck_assert_int_eq(fgetc(file), EOF);
	fclose(file);
}
END_TEST

START_TEST(an_empty_field_is_left_out)
{
	line_writer_init(&writer, -1);
	line_field(&writer, ",\"a\":\"", "");
	ck_assert_uint_eq(writer.used, 0);
	line_field(&writer, ",\"a\":\"", "b");
	ck_assert_mem_eq(writer.buffer, ",\"a\":\"b\"", writer.used);
}
END_TEST

START_TEST(an_error_stays)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(full, 0);
	line_writer_init(&writer, full);
	line_end(&writer, "text");
	ck_assert_int_eq(line_writer_flush(&writer), -ENOSPC);
	writer.fd = STDERR_FILENO;
	ck_assert_int_eq(line_writer_flush(&writer), -ENOSPC);
	close(full);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("line_writer");
	tcase_add_test(tcase, what_is_written_comes_out_once_and_in_order);
	tcase_add_test(tcase, an_empty_field_is_left_out);
	tcase_add_test(tcase, an_error_stays);
	Suite *suite = suite_create("bench/line_writer");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
