// SPDX-License-Identifier: Apache-2.0
#include "cli/search.h"

#include "cli/output.h"
#include "cli/words.h"
#include "proto/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int search_page(struct search *search, const struct search_response *page)
{
	search->revision = page->revision;
	for (size_t i = 0; i < page->records_count; i++) {
		const int result = search->each(search->context, &page->records[i]);
		if (result < 0)
			return result;
	}
	return 0;
}

int search_run(struct evauth_client *client, struct search *search)
{
	struct arena arena;
	char *page_token = NULL;
	struct search_request request = search->request;
	int result;
	arena_init(&arena, 1024 * 1024, EVAUTH_ARENA_BUDGET);
	request.page_size = PAGE_SIZE_MAX;
	do {
		struct search_response *page;
		arena_reset(&arena);
		result = evauth_search(client, &request, &arena, &page);
		if (result < 0)
			break;
		result = search_page(search, page);
		free(page_token);
		page_token = strndup(page->next_page_token.data ? page->next_page_token.data : "",
				     page->next_page_token.size);
		request.page_token = bytes_from(page_token);
	} while (result == 0 && request.page_token.size > 0);
	free(page_token);
	arena_finish(&arena);
	return result;
}

// ---------------------------------------------------------------- rows

static struct bytes yes_or_nothing(bool value)
{
	return value ? BYTES_LITERAL("yes") : BYTES_LITERAL("");
}

static int add_tariff(struct table *table, const struct tariff *tariff)
{
	char elements[WORDS_SIZE];
	const struct bytes cells[] = {
		tariff->id,
		tariff->currency,
		bytes_from(words_count(tariff->elements_count, elements)),
		tariff->tariff_alt_text_count ? tariff->tariff_alt_text[0].text : (struct bytes){0},
	};
	return table_add(table, cells);
}

static int add_charge_group(struct table *table, const struct charge_group *group)
{
	const struct bytes cells[] = {
		group->id,
		group->name,
		bytes_from(json_enum_name(JSON_ENUM_CHARGE_GROUP_TYPE, (int)group->type)),
		group->tariff_id,
		group->prepaid_tariff_id,
		yes_or_nothing(group->open_to_all_customers),
		yes_or_nothing(group->open_to_roaming),
		group->user_group,
	};
	return table_add(table, cells);
}

static int add_charge_point(struct table *table, const struct charge_point *point)
{
	char evses[WORDS_SIZE];
	const struct bytes group = point->charge_group_id.size ? point->charge_group_id : BYTES_LITERAL("-");
	const struct bytes cells[] = {
		point->id,
		group,
		point->location_id,
		yes_or_nothing(point->home_charger),
		bytes_from(words_count(point->evses_count, evses)),
	};
	return table_add(table, cells);
}

static int add_customer(struct table *table, const struct customer *customer)
{
	const struct bytes cells[] = {
		customer->id,
		customer->name,
		customer->user_group,
		customer->payment == PAYMENT_PREPAID ? BYTES_LITERAL("prepaid") : BYTES_LITERAL("contract"),
		yes_or_nothing(customer->blocked),
		yes_or_nothing(customer->no_credit),
	};
	return table_add(table, cells);
}

static int add_token(struct table *table, const struct token *token)
{
	char issuer[2 * ID_SIZE_MAX + 2] = "", until[WORDS_SIZE];
	if (token->issuer != NULL)
		snprintf(issuer, sizeof(issuer), "%.*s*%.*s", BYTES_ARG(token->issuer->country_code),
			 BYTES_ARG(token->issuer->party_id));
	const struct bytes cells[] = {
		token->uid,
		bytes_from(json_enum_name(JSON_ENUM_TOKEN_TYPE, (int)token->type)),
		token->issuer ? bytes_from(issuer) : token->customer_id,
		token->contract_id,
		token->visual_number,
		yes_or_nothing(token->blocked),
		bytes_from(words_time(token->valid_until, until)),
	};
	return table_add(table, cells);
}

static int add_membership(struct table *table, const struct membership *membership)
{
	const struct bytes cells[] = {
		membership->charge_group_id,
		membership->customer_id,
		membership->tariff_id.size ? membership->tariff_id : BYTES_LITERAL("(the group's)"),
	};
	return table_add(table, cells);
}

