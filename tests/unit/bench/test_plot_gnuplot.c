// SPDX-License-Identifier: Apache-2.0
// Whether pictures come out right: tests/integration/test_bench_plot.py.
#include "bench/plot_gnuplot.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct plot_error error;
static char folder[] = "/tmp/evauth-test-XXXXXX";
static char program[64], picture[64];

static void setup(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(program, sizeof(program), "%s/gnuplot", folder);
	snprintf(picture, sizeof(picture), "%s/picture.svg", folder);
	setenv("PATH", folder, 1);
}

static void teardown(void)
{
	unlink(program);
	unlink(picture);
	ck_assert_int_eq(rmdir(folder), 0); // nothing else was left there
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

static void assert_holds(const char *path, const char *expected)
{
	char text[256];
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	ck_assert_str_eq(text, expected);
}

static int run(const char *path)
{
	FILE *script = tmpfile();
	fputs("plot x\n", script);
	const int result = plot_gnuplot_run(script, path, &error);
	fclose(script);
	return result;
}

START_TEST(the_terminal_is_chosen_by_the_files_name)
{
	static const struct {
		const char *path, *terminal; // NULL: refused
	} rows[] = {
		{"a.png", "set terminal pngcairo "},
		{"dir/a.b.PNG", "set terminal pngcairo "},
		{"a.svg", "set terminal svg "},
		{"a.pdf", NULL},
		{"png", NULL},
		{".svg", NULL},
		{"a.svg.gz", NULL},
		{"", NULL},
	};
	char text[512] = "";
	FILE *script = fmemopen(text, sizeof(text), "w");
	const int result = plot_gnuplot_begin(rows[_i].path, script, &error);
	fclose(script);
	if (rows[_i].terminal) {
		ck_assert_int_eq(result, 0);
		ck_assert_int_eq(strncmp(text, rows[_i].terminal, strlen(rows[_i].terminal)), 0);
	} else {
		ck_assert_int_eq(result, -EINVAL);
		ck_assert_ptr_nonnull(strstr(error.text, ": neither .png nor .svg"));
		ck_assert_str_eq(text, "");
	}
}
END_TEST

START_TEST(what_gnuplot_writes_becomes_the_picture)
{
	write_file(program, "#!/bin/sh\necho \"$1 $2\"\nwhile read line; do echo \"$line\"; done\n", 0755);
	write_file(picture, "the picture of before", 0644);
	ck_assert_msg(run(picture) == 0, "%s", error.text);
	assert_holds(picture, "-d -\nplot x\n");
}
END_TEST

START_TEST(a_failure_leaves_the_picture_of_before)
{
	write_file(program, "#!/bin/sh\necho half\nexit 3\n", 0755);
	write_file(picture, "the picture of before", 0644);
	ck_assert_int_lt(run(picture), 0);
	ck_assert_str_eq(error.text, "gnuplot could not draw this");
	assert_holds(picture, "the picture of before");
}
END_TEST

START_TEST(a_gnuplot_that_is_killed_has_failed)
{
	write_file(program, "#!/bin/sh\nkill -9 $$\n", 0755);
	ck_assert_int_lt(run(picture), 0);
	ck_assert_str_eq(error.text, "gnuplot could not draw this");
}
END_TEST

START_TEST(without_gnuplot_its_package_is_named)
{
	ck_assert_int_eq(run(picture), -ENOENT);
	ck_assert_str_eq(error.text, "gnuplot is not installed (Debian: apt-get install gnuplot-nox)");
}
END_TEST

START_TEST(a_picture_that_cannot_be_written_is_named)
{
	char path[64], expected[128], long_path[5000];
	snprintf(path, sizeof(path), "%s/none/picture.svg", folder);
	snprintf(expected, sizeof(expected), "%s.part: No such file or directory", path);
	ck_assert_int_lt(run(path), 0);
	ck_assert_str_eq(error.text, expected);
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_int_lt(run(long_path), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/plot_gnuplot");
	TCase *tcase = tcase_create("gnuplot");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, the_terminal_is_chosen_by_the_files_name, 0, 8);
	tcase_add_test(tcase, what_gnuplot_writes_becomes_the_picture);
	tcase_add_test(tcase, a_failure_leaves_the_picture_of_before);
	tcase_add_test(tcase, a_gnuplot_that_is_killed_has_failed);
	tcase_add_test(tcase, without_gnuplot_its_package_is_named);
	tcase_add_test(tcase, a_picture_that_cannot_be_written_is_named);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
