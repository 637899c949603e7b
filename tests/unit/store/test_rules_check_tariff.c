// SPDX-License-Identifier: Apache-2.0
// The structure of an OCPI 2.2.1 tariff: what is taken and what is not, field by field.
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

// A tariff with `fields` after id and currency.
static const char *tariff(const char *fields)
{
	static char text[4096];
	snprintf(text, sizeof(text), "{'put_tariff':{'id':'t','currency':'EUR',%s}}", fields);
	return text;
}

#define FLAT "'elements':[{'price_components':[{'type':'FLAT','price':1}]}]"

// A tariff of one element for energy, with these restrictions.
static const char *restricted(const char *restrictions)
{
	static char text[1024];
	snprintf(text, sizeof(text),
		 "'elements':[{'price_components':[{'type':'ENERGY','price':1}],'restrictions':{%s}}]", restrictions);
	return tariff(text);
}

// A tariff with one such price component.
static const char *component(const char *fields)
{
	static char text[1024];
	snprintf(text, sizeof(text), "'elements':[{'price_components':[{%s}]}]", fields);
	return tariff(text);
}

static void accept(const char *change)
{
	rules_fixture_accept_check(&fixture, change);
}

static void refuse(const char *field, const char *change)
{
	char path[320];
	snprintf(path, sizeof(path), "put_tariff.%s", field);
	rules_fixture_refuse_check(&fixture, STATUS_INVALID_ARGUMENT, path, change);
}

static void refuse_restriction(const char *field, const char *restrictions)
{
	char path[160];
	snprintf(path, sizeof(path), "elements[0].restrictions.%s", field);
	refuse(path, restricted(restrictions));
}

START_TEST(a_tariff_with_everything_is_taken)
{
	accept(tariff(
		"'type':'REGULAR',"
		"'elements':[{'price_components':[{'type':'ENERGY','price':0.25,'vat':10,'step_size':1},"
		"{'type':'TIME','price':2,'vat':20.5,'step_size':300},{'type':'PARKING_TIME','price':5,'step_size':1},"
		"{'type':'FLAT','price':-0.5}],"
		"'restrictions':{'start_time':'22:00','end_time':'06:00','start_date':'2026-01-01',"
		"'end_date':'2027-01-01','min_kwh':1,'max_kwh':20.5,'min_current':0,'max_current':32,"
		"'min_power':1,'max_power':22,'min_duration':0,'max_duration':3600,"
		"'day_of_week':['MONDAY','SUNDAY']}},"
		"{'price_components':[{'type':'FLAT','price':1}],'restrictions':{'reservation':'RESERVATION'}}],"
		"'min_price':{'excl_vat':0.5,'incl_vat':0.55},'max_price':{'excl_vat':10,'incl_vat':11},"
		"'start_date_time':'2026-01-01T00:00:00Z','end_date_time':'2026-12-31T23:59:59.5Z',"
		"'tariff_alt_text':[{'language':'en','text':'cheap'}],'tariff_alt_url':'https://example.com/t',"
		"'energy_mix':{'is_green_energy':true,'energy_sources':[{'source':'SOLAR','percentage':100}],"
		"'environ_impact':[{'category':'CARBON_DIOXIDE','amount':0}],'supplier_name':'s',"
		"'energy_product_name':'p'},"
		"'country_code':'NL','party_id':'EVC','last_updated':'2026-01-01T00:00:00Z'"));
}
END_TEST

START_TEST(a_currency_is_three_letters)
{
	static const char *const bad[] = {"", "EU", "EURO", "E1R", "€"};
	accept("{'put_tariff':{'id':'t','currency':'chf'," FLAT "}}");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[256];
		snprintf(text, sizeof(text), "{'put_tariff':{'id':'t','currency':'%s'," FLAT "}}", bad[i]);
		refuse("currency", text);
	}
}
END_TEST

START_TEST(there_are_elements_and_prices_in_them)
{
	refuse("elements", tariff("'elements':[]"));
	refuse("elements[0].price_components", tariff("'elements':[{}]"));
	refuse("elements[1].price_components[0].type", tariff("'elements':[{'price_components':[{'type':'FLAT','price':"
							      "1}]},{'price_components':[{'price':1}]}]"));
	refuse("elements[0].price_components[0].price", component("'type':'FLAT'"));
}
END_TEST

