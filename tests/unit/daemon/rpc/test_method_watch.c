// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify/notifier.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <sys/socket.h>

static struct rpc_fixture fixture;
static int fd;

static void setup(void)
{
	rpc_fixture_start(&fixture);
	fd = rpc_fixture_connect(&fixture);
}

static void teardown(void)
{
	close(fd);
	rpc_fixture_finish(&fixture);
}

static uint64_t head(void)
{
	struct store_status status;
	store_get_status(fixture.store.store, &status);
	return status.revision;
}

static void send_watch(int connection, uint32_t request_id, uint64_t after)
{
	const struct watch_request request = {.after_revision = after};
	send_request(connection, METHOD_WATCH, request_id, &schema_watch_request, &request);
}

static const struct event *receive_event(int connection, uint32_t request_id, struct answer *answer)
{
	const struct event *event = receive_message(connection, request_id, &schema_event, answer);
	ck_assert_int_eq(answer->frame.kind, FRAME_STREAM_ITEM);
	ck_assert_uint_eq(answer->frame.method, METHOD_WATCH);
	return event;
}

static void expect_heartbeat(int connection, uint32_t request_id, uint64_t revision)
{
	struct answer answer;
	const struct event *event = receive_event(connection, request_id, &answer);
	ck_assert_uint_eq(event->revision, revision);
	ck_assert_uint_eq(event->change_sets_count, 0);
	answer_finish(&answer);
}

// The next event that is no sign of life: one set with one customer.
static void expect_customer(int connection, uint32_t request_id, uint64_t revision, const char *id)
{
	for (bool is_there = false; !is_there;) {
		struct answer answer;
		const struct event *event = receive_event(connection, request_id, &answer);
		is_there = event->change_sets_count > 0;
		if (is_there) {
			ck_assert_uint_eq(event->revision, revision);
			ck_assert_uint_eq(event->change_sets_count, 1);
			ck_assert_uint_eq(event->change_sets[0].changes_count, 1);
			const struct change *change = &event->change_sets[0].changes[0];
			ck_assert_int_eq(change->kind, CHANGE_PUT_CUSTOMER);
			ck_assert(bytes_equal(change->put_customer->id, bytes_from(id)));
		}
		answer_finish(&answer);
	}
}

// The end, after whatever comes before it.
static void expect_stream_end(int connection, uint32_t request_id, enum status_code status, const char *part)
{
	for (;;) {
		struct answer answer;
		struct fault fault;
		receive(connection, &answer);
		ck_assert_uint_eq(answer.frame.request_id, request_id);
		const bool is_end = answer.frame.kind == FRAME_STREAM_END;
		if (is_end) {
			codec_decode_fault(answer.frame.status, answer.frame.body, &answer.arena, &fault);
			ck_assert_msg(answer.frame.status == status && strstr(fault.message, part) != NULL, "%d: %s",
				      answer.frame.status, fault.message);
		}
		answer_finish(&answer);
		if (is_end)
			return;
	}
}

static void apply_customer(const char *id)
{
	ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer(id, "")), 0);
}

START_TEST(from_now_on_begins_with_a_sign_of_life_and_goes_on_with_what_happens)
{
	const uint64_t revision = head();
	send_watch(fd, 5, 0);
	expect_heartbeat(fd, 5, revision);
	apply_customer("c-1");
	apply_customer("c-2");
	expect_customer(fd, 5, revision + 1, "c-1");
	expect_customer(fd, 5, revision + 2, "c-2");
	send_authorize(fd, 6, "04AA", 0);
	expect_verdict(fd, 6, VERDICT_ALLOWED);
}
END_TEST

START_TEST(silence_is_broken_by_signs_of_life)
{
	const uint64_t revision = head();
	send_watch(fd, 5, 0);
	for (int i = 0; i < 3; i++)
		expect_heartbeat(fd, 5, revision);
}
END_TEST

START_TEST(what_happened_before_is_caught_up_with)
{
	const uint64_t revision = head();
	apply_customer("c-1");
	apply_customer("c-2");
	send_watch(fd, 5, revision);
	expect_customer(fd, 5, revision + 1, "c-1");
	expect_customer(fd, 5, revision + 2, "c-2");
	apply_customer("c-3");
	expect_customer(fd, 5, revision + 3, "c-3");
}
END_TEST

START_TEST(who_asks_from_the_head_on_is_told_so_at_once)
{
	send_watch(fd, 5, head());
	expect_heartbeat(fd, 5, head());
}
END_TEST

START_TEST(a_revision_beyond_the_head_is_out_of_range)
{
	send_watch(fd, 5, head() + 1);
	expect_stream_end(fd, 5, STATUS_OUT_OF_RANGE, "take a snapshot");
	ck_assert_uint_eq(notifier_count(fixture.service.notifier), 0);
	send_watch(fd, 6, head());
	expect_heartbeat(fd, 6, head());
}
END_TEST

START_TEST(what_is_trimmed_is_out_of_range_and_the_oldest_is_named)
{
	enum { CHANGES = RPC_FIXTURE_LOG_ENTRIES + 10 };
	struct store_status status;
	for (int i = 0; i < CHANGES; i++)
		apply_customer("c-1");
	store_get_status(fixture.store.store, &status);
	ck_assert_uint_gt(status.log_oldest_revision, 3);
	send_watch(fd, 5, status.log_oldest_revision - 2);
	expect_stream_end(fd, 5, STATUS_OUT_OF_RANGE, "are not kept any more, the oldest is");
	send_watch(fd, 6, status.log_oldest_revision - 1);
	expect_customer(fd, 6, status.log_oldest_revision, "c-1");
}
END_TEST

