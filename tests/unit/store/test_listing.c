// SPDX-License-Identifier: Apache-2.0
// Get, search, visible, permitted, snapshot: what is answered and what is refused.
#include "tests/unit/store/listing_fixture.h"
#include "tests/unit/store/rules_world.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct listing_fixture fixture;

static void setup(void)
{
	listing_fixture_open(&fixture);
	listing_fixture_accept(&fixture, WORLD);
}

static void teardown(void)
{
	listing_fixture_close(&fixture);
}

static void accept(const char *changes)
{
	listing_fixture_accept(&fixture, changes);
}

static void expect_get(const char *record, const char *request)
{
	const char *answer = listing_fixture_get(&fixture, request);
	ck_assert_msg(answer != NULL, "%s: %s", request, fixture.fault.message);
	ck_assert_str_eq(answer, record);
}

static void refuse_get(enum status_code code, const char *field, const char *request)
{
	ck_assert_ptr_null(listing_fixture_get(&fixture, request));
	listing_fixture_refused(&fixture, code, field);
}

static void expect_search(const char *ids, const char *request)
{
	const char *answer = listing_fixture_search(&fixture, request, false);
	ck_assert_msg(answer != NULL, "%s: %s", request, fixture.fault.message);
	ck_assert_msg(strcmp(answer, ids) == 0, "%s: %s, not %s", request, answer, ids);
	ck_assert_uint_eq(fixture.page_token.size, 0);
}

static void refuse_search(enum status_code code, const char *field, const char *request)
{
	ck_assert_ptr_null(listing_fixture_search(&fixture, request, false));
	listing_fixture_refused(&fixture, code, field);
}

static void expect_visible(const char *ids, const char *request)
{
	const char *answer = listing_fixture_visible(&fixture, request, false);
	ck_assert_msg(answer != NULL, "%s: %s", request, fixture.fault.message);
	ck_assert_str_eq(answer, ids);
}

static void expect_permitted(const char *response, const char *request)
{
	const char *answer = listing_fixture_permitted(&fixture, request, false);
	ck_assert_msg(answer != NULL, "%s: %s", request, fixture.fault.message);
	ck_assert_str_eq(answer, response);
}

static void refuse_permitted(enum status_code code, const char *field, const char *request)
{
	ck_assert_ptr_null(listing_fixture_permitted(&fixture, request, false));
	listing_fixture_refused(&fixture, code, field);
}

// ---------------------------------------------------------------- get

START_TEST(get_answers_each_kind_of_object)
{
	expect_get("{'modified_revision':'2','tariff':{'id':'t1','currency':'EUR','elements':[{'price_components':"
		   "[{'type':'FLAT','price':1}]}]}}",
		   "'kind':'TARIFF','id':'T1'");
	expect_get("{'modified_revision':'2','charge_group':{'id':'office','type':'OTHER','tariff_id':'t1'}}",
		   "'kind':'CHARGE_GROUP','id':'Office'");
	expect_get("{'modified_revision':'2','charge_point':{'id':'p1','charge_group_id':'office'}}",
		   "'kind':'CHARGE_POINT','id':'p1'");
	expect_get("{'modified_revision':'2','customer':{'id':'c1'}}", "'kind':'CUSTOMER','id':'C1'");
	expect_get("{'modified_revision':'2','membership':{'charge_group_id':'office','customer_id':'c1',"
		   "'tariff_id':'t2'}}",
		   "'kind':'MEMBERSHIP','id':'Office','customer_id':'C1'");
}
END_TEST

START_TEST(get_finds_tokens_by_the_rules_of_looking_up)
{
	accept("{'put_token':{'uid':'04AA','type':'OTHER','customer_id':'c2'}}," PUT_FOREIGN("04AA", "AT", "EVN"));
	expect_get("{'modified_revision':'2','token':{'uid':'04AA','type':'RFID','customer_id':'c1'}}",
		   "'kind':'TOKEN','id':'04-aa'");
	expect_get("{'modified_revision':'3','token':{'uid':'04AA','type':'OTHER','customer_id':'c2'}}",
		   "'kind':'TOKEN','id':'04aa','token_type':'OTHER'");
	expect_get("{'modified_revision':'2','token':{'uid':'04AA','type':'RFID','issuer':{'country_code':'DE',"
		   "'party_id':'8EO'}}}",
		   "'kind':'TOKEN','id':'04aa','issuer':{'country_code':'de','party_id':'8eo'}");
	accept(DELETE("customer", "c1") "," DELETE("customer", "c2"));
	expect_get("{'modified_revision':'3','token':{'uid':'04AA','type':'RFID','issuer':{'country_code':'AT',"
		   "'party_id':'EVN'}}}",
		   "'kind':'TOKEN','id':'04AA'");
}
END_TEST

