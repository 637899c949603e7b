// SPDX-License-Identifier: Apache-2.0
// Attaching and detaching: points to groups, customers to groups, tariffs to customers.
#include "tests/unit/store/rules_fixture.h"
#include "tests/unit/store/rules_world.h"
#include "tests/unit/unit.h"

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

static const struct change_result *result(void)
{
	return &fixture.response.results[0];
}

// Ids, each with a comma after it.
static const char *join(const struct bytes *ids, size_t count)
{
	static char text[1024];
	int size = 0;
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		size += snprintf(text + size, sizeof(text) - (size_t)size, "%.*s,", BYTES_ARG(ids[i]));
	return text;
}

// The first change of a set changes so many ids and leaves these unchanged.
static void expect_changed(uint32_t changed, const char *unchanged, const char *changes)
{
	accept(changes);
	ck_assert_uint_eq(result()->changed, changed);
	ck_assert_int_eq(result()->outcome, changed > 0 ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_UNCHANGED);
	ck_assert_str_eq(join(result()->unchanged_ids, result()->unchanged_ids_count), unchanged);
}

static void expect_closed(const char *groups, const char *changes)
{
	accept(changes);
	ck_assert_str_eq(join(fixture.response.closed_charge_group_ids, fixture.response.closed_charge_group_ids_count),
			 groups);
}

static void expect_point(const char *key, const char *json)
{
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_POINTS, bytes_from(key)), json);
}

#define MEMBERSHIP(key) rules_fixture_stored(&fixture, DB_MEMBERSHIPS, BYTES_LITERAL(key))

// ---------------------------------------------------------------- charge points

START_TEST(points_are_attached_and_their_records_say_so)
{
	accept("{'put_charge_point':{'id':'p4','location_id':'l','evses':[{'evse_id':'e','connector_type':'t'}]}}");
	expect_changed(1, "P3,", ATTACH_POINTS("HOME", "'p4','P3'"));
	expect_point("P4", "{'id':'p4','location_id':'l','evses':[{'evse_id':'e','connector_type':'t'}],"
			   "'charge_group_id':'home'}");
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_POINTS, BYTES_LITERAL("P4")), 4);
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_POINTS, BYTES_LITERAL("P3")), 2);
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_GROUPS, BYTES_LITERAL("HOME")), 2);
}
END_TEST

START_TEST(a_point_named_twice_is_unchanged_the_second_time)
{
	expect_changed(1, "P4,", ATTACH_POINTS("home", "'p4','P4'"));
	expect_changed(1, "p4,", DETACH_POINTS("'p4','p4'"));
}
END_TEST

START_TEST(a_point_of_another_group_needs_move)
{
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].attach_charge_points.charge_point_ids[1]",
	       "charge point p1 is in charge group office; use move", ATTACH_POINTS("home", "'p4','P1'"));
	expect_point("P4", "{'id':'p4'}");
	expect_changed(2, "p3,", MOVE_POINTS("home", "'p4','P1','p3'"));
	expect_point("P1", "{'id':'p1','charge_group_id':'home'}");
}
END_TEST

START_TEST(points_and_groups_must_be_there_to_be_attached)
{
	refuse(STATUS_NOT_FOUND, "changes[0].attach_charge_points.charge_group_id", "charge group nowhere",
	       ATTACH_POINTS("nowhere", "'p4'"));
	refuse(STATUS_NOT_FOUND, "changes[0].attach_charge_points.charge_point_ids[1]", "charge point p9",
	       ATTACH_POINTS("home", "'p4','p9'"));
}
END_TEST

START_TEST(detaching_what_is_not_attached_changes_nothing)
{
	expect_changed(1, "p4,p9,", DETACH_POINTS("'p4','p9','p1'"));
	expect_point("P1", "{'id':'p1'}");
	expect_changed(0, "p1,", DETACH_POINTS("'p1'"));
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_POINTS, BYTES_LITERAL("P1")), 3);
}
END_TEST

START_TEST(a_point_put_and_attached_in_one_set_is_stored_with_both)
{
	accept("{'put_charge_point':{'id':'p5','location_id':'a'}}," ATTACH_POINTS(
		"office", "'p5'") ","
				  "{'put_charge_point':{'id':'P5','location_id':'b'}}," MOVE_POINTS("home", "'p5'"));
	expect_point("P5", "{'id':'P5','location_id':'b','charge_group_id':'home'}");
}
END_TEST

