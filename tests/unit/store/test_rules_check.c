// SPDX-License-Identifier: Apache-2.0
// Checks without state: what each field takes, at its limit and one past it.
#include "tests/unit/store/rules_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct rules_fixture fixture;

static void setup(void)
{
	rules_fixture_open(&fixture);
}

static void teardown(void)
{
	rules_fixture_close(&fixture);
}

static void refuse(const char *field, const char *change)
{
	rules_fixture_refuse_check(&fixture, STATUS_INVALID_ARGUMENT, field, change);
}

static void accept(const char *change)
{
	rules_fixture_accept_check(&fixture, change);
}

// `format` with %s for `count` times `unit`; static storage.
static const char *with(const char *format, const char *unit, size_t count)
{
	static char text[1 << 20], repeated[1 << 19];
	repeated[0] = '\0';
	char *end = repeated;
	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, unit);
	snprintf(text, sizeof(text), format, repeated);
	return text;
}

START_TEST(every_kind_of_object_in_its_shortest_form_is_taken)
{
	accept("{'put_tariff':{'id':'t','currency':'EUR','elements':[{'price_components':[{'type':'FLAT','price':0}]}]}"
	       "}");
	accept("{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t'}}");
	accept("{'put_charge_point':{'id':'p'}}");
	accept("{'put_customer':{'id':'c'}}");
	accept("{'put_token':{'uid':'u','type':'OTHER','customer_id':'c'}}");
	accept("{'put_token':{'uid':'u','type':'RFID','issuer':{'country_code':'NL','party_id':'8'}}}");
	accept("{'delete_tariff':{'id':'t'}}");
	accept("{'delete_charge_group':{'id':'t'}}");
	accept("{'delete_charge_point':{'id':'t'}}");
	accept("{'delete_customer':{'id':'t'}}");
	accept("{'delete_token':{'uid':'u','type':'RFID'}}");
	accept("{'attach_charge_points':{'charge_group_id':'g','charge_point_ids':['p']}}");
	accept("{'detach_charge_points':{'charge_point_ids':['p']}}");
	accept("{'attach_customers':{'charge_group_id':'g','customer_ids':['c']}}");
	accept("{'detach_customers':{'charge_group_id':'g','customer_ids':['c']}}");
	accept("{'set_customer_tariff':{'charge_group_id':'g','customer_ids':['c']}}");
}
END_TEST

START_TEST(a_change_with_nothing_set_is_refused)
{
	struct change change = {0};
	struct fault fault = {0};
	ck_assert_int_lt(rules_check_change(&change, "changes[7]", &fault), 0);
	ck_assert_int_eq(fault.code, STATUS_INVALID_ARGUMENT);
	ck_assert_str_eq(fault.field, "changes[7].change");
	fault = (struct fault){0};
	change.kind = CHANGE_KINDS;
	change.change = &change;
	ck_assert_int_lt(rules_check_change(&change, NULL, &fault), 0);
}
END_TEST

START_TEST(the_field_starts_with_what_the_caller_calls_the_change)
{
	const struct change_set *set = rules_fixture_parse(
		&fixture, "{'changes':[{'put_charge_point':{'id':'p','evses':[{'evse_id':'e'},{'evse_id':'*'}]}}]}");
	struct fault fault = {0};
	ck_assert_int_lt(rules_check_change(&set->changes[0], "changes[3]", &fault), 0);
	ck_assert_str_eq(fault.field, "changes[3].put_charge_point.evses[1].evse_id");
}
END_TEST

static void refuse_saying(const char *message, const char *change)
{
	char set[1024];
	struct fault fault = {0};
	snprintf(set, sizeof(set), "{'changes':[%s]}", change);
	ck_assert_int_lt(rules_check_change(&rules_fixture_parse(&fixture, set)->changes[0], NULL, &fault), 0);
	ck_assert_str_eq(fault.message, message);
}