START_TEST(get_refuses_what_is_not_there_or_malformed)
{
	refuse_get(STATUS_INVALID_ARGUMENT, "kind", "'id':'x'");
	refuse_get(STATUS_INVALID_ARGUMENT, "id", "'kind':'CUSTOMER'");
	refuse_get(STATUS_INVALID_ARGUMENT, "id", "'kind':'TOKEN','id':' '");
	refuse_get(STATUS_INVALID_ARGUMENT, "issuer.party_id",
		   "'kind':'TOKEN','id':'x','issuer':{'country_code':'NL'}");
	refuse_get(STATUS_INVALID_ARGUMENT, "customer_id", "'kind':'MEMBERSHIP','id':'office'");
	refuse_get(STATUS_NOT_FOUND, "id", "'kind':'TARIFF','id':'x'");
	refuse_get(STATUS_NOT_FOUND, "id", "'kind':'CHARGE_POINT','id':'x'");
	refuse_get(STATUS_NOT_FOUND, "id", "'kind':'TOKEN','id':'04AB','token_type':'OTHER'");
	refuse_get(STATUS_NOT_FOUND, "customer_id", "'kind':'MEMBERSHIP','id':'office','customer_id':'c3'");
}
END_TEST

START_TEST(references_are_answered_in_the_spelling_of_the_last_put)
{
	accept(PUT_TARIFF("T1") "," PUT_TARIFF("T2") "," PUT_CUSTOMER("C1"));
	accept("{'put_charge_group':{'id':'OFFICE','type':'OTHER','tariff_id':'t1','prepaid_tariff_id':'t2'}}");
	expect_get("{'modified_revision':'4','charge_group':{'id':'OFFICE','type':'OTHER','tariff_id':'T1',"
		   "'prepaid_tariff_id':'T2'}}",
		   "'kind':'CHARGE_GROUP','id':'office'");
	expect_get("{'modified_revision':'2','charge_point':{'id':'p1','charge_group_id':'OFFICE'}}",
		   "'kind':'CHARGE_POINT','id':'p1'");
	expect_get("{'modified_revision':'2','token':{'uid':'04AB','type':'RFID','customer_id':'C1'}}",
		   "'kind':'TOKEN','id':'04AB'");
	expect_get("{'modified_revision':'2','membership':{'charge_group_id':'OFFICE','customer_id':'C1',"
		   "'tariff_id':'T2'}}",
		   "'kind':'MEMBERSHIP','id':'office','customer_id':'c1'");
	expect_search("OFFICE/C1 OFFICE/c2", "'kind':'MEMBERSHIP','charge_group_id':'office'");
	accept(PUT_CUSTOMER("c1"));
	expect_search("OFFICE/c1 OFFICE/c2", "'kind':'MEMBERSHIP','charge_group_id':'office'");
}
END_TEST

// ---------------------------------------------------------------- search

START_TEST(search_lists_each_kind_in_the_order_of_compare_forms)
{
	accept(PUT_CUSTOMER("B") "," PUT_CUSTOMER("a") "," PUT_CUSTOMER("c10"));
	expect_search("t1 t2 t3", "'kind':'TARIFF'");
	expect_search("home office", "'kind':'CHARGE_GROUP'");
	expect_search("p1 p2 p3 p4", "'kind':'CHARGE_POINT'");
	expect_search("a B c1 c10 c2 c3", "'kind':'CUSTOMER'");
	expect_search("04AA 04AB 04AC 04AA", "'kind':'TOKEN'");
	expect_search("office/c1 office/c2", "'kind':'MEMBERSHIP'");
}
END_TEST

