// SPDX-License-Identifier: Apache-2.0
// Putting and deleting each kind of object: what is stored, what is refused, what goes with it.
#include "tests/unit/store/rules_fixture.h"
#include "tests/unit/store/rules_world.h"
#include "tests/unit/unit.h"

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

// The result of the first change of the last set.
static const struct change_result *result(void)
{
	return &fixture.response.results[0];
}

static void expect_outcome(enum change_outcome outcome, const char *change)
{
	accept(change);
	ck_assert_int_eq(result()->outcome, outcome);
}

static void expect_stored(enum db_table table, const char *key, const char *json)
{
	ck_assert_str_eq(rules_fixture_stored(&fixture, table, bytes_from(key)), json);
}

#define TOKEN_KEY(text) ((struct bytes){.data = (text), .size = sizeof(text) - 1})

static uint32_t find(enum image_slab slab, const char *id)
{
	struct id_key key;
	id_fold(slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN, bytes_from(id), &key);
	return image_find(rules_fixture_image(&fixture), slab, &key);
}

// ---------------------------------------------------------------- outcomes

START_TEST(a_put_creates_then_updates_and_a_delete_deletes_once)
{
	expect_outcome(CHANGE_OUTCOME_CREATED, PUT_TARIFF("new"));
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_TARIFF("NEW"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("tariff", "new"));
	expect_outcome(CHANGE_OUTCOME_UNCHANGED, DELETE("tariff", "new"));
	expect_outcome(CHANGE_OUTCOME_CREATED, PUT_GROUP("new", "t1"));
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_GROUP("New", "t1"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("charge_group", "neW"));
	expect_outcome(CHANGE_OUTCOME_UNCHANGED, DELETE("charge_group", "new"));
	expect_outcome(CHANGE_OUTCOME_CREATED, PUT_POINT("new"));
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_POINT("new"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("charge_point", "new"));
	expect_outcome(CHANGE_OUTCOME_UNCHANGED, DELETE("charge_point", "new"));
	expect_outcome(CHANGE_OUTCOME_CREATED, PUT_CUSTOMER("new"));
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_CUSTOMER("new"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("customer", "new"));
	expect_outcome(CHANGE_OUTCOME_UNCHANGED, DELETE("customer", "new"));
	expect_outcome(CHANGE_OUTCOME_CREATED, PUT_TOKEN("04FF", "c1"));
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_TOKEN("04:ff", "c1"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE_TOKEN("04-FF"));
	expect_outcome(CHANGE_OUTCOME_UNCHANGED, DELETE_TOKEN("04FF"));
}
END_TEST

START_TEST(objects_are_stored_whole_under_their_compare_form)
{
	accept("{'put_charge_group':{'id':'Depot','name':'Dépôt','additional_information':'a\\nb','type':'HOME',"
	       "'tariff_id':'T1','prepaid_tariff_id':'t2','open_to_all_customers':true,'open_to_roaming':true,"
	       "'user_group':'Acme'}},"
	       "{'put_charge_point':{'id':'Cp-9','location_id':'loc','home_charger':true,'time_zone':'Europe/Paris',"
	       "'evses':[{'evse_id':'NL*A','connector_type':'IEC_62196_T2'},{'evse_id':'NL*B'}]}},"
	       "{'put_customer':{'id':'Cust','name':'Jan','user_group':'Acme','payment':'PREPAID','blocked':true,"
	       "'no_credit':true}},"
	       "{'put_token':{'uid':'04:ab:cd','type':'RFID','customer_id':'cust','contract_id':'NL-1',"
	       "'visual_number':'№ 1','parent_id':'Pa','blocked':true,'valid_from':'5','valid_until':'6',"
	       "'whitelist':'ALWAYS','roaming_allowed':true}}");
	expect_stored(DB_GROUPS, "DEPOT",
		      "{'id':'Depot','name':'Dépôt','additional_information':'a\\nb','type':'HOME',"
		      "'tariff_id':'T1','prepaid_tariff_id':'t2','open_to_all_customers':true,'open_to_roaming':true,"
		      "'user_group':'Acme'}");
	expect_stored(DB_POINTS, "CP-9",
		      "{'id':'Cp-9','location_id':'loc','home_charger':true,"
		      "'evses':[{'evse_id':'NL*A','connector_type':'IEC_62196_T2'},{'evse_id':'NL*B'}],"
		      "'time_zone':'Europe/Paris'}");
	expect_stored(DB_CUSTOMERS, "CUST",
		      "{'id':'Cust','name':'Jan','user_group':'Acme','payment':'PREPAID','blocked':true,"
		      "'no_credit':true}");
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_TOKENS, TOKEN_KEY("\0\0\00104ABCD")),
			 "{'uid':'04:ab:cd','type':'RFID','customer_id':'cust','contract_id':'NL-1',"
			 "'visual_number':'№ 1','parent_id':'Pa','blocked':true,'valid_from':'5','valid_until':'6',"
			 "'whitelist':'ALWAYS','roaming_allowed':true}");
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_GROUPS, BYTES_LITERAL("DEPOT")), 3);
}
END_TEST

