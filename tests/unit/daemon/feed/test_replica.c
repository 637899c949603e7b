// SPDX-License-Identifier: Apache-2.0
// Single steps and limits; how it all plays together, the simulation tests (tests/sim).
#include "base/clock.h"
#include "proto/limits.h"
#include "proto/log_body.h"
#include "tests/unit/daemon/feed/replica_fixture.h"

#include <stdio.h>

static char big[BODY_APPLY_MAX];

// ---------------------------------------------------------------- writing

START_TEST(a_set_is_appended_applied_and_then_answered)
{
	follow_all(5);
	ck_assert_int_eq(submit(11, BYTES_LITERAL("a")), 0);
	ck_assert_int_eq(submit(12, BYTES_LITERAL("b")), 0);
	expect(REPLICA_APPEND);
	ck_assert_uint_eq(action.entry.entry->revision, 6);
	ck_assert(id128_equal(&action.entry.entry->prev, the_id(1005)));
	ck_assert(bytes_equal(action.entry.entry->body, BYTES_LITERAL("\x0a\x03\x0a\x01"
								      "a\x0a\x03\x0a\x01"
								      "b")));
	const uint64_t ticket = action.ticket;
	expect_nothing();
	replica_appended(replica, now, ticket, NULL, true);
	expect(REPLICA_APPLY);
	ck_assert_uint_eq(action.entry.entry->revision, 6);
	expect_nothing();
	replica_applied(replica, now, 6, 0);
	expect_answer(11, REPLICA_APPLIED);
	ck_assert_uint_eq(action.answer.revision, 6);
	ck_assert_uint_eq(action.answer.index, 0);
	expect_answer(12, REPLICA_APPLIED);
	ck_assert_uint_eq(action.answer.index, 1);
	expect_nothing();
}
END_TEST

START_TEST(an_entry_takes_as_many_sets_as_allowed_the_rest_waits)
{
	follow_all(5);
	for (unsigned i = 1; i <= QUEUE_SETS; i++)
		ck_assert_int_eq(submit(i, BYTES_LITERAL("a")), 0);
	ck_assert_int_eq(submit(1000, BYTES_LITERAL("a")), -EAGAIN);
	expect(REPLICA_APPEND);
	size_t sets;
	ck_assert_int_eq(log_body_check(action.entry.entry->body, &sets), 0);
	ck_assert_uint_eq(sets, ENTRY_SETS_MAX);
	replica_appended(replica, now, action.ticket, NULL, true);
	expect(REPLICA_APPLY);
	// The next one follows at once: the store is not waited for.
	expect(REPLICA_APPEND);
	ck_assert_uint_eq(action.entry.entry->revision, 7);
	ck_assert_int_eq(log_body_check(action.entry.entry->body, &sets), 0);
	ck_assert_uint_eq(sets, QUEUE_SETS - ENTRY_SETS_MAX);
}
END_TEST

START_TEST(an_entry_is_not_larger_than_allowed)
{
	follow_all(5);
	for (unsigned i = 1; i <= 4; i++)
		ck_assert_int_eq(submit(i, (struct bytes){big, sizeof(big)}), 0);
	ck_assert_int_eq(submit(5, (struct bytes){big, sizeof(big)}), -EAGAIN);
	expect(REPLICA_APPEND);
	size_t sets;
	ck_assert_int_eq(log_body_check(action.entry.entry->body, &sets), 0);
	ck_assert_uint_eq(sets, 2);
}
END_TEST

START_TEST(a_set_that_fits_no_entry_is_refused)
{
	static char huge[COMMIT_BODIES_MAX];
	follow_all(5);
	ck_assert_int_eq(submit(1, (struct bytes){huge, sizeof(huge)}), -EINVAL);
}
END_TEST

START_TEST(without_redis_sets_are_refused_at_once)
{
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), -ENOTCONN);
	follow_all(5);
	ck_assert(replica_is_writable(replica));
	go_down(-EPIPE);
	ck_assert(!replica_is_writable(replica));
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), -ENOTCONN);
}
END_TEST

