// SPDX-License-Identifier: Apache-2.0
// Sets: all or nothing, in order, under expectations, several in one commit.
#include "tests/unit/store/image_text.h"
#include "tests/unit/store/rules_fixture.h"
#include "tests/unit/store/rules_world.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

static struct rules_fixture fixture;

static void setup(void)
{
	rules_fixture_open(&fixture);
	rules_fixture_accept(&fixture, WORLD);
}

static void teardown(void)
{
	rules_fixture_close(&fixture);
}

static void accept(const char *changes)
{
	rules_fixture_accept(&fixture, changes);
}

static void refuse(enum status_code code, const char *field, const char *words, const char *changes)
{
	rules_fixture_refuse(&fixture, code, field, words, changes);
}

// A set within a commit that was begun; `fields` stand beside the changes: "'dry_run':true,".
static int try(const char *fields, const char *changes)
{
	char text[8192];
	snprintf(text, sizeof(text), "{%s'changes':[%s]}", fields, changes);
	return rules_fixture_try(&fixture, rules_fixture_parse(&fixture, text));
}

// A change under an expectation.
static const char *expecting(uint64_t revision, const char *change)
{
	static char text[1024];
	snprintf(text, sizeof(text), "%.*s,'expected_object_revision':'%llu'}", (int)strlen(change) - 1, change,
		 (unsigned long long)revision);
	return text;
}

static const char *creating(const char *change)
{
	static char text[1024];
	snprintf(text, sizeof(text), "%.*s,'create_only':true}", (int)strlen(change) - 1, change);
	return text;
}

static uint32_t find(enum image_slab slab, const char *id)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, bytes_from(id), &key);
	return image_find(rules_fixture_image(&fixture), slab, &key);
}

// ---------------------------------------------------------------- all or nothing

// Everything a rule can do, but for what comes last.
#define POINT9 "{'put_charge_point':{'id':'p9','evses':[{'evse_id':'e1'},{'evse_id':'e2'}]}}"
#define MUCH_NEW \
	PUT_TARIFF("t9") "," PUT_GROUP("new", "t9") "," PUT_CUSTOMER("c9") "," PUT_TOKEN("04FF", "c9") "," POINT9
#define MUCH_PLACES ATTACH_POINTS("new", "'p9'") "," MOVE_POINTS("new", "'p1'")
#define MUCH_MEMBERS \
	ATTACH_AT("new", "'c9','c1'", "t9") "," DETACH("office", "'c1'") "," SET_TARIFF("office", "'c2'", "t9")
#define MUCH_PUT PUT_TARIFF("T1") "," PUT_TOKEN("04:AC", "c3") "," DELETE_TOKEN("04AB")
#define MUCH_GONE DELETE("customer", "c2") "," DELETE("charge_point", "p2") "," DELETE("charge_group", "home")
#define MUCH_AGAIN DELETE("tariff", "t2") "," PUT_TARIFF("t2") "," PUT_CUSTOMER("c2")
#define MUCH MUCH_NEW "," MUCH_PLACES "," MUCH_MEMBERS "," MUCH_PUT "," MUCH_GONE "," MUCH_AGAIN

START_TEST(a_set_whose_last_change_fails_leaves_nothing)
{
	char *before = image_text(rules_fixture_image(&fixture));
	refuse(STATUS_NOT_FOUND, "changes[19].put_token.customer_id", "customer c8", MUCH "," PUT_TOKEN("05", "c8"));
	ck_assert_uint_eq(fixture.fault.change_number, 20);
	char *after = image_text(rules_fixture_image(&fixture));
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(rules_fixture_revision(&fixture), 2);
	free(before);
	free(after);
	accept(MUCH);
	ck_assert_uint_eq(find(IMAGE_GROUPS, "home"), 0);
}
END_TEST

START_TEST(a_refused_set_between_two_others_does_not_touch_them)
{
	rules_fixture_begin(&fixture);
	ck_assert_int_eq(try("", PUT_CUSTOMER("first") "," ATTACH_POINTS("home", "'p4'")), 0);
	const size_t writes = fixture.commit.writes_count;
	ck_assert_int_lt(try("", MUCH "," PUT_TOKEN("05", "c8")), 0);
	ck_assert_uint_eq(fixture.commit.writes_count, writes);
	ck_assert_int_eq(try("", PUT_CUSTOMER("second") "," MOVE_POINTS("office", "'p4'")), 0);
	rules_fixture_end(&fixture);
	ck_assert_uint_ne(find(IMAGE_CUSTOMERS, "first"), 0);
	ck_assert_uint_ne(find(IMAGE_CUSTOMERS, "second"), 0);
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "c9"), 0);
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_POINTS, BYTES_LITERAL("P4")),
			 "{'id':'p4','charge_group_id':'office'}");
}
END_TEST

