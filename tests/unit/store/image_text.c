// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/image_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct lines {
	char **lines;
	size_t count;
};

static void add_line(struct lines *lines, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_line(struct lines *lines, const char *format, ...)
{
	char *line;
	va_list arguments;
	va_start(arguments, format);
	ASSERT(vasprintf(&line, format, arguments) >= 0);
	va_end(arguments);
	lines->lines = realloc(lines->lines, (lines->count + 1) * sizeof(*lines->lines));
	ASSERT(lines->lines != NULL);
	lines->lines[lines->count++] = line;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *join_lines(struct lines *lines)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	ASSERT(stream != NULL);
	if (lines->count > 0)
		qsort(lines->lines, lines->count, sizeof(*lines->lines), compare_lines);
	for (size_t i = 0; i < lines->count; i++) {
		fprintf(stream, "%s\n", lines->lines[i]);
		free(lines->lines[i]);
	}
	free(lines->lines);
	fclose(stream);
	return text;
}

// ---------------------------------------------------------------- one object of each kind

#define ID(id) BYTES_ARG(image_id(image, &(id)))

static const char *tariff_id(const struct image *image, uint32_t tariff, char text[80])
{
	snprintf(text, 80, "%.*s", ID(image_tariff(image, tariff)->id));
	return tariff ? text : "-";
}

static uint32_t count_uses(const struct image *image, uint32_t tariff)
{
	uint32_t uses = 0;
	for (uint32_t i = 0; i < image->tables[IMAGE_GROUPS].slots_count; i++) {
		const uint32_t handle = table_at(&image->tables[IMAGE_GROUPS], i)->handle;
		if (handle != 0)
			uses += (image_group(image, handle)->tariff == tariff) +
				(image_group(image, handle)->prepaid_tariff == tariff);
	}
	for (uint32_t i = 0; i < image->tables[IMAGE_MEMBERSHIPS].slots_count; i++) {
		const uint32_t handle = table_at(&image->tables[IMAGE_MEMBERSHIPS], i)->handle;
		uses += handle != 0 && image_membership(image, handle)->tariff == tariff;
	}
	return uses;
}

static void tell_tariff(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct tariff_record *tariff = image_tariff(image, handle);
	ASSERT(tariff->uses == count_uses(image, handle));
	add_line(lines, "tariff %.*s uses %u size %u body %016llx", ID(tariff->id), tariff->uses, tariff->body->size,
		 (unsigned long long)hash_bytes(tariff->body->data, tariff->body->size, 0));
}

static void tell_group(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct group_record *group = image_group(image, handle);
	char tariff[80], prepaid[80];
	uint32_t points = 0, members = 0, previous = 0;
	for (uint32_t point = group->first_point; point != 0; point = image_point(image, point)->next_of_group) {
		ASSERT(image_point(image, point)->group == handle);
		ASSERT(image_point(image, point)->previous_of_group == previous);
		previous = point;
		points++;
	}
	previous = 0;
	for (uint32_t i = group->first_membership; i != 0; i = image_membership(image, i)->next_of_group) {
		ASSERT(image_membership(image, i)->group == handle);
		ASSERT(image_membership(image, i)->previous_of_group == previous);
		previous = i;
		members++;
	}
	ASSERT(points == group->points_count && members == group->memberships_count);
	add_line(lines, "group %.*s tariff %s prepaid %s user group %.*s type %d flags %d points %u members %u",
		 ID(group->id), tariff_id(image, group->tariff, tariff),
		 tariff_id(image, group->prepaid_tariff, prepaid), BYTES_ARG(image_string(image, group->user_group)),
		 group->type, group->flags, points, members);
}

static void tell_point(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct point_record *point = image_point(image, handle);
	const struct bytes group =
		point->group ? image_id(image, &image_group(image, point->group)->id) : (struct bytes){0};
	ASSERT(point->group != 0 || (point->next_of_group == 0 && point->previous_of_group == 0));
	add_line(lines, "point %.*s location %.*s home %d group %.*s", ID(point->id),
		 BYTES_ARG(image_id(image, &point->location_id)), point->home_charger, BYTES_ARG(group));
	for (uint32_t evse = point->first_evse; evse != 0; evse = image_evse(image, evse)->next_of_point)
		ASSERT(image_evse(image, evse)->point == handle);
}

static void tell_evse(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct evse_record *evse = image_evse(image, handle);
	uint32_t found = image_point(image, evse->point)->first_evse;
	while (found != handle) {
		ASSERT(found != 0);
		found = image_evse(image, found)->next_of_point;
	}
	add_line(lines, "evse %.*s of %.*s", ID(evse->id), ID(image_point(image, evse->point)->id));
}

static void tell_customer(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct customer_record *customer = image_customer(image, handle);
	uint32_t tokens = 0, memberships = 0;
	for (uint32_t token = customer->first_token; token != 0; token = image_token(image, token)->next_of_customer) {
		ASSERT(image_token(image, token)->owner == handle);
		ASSERT((image_token(image, token)->flags & TOKEN_FOREIGN) == 0);
		tokens++;
	}
	for (uint32_t i = customer->first_membership; i != 0; i = image_membership(image, i)->next_of_customer) {
		ASSERT(image_membership(image, i)->customer == handle);
		memberships++;
	}
	add_line(lines, "customer %.*s user group %.*s flags %d tokens %u memberships %u", ID(customer->id),
		 BYTES_ARG(image_string(image, customer->user_group)), customer->flags, tokens, memberships);
}

static void tell_token(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct token_record *token = image_token(image, handle);
	const bool is_foreign = token->flags & TOKEN_FOREIGN;
	const struct bytes owner = is_foreign ? image_string(image, token->owner)
					      : image_id(image, &image_customer(image, token->owner)->id);
	ASSERT(!is_foreign || token->next_of_customer == 0);
	add_line(lines, "token %.*s type %d %s %.*s contract %.*s parent %.*s from %lld until %lld flags %d list %d",
		 ID(token->uid), token->type, is_foreign ? "issuer" : "customer", BYTES_ARG(owner),
		 ID(token->contract_id), BYTES_ARG(image_string(image, token->parent_id)), (long long)token->valid_from,
		 (long long)token->valid_until, token->flags, token->whitelist);
}

static void tell_membership(const struct image *image, uint32_t handle, struct lines *lines)
{
	const struct membership_record *membership = image_membership(image, handle);
	char tariff[80];
	ASSERT(image_find_membership(image, membership->group, membership->customer) == handle);
	add_line(lines, "membership %.*s %.*s tariff %s", ID(image_group(image, membership->group)->id),
		 ID(image_customer(image, membership->customer)->id), tariff_id(image, membership->tariff, tariff));
}

// ---------------------------------------------------------------- all of them

char *image_text(const struct image *image)
{
	static void (*const tell[IMAGE_SLABS])(const struct image *, uint32_t, struct lines *) = {
		[IMAGE_TARIFFS] = tell_tariff,         [IMAGE_GROUPS] = tell_group,
		[IMAGE_POINTS] = tell_point,           [IMAGE_EVSES] = tell_evse,
		[IMAGE_CUSTOMERS] = tell_customer,     [IMAGE_TOKENS] = tell_token,
		[IMAGE_MEMBERSHIPS] = tell_membership,
	};
	struct lines lines = {0};
	for (int slab = 0; slab < IMAGE_SLABS; slab++) {
		const struct table *table = &image->tables[slab];
		ASSERT(table->count == image->slabs[slab].count);
		for (uint32_t i = 0; i < table->slots_count; i++)
			if (table_at(table, (uint32_t)i)->handle != 0)
				tell[slab](image, table_at(table, (uint32_t)i)->handle, &lines);
	}
	return join_lines(&lines);
}

static bool has_slot(const struct table *table, const struct table_slot *slot, uint32_t note)
{
	struct table_walk walk = table_walk(table, slot->tag);
	uint32_t handle;
	while ((handle = table_next(table, &walk)) != 0)
		if (handle == slot->handle)
			return !table->has_notes || table_note(table, &walk) == note;
	return false;
}

bool image_equals(const struct image *a, const struct image *b)
{
	for (int slab = 0; slab < IMAGE_SLABS; slab++) {
		const struct slab *records = &a->slabs[slab], *others = &b->slabs[slab];
		const struct table *table = &a->tables[slab];
		if (records->next != others->next || records->first_free != others->first_free ||
		    records->count != others->count || table->count != b->tables[slab].count)
			return false;
		for (uint32_t i = 0; i < table->slots_count; i++) {
			const struct table_slot *slot = table_at(table, (uint32_t)i);
			if (slot->handle == 0)
				continue;
			const uint32_t note = image_note(a, (enum image_slab)slab, slot->handle);
			if (!has_slot(table, slot, note) || !has_slot(&b->tables[slab], slot, note) ||
			    memcmp(slab_get(records, slot->handle), slab_get(others, slot->handle),
				   records->record_size) != 0)
				return false;
		}
	}
	return a->revision == b->revision;
}
