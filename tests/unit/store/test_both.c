// SPDX-License-Identifier: Apache-2.0
#include "store/both.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>

struct part {
	int result;
	pthread_t thread;
	pthread_barrier_t *meeting;
};

// Returns only when the other part runs as well.
static int run_part(void *argument)
{
	struct part *part = argument;
	part->thread = pthread_self();
	pthread_barrier_wait(part->meeting);
	return part->result;
}

START_TEST(both_run_at_once_and_the_first_error_counts)
{
	static const int rows[][3] = {
		{0, 0, 0}, {-EBADMSG, 0, -EBADMSG}, {0, -ENOMEM, -ENOMEM}, {-EBADMSG, -ENOMEM, -EBADMSG}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pthread_barrier_t meeting;
		ck_assert_int_eq(pthread_barrier_init(&meeting, NULL, 2), 0);
		struct part first = {.result = rows[i][0], .meeting = &meeting};
		struct part second = {.result = rows[i][1], .meeting = &meeting};
		ck_assert_int_eq(both_run(run_part, &first, &second), rows[i][2]);
		ck_assert(pthread_equal(first.thread, pthread_self()));
		ck_assert(!pthread_equal(second.thread, pthread_self()));
		pthread_barrier_destroy(&meeting);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("both");
	tcase_add_test(tcase, both_run_at_once_and_the_first_error_counts);
	Suite *suite = suite_create("store/both");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
