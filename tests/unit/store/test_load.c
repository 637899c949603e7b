// SPDX-License-Identifier: Apache-2.0
// What is loaded is what the change rules had made of it: every record of the image is compared before and after.
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include "proto/codec.h"
#include "store/image_fields.h"
#include "store/key.h"

#include <errno.h>
#include <stdarg.h>

static struct store_fixture fixture;

static void setup(void)
{
	store_fixture_init(&fixture);
}

static void teardown(void)
{
	store_fixture_finish(&fixture);
}

static void apply(struct change change)
{
	const int result = store_fixture_apply(&fixture, change);
	ck_assert_msg(result == 0, "%s", fixture.fault.message);
}

// ---------------------------------------------------------------- an image in words

struct text {
	char *data;
	size_t size;
};

static void add_line(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void add_line(struct text *text, const char *format, ...)
{
	char *line;
	va_list arguments;
	va_start(arguments, format);
	const int size = vasprintf(&line, format, arguments);
	va_end(arguments);
	ck_assert_int_ge(size, 0);
	text->data = realloc(text->data, text->size + (size_t)size + 1);
	memcpy(text->data + text->size, line, (size_t)size + 1);
	text->size += (size_t)size;
	free(line);
}

#define ID(image, record) BYTES_ARG(image_id(image, &(record)->id))

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// A chain as the sorted names of its members: its order may differ.
static void add_chain(struct text *text, const char *what, char **names, size_t count)
{
	qsort(names, count, sizeof(*names), compare_names);
	add_line(text, " %s:", what);
	for (size_t i = 0; i < count; i++) {
		add_line(text, " %s", names[i]);
		free(names[i]);
	}
}

enum { CHAIN_MAX = 64 };

static char *name_of(struct bytes id)
{
	return strndup(id.data, id.size);
}

static void describe_tariff(struct text *text, const struct image *image, uint32_t handle)
{
	const struct tariff_record *tariff = image_tariff(image, handle);
	add_line(text, "tariff %.*s uses %u body %u %016llx", ID(image, tariff), tariff->uses, tariff->body->size,
		 (unsigned long long)hash_bytes(tariff->body->data, tariff->body->size, 1));
}

static void describe_group(struct text *text, const struct image *image, uint32_t handle)
{
	const struct group_record *group = image_group(image, handle);
	char *names[CHAIN_MAX];
	size_t count = 0;
	add_line(text, "group %.*s tariff %.*s prepaid %u user_group %.*s type %u flags %u points %u memberships %u",
		 ID(image, group), ID(image, image_tariff(image, group->tariff)), group->prepaid_tariff,
		 BYTES_ARG(image_string(image, group->user_group)), group->type, group->flags, group->points_count,
		 group->memberships_count);
	uint32_t previous = 0;
	for (uint32_t i = group->first_point; i != 0; i = image_point(image, i)->next_of_group) {
		ck_assert_uint_eq(image_point(image, i)->previous_of_group, previous);
		names[count++] = name_of(image_id(image, &image_point(image, i)->id));
		previous = i;
	}
	add_chain(text, "points", names, count);
	count = 0;
	previous = 0;
	for (uint32_t i = group->first_membership; i != 0; i = image_membership(image, i)->next_of_group) {
		const uint32_t customer = image_membership(image, i)->customer;
		ck_assert_uint_eq(image_membership(image, i)->previous_of_group, previous);
		names[count++] = name_of(image_id(image, &image_customer(image, customer)->id));
		previous = i;
	}
	add_chain(text, "customers", names, count);
}

static void describe_point(struct text *text, const struct image *image, uint32_t handle)
{
	const struct point_record *point = image_point(image, handle);
	add_line(text, "point %.*s location %.*s home %d group %.*s", ID(image, point),
		 BYTES_ARG(image_id(image, &point->location_id)), point->home_charger,
		 ID(image, image_group(image, point->group)));
	// The order of the EVSEs is the same.
	for (uint32_t i = point->first_evse; i != 0; i = image_evse(image, i)->next_of_point)
		add_line(text, " evse %.*s", ID(image, image_evse(image, i)));
}

static void describe_evse(struct text *text, const struct image *image, uint32_t handle)
{
	const struct evse_record *evse = image_evse(image, handle);
	add_line(text, "evse %.*s point %.*s", ID(image, evse), ID(image, image_point(image, evse->point)));
}

static void describe_customer(struct text *text, const struct image *image, uint32_t handle)
{
	const struct customer_record *customer = image_customer(image, handle);
	char *names[CHAIN_MAX];
	size_t count = 0;
	add_line(text, "customer %.*s user_group %.*s flags %u", ID(image, customer),
		 BYTES_ARG(image_string(image, customer->user_group)), customer->flags);
	for (uint32_t i = customer->first_token; i != 0; i = image_token(image, i)->next_of_customer)
		names[count++] = name_of(image_id(image, &image_token(image, i)->uid));
	add_chain(text, "tokens", names, count);
	count = 0;
	for (uint32_t i = customer->first_membership; i != 0; i = image_membership(image, i)->next_of_customer)
		names[count++] = name_of(image_id(image, &image_group(image, image_membership(image, i)->group)->id));
	add_chain(text, "groups", names, count);
}

static void describe_token(struct text *text, const struct image *image, uint32_t handle)
{
	const struct token_record *token = image_token(image, handle);
	const struct bytes uid = image_id(image, &token->uid);
	const struct bytes owner = token->flags & TOKEN_FOREIGN
					   ? image_string(image, token->owner)
					   : image_id(image, &image_customer(image, token->owner)->id);
	add_line(text, "token %.*s contract %.*s %lld-%lld owner %.*s parent %.*s type %u flags %u whitelist %u",
		 BYTES_ARG(uid), BYTES_ARG(image_id(image, &token->contract_id)), (long long)token->valid_from,
		 (long long)token->valid_until, BYTES_ARG(owner), BYTES_ARG(image_string(image, token->parent_id)),
		 token->type, token->flags, token->whitelist);
	ck_assert_uint_ne(image_lookup_token(image, uid, TOKEN_TYPE_UNSPECIFIED, NULL), 0);
}

static void describe_membership(struct text *text, const struct image *image, uint32_t handle)
{
	const struct membership_record *membership = image_membership(image, handle);
	add_line(text, "membership %.*s %.*s tariff %.*s", ID(image, image_group(image, membership->group)),
		 ID(image, image_customer(image, membership->customer)),
		 ID(image, image_tariff(image, membership->tariff)));
	ck_assert_uint_eq(image_find_membership(image, membership->group, membership->customer), handle);
}

static const struct {
	void (*describe)(struct text *text, const struct image *image, uint32_t handle);
} kinds[IMAGE_SLABS] = {
	[IMAGE_TARIFFS] = {describe_tariff},         [IMAGE_GROUPS] = {describe_group},
	[IMAGE_POINTS] = {describe_point},           [IMAGE_EVSES] = {describe_evse},
	[IMAGE_CUSTOMERS] = {describe_customer},     [IMAGE_TOKENS] = {describe_token},
	[IMAGE_MEMBERSHIPS] = {describe_membership},
};

// Every object of the published image on a line of its own, sorted. Through the tables: what is not found there is not
// there.
static char *describe(void)
{
	enum { LINES_MAX = 256 };
	char *lines[LINES_MAX];
	size_t count = 0;
	struct text all = {0};
	const struct image *image = store_pin(fixture.reader);
	for (int slab = 0; slab < IMAGE_SLABS; slab++) {
		const struct table *table = &image->tables[slab];
		ck_assert_uint_eq(table->count, image->slabs[slab].count);
		for (uint32_t i = 0; i < table->slots_count; i++) {
			if (table_at(table, i)->handle == 0)
				continue;
			if (table->has_notes)
				ck_assert_uint_eq(table_at(table, i)->note[0],
						  image_note(image, (enum image_slab)slab, table_at(table, i)->handle));
			struct text line = {0};
			kinds[slab].describe(&line, image, table_at(table, i)->handle);
			ck_assert_uint_lt(count, LINES_MAX);
			lines[count++] = line.data;
		}
	}
	add_line(&all, "revision %llu\n", (unsigned long long)image->revision);
	store_unpin(fixture.reader);
	qsort(lines, count, sizeof(*lines), compare_names);
	for (size_t i = 0; i < count; i++) {
		add_line(&all, "%s\n", lines[i]);
		free(lines[i]);
	}
	return all.data;
}

// ---------------------------------------------------------------- the world

static void put_world(void)
{
	static const char long_id[] = "an-id-too-long-to-be-kept-within-the-record-of-the-image-itself";
	apply(change_put_tariff("T-1"));
	apply(change_put_tariff("t-2"));
	apply(change_put_tariff(long_id));
	apply(change_put_group("office", "T-1"));
	apply(change_put_group("Site", long_id));
	for (int i = 0; i < 40; i++) {
		char *names[4];
		names[0] = store_fixture_text("Cust-%d", i);
		names[1] = store_fixture_text("04:A1:%02X", i);
		names[2] = store_fixture_text("point-%d", i);
		names[3] = store_fixture_text("NL*EVC*E%d", i);
		apply(change_put_customer(names[0], "Name"));
		apply(change_put_token(names[1], names[0]));
		apply(change_put_foreign_token(names[1], "DE", i % 2 ? "8AA" : "8ab"));
		apply(change_put_point(names[2], names[3]));
		if (i % 3 == 0)
			apply(change_attach_point(i % 2 ? "OFFICE" : "site", names[2]));
		if (i % 2 == 0)
			apply(change_attach_customer("Office", names[0], i % 4 ? "" : "T-2"));
		if (i % 5 == 0)
			apply(change_attach_customer("site", names[0], ""));
	}
	apply(change_put_token("more", "cust-3"));
	apply(change_delete_customer("cust-20"));
	apply(change_put_customer("CUST-7", "Spelled anew"));
	apply(change_put_token("04A107", "cust-8")); // moves to another customer
}

START_TEST(the_index_is_the_same_after_reopening)
{
	put_world();
	char *before = describe();
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
	char *after = describe();
	ck_assert_str_eq(before, after);
	ck_assert_ptr_nonnull(strstr(after, "token 04A107 contract NL-EVC-C1234567-X 5-7 owner Cust-8 parent parent"));
	free(before);
	free(after);
}
END_TEST

START_TEST(both_images_take_changes_after_loading)
{
	put_world();
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
	apply(change_delete_customer("cust-0"));
	apply(change_put_customer("cust-0", "again"));
	char *live = describe();
	store_fixture_close(&fixture);
	store_fixture_open(&fixture);
	char *loaded = describe();
	ck_assert_str_eq(live, loaded);
	free(live);
	free(loaded);
}
END_TEST

static void count_progress(void *context, uint64_t done, uint64_t total)
{
	uint64_t *last = context;
	ck_assert_uint_gt(done, *last);
	ck_assert_uint_ge(total, done);
	*last = done;
}

START_TEST(progress_is_told_now_and_then)
{
	enum { CUSTOMERS = 70000, SET = 5000 };
	static struct customer customers[SET];
	static struct change changes[SET];
	static char ids[SET][16];
	uint64_t last = 0;
	for (int first = 0; first < CUSTOMERS; first += SET) {
		struct test_job job;
		for (int i = 0; i < SET; i++) {
			snprintf(ids[i], sizeof(ids[i]), "C%07d", first + i);
			customers[i] = (struct customer){.id = bytes_from(ids[i])};
			changes[i] = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customers[i]};
		}
		test_job_init(&job, changes, SET);
		ck_assert_int_eq(test_job_submit(&job, fixture.store), 0);
		ck_assert_msg(test_job_wait(&job) == 0, "%s", job.job.fault.message);
		test_job_finish(&job);
	}
	store_fixture_close(&fixture);
	fixture.options.on_progress = count_progress;
	fixture.options.context = &last;
	store_fixture_open(&fixture);
	ck_assert_uint_gt(last, 0);
	struct store_status status;
	store_get_status(fixture.store, &status);
	ck_assert_uint_eq(status.objects[OBJECT_KIND_CUSTOMER], CUSTOMERS);
}
END_TEST