START_TEST(the_index_holds_what_a_decision_needs)
{
	accept("{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t1','prepaid_tariff_id':'t2',"
	       "'open_to_roaming':true,'user_group':'Acme'}},"
	       "{'put_customer':{'id':'c','user_group':'ACME','payment':'PREPAID','no_credit':true}},"
	       "{'put_token':{'uid':'u','type':'EMAID','issuer':{'country_code':'nl','party_id':'tnm'},"
	       "'parent_id':'Pa','valid_from':5,'roaming_allowed':true}}");
	const struct image *image = rules_fixture_image(&fixture);
	const struct group_record *group = image_group(image, find(IMAGE_GROUPS, "G"));
	const struct customer_record *customer = image_customer(image, find(IMAGE_CUSTOMERS, "C"));
	const struct issuer issuer = {BYTES_LITERAL("NL"), BYTES_LITERAL("TNM")};
	const uint32_t handle = image_find_token(image, &issuer, TOKEN_TYPE_EMAID, BYTES_LITERAL("U"));
	ck_assert_uint_ne(handle, 0);
	const struct token_record *token = image_token(image, handle);
	ck_assert_int_eq(group->flags, GROUP_OPEN_TO_ROAMING);
	ck_assert_uint_eq(group->user_group, customer->user_group);
	ck_assert_uint_eq(group->prepaid_tariff, find(IMAGE_TARIFFS, "T2"));
	ck_assert_int_eq(customer->flags, CUSTOMER_PREPAID | CUSTOMER_NO_CREDIT);
	ck_assert(bytes_equal(image_string(image, token->owner), BYTES_LITERAL("nltnm")));
	ck_assert(bytes_equal(image_string(image, token->parent_id), BYTES_LITERAL("Pa")));
	ck_assert_int_eq(token->whitelist, WHITELIST_NEVER);
	ck_assert_int_eq(token->valid_from, 5);
	ck_assert_int_eq(token->flags, TOKEN_FOREIGN | TOKEN_ROAMING_ALLOWED);
}
END_TEST

START_TEST(a_put_replaces_the_object_and_keeps_its_attachments)
{
	accept("{'put_charge_group':{'id':'OFFICE','type':'HOME','tariff_id':'t3'}},{'put_charge_point':{'id':'P1',"
	       "'charge_group_id':'home'}},{'put_customer':{'id':'C1','name':'n'}}");
	expect_stored(DB_GROUPS, "OFFICE", "{'id':'OFFICE','type':'HOME','tariff_id':'t3'}");
	expect_stored(DB_POINTS, "P1", "{'id':'P1','charge_group_id':'OFFICE'}");
	const struct image *image = rules_fixture_image(&fixture);
	ck_assert_uint_eq(image_group(image, find(IMAGE_GROUPS, "office"))->points_count, 2);
	ck_assert_uint_eq(image_group(image, find(IMAGE_GROUPS, "office"))->memberships_count, 2);
	ck_assert_uint_ne(image_customer(image, find(IMAGE_CUSTOMERS, "c1"))->first_token, 0);
}
END_TEST