START_TEST(a_refusal_names_the_object_where_its_id_is_one)
{
	refuse_saying("token 04AA: put_token.type must be given", "{'put_token':{'uid':'04AA','customer_id':'c'}}");
	refuse_saying("token 04AA: delete_token.type must be given", "{'delete_token':{'uid':'04AA'}}");
	refuse_saying("charge group g1: put_charge_group.type must be given",
		      "{'put_charge_group':{'id':'g1','tariff_id':'t'}}");
	refuse_saying("charge group g1: put_charge_group.tariff_id must not be empty",
		      "{'put_charge_group':{'id':'g1','type':'HOME'}}");
	refuse_saying("tariff t1: currency must be three letters, such as EUR", "{'put_tariff':{'id':'t1'}}");
	refuse_saying("charge point p1: EVSE E1 is there twice",
		      "{'put_charge_point':{'id':'p1','evses':[{'evse_id':'e1'},{'evse_id':'E1'}]}}");
	refuse_saying("customer c1: put_customer.user_group starts or ends with a space",
		      "{'put_customer':{'id':'c1','user_group':' u'}}");
	refuse_saying("token 04AA: put_token.issuer.party_id must have 1 to 3 characters",
		      "{'put_token':{'uid':'04AA','type':'RFID','issuer':{'country_code':'NL'}}}");
	refuse_saying("charge group g1: create_only goes with put_x only",
		      "{'create_only':true,'attach_customers':{'charge_group_id':'g1','customer_ids':['c']}}");
	// Named already, or not to be named.
	refuse_saying("token u has neither of customer_id (an own token) and issuer (a foreign one); give one",
		      "{'put_token':{'uid':'u','type':'RFID'}}");
	refuse_saying("put_token.uid must not be empty", "{'put_token':{'customer_id':'c'}}");
	refuse_saying("put_customer.id has a character that is not printable ASCII", "{'put_customer':{'id':'ü'}}");
	refuse_saying("detach_charge_points.charge_point_ids must not be empty",
		      "{'detach_charge_points':{'charge_point_ids':['']}}");
}
END_TEST