START_TEST(a_price_has_at_most_4_decimals_and_a_sane_size)
{
	accept(component("'type':'FLAT','price':0.1234"));
	accept(component("'type':'FLAT','price':100000000000000"));
	refuse("elements[0].price_components[0].price", component("'type':'FLAT','price':100000000000001"));
	refuse("elements[0].price_components[0].price", component("'type':'FLAT','price':-100000000000001"));
	struct decimal price = {.units = 1, .scale = 5};
	struct price_component fee = {.type = TARIFF_DIMENSION_TYPE_FLAT, .price = &price};
	struct tariff_element element = {.price_components = &fee, .price_components_count = 1};
	struct tariff object = {
		.id = BYTES_LITERAL("t"), .currency = BYTES_LITERAL("EUR"), .elements = &element, .elements_count = 1};
	const struct change change = {.kind = CHANGE_PUT_TARIFF, .put_tariff = &object};
	struct fault fault = {0};
	ck_assert_int_lt(rules_check_change(&change, NULL, &fault), 0);
	ck_assert_str_eq(fault.field, "put_tariff.elements[0].price_components[0].price");
	price.scale = 4;
	fault = (struct fault){0};
	ck_assert_int_eq(rules_check_change(&change, NULL, &fault), 0);
}
END_TEST

START_TEST(vat_is_a_percentage)
{
	accept(component("'type':'FLAT','price':1,'vat':0"));
	accept(component("'type':'FLAT','price':1,'vat':100"));
	refuse("elements[0].price_components[0].vat", component("'type':'FLAT','price':1,'vat':100.1"));
	refuse("elements[0].price_components[0].vat", component("'type':'FLAT','price':1,'vat':-1"));
}
END_TEST

START_TEST(times_of_day_are_hours_and_minutes)
{
	accept(restricted("'start_time':'00:00','end_time':'23:59'"));
	accept(restricted("'start_time':'23:00','end_time':'07:00'"));
	refuse_restriction("start_time", "'start_time':'24:00'");
	refuse_restriction("start_time", "'start_time':'7:00'");
	refuse_restriction("start_time", "'start_time':'07.00'");
	refuse_restriction("end_time", "'end_time':'07:60'");
	refuse_restriction("end_time", "'end_time':'07:00:00'");
	refuse_restriction("end_time", "'end_time':'ab:cd'");
}
END_TEST

START_TEST(dates_exist_and_are_in_order)
{
	accept(restricted("'start_date':'2024-02-29','end_date':'2024-03-01'"));
	accept(restricted("'start_date':'2000-02-29'"));
	refuse_restriction("start_date", "'start_date':'2026-02-29'");
	refuse_restriction("start_date", "'start_date':'1900-02-29'");
	refuse_restriction("start_date", "'start_date':'2026-13-01'");
	refuse_restriction("start_date", "'start_date':'2026-00-01'");
	refuse_restriction("start_date", "'start_date':'2026-04-31'");
	refuse_restriction("start_date", "'start_date':'2026-1-1'");
	refuse_restriction("start_date", "'start_date':'2026/01/01'");
	refuse_restriction("end_date", "'end_date':'2026-01-00'");
	refuse_restriction("end_date", "'start_date':'2026-01-02','end_date':'2026-01-02'");
	refuse_restriction("end_date", "'start_date':'2026-01-02','end_date':'2026-01-01'");
}
END_TEST

START_TEST(a_lower_bound_is_below_its_upper_bound)
{
	static const char *const names[] = {"kwh", "current", "power", "duration"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char text[128], max[32], min[32];
		snprintf(max, sizeof(max), "max_%s", names[i]);
		snprintf(min, sizeof(min), "min_%s", names[i]);
		snprintf(text, sizeof(text), "'min_%s':1,'max_%s':2", names[i], names[i]);
		accept(restricted(text));
		snprintf(text, sizeof(text), "'min_%s':2,'max_%s':2.0", names[i], names[i]);
		refuse_restriction(max, text);
		snprintf(text, sizeof(text), "'min_%s':20,'max_%s':3", names[i], names[i]);
		refuse_restriction(max, text);
		snprintf(text, sizeof(text), "'min_%s':-1", names[i]);
		refuse_restriction(min, text);
	}
	accept(restricted("'min_kwh':0.9999,'max_kwh':1"));
	refuse_restriction("min_duration", "'min_duration':0.5");
	refuse_restriction("max_duration", "'max_duration':10.1");
}
END_TEST