START_TEST(points_leave_the_chain_of_their_group_from_any_place)
{
	accept(ATTACH_POINTS("office", "'p4'") "," PUT_POINT("p5") "," ATTACH_POINTS("office", "'p5'"));
	accept(DETACH_POINTS("'p2'"));
	accept(DETACH_POINTS("'p5'"));
	accept(DETACH_POINTS("'p1'"));
	accept(DETACH_POINTS("'p4'"));
	expect_changed(2, "", ATTACH_POINTS("office", "'p1','p4'"));
}
END_TEST

// ---------------------------------------------------------------- customers

START_TEST(customers_are_attached_with_and_without_a_tariff)
{
	expect_changed(1, "C2,", ATTACH("OFFICE", "'c3','C2'"));
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C3"), "{'charge_group_id':'office','customer_id':'c3'}");
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C1"), "{'charge_group_id':'office','customer_id':'c1','tariff_id':'t2'}");
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_MEMBERSHIPS, BYTES_LITERAL("OFFICE\0C3")), 3);
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_CUSTOMERS, BYTES_LITERAL("C3")), 2);
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_GROUPS, BYTES_LITERAL("OFFICE")), 2);
}
END_TEST

START_TEST(attaching_again_keeps_the_override_unless_a_tariff_is_given)
{
	expect_changed(0, "c1,", ATTACH("office", "'c1'"));
	expect_changed(1, "", ATTACH_AT("office", "'c1'", "T3"));
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C1"), "{'charge_group_id':'office','customer_id':'c1','tariff_id':'t3'}");
	expect_changed(1, "c1,", ATTACH_AT("office", "'c1','c2'", "t3"));
}
END_TEST

START_TEST(detaching_forgets_the_override)
{
	accept(DETACH("office", "'c1'") "," ATTACH("office", "'c1'"));
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C1"), "{'charge_group_id':'office','customer_id':'c1'}");
	accept(DELETE("tariff", "t2"));
}
END_TEST

START_TEST(detaching_who_is_not_attached_changes_nothing)
{
	expect_changed(1, "c3,c9,", DETACH("office", "'c3','c2','c9'"));
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C2"), "");
	expect_changed(0, "c1,", DETACH("nowhere", "'c1'"));
}
END_TEST

START_TEST(customers_groups_and_tariffs_must_be_there)
{
	refuse(STATUS_NOT_FOUND, "changes[0].attach_customers.charge_group_id", "charge group nowhere",
	       ATTACH("nowhere", "'c1'"));
	refuse(STATUS_NOT_FOUND, "changes[0].attach_customers.customer_ids[1]", "customer c9",
	       ATTACH("office", "'c1','c9'"));
	refuse(STATUS_NOT_FOUND, "changes[0].attach_customers.tariff_id", "tariff t9",
	       ATTACH_AT("office", "'c1'", "t9"));
	refuse(STATUS_NOT_FOUND, "changes[0].set_customer_tariff.charge_group_id", "charge group nowhere",
	       SET_TARIFF("nowhere", "'c1'", "t1"));
	refuse(STATUS_NOT_FOUND, "changes[0].set_customer_tariff.tariff_id", "tariff t9",
	       SET_TARIFF("office", "'c1'", "t9"));
	refuse(STATUS_NOT_FOUND, "changes[0].set_customer_tariff.customer_ids[1]", "customer c9",
	       SET_TARIFF("office", "'c1','c9'", "t1"));
}
END_TEST

START_TEST(a_customers_tariff_is_set_and_taken_back)
{
	expect_changed(1, "c1,", SET_TARIFF("office", "'c1','c2'", "T2"));
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C2"), "{'charge_group_id':'office','customer_id':'c2','tariff_id':'t2'}");
	expect_changed(2, "", SET_TARIFF("office", "'c1','c2'", ""));
	ck_assert_str_eq(MEMBERSHIP("OFFICE\0C1"), "{'charge_group_id':'office','customer_id':'c1'}");
	expect_changed(0, "c1,", SET_TARIFF("office", "'c1'", ""));
}
END_TEST

START_TEST(who_is_not_attached_has_no_tariff_to_set)
{
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].set_customer_tariff.customer_ids[1]",
	       "customer c3 is not attached to charge group office", SET_TARIFF("office", "'c1','c3'", "t1"));
}
END_TEST