START_TEST(ids_are_required_and_well_formed_everywhere)
{
	refuse("put_tariff.id", "{'put_tariff':{'currency':'EUR'}}");
	refuse("put_charge_group.id", "{'put_charge_group':{'type':'HOME','tariff_id':'t'}}");
	refuse("put_charge_group.tariff_id", "{'put_charge_group':{'id':'g','type':'HOME'}}");
	refuse("put_charge_group.prepaid_tariff_id",
	       "{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t','prepaid_tariff_id':' t'}}");
	refuse("put_charge_group.user_group",
	       "{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t','user_group':'ü'}}");
	refuse("put_charge_point.id", "{'put_charge_point':{'id':'p '}}");
	refuse("put_charge_point.location_id", "{'put_charge_point':{'id':'p','location_id':' l'}}");
	refuse("put_charge_point.evses[0].evse_id", "{'put_charge_point':{'id':'p','evses':[{}]}}");
	refuse("put_charge_point.evses[0].evse_id", "{'put_charge_point':{'id':'p','evses':[{'evse_id':'**'}]}}");
	refuse("put_charge_point.evses[0].connector_type",
	       "{'put_charge_point':{'id':'p','evses':[{'evse_id':'e','connector_type':'\\t'}]}}");
	refuse("put_customer.id", "{'put_customer':{'name':'c'}}");
	refuse("put_customer.user_group", "{'put_customer':{'id':'c','user_group':'\\n'}}");
	refuse("put_token.uid", "{'put_token':{'type':'RFID','customer_id':'c'}}");
	refuse("put_token.uid", "{'put_token':{'uid':'-*-','type':'EMAID','customer_id':'c'}}");
	refuse("put_token.customer_id", "{'put_token':{'uid':'u','type':'RFID','customer_id':' '}}");
	refuse("put_token.contract_id", "{'put_token':{'uid':'u','type':'RFID','customer_id':'c','contract_id':'ü'}}");
	refuse("put_token.parent_id", "{'put_token':{'uid':'u','type':'RFID','customer_id':'c','parent_id':' p'}}");
	refuse("delete_tariff.id", "{'delete_tariff':{}}");
	refuse("delete_charge_group.id", "{'delete_charge_group':{}}");
	refuse("delete_charge_point.id", "{'delete_charge_point':{}}");
	refuse("delete_customer.id", "{'delete_customer':{}}");
	refuse("delete_token.uid", "{'delete_token':{'type':'RFID'}}");
	refuse("attach_charge_points.charge_group_id", "{'attach_charge_points':{'charge_point_ids':['p']}}");
	refuse("attach_charge_points.charge_point_ids[1]",
	       "{'attach_charge_points':{'charge_group_id':'g','charge_point_ids':['p','']}}");
	refuse("detach_charge_points.charge_point_ids[0]", "{'detach_charge_points':{'charge_point_ids':['']}}");
	refuse("attach_customers.charge_group_id", "{'attach_customers':{'customer_ids':['p']}}");
	refuse("attach_customers.customer_ids[0]", "{'attach_customers':{'charge_group_id':'g','customer_ids':['ü']}}");
	refuse("attach_customers.tariff_id",
	       "{'attach_customers':{'charge_group_id':'g','customer_ids':['c'],'tariff_id':' '}}");
	refuse("detach_customers.charge_group_id", "{'detach_customers':{'customer_ids':['p']}}");
	refuse("detach_customers.customer_ids[0]", "{'detach_customers':{'charge_group_id':'g','customer_ids':['']}}");
	refuse("set_customer_tariff.charge_group_id", "{'set_customer_tariff':{'customer_ids':['p']}}");
	refuse("set_customer_tariff.customer_ids[0]",
	       "{'set_customer_tariff':{'charge_group_id':'g','customer_ids':['']}}");
	refuse("set_customer_tariff.tariff_id",
	       "{'set_customer_tariff':{'charge_group_id':'g','customer_ids':['c'],'tariff_id':'t '}}");
}
END_TEST

START_TEST(ids_take_64_bytes_and_not_65)
{
	accept(with("{'put_customer':{'id':'%s'}}", "x", 64));
	refuse("put_customer.id", with("{'put_customer':{'id':'%s'}}", "x", 65));
	accept(with("{'put_token':{'uid':'u','type':'RFID','customer_id':'c','contract_id':'%s'}}", "x", 64));
	refuse("put_token.contract_id",
	       with("{'put_token':{'uid':'u','type':'RFID','customer_id':'c','contract_id':'%s'}}", "x", 65));
	accept(with("{'put_token':{'uid':'u','type':'RFID','customer_id':'c','visual_number':'%s'}}", "ü", 32));
	refuse("put_token.visual_number",
	       with("{'put_token':{'uid':'u','type':'RFID','customer_id':'c','visual_number':'%sx'}}", "ü", 32));
}
END_TEST

START_TEST(texts_take_1024_bytes_and_not_1025)
{
	accept(with("{'put_customer':{'id':'c','name':'%s'}}", "é", 512));
	refuse("put_customer.name", with("{'put_customer':{'id':'c','name':'%sx'}}", "é", 512));
	accept(with("{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t','name':'%s'}}", "x", 1024));
	refuse("put_charge_group.name",
	       with("{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t','name':'%s'}}", "x", 1025));
	refuse("put_charge_group.additional_information",
	       with("{'put_charge_group':{'id':'g','type':'HOME','tariff_id':'t','additional_information':'%s'}}", "x",
		    1025));
}
END_TEST

