// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/rules_fixture.h"

#include "proto/codec.h"
#include "proto/json.h"
#include "store/load.h"
#include "tests/unit/store/image_text.h"
#include "tests/unit/unit.h"

#include <errno.h>

enum {
	FIXTURE_MAP_SIZE = 1 << 30,
	FIXTURE_STRINGS_SIZE = 64 << 20,
	FIXTURE_ARENA_SIZE = 1 << 30,
};

void rules_fixture_open(struct rules_fixture *fixture)
{
	*fixture = (struct rules_fixture){0};
	temporary_create(&fixture->directory);
	const struct db_options options = {.directory = fixture->directory.path, .map_size = FIXTURE_MAP_SIZE};
	ASSERT(db_open(&options, &fixture->db, &fixture->fault) == 0);
	ASSERT(db_read_create(fixture->db, &fixture->read) == 0);
	const uint64_t seed = hash_random_seed();
	ASSERT(strings_create(FIXTURE_STRINGS_SIZE, seed, &fixture->strings) == 0);
	ASSERT(image_edit_create(fixture->strings, &fixture->edit) == 0);
	for (int i = 0; i < 2; i++) {
		ASSERT(image_init(&fixture->images[i], fixture->strings, seed) == 0);
		fixture->images[i].revision = 1;
	}
	arena_init(&fixture->arena, 1 << 20, FIXTURE_ARENA_SIZE);
	arena_init(&fixture->response_arena, 1 << 16, FIXTURE_ARENA_SIZE);
	arena_init(&fixture->json_arena, 1 << 16, FIXTURE_ARENA_SIZE);
}

// What a restart would make of the database.
static void check_loading(struct rules_fixture *fixture)
{
	const struct load_options options = {.db = fixture->db, .strings = fixture->strings};
	struct image loaded;
	ASSERT(image_init(&loaded, fixture->strings, fixture->images[0].seed) == 0);
	ASSERT(load_image(&options, fixture->read, &loaded, &fixture->fault) == 0);
	char *expected = image_text(rules_fixture_image(fixture));
	char *text = image_text(&loaded);
	if (strcmp(text, expected) != 0) {
		fprintf(stderr, "the rules left:\n%s\nthe database holds:\n%s", expected, text);
		abort();
	}
	free(expected);
	free(text);
	image_free_bodies(&loaded);
	image_finish(&loaded);
}

void rules_fixture_close(struct rules_fixture *fixture)
{
	check_loading(fixture);
	image_free_bodies(&fixture->images[fixture->active]);
	for (int i = 0; i < 2; i++)
		image_finish(&fixture->images[i]);
	image_edit_destroy(fixture->edit);
	strings_destroy(fixture->strings);
	db_read_destroy(fixture->read);
	db_close(fixture->db);
	arena_finish(&fixture->arena);
	arena_finish(&fixture->response_arena);
	arena_finish(&fixture->json_arena);
	temporary_remove(&fixture->directory);
}

const struct image *rules_fixture_image(const struct rules_fixture *fixture)
{
	return &fixture->images[fixture->active];
}

uint64_t rules_fixture_revision(const struct rules_fixture *fixture)
{
	return rules_fixture_image(fixture)->revision;
}

void rules_fixture_begin(struct rules_fixture *fixture)
{
	uint64_t revision;
	arena_reset(&fixture->arena);
	ASSERT(db_read_start(fixture->read, &revision) == 0);
	ASSERT(revision == rules_fixture_revision(fixture));
	image_edit_begin(fixture->edit, &fixture->images[!fixture->active], &fixture->images[fixture->active]);
	fixture->commit = (struct rules_commit){
		.edit = fixture->edit,
		.read = fixture->read,
		.arena = &fixture->arena,
		.response_arena = &fixture->response_arena,
		.revision = revision + 1,
		.limits = &rules_limits,
	};
}

int rules_fixture_try(struct rules_fixture *fixture, const struct change_set *set)
{
	arena_reset(&fixture->response_arena);
	fixture->fault = (struct fault){0};
	const int error = rules_apply(&fixture->commit, set, &fixture->response, &fixture->fault);
	ASSERT((error != 0) == (fixture->fault.code != STATUS_OK));
	return error;
}

void rules_fixture_end(struct rules_fixture *fixture)
{
	struct rules_commit *commit = &fixture->commit;
	db_read_stop(fixture->read);
	if (commit->sets_accepted == 0) {
		ASSERT(image_edit_mark(fixture->edit) == 0);
		ASSERT(commit->writes_count == 0);
		image_edit_end(fixture->edit);
		ASSERT(image_equals(&fixture->images[0], &fixture->images[1]));
		return;
	}
	ASSERT(db_commit(fixture->db, commit->writes, commit->writes_count, commit->revision) == 0);
	image_edit_seal(fixture->edit, commit->revision);
	image_edit_repeat(fixture->edit);
	image_edit_end(fixture->edit);
	fixture->active = !fixture->active;
	ASSERT(image_equals(&fixture->images[0], &fixture->images[1]));
}

