// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "bench/environment.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/utsname.h>

static struct environment environment;

START_TEST(the_machine_and_the_moment_are_told)
{
	struct utsname name;
	const int64_t before = clock_wall_s();
	environment_read(NULL, NULL, &environment);
	ck_assert_int_eq(uname(&name), 0);
	ck_assert_ptr_nonnull(strstr(environment.kernel, name.release));
	ck_assert_uint_ge(environment.cores, 1);
	ck_assert_uint_gt(strlen(environment.cpu), 0);
	ck_assert_ptr_null(strchr(environment.cpu, '\n'));
	ck_assert_int_ge(environment.started_at, before);
	ck_assert_int_le(environment.started_at, clock_wall_s());
	ck_assert_str_eq(environment.server_version, "");
}
END_TEST

START_TEST(a_server_that_does_not_answer_has_no_version)
{
	environment_read("unix:/nonexistent/socket", NULL, &environment);
	ck_assert_str_eq(environment.server_version, "");
	environment_read("no address", NULL, &environment);
	ck_assert_str_eq(environment.server_version, "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("environment");
	tcase_add_test(tcase, the_machine_and_the_moment_are_told);
	tcase_add_test(tcase, a_server_that_does_not_answer_has_no_version);
	Suite *suite = suite_create("bench/environment");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