START_TEST(texts_have_no_control_characters_but_newline_and_tab)
{
	accept("{'put_customer':{'id':'c','name':'Jörg\\n\\tde Vries 🚗'}}");
	refuse("put_customer.name", "{'put_customer':{'id':'c','name':'a\\u0001'}}");
	refuse("put_customer.name", "{'put_customer':{'id':'c','name':'a\\r'}}");
	refuse("put_customer.name", "{'put_customer':{'id':'c','name':'a\\u007f'}}");
	refuse("put_customer.name", "{'put_customer':{'id':'c','name':'a\\u0085'}}");
	accept("{'put_customer':{'id':'c','name':'a\\u00a0'}}");
}
END_TEST

START_TEST(texts_that_are_not_utf8_are_refused)
{
	static const char *const texts[] = {"\xff", "\xc3", "a\xe2\x82", "\xc0\x80", "\xed\xa0\x80"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct customer customer = {.id = BYTES_LITERAL("c"), .name = bytes_from(texts[i])};
		const struct change change = {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer};
		struct fault fault = {0};
		ck_assert_int_lt(rules_check_change(&change, NULL, &fault), 0);
		ck_assert_str_eq(fault.field, "put_customer.name");
	}
}
END_TEST

START_TEST(enums_that_matter_are_required_and_known)
{
	refuse("put_charge_group.type", "{'put_charge_group':{'id':'g','tariff_id':'t'}}");
	refuse("put_token.type", "{'put_token':{'uid':'u','customer_id':'c'}}");
	refuse("delete_token.type", "{'delete_token':{'uid':'u'}}");
	accept("{'put_customer':{'id':'c','payment':'PREPAID'}}");
	struct customer customer = {.id = BYTES_LITERAL("c"), .payment = (enum payment)3};
	struct change change = {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer};
	struct fault fault = {0};
	ck_assert_int_lt(rules_check_change(&change, NULL, &fault), 0);
	ck_assert_str_eq(fault.field, "put_customer.payment");
	struct token token = {.uid = BYTES_LITERAL("u"),
			      .type = TOKEN_TYPE_RFID,
			      .customer_id = BYTES_LITERAL("c"),
			      .whitelist = (enum whitelist)5};
	change = (struct change){.kind = CHANGE_PUT_TOKEN, .put_token = &token};
	fault = (struct fault){0};
	ck_assert_int_lt(rules_check_change(&change, NULL, &fault), 0);
	ck_assert_str_eq(fault.field, "put_token.whitelist");
}
END_TEST

START_TEST(a_token_has_a_customer_or_an_issuer_and_not_both)
{
	refuse("put_token.customer_id", "{'put_token':{'uid':'u','type':'RFID'}}");
	refuse("put_token.customer_id", "{'put_token':{'uid':'u','type':'RFID','customer_id':'c','issuer':{'country_"
					"code':'NL','party_id':'TNM'}}}");
	accept("{'put_token':{'uid':'u','type':'RFID','customer_id':'c','issuer':{}}}");
	refuse("put_token.issuer.party_id", "{'put_token':{'uid':'u','type':'RFID','issuer':{'country_code':'NL'}}}");
	refuse("put_token.issuer.country_code", "{'put_token':{'uid':'u','type':'RFID','issuer':{'party_id':'TNM'}}}");
	refuse("put_token.issuer.country_code",
	       "{'put_token':{'uid':'u','type':'RFID','issuer':{'country_code':'NLD','party_id':'TNM'}}}");
	refuse("put_token.issuer.party_id",
	       "{'put_token':{'uid':'u','type':'RFID','issuer':{'country_code':'NL','party_id':'TNMX'}}}");
	refuse("delete_token.issuer.country_code",
	       "{'delete_token':{'uid':'u','type':'RFID','issuer':{'party_id':'TNM'}}}");
}
END_TEST

