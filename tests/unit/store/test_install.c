// SPDX-License-Identifier: Apache-2.0
// A snapshot of one store put in place of what another has.
#include "tests/unit/store/install_fixture.h"
#include "tests/unit/unit.h"

#include "store/entry.h"
#include "store/listing_impl.h"
#include "store/log.h"
#include "store/store_impl.h"

#include <errno.h>
#include <stdatomic.h>

static int apply_with_key(struct store_fixture *fixture, struct change change, const char *key,
			  struct apply_response *ret_response)
{
	struct test_job job;
	test_job_init(&job, &change, 1);
	job.set.actor = bytes_from("me");
	job.set.idempotency_key = bytes_from(key);
	ck_assert_int_eq(test_job_submit(&job, fixture->store), 0);
	const int result = test_job_wait(&job);
	*ret_response = job.job.response; // its results are gone
	test_job_finish(&job);
	return result;
}

// ---------------------------------------------------------------- taking over

START_TEST(a_store_becomes_what_the_snapshot_is)
{
	fill(&source);
	apply(&target, change_put_tariff("mine"));
	take_copy(&source);
	install_well();
	expect_same_state();
	expect_digest_is_right(&target);
	ck_assert(store_fixture_has(&target, IMAGE_GROUPS, "office"));
	ck_assert(store_fixture_has(&target, IMAGE_EVSES, "NL*E1"));
	ck_assert(store_fixture_has(&target, IMAGE_CUSTOMERS, "customer-with-a-rather-long-name"));
	ck_assert(!store_fixture_has(&target, IMAGE_TARIFFS, "mine"));
	for (int i = 0; i < 2; i++) {
		reopen(&target);
		expect_same_state();
		expect_digest_is_right(&target);
		ck_assert(store_fixture_has(&target, IMAGE_GROUPS, "office"));
	}
}
END_TEST

// The same snapshot twice is the same revision and nonce twice: that is not enough to tell the states apart.
START_TEST(an_image_goes_with_the_tables_of_its_own_install)
{
	struct listing *listing;
	struct fault fault = {0};
	fill(&source);
	take_copy(&source);
	for (uint32_t i = 1; i <= 2; i++) {
		install_well();
		ck_assert_uint_eq(target.store->images[0].swaps, i);
		ck_assert_uint_eq(target.store->images[1].swaps, i);
	}
	ck_assert_int_eq(listing_create(target.store, &listing), 0);
	ck_assert_int_eq(listing_begin(listing, true, &fault), 0);
	listing_end(listing);
	struct image *image = &target.store->images[target.store->standby == &target.store->images[0]];
	image->swaps--; // the revision is right all the same
	ck_assert_int_eq(listing_begin(listing, true, &fault), -EAGAIN);
	ck_assert_int_eq(fault.code, STATUS_UNAVAILABLE);
	image->swaps++;
	ck_assert_int_eq(listing_begin(listing, true, &fault), 0);
	listing_end(listing);
	listing_destroy(listing);
	reopen(&target);
	ck_assert_uint_eq(target.store->images[0].swaps, 2);
}
END_TEST

START_TEST(a_store_that_took_over_goes_on_as_the_other_one)
{
	fill(&source);
	take_copy(&source);
	install_well();
	struct store_fixture *const both[] = {&source, &target};
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		apply(both[i], change_put_customer("customer-1", "a new name"));
		apply(both[i], change_delete_customer("customer-with-a-rather-long-name"));
		apply(both[i], change_put_token("04A2", "customer-1"));
		apply(both[i], change_put_tariff("t-1"));
	}
	expect_same_state();
	reopen(&target);
	expect_same_state();
	expect_digest_is_right(&target);
}
END_TEST

START_TEST(a_snapshot_can_be_taken_over_again_and_again)
{
	fill(&source);
	for (int i = 0; i < 5; i++) {
		apply(&source, change_put_customer(store_fixture_text("c-%d", i), "somebody"));
		apply(&target, change_put_customer(store_fixture_text("d-%d", i), "somebody"));
		take_copy(&source);
		install_well();
		expect_same_state();
		expect_digest_is_right(&target);
	}
}
END_TEST

