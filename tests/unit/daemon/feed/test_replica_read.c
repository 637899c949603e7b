// SPDX-License-Identifier: Apache-2.0
// Reading the log: how much at once, what does not fit, what is damaged, and what status says of it.
#include "proto/limits.h"
#include "tests/unit/daemon/feed/replica_fixture.h"

static char big[BODY_APPLY_MAX];

// Answers the range with entries that have such bodies, applies them, and returns how many the next one asks for.
static uint32_t next_count(uint64_t *ticket, uint64_t *after, uint32_t count, struct bytes body)
{
	struct redis_log_entry entries[REPLICA_READ_ENTRIES_MAX];
	for (uint32_t i = 0; i < count; i++) {
		entries[i] = entry_at(*after + 1 + i);
		entries[i].body = body;
	}
	replica_range_read(replica, now, *ticket, entries, count);
	while (replica_next_action(replica, &action) && action.kind == REPLICA_APPLY)
		replica_applied(replica, now, action.entry.entry->revision, 0);
	*after += count;
	ck_assert_int_eq(action.kind, REPLICA_READ_RANGE);
	ck_assert_uint_eq(action.range.after, *after);
	*ticket = action.ticket;
	return action.range.count;
}

START_TEST(few_entries_are_asked_for_until_they_are_known_to_be_small)
{
	uint64_t after = 5, ticket = follow(after, 100000);
	uint32_t count = REPLICA_READ_ENTRIES_FIRST, next;
	for (; count < 4 * REPLICA_READ_ENTRIES_FIRST; count = next) {
		next = next_count(&ticket, &after, count, BYTES_LITERAL("\x0a\x02\x0a\x00"));
		ck_assert_uint_eq(next, 2 * count);
	}
	memcpy(big, "\x0a\xfc\xff\x0f", 4); // one field that fills it
	next = next_count(&ticket, &after, count, (struct bytes){big, sizeof(big)});
	ck_assert_uint_le(next * sizeof(big), REPLICA_READ_BYTES);
	ck_assert_uint_ge((next + 1) * (sizeof(big) + 1000), REPLICA_READ_BYTES);
}
END_TEST

START_TEST(fewer_entries_are_asked_for_when_they_came_slowly)
{
	uint64_t after = 5, ticket = follow(after, 100000);
	uint32_t count = REPLICA_READ_ENTRIES_FIRST;
	for (unsigned i = 0; i < 4; i++)
		count = next_count(&ticket, &after, count, BYTES_LITERAL("\x0a\x02\x0a\x00"));
	now += TIMEOUT_MS * 3 / 4;
	ck_assert_uint_eq(next_count(&ticket, &after, count, BYTES_LITERAL("\x0a\x02\x0a\x00")), count / 2);
}
END_TEST

static const int too_much[] = {-ETIMEDOUT, -EMSGSIZE};

START_TEST(half_as_many_are_asked_for_after_an_answer_that_was_too_much)
{
	(void)follow(5, 100000);
	for (uint32_t count = REPLICA_READ_ENTRIES_FIRST / 2; count > 0; count /= 2) {
		go_down(too_much[_i]);
		(void)follow(5, 100000);
		ck_assert_uint_eq(asked_first, count);
	}
	go_down(too_much[_i]);
	(void)follow(5, 100000);
	ck_assert_uint_eq(asked_first, 1);
}
END_TEST

START_TEST(an_entry_that_does_not_follow_is_not_applied)
{
	struct redis_log_entry wrong[] = {entry_at(6), entry_at(6), entry_at(7), entry_at(6)};
	wrong[0].prev = id_of(99);
	wrong[1].epoch = id_of(99);
	wrong[3].is_base = true;
	replica_range_read(replica, now, follow(5, 6), &wrong[_i], 1);
	expect(REPLICA_GET_POSITION);
}
END_TEST

START_TEST(a_log_that_does_not_fit_twice_has_diverged)
{
	struct redis_log_entry wrong = entry_at(6);
	wrong.prev = id_of(99);
	const struct store_position position = place(5);
	const struct redis_log_head head = head_at(6, 5);
	uint64_t ticket = follow(5, 6);
	for (unsigned i = 0; i < 2; i++) {
		replica_range_read(replica, now, ticket, &wrong, 1);
		expect(REPLICA_GET_POSITION);
		replica_position(replica, now, &position, false);
		expect(REPLICA_READ_HEAD);
		replica_head_read(replica, now, action.ticket, &head);
		if (i == 0) {
			expect(REPLICA_READ_RANGE);
			ticket = action.ticket;
			expect(REPLICA_READ_HEAD);
		}
	}
	expect_nothing();
	ck_assert_int_eq(state_now(), REPLICATION_STATE_DIVERGED);
}
END_TEST

