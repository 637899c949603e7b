// SPDX-License-Identifier: Apache-2.0
#include "base/id128.h"
#include "daemon/rpc/snapshots.h"
#include "tests/unit/daemon/rpc/rpc_fixture.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sched.h>
#include <sys/socket.h>

enum {
	WORLD_RECORDS = 9, // 2 tariffs, 1 group, 2 points, 1 customer, 2 tokens, 1 membership
	FILLERS = 1200,    // more than chunks, output and the socket hold together
};

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

static void send_snapshot(int connection, uint32_t request_id)
{
	const struct snapshot_request request = {0};
	send_request(connection, METHOD_SNAPSHOT, request_id, &schema_snapshot_request, &request);
}

// What the end says about the records, of which a test may have read some before.
static void expect_end_to_tell(struct answer *answer, uint64_t records)
{
	struct snapshot_end *end;
	struct fault fault = {0};
	ck_assert_int_eq(
		codec_decode(&schema_snapshot_end, CODEC_STRICT, answer->frame.body, &answer->arena, &end, &fault), 0);
	ck_assert_uint_ge(end->records, records);
	ck_assert_uint_le(end->records, records + 1);
	ck_assert_uint_gt(end->revision, 1);
	ck_assert_uint_eq(end->digest.size, ID128_TEXT_SIZE);
	ck_assert_uint_eq(end->epoch.size, ID128_TEXT_SIZE);
	ck_assert_uint_eq(end->remembered, 0);
}

// Reads items of the request until its end; other answers must not come. Returns how many.
static int receive_stream(int connection, uint32_t request_id, enum status_code end)
{
	for (int count = 0;; count++) {
		struct answer answer;
		struct fault fault = {0};
		void *record;
		receive(connection, &answer);
		ck_assert_uint_eq(answer.frame.request_id, request_id);
		ck_assert_uint_eq(answer.frame.method, METHOD_SNAPSHOT);
		if (answer.frame.kind == FRAME_STREAM_END) {
			ck_assert_uint_eq(answer.frame.status, end);
			if (end == STATUS_OK)
				expect_end_to_tell(&answer, (uint64_t)count);
			answer_finish(&answer);
			return count;
		}
		ck_assert_int_eq(answer.frame.kind, FRAME_STREAM_ITEM);
		ck_assert_int_eq(
			codec_decode(&schema_record, CODEC_STRICT, answer.frame.body, &answer.arena, &record, &fault),
			0);
		answer_finish(&answer);
	}
}

START_TEST(every_record_comes_once_and_then_the_end)
{
	send_snapshot(fd, 5);
	ck_assert_int_eq(receive_stream(fd, 5, STATUS_OK), WORLD_RECORDS);
	send_authorize(fd, 6, "04AA", 0);
	expect_verdict(fd, 6, VERDICT_ALLOWED);
}
END_TEST

START_TEST(a_large_one_comes_as_fast_as_it_is_read)
{
	rpc_fixture_fill(&fixture, FILLERS);
	send_snapshot(fd, 5);
	ck_assert_int_eq(receive_stream(fd, 5, STATUS_OK), WORLD_RECORDS + FILLERS);
}
END_TEST

START_TEST(questions_are_answered_between_its_items)
{
	rpc_fixture_fill(&fixture, FILLERS);
	send_snapshot(fd, 5);
	send_authorize(fd, 6, "04AA", 0);
	for (bool is_answered = false; !is_answered;) {
		struct answer answer;
		receive(fd, &answer);
		ck_assert_int_ne(answer.frame.kind, FRAME_STREAM_END);
		is_answered = answer.frame.request_id == 6;
		answer_finish(&answer);
	}
}
END_TEST

START_TEST(only_so_many_at_once)
{
	int fds[SNAPSHOTS_MAX];
	rpc_fixture_fill(&fixture, FILLERS);
	for (int i = 0; i < SNAPSHOTS_MAX; i++) {
		fds[i] = rpc_fixture_connect(&fixture);
		send_snapshot(fds[i], 1); // not read: stays under way
		send_authorize(fds[i], 2, "04AA", 0);
		struct answer answer;
		receive(fds[i], &answer); // begun
		answer_finish(&answer);
	}
	send_snapshot(fd, 5);
	expect_fault(fd, 5, STATUS_RESOURCE_EXHAUSTED, "under way already");
	for (int i = 0; i < SNAPSHOTS_MAX; i++)
		close(fds[i]);
	// Their places become free when their threads have noticed.
	struct answer answer;
	do {
		send_snapshot(fd, 6);
		receive(fd, &answer);
		answer_finish(&answer);
	} while (answer.frame.status == STATUS_RESOURCE_EXHAUSTED);
	receive_stream(fd, 6, STATUS_OK);
}
END_TEST

