// SPDX-License-Identifier: Apache-2.0
// The structure of an OCPI 2.2.1 tariff (mod_tariffs): what must hold whatever the prices are.
#include "store/rules_impl.h"

#include <errno.h>

enum {
	DAYS_OF_WEEK = 7,
	LANGUAGE_SIZE_MAX = 16,
	URL_SIZE_MAX = 255,
	PERCENT_MAX = 100,
};

// Units beyond this cannot be money, energy or time; within it they can be brought to the same scale in 64 bits.
static const int64_t DECIMAL_UNITS_MAX = 100000000000000;

static int invalid(struct fault *fault, const char *field, const char *problem)
{
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, field, "%s %s", field, problem);
}

// ---------------------------------------------------------------- decimals

static int64_t power_of_ten(uint32_t exponent)
{
	int64_t power = 1;
	while (exponent-- > 0)
		power *= 10;
	return power;
}

// Both within their limits.
static int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	const int64_t left = a->units * power_of_ten(DECIMAL_SCALE_MAX - a->scale);
	const int64_t right = b->units * power_of_ten(DECIMAL_SCALE_MAX - b->scale);
	return (left > right) - (left < right);
}

static bool decimal_is_whole(const struct decimal *decimal)
{
	return decimal->units % power_of_ten(decimal->scale) == 0;
}

static int check_decimal(const struct decimal *decimal, const char *field, struct fault *fault)
{
	if (decimal == NULL)
		return 0;
	if (decimal->scale > DECIMAL_SCALE_MAX)
		return invalid(fault, field, "has more than 4 decimals");
	if (decimal->units > DECIMAL_UNITS_MAX || decimal->units < -DECIMAL_UNITS_MAX)
		return invalid(fault, field, "is too large");
	return 0;
}

static int check_quantity(const struct decimal *decimal, const char *field, struct fault *fault)
{
	const int error = check_decimal(decimal, field, fault);
	if (error != 0 || decimal == NULL || decimal->units >= 0)
		return error;
	return invalid(fault, field, "must not be negative");
}

static int check_percentage(const struct decimal *decimal, const char *field, struct fault *fault)
{
	const struct decimal hundred = {.units = PERCENT_MAX};
	const int error = check_quantity(decimal, field, fault);
	if (error != 0 || decimal == NULL || decimal_compare(decimal, &hundred) <= 0)
		return error;
	return invalid(fault, field, "is more than 100 percent");
}

// ---------------------------------------------------------------- dates and times

// `count` digits at `text`, as a number; -1 when there is something else.
static int read_digits(const char *text, int count)
{
	int number = 0;
	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

static bool is_within(int number, int min, int max)
{
	return number >= min && number <= max;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && is_leap);
}

// YYYY-MM-DD, and a day there is.
static bool is_date(const char *text)
{
	const int year = read_digits(text, 4);
	const int month = read_digits(text + 5, 2);
	const int day = read_digits(text + 8, 2);
	return year >= 0 && text[4] == '-' && text[7] == '-' && is_within(month, 1, 12) &&
	       is_within(day, 1, days_of_month(year, month));
}

// HH:MM
static bool is_time_of_day(const char *text)
{
	return is_within(read_digits(text, 2), 0, 23) && text[2] == ':' && is_within(read_digits(text + 3, 2), 0, 59);
}

// OCPI's DateTime: RFC 3339 in UTC, "YYYY-MM-DDTHH:MM:SS" with a fraction or without, ending in Z or nothing.
static bool is_date_time(struct bytes text)
{
	if (text.size < 19 || !is_date(text.data) || text.data[10] != 'T' || !is_time_of_day(text.data + 11) ||
	    text.data[16] != ':' || !is_within(read_digits(text.data + 17, 2), 0, 60))
		return false;
	size_t end = 19;
	if (end < text.size && text.data[end] == '.') {
		const size_t start = ++end;
		while (end < text.size && read_digits(text.data + end, 1) >= 0)
			end++;
		if (end == start)
			return false;
	}
	return end == text.size || (end + 1 == text.size && text.data[end] == 'Z');
}

static int check_date(struct bytes date, const char *field, struct fault *fault)
{
	if (bytes_is_empty(date) || (date.size == 10 && is_date(date.data)))
		return 0;
	return invalid(fault, field, "is no date; it is written YYYY-MM-DD");
}

