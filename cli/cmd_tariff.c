// SPDX-License-Identifier: Apache-2.0
// tariff get and tariff show: a stored tariff, and the one that applies to a caller at a place.
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/request.h"
#include "cli/table.h"
#include "cli/words.h"
#include "proto/json.h"

#include <inttypes.h>
#include <stdarg.h>

// ---------------------------------------------------------------- a tariff in words

static const char *const dimension_words[] = {
	[TARIFF_DIMENSION_TYPE_UNSPECIFIED] = "?",       [TARIFF_DIMENSION_TYPE_ENERGY] = "energy, per kWh",
	[TARIFF_DIMENSION_TYPE_FLAT] = "flat",           [TARIFF_DIMENSION_TYPE_PARKING_TIME] = "parking, per hour",
	[TARIFF_DIMENSION_TYPE_TIME] = "time, per hour",
};

static const char *const day_words[] = {"?", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static const char *const reservation_words[] = {"", "reservation", "reservation expired"};

// Text that grows piece by piece and is cut at its end.
struct phrase {
	char text[512];
	size_t size;
};

static void phrase_add(struct phrase *phrase, const char *format, ...) PRINTF_LIKE(2, 3);
static void phrase_add(struct phrase *phrase, const char *format, ...)
{
	const size_t room = sizeof(phrase->text) - phrase->size;
	va_list list;
	va_start(list, format);
	const int size = vsnprintf(phrase->text + phrase->size, room, format, list);
	va_end(list);
	phrase->size += size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
}

static void phrase_range(struct phrase *phrase, const char *unit, struct bytes from, struct bytes to)
{
	if (from.size == 0 && to.size == 0)
		return;
	phrase_add(phrase, "%s", phrase->size ? ", " : "");
	if (from.size > 0 && to.size > 0)
		phrase_add(phrase, "%.*s to %.*s%s", BYTES_ARG(from), BYTES_ARG(to), unit);
	else if (from.size > 0)
		phrase_add(phrase, "from %.*s%s", BYTES_ARG(from), unit);
	else
		phrase_add(phrase, "up to %.*s%s", BYTES_ARG(to), unit);
}

static void phrase_decimals(struct phrase *phrase, const char *unit, const struct decimal *from,
			    const struct decimal *to)
{
	char from_text[WORDS_SIZE], to_text[WORDS_SIZE];
	phrase_range(phrase, unit, bytes_from(words_decimal(from, from_text)), bytes_from(words_decimal(to, to_text)));
}

static void phrase_restrictions(struct phrase *phrase, const struct tariff_restrictions *restrictions)
{
	if (restrictions == NULL) {
		phrase_add(phrase, "always");
		return;
	}
	phrase_range(phrase, "", restrictions->start_time, restrictions->end_time);
	phrase_range(phrase, "", restrictions->start_date, restrictions->end_date);
	for (size_t i = 0; i < restrictions->day_of_week_count; i++) {
		const enum day_of_week day = restrictions->day_of_week[i];
		phrase_add(phrase, "%s%s",
			   i > 0          ? " "
			   : phrase->size ? ", "
					  : "",
			   day_words[day < ARRAY_SIZE(day_words) ? day : 0]);
	}
	phrase_decimals(phrase, " kWh", restrictions->min_kwh, restrictions->max_kwh);
	phrase_decimals(phrase, " A", restrictions->min_current, restrictions->max_current);
	phrase_decimals(phrase, " kW", restrictions->min_power, restrictions->max_power);
	phrase_decimals(phrase, " s", restrictions->min_duration, restrictions->max_duration);
	const enum reservation_restriction_type reservation = restrictions->reservation;
	if (reservation != 0 && reservation < ARRAY_SIZE(reservation_words))
		phrase_add(phrase, "%s%s", phrase->size ? ", " : "", reservation_words[reservation]);
	if (phrase->size == 0)
		phrase_add(phrase, "always");
}

static int add_component(struct table *table, const char *element, const char *when,
			 const struct price_component *component)
{
	char price[WORDS_SIZE], vat[WORDS_SIZE], step[WORDS_SIZE] = "";
	const enum tariff_dimension_type type = component->type;
	if (component->step_size > 0)
		words_count(component->step_size, step);
	const struct bytes cells[] = {
		bytes_from(element),
		bytes_from(dimension_words[type < ARRAY_SIZE(dimension_words) ? type : 0]),
		bytes_from(words_decimal(component->price, price)),
		bytes_from(words_decimal(component->vat, vat)),
		bytes_from(step),
		bytes_from(when),
	};
	return table_add(table, cells);
}

static int print_elements(struct context *context, const struct tariff *tariff)
{
	static const char *const titles[] = {"ELEMENT", "PRICE FOR", "PRICE", "VAT %", "STEP", "WHEN", NULL};
	struct table table;
	int result = 0;
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < tariff->elements_count; i++) {
		const struct tariff_element *element = &tariff->elements[i];
		struct phrase when = {.size = 0};
		char number[WORDS_SIZE];
		phrase_restrictions(&when, element->restrictions);
		words_count(i + 1, number);
		for (size_t j = 0; result == 0 && j < element->price_components_count; j++)
			result = add_component(&table, j == 0 ? number : "", j == 0 ? when.text : "",
					       &element->price_components[j]);
	}
	table_finish(&table);
	return result;
}

