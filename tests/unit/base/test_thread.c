// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>

struct seen {
	sigset_t blocked;
	char name[16];
};

static void *look(void *argument)
{
	struct seen *seen = argument;
	pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	return NULL;
}

static void start_and_join(const char *name, struct seen *seen)
{
	pthread_t thread;
	ck_assert_int_eq(thread_start(&thread, name, look, seen), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(signals_are_for_other_threads)
{
	struct seen seen;
	start_and_join("worker-1", &seen);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGHUP), 1);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGPROF), 1);
}
END_TEST

START_TEST(a_fault_of_its_own_reaches_the_handler)
{
	struct seen seen;
	start_and_join("worker-1", &seen);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGBUS), 0);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGSEGV), 0);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGABRT), 0);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGFPE), 0);
	ck_assert_int_eq(sigismember(&seen.blocked, SIGILL), 0);
}
END_TEST

START_TEST(the_callers_own_mask_stays_as_it_was)
{
	sigset_t before, after;
	struct seen seen;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	start_and_join(NULL, &seen);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int number = 1; number < 32; number++)
		ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
}
END_TEST

START_TEST(a_thread_without_a_name_has_the_callers)
{
	struct seen seen;
	char name[16];
	pthread_getname_np(pthread_self(), name, sizeof(name));
	start_and_join(NULL, &seen);
	ck_assert_str_eq(seen.name, name);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("thread");
	tcase_add_test(tcase, signals_are_for_other_threads);
	tcase_add_test(tcase, a_fault_of_its_own_reaches_the_handler);
	tcase_add_test(tcase, the_callers_own_mask_stays_as_it_was);
	tcase_add_test(tcase, a_thread_without_a_name_has_the_callers);
	Suite *suite = suite_create("base/thread");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