// Asked again from the start, the log looks like this.
static void look_again(const struct redis_log_head *head)
{
	const struct store_position position = place(5);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, head);
}

static void expect_damaged(const char *why)
{
	struct replication status;
	expect_nothing();
	replica_get_status(replica, now, &status);
	ck_assert_int_eq(status.state, REPLICATION_STATE_DIVERGED);
	ck_assert_msg(strstr(status.last_error.data, why) != NULL, "%s", status.last_error.data);
	ck_assert_msg(strstr(status.advice.data, "log adopt") != NULL, "%s", status.advice.data);
	ck_assert_uint_eq(status.reconnects, 0);
}

static void expect_adopt(const struct redis_log_head *head, const char *mark)
{
	ck_assert_int_eq(replica_adopt(replica, now, the_id(EPOCH), 9), 0);
	look_again(head);
	expect(REPLICA_BEGIN);
	ck_assert_uint_eq(action.entry.entry->revision, head->last.revision + 1);
	ck_assert_uint_eq(action.entry.entry->adopted_count, 1);
	ck_assert_ptr_nonnull(action.entry.expected);
	ck_assert_str_eq(action.entry.expected->mark, mark);
}

static void read_next(const struct redis_log_entry *entry, uint64_t ticket)
{
	const struct redis_error error = error_of(-EUCLEAN);
	if (entry != NULL)
		replica_range_read(replica, now, ticket, entry, 1);
	else
		replica_failed(replica, now, ticket, &error);
}

// Its fields (no entry), or its changes.
START_TEST(a_damaged_entry_is_not_skipped_and_an_operator_may_go_on_without_it)
{
	struct redis_log_entry garbage = entry_at(6);
	const struct redis_log_head head = head_at(6, 5);
	garbage.body = BYTES_LITERAL("garbage");
	const struct redis_log_entry *next = _i == 0 ? NULL : &garbage;
	read_next(next, follow(5, 6));
	look_again(&head);
	expect(REPLICA_READ_RANGE);
	const uint64_t ticket = action.ticket;
	expect(REPLICA_READ_HEAD);
	read_next(next, ticket);
	look_again(&head);
	expect_damaged(_i == 0 ? "what Redis said" : "cannot be read");
	expect_adopt(&head, "");
}
END_TEST

START_TEST(a_head_that_cannot_be_read_is_named_by_its_mark)
{
	struct redis_log_head head = head_at(7, 5);
	head.has_mine = false;
	head.last = (struct redis_log_entry){.revision = 7, .mark = "a mark"};
	strcpy(head.damage, "entry 7-0 is none");
	expect(REPLICA_CONNECT);
	replica_up(replica, now);
	look_again(&head);
	expect_damaged("entry 7-0 is none");
	expect_adopt(&head, "a mark");
}
END_TEST

START_TEST(what_stands_before_the_damage_is_read)
{
	struct redis_log_head head = head_at(7, 5);
	head.last = (struct redis_log_entry){.revision = UINT64_MAX - 1, .mark = "a mark"};
	strcpy(head.damage, "entry 18446744073709551614-0 is none");
	const struct redis_log_entry next = entry_at(6);
	expect(REPLICA_CONNECT);
	replica_up(replica, now);
	look_again(&head);
	expect(REPLICA_READ_RANGE);
	replica_range_read(replica, now, action.ticket, &next, 1);
	expect(REPLICA_APPLY);
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.lag_entries, 1); // what it calls its revision is not believed
}
END_TEST

static const struct {
	int result;
	bool is_stuck;
} stalls[] = {{-EBADMSG, true}, {-E2BIG, true}, {-ENOMEM, true}, {-ENOSPC, false}, {-EIO, false}};

START_TEST(an_operator_may_go_on_without_an_entry_that_cannot_be_applied)
{
	const struct redis_log_entry next = entry_at(6);
	const struct redis_log_head head = head_at(6, 5);
	replica_range_read(replica, now, follow(5, 6), &next, 1);
	expect(REPLICA_APPLY);
	replica_applied(replica, now, 6, stalls[_i].result);
	ck_assert_int_eq(state_now(), REPLICATION_STATE_STALLED);
	if (stalls[_i].is_stuck) {
		expect_adopt(&head, "");
		return;
	}
	ck_assert_int_eq(replica_adopt(replica, now, the_id(EPOCH), 9), 0);
	look_again(&head);
	expect(REPLICA_ANSWER_ADOPT);
	ck_assert_int_eq(action.answer_adopt.outcome, REPLICA_NOT_NOW);
}
END_TEST