START_TEST(the_position_is_the_one_that_was_asked_for)
{
	struct store_install *staged;
	struct store_position position, now;
	fill(&source);
	take_copy(&source);
	ck_assert_int_eq(stage(&staged), 0);
	position = (struct store_position){
		.epoch = id128_random(), .nonce = id128_random(), .revision = 1000, .is_attached = true};
	ck_assert_int_eq(store_install_commit(&staged, &copy.end, &position, UINT64_MAX, &target.fault), 0);
	for (int i = 0; i < 2; i++) {
		store_get_position(target.store, &now);
		ck_assert_uint_eq(now.revision, 1000);
		ck_assert(now.is_attached);
		ck_assert(id128_equal(&now.epoch, &position.epoch) && id128_equal(&now.nonce, &position.nonce));
		ck_assert_uint_eq(store_fixture_revision(&target), 1000);
		reopen(&target);
	}
}
END_TEST

static void count_call(void *context)
{
	(*(int *)context)++;
}

START_TEST(without_a_position_it_begins_a_history_of_its_own)
{
	struct store_install *staged;
	struct store_position former, now;
	fill(&source);
	take_copy(&source);
	for (int i = 0; i < 2; i++) {
		store_get_position(target.store, &former);
		ck_assert_int_eq(stage(&staged), 0);
		ck_assert_int_eq(store_install_commit(&staged, &copy.end, NULL, UINT64_MAX, &target.fault), 0);
		store_get_position(target.store, &now);
		const uint64_t later = former.revision > copy.end.revision ? former.revision : copy.end.revision;
		ck_assert_uint_eq(now.revision, later + 1);
		ck_assert_uint_eq(store_fixture_revision(&target), later + 1);
		ck_assert(!id128_equal(&now.epoch, &former.epoch) && !id128_equal(&now.nonce, &former.nonce));
		ck_assert(!now.is_attached);
		expect_digest_is_right(&target);
	}
}
END_TEST

START_TEST(readers_are_told)
{
	struct store_reader *reader;
	int told = 0;
	ck_assert_int_eq(store_reader_create(target.store, count_call, &told, &reader), 0);
	fill(&source);
	take_copy(&source);
	install_well();
	ck_assert_int_eq(told, 1);
	store_reader_destroy(reader);
}
END_TEST

// ---------------------------------------------------------------- what is remembered

START_TEST(what_was_answered_is_answered_again)
{
	struct apply_response first, again;
	ck_assert_int_eq(apply_with_key(&source, change_put_tariff("t-1"), "key-1", &first), 0);
	ck_assert_int_eq(apply_with_key(&source, change_put_tariff("t-2"), "key-2", &again), 0);
	take_copy(&source);
	ck_assert_uint_eq(copy.end.remembered, 2);
	ck_assert_uint_eq(copy.end.records, 4);
	install_well();
	ck_assert_int_eq(apply_with_key(&target, change_put_tariff("t-1"), "key-1", &again), 0);
	ck_assert(again.replayed);
	ck_assert_uint_eq(again.revision, first.revision);
	ck_assert_int_eq(apply_with_key(&target, change_put_tariff("t-3"), "key-1", &again), -EEXIST);
	take_copy(&target);
	ck_assert_uint_eq(copy.end.remembered, 2);
	ck_assert_uint_eq(copy.records[2].remembered->number, 0);
	ck_assert_uint_eq(copy.records[3].modified_revision, 3);
}
END_TEST

// ---------------------------------------------------------------- the log

static uint64_t count_orphans(void)
{
	struct log_reader *reader;
	struct log_response page;
	struct arena arena;
	const struct log_request request = {.orphans = true, .page_size = 1000};
	arena_init(&arena, 4096, ARENA_BUDGET);
	ck_assert_int_eq(log_reader_create(target.store, &reader), 0);
	ck_assert_int_eq(log_read_page(reader, &request, &arena, &page), 0);
	const uint64_t count = page.entries_count;
	for (size_t i = 0; i + 1 < count; i++)
		ck_assert_uint_gt(page.entries[i].revision, page.entries[i + 1].revision);
	log_reader_destroy(reader);
	arena_finish(&arena);
	return count;
}