START_TEST(search_by_relation_finds_what_is_related)
{
	accept(ATTACH_AT("home", "'c1'", "t3"));
	expect_search("p1 p2", "'kind':'CHARGE_POINT','charge_group_id':'Office'");
	expect_search("c1 c2", "'kind':'CUSTOMER','charge_group_id':'office'");
	expect_search("04AA 04AB", "'kind':'TOKEN','customer_id':'C1'");
	expect_search("home office", "'kind':'CHARGE_GROUP','customer_id':'c1'");
	expect_search("home/c1 office/c1", "'kind':'MEMBERSHIP','customer_id':'c1'");
	expect_search("office/c1", "'kind':'MEMBERSHIP','customer_id':'c1','charge_group_id':'office'");
	expect_search("", "'kind':'MEMBERSHIP','customer_id':'c2','charge_group_id':'home'");
	expect_search("", "'kind':'TOKEN','customer_id':'c3'");
	expect_search("", "'kind':'CHARGE_GROUP','customer_id':'c3'");
}
END_TEST

START_TEST(search_by_tariff_finds_its_users)
{
	accept("{'put_charge_group':{'id':'third','type':'OTHER','tariff_id':'t3','prepaid_tariff_id':'t2'}}");
	expect_search("home office", "'kind':'CHARGE_GROUP','tariff_id':'T1'");
	expect_search("third", "'kind':'CHARGE_GROUP','tariff_id':'t2'");
	expect_search("office/c1", "'kind':'MEMBERSHIP','tariff_id':'t2'");
	expect_search("", "'kind':'MEMBERSHIP','tariff_id':'t1'");
	expect_search("office", "'kind':'CHARGE_GROUP','tariff_id':'t1','customer_id':'c1'");
}
END_TEST

START_TEST(search_finds_what_is_attached_to_nothing)
{
	expect_search("p4", "'kind':'CHARGE_POINT','unattached':true");
	expect_search("c3", "'kind':'CUSTOMER','unattached':true");
	expect_search("", "'kind':'CHARGE_POINT','unattached':true,'charge_group_id':'office'");
	expect_search("", "'kind':'CUSTOMER','unattached':true,'charge_group_id':'office'");
	expect_search("", "'kind':'CUSTOMER','unattached':true,'text':'c1'");
}
END_TEST

START_TEST(search_by_text_looks_at_ids_and_names_in_any_case)
{
	accept("{'put_customer':{'id':'jans-1','name':'Jan JANSEN'}},{'put_customer':{'id':'x','name':'Jörg'}},"
	       "{'put_charge_group':{'id':'g7','name':'Main Depot','type':'OTHER','tariff_id':'t1'}},"
	       "{'put_charge_point':{'id':'p5','location_id':'AMS-12','evses':[{'evse_id':'NL*EVC*E0001'}]}}");
	expect_search("jans-1", "'kind':'CUSTOMER','text':'NS-'");
	expect_search("jans-1", "'kind':'CUSTOMER','text':'jansen'");
	expect_search("x", "'kind':'CUSTOMER','text':'Jö'");
	expect_search("g7", "'kind':'CHARGE_GROUP','text':'DEPOT'");
	expect_search("t2", "'kind':'TARIFF','text':'T2'");
	expect_search("p5", "'kind':'CHARGE_POINT','text':'ams'");
	expect_search("p5", "'kind':'CHARGE_POINT','text':'*evc*'");
	expect_search("p5", "'kind':'CHARGE_POINT','text':'levce00'");
	expect_search("office/c2", "'kind':'MEMBERSHIP','text':'C2'");
	expect_search("", "'kind':'CUSTOMER','text':'jansenn'");
	expect_search("c1", "'kind':'CUSTOMER','charge_group_id':'office','text':'1'");
	expect_search("p1", "'kind':'CHARGE_POINT','charge_group_id':'office','text':'1'");
}
END_TEST

START_TEST(search_for_tokens_ignores_what_their_ids_ignore)
{
	accept("{'put_token':{'uid':'04:A1-b2','type':'RFID','customer_id':'c3','visual_number':'№ 7'}},"
	       "{'put_token':{'uid':'NL-TNM-C001','type':'EMAID','customer_id':'c3'}},"
	       "{'put_token':{'uid':'app-1','type':'APP_USER','customer_id':'c3','contract_id':'NL-EVC-C77'}}");
	expect_search("04:A1-b2", "'kind':'TOKEN','text':'a1b'");
	expect_search("04:A1-b2", "'kind':'TOKEN','text':'4:a1'");
	expect_search("04:A1-b2", "'kind':'TOKEN','text':'4A-1B2'");
	expect_search("04:A1-b2", "'kind':'TOKEN','text':'№'");
	expect_search("NL-TNM-C001", "'kind':'TOKEN','text':'nltnm'");
	expect_search("app-1", "'kind':'TOKEN','text':'vcc7'");
	expect_search("app-1", "'kind':'TOKEN','text':'VC-C7'");
	expect_search("app-1", "'kind':'TOKEN','text':'app-'");
	expect_search("", "'kind':'TOKEN','text':'app1'");
	expect_search("NL-TNM-C001", "'kind':'TOKEN','text':'-c0','customer_id':'c3'");
}
END_TEST