// ---------------------------------------------------------------- what is refused

// Puts `message` under `key` behind the rules' back.
static void plant(enum db_table table, struct bytes key, const struct schema *schema, const void *message)
{
	struct db *db;
	struct arena arena;
	struct db_write write = {.table = table, .key = key};
	arena_init(&arena, 1024, 1024 * 1024);
	store_fixture_close(&fixture);
	const struct db_options options = {.directory = fixture.directory.path, .map_size = fixture.options.map_size};
	ck_assert_int_eq(db_open(&options, &db, &fixture.fault), 0);
	write.value = BYTES_LITERAL("\xff\xff no such message");
	if (schema != NULL)
		ck_assert_int_eq(codec_encode(schema, message, &arena, &write.value), 0);
	ck_assert_int_eq(db_commit(db, &write, 1, 9), 0);
	db_close(db);
	arena_finish(&arena);
}

static void expect_refusal(const char *in_message)
{
	fixture.fault = (struct fault){0};
	ck_assert_int_eq(store_open(&fixture.options, &fixture.store, &fixture.fault), -EBADMSG);
	ck_assert_ptr_null(fixture.store);
	ck_assert_int_eq(fixture.fault.code, STATUS_DATA_LOSS);
	ck_assert_msg(strstr(fixture.fault.message, in_message) != NULL, "%s", fixture.fault.message);
	ck_assert_ptr_nonnull(strstr(fixture.fault.message, fixture.directory.path));
	ck_assert_ptr_nonnull(strstr(fixture.fault.message, "backup"));
}

