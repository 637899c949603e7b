// SPDX-License-Identifier: Apache-2.0
#include "store/audit.h"
#include "store/store_impl.h"
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

static struct store_fixture fixture;
static struct arena arena;
static struct check_response response;

static void apply(struct change change)
{
	ck_assert_int_eq(store_fixture_apply(&fixture, change), 0);
}

static void setup(void)
{
	store_fixture_init(&fixture);
	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
	apply(change_put_tariff("t"));
	apply(change_put_tariff("u"));
	apply(change_put_group("g", "t"));
	apply(change_put_point("p", "NL*EVA*E1"));
	apply(change_attach_point("g", "p"));
	apply(change_put_customer("c", "Name"));
	apply(change_put_customer("d", "Name"));
	apply(change_put_token("04AA", "c"));
	apply(change_put_foreign_token("04BB", "NL", "TNM"));
	apply(change_attach_customer("g", "c", "u"));
}

static void teardown(void)
{
	arena_finish(&arena);
	store_fixture_finish(&fixture);
}

static void audit(void)
{
	response = (struct check_response){0};
	ck_assert_int_eq(store_audit(fixture.store, &arena, &response), 0);
}

START_TEST(a_sound_store_has_no_problems)
{
	audit();
	ck_assert_uint_eq(response.problems_total, 0);
	ck_assert_uint_eq(response.objects, 9);
	ck_assert_uint_gt(response.records, 9);
	ck_assert_uint_eq(response.revision, 11);
	ck_assert_uint_eq(response.digest.size, ID128_TEXT_SIZE);
}
END_TEST

// ---------------------------------------------------------------- an index that says something else

// What readers see, to be spoilt; nobody reads it meanwhile.
static struct image *shown(void)
{
	return store_other_image(fixture.store, fixture.store->standby);
}

static uint32_t find(enum image_slab slab, const char *id)
{
	struct id_key key;
	id_fold(slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN, bytes_from(id), &key);
	const uint32_t handle = image_find(shown(), slab, &key);
	ck_assert_uint_ne(handle, 0);
	return handle;
}

static uint32_t token(const char *uid)
{
	return image_lookup_token(shown(), bytes_from(uid), TOKEN_TYPE_UNSPECIFIED, NULL);
}

static void spoil_tariff(void)
{
	image_tariff(shown(), find(IMAGE_TARIFFS, "t"))->body->data[3] ^= 1;
}
static void spoil_group_tariff(void)
{
	image_group(shown(), find(IMAGE_GROUPS, "g"))->tariff = find(IMAGE_TARIFFS, "u");
}
static void spoil_group_prepaid_tariff(void)
{
	image_group(shown(), find(IMAGE_GROUPS, "g"))->prepaid_tariff = find(IMAGE_TARIFFS, "u");
}
static void spoil_group_flags(void)
{
	image_group(shown(), find(IMAGE_GROUPS, "g"))->flags ^= GROUP_OPEN_TO_ROAMING;
}
static void spoil_point_group(void)
{
	image_point(shown(), find(IMAGE_POINTS, "p"))->group = 0;
}
static void spoil_point_home(void)
{
	image_point(shown(), find(IMAGE_POINTS, "p"))->home_charger ^= true;
}
static void spoil_point_evses(void)
{
	image_point(shown(), find(IMAGE_POINTS, "p"))->first_evse = 0;
}
static void spoil_evse(void)
{
	image_evse(shown(), find(IMAGE_EVSES, "NL*EVA*E1"))->point = 0;
}
static void spoil_customer(void)
{
	image_customer(shown(), find(IMAGE_CUSTOMERS, "d"))->flags ^= CUSTOMER_BLOCKED;
}
static void spoil_token_flags(void)
{
	image_token(shown(), token("04AA"))->flags ^= TOKEN_BLOCKED;
}
static void spoil_token_time(void)
{
	image_token(shown(), token("04BB"))->valid_until = 5;
}
static void spoil_token_owner(void)
{
	image_token(shown(), token("04AA"))->owner = find(IMAGE_CUSTOMERS, "d");
}
static void spoil_token_issuer(void)
{
	image_token(shown(), token("04BB"))->owner = 0;
}
static void spoil_membership(void)
{
	const uint32_t group = find(IMAGE_GROUPS, "g"), customer = find(IMAGE_CUSTOMERS, "c");
	image_membership(shown(), image_find_membership(shown(), group, customer))->tariff = 0;
}

static const struct {
	void (*spoil)(void);
	const char *table;
} rows[] = {
	{spoil_tariff, "table tariffs, record T:"},
	{spoil_group_tariff, "table charge_groups, record G:"},
	{spoil_group_prepaid_tariff, "table charge_groups, record G:"},
	{spoil_group_flags, "table charge_groups, record G:"},
	{spoil_point_group, "table charge_points, record P:"},
	{spoil_point_home, "table charge_points, record P:"},
	{spoil_point_evses, "table charge_points, record P:"},
	{spoil_evse, "table charge_points, record P:"},
	{spoil_customer, "table customers, record D:"},
	{spoil_token_flags, "table tokens, a record:"},
	{spoil_token_time, "table tokens, a record:"},
	{spoil_token_owner, "table tokens, a record:"},
	{spoil_token_issuer, "table tokens, a record:"},
	{spoil_membership, "table memberships, record G.C:"},
};

START_TEST(an_index_that_says_something_else_is_found)
{
	char text[200];
	rows[_i].spoil();
	audit();
	ck_assert_uint_eq(response.problems_total, 1);
	ck_assert_uint_eq(response.problems_count, 1);
	snprintf(text, sizeof(text), "%.*s", BYTES_ARG(response.problems[0]));
	ck_assert_msg(strncmp(text, rows[_i].table, strlen(rows[_i].table)) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "the index")); // says something else, or has no such token
}
END_TEST

START_TEST(what_the_index_has_too_much_is_found)
{
	shown()->slabs[IMAGE_CUSTOMERS].count++;
	audit();
	shown()->slabs[IMAGE_CUSTOMERS].count--;
	ck_assert_uint_eq(response.problems_total, 1);
	ck_assert(bytes_equal(response.problems[0],
			      BYTES_LITERAL("table customers has 2 records, and the index 3 of them")));
}
END_TEST

int main(void)
{
	TCase *sound = tcase_create("sound");
	tcase_add_checked_fixture(sound, setup, teardown);
	tcase_add_test(sound, a_sound_store_has_no_problems);
	tcase_add_loop_test(sound, an_index_that_says_something_else_is_found, 0, (int)ARRAY_SIZE(rows));
	tcase_add_test(sound, what_the_index_has_too_much_is_found);
	Suite *suite = suite_create("store/audit");
	suite_add_tcase(suite, sound);
	return unit_main(suite);
}