START_TEST(the_validity_of_a_token_ends_after_it_starts)
{
#define TOKEN(times) "{'put_token':{'uid':'u','type':'RFID','customer_id':'c'," times "}}"
	accept(TOKEN("'valid_from':5,'valid_until':6"));
	accept(TOKEN("'valid_from':5"));
	accept(TOKEN("'valid_until':5"));
	refuse("put_token.valid_until", TOKEN("'valid_from':5,'valid_until':5"));
	refuse("put_token.valid_until", TOKEN("'valid_from':5,'valid_until':4"));
	refuse("put_token.valid_from", TOKEN("'valid_from':-1"));
	refuse("put_token.valid_until", TOKEN("'valid_until':-1"));
#undef TOKEN
}
END_TEST

START_TEST(a_time_zone_has_the_syntax_of_one)
{
	static const char *const good[] = {"UTC",       "Europe/Amsterdam",       "America/Argentina/Buenos_Aires",
					   "Etc/GMT+1", "America/Port-au-Prince", ""};
	static const char *const bad[] = {"/Europe", "Europe/", "Europe//Paris", "Europe Paris", "Europe/Zürich",
					  "/",       "A.B"};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		accept(with("{'put_charge_point':{'id':'p','time_zone':'%s'}}", good[i], 1));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refuse("put_charge_point.time_zone",
		       with("{'put_charge_point':{'id':'p','time_zone':'%s'}}", bad[i], 1));
	accept(with("{'put_charge_point':{'id':'p','time_zone':'%s'}}", "x", 64));
	refuse("put_charge_point.time_zone", with("{'put_charge_point':{'id':'p','time_zone':'%s'}}", "x", 65));
}
END_TEST

START_TEST(an_evse_is_once_in_its_point)
{
	refuse("put_charge_point.evses[1].evse_id",
	       "{'put_charge_point':{'id':'p','evses':[{'evse_id':'NL*EVC*E1'},{'evse_id':'nlevce1'}]}}");
}
END_TEST

static void check_evses(size_t count, bool is_taken)
{
	static struct evse evses[EVSES_PER_POINT_MAX + 1];
	static char ids[EVSES_PER_POINT_MAX + 1][32];
	for (size_t i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "E%zu", i);
		evses[i] = (struct evse){.evse_id = bytes_from(ids[i])};
	}
	struct charge_point point = {.id = BYTES_LITERAL("p"), .evses = evses, .evses_count = count};
	const struct change change = {.kind = CHANGE_PUT_CHARGE_POINT, .put_charge_point = &point};
	struct fault fault = {0};
	ck_assert_int_eq(rules_check_change(&change, NULL, &fault) == 0, is_taken);
	ck_assert_int_eq(fault.code, is_taken ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED);
	ck_assert_str_eq(fault.field, is_taken ? "" : "put_charge_point.evses");
}

START_TEST(a_point_takes_64_evses_and_not_65)
{
	check_evses(EVSES_PER_POINT_MAX, true);
	check_evses(EVSES_PER_POINT_MAX + 1, false);
}
END_TEST

static void check_ids(size_t count, bool is_taken)
{
	static struct bytes ids[IDS_PER_CHANGE_MAX + 1];
	for (size_t i = 0; i < count; i++)
		ids[i] = BYTES_LITERAL("p");
	struct detach_charge_points detach = {.charge_point_ids = ids, .charge_point_ids_count = count};
	const struct change change = {.kind = CHANGE_DETACH_CHARGE_POINTS, .detach_charge_points = &detach};
	struct fault fault = {0};
	ck_assert_int_eq(rules_check_change(&change, NULL, &fault) == 0, is_taken);
	ck_assert_int_eq(fault.code, is_taken ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED);
}

START_TEST(a_change_takes_10000_ids_and_not_one_more)
{
	check_ids(0, true);
	check_ids(IDS_PER_CHANGE_MAX, true);
	check_ids(IDS_PER_CHANGE_MAX + 1, false);
}
END_TEST

