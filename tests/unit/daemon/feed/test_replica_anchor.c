// SPDX-License-Identifier: Apache-2.0
// Every place a store may stand at, with every log it may find there.
#include "daemon/feed/replica_impl.h"
#include "tests/unit/unit.h"

#define ID(n) ((struct id128){{(n)}})

enum { MINE = 1, OTHER = 2, NEW = 3 }; // epochs; the nonce of revision r is r, of another history r + 100

static struct redis_log_entry entry(uint8_t epoch, uint64_t revision)
{
	return (struct redis_log_entry){
		.revision = revision,
		.epoch = ID(epoch),
		.nonce = ID((uint8_t)revision),
		.prev = ID((uint8_t)(revision - 1)),
	};
}

static struct redis_log_entry base(uint8_t epoch, uint64_t revision)
{
	struct redis_log_entry made = entry(epoch, revision);
	made.prev = ID(0);
	made.is_base = true;
	return made;
}

// A log from first to last, asked about revision `mine`.
static struct redis_log_head log_of(struct redis_log_entry first, uint64_t last, uint64_t mine)
{
	struct redis_log_head head = {.first = first, .last = first};
	if (last > first.revision) {
		head.last = entry(0, last);
		head.last.epoch = first.epoch;
	}
	head.has_mine = mine >= first.revision && mine <= last;
	if (mine == first.revision)
		head.mine = first;
	else if (head.has_mine) {
		head.mine = entry(0, mine);
		head.mine.epoch = first.epoch;
	}
	return head;
}

static struct store_position place(uint8_t epoch, uint64_t revision, bool is_attached)
{
	return (struct store_position){
		.epoch = ID(epoch), .revision = revision, .nonce = ID((uint8_t)revision), .is_attached = is_attached};
}

static struct anchor_verdict judge(struct store_position mine, struct redis_log_head head)
{
	return anchor_judge(&mine, false, &head);
}

static void check_diverged(struct anchor_verdict verdict, enum divergence divergence)
{
	ck_assert_int_eq(verdict.kind, ANCHOR_DIVERGED);
	ck_assert_int_eq(verdict.divergence, divergence);
}

static const struct redis_log_head no_log = {.is_empty = true};

// ---------------------------------------------------------------- attached

START_TEST(a_store_that_stands_in_the_log_follows_it)
{
	for (uint64_t at = 5; at <= 20; at++)
		ck_assert_int_eq(judge(place(MINE, at, true), log_of(entry(MINE, 5), 20, at)).kind, ANCHOR_FOLLOW);
}
END_TEST

START_TEST(a_log_trimmed_right_behind_the_store_is_followed)
{
	ck_assert_int_eq(judge(place(MINE, 4, true), log_of(entry(MINE, 5), 20, 4)).kind, ANCHOR_FOLLOW);
}
END_TEST

START_TEST(a_log_trimmed_right_behind_another_entry_is_another_history)
{
	struct store_position mine = place(MINE, 4, true);
	mine.nonce = ID(104);
	check_diverged(judge(mine, log_of(entry(MINE, 5), 20, 4)), DIVERGED_OTHER_ENTRY);
}
END_TEST

START_TEST(a_store_behind_a_trimmed_log_fetches_a_snapshot_that_reaches_it)
{
	const struct anchor_verdict verdict = judge(place(MINE, 3, true), log_of(entry(MINE, 5), 20, 3));
	ck_assert_int_eq(verdict.kind, ANCHOR_FETCH);
	ck_assert(verdict.is_same_history);
	ck_assert_uint_eq(verdict.fetch_after, 4);
}
END_TEST

START_TEST(a_store_whose_log_is_gone_has_diverged)
{
	check_diverged(judge(place(MINE, 3, true), no_log), DIVERGED_LOG_GONE);
}
END_TEST

START_TEST(a_store_ahead_of_its_log_has_diverged)
{
	check_diverged(judge(place(MINE, 21, true), log_of(entry(MINE, 5), 20, 21)), DIVERGED_LOG_SHORTER);
}
END_TEST

START_TEST(a_store_with_another_entry_at_its_revision_has_diverged)
{
	struct store_position mine = place(MINE, 10, true);
	mine.nonce = ID(110);
	check_diverged(judge(mine, log_of(entry(MINE, 5), 20, 10)), DIVERGED_OTHER_ENTRY);
}
END_TEST