static const char *const kind_titles[OBJECT_KINDS][TABLE_COLUMNS_MAX] = {
	[OBJECT_KIND_UNSPECIFIED] = {"ID"},
	[OBJECT_KIND_TARIFF] = {"TARIFF", "CURRENCY", "ELEMENTS", "TEXT"},
	[OBJECT_KIND_CHARGE_GROUP] = {"GROUP", "NAME", "TYPE", "TARIFF", "PREPAID", "ALL CUSTOMERS", "ROAMING",
				      "USER GROUP"},
	[OBJECT_KIND_CHARGE_POINT] = {"POINT", "GROUP", "LOCATION", "HOME", "EVSES"},
	[OBJECT_KIND_CUSTOMER] = {"CUSTOMER", "NAME", "USER GROUP", "PAYMENT", "BLOCKED", "NO CREDIT"},
	[OBJECT_KIND_TOKEN] = {"TOKEN", "TYPE", "CUSTOMER/ISSUER", "CONTRACT", "VISUAL NUMBER", "BLOCKED",
			       "VALID UNTIL"},
	[OBJECT_KIND_MEMBERSHIP] = {"GROUP", "CUSTOMER", "TARIFF"},
};

const char *const *search_titles(enum object_kind kind)
{
	return kind_titles[kind < OBJECT_KINDS ? kind : OBJECT_KIND_UNSPECIFIED];
}

int search_add_row(struct table *table, enum object_kind kind, const struct record *record)
{
	if (record->object == NULL || record->kind != (enum record_object)(kind + 1))
		return -EPROTO;
	switch (record->kind) {
	case RECORD_TARIFF:
		return add_tariff(table, record->tariff);
	case RECORD_CHARGE_GROUP:
		return add_charge_group(table, record->charge_group);
	case RECORD_CHARGE_POINT:
		return add_charge_point(table, record->charge_point);
	case RECORD_CUSTOMER:
		return add_customer(table, record->customer);
	case RECORD_TOKEN:
		return add_token(table, record->token);
	case RECORD_MEMBERSHIP:
		return add_membership(table, record->membership);
	case RECORD_NONE:
	case RECORD_REMEMBERED: // no object: only replicas ask for it
		break;
	}
	return -EPROTO;
}

// ---------------------------------------------------------------- printing

struct printing {
	struct context *context;
	struct table table;
	enum object_kind kind;
	uint64_t count;
};

static int print_row(void *context, const struct record *record)
{
	struct printing *printing = context;
	printing->count++;
	return search_add_row(&printing->table, printing->kind, record);
}

// Written as it comes: a million records are one document as well.
static int print_json(void *context, const struct record *record)
{
	struct printing *printing = context;
	struct arena *arena = &printing->context->arena;
	struct bytes text;
	arena_reset(arena);
	const int result = json_encode(&schema_record, record, JSON_COMPACT, arena, &text);
	if (result == 0)
		fprintf(printing->context->out, "%s\n%.*s", printing->count ? "," : "", BYTES_ARG(text));
	printing->count++;
	return result;
}

static enum exit_code search_failed(struct context *context, int result)
{
	if (evauth_fault(context->client)->code != STATUS_OK)
		return context_fail(context, result);
	return result == -EPROTO ? context_refuse(context, "evauthd answered with an object of another kind")
				 : context_no_memory(context);
}

static enum exit_code search_print_json(struct context *context, struct search *search, struct printing *printing)
{
	search->each = print_json;
	fprintf(context->out, "{\"records\":[");
	const int result = search_run(context->client, search);
	if (result < 0) {
		// What was begun is no document any more, so no second one follows it.
		context->json = false;
		return search_failed(context, result);
	}
	fprintf(context->out, "%s],\"revision\":\"%" PRIu64 "\"}\n", printing->count ? "\n" : "", search->revision);
	return EXIT_DONE;
}

enum exit_code search_print(struct context *context, const struct search_request *request)
{
	struct printing printing = {.context = context, .kind = request->kind};
	struct search search = {.request = *request, .each = print_row, .context = &printing};
	if (context->json)
		return search_print_json(context, &search, &printing);
	table_init(&printing.table, context->out, context->color, search_titles(request->kind));
	const int result = search_run(context->client, &search);
	table_finish(&printing.table);
	if (result < 0)
		return search_failed(context, result);
	char count[WORDS_SIZE];
	context_say(context, "%s %s%s\n", words_count(printing.count, count), words_kind(request->kind),
		    printing.count == 1 ? "" : "s");
	return EXIT_DONE;
}