START_TEST(when_redis_goes_what_was_not_sent_did_not_happen)
{
	follow_all(5);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	ck_assert_int_eq(submit(2, BYTES_LITERAL("b")), 0);
	go_down(-ECONNRESET);
	expect_answer(2, REPLICA_UNAVAILABLE);
	expect(REPLICA_CONNECT);
	expect_nothing();
	// The other one may have: that is known only when the log is read, or never.
	now += TIMEOUT_MS;
	replica_tick(replica, now);
	expect_answer(1, REPLICA_OUTCOME_UNKNOWN);
	expect_nothing();
}
END_TEST

START_TEST(a_set_that_waited_for_too_long_goes_into_no_entry)
{
	const struct replica_set patient = {.body = BYTES_LITERAL("a"), .handle = 1, .late_ms = now + 11};
	const struct replica_set hasty = {.body = BYTES_LITERAL("b"), .handle = 2, .late_ms = now + 10};
	follow_all(5);
	ck_assert_int_eq(replica_submit(replica, now, &hasty), 0);
	ck_assert_int_eq(replica_submit(replica, now, &patient), 0);
	now += 10;
	replica_tick(replica, now);
	expect(REPLICA_APPEND);
	ck_assert(bytes_equal(action.entry.entry->body, BYTES_LITERAL("\x0a\x03\x0a\x01"
								      "a")));
	const uint64_t ticket = action.ticket;
	expect_answer(2, REPLICA_LATE);
	// What is on its way is waited for.
	now += 10;
	replica_tick(replica, now);
	expect_nothing();
	replica_appended(replica, now, ticket, NULL, true);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 6, 0);
	expect_answer(1, REPLICA_APPLIED);
}
END_TEST

START_TEST(a_queue_of_late_sets_is_answered_without_an_entry)
{
	const struct replica_set late = {.body = BYTES_LITERAL("a"), .handle = 1, .late_ms = now};
	follow_all(5);
	ck_assert_int_eq(replica_submit(replica, now, &late), 0);
	expect_answer(1, REPLICA_LATE);
	expect_nothing();
}
END_TEST

static struct redis_log_entry lost_append(uint64_t handle)
{
	ck_assert_int_eq(submit(handle, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	const struct redis_log_entry sent = *action.entry.entry;
	go_down(-ECONNRESET);
	return sent;
}

START_TEST(a_lost_entry_that_is_in_the_log_is_answered_when_it_is_applied)
{
	follow_all(5);
	struct redis_log_entry sent = lost_append(1);
	sent.body = BYTES_LITERAL("\x0a\x03\x0a\x01"
				  "a");
	replica_range_read(replica, now, follow(5, 6), &sent, 1);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 6, 0);
	expect_answer(1, REPLICA_APPLIED);
	expect_nothing();
}
END_TEST

// WAIT was on the connection that is gone, and another one's WAIT says nothing about it.
START_TEST(a_lost_entry_whose_confirmation_is_lost_is_applied_and_not_acknowledged)
{
	replica_destroy(replica);
	create_replica(true);
	follow_all(5);
	struct redis_log_entry sent = lost_append(1);
	sent.body = BYTES_LITERAL("\x0a\x03\x0a\x01"
				  "a");
	replica_range_read(replica, now, follow(5, 6), &sent, 1);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 6, 0);
	expect_answer(1, REPLICA_OUTCOME_UNKNOWN);
	expect_nothing();
}
END_TEST

START_TEST(a_lost_entry_that_is_not_in_the_log_is_sent_again_as_the_same)
{
	follow_all(5);
	const struct redis_log_entry sent = lost_append(1);
	replica_range_read(replica, now, follow(5, 5), NULL, 0);
	expect(REPLICA_APPEND);
	ck_assert(id128_equal(&action.entry.entry->nonce, &sent.nonce));
	ck_assert_uint_eq(action.entry.entry->body.size, 5);
}
END_TEST

START_TEST(an_answer_of_a_connection_that_was_given_up_is_ignored)
{
	follow_all(5);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	const uint64_t ticket = action.ticket;
	go_down(-ECONNRESET);
	replica_range_read(replica, now, follow(5, 5), NULL, 0);
	expect(REPLICA_APPEND);
	replica_appended(replica, now, ticket, NULL, true);
	expect_nothing();
}
END_TEST