START_TEST(members_leave_both_chains_from_any_place)
{
	accept(ATTACH("home", "'c1','c2','c3'") "," ATTACH("office", "'c3'") "," PUT_GROUP("third", "t1") "," ATTACH(
		"third", "'c1','c2','c3'"));
	accept(DETACH("home", "'c2'"));
	accept(DETACH("office", "'c1','c3'"));
	accept(DETACH("third", "'c1'"));
	accept(DELETE("customer", "c3"));
	accept(DELETE("charge_group", "third"));
}
END_TEST

// ---------------------------------------------------------------- groups nobody can charge in

START_TEST(groups_left_with_nobody_are_named_in_order)
{
	expect_closed("new,", PUT_GROUP("new", "t1"));
	expect_closed("", DETACH("office", "'c1'"));
	expect_closed("Office,",
		      "{'put_charge_group':{'id':'Office','type':'OTHER','tariff_id':'t1'}}," DETACH("office", "'c2'"));
	expect_closed("home,Office,", ATTACH_POINTS("office", "'p4'") "," DETACH_POINTS("'p3'"));
	expect_closed("", ATTACH("office", "'c1'"));
	expect_closed("Office,", DELETE("customer", "c1"));
}
END_TEST

START_TEST(a_group_with_a_box_on_is_not_closed)
{
	expect_closed("", "{'put_charge_group':{'id':'a','type':'OTHER','tariff_id':'t1','open_to_roaming':true}}");
	expect_closed("",
		      "{'put_charge_group':{'id':'a','type':'OTHER','tariff_id':'t1','open_to_all_customers':true}}");
	expect_closed("a,", PUT_GROUP("a", "t1"));
}
END_TEST

START_TEST(what_counts_is_the_state_after_the_set)
{
	expect_closed("", PUT_GROUP("a", "t1") "," ATTACH("a", "'c1'"));
	expect_closed("", PUT_GROUP("b", "t1") "," DELETE("charge_group", "b"));
	expect_closed("B,", PUT_GROUP("b", "t1") "," DELETE("charge_group", "b") "," PUT_GROUP("B", "t1"));
	expect_closed("d,", PUT_GROUP("x", "t1") "," DELETE("charge_group", "x") "," PUT_GROUP("d", "t1"));
	expect_closed("c,", DELETE("charge_group", "B") "," PUT_GROUP("c", "t1"));
	expect_closed("", DELETE("charge_group", "a"));
}
END_TEST

START_TEST(moving_away_the_last_point_is_told_of_both_groups)
{
	expect_closed("home,", MOVE_POINTS("office", "'p3'"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("attach");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, points_are_attached_and_their_records_say_so);
	tcase_add_test(tcase, a_point_named_twice_is_unchanged_the_second_time);
	tcase_add_test(tcase, a_point_of_another_group_needs_move);
	tcase_add_test(tcase, points_and_groups_must_be_there_to_be_attached);
	tcase_add_test(tcase, detaching_what_is_not_attached_changes_nothing);
	tcase_add_test(tcase, a_point_put_and_attached_in_one_set_is_stored_with_both);
	tcase_add_test(tcase, points_leave_the_chain_of_their_group_from_any_place);
	tcase_add_test(tcase, customers_are_attached_with_and_without_a_tariff);
	tcase_add_test(tcase, attaching_again_keeps_the_override_unless_a_tariff_is_given);
	tcase_add_test(tcase, detaching_forgets_the_override);
	tcase_add_test(tcase, detaching_who_is_not_attached_changes_nothing);
	tcase_add_test(tcase, customers_groups_and_tariffs_must_be_there);
	tcase_add_test(tcase, a_customers_tariff_is_set_and_taken_back);
	tcase_add_test(tcase, who_is_not_attached_has_no_tariff_to_set);
	tcase_add_test(tcase, members_leave_both_chains_from_any_place);
	tcase_add_test(tcase, groups_left_with_nobody_are_named_in_order);
	tcase_add_test(tcase, a_group_with_a_box_on_is_not_closed);
	tcase_add_test(tcase, what_counts_is_the_state_after_the_set);
	tcase_add_test(tcase, moving_away_the_last_point_is_told_of_both_groups);
	Suite *suite = suite_create("store/rules_attach");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
