// SPDX-License-Identifier: Apache-2.0
#include "cli/change_words.h"

#include "cli/table.h"
#include "cli/words.h"

// How the ids of a change lie in it.
enum shape {
	SHAPE_ID,     // a message that begins with an id: put_x, delete_object
	SHAPE_TOKEN,  // put_token, delete_token: by uid
	SHAPE_POINTS, // a list of charge points or customers, some with a group
	SHAPE_DETACHED_POINTS,
	SHAPE_CUSTOMERS,
	SHAPE_DETACHED_CUSTOMERS,
	SHAPE_TARIFF_OF_CUSTOMERS,
};

static const struct {
	enum shape shape;
	const char *noun;
	const char *verb;
} rows[CHANGE_KINDS] = {
	[CHANGE_PUT_TARIFF] = {SHAPE_ID, "tariff", "stored"},
	[CHANGE_DELETE_TARIFF] = {SHAPE_ID, "tariff", "deleted"},
	[CHANGE_PUT_CHARGE_GROUP] = {SHAPE_ID, "charge group", "stored"},
	[CHANGE_DELETE_CHARGE_GROUP] = {SHAPE_ID, "charge group", "deleted"},
	[CHANGE_PUT_CHARGE_POINT] = {SHAPE_ID, "charge point", "stored"},
	[CHANGE_DELETE_CHARGE_POINT] = {SHAPE_ID, "charge point", "deleted"},
	[CHANGE_PUT_CUSTOMER] = {SHAPE_ID, "customer", "stored"},
	[CHANGE_DELETE_CUSTOMER] = {SHAPE_ID, "customer", "deleted"},
	[CHANGE_PUT_TOKEN] = {SHAPE_TOKEN, "token", "stored"},
	[CHANGE_DELETE_TOKEN] = {SHAPE_TOKEN, "token", "deleted"},
	[CHANGE_ATTACH_CHARGE_POINTS] = {SHAPE_POINTS, "charge points", "attached to group"},
	[CHANGE_DETACH_CHARGE_POINTS] = {SHAPE_DETACHED_POINTS, "charge points", "detached"},
	[CHANGE_ATTACH_CUSTOMERS] = {SHAPE_CUSTOMERS, "customers", "attached to group"},
	[CHANGE_DETACH_CUSTOMERS] = {SHAPE_DETACHED_CUSTOMERS, "customers", "detached from group"},
	[CHANGE_SET_CUSTOMER_TARIFF] = {SHAPE_TARIFF_OF_CUSTOMERS, "customers", "given a tariff of their own in group"},
};

struct parts {
	const struct bytes *ids;
	size_t ids_count;
	struct bytes group;
	struct bytes tariff;
};

static struct bytes id_of(const struct change *change)
{
	switch (change->kind) {
	case CHANGE_PUT_TARIFF:
		return change->put_tariff->id;
	case CHANGE_PUT_CHARGE_GROUP:
		return change->put_charge_group->id;
	case CHANGE_PUT_CHARGE_POINT:
		return change->put_charge_point->id;
	case CHANGE_PUT_CUSTOMER:
		return change->put_customer->id;
	default:
		return change->delete_object->id;
	}
}

// `id` is room for a single one.
static struct parts parts_of(const struct change *change, struct bytes *id)
{
	switch (rows[change->kind].shape) {
	case SHAPE_TOKEN:
		*id = change->kind == CHANGE_PUT_TOKEN ? change->put_token->uid : change->delete_token->uid;
		return (struct parts){.ids = id, .ids_count = 1};
	case SHAPE_POINTS:
		return (struct parts){.ids = change->attach_charge_points->charge_point_ids,
				      .ids_count = change->attach_charge_points->charge_point_ids_count,
				      .group = change->attach_charge_points->charge_group_id};
	case SHAPE_DETACHED_POINTS:
		return (struct parts){.ids = change->detach_charge_points->charge_point_ids,
				      .ids_count = change->detach_charge_points->charge_point_ids_count};
	case SHAPE_CUSTOMERS:
		return (struct parts){.ids = change->attach_customers->customer_ids,
				      .ids_count = change->attach_customers->customer_ids_count,
				      .group = change->attach_customers->charge_group_id,
				      .tariff = change->attach_customers->tariff_id};
	case SHAPE_DETACHED_CUSTOMERS:
		return (struct parts){.ids = change->detach_customers->customer_ids,
				      .ids_count = change->detach_customers->customer_ids_count,
				      .group = change->detach_customers->charge_group_id};
	case SHAPE_TARIFF_OF_CUSTOMERS:
		return (struct parts){.ids = change->set_customer_tariff->customer_ids,
				      .ids_count = change->set_customer_tariff->customer_ids_count,
				      .group = change->set_customer_tariff->charge_group_id,
				      .tariff = change->set_customer_tariff->tariff_id};
	default:
		*id = id_of(change);
		return (struct parts){.ids = id, .ids_count = 1};
	}
}

static void print_ids(FILE *out, const struct parts *parts)
{
	char more[WORDS_SIZE];
	for (size_t i = 0; i < parts->ids_count && i < CHANGE_WORDS_IDS_MAX; i++) {
		fputs(i > 0 ? ", " : " ", out);
		text_print(out, parts->ids[i]);
	}
	if (parts->ids_count > CHANGE_WORDS_IDS_MAX)
		fprintf(out, " (and %s more)", words_count(parts->ids_count - CHANGE_WORDS_IDS_MAX, more));
}

void change_print_words(FILE *out, const struct change *change)
{
	struct bytes id;
	if (change->kind <= CHANGE_NONE || change->kind >= CHANGE_KINDS || change->change == NULL) {
		fputs("a change this evauth does not know", out);
		return;
	}
	const struct parts parts = parts_of(change, &id);
	fputs(rows[change->kind].noun, out);
	print_ids(out, &parts);
	fprintf(out, " %s", rows[change->kind].verb);
	if (parts.group.size > 0) {
		fputc(' ', out);
		text_print(out, parts.group);
	}
	if (parts.tariff.size > 0) {
		fputs(", tariff ", out);
		text_print(out, parts.tariff);
	}
}

void change_print_sets(struct context *context, const struct log_entry *entry)
{
	char time[WORDS_SIZE], revision[WORDS_SIZE];
	words_time(entry->time, time);
	words_count(entry->revision, revision);
	for (size_t i = 0; i < entry->change_sets_count; i++) {
		const struct change_set *set = &entry->change_sets[i];
		for (size_t j = 0; j < set->changes_count; j++) {
			fprintf(context->out, "%-20s  %8s  ", time, revision);
			text_print(context->out, set->actor.size ? set->actor : BYTES_LITERAL("-"));
			fputs("  ", context->out);
			change_print_words(context->out, &set->changes[j]);
			fputc('\n', context->out);
		}
	}
}