static int check_time_of_day(struct bytes time, const char *field, struct fault *fault)
{
	if (bytes_is_empty(time) || (time.size == 5 && is_time_of_day(time.data)))
		return 0;
	return invalid(fault, field, "is no time of day; it is written HH:MM, 00:00 to 23:59");
}

static int check_date_time(struct bytes time, const char *field, struct fault *fault)
{
	if (bytes_is_empty(time) || (time.size <= ID_SIZE_MAX && is_date_time(time)))
		return 0;
	return invalid(fault, field, "is no date and time in UTC; it is written 2026-12-01T08:00:00Z");
}

// The order of text is the order of time once what may be left out is cut off: the Z, and zeros of a fraction.
static struct bytes trim_date_time(struct bytes time)
{
	if (time.data[time.size - 1] == 'Z')
		time.size--;
	while (time.size > 19 && (time.data[time.size - 1] == '0' || time.data[time.size - 1] == '.'))
		time.size--;
	return time;
}

static int check_period(const struct tariff *tariff, struct fault *fault)
{
	int error = check_date_time(tariff->start_date_time, "start_date_time", fault);
	if (error == 0)
		error = check_date_time(tariff->end_date_time, "end_date_time", fault);
	if (error != 0 || bytes_is_empty(tariff->start_date_time) || bytes_is_empty(tariff->end_date_time))
		return error;
	if (bytes_compare(trim_date_time(tariff->start_date_time), trim_date_time(tariff->end_date_time)) < 0)
		return 0;
	return invalid(fault, "end_date_time", "is not after start_date_time");
}

// ---------------------------------------------------------------- elements

static int check_bounds(const struct decimal *min, const struct decimal *max, const char *min_field,
			const char *max_field, struct fault *fault)
{
	int error = check_quantity(min, min_field, fault);
	if (error == 0)
		error = check_quantity(max, max_field, fault);
	if (error != 0 || min == NULL || max == NULL || decimal_compare(min, max) < 0)
		return error;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, max_field, "%s is not above %s", max_field, min_field);
}

static int check_duration(const struct decimal *duration, const char *field, struct fault *fault)
{
	return duration == NULL || decimal_is_whole(duration) ? 0 : invalid(fault, field, "is not in whole seconds");
}

static int check_amounts(const struct tariff_restrictions *restrictions, struct fault *fault)
{
	int error = check_bounds(restrictions->min_kwh, restrictions->max_kwh, "min_kwh", "max_kwh", fault);
	if (error == 0)
		error = check_bounds(restrictions->min_current, restrictions->max_current, "min_current", "max_current",
				     fault);
	if (error == 0)
		error = check_bounds(restrictions->min_power, restrictions->max_power, "min_power", "max_power", fault);
	if (error == 0)
		error = check_bounds(restrictions->min_duration, restrictions->max_duration, "min_duration",
				     "max_duration", fault);
	if (error == 0)
		error = check_duration(restrictions->min_duration, "min_duration", fault);
	if (error == 0)
		error = check_duration(restrictions->max_duration, "max_duration", fault);
	return error;
}

// Times may wrap over midnight, dates may not: end_date is the first day that does not count.
static int check_when(const struct tariff_restrictions *restrictions, struct fault *fault)
{
	int error = check_time_of_day(restrictions->start_time, "start_time", fault);
	if (error == 0)
		error = check_time_of_day(restrictions->end_time, "end_time", fault);
	if (error == 0)
		error = check_date(restrictions->start_date, "start_date", fault);
	if (error == 0)
		error = check_date(restrictions->end_date, "end_date", fault);
	if (error != 0 || bytes_is_empty(restrictions->start_date) || bytes_is_empty(restrictions->end_date) ||
	    bytes_compare(restrictions->start_date, restrictions->end_date) < 0)
		return error;
	return invalid(fault, "end_date", "is not after start_date");
}

static int check_days(const struct tariff_restrictions *restrictions, struct fault *fault)
{
	if (restrictions->day_of_week_count > DAYS_OF_WEEK)
		return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, "day_of_week",
				    "day_of_week has more than 7 days");
	int error = 0;
	for (size_t i = 0; i < restrictions->day_of_week_count && error == 0; i++)
		error = rules_check_enum((int)restrictions->day_of_week[i], DAY_OF_WEEK_MONDAY, DAY_OF_WEEK_SUNDAY,
					 "day_of_week", fault);
	return error;
}