static void use_logs(void)
{
	struct store_fixture *const both[] = {&source, &target};
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		store_fixture_close(both[i]);
		both[i]->options.log_entries_max = LOG_ENTRIES_MAX_DEFAULT;
		both[i]->options.log_bytes_max = LOG_BYTES_MAX_DEFAULT;
		both[i]->options.log_age_max_s = LOG_AGE_MAX_DEFAULT_S;
		store_fixture_open(both[i]);
	}
}

START_TEST(the_former_log_is_dropped)
{
	struct store_status status;
	use_logs();
	fill(&target);
	take_copy(&source);
	install_well();
	store_get_status(target.store, &status);
	ck_assert_uint_eq(status.log_oldest_revision, 0);
	ck_assert_uint_eq(status.orphans, 0);
	apply(&target, change_put_tariff("t-9"));
	store_get_status(target.store, &status);
	ck_assert_uint_eq(status.log_oldest_revision, 2);
}
END_TEST

START_TEST(entries_beyond_the_common_ones_are_kept_aside)
{
	enum { COUNT = 600 };
	struct store_status status;
	use_logs();
	for (int i = 0; i < COUNT; i++)
		apply(&target, change_put_tariff(store_fixture_text("t-%d", i)));
	fill(&source);
	take_copy(&source);
	ck_assert_int_eq(install_after(5), 0);
	for (int i = 0; i < 2; i++) {
		store_get_status(target.store, &status);
		ck_assert_uint_eq(status.orphans, COUNT - 4);
		ck_assert_uint_eq(count_orphans(), COUNT - 4);
		reopen(&target);
	}
	take_copy(&source); // they stay through the next one
	ck_assert_int_eq(install(), 0);
	store_get_status(target.store, &status);
	ck_assert_uint_eq(status.orphans, COUNT - 4);
}
END_TEST

// Wait until the sweep is through: a new install begins only then.
static void wait_for_sweep(struct store_fixture *fixture)
{
	struct store_install *none;
	struct fault fault = {0};
	ck_assert_int_eq(store_install_begin(fixture->store, &none, &fault), 0);
	store_install_abort(none);
}

START_TEST(the_former_tables_are_emptied_in_pieces)
{
	struct store_status full, status;
	fill_much(&target, 20000);
	store_get_status(target.store, &full);
	fill(&source);
	take_copy(&source);
	install_well();
	if (_i == 1)
		reopen(&target); // a restart goes on with it
	apply(&target, change_put_customer("c-new", "while it is swept"));
	wait_for_sweep(&target);
	store_get_status(target.store, &status);
	ck_assert_uint_lt(status.bytes_used, full.bytes_used / 4);
	ck_assert_uint_eq(status.revision, copy.end.revision + 1);
}
END_TEST

// ---------------------------------------------------------------- meanwhile

struct traffic {
	struct store_reader *reader;
	_Atomic bool is_over;
	uint64_t answers;
	bool saw_new;
};

// Each image is one of the two states, whole.
static void *ask(void *argument)
{
	struct traffic *traffic = argument;
	struct id_key mine, theirs, customer;
	id_fold(ID_FOLD_PLAIN, bytes_from("mine"), &mine);
	id_fold(ID_FOLD_PLAIN, bytes_from("t-1"), &theirs);
	id_fold(ID_FOLD_PLAIN, bytes_from("customer-000499"), &customer);
	while (!atomic_load(&traffic->is_over)) {
		const struct image *image = store_pin(traffic->reader);
		const bool is_old = image_find(image, IMAGE_TARIFFS, &mine) != 0;
		const bool is_new = image_find(image, IMAGE_TARIFFS, &theirs) != 0;
		ck_assert(is_old != is_new);
		ck_assert(is_new == (image_find(image, IMAGE_CUSTOMERS, &customer) != 0));
		traffic->saw_new |= is_new;
		store_unpin(traffic->reader);
		traffic->answers++;
	}
	return NULL;
}

struct changes {
	_Atomic bool is_over;
	uint64_t applied;
};