START_TEST(who_was_not_first_reads_and_tries_again)
{
	follow_all(5);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	const struct redis_log_entry theirs = entry_at(6);
	replica_appended(replica, now, action.ticket, &theirs, false);
	expect(REPLICA_READ_RANGE);
	ck_assert_uint_eq(action.range.after, 5);
	const uint64_t ticket = action.ticket;
	expect(REPLICA_READ_HEAD);
	replica_range_read(replica, now, ticket, &theirs, 1);
	expect(REPLICA_APPLY);
	expect(REPLICA_APPEND);
	ck_assert_uint_eq(action.entry.entry->revision, 7);
	ck_assert(id128_equal(&action.entry.entry->prev, &theirs.nonce));
}
END_TEST

static const int refusals[] = {-ENOSPC, -EIO, -ENOLINK};

START_TEST(a_redis_that_takes_no_writes_is_told_to_those_who_wait)
{
	follow_all(5);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	const struct redis_error error = error_of(refusals[_i]);
	replica_failed(replica, now, action.ticket, &error);
	expect_answer(1, REPLICA_UNAVAILABLE);
	expect_nothing();
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_int_eq(status.state, REPLICATION_STATE_FOLLOWING);
	ck_assert_str_eq(status.last_error.data, "what Redis said");
	ck_assert_str_ne(status.advice.data, "");
}
END_TEST

START_TEST(a_script_that_failed_may_have_done_its_work)
{
	follow_all(5);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	const struct redis_error error = error_of(-EREMOTEIO);
	replica_failed(replica, now, action.ticket, &error);
	expect_nothing();
	now += TIMEOUT_MS;
	replica_tick(replica, now);
	expect_answer(1, REPLICA_OUTCOME_UNKNOWN);
}
END_TEST

START_TEST(an_entry_too_few_replicas_of_redis_have_is_not_acknowledged)
{
	follow_all(5);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), 0);
	expect(REPLICA_APPEND);
	replica_appended(replica, now, action.ticket, NULL, false);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 6, 0);
	expect_answer(1, REPLICA_OUTCOME_UNKNOWN);
}
END_TEST

// ---------------------------------------------------------------- inbox

static int hear(uint64_t key, uint64_t expires_ms)
{
	const struct replica_set set = {
		.body = BYTES_LITERAL("m"), .repeat_window_s = 60, .key = id_of(key), .expires_ms = expires_ms};
	return replica_submit_inbox(replica, now, &set);
}

START_TEST(a_message_waits_a_moment_and_is_appended)
{
	follow_all(5);
	ck_assert_int_eq(hear(1, now + 10000), 0);
	expect_nothing();
	ck_assert_uint_le(replica_next_tick_ms(replica), now + REPLICA_INBOX_JITTER_MS);
	now += REPLICA_INBOX_JITTER_MS;
	replica_tick(replica, now);
	expect(REPLICA_APPEND);
	struct log_body_reader reader = {.rest = action.entry.entry->body};
	struct log_body_set set;
	ck_assert_int_eq(log_body_next(&reader, &set), 1);
	ck_assert_uint_eq(set.repeat_window_s, 60);
}
END_TEST

START_TEST(a_message_another_replica_appended_meanwhile_is_dropped)
{
	follow_all(5);
	ck_assert_int_eq(hear(1, now + 10000), 0);
	ck_assert_int_eq(hear(2, now + 10000), 0);
	replica_seen(replica, the_id(1));
	now += REPLICA_INBOX_JITTER_MS;
	replica_tick(replica, now);
	expect(REPLICA_APPEND);
	size_t sets;
	ck_assert_int_eq(log_body_check(action.entry.entry->body, &sets), 0);
	ck_assert_uint_eq(sets, 1);
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.inbox_accepted, 2);
	ck_assert_uint_eq(status.inbox_repeated, 1);
}
END_TEST