// ---------------------------------------------------------------- references

START_TEST(references_to_what_is_not_there_are_not_found)
{
	refuse(STATUS_NOT_FOUND, "changes[0].put_charge_group.tariff_id", "tariff t9", PUT_GROUP("new", "t9"));
	refuse(STATUS_NOT_FOUND, "changes[0].put_charge_group.prepaid_tariff_id", "tariff t9",
	       "{'put_charge_group':{'id':'new','type':'HOME','tariff_id':'t1','prepaid_tariff_id':'t9'}}");
	refuse(STATUS_NOT_FOUND, "changes[1].put_token.customer_id", "customer c9",
	       PUT_CUSTOMER("new") "," PUT_TOKEN("04FF", "c9"));
	ck_assert_uint_eq(fixture.fault.change_number, 2);
	refuse(STATUS_NOT_FOUND, "changes[0].put_token.customer_id", "customer c9", PUT_TOKEN("04AA", "c9"));
}
END_TEST

// ---------------------------------------------------------------- tariffs

START_TEST(a_tariff_in_use_cannot_be_deleted_and_the_message_says_where)
{
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].delete_tariff.id", "charge group", DELETE("tariff", "T1"));
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].delete_tariff.id", "customer c1 in charge group office",
	       DELETE("tariff", "t2"));
	accept("{'put_charge_group':{'id':'home','type':'HOME','tariff_id':'t1','prepaid_tariff_id':'t3'}}");
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].delete_tariff.id", "prepaid tariff of charge group home",
	       DELETE("tariff", "t3"));
}
END_TEST

START_TEST(a_tariff_can_be_deleted_after_its_last_use)
{
	accept(SET_TARIFF("office", "'c1'", "t3") "," DELETE("tariff", "t2"));
	accept(DETACH("office", "'c1'") "," DELETE("tariff", "t3"));
	accept(PUT_TARIFF("t4") "," PUT_GROUP("office", "t4") "," PUT_GROUP("home", "t4") "," DELETE("tariff", "t1"));
	accept("{'put_charge_group':{'id':'home','type':'HOME','tariff_id':'t4','prepaid_tariff_id':'t4'}}");
	accept(DELETE("charge_group", "office"));
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].delete_tariff.id", "home", DELETE("tariff", "t4"));
	accept(DELETE("charge_group", "home") "," DELETE("tariff", "t4"));
}
END_TEST

START_TEST(overrides_go_with_group_customer_and_membership)
{
	accept(ATTACH_AT("home", "'c1','c2'", "t3"));
	accept(DELETE("customer", "c1"));
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].delete_tariff.id", "customer c2", DELETE("tariff", "t3"));
	accept(DELETE("charge_group", "home"));
	accept(DELETE("tariff", "t3") "," DELETE("tariff", "t2"));
}
END_TEST

// ---------------------------------------------------------------- charge points

START_TEST(an_evse_of_another_point_is_refused_naming_both)
{
	accept("{'put_charge_point':{'id':'p1','evses':[{'evse_id':'NL*EVC*E1'}]}}");
	refuse(STATUS_FAILED_PRECONDITION, "changes[0].put_charge_point.evses[1].evse_id",
	       "EVSE nlevce1 belongs to charge point p1",
	       "{'put_charge_point':{'id':'p2','evses':[{'evse_id':'x'},{'evse_id':'nlevce1'}]}}");
	accept("{'put_charge_point':{'id':'p1','evses':[{'evse_id':'NLEVCE1'},{'evse_id':'y'}]}}");
	accept(PUT_POINT("p1") ",{'put_charge_point':{'id':'p2','evses':[{'evse_id':'nlevce1'},{'evse_id':'y'}]}}");
	const uint32_t evse = find(IMAGE_EVSES, "NL*EVC*E1");
	ck_assert_uint_eq(image_evse(rules_fixture_image(&fixture), evse)->point, find(IMAGE_POINTS, "p2"));
}
END_TEST

