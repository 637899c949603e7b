// SPDX-License-Identifier: Apache-2.0
// What looking ahead remembers; what it asks for early has no effect that could be seen. Nothing has been checked yet
// when it looks: under the address sanitizer, these inputs also say that it reads no further than it may.
#include "store/rules_impl.h"

#include "tests/unit/store/image_builder.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct image_builder builder;

static void setup(void)
{
	image_builder_init(&builder);
}

static void teardown(void)
{
	image_builder_finish(&builder);
}

static uint64_t hash_of(const char *id)
{
	struct image_key key;
	image_key_prepare(&builder.image, IMAGE_CUSTOMERS, bytes_from(id), &key);
	return key.hash;
}

// Whether place `at` remembers `id` of `slab`.
static bool has(const struct rules_ahead *ahead, size_t at, enum image_slab slab, const char *id)
{
	return ahead->slabs[at % RULES_AHEAD] == slab && ahead->hashes[at % RULES_AHEAD] == hash_of(id);
}

static bool has_nothing(const struct rules_ahead *ahead, size_t at)
{
	return ahead->slabs[at % RULES_AHEAD] == IMAGE_SLABS;
}

START_TEST(each_kind_of_object_is_remembered_by_what_it_looks_up)
{
	struct token token = {
		.type = TOKEN_TYPE_RFID, .uid = BYTES_LITERAL("04A1"), .customer_id = BYTES_LITERAL("c1")};
	struct customer customer = {.id = BYTES_LITERAL("c2")};
	struct charge_point point = {.id = BYTES_LITERAL("p1")};
	struct tariff tariff = {.id = BYTES_LITERAL("t1")};
	const struct change changes[] = {{.kind = CHANGE_PUT_TOKEN, .put_token = &token},
					 {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer},
					 {.kind = CHANGE_PUT_CHARGE_POINT, .put_charge_point = &point},
					 {.kind = CHANGE_PUT_TARIFF, .put_tariff = &tariff}};
	struct rules_ahead ahead = {0};
	rules_ahead_changes(&builder.image, &ahead, changes, ARRAY_SIZE(changes), 0);
	ck_assert(has(&ahead, 0, IMAGE_CUSTOMERS, "C1"));
	ck_assert(has(&ahead, 1, IMAGE_CUSTOMERS, "c2"));
	ck_assert(has(&ahead, 2, IMAGE_POINTS, "p1"));
	ck_assert(has_nothing(&ahead, 3));
}
END_TEST

START_TEST(what_is_malformed_is_not_looked_at)
{
	char long_id[ID_SIZE_MAX + 2];
	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	struct token token = {.type = (enum token_type)99, .uid = bytes_from(long_id)}; // of nobody
	struct customer customer = {.id = bytes_from(long_id)};
	struct charge_point point = {0};
	const struct change changes[] = {{.kind = CHANGE_PUT_TOKEN, .put_token = &token},
					 {.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer},
					 {.kind = CHANGE_PUT_CHARGE_POINT, .put_charge_point = &point},
					 {.kind = CHANGE_PUT_TOKEN},
					 {.kind = CHANGE_NONE}};
	struct rules_ahead ahead = {0};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		rules_ahead_changes(&builder.image, &ahead, changes, ARRAY_SIZE(changes), i);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		ck_assert(has_nothing(&ahead, i));
}
END_TEST

enum { MANY = 3 * RULES_AHEAD + 5 };
static struct customer customers[MANY];
static struct bytes ids[MANY];
static char texts[MANY][8];

static void name_many(void)
{
	for (int i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "c%d", i);
		ids[i] = customers[i].id = bytes_from(texts[i]);
		image_builder_add_customer(&builder, &customers[i]);
	}
}

// Those from `i` on, as far as the window and the list go.
static void expect_window(const struct rules_ahead *ahead, size_t i)
{
	for (size_t at = i; at < MANY && at < i + RULES_AHEAD; at++)
		ck_assert_msg(has(ahead, at, IMAGE_CUSTOMERS, texts[at]), "%zu at %zu", at, i);
}

START_TEST(the_window_goes_along_with_the_changes)
{
	static struct change changes[MANY];
	struct rules_ahead ahead;
	name_many();
	for (int i = 0; i < MANY; i++)
		changes[i] = (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customers[i]};
	for (size_t i = 0; i < MANY; i++) {
		rules_ahead_changes(&builder.image, &ahead, changes, MANY, i);
		expect_window(&ahead, i);
	}
}
END_TEST

START_TEST(the_window_goes_along_with_the_ids_of_a_list)
{
	const struct charge_group office = {.id = BYTES_LITERAL("office"), .tariff_id = BYTES_LITERAL("t1")};
	struct rules_ahead ahead;
	image_builder_add_tariff(&builder, "t1");
	const uint32_t group = image_builder_add_group(&builder, &office);
	name_many();
	for (size_t i = 0; i < MANY; i++) {
		rules_ahead_customers(&builder.image, &ahead, group, ids, MANY, i);
		expect_window(&ahead, i);
	}
}
END_TEST

START_TEST(ids_nobody_has_are_no_obstacle)
{
	char long_id[ID_SIZE_MAX + 2];
	memset(long_id, 'x', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	const struct bytes strange[] = {BYTES_LITERAL("nobody"), {0}, bytes_from(long_id), BYTES_LITERAL("c1")};
	struct rules_ahead ahead;
	for (size_t i = 0; i < ARRAY_SIZE(strange); i++)
		rules_ahead_customers(&builder.image, &ahead, 1, strange, ARRAY_SIZE(strange), i);
	ck_assert(has(&ahead, 0, IMAGE_CUSTOMERS, "nobody"));
	ck_assert(has_nothing(&ahead, 1) && has_nothing(&ahead, 2));
	ck_assert(has(&ahead, 3, IMAGE_CUSTOMERS, "c1"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("rules_ahead");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, each_kind_of_object_is_remembered_by_what_it_looks_up);
	tcase_add_test(tcase, what_is_malformed_is_not_looked_at);
	tcase_add_test(tcase, the_window_goes_along_with_the_changes);
	tcase_add_test(tcase, the_window_goes_along_with_the_ids_of_a_list);
	tcase_add_test(tcase, ids_nobody_has_are_no_obstacle);
	Suite *suite = suite_create("store/rules_ahead");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
