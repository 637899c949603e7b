// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/listing_fixture.h"

#include "proto/json.h"
#include "tests/unit/unit.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIXTURE_ARENA_SIZE = 1 << 30 };

void listing_fixture_open(struct listing_fixture *fixture)
{
	*fixture = (struct listing_fixture){0};
	store_fixture_init(&fixture->store);
	ck_assert_int_eq(listing_create(fixture->store.store, &fixture->listing), 0);
	arena_init(&fixture->arena, 1 << 20, FIXTURE_ARENA_SIZE);
}

void listing_fixture_close(struct listing_fixture *fixture)
{
	listing_destroy(fixture->listing);
	arena_finish(&fixture->arena);
	store_fixture_finish(&fixture->store);
}

// ---------------------------------------------------------------- words

static char *replace(char *text, char from, char to)
{
	for (char *found = text; (found = strchr(found, from)) != NULL;)
		*found = to;
	return text;
}

static const char *print(struct listing_fixture *fixture, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *print(struct listing_fixture *fixture, const char *format, ...)
{
	va_list arguments;
	char *text;
	va_start(arguments, format);
	ck_assert_int_ge(vasprintf(&text, format, arguments), 0);
	va_end(arguments);
	const struct bytes copy = arena_copy(&fixture->arena, bytes_from(text));
	ck_assert_ptr_nonnull(copy.data);
	free(text);
	return copy.data;
}

// `json` with ' for ".
static void *parse(struct listing_fixture *fixture, const struct schema *schema, const char *json)
{
	const char *text = replace((char *)print(fixture, "%s", json), '\'', '"');
	void *message;
	struct fault fault = {0};
	const int error = json_decode(schema, bytes_from(text), &fixture->arena, &message, &fault);
	ck_assert_msg(error == 0, "%s\n%s: %s", text, fault.field, fault.message);
	return message;
}

// Of a request without its braces.
static void *parse_request(struct listing_fixture *fixture, const struct schema *schema, const char *fields)
{
	return parse(fixture, schema, print(fixture, "{%s}", fields));
}

static const char *tell(struct listing_fixture *fixture, const struct schema *schema, const void *message)
{
	struct bytes text;
	ck_assert_int_eq(json_encode(schema, message, JSON_COMPACT, &fixture->arena, &text), 0);
	return replace((char *)text.data, '"', '\'');
}

static const char *id_of_record(struct listing_fixture *fixture, const struct record *record)
{
	switch (record->kind) {
	case RECORD_MEMBERSHIP:
		return print(fixture, "%.*s/%.*s", BYTES_ARG(record->membership->charge_group_id),
			     BYTES_ARG(record->membership->customer_id));
	case RECORD_TARIFF:
		return print(fixture, "%.*s", BYTES_ARG(record->tariff->id));
	case RECORD_CHARGE_GROUP:
		return print(fixture, "%.*s", BYTES_ARG(record->charge_group->id));
	case RECORD_CHARGE_POINT:
		return print(fixture, "%.*s", BYTES_ARG(record->charge_point->id));
	case RECORD_CUSTOMER:
		return print(fixture, "%.*s", BYTES_ARG(record->customer->id));
	default:
		return print(fixture, "%.*s", BYTES_ARG(record->token->uid));
	}
}

static const char *join(struct listing_fixture *fixture, const char *text, const char *more)
{
	return print(fixture, "%s%s%s", text, text[0] && more[0] ? " " : "", more);
}

// ---------------------------------------------------------------- changes

void listing_fixture_accept(struct listing_fixture *fixture, const char *changes)
{
	const struct change_set *set = parse(fixture, &schema_change_set, print(fixture, "{'changes':[%s]}", changes));
	struct test_job job;
	test_job_init(&job, set->changes, set->changes_count);
	ck_assert_int_eq(test_job_submit(&job, fixture->store.store), 0);
	const int error = test_job_wait(&job);
	ck_assert_msg(error == 0, "%s\n%s: %s", changes, job.job.fault.field, job.job.fault.message);
	test_job_finish(&job);
}

// ---------------------------------------------------------------- questions

static void note_page(struct listing_fixture *fixture, struct bytes page_token, uint64_t revision)
{
	fixture->page_token = page_token;
	fixture->revision = revision;
}

const char *listing_fixture_search(struct listing_fixture *fixture, const char *request, bool goes_on)
{
	struct search_request *search = parse_request(fixture, &schema_search_request, request);
	struct search_response response;
	const char *ids = "";
	if (goes_on)
		search->page_token = fixture->page_token;
	fixture->fault = (struct fault){0};
	if (listing_search(fixture->listing, search, &fixture->arena, &response, &fixture->fault) != 0)
		return NULL;
	for (size_t i = 0; i < response.records_count; i++)
		ids = join(fixture, ids, id_of_record(fixture, &response.records[i]));
	note_page(fixture, response.next_page_token, response.revision);
	return ids;
}

const char *listing_fixture_search_all(struct listing_fixture *fixture, const char *request)
{
	const char *ids = listing_fixture_search(fixture, request, false);
	while (ids != NULL && fixture->page_token.size > 0) {
		const char *more = listing_fixture_search(fixture, request, true);
		ck_assert_ptr_nonnull(more);
		ids = join(fixture, ids, more);
	}
	return ids;
}

const char *listing_fixture_visible(struct listing_fixture *fixture, const char *request, bool goes_on)
{
	struct list_visible_charge_points_request *visible =
		parse_request(fixture, &schema_list_visible_charge_points_request, request);
	struct list_visible_charge_points_response response;
	const char *ids = "";
	if (goes_on)
		visible->page_token = fixture->page_token;
	fixture->fault = (struct fault){0};
	if (listing_visible(fixture->listing, visible, &fixture->arena, &response, &fixture->fault) != 0)
		return NULL;
	for (size_t i = 0; i < response.charge_points_count; i++)
		ids = join(fixture, ids, print(fixture, "%.*s", BYTES_ARG(response.charge_points[i].id)));
	note_page(fixture, response.next_page_token, response.revision);
	return ids;
}

const char *listing_fixture_permitted(struct listing_fixture *fixture, const char *request, bool goes_on)
{
	struct list_permitted_request *permitted = parse_request(fixture, &schema_list_permitted_request, request);
	struct list_permitted_response response;
	if (goes_on)
		permitted->page_token = fixture->page_token;
	fixture->fault = (struct fault){0};
	if (listing_permitted(fixture->listing, permitted, &fixture->arena, &response, &fixture->fault) != 0)
		return NULL;
	note_page(fixture, response.next_page_token, response.revision);
	response.next_page_token = (struct bytes){0};
	response.revision = 0;
	return tell(fixture, &schema_list_permitted_response, &response);
}

const char *listing_fixture_get(struct listing_fixture *fixture, const char *request)
{
	const struct get_request *get = parse_request(fixture, &schema_get_request, request);
	struct record record;
	fixture->fault = (struct fault){0};
	if (listing_get(fixture->listing, get, &fixture->arena, &record, &fixture->fault) != 0)
		return NULL;
	return tell(fixture, &schema_record, &record);
}

struct lines {
	struct listing_fixture *fixture;
	FILE *stream;
};

static int print_record(void *context, const struct record *record)
{
	const struct lines *lines = context;
	fprintf(lines->stream, "%s\n", tell(lines->fixture, &schema_record, record));
	return 0;
}

const char *listing_fixture_snapshot(struct listing_fixture *fixture)
{
	char *text;
	size_t size;
	struct lines lines = {.fixture = fixture, .stream = open_memstream(&text, &size)};
	fixture->fault = (struct fault){0};
	struct arena arena;
	struct snapshot_end end;
	arena_init(&arena, 1024, 1024);
	const struct listing_walk walk = {.each = print_record, .context = &lines, .arena = &arena};
	ck_assert_int_eq(listing_snapshot(fixture->listing, &walk, &end, &fixture->fault), 0);
	fixture->revision = end.revision;
	arena_finish(&arena);
	fclose(lines.stream);
	const char *copy = print(fixture, "%s", text);
	free(text);
	return copy;
}

void listing_fixture_refused(const struct listing_fixture *fixture, enum status_code code, const char *field)
{
	ck_assert_str_eq(status_code_name(fixture->fault.code), status_code_name(code));
	ck_assert_str_eq(fixture->fault.field, field);
	ck_assert_str_ne(fixture->fault.message, "");
}
