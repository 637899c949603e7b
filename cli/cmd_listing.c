// SPDX-License-Identifier: Apache-2.0
// visible and permitted: what a customer sees, and who may charge at a point. All pages are put together first: they
// are printed as one.
#include "cli/output.h"
#include "cli/search.h"
#include "cli/words.h"

#include <errno.h>

// Items of several pages, one after the other; doubles in the arena.
struct gathered {
	char *items;
	size_t item_size;
	size_t count;
	size_t capacity;
};

static int gather(struct gathered *gathered, const void *items, size_t count, struct arena *arena)
{
	if (gathered->count + count > gathered->capacity) {
		const size_t capacity = 2 * gathered->capacity + count;
		char *grown = arena_calloc(arena, capacity, gathered->item_size);
		if (grown == NULL)
			return -ENOMEM;
		if (gathered->count > 0)
			memcpy(grown, gathered->items, gathered->count * gathered->item_size);
		gathered->items = grown;
		gathered->capacity = capacity;
	}
	if (count > 0)
		memcpy(gathered->items + gathered->count * gathered->item_size, items, count * gathered->item_size);
	gathered->count += count;
	return 0;
}

static enum exit_code listing_failed(struct context *context, int result)
{
	return evauth_fault(context->client)->code != STATUS_OK ? context_fail(context, result)
								: context_no_memory(context);
}

// ---------------------------------------------------------------- visible

static int get_visible(struct context *context, const char *customer_id,
		       struct list_visible_charge_points_response *ret_all)
{
	struct list_visible_charge_points_request request = {.customer_id = bytes_from(customer_id),
							     .page_size = PAGE_SIZE_MAX};
	struct gathered points = {.item_size = sizeof(struct charge_point)};
	struct list_visible_charge_points_response *page;
	int result;
	do {
		result = evauth_list_visible_charge_points(context->client, &request, &context->arena, &page);
		if (result == 0)
			result = gather(&points, page->charge_points, page->charge_points_count, &context->arena);
		if (result < 0)
			return result;
		request.page_token = page->next_page_token;
	} while (request.page_token.size > 0);
	*ret_all = *page;
	ret_all->charge_points = (struct charge_point *)points.items;
	ret_all->charge_points_count = points.count;
	return 0;
}

static int print_visible(struct context *context, const struct list_visible_charge_points_response *all)
{
	struct table table;
	int result = 0;
	table_init(&table, context->out, context->color, search_titles(OBJECT_KIND_CHARGE_POINT));
	for (size_t i = 0; result == 0 && i < all->charge_points_count; i++) {
		const struct record record = {.kind = RECORD_CHARGE_POINT, .charge_point = &all->charge_points[i]};
		result = search_add_row(&table, OBJECT_KIND_CHARGE_POINT, &record);
	}
	table_finish(&table);
	return result;
}

enum exit_code command_visible(struct context *context, const struct arguments *arguments)
{
	struct list_visible_charge_points_response all;
	char count[WORDS_SIZE];
	int result = get_visible(context, arguments->words[0], &all);
	if (result < 0)
		return listing_failed(context, result);
	if (context->json)
		return output_json(context, &schema_list_visible_charge_points_response, &all);
	result = print_visible(context, &all);
	if (result < 0)
		return listing_failed(context, result);
	context_say(context, "customer %s sees %s charge point%s\n", arguments->words[0],
		    words_count(all.charge_points_count, count), all.charge_points_count == 1 ? "" : "s");
	return EXIT_DONE;
}

// ---------------------------------------------------------------- permitted

static int get_permitted(struct context *context, struct list_permitted_request *request,
			 struct list_permitted_response *ret_all)
{
	struct gathered customers = {.item_size = sizeof(struct permitted_customer)};
	struct list_permitted_response *page;
	request->page_size = PAGE_SIZE_MAX;
	int result;
	do {
		result = evauth_list_permitted(context->client, request, &context->arena, &page);
		if (result == 0)
			result = gather(&customers, page->customers, page->customers_count, &context->arena);
		if (result < 0)
			return result;
		request->page_token = page->next_page_token;
	} while (request->page_token.size > 0);
	*ret_all = *page;
	ret_all->customers = (struct permitted_customer *)customers.items;
	ret_all->customers_count = customers.count;
	return 0;
}

static void print_class(struct context *context, const char *label, const struct permitted_class *class)
{
	char text[ID_SIZE_MAX + 32] = "no";
	if (class != NULL && class->permitted)
		snprintf(text, sizeof(text), "yes, at tariff %.*s", BYTES_ARG(class->tariff_id));
	output_field_text(context, label, text);
}

static int add_permitted(struct table *table, const struct permitted_customer *customer)
{
	static const char *const whose[] = {"", "own", "the group's prepaid", "the group's"};
	const enum tariff_source source = customer->tariff_source;
	const struct bytes cells[] = {
		customer->customer_id,
		customer->name,
		customer->tariff_id,
		bytes_from(whose[source < ARRAY_SIZE(whose) ? source : 0]),
		customer->blocked     ? BYTES_LITERAL("no: blocked")
		: customer->no_credit ? BYTES_LITERAL("no: no credit")
				      : BYTES_LITERAL("yes"),
	};
	return table_add(table, cells);
}

static int print_permitted(struct context *context, const struct list_permitted_response *all)
{
	static const char *const titles[] = {"CUSTOMER", "NAME", "TARIFF", "WHOSE", "MAY CHARGE", NULL};
	struct table table;
	int result = 0;
	if (bytes_is_empty(all->charge_group_id)) {
		fputs("It is in no charge group: nobody may charge here.\n", context->out);
		return 0;
	}
	output_title(context, "charge group %.*s", BYTES_ARG(all->charge_group_id));
	print_class(context, "all customers", all->all_customers);
	print_class(context, "all prepaid customers", all->all_prepaid_customers);
	print_class(context, "roaming", all->roaming);
	print_class(context, "direct payment", all->direct_payment);
	fputc('\n', context->out);
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < all->customers_count; i++)
		result = add_permitted(&table, &all->customers[i]);
	if (table_finish(&table) == 0)
		fputs("no customer is attached\n", context->out);
	return result;
}

enum exit_code command_permitted(struct context *context, const struct arguments *arguments)
{
	struct list_permitted_response all;
	struct list_permitted_request request = {
		.charge_point_id = bytes_from(arguments->words_count ? arguments->words[0] : NULL),
		.evse_id = bytes_from(arguments->values[OPTION_EVSE]),
	};
	if (bytes_is_empty(request.charge_point_id) && bytes_is_empty(request.evse_id))
		return context_refuse(context, "where? name a charge point, or --evse EVSE");
	int result = get_permitted(context, &request, &all);
	if (result < 0)
		return listing_failed(context, result);
	if (context->json)
		return output_json(context, &schema_list_permitted_response, &all);
	result = print_permitted(context, &all);
	return result < 0 ? listing_failed(context, result) : EXIT_DONE;
}