START_TEST(evses_stay_in_their_order_and_go_with_the_point)
{
	accept("{'put_charge_point':{'id':'p1','evses':[{'evse_id':'b'},{'evse_id':'a'},{'evse_id':'c'}]}}");
	const struct image *image = rules_fixture_image(&fixture);
	uint32_t evse = image_point(image, find(IMAGE_POINTS, "p1"))->first_evse;
	for (const char *id = "bac"; *id != '\0'; id++, evse = image_evse(image, evse)->next_of_point)
		ck_assert_int_eq(*image_id(image, &image_evse(image, evse)->id).data, *id);
	ck_assert_uint_eq(evse, 0);
	accept(DELETE("charge_point", "p1"));
	ck_assert_uint_eq(find(IMAGE_EVSES, "a"), 0);
	ck_assert_uint_eq(rules_fixture_image(&fixture)->slabs[IMAGE_EVSES].count, 0);
}
END_TEST

START_TEST(deleting_a_point_detaches_it)
{
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("charge_point", "p1"));
	ck_assert_uint_eq(result()->detached_charge_points, 1);
	accept(PUT_POINT("p1"));
	expect_stored(DB_POINTS, "P1", "{'id':'p1'}");
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("charge_point", "p4"));
	ck_assert_uint_eq(result()->detached_charge_points, 0);
}
END_TEST

// ---------------------------------------------------------------- groups and customers

START_TEST(deleting_a_group_detaches_its_points_and_customers)
{
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("charge_group", "office"));
	ck_assert_uint_eq(result()->detached_charge_points, 2);
	ck_assert_uint_eq(result()->detached_customers, 2);
	expect_stored(DB_POINTS, "P1", "{'id':'p1'}");
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_POINTS, BYTES_LITERAL("P2")), 3);
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_MEMBERSHIPS, BYTES_LITERAL("OFFICE\0C1")), "");
	ck_assert_uint_eq(rules_fixture_modified(&fixture, DB_CUSTOMERS, BYTES_LITERAL("C1")), 2);
	accept(PUT_GROUP("office", "t1"));
	ck_assert_uint_eq(fixture.response.closed_charge_group_ids_count, 1);
}
END_TEST

START_TEST(deleting_a_customer_leaves_nothing_that_names_it)
{
	accept(ATTACH("home", "'c1'"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("customer", "C1"));
	ck_assert_uint_eq(result()->deleted_tokens, 2);
	ck_assert_uint_eq(result()->detached_customers, 2);
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_TOKENS, TOKEN_KEY("\0\0\00104AA")), "");
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_TOKENS, TOKEN_KEY("\0\0\00104AB")), "");
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_MEMBERSHIPS, BYTES_LITERAL("HOME\0C1")), "");
	ck_assert_str_ne(rules_fixture_stored(&fixture, DB_TOKENS, TOKEN_KEY("DE\0008EO\0\00104AA")), "");
	accept(PUT_CUSTOMER("c1"));
	const struct image *image = rules_fixture_image(&fixture);
	ck_assert_uint_eq(image_customer(image, find(IMAGE_CUSTOMERS, "c1"))->first_token, 0);
}
END_TEST

// ---------------------------------------------------------------- tokens

START_TEST(a_card_may_move_to_another_customer)
{
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_TOKEN("04:AA", "c2"));
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_TOKENS, TOKEN_KEY("\0\0\00104AA")),
			 "{'uid':'04:AA','type':'RFID','customer_id':'c2'}");
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("customer", "c1"));
	ck_assert_uint_eq(result()->deleted_tokens, 1);
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("customer", "c2"));
	ck_assert_uint_eq(result()->deleted_tokens, 2);
}
END_TEST

