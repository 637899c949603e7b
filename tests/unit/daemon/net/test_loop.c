// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "daemon/net/loop.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

struct seen {
	struct loop *loop;
	struct loop_timer *timer;
	int wakes, turn_ends, expired;
	_Atomic bool may_stop;
};

static void on_wake(void *context)
{
	struct seen *seen = context;
	seen->wakes++;
	if (atomic_load(&seen->may_stop))
		loop_stop(seen->loop);
}

static void on_turn_end(void *context)
{
	((struct seen *)context)->turn_ends++;
}

static void on_expire(void *context)
{
	struct seen *seen = context;
	if (++seen->expired < 3)
		loop_timer_start(seen->timer, 1);
	else
		loop_stop(seen->loop);
}

static void create(struct seen *seen)
{
	*seen = (struct seen){0};
	const struct loop_hooks hooks = {.on_wake = on_wake, .on_turn_end = on_turn_end, .context = seen};
	ck_assert_int_eq(loop_create(&seen->loop), 0);
	loop_set_hooks(seen->loop, &hooks);
}

static void *ring(void *argument)
{
	struct seen *seen = argument;
	for (int i = 0; i < 1000; i++)
		loop_wake(seen->loop);
	atomic_store(&seen->may_stop, true);
	loop_wake(seen->loop);
	return NULL;
}

START_TEST(a_doorbell_rung_by_another_thread_is_heard)
{
	struct seen seen;
	pthread_t thread;
	create(&seen);
	ck_assert_int_eq(pthread_create(&thread, NULL, ring, &seen), 0);
	loop_run(seen.loop);
	pthread_join(thread, NULL);
	ck_assert_int_ge(seen.wakes, 1);
	ck_assert_int_ge(seen.turn_ends, 1);
	loop_destroy(seen.loop);
}
END_TEST

START_TEST(a_timer_expires_once_per_start)
{
	struct seen seen;
	create(&seen);
	ck_assert_int_eq(loop_timer_create(seen.loop, on_expire, &seen, &seen.timer), 0);
	ck_assert(!loop_timer_is_running(seen.timer));
	loop_timer_start(seen.timer, 1);
	ck_assert(loop_timer_is_running(seen.timer));
	const uint64_t before = clock_monotonic_ms();
	loop_run(seen.loop);
	ck_assert_uint_ge(clock_monotonic_ms() - before, 2);
	ck_assert_int_eq(seen.expired, 3);
	ck_assert(!loop_timer_is_running(seen.timer));
	loop_timer_destroy(seen.timer);
	loop_destroy(seen.loop);
}
END_TEST

START_TEST(a_stopped_timer_does_not_expire)
{
	struct seen seen;
	struct loop_timer *never;
	create(&seen);
	seen.expired = 2;
	ck_assert_int_eq(loop_timer_create(seen.loop, on_expire, &seen, &seen.timer), 0);
	ck_assert_int_eq(loop_timer_create(seen.loop, on_wake, &seen, &never), 0);
	loop_timer_start(never, 1);
	loop_timer_start(seen.timer, 10);
	loop_timer_stop(never);
	loop_run(seen.loop);
	ck_assert_int_eq(seen.wakes, 0);
	loop_timer_destroy(never);
	loop_timer_destroy(seen.timer);
	loop_timer_destroy(NULL);
	loop_destroy(seen.loop);
}
END_TEST

START_TEST(a_loop_that_never_ran_can_be_destroyed)
{
	struct seen seen;
	create(&seen);
	loop_wake(seen.loop);
	loop_destroy(seen.loop);
	loop_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/loop");
	TCase *tests = tcase_create("loop");
	tcase_add_test(tests, a_doorbell_rung_by_another_thread_is_heard);
	tcase_add_test(tests, a_timer_expires_once_per_start);
	tcase_add_test(tests, a_stopped_timer_does_not_expire);
	tcase_add_test(tests, a_loop_that_never_ran_can_be_destroyed);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
