// SPDX-License-Identifier: Apache-2.0
// Snapshots that are not taken over.
#include "tests/unit/store/install_fixture.h"
#include "tests/unit/unit.h"

#include "proto/codec.h"
#include "proto/schema.h"
#include "store/digest.h"
#include "store/key.h"

#include <errno.h>

static void expect_refused(enum status_code code, const char *word)
{
	ck_assert_int_eq(target.fault.code, code);
	ck_assert_msg(strstr(target.fault.message, word) != NULL, "%s", target.fault.message);
	expect_target_unchanged();
	apply(&target, change_put_tariff("still-works"));
	reopen(&target);
	ck_assert(store_fixture_has(&target, IMAGE_TARIFFS, "still-works"));
	expect_digest_is_right(&target);
}

static void prepare_refusal(void)
{
	apply(&target, change_put_tariff("mine"));
	remember_target();
	fill(&source);
	take_copy(&source);
}

static void change_digest(void)
{
	copy.records[0].modified_revision++;
}

static void lose_record(void)
{
	copy.count--;
}

static void double_record(void)
{
	copy.records[1] = copy.records[0];
}

static void end_early(void)
{
	copy.end.revision = 2;
}

static const struct {
	void (*spoil)(void);
	const char *word;
} spoilings[] = {{change_digest, "digest"}, {lose_record, "missing"}, {double_record, "twice"}, {end_early, "later"}};

START_TEST(what_is_not_as_its_end_says_is_refused)
{
	prepare_refusal();
	spoilings[_i].spoil();
	ck_assert_int_eq(install(), -EBADMSG);
	expect_refused(STATUS_DATA_LOSS, spoilings[_i].word);
}
END_TEST

struct stored {
	enum db_table table;
	const struct schema *schema;
	struct db_key key;
};

static struct stored stored_as(const struct record *record)
{
	struct stored stored = {.table = DB_TARIFFS, .schema = &schema_tariff};
	struct bytes id = record->tariff->id;
	if (record->kind == RECORD_CHARGE_GROUP) {
		stored = (struct stored){.table = DB_GROUPS, .schema = &schema_charge_group};
		id = record->charge_group->id;
	} else if (record->kind == RECORD_CUSTOMER) {
		stored = (struct stored){.table = DB_CUSTOMERS, .schema = &schema_customer};
		id = record->customer->id;
	}
	key_of_id(id, &stored.key);
	return stored;
}

// The digest a snapshot without that record would have.
static void take_out_of_digest(const struct record *record)
{
	const struct stored stored = stored_as(record);
	struct db_record row = {.key = db_key_bytes(&stored.key), .modified_revision = record->modified_revision};
	struct id128 id;
	char text[ID128_TEXT_SIZE + 1];
	ck_assert_int_eq(codec_encode(stored.schema, record->object, &copy.arena, &row.value), 0);
	ck_assert_int_eq(id128_parse(copy.end.digest, &id), 0);
	struct digest digest = digest_from_id(&id);
	digest_subtract(&digest, stored.table, &row);
	id = digest_id(&digest);
	id128_format(&id, text);
	copy.end.digest = arena_copy(&copy.arena, (struct bytes){.data = text, .size = ID128_TEXT_SIZE});
}

static void remove_record(enum record_object kind)
{
	for (size_t i = 0; i < copy.count; i++) {
		if (copy.records[i].kind != kind)
			continue;
		take_out_of_digest(&copy.records[i]);
		memmove(&copy.records[i], &copy.records[i + 1], (copy.count - i - 1) * sizeof(*copy.records));
		copy.count--;
		copy.end.records--;
		return;
	}
	ck_abort_msg("there is none");
}

START_TEST(a_reference_to_what_is_not_there_is_refused)
{
	static const enum record_object kinds[] = {RECORD_TARIFF, RECORD_CHARGE_GROUP, RECORD_CUSTOMER};
	const enum record_object kind = kinds[_i];
	prepare_refusal();
	remove_record(kind);
	ck_assert_int_eq(install(), -EBADMSG);
	expect_refused(STATUS_INVALID_ARGUMENT, "not there");
}
END_TEST

START_TEST(a_record_no_store_has_is_refused)
{
	prepare_refusal();
	copy.records[0].tariff->id = (struct bytes){0};
	ck_assert_int_eq(install(), -EBADMSG);
	expect_refused(STATUS_INVALID_ARGUMENT, "record 1 of the snapshot");
}
END_TEST

START_TEST(a_second_one_has_to_wait)
{
	struct store_install *first, *second = NULL;
	struct fault fault = {0};
	ck_assert_int_eq(store_install_begin(target.store, &first, &fault), 0);
	ck_assert_int_eq(store_install_begin(target.store, &second, &fault), -EBUSY);
	ck_assert_ptr_null(second);
	ck_assert_int_eq(fault.code, STATUS_UNAVAILABLE);
	store_install_abort(first);
	ck_assert_int_eq(store_install_begin(target.store, &second, &fault), 0);
	store_install_abort(second);
	store_install_abort(NULL);
}
END_TEST

START_TEST(what_was_given_up_leaves_nothing_behind)
{
	struct store_install *staged;
	prepare_refusal();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(stage(&staged), 0);
		store_install_abort(staged);
		expect_target_unchanged();
		if (i == 1)
			reopen(&target);
	}
	install_well();
	expect_same_state();
}
END_TEST

START_TEST(a_store_without_room_for_two_says_so)
{
	store_fixture_close(&target);
	temporary_remove(&target.directory);
	temporary_create(&target.directory);
	target.options.directory = target.directory.path;
	target.options.map_size = 2 * 1024 * 1024;
	store_fixture_open(&target);
	apply(&target, change_put_tariff("mine"));
	remember_target();
	fill_much(&source, 20000);
	take_copy(&source);
	ck_assert_int_eq(install(), -ENOSPC);
	expect_refused(STATUS_RESOURCE_EXHAUSTED, "room");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store/install_refuse");
	TCase *refusals = tcase_create("refusals");
	tcase_add_checked_fixture(refusals, setup, teardown);
	tcase_set_timeout(refusals, 120);
	tcase_add_loop_test(refusals, what_is_not_as_its_end_says_is_refused, 0, ARRAY_SIZE(spoilings));
	tcase_add_loop_test(refusals, a_reference_to_what_is_not_there_is_refused, 0, 3);
	tcase_add_test(refusals, a_record_no_store_has_is_refused);
	tcase_add_test(refusals, a_second_one_has_to_wait);
	tcase_add_test(refusals, what_was_given_up_leaves_nothing_behind);
	tcase_add_test(refusals, a_store_without_room_for_two_says_so);
	suite_add_tcase(suite, refusals);
	return unit_main(suite);
}