START_TEST(weekdays_are_at_most_seven)
{
	accept(restricted("'day_of_week':['MONDAY','TUESDAY','WEDNESDAY','THURSDAY','FRIDAY','SATURDAY','SUNDAY']"));
	rules_fixture_refuse_check(&fixture, STATUS_RESOURCE_EXHAUSTED,
				   "put_tariff.elements[0].restrictions.day_of_week",
				   restricted("'day_of_week':['MONDAY','MONDAY','MONDAY','MONDAY','MONDAY','MONDAY',"
					      "'MONDAY','MONDAY']"));
	refuse_restriction("day_of_week", "'day_of_week':['UNSPECIFIED']");
}
END_TEST

START_TEST(reservations_cost_a_fee_or_time_only)
{
#define RESERVED(type)                                                                                                 \
	"'elements':[{'price_components':[{'type':'" type "','price':1}],'restrictions':{'reservation':'RESERVATION'}" \
	"}]"
	accept(tariff(RESERVED("FLAT")));
	accept(tariff(RESERVED("TIME")));
	refuse("elements[0].price_components[0].type", tariff(RESERVED("ENERGY")));
	refuse("elements[0].price_components[0].type", tariff(RESERVED("PARKING_TIME")));
}
END_TEST

START_TEST(price_limits_are_in_order)
{
	accept(tariff(FLAT ",'min_price':{'excl_vat':1},'max_price':{'excl_vat':1}"));
	refuse("min_price.excl_vat", tariff(FLAT ",'min_price':{'incl_vat':1}"));
	refuse("max_price.excl_vat", tariff(FLAT ",'max_price':{'excl_vat':-1}"));
	refuse("max_price.incl_vat", tariff(FLAT ",'max_price':{'excl_vat':1,'incl_vat':-1}"));
	refuse("max_price", tariff(FLAT ",'min_price':{'excl_vat':2},'max_price':{'excl_vat':1}"));
	refuse("max_price", tariff(FLAT ",'min_price':{'excl_vat':1,'incl_vat':3},"
					"'max_price':{'excl_vat':2,'incl_vat':2}"));
}
END_TEST

START_TEST(a_period_is_in_utc_and_ends_after_it_starts)
{
	static const char *const good[] = {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.25Z",
					   "2016-12-31T23:59:60Z"};
	static const char *const bad[] = {"2026-01-01",
					  "2026-01-01 00:00:00Z",
					  "2026-01-01T24:00:00Z",
					  "2026-01-01T00:00:61Z",
					  "2026-02-30T00:00:00Z",
					  "2026-01-01T00:00:00+01:00",
					  "2026-01-01T00:00:00.Z",
					  "2026-01-01T00:00:00ZZ",
					  "2026-01-01T00:00Z",
					  "tomorrow at a quarter past six"};
	char text[256];
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), FLAT ",'start_date_time':'%s'", good[i]);
		accept(tariff(text));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), FLAT ",'end_date_time':'%s'", bad[i]);
		refuse("end_date_time", tariff(text));
	}
#define PERIOD(start, end) \
	FLAT ",'start_date_time':'2026-01-01T00:00:" start "','end_date_time':'2026-01-01T00:00:" end "'"
	accept(tariff(PERIOD("00Z", "01")));
	accept(tariff(PERIOD("00", "00.001Z")));
	refuse("end_date_time", tariff(PERIOD("00Z", "00")));
	refuse("end_date_time", tariff(PERIOD("00", "00.000Z")));
	refuse("end_date_time", tariff(PERIOD("00.5Z", "00.50")));
	refuse("end_date_time", tariff(PERIOD("02Z", "01Z")));
}
END_TEST

