// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/install_fixture.h"
#include "tests/unit/unit.h"

#include "proto/codec.h"
#include "proto/schema.h"
#include "store/digest.h"
#include "store/listing_impl.h"
#include "store/store_impl.h"

struct store_fixture source, target;
struct copy copy;

void setup(void)
{
	store_fixture_init(&source);
	store_fixture_init(&target);
	copy = (struct copy){0};
	arena_init(&copy.arena, 4096, ARENA_BUDGET);
}

void teardown(void)
{
	arena_finish(&copy.arena);
	free(copy.records);
	store_fixture_finish(&source);
	store_fixture_finish(&target);
}

void apply(struct store_fixture *fixture, struct change change)
{
	const int result = store_fixture_apply(fixture, change);
	ck_assert_msg(result == 0, "%s", fixture->fault.message);
}

void fill(struct store_fixture *fixture)
{
	apply(fixture, change_put_tariff("t-1"));
	apply(fixture, change_put_tariff("t-2"));
	apply(fixture, change_put_group("Office", "t-1"));
	apply(fixture, change_put_point("p-1", "NL*E1"));
	apply(fixture, change_attach_point("office", "p-1"));
	apply(fixture, change_put_customer("Customer-1", "one"));
	apply(fixture, change_put_customer("customer-with-a-rather-long-name", "two"));
	apply(fixture, change_put_token("04A1", "customer-1"));
	apply(fixture, change_put_foreign_token("X1", "DE", "8AA"));
	apply(fixture, change_attach_customer("office", "CUSTOMER-1", "t-2"));
}

// ---------------------------------------------------------------- a snapshot

// What a record is on the wire.
static int keep_record(void *context, const struct record *record)
{
	struct copy *kept = context;
	struct bytes encoded;
	struct record *decoded;
	struct fault fault = {0};
	ck_assert_int_eq(codec_encode(&schema_record, record, &kept->arena, &encoded), 0);
	ck_assert_int_eq(codec_decode(&schema_record, CODEC_TOLERANT, encoded, &kept->arena, &decoded, &fault), 0);
	if (kept->count == kept->limit) {
		kept->limit = kept->limit ? 2 * kept->limit : 64;
		kept->records = realloc(kept->records, kept->limit * sizeof(*kept->records));
	}
	kept->records[kept->count++] = *decoded;
	return 0;
}

void take_copy(struct store_fixture *fixture)
{
	struct listing *listing;
	struct fault fault = {0};
	const struct listing_walk walk = {
		.is_replica = true, .each = keep_record, .context = &copy, .arena = &copy.arena};
	copy.count = 0;
	ck_assert_int_eq(listing_create(fixture->store, &listing), 0);
	ck_assert_msg(listing_snapshot(listing, &walk, &copy.end, &fault) == 0, "%s", fault.message);
	listing_destroy(listing);
}

static struct store_position end_position(void)
{
	struct store_position position = {.revision = copy.end.revision};
	ck_assert_int_eq(id128_parse(copy.end.epoch, &position.epoch), 0);
	if (copy.end.nonce.size > 0)
		ck_assert_int_eq(id128_parse(copy.end.nonce, &position.nonce), 0);
	return position;
}

// Everything but the commit; one record at a time, gone after each call.
int stage(struct store_install **ret_install)
{
	target.fault = (struct fault){0};
	int result = store_install_begin(target.store, ret_install, &target.fault);
	for (size_t i = 0; result == 0 && i < copy.count; i++) {
		struct arena arena;
		struct bytes encoded;
		struct record *record;
		struct fault fault = {0};
		arena_init(&arena, 1024, ARENA_BUDGET);
		ck_assert_int_eq(codec_encode(&schema_record, &copy.records[i], &arena, &encoded), 0);
		ck_assert_int_eq(codec_decode(&schema_record, CODEC_TOLERANT, encoded, &arena, &record, &fault), 0);
		result = store_install_add(*ret_install, record, 1, &target.fault);
		arena_finish(&arena);
	}
	return result;
}

int install_after(uint64_t orphans_after)
{
	struct store_install *install = NULL;
	const struct store_position position = end_position();
	int result = stage(&install);
	if (result != 0) {
		store_install_abort(install);
		return result;
	}
	result = store_install_commit(&install, &copy.end, &position, orphans_after, &target.fault);
	ck_assert_ptr_null(install);
	return result;
}

int install(void)
{
	return install_after(UINT64_MAX);
}

void install_well(void)
{
	const int result = install();
	ck_assert_msg(result == 0, "%s", target.fault.message);
}

// ---------------------------------------------------------------- what a store has

void expect_same_state(void)
{
	struct store_status left, right;
	store_get_status(source.store, &left);
	store_get_status(target.store, &right);
	ck_assert_uint_eq(left.revision, right.revision);
	ck_assert(id128_equal(&left.digest, &right.digest));
	ck_assert(id128_equal(&left.epoch, &right.epoch));
	for (int i = 0; i < OBJECT_KINDS; i++)
		ck_assert_uint_eq(left.objects[i], right.objects[i]);
}

void expect_digest_is_right(struct store_fixture *fixture)
{
	struct db_read *read;
	struct store_status status;
	struct digest digest;
	uint64_t revision;
	ck_assert_int_eq(db_read_create(store_db(fixture->store), &read), 0);
	ck_assert_int_eq(db_read_start(read, &revision), 0);
	ck_assert_int_eq(db_compute_digest(read, &digest), 0);
	db_read_stop(read);
	db_read_destroy(read);
	store_get_status(fixture->store, &status);
	const struct id128 id = digest_id(&digest);
	ck_assert(id128_equal(&id, &status.digest));
	ck_assert_uint_eq(revision, status.revision);
}

static struct store_status before;

void remember_target(void)
{
	store_get_status(target.store, &before);
}

void expect_target_unchanged(void)
{
	struct store_status after;
	store_get_status(target.store, &after);
	ck_assert_uint_eq(before.revision, after.revision);
	ck_assert(id128_equal(&before.digest, &after.digest));
	ck_assert(id128_equal(&before.epoch, &after.epoch));
	ck_assert_uint_eq(before.log_oldest_revision, after.log_oldest_revision);
	expect_digest_is_right(&target);
}

void reopen(struct store_fixture *fixture)
{
	store_fixture_close(fixture);
	store_fixture_open(fixture);
}

void fill_much(struct store_fixture *fixture, int count)
{
	struct change *changes = calloc(500, sizeof(*changes));
	apply(fixture, change_put_tariff("t-1"));
	for (int done = 0; done < count; done += 500) {
		struct test_job job;
		for (int i = 0; i < 500; i++)
			changes[i] = change_put_customer(store_fixture_text("customer-%06d", done + i),
							 "a name that takes some room in the store");
		test_job_init(&job, changes, 500);
		ck_assert_int_eq(test_job_submit(&job, fixture->store), 0);
		ck_assert_int_eq(test_job_wait(&job), 0);
		test_job_finish(&job);
	}
	free(changes);
}