START_TEST(each_change_sees_those_before_it)
{
	refuse(STATUS_NOT_FOUND, "changes[0].put_token.customer_id", "c9",
	       PUT_TOKEN("04FF", "c9") "," PUT_CUSTOMER("c9"));
	accept(PUT_CUSTOMER("c9") "," PUT_TOKEN("04FF", "c9") "," DELETE("customer", "c9"));
	ck_assert_uint_eq(fixture.response.results[2].deleted_tokens, 1);
	refuse(STATUS_NOT_FOUND, "changes[1].put_token.customer_id", "c1",
	       DELETE("customer", "c1") "," PUT_TOKEN("1", "c1"));
}
END_TEST

START_TEST(a_malformed_change_names_its_place_in_the_set)
{
	refuse(STATUS_INVALID_ARGUMENT, "changes[1].put_charge_point.evses[0].evse_id", "separators",
	       PUT_CUSTOMER("x") ",{'put_charge_point':{'id':'p','evses':[{'evse_id':'*'}]}}");
	ck_assert_uint_eq(fixture.fault.change_number, 2);
	refuse(STATUS_INVALID_ARGUMENT, "changes", "no changes", "");
	ck_assert_uint_eq(fixture.fault.change_number, 0);
}
END_TEST

START_TEST(the_same_set_again_changes_nothing_but_revisions)
{
	char *before = image_text(rules_fixture_image(&fixture));
	accept(WORLD);
	char *after = image_text(rules_fixture_image(&fixture));
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_CUSTOMERS, BYTES_LITERAL("C1")), 3);
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_MEMBERSHIPS, BYTES_LITERAL("OFFICE\0C1")), 2);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_dry_run_answers_and_leaves_nothing)
{
	rules_fixture_begin(&fixture);
	ck_assert_int_eq(try("'dry_run':true,", MUCH), 0);
	ck_assert_uint_eq(fixture.response.results_count, 19);
	ck_assert_uint_eq(fixture.response.results[13].deleted_tokens, 0);
	ck_assert_uint_eq(fixture.response.results[13].detached_customers, 1);
	ck_assert_uint_eq(fixture.response.closed_charge_group_ids_count, 1);
	ck_assert(bytes_equal(fixture.response.closed_charge_group_ids[0], BYTES_LITERAL("office")));
	ck_assert_uint_eq(fixture.commit.writes_count, 0);
	ck_assert_uint_eq(fixture.commit.sets_accepted, 0);
	ck_assert_int_lt(try("'dry_run':true,", PUT_TOKEN("1", "c8")), 0);
	rules_fixture_end(&fixture);
	ck_assert_uint_eq(rules_fixture_revision(&fixture), 2);
	ck_assert_uint_ne(find(IMAGE_GROUPS, "home"), 0);
}
END_TEST

// ---------------------------------------------------------------- expectations

START_TEST(an_expected_object_revision_must_be_the_last_one)
{
	accept(expecting(2, PUT_CUSTOMER("c1")));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision",
	       "customer c1 was last changed in revision 3, not 2", expecting(2, PUT_CUSTOMER("c1")));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision", "tariff t1", expecting(1, PUT_TARIFF("t1")));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision", "customer new does not exist",
	       expecting(2, PUT_CUSTOMER("new")));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision", "customer new",
	       expecting(2, DELETE("customer", "new")));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision", "token 04ab",
	       expecting(3, PUT_TOKEN("04ab", "c1")));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision", "token 04ab", expecting(3, DELETE_TOKEN("04ab")));
	accept(expecting(2, DELETE_TOKEN("04ab")));
	accept(expecting(2, PUT_GROUP("office", "t1")));
	accept(expecting(2, DELETE("charge_point", "p1")));
	accept(expecting(2, DELETE("tariff", "t3")));
	accept(expecting(5, DELETE("charge_group", "office")));
}
END_TEST

START_TEST(attaching_a_point_moves_its_revision)
{
	accept(ATTACH_POINTS("office", "'p4'"));
	refuse(STATUS_ABORTED, "changes[0].expected_object_revision", "charge point p4", expecting(2, PUT_POINT("p4")));
	accept(expecting(3, PUT_POINT("p4")));
}
END_TEST