START_TEST(texts_around_the_prices_are_checked)
{
	refuse("tariff_alt_text[0].language", tariff(FLAT ",'tariff_alt_text':[{'text':'x'}]"));
	refuse("tariff_alt_text[0].language",
	       tariff(FLAT ",'tariff_alt_text':[{'language':'0123456789abcdefg','text':'x'}]"));
	refuse("tariff_alt_text[1].text",
	       tariff(FLAT ",'tariff_alt_text':[{'language':'en','text':'x'},{'language':'en','text':'\\u0002'}]"));
	refuse("tariff_alt_url", tariff(FLAT ",'tariff_alt_url':'a\\u0002'"));
	refuse("energy_mix.energy_sources[0].percentage",
	       tariff(FLAT ",'energy_mix':{'energy_sources':[{'source':'SOLAR','percentage':101}]}"));
	refuse("energy_mix.environ_impact[0].amount",
	       tariff(FLAT ",'energy_mix':{'environ_impact':[{'category':'x','amount':-1}]}"));
	refuse("energy_mix.supplier_name", tariff(FLAT ",'energy_mix':{'supplier_name':'\\u0002'}"));
	refuse("country_code", tariff(FLAT ",'country_code':'\\u0002'"));
	refuse("last_updated", tariff(FLAT ",'last_updated':'\\u0002'"));
}
END_TEST

static void check_counts(size_t elements_count, size_t components_count, size_t texts_count, const char *field)
{
	static struct decimal price = {.units = 1};
	struct price_component components[PRICE_COMPONENTS_MAX + 1];
	struct tariff_element elements[TARIFF_ELEMENTS_MAX + 1];
	struct display_text texts[TARIFF_TEXTS_MAX + 1];
	for (size_t i = 0; i < ARRAY_SIZE(components); i++)
		components[i] = (struct price_component){.type = TARIFF_DIMENSION_TYPE_FLAT, .price = &price};
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++)
		elements[i] = (struct tariff_element){.price_components = components,
						      .price_components_count = components_count};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		texts[i] = (struct display_text){.language = BYTES_LITERAL("en"), .text = BYTES_LITERAL("x")};
	struct tariff object = {
		.id = BYTES_LITERAL("t"),
		.currency = BYTES_LITERAL("EUR"),
		.elements = elements,
		.elements_count = elements_count,
		.tariff_alt_text = texts,
		.tariff_alt_text_count = texts_count,
	};
	const struct change change = {.kind = CHANGE_PUT_TARIFF, .put_tariff = &object};
	struct fault fault = {0};
	ck_assert_int_eq(rules_check_change(&change, NULL, &fault) == 0, field == NULL);
	ck_assert_int_eq(fault.code, field == NULL ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED);
	ck_assert_str_eq(fault.field, field == NULL ? "" : field);
}

START_TEST(lists_in_a_tariff_are_limited)
{
	check_counts(TARIFF_ELEMENTS_MAX, PRICE_COMPONENTS_MAX, TARIFF_TEXTS_MAX, NULL);
	check_counts(TARIFF_ELEMENTS_MAX + 1, 1, 0, "put_tariff.elements");
	check_counts(1, PRICE_COMPONENTS_MAX + 1, 0, "put_tariff.elements[0].price_components");
	check_counts(1, 1, TARIFF_TEXTS_MAX + 1, "put_tariff.tariff_alt_text");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("tariff");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_tariff_with_everything_is_taken);
	tcase_add_test(tcase, a_currency_is_three_letters);
	tcase_add_test(tcase, there_are_elements_and_prices_in_them);
	tcase_add_test(tcase, a_price_has_at_most_4_decimals_and_a_sane_size);
	tcase_add_test(tcase, vat_is_a_percentage);
	tcase_add_test(tcase, times_of_day_are_hours_and_minutes);
	tcase_add_test(tcase, dates_exist_and_are_in_order);
	tcase_add_test(tcase, a_lower_bound_is_below_its_upper_bound);
	tcase_add_test(tcase, weekdays_are_at_most_seven);
	tcase_add_test(tcase, reservations_cost_a_fee_or_time_only);
	tcase_add_test(tcase, price_limits_are_in_order);
	tcase_add_test(tcase, a_period_is_in_utc_and_ends_after_it_starts);
	tcase_add_test(tcase, texts_around_the_prices_are_checked);
	tcase_add_test(tcase, lists_in_a_tariff_are_limited);
	Suite *suite = suite_create("store/rules_check_tariff");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
