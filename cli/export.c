// SPDX-License-Identifier: Apache-2.0
#include "cli/export.h"

#include "proto/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

enum { EXPORT_CHUNK_SIZE = 64 * 1024, ATTACHMENTS_MIN = 256 };

void export_init(struct export *export, FILE *out)
{
	*export = (struct export){.out = out};
	arena_init(&export->line_arena, EXPORT_CHUNK_SIZE, SIZE_MAX);
	arena_init(&export->ids_arena, EXPORT_CHUNK_SIZE, SIZE_MAX);
	arena_init(&export->group_arena, EXPORT_CHUNK_SIZE, SIZE_MAX);
}

void export_finish(struct export *export)
{
	arena_finish(&export->line_arena);
	arena_finish(&export->ids_arena);
	arena_finish(&export->group_arena);
	id_list_finish(&export->tariffs);
	id_list_finish(&export->groups);
	free(export->points.items);
	free(export->customers.items);
}

static int write_change(struct export *export, const struct change *change)
{
	struct bytes text;
	arena_reset(&export->line_arena);
	const int result = json_encode(&schema_change, change, JSON_COMPACT, &export->line_arena, &text);
	if (result < 0)
		return result;
	export->lines++;
	if (fwrite(text.data, 1, text.size, export->out) != text.size || putc('\n', export->out) == EOF)
		return -EIO;
	return 0;
}

// ---------------------------------------------------------------- attachments

static int attachment_add(struct attachment_list *list, uint32_t to, struct bytes id, struct arena *arena)
{
	if (list->count == list->capacity) {
		const size_t capacity = list->capacity ? list->capacity * 2 : ATTACHMENTS_MIN;
		struct attachment *items = reallocarray(list->items, capacity, sizeof(*items));
		if (items == NULL)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	const struct bytes copy = arena_copy(arena, id);
	if (copy.data == NULL)
		return -ENOMEM;
	list->items[list->count] = (struct attachment){.to = to, .order = (uint32_t)list->count, .id = copy};
	list->count++;
	return 0;
}

static int compare_attachments(const void *a, const void *b)
{
	const struct attachment *left = a, *right = b;
	if (left->to != right->to)
		return left->to < right->to ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

// Calls `write` for every run of ids with the same `to`, at most EXPORT_IDS_PER_LINE at a time.
static int write_attachments(struct export *export, struct attachment_list *list,
			     int (*write)(struct export *export, uint32_t to, struct bytes *ids, size_t count))
{
	struct bytes ids[EXPORT_IDS_PER_LINE];
	int result = 0;
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare_attachments);
	for (size_t i = 0; result == 0 && i < list->count;) {
		const uint32_t to = list->items[i].to;
		size_t count = 0;
		while (i < list->count && count < EXPORT_IDS_PER_LINE && list->items[i].to == to)
			ids[count++] = list->items[i++].id;
		result = write(export, to, ids, count);
	}
	list->count = 0;
	return result;
}

static int write_points_of_group(struct export *export, uint32_t to, struct bytes *ids, size_t count)
{
	struct attach_charge_points attach = {.charge_group_id = export->groups.items[to].id,
					      .charge_point_ids = ids,
					      .charge_point_ids_count = count};
	return write_change(export,
			    &(struct change){.kind = CHANGE_ATTACH_CHARGE_POINTS, .attach_charge_points = &attach});
}

static int write_points(struct export *export)
{
	if (export->points_written)
		return 0;
	export->points_written = true;
	return write_attachments(export, &export->points, write_points_of_group);
}

static int write_customers_of_tariff(struct export *export, uint32_t to, struct bytes *ids, size_t count)
{
	struct attach_customers attach = {
		.charge_group_id = export->group_id, .customer_ids = ids, .customer_ids_count = count};
	if (to > 0)
		attach.tariff_id = export->tariffs.items[to - 1].id;
	return write_change(export, &(struct change){.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &attach});
}

static int write_group_at_hand(struct export *export)
{
	const int result = write_attachments(export, &export->customers, write_customers_of_tariff);
	arena_reset(&export->group_arena);
	export->group_id = (struct bytes){0};
	return result;
}

// ---------------------------------------------------------------- records

static int export_tariff(struct export *export, const struct record *record)
{
	const int result = id_list_append(&export->tariffs, record->tariff->id, &export->ids_arena);
	return result < 0 ? result
			  : write_change(export,
					 &(struct change){.kind = CHANGE_PUT_TARIFF, .put_tariff = record->tariff});
}

static int export_charge_group(struct export *export, const struct record *record)
{
	const int result = id_list_append(&export->groups, record->charge_group->id, &export->ids_arena);
	return result < 0 ? result
			  : write_change(export, &(struct change){.kind = CHANGE_PUT_CHARGE_GROUP,
								  .put_charge_group = record->charge_group});
}

static int export_charge_point(struct export *export, const struct record *record)
{
	struct charge_point point = *record->charge_point;
	uint32_t group;
	if (point.charge_group_id.size > 0) {
		if (id_list_find(&export->groups, point.charge_group_id, &group) < 0)
			return -EPROTO;
		const int result = attachment_add(&export->points, group, point.id, &export->ids_arena);
		if (result < 0)
			return result;
	}
	point.charge_group_id = (struct bytes){0};
	return write_change(export, &(struct change){.kind = CHANGE_PUT_CHARGE_POINT, .put_charge_point = &point});
}

static int export_customer(struct export *export, const struct record *record)
{
	return write_change(export, &(struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = record->customer});
}

static int export_token(struct export *export, const struct record *record)
{
	return write_change(export, &(struct change){.kind = CHANGE_PUT_TOKEN, .put_token = record->token});
}

static int export_membership(struct export *export, const struct record *record)
{
	const struct membership *membership = record->membership;
	uint32_t tariff = 0;
	int result = write_points(export);
	if (result == 0 && !bytes_equal(export->group_id, membership->charge_group_id)) {
		result = write_group_at_hand(export);
		export->group_id = arena_copy(&export->group_arena, membership->charge_group_id);
		if (export->group_id.data == NULL)
			return -ENOMEM;
	}
	if (result < 0)
		return result;
	if (membership->tariff_id.size > 0) {
		if (id_list_find(&export->tariffs, membership->tariff_id, &tariff) < 0)
			return -EPROTO;
		tariff++;
	}
	return attachment_add(&export->customers, tariff, membership->customer_id, &export->group_arena);
}

int export_record(struct export *export, const struct record *record)
{
	static int (*const writers[])(struct export *, const struct record *) = {
		[RECORD_TARIFF] = export_tariff,
		[RECORD_CHARGE_GROUP] = export_charge_group,
		[RECORD_CHARGE_POINT] = export_charge_point,
		[RECORD_CUSTOMER] = export_customer,
		[RECORD_TOKEN] = export_token,
		[RECORD_MEMBERSHIP] = export_membership,
	};
	if (record->kind >= ARRAY_SIZE(writers) || writers[record->kind] == NULL || record->object == NULL)
		return -EPROTO;
	return writers[record->kind](export, record);
}

int export_end(struct export *export)
{
	int result = write_points(export);
	if (result == 0)
		result = write_group_at_hand(export);
	if (result == 0 && fflush(export->out) != 0)
		result = -EIO;
	return result;
}