START_TEST(a_text_of_separators_matches_literally)
{
	accept("{'put_customer':{'id':'a-b'}}");
	expect_search("a-b", "'kind':'CUSTOMER','text':'-'");
	expect_search("", "'kind':'CUSTOMER','text':'--'");
}
END_TEST

START_TEST(search_refuses_filters_that_mean_nothing)
{
	refuse_search(STATUS_INVALID_ARGUMENT, "kind", "'text':'x'");
	refuse_search(STATUS_INVALID_ARGUMENT, "charge_group_id", "'kind':'TARIFF','charge_group_id':'office'");
	refuse_search(STATUS_INVALID_ARGUMENT, "charge_group_id", "'kind':'TOKEN','charge_group_id':'office'");
	refuse_search(STATUS_INVALID_ARGUMENT, "customer_id", "'kind':'CHARGE_POINT','customer_id':'c1'");
	refuse_search(STATUS_INVALID_ARGUMENT, "tariff_id", "'kind':'TOKEN','tariff_id':'t1'");
	refuse_search(STATUS_INVALID_ARGUMENT, "tariff_id", "'kind':'CHARGE_POINT','tariff_id':'t1'");
	refuse_search(STATUS_INVALID_ARGUMENT, "unattached", "'kind':'TOKEN','unattached':true");
	refuse_search(STATUS_INVALID_ARGUMENT, "unattached", "'kind':'MEMBERSHIP','unattached':true");
	refuse_search(STATUS_INVALID_ARGUMENT, "customer_id", "'kind':'TOKEN','customer_id':' c1'");
	refuse_search(STATUS_NOT_FOUND, "customer_id", "'kind':'TOKEN','customer_id':'c9'");
	refuse_search(STATUS_NOT_FOUND, "charge_group_id", "'kind':'CUSTOMER','charge_group_id':'c9'");
	refuse_search(STATUS_NOT_FOUND, "tariff_id", "'kind':'MEMBERSHIP','tariff_id':'c9'");
}
END_TEST

START_TEST(search_text_takes_64_bytes_and_not_65)
{
#define TEXT64 "0123456789012345678901234567890123456789012345678901234567890123"
	expect_search("", "'kind':'CUSTOMER','text':'" TEXT64 "'");
	refuse_search(STATUS_INVALID_ARGUMENT, "text", "'kind':'CUSTOMER','text':'" TEXT64 "x'");
#undef TEXT64
}
END_TEST

// ---------------------------------------------------------------- visible

START_TEST(a_customer_sees_points_where_attached_and_where_all_own_may_charge)
{
	accept("{'put_charge_group':{'id':'all','type':'OTHER','tariff_id':'t1','open_to_all_customers':true}},"
	       "{'put_charge_group':{'id':'roam','type':'OTHER','tariff_id':'t1','open_to_roaming':true}},"
	       "{'put_charge_group':{'id':'acme','type':'OTHER','tariff_id':'t1','open_to_roaming':true,"
	       "'user_group':'Acme'}},{'put_customer':{'id':'a','user_group':'ACME','blocked':true,'no_credit':true}}"
	       "," PUT_POINT("q1") "," PUT_POINT("q2") "," PUT_POINT("q3") "," ATTACH_POINTS(
		       "all", "'q1'") "," ATTACH_POINTS("roam", "'q2'") "," ATTACH_POINTS("acme", "'q3'"));
	expect_visible("p1 p2 q1 q2", "'customer_id':'C1'");
	expect_visible("q1 q2", "'customer_id':'c3'");
	expect_visible("q3", "'customer_id':'a'");
	accept(ATTACH("all", "'a','c1'"));
	expect_visible("q1 q3", "'customer_id':'a'");
	expect_visible("p1 p2 q1 q2", "'customer_id':'c1'");
}
END_TEST

