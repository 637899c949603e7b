// SPDX-License-Identifier: Apache-2.0
#include "proto/codec.h"
#include "tests/unit/client/client_fixture.h"

// A daemon that breaks the stream after every second event, and goes on where it is asked to.
static void serve_two_events(struct fake_server *self, int fd, int number)
{
	struct frame request;
	struct fault fault = {0};
	struct watch_request *asked;
	struct arena memory;
	(void)self;
	(void)number;
	if (!fake_read(fd, &request))
		return;
	ck_assert_uint_eq(request.method, METHOD_WATCH);
	arena_init(&memory, 4096, FAKE_FRAME_MAX);
	ck_assert_int_eq(codec_decode(&schema_watch_request, CODEC_STRICT, request.body, &memory, &asked, &fault), 0);
	for (uint64_t i = 1; i <= 2; i++)
		fake_answer(fd, &request, FRAME_STREAM_ITEM, &schema_event,
			    &(struct event){.revision = asked->after_revision + i});
	arena_finish(&memory);
}

static void serve_out_of_range(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request))
		fake_refuse(fd, &request, STATUS_OUT_OF_RANGE, "not kept any more");
}

static void serve_too_many_then_events(struct fake_server *self, int fd, int number)
{
	struct frame request;
	if (number > 1) {
		serve_two_events(self, fd, number);
		return;
	}
	if (fake_read(fd, &request))
		fake_refuse(fd, &request, STATUS_UNAVAILABLE, "stopping");
}

struct log {
	uint64_t last;
	uint64_t until; // revision at which the watcher has enough
	int breaks;
	int breaks_max;
};

static int on_event(void *context, const struct event *event)
{
	struct log *log = context;
	ck_assert_uint_eq(event->revision, log->last + 1);
	log->last = event->revision;
	return log->last == log->until ? -ECANCELED : 0;
}

static int on_break(void *context, uint64_t after_revision)
{
	struct log *log = context;
	ck_assert_uint_eq(after_revision, log->last);
	ck_assert_str_ne(evauth_fault(client)->message, "");
	return ++log->breaks > log->breaks_max ? -1 : 0;
}

static int watch(struct log *log)
{
	return evauth_watch(client, &(struct watch_request){.after_revision = log->last},
			    &(struct evauth_watcher){.each = on_event, .on_break = on_break, .context = log});
}

START_TEST(it_goes_on_after_every_break_where_it_was)
{
	struct log log = {.last = 10, .until = 15, .breaks_max = 10};
	start(serve_two_events);
	ck_assert_int_eq(watch(&log), -ECANCELED);
	ck_assert_int_eq(log.breaks, 2);
	ck_assert_int_eq(server.connections, 3);
}
END_TEST

START_TEST(who_watches_may_have_enough_of_breaks)
{
	struct log log = {.last = 10, .until = 100, .breaks_max = 1};
	start(serve_two_events);
	ck_assert_int_eq(watch(&log), -ECONNRESET);
	ck_assert_uint_eq(log.last, 14);
}
END_TEST

START_TEST(without_a_word_about_breaks_the_first_one_ends_it)
{
	struct log log = {.last = 10, .until = 100};
	start(serve_two_events);
	ck_assert_int_eq(evauth_watch(client, &(struct watch_request){.after_revision = 10},
				      &(struct evauth_watcher){.each = on_event, .context = &log}),
			 -ECONNRESET);
	ck_assert_int_eq(server.connections, 1);
}
END_TEST

START_TEST(what_is_not_kept_any_more_is_not_asked_for_again)
{
	struct log log = {.last = 10, .breaks_max = 10};
	start(serve_out_of_range);
	ck_assert_int_eq(watch(&log), -EREMOTEIO);
	ck_assert_int_eq(evauth_fault(client)->code, STATUS_OUT_OF_RANGE);
	ck_assert_int_eq(log.breaks, 0);
}
END_TEST

START_TEST(a_daemon_that_stops_is_tried_again)
{
	struct log log = {.last = 10, .until = 12, .breaks_max = 10};
	start(serve_too_many_then_events);
	ck_assert_int_eq(watch(&log), -ECANCELED);
	ck_assert_int_eq(log.breaks, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_goes_on_after_every_break_where_it_was,
		who_watches_may_have_enough_of_breaks,
		without_a_word_about_breaks_the_first_one_ends_it,
		what_is_not_kept_any_more_is_not_asked_for_again,
		a_daemon_that_stops_is_tried_again,
	};
	return run_client_tests("client/watch", tests, ARRAY_SIZE(tests));
}