START_TEST(messages_keep_the_order_they_were_published_in)
{
	const struct replica_set first = {.body = BYTES_LITERAL("first"), .key = id_of(1), .expires_ms = now + 10000};
	const struct replica_set second = {.body = BYTES_LITERAL("second"), .key = id_of(2), .expires_ms = now + 10000};
	struct log_body_set set;
	follow_all(5);
	random_next = 103; // 104 and 105, modulo 21: the longest wait, then none
	ck_assert_int_eq(replica_submit_inbox(replica, now, &first), 0);
	ck_assert_int_eq(replica_submit_inbox(replica, now, &second), 0);
	replica_tick(replica, now);
	expect_nothing();
	now += REPLICA_INBOX_JITTER_MS;
	replica_tick(replica, now);
	expect(REPLICA_APPEND);
	struct log_body_reader reader = {.rest = action.entry.entry->body};
	ck_assert_int_eq(log_body_next(&reader, &set), 1);
	ck_assert(bytes_equal(set.set, BYTES_LITERAL("first")));
	ck_assert_int_eq(log_body_next(&reader, &set), 1);
	ck_assert(bytes_equal(set.set, BYTES_LITERAL("second")));
}
END_TEST

START_TEST(the_same_message_twice_waits_once)
{
	follow_all(5);
	ck_assert_int_eq(hear(1, now + 10000), 0);
	ck_assert_int_eq(hear(1, now + 10000), -EEXIST);
	now += REPLICA_INBOX_JITTER_MS;
	replica_tick(replica, now);
	expect(REPLICA_APPEND);
	ck_assert_int_eq(hear(1, now + 10000), -EEXIST);
}
END_TEST

START_TEST(an_old_message_is_not_appended)
{
	follow_all(5);
	ck_assert_int_eq(hear(1, now + 10000), 0);
	now += 10001;
	replica_tick(replica, now);
	expect(REPLICA_READ_HEAD);
	expect_nothing();
}
END_TEST

// ---------------------------------------------------------------- the store

START_TEST(a_store_that_is_busy_gets_the_same_entry_again)
{
	const uint64_t ticket = follow(5, 7);
	const struct redis_log_entry entries[] = {entry_at(6), entry_at(7)};
	replica_range_read(replica, now, ticket, entries, 2);
	expect(REPLICA_APPLY);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 7, -EAGAIN);
	expect_nothing();
	replica_applied(replica, now, 6, 0);
	now = replica_next_tick_ms(replica);
	replica_tick(replica, now);
	expect(REPLICA_APPLY);
	ck_assert_uint_eq(action.entry.entry->revision, 7);
}
END_TEST

START_TEST(a_full_store_stalls_and_is_tried_again)
{
	const uint64_t ticket = follow(5, 7);
	const struct redis_log_entry entries[] = {entry_at(6), entry_at(7)};
	replica_range_read(replica, now, ticket, entries, 2);
	expect(REPLICA_APPLY);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 6, -ENOSPC);
	replica_applied(replica, now, 7, -ESTALE);
	expect_nothing();
	ck_assert_int_eq(state_now(), REPLICATION_STATE_STALLED);
	ck_assert_int_eq(submit(1, BYTES_LITERAL("a")), -ENOTCONN);
	now = replica_next_tick_ms(replica);
	replica_tick(replica, now);
	const struct store_position position = place(5);
	const struct redis_log_head head = head_at(7, 5);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, &head);
	expect(REPLICA_READ_RANGE);
	replica_range_read(replica, now, action.ticket, entries, 2);
	expect(REPLICA_APPLY);
	ck_assert_uint_eq(action.entry.entry->revision, 6);
	// Until it took the entry; then it goes on as if nothing had been.
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_int_eq(status.state, REPLICATION_STATE_STALLED);
	ck_assert_str_ne(status.advice.data, "");
	replica_applied(replica, now, 6, 0);
	ck_assert_int_eq(state_now(), REPLICATION_STATE_CATCHING_UP);
}
END_TEST

