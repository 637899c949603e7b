// SPDX-License-Identifier: Apache-2.0
#include "bench/cpu_time.h"
#include "tests/unit/unit.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Spends CPU time until this thread has used `seconds` more.
static void work(double seconds)
{
	const double end = cpu_time_of_thread() + seconds;
	while (cpu_time_of_thread() < end)
		;
}

START_TEST(work_shows_in_the_time_of_the_thread_and_of_the_process)
{
	const double thread = cpu_time_of_thread(), process = cpu_time_of_process(getpid());
	work(0.1);
	ck_assert_double_ge(cpu_time_of_thread() - thread, 0.1);
	// The kernel counts in steps of 10 ms.
	ck_assert_double_ge(cpu_time_of_process(getpid()) - process, 0.07);
}
END_TEST

START_TEST(a_name_with_brackets_and_spaces_does_not_shift_the_fields)
{
	work(0.05);
	const double before = cpu_time_of_process(getpid());
	ck_assert_int_eq(prctl(PR_SET_NAME, "x) 1 (2) 3 4"), 0);
	const double after = cpu_time_of_process(getpid());
	ck_assert_double_gt(before, 0);
	ck_assert_double_ge(after, before);
	ck_assert_double_lt(after, before + 10);
}
END_TEST

START_TEST(the_machine_works_at_least_as_much_as_we_do)
{
	const double machine = cpu_time_of_machine();
	work(0.2);
	ck_assert_double_gt(machine, 0);
	ck_assert_double_ge(cpu_time_of_machine() - machine, 0.15);
}
END_TEST

START_TEST(children_count_while_they_run_and_after)
{
	int ready[2], go[2];
	char byte;
	ck_assert(pipe(ready) == 0 && pipe(go) == 0);
	const double before = cpu_time_of_process(getpid());
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		work(0.2);
		if (write(ready[1], "r", 1) == 1)
			_exit(read(go[0], &byte, 1) == 1 ? 0 : 1);
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	const double running = cpu_time_of_process(getpid());
	ck_assert_double_ge(running - before, 0.17);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_double_ge(cpu_time_of_process(getpid()) - before, 0.17);
}
END_TEST

START_TEST(a_process_that_is_not_there_has_none)
{
	ck_assert_double_lt(cpu_time_of_process(999999999), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cpu_time");
	tcase_add_test(tcase, work_shows_in_the_time_of_the_thread_and_of_the_process);
	tcase_add_test(tcase, a_name_with_brackets_and_spaces_does_not_shift_the_fields);
	tcase_add_test(tcase, the_machine_works_at_least_as_much_as_we_do);
	tcase_add_test(tcase, children_count_while_they_run_and_after);
	tcase_add_test(tcase, a_process_that_is_not_there_has_none);
	Suite *suite = suite_create("bench/cpu_time");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