struct change_set *rules_fixture_parse(struct rules_fixture *fixture, const char *json)
{
	char *text = (char *)arena_copy(&fixture->json_arena, bytes_from(json)).data;
	struct change_set *set;
	struct fault fault = {0};
	ASSERT(text != NULL);
	for (char *quote = text; (quote = strchr(quote, '\'')) != NULL;)
		*quote = '"';
	if (json_decode(&schema_change_set, bytes_from(text), &fixture->json_arena, &set, &fault) != 0) {
		fprintf(stderr, "%s\n%s: %s\n", text, fault.field, fault.message);
		abort();
	}
	return set;
}

int rules_fixture_apply(struct rules_fixture *fixture, const struct change_set *set)
{
	rules_fixture_begin(fixture);
	const int error = rules_fixture_try(fixture, set);
	rules_fixture_end(fixture);
	return error;
}

static struct change_set *parse_changes(struct rules_fixture *fixture, const char *changes)
{
	char *text;
	ASSERT(asprintf(&text, "{'changes':[%s]}", changes) >= 0);
	struct change_set *set = rules_fixture_parse(fixture, text);
	free(text);
	return set;
}

void rules_fixture_accept(struct rules_fixture *fixture, const char *changes)
{
	const int error = rules_fixture_apply(fixture, parse_changes(fixture, changes));
	ck_assert_msg(error == 0, "%s\n%s: %s", changes, fixture->fault.field, fixture->fault.message);
}

void rules_fixture_refuse(struct rules_fixture *fixture, enum status_code code, const char *field, const char *words,
			  const char *changes)
{
	const int error = rules_fixture_apply(fixture, parse_changes(fixture, changes));
	ck_assert_msg(error != 0, "accepted: %s", changes);
	ck_assert_str_eq(status_code_name(fixture->fault.code), status_code_name(code));
	ck_assert_str_eq(fixture->fault.field, field);
	ck_assert_msg(strstr(fixture->fault.message, words) != NULL, "no \"%s\" in: %s", words, fixture->fault.message);
}

void rules_fixture_refuse_check(struct rules_fixture *fixture, enum status_code code, const char *field,
				const char *change)
{
	const struct change_set *set = parse_changes(fixture, change);
	struct fault fault = {0};
	const int error = rules_check_change(&set->changes[0], NULL, &fault);
	ck_assert_msg(error != 0, "accepted: %s", change);
	ck_assert_str_eq(status_code_name(fault.code), status_code_name(code));
	ck_assert_msg(strcmp(fault.field, field) == 0, "%s\nnames %s: %s", change, fault.field, fault.message);
}

void rules_fixture_accept_check(struct rules_fixture *fixture, const char *change)
{
	const struct change_set *set = parse_changes(fixture, change);
	struct fault fault = {0};
	const int error = rules_check_change(&set->changes[0], "changes[0]", &fault);
	ck_assert_msg(error == 0, "%s\n%s: %s", change, fault.field, fault.message);
}

// ---------------------------------------------------------------- what is stored

static const struct schema *const schemas[DB_TABLES] = {
	[DB_TARIFFS] = &schema_tariff,     [DB_GROUPS] = &schema_charge_group, [DB_POINTS] = &schema_charge_point,
	[DB_CUSTOMERS] = &schema_customer, [DB_TOKENS] = &schema_token,        [DB_MEMBERSHIPS] = &schema_membership,
};

static const char *tell_record(struct rules_fixture *fixture, enum db_table table, const struct db_record *record)
{
	struct bytes json;
	void *object;
	ASSERT(codec_decode(schemas[table], CODEC_STRICT, record->value, &fixture->response_arena, &object,
			    &fixture->fault) == 0);
	ASSERT(json_encode(schemas[table], object, JSON_COMPACT, &fixture->response_arena, &json) == 0);
	char *text = (char *)json.data;
	for (char *quote = text; (quote = strchr(quote, '"')) != NULL;)
		*quote = '\'';
	return text;
}

const char *rules_fixture_stored(struct rules_fixture *fixture, enum db_table table, struct bytes key)
{
	uint64_t revision;
	struct db_record record;
	ASSERT(db_read_start(fixture->read, &revision) == 0);
	const int error = db_get(fixture->read, table, key, &record);
	ASSERT(error == 0 || error == -ENOENT);
	const char *text = error == 0 ? tell_record(fixture, table, &record) : "";
	db_read_stop(fixture->read);
	return text;
}

uint64_t rules_fixture_modified(struct rules_fixture *fixture, enum db_table table, struct bytes key)
{
	uint64_t revision;
	struct db_record record;
	ASSERT(db_read_start(fixture->read, &revision) == 0);
	ASSERT(db_get(fixture->read, table, key, &record) == 0);
	db_read_stop(fixture->read);
	return record.modified_revision;
}