START_TEST(so_many_entries_wait_for_the_store_and_no_more_are_read)
{
	uint64_t ticket = follow(5, 100000);
	uint64_t next = 6;
	struct redis_log_entry entries[REPLICA_READ_ENTRIES_MAX];
	unsigned handed_over = 0;
	for (uint32_t asked = REPLICA_READ_ENTRIES_FIRST; ticket != 0;) {
		for (uint32_t i = 0; i < asked; i++)
			entries[i] = entry_at(next++);
		replica_range_read(replica, now, ticket, entries, asked);
		ticket = 0;
		while (replica_next_action(replica, &action)) {
			handed_over += action.kind == REPLICA_APPLY;
			if (action.kind != REPLICA_READ_RANGE)
				continue;
			ticket = action.ticket;
			asked = action.range.count;
		}
	}
	ck_assert_uint_eq(handed_over, REPLICA_APPLYING_ENTRIES_MAX);
	replica_applied(replica, now, 6, 0);
	expect(REPLICA_READ_RANGE);
	ck_assert_uint_eq(action.range.count, 1);
}
END_TEST

// ---------------------------------------------------------------- adopt

START_TEST(a_replica_that_follows_does_not_adopt)
{
	follow_all(5);
	ck_assert_int_eq(replica_adopt(replica, now, the_id(EPOCH), 9), 0);
	ck_assert_int_eq(replica_adopt(replica, now, the_id(EPOCH), 10), -EBUSY);
	expect(REPLICA_ANSWER_ADOPT);
	ck_assert_uint_eq(action.answer_adopt.handle, 9);
	ck_assert_int_eq(action.answer_adopt.outcome, REPLICA_NOT_NOW);
}
END_TEST

static void lose_log(void)
{
	const struct redis_log_head none = {.is_empty = true};
	const struct store_position position = place(5);
	expect(REPLICA_CONNECT);
	replica_up(replica, now);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, &none);
	expect_nothing();
	ck_assert_int_eq(state_now(), REPLICATION_STATE_DIVERGED);
}

START_TEST(adopt_begins_a_history_that_names_the_one_before)
{
	const struct redis_log_head none = {.is_empty = true};
	const struct store_position position = place(5);
	lose_log();
	ck_assert_int_eq(replica_adopt(replica, now, the_id(EPOCH), 9), 0);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, &none);
	expect(REPLICA_BEGIN);
	const struct redis_log_entry base = *action.entry.entry;
	ck_assert_ptr_null(action.entry.expected);
	ck_assert(base.is_base);
	ck_assert_uint_eq(base.revision, 6);
	ck_assert_uint_eq(base.adopted_count, 1);
	ck_assert(id128_equal(&base.adopted[0], the_id(EPOCH)));
	ck_assert(id128_equal(&base.adopted_nonce, &position.nonce));
	replica_begun(replica, now, action.ticket, true);
	expect(REPLICA_SET_POSITION);
	ck_assert_uint_eq(action.set_position.expected.revision, 5);
	ck_assert(id128_equal(&action.set_position.position.epoch, &base.epoch));
	replica_position_set(replica, now, 0);
	expect(REPLICA_ANSWER_ADOPT);
	ck_assert_int_eq(action.answer_adopt.outcome, REPLICA_APPLIED);
	ck_assert_uint_eq(action.answer_adopt.position.revision, 6);
}
END_TEST

START_TEST(adopt_of_another_history_than_the_operator_saw_is_refused)
{
	const struct redis_log_head none = {.is_empty = true};
	const struct store_position position = place(5);
	lose_log();
	ck_assert_int_eq(replica_adopt(replica, now, the_id(EPOCH + 1), 9), 0);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, &none);
	expect(REPLICA_ANSWER_ADOPT);
	ck_assert_int_eq(action.answer_adopt.outcome, REPLICA_NOT_NOW);
	expect_nothing();
}
END_TEST

// ---------------------------------------------------------------- speed