START_TEST(cards_leave_the_chain_of_their_customer_from_any_place)
{
	accept(PUT_TOKEN("01", "c3") "," PUT_TOKEN("02", "c3") "," PUT_TOKEN("03", "c3") "," PUT_TOKEN("04", "c3"));
	accept(DELETE_TOKEN("02"));
	accept(DELETE_TOKEN("04"));
	accept(PUT_TOKEN("01", "c2"));
	expect_outcome(CHANGE_OUTCOME_DELETED, DELETE("customer", "c3"));
	ck_assert_uint_eq(result()->deleted_tokens, 1);
}
END_TEST

START_TEST(a_token_is_known_by_issuer_type_and_uid)
{
	expect_outcome(CHANGE_OUTCOME_CREATED, "{'put_token':{'uid':'04AA','type':'OTHER','customer_id':'c1'}}");
	expect_outcome(CHANGE_OUTCOME_CREATED, PUT_FOREIGN("04AA", "DE", "8EX"));
	expect_outcome(CHANGE_OUTCOME_UPDATED, PUT_FOREIGN("04-aa", "de", "8eo"));
	expect_outcome(CHANGE_OUTCOME_UNCHANGED,
		       "{'delete_token':{'uid':'04AA','type':'RFID','issuer':{'country_code':'NL','party_id':'8EO'}}}");
	expect_outcome(CHANGE_OUTCOME_DELETED,
		       "{'delete_token':{'uid':'04AA','type':'RFID','issuer':{'country_code':'DE','party_id':'8EO'}}}");
	expect_outcome(CHANGE_OUTCOME_DELETED, "{'delete_token':{'uid':'04AA','type':'RFID','issuer':{}}}");
	expect_outcome(CHANGE_OUTCOME_UNCHANGED, DELETE_TOKEN("04AA"));
}
END_TEST

START_TEST(an_empty_issuer_is_none)
{
	accept("{'put_token':{'uid':'05','type':'RFID','customer_id':'c1','issuer':{}}}");
	ck_assert_str_eq(rules_fixture_stored(&fixture, DB_TOKENS, TOKEN_KEY("\0\0\00105")),
			 "{'uid':'05','type':'RFID','customer_id':'c1'}");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("objects");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_put_creates_then_updates_and_a_delete_deletes_once);
	tcase_add_test(tcase, objects_are_stored_whole_under_their_compare_form);
	tcase_add_test(tcase, the_index_holds_what_a_decision_needs);
	tcase_add_test(tcase, a_put_replaces_the_object_and_keeps_its_attachments);
	tcase_add_test(tcase, references_to_what_is_not_there_are_not_found);
	tcase_add_test(tcase, a_tariff_in_use_cannot_be_deleted_and_the_message_says_where);
	tcase_add_test(tcase, a_tariff_can_be_deleted_after_its_last_use);
	tcase_add_test(tcase, overrides_go_with_group_customer_and_membership);
	tcase_add_test(tcase, an_evse_of_another_point_is_refused_naming_both);
	tcase_add_test(tcase, evses_stay_in_their_order_and_go_with_the_point);
	tcase_add_test(tcase, deleting_a_point_detaches_it);
	tcase_add_test(tcase, deleting_a_group_detaches_its_points_and_customers);
	tcase_add_test(tcase, deleting_a_customer_leaves_nothing_that_names_it);
	tcase_add_test(tcase, a_card_may_move_to_another_customer);
	tcase_add_test(tcase, cards_leave_the_chain_of_their_customer_from_any_place);
	tcase_add_test(tcase, a_token_is_known_by_issuer_type_and_uid);
	tcase_add_test(tcase, an_empty_issuer_is_none);
	Suite *suite = suite_create("store/rules_objects");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