START_TEST(home_chargers_in_home_groups_are_hidden_even_from_members)
{
	accept("{'put_charge_point':{'id':'p3','home_charger':true}},"
	       "{'put_charge_point':{'id':'p1','home_charger':true}}");
	accept(ATTACH("home", "'c1'") "," ATTACH_POINTS("home", "'p4'"));
	expect_visible("p1 p2 p3 p4", "'customer_id':'c1'");
	accept("{'put_charge_group':{'id':'home','type':'HOME','tariff_id':'t1'}}");
	expect_visible("p1 p2 p4", "'customer_id':'c1'");
}
END_TEST

START_TEST(visible_points_come_with_their_group)
{
	accept(PUT_GROUP("OFFICE", "t1"));
	const struct list_visible_charge_points_request request = {.customer_id = BYTES_LITERAL("c1")};
	struct list_visible_charge_points_response response;
	ck_assert_int_eq(listing_visible(fixture.listing, &request, &fixture.arena, &response, &fixture.fault), 0);
	ck_assert_uint_eq(response.charge_points_count, 2);
	ck_assert(bytes_equal(response.charge_points[0].charge_group_id, BYTES_LITERAL("OFFICE")));
	ck_assert_uint_eq(response.revision, 3);
}
END_TEST

START_TEST(visible_refuses_who_is_not_there)
{
	ck_assert_ptr_null(listing_fixture_visible(&fixture, "", false));
	listing_fixture_refused(&fixture, STATUS_INVALID_ARGUMENT, "customer_id");
	ck_assert_ptr_null(listing_fixture_visible(&fixture, "'customer_id':'c9'", false));
	listing_fixture_refused(&fixture, STATUS_NOT_FOUND, "customer_id");
	ck_assert_ptr_null(listing_fixture_visible(&fixture, "'customer_id':'c1','page_size':1001", false));
	listing_fixture_refused(&fixture, STATUS_INVALID_ARGUMENT, "page_size");
}
END_TEST

// ---------------------------------------------------------------- permitted

#define NOBODY "'all_customers':{},'all_prepaid_customers':{},'roaming':{},'direct_payment':{}"

START_TEST(members_are_permitted_with_what_they_pay)
{
	accept("{'put_charge_group':{'id':'office','type':'OTHER','tariff_id':'T1','prepaid_tariff_id':'t3'}},"
	       "{'put_customer':{'id':'c2','name':'Two','payment':'PREPAID','blocked':true}},"
	       "{'put_customer':{'id':'c3','no_credit':true}}," ATTACH("office", "'c3'"));
	expect_permitted("{'charge_group_id':'office','customers':["
			 "{'customer_id':'c1','tariff_id':'t2','tariff_source':'OVERRIDE'},"
			 "{'customer_id':'c2','name':'Two','blocked':true,'tariff_id':'t3','tariff_source':'PREPAID'},"
			 "{'customer_id':'c3','no_credit':true,'tariff_id':'t1','tariff_source':'GROUP'}]," NOBODY "}",
			 "'charge_point_id':'P1'");
	accept(PUT_GROUP("office", "t1"));
	expect_permitted("{'charge_group_id':'office','customers':["
			 "{'customer_id':'c1','tariff_id':'t2','tariff_source':'OVERRIDE'},"
			 "{'customer_id':'c2','name':'Two','blocked':true,'tariff_id':'t1','tariff_source':'GROUP'},"
			 "{'customer_id':'c3','no_credit':true,'tariff_id':'t1','tariff_source':'GROUP'}]," NOBODY "}",
			 "'charge_point_id':'P1'");
}
END_TEST

START_TEST(classes_are_permitted_as_the_boxes_say)
{
	accept("{'put_charge_group':{'id':'home','type':'OTHER','tariff_id':'t1','open_to_all_customers':true}}");
	expect_permitted(
		"{'charge_group_id':'home','all_customers':{'permitted':true,'tariff_id':'t1'},"
		"'all_prepaid_customers':{'permitted':true,'tariff_id':'t1'},'roaming':{},'direct_payment':{}}",
		"'charge_point_id':'p3'");
	accept("{'put_charge_group':{'id':'home','type':'OTHER','tariff_id':'t1','prepaid_tariff_id':'t2',"
	       "'open_to_roaming':true}}");
	expect_permitted("{'charge_group_id':'home','all_customers':{'permitted':true,'tariff_id':'t1'},"
			 "'all_prepaid_customers':{'permitted':true,'tariff_id':'t2'},"
			 "'roaming':{'permitted':true,'tariff_id':'t1'},"
			 "'direct_payment':{'permitted':true,'tariff_id':'t2'}}",
			 "'charge_point_id':'p3'");
}
END_TEST