START_TEST(a_store_whose_entry_is_missing_in_the_middle_has_diverged)
{
	struct redis_log_head head = log_of(entry(MINE, 5), 20, 10);
	head.has_mine = false;
	check_diverged(judge(place(MINE, 10, true), head), DIVERGED_HOLE);
}
END_TEST

START_TEST(a_store_of_another_history_has_diverged)
{
	check_diverged(judge(place(MINE, 10, true), log_of(base(OTHER, 1), 20, 10)), DIVERGED_OTHER_HISTORY);
	check_diverged(judge(place(MINE, 30, true), log_of(base(OTHER, 1), 20, 30)), DIVERGED_OTHER_HISTORY);
	check_diverged(judge(place(MINE, 1, true), log_of(entry(OTHER, 5), 20, 1)), DIVERGED_OTHER_HISTORY);
}
END_TEST

START_TEST(the_same_revision_and_nonce_in_another_epoch_is_not_mine)
{
	ck_assert_int_ne(judge(place(MINE, 10, true), log_of(entry(OTHER, 5), 20, 10)).kind, ANCHOR_FOLLOW);
}
END_TEST

// ---------------------------------------------------------------- adopted

static struct redis_log_entry adopted(uint64_t revision, uint64_t from)
{
	struct redis_log_entry made = base(NEW, revision);
	made.adopted_count = 2;
	made.adopted[0] = ID(MINE);
	made.adopted[1] = ID(OTHER);
	made.adopted_nonce = ID((uint8_t)from);
	return made;
}

START_TEST(a_store_at_the_place_where_an_adopted_history_starts_joins_it)
{
	const struct anchor_verdict verdict = judge(place(MINE, 20, true), log_of(adopted(25, 20), 30, 20));
	ck_assert_int_eq(verdict.kind, ANCHOR_JOIN);
	ck_assert_uint_eq(verdict.position.revision, 25);
	ck_assert(id128_equal(&verdict.position.epoch, &ID(NEW)));
	ck_assert(id128_equal(&verdict.position.nonce, &ID(25)));
	ck_assert(verdict.position.is_attached);
}
END_TEST

START_TEST(other_stores_of_an_adopted_history_fetch_a_snapshot)
{
	const struct store_position places[] = {place(MINE, 19, true), place(MINE, 21, true), place(OTHER, 20, true)};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct anchor_verdict verdict = judge(places[i], log_of(adopted(25, 20), 30, places[i].revision));
		ck_assert_int_eq(verdict.kind, ANCHOR_FETCH);
		ck_assert(!verdict.is_same_history);
		ck_assert_uint_eq(verdict.fetch_after, 25);
	}
}
END_TEST

START_TEST(a_store_of_a_history_that_was_not_adopted_has_diverged)
{
	check_diverged(judge(place(9, 20, true), log_of(adopted(25, 20), 30, 20)), DIVERGED_OTHER_HISTORY);
}
END_TEST

START_TEST(no_nonce_is_no_place_to_join_from)
{
	struct store_position mine = place(MINE, 20, true);
	mine.nonce = ID(0);
	ck_assert_int_eq(judge(mine, log_of(adopted(25, 0), 30, 20)).kind, ANCHOR_FETCH);
}
END_TEST

// ---------------------------------------------------------------- never attached

START_TEST(the_first_store_begins_the_log)
{
	ck_assert_int_eq(judge(place(MINE, 1, false), no_log).kind, ANCHOR_BEGIN);
	ck_assert_int_eq(judge(place(MINE, 500, false), no_log).kind, ANCHOR_BEGIN);
}
END_TEST

START_TEST(an_empty_store_joins_a_log_that_starts_empty)
{
	const struct store_position mine = place(MINE, 1, false);
	const struct redis_log_head head = log_of(base(OTHER, 1), 20, 1);
	const struct anchor_verdict verdict = anchor_judge(&mine, true, &head);
	ck_assert_int_eq(verdict.kind, ANCHOR_JOIN);
	ck_assert_uint_eq(verdict.position.revision, 1);
	ck_assert(id128_equal(&verdict.position.epoch, &ID(OTHER)));
}
END_TEST

START_TEST(an_empty_store_fetches_what_a_log_does_not_have_from_the_start)
{
	const struct store_position mine = place(MINE, 1, false);
	const struct redis_log_head trimmed = log_of(entry(OTHER, 7), 20, 1), later = log_of(base(OTHER, 5), 20, 1);
	struct anchor_verdict verdict = anchor_judge(&mine, true, &trimmed);
	ck_assert_int_eq(verdict.kind, ANCHOR_FETCH);
	ck_assert_uint_eq(verdict.fetch_after, 6);
	verdict = anchor_judge(&mine, true, &later);
	ck_assert_int_eq(verdict.kind, ANCHOR_FETCH);
	ck_assert_uint_eq(verdict.fetch_after, 5);
}
END_TEST