START_TEST(a_record_that_is_no_message_is_refused_by_table_and_key)
{
	apply(change_put_customer("ANN", ""));
	plant(DB_CUSTOMERS, BYTES_LITERAL("BOB"), NULL, NULL);
	expect_refusal("record 2 of customers BOB");
}
END_TEST

START_TEST(a_token_in_a_refusal_is_told_by_its_number_alone)
{
	plant(DB_TOKENS, BYTES_LITERAL("\0\0\00104A1B2C3"), NULL, NULL);
	expect_refusal("record 1 of tokens");
	ck_assert_ptr_null(strstr(fixture.fault.message, "04A1B2C3"));
}
END_TEST

START_TEST(a_token_of_a_customer_who_is_not_there_is_refused)
{
	const struct token token = {
		.uid = BYTES_LITERAL("04A1"), .type = TOKEN_TYPE_RFID, .customer_id = BYTES_LITERAL("nobody")};
	plant(DB_TOKENS, BYTES_LITERAL("\0\0\00104A1"), &schema_token, &token);
	expect_refusal("record 1 of tokens");
}
END_TEST

START_TEST(a_group_without_its_tariff_is_refused)
{
	const struct charge_group group = {.id = BYTES_LITERAL("G"), .tariff_id = BYTES_LITERAL("none")};
	plant(DB_GROUPS, BYTES_LITERAL("G"), &schema_charge_group, &group);
	expect_refusal("record 1 of charge_groups G");
}
END_TEST