START_TEST(an_error_while_reading_means_reconnecting)
{
	const uint64_t ticket = follow(5, 6);
	const struct redis_error error = error_of(-EAGAIN);
	replica_failed(replica, now, ticket, &error);
	expect(REPLICA_CONNECT);
	ck_assert_int_eq(state_now(), REPLICATION_STATE_CONNECTING);
}
END_TEST

START_TEST(a_revision_that_nobody_appended_is_looked_for_once)
{
	follow_all(5);
	replica_heard(replica, now, UINT64_MAX);
	expect(REPLICA_READ_RANGE);
	replica_range_read(replica, now, action.ticket, NULL, 0);
	expect_nothing();
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.lag_entries, 0);
	replica_heard(replica, now, 0);
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.messages_refused, 1);
}
END_TEST

START_TEST(waits_grow_between_attempts_up_to_a_limit)
{
	uint64_t last = 0;
	expect(REPLICA_CONNECT);
	for (unsigned i = 0; i < 20; i++) {
		go_down(-ECONNREFUSED);
		expect(REPLICA_CONNECT);
		ck_assert_uint_ge(action.delay_ms, REPLICA_BACK_OFF_MIN_MS);
		ck_assert_uint_le(action.delay_ms, REPLICA_BACK_OFF_MAX_MS * 3 / 2);
		last = action.delay_ms;
	}
	ck_assert_uint_ge(last, REPLICA_BACK_OFF_MAX_MS);
}
END_TEST

START_TEST(staleness_counts_from_the_question_that_found_nothing_new)
{
	struct replication status;
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.stale_ms, UINT64_MAX);
	follow_all(5);
	now += 300;
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.stale_ms, 300);
}
END_TEST

START_TEST(lag_counts_from_when_the_log_was_found_to_go_on)
{
	const struct store_position position = place(5);
	struct redis_log_head head = head_at(9, 5);
	struct replication status;
	head.first.epoch = head.last.epoch = head.mine.epoch = id_of(99); // another history
	expect(REPLICA_CONNECT);
	replica_up(replica, now);
	expect(REPLICA_GET_POSITION);
	replica_position(replica, now, &position, false);
	expect(REPLICA_READ_HEAD);
	replica_head_read(replica, now, action.ticket, &head);
	ck_assert_int_eq(state_now(), REPLICATION_STATE_DIVERGED);
	now += 300;
	replica_tick(replica, now);
	replica_get_status(replica, now, &status);
	ck_assert_uint_eq(status.lag_entries, 4);
	ck_assert_uint_eq(status.lag_ms, 300);
}
END_TEST

static void add_damage(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_damaged_entry_is_not_skipped_and_an_operator_may_go_on_without_it, 0, 2);
	tcase_add_test(tcase, a_head_that_cannot_be_read_is_named_by_its_mark);
	tcase_add_test(tcase, what_stands_before_the_damage_is_read);
	tcase_add_loop_test(tcase, an_operator_may_go_on_without_an_entry_that_cannot_be_applied, 0,
			    (int)ARRAY_SIZE(stalls));
}

int main(void)
{
	TCase *tcase = tcase_create("replica_read");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, few_entries_are_asked_for_until_they_are_known_to_be_small);
	tcase_add_test(tcase, fewer_entries_are_asked_for_when_they_came_slowly);
	tcase_add_loop_test(tcase, half_as_many_are_asked_for_after_an_answer_that_was_too_much, 0,
			    (int)ARRAY_SIZE(too_much));
	tcase_add_loop_test(tcase, an_entry_that_does_not_follow_is_not_applied, 0, 4);
	tcase_add_test(tcase, a_log_that_does_not_fit_twice_has_diverged);
	add_damage(tcase);
	tcase_add_test(tcase, an_error_while_reading_means_reconnecting);
	tcase_add_test(tcase, a_revision_that_nobody_appended_is_looked_for_once);
	tcase_add_test(tcase, waits_grow_between_attempts_up_to_a_limit);
	tcase_add_test(tcase, staleness_counts_from_the_question_that_found_nothing_new);
	tcase_add_test(tcase, lag_counts_from_when_the_log_was_found_to_go_on);
	Suite *suite = suite_create("replica_read");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