START_TEST(nobody_is_permitted_at_a_point_in_no_group)
{
	expect_permitted("{" NOBODY "}", "'charge_point_id':'p4'");
	ck_assert_uint_eq(fixture.revision, 0 + 2);
}
END_TEST

START_TEST(a_point_is_named_by_id_by_evse_or_by_both)
{
	accept("{'put_charge_point':{'id':'p3','evses':[{'evse_id':'NL*E*1'}]}}");
	expect_permitted("{'charge_group_id':'home'," NOBODY "}", "'evse_id':'nle1'");
	expect_permitted("{'charge_group_id':'home'," NOBODY "}", "'evse_id':'NL*E*1','charge_point_id':'p3'");
	refuse_permitted(STATUS_NOT_FOUND, "evse_id", "'evse_id':'NL*E*1','charge_point_id':'p4'");
	refuse_permitted(STATUS_NOT_FOUND, "evse_id", "'evse_id':'NL*E*2'");
	refuse_permitted(STATUS_NOT_FOUND, "charge_point_id", "'charge_point_id':'p9'");
	refuse_permitted(STATUS_NOT_FOUND, "charge_point_id", "'charge_point_id':'p9','evse_id':'NL*E*1'");
	refuse_permitted(STATUS_INVALID_ARGUMENT, "charge_point_id", "");
	refuse_permitted(STATUS_INVALID_ARGUMENT, "evse_id", "'evse_id':'**'");
	refuse_permitted(STATUS_INVALID_ARGUMENT, "page_size", "'charge_point_id':'p4','page_size':1001");
}
END_TEST

// ---------------------------------------------------------------- snapshot

START_TEST(a_snapshot_holds_everything_in_the_order_of_export)
{
	accept(PUT_CUSTOMER("C1") "," DELETE_TOKEN("04AC") "," DETACH_POINTS("'p2'"));
	const char *expected =
		"{'modified_revision':'2','tariff':{'id':'t1','currency':'EUR','elements':[{'price_components':"
		"[{'type':'FLAT','price':1}]}]}}\n"
		"{'modified_revision':'2','tariff':{'id':'t2','currency':'EUR','elements':[{'price_components':"
		"[{'type':'FLAT','price':1}]}]}}\n"
		"{'modified_revision':'2','tariff':{'id':'t3','currency':'EUR','elements':[{'price_components':"
		"[{'type':'FLAT','price':1}]}]}}\n"
		"{'modified_revision':'2','charge_group':{'id':'home','type':'OTHER','tariff_id':'t1'}}\n"
		"{'modified_revision':'2','charge_group':{'id':'office','type':'OTHER','tariff_id':'t1'}}\n"
		"{'modified_revision':'2','charge_point':{'id':'p1','charge_group_id':'office'}}\n"
		"{'modified_revision':'3','charge_point':{'id':'p2'}}\n"
		"{'modified_revision':'2','charge_point':{'id':'p3','charge_group_id':'home'}}\n"
		"{'modified_revision':'2','charge_point':{'id':'p4'}}\n"
		"{'modified_revision':'3','customer':{'id':'C1'}}\n"
		"{'modified_revision':'2','customer':{'id':'c2'}}\n"
		"{'modified_revision':'2','customer':{'id':'c3'}}\n"
		"{'modified_revision':'2','token':{'uid':'04AA','type':'RFID','customer_id':'C1'}}\n"
		"{'modified_revision':'2','token':{'uid':'04AB','type':'RFID','customer_id':'C1'}}\n"
		"{'modified_revision':'2','token':{'uid':'04AA','type':'RFID','issuer':{'country_code':'DE',"
		"'party_id':'8EO'}}}\n"
		"{'modified_revision':'2','membership':{'charge_group_id':'office','customer_id':'C1',"
		"'tariff_id':'t2'}}\n"
		"{'modified_revision':'2','membership':{'charge_group_id':'office','customer_id':'c2'}}\n";
	ck_assert_str_eq(listing_fixture_snapshot(&fixture), expected);
	ck_assert_uint_eq(fixture.revision, 3);
}
END_TEST

static int stop_at_third(void *context, const struct record *record)
{
	int *count = context;
	ck_assert_int_ne(record->kind, RECORD_NONE);
	return ++*count == 3 ? -ECANCELED : 0;
}