static int count_threads(void)
{
	int count = 0;
	DIR *tasks = opendir("/proc/self/task");
	while (readdir(tasks) != NULL)
		count++;
	closedir(tasks);
	return count;
}

// What is left fits into the chunks, but not into the socket: the thread is long gone when its receiver goes.
START_TEST(a_receiver_that_leaves_after_the_thread_does_not_hold_up_the_stop)
{
	const int threads = count_threads();
	rpc_fixture_fill(&fixture, FILLERS / 4);
	send_snapshot(fd, 5);
	struct answer answer;
	receive(fd, &answer);
	answer_finish(&answer);
	while (count_threads() > threads)
		sched_yield();
	shutdown(fd, SHUT_RDWR);
}
END_TEST

START_TEST(a_peer_that_shut_down_its_side_gets_all_of_it)
{
	rpc_fixture_fill(&fixture, FILLERS);
	send_snapshot(fd, 5);
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(receive_stream(fd, 5, STATUS_OK), WORLD_RECORDS + FILLERS);
	expect_end(fd);
}
END_TEST

START_TEST(one_that_takes_too_long_is_aborted)
{
	fixture.service.snapshot_timeout_ms = 0;
	send_snapshot(fd, 5);
	ck_assert_int_eq(receive_stream(fd, 5, STATUS_ABORTED), 0);
	send_authorize(fd, 6, "04AA", 0);
	expect_verdict(fd, 6, VERDICT_ALLOWED);
}
END_TEST

START_TEST(a_stop_ends_the_stream_and_says_so)
{
	rpc_fixture_fill(&fixture, FILLERS);
	struct answer answer;
	send_snapshot(fd, 5);
	receive(fd, &answer);
	answer_finish(&answer);
	rpc_fixture_stop(&fixture, 10000);
	ck_assert_int_lt(receive_stream(fd, 5, STATUS_UNAVAILABLE), WORLD_RECORDS + FILLERS);
	expect_end(fd);
}
END_TEST

// Its walk waits for room, with the database held back. Sooner than the receiver's patience would end it, the stop
// does.
START_TEST(a_stop_is_noticed_while_the_receiver_takes_nothing)
{
	const int threads = count_threads();
	rpc_fixture_fill(&fixture, FILLERS);
	struct answer answer;
	send_snapshot(fd, 5);
	receive(fd, &answer);
	answer_finish(&answer);
	rpc_fixture_stop(&fixture, 20000);
	while (count_threads() > threads)
		sched_yield();
	ck_assert_int_lt(receive_stream(fd, 5, STATUS_UNAVAILABLE), WORLD_RECORDS + FILLERS);
	expect_end(fd);
}
END_TEST

START_TEST(a_receiver_that_is_cut_ends_it)
{
	rpc_fixture_fill(&fixture, FILLERS);
	fixture.service.limits.write_timeout_ms = 50;
	send_snapshot(fd, 5);
	struct answer answer;
	receive(fd, &answer);
	answer_finish(&answer);
	const int other = rpc_fixture_connect(&fixture);
	do { // until the place of the one that was cut is free
		for (int i = 0; i < SNAPSHOTS_MAX; i++)
			send_snapshot(other, 6);
		receive(other, &answer);
		answer_finish(&answer);
	} while (answer.frame.status != STATUS_OK);
	close(other);
}
END_TEST

START_TEST(a_record_over_the_frame_size_ends_it)
{
	rpc_fixture_fill(&fixture, 1);
	fixture.service.frame_size_max = 500;
	const struct frame frame = {.kind = FRAME_REQUEST, .method = METHOD_SNAPSHOT, .request_id = 5};
	send_frame(fd, &frame);
	ck_assert_int_lt(receive_stream(fd, 5, STATUS_RESOURCE_EXHAUSTED), WORLD_RECORDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/method_snapshot");
	TCase *tests = tcase_create("snapshot");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_record_comes_once_and_then_the_end);
	tcase_add_test(tests, a_large_one_comes_as_fast_as_it_is_read);
	tcase_add_test(tests, questions_are_answered_between_its_items);
	tcase_add_test(tests, only_so_many_at_once);
	tcase_add_test(tests, a_receiver_that_leaves_after_the_thread_does_not_hold_up_the_stop);
	tcase_add_test(tests, a_peer_that_shut_down_its_side_gets_all_of_it);
	tcase_add_test(tests, one_that_takes_too_long_is_aborted);
	tcase_add_test(tests, a_stop_ends_the_stream_and_says_so);
	tcase_add_test(tests, a_stop_is_noticed_while_the_receiver_takes_nothing);
	tcase_add_test(tests, a_receiver_that_is_cut_ends_it);
	tcase_add_test(tests, a_record_over_the_frame_size_ends_it);
	tcase_set_timeout(tests, 120);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