START_TEST(a_store_with_data_does_not_join_the_history_of_another)
{
	check_diverged(judge(place(MINE, 10, false), log_of(base(OTHER, 1), 20, 10)), DIVERGED_TWO_DATA_SETS);
	check_diverged(judge(place(MINE, 1, false), log_of(base(OTHER, 1), 20, 1)), DIVERGED_TWO_DATA_SETS);
}
END_TEST

START_TEST(a_store_that_stopped_after_its_base_was_written_goes_on)
{
	ck_assert_int_eq(judge(place(MINE, 10, false), log_of(base(MINE, 10), 20, 10)).kind, ANCHOR_JOIN);
	struct store_position without_nonce = place(MINE, 10, false);
	without_nonce.nonce = ID(0);
	const struct anchor_verdict verdict = judge(without_nonce, log_of(base(MINE, 10), 20, 10));
	ck_assert_int_eq(verdict.kind, ANCHOR_JOIN);
	ck_assert(id128_equal(&verdict.position.nonce, &ID(10)));
}
END_TEST

START_TEST(a_copy_of_a_store_that_went_its_own_way_does_not_join)
{
	struct store_position copy = place(MINE, 10, false);
	copy.nonce = ID(110);
	check_diverged(judge(copy, log_of(base(MINE, 10), 20, 10)), DIVERGED_TWO_DATA_SETS);
}
END_TEST

// ---------------------------------------------------------------- snapshots

START_TEST(a_place_is_known_when_the_log_has_it_or_starts_right_behind_it)
{
	const struct store_position in = place(MINE, 10, true), before = place(MINE, 4, true);
	struct redis_log_head head = log_of(entry(MINE, 5), 20, 10);
	ck_assert(anchor_is_known(&in, &head));
	head = log_of(entry(MINE, 5), 20, 4);
	ck_assert(anchor_is_known(&before, &head));
	head = log_of(entry(MINE, 6), 20, 4);
	ck_assert(!anchor_is_known(&before, &head));
	head = log_of(entry(OTHER, 5), 20, 10);
	ck_assert(!anchor_is_known(&in, &head));
	ck_assert(!anchor_is_known(&in, &no_log));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("replica_anchor");
	tcase_add_test(tcase, a_store_that_stands_in_the_log_follows_it);
	tcase_add_test(tcase, a_log_trimmed_right_behind_the_store_is_followed);
	tcase_add_test(tcase, a_log_trimmed_right_behind_another_entry_is_another_history);
	tcase_add_test(tcase, a_store_behind_a_trimmed_log_fetches_a_snapshot_that_reaches_it);
	tcase_add_test(tcase, a_store_whose_log_is_gone_has_diverged);
	tcase_add_test(tcase, a_store_ahead_of_its_log_has_diverged);
	tcase_add_test(tcase, a_store_with_another_entry_at_its_revision_has_diverged);
	tcase_add_test(tcase, a_store_whose_entry_is_missing_in_the_middle_has_diverged);
	tcase_add_test(tcase, a_store_of_another_history_has_diverged);
	tcase_add_test(tcase, the_same_revision_and_nonce_in_another_epoch_is_not_mine);
	tcase_add_test(tcase, a_store_at_the_place_where_an_adopted_history_starts_joins_it);
	tcase_add_test(tcase, other_stores_of_an_adopted_history_fetch_a_snapshot);
	tcase_add_test(tcase, a_store_of_a_history_that_was_not_adopted_has_diverged);
	tcase_add_test(tcase, no_nonce_is_no_place_to_join_from);
	tcase_add_test(tcase, the_first_store_begins_the_log);
	tcase_add_test(tcase, an_empty_store_joins_a_log_that_starts_empty);
	tcase_add_test(tcase, an_empty_store_fetches_what_a_log_does_not_have_from_the_start);
	tcase_add_test(tcase, a_store_with_data_does_not_join_the_history_of_another);
	tcase_add_test(tcase, a_store_that_stopped_after_its_base_was_written_goes_on);
	tcase_add_test(tcase, a_copy_of_a_store_that_went_its_own_way_does_not_join);
	tcase_add_test(tcase, a_place_is_known_when_the_log_has_it_or_starts_right_behind_it);
	Suite *suite = suite_create("replica_anchor");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