START_TEST(within_a_set_an_expectation_is_about_the_state_before_it)
{
	char text[2048];
	snprintf(text, sizeof(text), "%s,%s", PUT_CUSTOMER("c1"), expecting(2, PUT_CUSTOMER("c1")));
	accept(text);
	snprintf(text, sizeof(text), "%s,%s", PUT_CUSTOMER("c4"), expecting(4, PUT_CUSTOMER("c4")));
	refuse(STATUS_ABORTED, "changes[1].expected_object_revision", "c4", text);
}
END_TEST

START_TEST(a_set_is_aborted_when_an_earlier_one_of_the_commit_touched_its_object)
{
	rules_fixture_begin(&fixture);
	ck_assert_int_eq(
		try("", PUT_CUSTOMER("c1") "," ATTACH_POINTS("home", "'p4'") "," DELETE("charge_group", "office")), 0);
	ck_assert_int_lt(try("", expecting(2, PUT_CUSTOMER("C1"))), 0);
	ck_assert_int_eq(fixture.fault.code, STATUS_ABORTED);
	ck_assert_int_lt(try("", expecting(2, PUT_POINT("p4"))), 0);
	ck_assert_int_eq(fixture.fault.code, STATUS_ABORTED);
	ck_assert_int_lt(try("", expecting(2, PUT_POINT("p1"))), 0); // detached by cascade
	ck_assert_int_eq(fixture.fault.code, STATUS_ABORTED);
	ck_assert_int_eq(try("", expecting(2, PUT_CUSTOMER("c2"))), 0);
	ck_assert_int_eq(try("", PUT_CUSTOMER("c1")), 0); // without an expectation
	rules_fixture_end(&fixture);
}
END_TEST

START_TEST(a_refused_set_touches_nothing)
{
	rules_fixture_begin(&fixture);
	ck_assert_int_lt(try("", PUT_CUSTOMER("c1") "," PUT_TOKEN("1", "c8")), 0);
	ck_assert_int_eq(try("'dry_run':true,", PUT_CUSTOMER("c1")), 0);
	ck_assert_int_eq(try("", expecting(2, PUT_CUSTOMER("c1"))), 0);
	rules_fixture_end(&fixture);
}
END_TEST

START_TEST(a_refused_set_leaves_what_earlier_sets_touched)
{
	rules_fixture_begin(&fixture);
	ck_assert_int_eq(try("", "{'put_charge_point':{'id':'p4','location_id':'first'}}"), 0);
	ck_assert_int_lt(try("", "{'put_charge_point':{'id':'p4','location_id':'second'}}," PUT_TOKEN("1", "c8")), 0);
	ck_assert_int_lt(try("", expecting(2, PUT_POINT("p4"))), 0);
	ck_assert_int_eq(fixture.fault.code, STATUS_ABORTED);
	ck_assert_int_eq(try("", ATTACH_POINTS("home", "'p4'")), 0);
	rules_fixture_end(&fixture);
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_POINTS, BYTES_LITERAL("P4")),
			 "{'id':'p4','location_id':'first','charge_group_id':'home'}");
}
END_TEST

START_TEST(create_only_refuses_what_is_there)
{
	refuse(STATUS_ALREADY_EXISTS, "changes[0].create_only", "tariff T1", creating(PUT_TARIFF("T1")));
	refuse(STATUS_ALREADY_EXISTS, "changes[0].create_only", "charge group office",
	       creating(PUT_GROUP("office", "t1")));
	refuse(STATUS_ALREADY_EXISTS, "changes[0].create_only", "charge point p1", creating(PUT_POINT("p1")));
	refuse(STATUS_ALREADY_EXISTS, "changes[0].create_only", "customer c1", creating(PUT_CUSTOMER("c1")));
	refuse(STATUS_ALREADY_EXISTS, "changes[0].create_only", "token 04aa", creating(PUT_TOKEN("04aa", "c1")));
	accept(creating(PUT_CUSTOMER("new")));
	char text[2048];
	snprintf(text, sizeof(text), "%s,%s", DELETE("customer", "c1"), creating(PUT_CUSTOMER("c1")));
	accept(text);
	snprintf(text, sizeof(text), "%s,%s", PUT_CUSTOMER("c7"), creating(PUT_CUSTOMER("c7")));
	refuse(STATUS_ALREADY_EXISTS, "changes[1].create_only", "customer c7", text);
}
END_TEST