static int check_restrictions(const struct tariff_restrictions *restrictions, struct fault *fault)
{
	int error = check_when(restrictions, fault);
	if (error == 0)
		error = check_amounts(restrictions, fault);
	if (error == 0)
		error = check_days(restrictions, fault);
	if (error == 0)
		error = rules_check_enum((int)restrictions->reservation, RESERVATION_RESTRICTION_TYPE_UNSPECIFIED,
					 RESERVATION_RESTRICTION_TYPE_RESERVATION_EXPIRES, "reservation", fault);
	if (error != 0)
		rules_fault_prefix(fault, "restrictions.");
	return error;
}

// Prices may be negative: a grid operator may pay for taking energy. `is_reservation`: nothing is charged yet, so
// only a fee or time can be asked for (OCPI: FLAT and TIME).
static int check_component(const struct price_component *component, bool is_reservation, struct fault *fault)
{
	int error = rules_check_enum((int)component->type, TARIFF_DIMENSION_TYPE_ENERGY, TARIFF_DIMENSION_TYPE_TIME,
				     "type", fault);
	if (error == 0 && is_reservation && component->type != TARIFF_DIMENSION_TYPE_FLAT &&
	    component->type != TARIFF_DIMENSION_TYPE_TIME)
		error = invalid(fault, "type", "must be FLAT or TIME in an element for reservations");
	if (error == 0 && component->price == NULL)
		error = invalid(fault, "price", "must be given");
	if (error == 0)
		error = check_decimal(component->price, "price", fault);
	if (error == 0)
		error = check_percentage(component->vat, "vat", fault);
	return error;
}

static int check_components(const struct tariff_element *element, struct fault *fault)
{
	if (element->price_components_count == 0)
		return invalid(fault, "price_components", "must hold at least one price component");
	if (element->price_components_count > PRICE_COMPONENTS_MAX)
		return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, "price_components",
				    "the element has %zu price components, at most %d are taken",
				    element->price_components_count, PRICE_COMPONENTS_MAX);
	const bool is_reservation = element->restrictions != NULL && element->restrictions->reservation != 0;
	for (size_t i = 0; i < element->price_components_count; i++) {
		const int error = check_component(&element->price_components[i], is_reservation, fault);
		if (error != 0) {
			rules_fault_prefix(fault, "price_components[%zu].", i);
			return error;
		}
	}
	return 0;
}

static int check_element(const struct tariff_element *element, struct fault *fault)
{
	const int error = element->restrictions ? check_restrictions(element->restrictions, fault) : 0;
	return error != 0 ? error : check_components(element, fault);
}

static int check_elements(const struct tariff *tariff, struct fault *fault)
{
	if (tariff->elements_count == 0)
		return invalid(fault, "elements", "must hold at least one element");
	if (tariff->elements_count > TARIFF_ELEMENTS_MAX)
		return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, "elements",
				    "the tariff has %zu elements, at most %d are taken", tariff->elements_count,
				    TARIFF_ELEMENTS_MAX);
	for (size_t i = 0; i < tariff->elements_count; i++) {
		const int error = check_element(&tariff->elements[i], fault);
		if (error != 0) {
			rules_fault_prefix(fault, "elements[%zu].", i);
			return error;
		}
	}
	return 0;
}

// ---------------------------------------------------------------- the rest

static int check_price(const struct price *price, const char *field, struct fault *fault)
{
	if (price == NULL)
		return 0;
	int error = price->excl_vat ? 0 : invalid(fault, "excl_vat", "must be given");
	if (error == 0)
		error = check_quantity(price->excl_vat, "excl_vat", fault);
	if (error == 0)
		error = check_quantity(price->incl_vat, "incl_vat", fault);
	if (error != 0)
		rules_fault_prefix(fault, "%s.", field);
	return error;
}

static bool is_above(const struct decimal *min, const struct decimal *max)
{
	return min != NULL && max != NULL && decimal_compare(min, max) > 0;
}

static int check_price_limits(const struct tariff *tariff, struct fault *fault)
{
	const struct price *min = tariff->min_price, *max = tariff->max_price;
	int error = check_price(min, "min_price", fault);
	if (error == 0)
		error = check_price(max, "max_price", fault);
	if (error != 0 || min == NULL || max == NULL)
		return error;
	if (is_above(min->excl_vat, max->excl_vat) || is_above(min->incl_vat, max->incl_vat))
		return invalid(fault, "max_price", "is below min_price");
	return 0;
}

static int check_count(size_t count, const char *field, struct fault *fault)
{
	if (count <= TARIFF_TEXTS_MAX)
		return 0;
	return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, field, "%s has %zu entries, at most %d are taken", field,
			    count, TARIFF_TEXTS_MAX);
}