START_TEST(expectations_go_with_puts_and_deletes_only)
{
	accept("{'put_customer':{'id':'c'},'create_only':true}");
	accept("{'put_customer':{'id':'c'},'expected_object_revision':3}");
	accept("{'delete_customer':{'id':'c'},'expected_object_revision':3}");
	refuse("create_only", "{'delete_customer':{'id':'c'},'create_only':true}");
	refuse("create_only", "{'detach_charge_points':{'charge_point_ids':['c']},'create_only':true}");
	refuse("expected_object_revision",
	       "{'detach_charge_points':{'charge_point_ids':['c']},'expected_object_revision':3}");
	refuse("expected_object_revision",
	       "{'attach_customers':{'charge_group_id':'g','customer_ids':['c']},'expected_object_revision':3}");
}
END_TEST

static void check_set(struct change_set set, enum status_code code, const char *field)
{
	struct fault fault = {0};
	ck_assert_int_eq(rules_check_set(&set, &fault) == 0, code == STATUS_OK);
	ck_assert_int_eq(fault.code, code);
	ck_assert_str_eq(fault.field, field);
}

START_TEST(a_set_has_changes_and_at_most_10000)
{
	static struct change changes[CHANGES_PER_SET_MAX + 1];
	check_set((struct change_set){0}, STATUS_INVALID_ARGUMENT, "changes");
	check_set((struct change_set){.changes = changes, .changes_count = CHANGES_PER_SET_MAX}, STATUS_OK, "");
	check_set((struct change_set){.changes = changes, .changes_count = CHANGES_PER_SET_MAX + 1},
		  STATUS_RESOURCE_EXHAUSTED, "changes");
}
END_TEST

START_TEST(actor_and_idempotency_key_take_64_bytes_and_not_65)
{
	static const char text[] = "0123456789012345678901234567890123456789012345678901234567890123+";
	const struct bytes longest = {.data = text, .size = 64}, longer = {.data = text, .size = 65};
	struct change change = {0};
	const struct change_set set = {.changes = &change, .changes_count = 1};
	struct change_set other = set;
	other.actor = other.idempotency_key = longest;
	check_set(other, STATUS_OK, "");
	other.actor = longer;
	check_set(other, STATUS_INVALID_ARGUMENT, "actor");
	other = set;
	other.idempotency_key = longer;
	check_set(other, STATUS_INVALID_ARGUMENT, "idempotency_key");
	other.idempotency_key = BYTES_LITERAL("a\nb");
	check_set(other, STATUS_INVALID_ARGUMENT, "idempotency_key");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("check");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_kind_of_object_in_its_shortest_form_is_taken);
	tcase_add_test(tcase, a_change_with_nothing_set_is_refused);
	tcase_add_test(tcase, the_field_starts_with_what_the_caller_calls_the_change);
	tcase_add_test(tcase, a_refusal_names_the_object_where_its_id_is_one);
	tcase_add_test(tcase, ids_are_required_and_well_formed_everywhere);
	tcase_add_test(tcase, ids_take_64_bytes_and_not_65);
	tcase_add_test(tcase, texts_take_1024_bytes_and_not_1025);
	tcase_add_test(tcase, texts_have_no_control_characters_but_newline_and_tab);
	tcase_add_test(tcase, texts_that_are_not_utf8_are_refused);
	tcase_add_test(tcase, enums_that_matter_are_required_and_known);
	tcase_add_test(tcase, a_token_has_a_customer_or_an_issuer_and_not_both);
	tcase_add_test(tcase, the_validity_of_a_token_ends_after_it_starts);
	tcase_add_test(tcase, a_time_zone_has_the_syntax_of_one);
	tcase_add_test(tcase, an_evse_is_once_in_its_point);
	tcase_add_test(tcase, a_point_takes_64_evses_and_not_65);
	tcase_add_test(tcase, a_change_takes_10000_ids_and_not_one_more);
	tcase_add_test(tcase, expectations_go_with_puts_and_deletes_only);
	tcase_add_test(tcase, a_set_has_changes_and_at_most_10000);
	tcase_add_test(tcase, actor_and_idempotency_key_take_64_bytes_and_not_65);
	Suite *suite = suite_create("store/rules_check");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