START_TEST(a_set_with_an_expected_revision_comes_first_and_at_the_head)
{
	rules_fixture_begin(&fixture);
	ck_assert_int_lt(try("'expected_revision':'1',", PUT_CUSTOMER("x")), 0);
	ck_assert_int_eq(fixture.fault.code, STATUS_ABORTED);
	ck_assert_str_eq(fixture.fault.field, "expected_revision");
	ck_assert_str_eq(fixture.fault.message,
			 "expected revision 1, but the state is at revision 2; read again and repeat");
	ck_assert_int_lt(try("'expected_revision':'3',", PUT_CUSTOMER("x")), 0);
	ck_assert_str_eq(fixture.fault.message,
			 "expected revision 3, but the state is at revision 2; read again and repeat");
	ck_assert_int_eq(try("'dry_run':true,", PUT_CUSTOMER("x")), 0);
	ck_assert_int_eq(try("'expected_revision':'2',", DELETE("customer", "nobody")), 0);
	ck_assert_int_lt(try("'expected_revision':'2',", PUT_CUSTOMER("x")), 0);
	ck_assert_int_eq(fixture.fault.code, STATUS_ABORTED);
	ck_assert_str_eq(fixture.fault.message,
			 "expected revision 2, but a set after it is being committed; read again and repeat");
	ck_assert_int_eq(try("", PUT_CUSTOMER("x")), 0);
	rules_fixture_end(&fixture);
	ck_assert_uint_eq(rules_fixture_revision(&fixture), 3);
}
END_TEST

// ---------------------------------------------------------------- limits

static struct rules_limits limits;

static void begin_limited(size_t set_writes, size_t revision_writes)
{
	limits = rules_limits;
	limits.set.writes = set_writes;
	limits.revision.writes = revision_writes;
	rules_fixture_begin(&fixture);
	fixture.commit.limits = &limits;
}

// Deleting the group deletes three attachments as well.
#define CROWDED PUT_GROUP("crowd", "t1") "," ATTACH_AT("crowd", "'c1','c2','c3'", "t1")
enum { CROWDED_WRITES = 4 };

START_TEST(a_set_writes_as_much_as_its_limit_and_no_more)
{
	accept(CROWDED);
	char *before = image_text(rules_fixture_image(&fixture));
	begin_limited(CROWDED_WRITES - 1, SIZE_MAX);
	ck_assert_int_eq(try("", DELETE("charge_group", "crowd")), -E2BIG);
	rules_fixture_end(&fixture);
	ck_assert_int_eq(fixture.fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_str_eq(fixture.fault.field, "changes[0]");
	ck_assert_str_eq(fixture.fault.message,
			 "charge group crowd: the change set writes more than 3 records or 67108864 bytes; split it, "
			 "or first detach or delete in parts what goes with the object");
	char *after = image_text(rules_fixture_image(&fixture));
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	begin_limited(CROWDED_WRITES, SIZE_MAX);
	ck_assert_int_eq(try("", DELETE("charge_group", "crowd")), 0);
	ck_assert_uint_eq(fixture.commit.volume.writes, CROWDED_WRITES);
	rules_fixture_end(&fixture);
	ck_assert_uint_eq(find(IMAGE_GROUPS, "crowd"), 0);
}
END_TEST

START_TEST(a_set_that_is_too_large_can_be_done_in_parts)
{
	accept(CROWDED);
	begin_limited(CROWDED_WRITES - 1, SIZE_MAX);
	ck_assert_int_eq(try("", DETACH("crowd", "'c1','c2'")), 0);
	ck_assert_int_eq(try("", DELETE("charge_group", "crowd")), 0);
	rules_fixture_end(&fixture);
	ck_assert_uint_eq(find(IMAGE_GROUPS, "crowd"), 0);
}
END_TEST

// Of attached charge points the whole record is written again.
START_TEST(a_set_writes_as_many_bytes_as_its_limit_and_no_more)
{
	begin_limited(SIZE_MAX, SIZE_MAX);
	ck_assert_int_eq(try("'dry_run':true,", DELETE("charge_group", "office")), 0);
	const size_t bytes = fixture.commit.volume.bytes;
	ck_assert_uint_gt(bytes, 10);
	limits.set.bytes = bytes - 1;
	ck_assert_int_eq(try("'dry_run':true,", DELETE("charge_group", "office")), -E2BIG);
	limits.set.bytes = bytes;
	ck_assert_int_eq(try("'dry_run':true,", DELETE("charge_group", "office")), 0);
	limits.revision.bytes = fixture.commit.volume.bytes + bytes - 1;
	ck_assert_int_eq(try("'dry_run':true,", DELETE("charge_group", "office")), -E2BIG);
	ck_assert_ptr_nonnull(strstr(fixture.fault.message, "send it again"));
	rules_fixture_end(&fixture);
}
END_TEST

// Memory that a refused set took is not given back before the commit is over.
START_TEST(the_sets_of_a_revision_share_a_limit_and_refused_ones_count)
{
	accept(CROWDED);
	begin_limited(CROWDED_WRITES, CROWDED_WRITES + 2);
	ck_assert_int_eq(try("", DELETE("charge_group", "crowd") "," PUT_CUSTOMER("x")), -E2BIG);
	ck_assert_uint_eq(fixture.commit.volume.writes, CROWDED_WRITES);
	ck_assert_uint_eq(fixture.commit.writes_count, 0);
	ck_assert_int_eq(try("", PUT_CUSTOMER("x") "," PUT_CUSTOMER("y")), 0);
	ck_assert_int_eq(try("", PUT_CUSTOMER("z")), -E2BIG);
	ck_assert_int_eq(fixture.fault.code, STATUS_RESOURCE_EXHAUSTED);
	ck_assert_str_eq(fixture.fault.field, "changes[0]");
	ck_assert_str_eq(fixture.fault.message, "customer z: together with others of the same moment the change set "
						"writes more than 6 records or 134217728 bytes; send it again");
	ck_assert_int_eq(try("", DETACH("crowd", "'nobody'")), 0); // writes nothing
	rules_fixture_end(&fixture);
	ck_assert_uint_ne(find(IMAGE_CUSTOMERS, "y"), 0);
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "z"), 0);
}
END_TEST