static int check_alt_texts(const struct tariff *tariff, struct fault *fault)
{
	int error = check_count(tariff->tariff_alt_text_count, "tariff_alt_text", fault);
	for (size_t i = 0; i < tariff->tariff_alt_text_count && error == 0; i++) {
		const struct display_text *text = &tariff->tariff_alt_text[i];
		error = rules_check_text(text->language, LANGUAGE_SIZE_MAX, "language", fault);
		if (error == 0 && bytes_is_empty(text->language))
			error = invalid(fault, "language", "must be given, such as en");
		if (error == 0)
			error = rules_check_text(text->text, TEXT_SIZE_MAX, "text", fault);
		if (error != 0)
			rules_fault_prefix(fault, "tariff_alt_text[%zu].", i);
	}
	return error;
}

static int check_energy_sources(const struct energy_mix *mix, struct fault *fault)
{
	int error = check_count(mix->energy_sources_count, "energy_sources", fault);
	for (size_t i = 0; i < mix->energy_sources_count && error == 0; i++) {
		error = rules_check_text(mix->energy_sources[i].source, ID_SIZE_MAX, "source", fault);
		if (error == 0)
			error = check_percentage(mix->energy_sources[i].percentage, "percentage", fault);
		if (error != 0)
			rules_fault_prefix(fault, "energy_sources[%zu].", i);
	}
	return error;
}

static int check_environ_impacts(const struct energy_mix *mix, struct fault *fault)
{
	int error = check_count(mix->environ_impact_count, "environ_impact", fault);
	for (size_t i = 0; i < mix->environ_impact_count && error == 0; i++) {
		error = rules_check_text(mix->environ_impact[i].category, ID_SIZE_MAX, "category", fault);
		if (error == 0)
			error = check_quantity(mix->environ_impact[i].amount, "amount", fault);
		if (error != 0)
			rules_fault_prefix(fault, "environ_impact[%zu].", i);
	}
	return error;
}

static int check_energy_mix(const struct energy_mix *mix, struct fault *fault)
{
	if (mix == NULL)
		return 0;
	int error = check_energy_sources(mix, fault);
	if (error == 0)
		error = check_environ_impacts(mix, fault);
	if (error == 0)
		error = rules_check_text(mix->supplier_name, TEXT_SIZE_MAX, "supplier_name", fault);
	if (error == 0)
		error = rules_check_text(mix->energy_product_name, TEXT_SIZE_MAX, "energy_product_name", fault);
	if (error != 0)
		rules_fault_prefix(fault, "energy_mix.");
	return error;
}

static bool is_letter(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

// By syntax: which currencies there are is not for the change rules to know (DESIGN 1.4).
static int check_currency(struct bytes currency, struct fault *fault)
{
	if (currency.size == 3 && is_letter(currency.data[0]) && is_letter(currency.data[1]) &&
	    is_letter(currency.data[2]))
		return 0;
	return invalid(fault, "currency", "must be three letters, such as EUR");
}

// Fields that OCPI peers want back as they sent them.
static int check_carried(const struct tariff *tariff, struct fault *fault)
{
	int error = rules_check_text(tariff->tariff_alt_url, URL_SIZE_MAX, "tariff_alt_url", fault);
	if (error == 0)
		error = rules_check_text(tariff->country_code, ID_SIZE_MAX, "country_code", fault);
	if (error == 0)
		error = rules_check_text(tariff->party_id, ID_SIZE_MAX, "party_id", fault);
	if (error == 0)
		error = rules_check_text(tariff->last_updated, ID_SIZE_MAX, "last_updated", fault);
	return error;
}

int rules_check_tariff(const struct tariff *tariff, struct fault *fault)
{
	int error = id_check(ID_FOLD_PLAIN, tariff->id, "id", fault);
	if (error == 0)
		error = check_currency(tariff->currency, fault);
	if (error == 0)
		error = rules_check_enum((int)tariff->type, TARIFF_TYPE_UNSPECIFIED, TARIFF_TYPE_REGULAR, "type",
					 fault);
	if (error == 0)
		error = check_elements(tariff, fault);
	if (error == 0)
		error = check_price_limits(tariff, fault);
	if (error == 0)
		error = check_period(tariff, fault);
	if (error == 0)
		error = check_alt_texts(tariff, fault);
	if (error == 0)
		error = check_energy_mix(tariff->energy_mix, fault);
	if (error == 0)
		error = check_carried(tariff, fault);
	return error;
}
