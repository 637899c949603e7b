// SPDX-License-Identifier: Apache-2.0
// group show and customer show: an object with what belongs to it.
#include "cli/apply.h"
#include "cli/fields.h"
#include "cli/output.h"
#include "cli/search.h"
#include "cli/words.h"
#include "proto/ids.h"
#include "proto/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

// One list under the object: a table under a title, or a member of the JSON document.
struct part {
	const char *title;
	const char *json_name;
	struct search_request request;
};

struct part_output {
	struct context *context;
	const struct part *part;
	struct table table;
	uint64_t count;
};

static int add_part_row(void *context, const struct record *record)
{
	struct part_output *output = context;
	return search_add_row(&output->table, output->part->request.kind, record);
}

static int add_part_json(void *context, const struct record *record)
{
	struct part_output *output = context;
	struct bytes text;
	struct arena arena;
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
	const int result = json_encode(&schema_record, record, JSON_COMPACT, &arena, &text);
	if (result == 0)
		fprintf(output->context->out, "%s\n%.*s", output->count++ ? "," : "", BYTES_ARG(text));
	arena_finish(&arena);
	return result;
}

static int print_part(struct context *context, const struct part *part)
{
	struct part_output output = {.context = context, .part = part};
	struct search search = {.request = part->request, .each = add_part_row, .context = &output};
	fputc('\n', context->out);
	output_title(context, "%s", part->title);
	table_init(&output.table, context->out, context->color, search_titles(part->request.kind));
	const int result = search_run(context->client, &search);
	if (table_finish(&output.table) == 0 && result == 0)
		fputs("  none\n", context->out);
	return result;
}

static int print_part_json(struct context *context, const struct part *part)
{
	struct part_output output = {.context = context, .part = part};
	struct search search = {.request = part->request, .each = add_part_json, .context = &output};
	fprintf(context->out, ",\n\"%s\":[", part->json_name);
	const int result = search_run(context->client, &search);
	fputc(']', context->out);
	return result;
}

static enum exit_code show_failed(struct context *context, int result)
{
	// A JSON document begun is no document any more, so no second one follows it.
	context->json = false;
	return evauth_fault(context->client)->code != STATUS_OK ? context_fail(context, result)
								: context_no_memory(context);
}

static enum exit_code show_json(struct context *context, const struct record *record, const struct part *parts,
				size_t count)
{
	fputc('{', context->out);
	int result = output_json_member(context, "record", &schema_record, record);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = print_part_json(context, &parts[i]);
	if (result < 0)
		return show_failed(context, result);
	fputs("}\n", context->out);
	return EXIT_DONE;
}

static void print_object(struct context *context, enum object_kind kind, const struct record *record)
{
	char revision[24];
	snprintf(revision, sizeof(revision), "%" PRIu64, record->modified_revision);
	output_title(context, "%s %.*s", words_kind(kind), BYTES_ARG(object_id(kind, record->object)));
	fields_print(context, kind, record->object);
	output_field_text(context, "last changed in", revision);
}

// ---------------------------------------------------------------- customers and tariffs

// What a membership does not say about its customer.
struct attached {
	struct id_key key;
	struct bytes name;
	bool prepaid;
};

struct attached_list {
	struct attached *items; // ordered by key, as listings are
	size_t count;
	size_t capacity;
	struct arena arena;
	const struct charge_group *group;
	struct table table;
};