static void *change_things(void *argument)
{
	struct changes *changes = argument;
	for (int i = 0; !atomic_load(&changes->is_over); i++) {
		struct test_job job;
		struct customer customer = {.id = BYTES_LITERAL("busy"), .name = BYTES_LITERAL("busy")};
		struct change change = {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer};
		test_job_init(&job, &change, 1);
		ck_assert_int_eq(test_job_submit(&job, target.store), 0);
		ck_assert_int_eq(test_job_wait(&job), 0);
		changes->applied++;
		test_job_finish(&job);
	}
	return NULL;
}

START_TEST(questions_and_changes_go_on_meanwhile)
{
	pthread_t asking, changing;
	struct traffic traffic = {0};
	struct changes changes = {0};
	fill_much(&source, 5000);
	apply(&target, change_put_tariff("mine"));
	take_copy(&source);
	ck_assert_int_eq(store_reader_create(target.store, NULL, NULL, &traffic.reader), 0);
	ck_assert_int_eq(pthread_create(&asking, NULL, ask, &traffic), 0);
	ck_assert_int_eq(pthread_create(&changing, NULL, change_things, &changes), 0);
	install_well();
	wait_for_sweep(&target);
	atomic_store(&traffic.is_over, true);
	atomic_store(&changes.is_over, true);
	pthread_join(asking, NULL);
	pthread_join(changing, NULL);
	store_reader_destroy(traffic.reader);
	ck_assert_uint_gt(changes.applied, 0);
	ck_assert(traffic.saw_new);
	expect_digest_is_right(&target);
	reopen(&target);
	expect_digest_is_right(&target);
}
END_TEST

// An entry made for the state before finds another one.
static void note_entry(struct store_entry *entry)
{
	atomic_store((_Atomic bool *)entry->context, true);
}

START_TEST(entries_that_wait_are_checked_against_the_new_position)
{
	struct test_gate gate;
	struct store_position position;
	_Atomic bool is_done = false;
	struct test_job job;
	struct change change = change_put_tariff("late");
	apply(&target, change_put_tariff("mine"));
	take_copy(&source);
	install_well();
	store_get_position(target.store, &position);
	position.epoch = id128_random(); // of the store before
	test_job_init(&job, &change, 1);
	struct store_entry entry = {.revision = position.revision + 1,
				    .epoch = position.epoch,
				    .prev = position.nonce,
				    .nonce = id128_random(),
				    .jobs = &job.job,
				    .done = note_entry,
				    .context = &is_done};
	test_gate_close(&gate, target.store);
	ck_assert_int_eq(store_submit_entry(target.store, &entry), 0);
	test_gate_open(&gate);
	reopen(&target);
	ck_assert(atomic_load(&is_done));
	ck_assert_int_eq(entry.result, -ESTALE);
	test_job_finish(&job);
}
END_TEST

static TCase *with_stores(const char *name)
{
	TCase *tcase = tcase_create(name);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("store/install");
	TCase *taking = with_stores("taking over");
	tcase_add_test(taking, a_store_becomes_what_the_snapshot_is);
	tcase_add_test(taking, an_image_goes_with_the_tables_of_its_own_install);
	tcase_add_test(taking, a_store_that_took_over_goes_on_as_the_other_one);
	tcase_add_test(taking, a_snapshot_can_be_taken_over_again_and_again);
	tcase_add_test(taking, the_position_is_the_one_that_was_asked_for);
	tcase_add_test(taking, without_a_position_it_begins_a_history_of_its_own);
	tcase_add_test(taking, readers_are_told);
	tcase_add_test(taking, what_was_answered_is_answered_again);
	tcase_add_test(taking, the_former_log_is_dropped);
	tcase_add_test(taking, entries_beyond_the_common_ones_are_kept_aside);
	suite_add_tcase(suite, taking);
	TCase *meanwhile = with_stores("meanwhile");
	tcase_add_loop_test(meanwhile, the_former_tables_are_emptied_in_pieces, 0, 2);
	tcase_add_test(meanwhile, questions_and_changes_go_on_meanwhile);
	tcase_add_test(meanwhile, entries_that_wait_are_checked_against_the_new_position);
	suite_add_tcase(suite, meanwhile);
	return unit_main(suite);
}