START_TEST(a_point_in_a_group_that_is_not_there_is_refused)
{
	const struct charge_point point = {.id = BYTES_LITERAL("P"), .charge_group_id = BYTES_LITERAL("none")};
	plant(DB_POINTS, BYTES_LITERAL("P"), &schema_charge_point, &point);
	expect_refusal("record 1 of charge_points P");
}
END_TEST

START_TEST(an_evse_of_two_points_is_refused)
{
	struct evse evse = {.evse_id = BYTES_LITERAL("NL*EVC*E1")};
	const struct charge_point point = {.id = BYTES_LITERAL("Q"), .evses = &evse, .evses_count = 1};
	apply(change_put_point("P", "NLEVCE1"));
	plant(DB_POINTS, BYTES_LITERAL("Q"), &schema_charge_point, &point);
	expect_refusal("record 2 of charge_points Q");
}
END_TEST

START_TEST(a_membership_of_nobody_is_refused)
{
	const struct membership membership = {.charge_group_id = BYTES_LITERAL("G"), .customer_id = BYTES_LITERAL("C")};
	plant(DB_MEMBERSHIPS, BYTES_LITERAL("G\0C"), &schema_membership, &membership);
	expect_refusal("record 1 of memberships G/C");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("load");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_index_is_the_same_after_reopening);
	tcase_add_test(tcase, both_images_take_changes_after_loading);
	tcase_add_test(tcase, progress_is_told_now_and_then);
	tcase_add_test(tcase, a_record_that_is_no_message_is_refused_by_table_and_key);
	tcase_add_test(tcase, a_token_in_a_refusal_is_told_by_its_number_alone);
	tcase_add_test(tcase, a_token_of_a_customer_who_is_not_there_is_refused);
	tcase_add_test(tcase, a_group_without_its_tariff_is_refused);
	tcase_add_test(tcase, a_point_in_a_group_that_is_not_there_is_refused);
	tcase_add_test(tcase, an_evse_of_two_points_is_refused);
	tcase_add_test(tcase, a_membership_of_nobody_is_refused);
	Suite *suite = suite_create("store/load");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