static void print_price(struct context *context, const char *label, const struct price *price)
{
	char excl_vat[WORDS_SIZE], incl_vat[WORDS_SIZE], text[2 * WORDS_SIZE + 32];
	if (price == NULL)
		return;
	words_decimal(price->excl_vat, excl_vat);
	words_decimal(price->incl_vat, incl_vat);
	snprintf(text, sizeof(text), "%s excl. VAT%s%s%s", excl_vat, incl_vat[0] ? ", " : "", incl_vat,
		 incl_vat[0] ? " incl. VAT" : "");
	output_field_text(context, label, text);
}

static enum exit_code print_tariff(struct context *context, const struct tariff *tariff)
{
	fields_print(context, OBJECT_KIND_TARIFF, tariff);
	print_price(context, "at least", tariff->min_price);
	print_price(context, "at most", tariff->max_price);
	for (size_t i = 0; i < tariff->tariff_alt_text_count; i++)
		output_field(context, "text", tariff->tariff_alt_text[i].text);
	return print_elements(context, tariff) < 0 ? context_no_memory(context) : EXIT_DONE;
}

// ---------------------------------------------------------------- a stored one

static enum exit_code show_stored(struct context *context, const char *id)
{
	const struct get_request request = {.kind = OBJECT_KIND_TARIFF, .id = bytes_from(id)};
	struct record *record;
	char revision[WORDS_SIZE];
	const int result = evauth_get(context->client, &request, &context->arena, &record);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_record, record);
	if (record->kind != RECORD_TARIFF)
		return context_refuse(context, "evauthd answered with another object");
	output_title(context, "tariff %.*s", BYTES_ARG(record->tariff->id));
	snprintf(revision, sizeof(revision), "%" PRIu64, record->modified_revision);
	output_field_text(context, "last changed in", revision);
	return print_tariff(context, record->tariff);
}

// ---------------------------------------------------------------- the one that applies

static const char *const source_words[] = {
	[TARIFF_SOURCE_UNSPECIFIED] = "",
	[TARIFF_SOURCE_OVERRIDE] = "the customer's own in this group",
	[TARIFF_SOURCE_PREPAID] = "the group's tariff for prepaid and direct payment",
	[TARIFF_SOURCE_GROUP] = "the group's",
};

static void print_why(struct context *context, const struct get_tariff_response *response)
{
	const enum tariff_source source = response->source < ARRAY_SIZE(source_words) ? response->source : 0;
	output_title(context, "tariff %.*s applies", response->tariff ? (int)response->tariff->id.size : 0,
		     response->tariff && response->tariff->id.data ? response->tariff->id.data : "");
	output_field_text(context, "because it is", source_words[source]);
	output_field_text(context, "caller", json_enum_name(JSON_ENUM_CALLER_CLASS, (int)response->caller_class));
	output_field(context, "customer", response->customer_id);
	output_field(context, "charge group", response->charge_group_id);
}

static int build_request(struct context *context, struct get_tariff_request *request, struct fault *fault)
{
	const struct arguments *arguments = context->arguments;
	*request = (struct get_tariff_request){
		.charge_point_id = bytes_from(arguments->values[OPTION_POINT]),
		.evse_id = bytes_from(arguments->values[OPTION_EVSE]),
		.charge_group_id = bytes_from(arguments->values[OPTION_GROUP]),
		.token_uid = bytes_from(arguments->values[OPTION_TOKEN]),
		.customer_id = bytes_from(arguments->values[OPTION_CUSTOMER]),
	};
	const struct request_options options = {&request->token_type, &request->issuer, &request->at,
						&request->caller_class};
	return request_take_options(arguments, &options, &context->arena, fault);
}

static enum exit_code show_applying(struct context *context)
{
	struct get_tariff_request request;
	struct get_tariff_response *response;
	struct fault fault = {0};
	if (build_request(context, &request, &fault) < 0)
		return context_fail_with(context, &fault);
	const int result = evauth_get_tariff(context->client, &request, &context->arena, &response);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_get_tariff_response, response);
	print_why(context, response);
	return response->tariff ? print_tariff(context, response->tariff) : EXIT_DONE;
}

enum exit_code command_tariff_show(struct context *context, const struct arguments *arguments)
{
	static const enum option_id places[] = {OPTION_POINT, OPTION_EVSE, OPTION_GROUP};
	bool has_place = false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		has_place |= option_given(arguments, places[i]);
	if (arguments->words_count == 1 && has_place)
		return context_refuse(context, "name a stored tariff, or a place and a caller, not both");
	if (arguments->words_count == 1)
		return show_stored(context, arguments->words[0]);
	if (!has_place)
		return context_refuse(context,
				      "which tariff? name it, or ask for the one that applies: --point POINT or "
				      "--group GROUP with --token UID, --customer CUSTOMER or --class CLASS");
	return show_applying(context);
}