// ---------------------------------------------------------------- memory

START_TEST(a_set_the_memory_does_not_suffice_for_is_refused_whole)
{
	char *before = image_text(rules_fixture_image(&fixture));
	size_t refused = 0;
	for (size_t budget = 0;; budget += 512) {
		struct arena small;
		arena_init(&small, 1024, budget);
		rules_fixture_begin(&fixture);
		fixture.commit.arena = &small;
		const int error = try("'dry_run':true,", MUCH);
		rules_fixture_end(&fixture);
		arena_finish(&small);
		if (error == 0)
			break;
		ck_assert_int_eq(fixture.fault.code, STATUS_RESOURCE_EXHAUSTED);
		refused++;
	}
	char *after = image_text(rules_fixture_image(&fixture));
	ck_assert_str_eq(before, after);
	ck_assert_uint_gt(refused, 10);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_response_the_memory_does_not_suffice_for_is_refused)
{
	size_t refused = 0;
	for (size_t budget = 0;; budget += 16) {
		struct arena small;
		arena_init(&small, 64, budget);
		rules_fixture_begin(&fixture);
		fixture.commit.response_arena = &small;
		const int error = try("'dry_run':true,", MUCH);
		rules_fixture_end(&fixture);
		arena_finish(&small);
		if (error == 0)
			break;
		ck_assert_int_eq(fixture.fault.code, STATUS_RESOURCE_EXHAUSTED);
		refused++;
	}
	ck_assert_uint_gt(refused, 10);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("sets");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_set_whose_last_change_fails_leaves_nothing);
	tcase_add_test(tcase, a_refused_set_between_two_others_does_not_touch_them);
	tcase_add_test(tcase, each_change_sees_those_before_it);
	tcase_add_test(tcase, a_malformed_change_names_its_place_in_the_set);
	tcase_add_test(tcase, the_same_set_again_changes_nothing_but_revisions);
	tcase_add_test(tcase, a_dry_run_answers_and_leaves_nothing);
	tcase_add_test(tcase, an_expected_object_revision_must_be_the_last_one);
	tcase_add_test(tcase, attaching_a_point_moves_its_revision);
	tcase_add_test(tcase, within_a_set_an_expectation_is_about_the_state_before_it);
	tcase_add_test(tcase, a_set_is_aborted_when_an_earlier_one_of_the_commit_touched_its_object);
	tcase_add_test(tcase, a_refused_set_touches_nothing);
	tcase_add_test(tcase, a_refused_set_leaves_what_earlier_sets_touched);
	tcase_add_test(tcase, create_only_refuses_what_is_there);
	tcase_add_test(tcase, a_set_with_an_expected_revision_comes_first_and_at_the_head);
	tcase_add_test(tcase, a_set_writes_as_much_as_its_limit_and_no_more);
	tcase_add_test(tcase, a_set_that_is_too_large_can_be_done_in_parts);
	tcase_add_test(tcase, a_set_writes_as_many_bytes_as_its_limit_and_no_more);
	tcase_add_test(tcase, the_sets_of_a_revision_share_a_limit_and_refused_ones_count);
	tcase_add_test(tcase, a_set_the_memory_does_not_suffice_for_is_refused_whole);
	tcase_add_test(tcase, a_response_the_memory_does_not_suffice_for_is_refused);
	Suite *suite = suite_create("store/rules");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