// What the replica itself adds to catching up: far less than a store needs.
START_TEST(entries_pass_through_fast)
{
	enum { ENTRIES = 200000 };
	uint64_t ticket = follow(5, 5 + ENTRIES), next = 6, applied = 0;
	uint32_t asked = REPLICA_READ_ENTRIES_FIRST;
	struct redis_log_entry entries[REPLICA_READ_ENTRIES_MAX];
	const uint64_t start_ms = clock_monotonic_ms();
	while (applied < ENTRIES) {
		uint32_t count = 0;
		for (; count < asked && next <= 5 + ENTRIES; count++)
			entries[count] = entry_at(next++);
		if (ticket != 0)
			replica_range_read(replica, now, ticket, entries, count);
		ticket = 0;
		const uint64_t first = 6 + applied;
		while (replica_next_action(replica, &action)) {
			applied += action.kind == REPLICA_APPLY;
			if (action.kind == REPLICA_READ_RANGE) {
				ticket = action.ticket;
				asked = action.range.count;
			}
		}
		for (uint64_t revision = first; revision < 6 + applied; revision++)
			replica_applied(replica, now, revision, 0);
		if (ticket == 0 && replica_next_action(replica, &action) && action.kind == REPLICA_READ_RANGE) {
			ticket = action.ticket;
			asked = action.range.count;
		}
	}
	const uint64_t took_ms = clock_monotonic_ms() - start_ms;
	printf("%d entries in %lu ms\n", ENTRIES, (unsigned long)took_ms);
	ck_assert_uint_lt(took_ms, 60000);
}
END_TEST

static void add_writing(TCase *tcase)
{
	tcase_add_test(tcase, a_set_is_appended_applied_and_then_answered);
	tcase_add_test(tcase, an_entry_takes_as_many_sets_as_allowed_the_rest_waits);
	tcase_add_test(tcase, an_entry_is_not_larger_than_allowed);
	tcase_add_test(tcase, a_set_that_fits_no_entry_is_refused);
	tcase_add_test(tcase, without_redis_sets_are_refused_at_once);
	tcase_add_test(tcase, a_set_that_waited_for_too_long_goes_into_no_entry);
	tcase_add_test(tcase, a_queue_of_late_sets_is_answered_without_an_entry);
	tcase_add_test(tcase, when_redis_goes_what_was_not_sent_did_not_happen);
	tcase_add_test(tcase, a_lost_entry_that_is_in_the_log_is_answered_when_it_is_applied);
	tcase_add_test(tcase, a_lost_entry_whose_confirmation_is_lost_is_applied_and_not_acknowledged);
	tcase_add_test(tcase, a_lost_entry_that_is_not_in_the_log_is_sent_again_as_the_same);
	tcase_add_test(tcase, an_answer_of_a_connection_that_was_given_up_is_ignored);
	tcase_add_test(tcase, who_was_not_first_reads_and_tries_again);
	tcase_add_loop_test(tcase, a_redis_that_takes_no_writes_is_told_to_those_who_wait, 0,
			    (int)ARRAY_SIZE(refusals));
	tcase_add_test(tcase, a_script_that_failed_may_have_done_its_work);
	tcase_add_test(tcase, an_entry_too_few_replicas_of_redis_have_is_not_acknowledged);
	tcase_add_test(tcase, a_message_waits_a_moment_and_is_appended);
	tcase_add_test(tcase, a_message_another_replica_appended_meanwhile_is_dropped);
	tcase_add_test(tcase, messages_keep_the_order_they_were_published_in);
	tcase_add_test(tcase, the_same_message_twice_waits_once);
	tcase_add_test(tcase, an_old_message_is_not_appended);
}

int main(void)
{
	TCase *tcase = tcase_create("replica");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	add_writing(tcase);
	tcase_add_test(tcase, a_store_that_is_busy_gets_the_same_entry_again);
	tcase_add_test(tcase, a_full_store_stalls_and_is_tried_again);
	tcase_add_test(tcase, so_many_entries_wait_for_the_store_and_no_more_are_read);
	tcase_add_test(tcase, a_replica_that_follows_does_not_adopt);
	tcase_add_test(tcase, adopt_begins_a_history_that_names_the_one_before);
	tcase_add_test(tcase, adopt_of_another_history_than_the_operator_saw_is_refused);
	tcase_add_test(tcase, entries_pass_through_fast);
	Suite *suite = suite_create("replica");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