static int keep_customer(void *context, const struct record *record)
{
	struct attached_list *list = context;
	if (record->kind != RECORD_CUSTOMER)
		return -EPROTO;
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct attached *items = reallocarray(list->items, capacity, sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	struct attached *item = &list->items[list->count];
	id_fold(ID_FOLD_PLAIN, record->customer->id, &item->key);
	item->name = arena_copy(&list->arena, record->customer->name);
	item->prepaid = record->customer->payment == PAYMENT_PREPAID;
	if (item->name.data == NULL)
		return -ENOMEM;
	list->count++;
	return 0;
}

static int compare_attached(const void *a, const void *b)
{
	return bytes_compare(id_key_bytes(&((const struct attached *)a)->key),
			     id_key_bytes(&((const struct attached *)b)->key));
}

// The tariff that applies, and whose it is (DESIGN 1.2).
static int add_membership_row(void *context, const struct record *record)
{
	struct attached_list *list = context;
	if (record->kind != RECORD_MEMBERSHIP)
		return -EPROTO;
	const struct membership *membership = record->membership;
	struct attached wanted;
	id_fold(ID_FOLD_PLAIN, membership->customer_id, &wanted.key);
	const struct attached *customer =
		list->count ? bsearch(&wanted, list->items, list->count, sizeof(wanted), compare_attached) : NULL;
	const bool own = membership->tariff_id.size > 0;
	const bool prepaid = !own && customer && customer->prepaid && list->group->prepaid_tariff_id.size > 0;
	const struct bytes cells[] = {
		membership->customer_id,
		customer ? customer->name : (struct bytes){0},
		own       ? membership->tariff_id
		: prepaid ? list->group->prepaid_tariff_id
			  : list->group->tariff_id,
		own       ? BYTES_LITERAL("own")
		: prepaid ? BYTES_LITERAL("the group's prepaid")
			  : BYTES_LITERAL("the group's"),
	};
	return table_add(&list->table, cells);
}

static int print_customers_and_tariffs(struct context *context, const struct charge_group *group)
{
	static const char *const titles[] = {"CUSTOMER", "NAME", "TARIFF", "WHOSE", NULL};
	struct attached_list list = {.group = group};
	const struct search_request request = {.kind = OBJECT_KIND_CUSTOMER, .charge_group_id = group->id};
	struct search search = {.request = request, .each = keep_customer, .context = &list};
	arena_init(&list.arena, 64 * 1024, SIZE_MAX);
	table_init(&list.table, context->out, context->color, titles);
	int result = search_run(context->client, &search);
	search.request.kind = OBJECT_KIND_MEMBERSHIP;
	search.each = add_membership_row;
	if (result == 0)
		result = search_run(context->client, &search);
	if (result == 0) {
		fputc('\n', context->out);
		output_title(context, "Customers and Tariffs");
	}
	if (table_finish(&list.table) == 0 && result == 0)
		fputs("  none attached\n", context->out);
	if (result == 0 && list.table.total == 0 && !group->open_to_all_customers && !group->open_to_roaming)
		apply_say_closed(context, group->id);
	arena_finish(&list.arena);
	free(list.items);
	return result;
}

enum exit_code command_group_show(struct context *context, const struct arguments *arguments)
{
	const struct bytes id = bytes_from(arguments->words[0]);
	const struct get_request request = {.kind = OBJECT_KIND_CHARGE_GROUP, .id = id};
	const struct part parts[] = {
		{"Charge Points", "charge_points", {.kind = OBJECT_KIND_CHARGE_POINT, .charge_group_id = id}},
		{"Customers", "customers", {.kind = OBJECT_KIND_CUSTOMER, .charge_group_id = id}},
		{"Customers and Tariffs", "memberships", {.kind = OBJECT_KIND_MEMBERSHIP, .charge_group_id = id}},
	};
	struct record *record;
	int result = evauth_get(context->client, &request, &context->arena, &record);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return show_json(context, record, parts, ARRAY_SIZE(parts));
	print_object(context, OBJECT_KIND_CHARGE_GROUP, record);
	result = print_part(context, &parts[0]);
	if (result == 0)
		result = print_customers_and_tariffs(context, record->charge_group);
	return result < 0 ? show_failed(context, result) : EXIT_DONE;
}

enum exit_code command_customer_show(struct context *context, const struct arguments *arguments)
{
	const struct bytes id = bytes_from(arguments->words[0]);
	const struct get_request request = {.kind = OBJECT_KIND_CUSTOMER, .id = id};
	const struct part parts[] = {
		{"Tokens", "tokens", {.kind = OBJECT_KIND_TOKEN, .customer_id = id}},
		{"Charge Groups and Tariffs", "memberships", {.kind = OBJECT_KIND_MEMBERSHIP, .customer_id = id}},
	};
	struct record *record;
	int result = evauth_get(context->client, &request, &context->arena, &record);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return show_json(context, record, parts, ARRAY_SIZE(parts));
	print_object(context, OBJECT_KIND_CUSTOMER, record);
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(parts); i++)
		result = print_part(context, &parts[i]);
	return result < 0 ? show_failed(context, result) : EXIT_DONE;
}