START_TEST(a_stop_ends_it_and_says_so)
{
	send_watch(fd, 5, 0);
	expect_heartbeat(fd, 5, head());
	rpc_fixture_stop(&fixture, 20000);
	expect_stream_end(fd, 5, STATUS_UNAVAILABLE, "stopping");
	expect_end(fd);
}
END_TEST

static void wait_for_count(uint32_t count)
{
	while (notifier_count(fixture.service.notifier) != count)
		sched_yield();
}

START_TEST(who_leaves_frees_its_place)
{
	const int other = rpc_fixture_connect(&fixture);
	send_watch(other, 5, 0);
	expect_heartbeat(other, 5, head());
	ck_assert_uint_eq(notifier_count(fixture.service.notifier), 1);
	close(other);
	wait_for_count(0);
}
END_TEST

START_TEST(who_sends_no_more_is_taken_for_gone)
{
	send_watch(fd, 5, 0);
	expect_heartbeat(fd, 5, head());
	shutdown(fd, SHUT_WR);
	wait_for_count(0);
	expect_end(fd);
}
END_TEST

START_TEST(there_are_as_many_as_allowed_and_not_one_more)
{
	const uint64_t revision = head();
	const int other = rpc_fixture_connect(&fixture);
	for (uint32_t id = 0; id < WATCHERS_MAX; id++)
		send_watch(other, id, revision);
	wait_for_count(WATCHERS_MAX);
	send_watch(fd, 7, 0);
	expect_fault(fd, 7, STATUS_RESOURCE_EXHAUSTED, "256 watch already");
	close(other);
	wait_for_count(0);
	send_watch(fd, 8, 0);
	expect_heartbeat(fd, 8, revision);
}
END_TEST

// All at the same place, on one connection: each gets everything, in order.
START_TEST(many_get_the_same_each_under_its_own_id)
{
	enum { WATCHERS = 50, CHANGES = 20 };
	uint64_t seen[WATCHERS] = {0};
	const uint64_t revision = head();
	for (uint32_t id = 0; id < WATCHERS; id++)
		send_watch(fd, id, revision);
	for (int i = 0; i < CHANGES; i++)
		apply_customer("c-1");
	for (int events = 0; events < WATCHERS * CHANGES;) {
		struct answer answer;
		struct fault fault;
		struct event *event;
		receive(fd, &answer);
		ck_assert_int_eq(
			codec_decode(&schema_event, CODEC_STRICT, answer.frame.body, &answer.arena, &event, &fault), 0);
		if (event->change_sets_count > 0) {
			const uint32_t id = answer.frame.request_id;
			seen[id] = seen[id] ? seen[id] + 1 : revision + 1;
			ck_assert_uint_eq(event->revision, seen[id]);
			events++;
		}
		answer_finish(&answer);
	}
}
END_TEST

// More than queue, output and socket hold: the rest waits in the log, and comes as the receiver reads.
START_TEST(who_is_behind_but_reads_misses_nothing)
{
	enum { CHANGES = 1000 };
	char name[1001];
	memset(name, 'n', 1000);
	name[1000] = '\0';
	const uint64_t revision = head();
	for (int i = 0; i < CHANGES; i++)
		ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("c-1", name)), 0);
	send_watch(fd, 5, revision);
	for (int i = 1; i <= CHANGES; i++)
		expect_customer(fd, 5, revision + (uint64_t)i, "c-1");
}
END_TEST

START_TEST(who_takes_nothing_is_cut_and_told_where_to_go_on)
{
	enum { CHANGES = 1100 };
	char name[1001];
	memset(name, 'n', 1000);
	name[1000] = '\0';
	send_watch(fd, 5, 0);
	expect_heartbeat(fd, 5, head());
	for (int i = 0; i < CHANGES; i++)
		ck_assert_int_eq(store_fixture_apply(&fixture.store, change_put_customer("c-1", name)), 0);
	wait_for_count(0);
	expect_stream_end(fd, 5, STATUS_RESOURCE_EXHAUSTED, "go on after revision");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/method_watch");
	TCase *tests = tcase_create("watch");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, from_now_on_begins_with_a_sign_of_life_and_goes_on_with_what_happens);
	tcase_add_test(tests, silence_is_broken_by_signs_of_life);
	tcase_add_test(tests, what_happened_before_is_caught_up_with);
	tcase_add_test(tests, who_asks_from_the_head_on_is_told_so_at_once);
	tcase_add_test(tests, a_revision_beyond_the_head_is_out_of_range);
	tcase_add_test(tests, what_is_trimmed_is_out_of_range_and_the_oldest_is_named);
	tcase_add_test(tests, a_stop_ends_it_and_says_so);
	tcase_add_test(tests, who_leaves_frees_its_place);
	tcase_add_test(tests, who_sends_no_more_is_taken_for_gone);
	tcase_add_test(tests, there_are_as_many_as_allowed_and_not_one_more);
	tcase_add_test(tests, many_get_the_same_each_under_its_own_id);
	tcase_add_test(tests, who_is_behind_but_reads_misses_nothing);
	tcase_add_test(tests, who_takes_nothing_is_cut_and_told_where_to_go_on);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