START_TEST(a_snapshot_ends_when_its_receiver_says_so)
{
	int count = 0;
	struct snapshot_end end = {.revision = 77};
	const struct listing_walk walk = {.each = stop_at_third, .context = &count};
	ck_assert_int_eq(listing_snapshot(fixture.listing, &walk, &end, &fixture.fault), -ECANCELED);
	ck_assert_int_eq(count, 3);
	ck_assert_uint_eq(end.revision, 77);
	ck_assert_int_eq(fixture.fault.code, STATUS_OK);
	expect_search("t1 t2 t3", "'kind':'TARIFF'");
}
END_TEST

// ---------------------------------------------------------------- memory

static int ask_everything(struct arena *arena)
{
	const struct search_request search = {.kind = OBJECT_KIND_TOKEN, .text = BYTES_LITERAL("0"), .page_size = 1};
	const struct list_visible_charge_points_request visible = {.customer_id = BYTES_LITERAL("c1")};
	const struct list_permitted_request permitted = {.charge_point_id = BYTES_LITERAL("p1")};
	const struct get_request get = {.kind = OBJECT_KIND_TARIFF, .id = BYTES_LITERAL("t1")};
	struct search_response searched;
	struct list_visible_charge_points_response seen;
	struct list_permitted_response named;
	struct record record;
	fixture.fault = (struct fault){0};
	int error = listing_search(fixture.listing, &search, arena, &searched, &fixture.fault);
	if (error == 0)
		error = listing_visible(fixture.listing, &visible, arena, &seen, &fixture.fault);
	if (error == 0)
		error = listing_permitted(fixture.listing, &permitted, arena, &named, &fixture.fault);
	return error != 0 ? error : listing_get(fixture.listing, &get, arena, &record, &fixture.fault);
}

START_TEST(an_answer_the_memory_does_not_suffice_for_is_refused)
{
	size_t refused = 0;
	for (size_t budget = 0;; budget += 256) {
		struct arena small;
		arena_init(&small, 256, budget);
		const int error = ask_everything(&small);
		arena_finish(&small);
		if (error == 0)
			break;
		ck_assert_int_eq(error, -ENOMEM);
		ck_assert_int_eq(fixture.fault.code, STATUS_RESOURCE_EXHAUSTED);
		refused++;
	}
	ck_assert_uint_gt(refused, 10);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("listing");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, get_answers_each_kind_of_object);
	tcase_add_test(tcase, get_finds_tokens_by_the_rules_of_looking_up);
	tcase_add_test(tcase, get_refuses_what_is_not_there_or_malformed);
	tcase_add_test(tcase, references_are_answered_in_the_spelling_of_the_last_put);
	tcase_add_test(tcase, search_lists_each_kind_in_the_order_of_compare_forms);
	tcase_add_test(tcase, search_by_relation_finds_what_is_related);
	tcase_add_test(tcase, search_by_tariff_finds_its_users);
	tcase_add_test(tcase, search_finds_what_is_attached_to_nothing);
	tcase_add_test(tcase, search_by_text_looks_at_ids_and_names_in_any_case);
	tcase_add_test(tcase, search_for_tokens_ignores_what_their_ids_ignore);
	tcase_add_test(tcase, a_text_of_separators_matches_literally);
	tcase_add_test(tcase, search_refuses_filters_that_mean_nothing);
	tcase_add_test(tcase, search_text_takes_64_bytes_and_not_65);
	tcase_add_test(tcase, a_customer_sees_points_where_attached_and_where_all_own_may_charge);
	tcase_add_test(tcase, home_chargers_in_home_groups_are_hidden_even_from_members);
	tcase_add_test(tcase, visible_points_come_with_their_group);
	tcase_add_test(tcase, visible_refuses_who_is_not_there);
	tcase_add_test(tcase, members_are_permitted_with_what_they_pay);
	tcase_add_test(tcase, classes_are_permitted_as_the_boxes_say);
	tcase_add_test(tcase, nobody_is_permitted_at_a_point_in_no_group);
	tcase_add_test(tcase, a_point_is_named_by_id_by_evse_or_by_both);
	tcase_add_test(tcase, a_snapshot_holds_everything_in_the_order_of_export);
	tcase_add_test(tcase, a_snapshot_ends_when_its_receiver_says_so);
	tcase_add_test(tcase, an_answer_the_memory_does_not_suffice_for_is_refused);
	Suite *suite = suite_create("store/listing");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
