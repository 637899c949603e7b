// SPDX-License-Identifier: Apache-2.0
// Random sets in random commits over a small world, so that everything happens to everything. Whatever was accepted or
// refused, the fixture checks that both images agree after each commit, and that the database holds what they say.
#include "tests/unit/store/image_text.h"
#include "tests/unit/store/rules_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

enum {
	COMMITS = 300,
	SETS_MAX = 4,
	CHANGES_MAX = 8,
	NAMES = 5, // of each kind
	LIST_MAX = 3,
};

static struct rules_fixture fixture;
static uint64_t state;

static uint32_t roll(uint32_t sides)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % sides;
}

static void *make(size_t size)
{
	void *memory = arena_calloc(&fixture.json_arena, 1, size);
	ck_assert_ptr_nonnull(memory);
	return memory;
}

// "t0" to "t4", sometimes in capitals; one more than is ever put is now and then referred to.
static struct bytes name(char kind, uint32_t count)
{
	char *text = make(3);
	text[0] = (char)(roll(4) ? kind : kind - 'a' + 'A');
	text[1] = (char)('0' + roll(count));
	return bytes_from(text);
}

static struct bytes reference(char kind)
{
	return name(kind, roll(20) ? NAMES : NAMES + 1);
}

static struct bytes optional(char kind)
{
	return roll(2) ? (struct bytes){0} : reference(kind);
}

static struct bytes *list(char kind, size_t *ret_count)
{
	struct bytes *ids = make(LIST_MAX * sizeof(*ids));
	*ret_count = roll(LIST_MAX + 1);
	for (size_t i = 0; i < *ret_count; i++)
		ids[i] = name(kind, NAMES);
	return ids;
}

// ---------------------------------------------------------------- changes

static void *random_tariff(void)
{
	struct tariff *tariff = make(sizeof(*tariff));
	tariff->id = name('t', NAMES);
	tariff->currency = BYTES_LITERAL("EUR");
	tariff->elements = make(sizeof(*tariff->elements));
	tariff->elements_count = 1;
	tariff->elements->price_components = make(sizeof(*tariff->elements->price_components));
	tariff->elements->price_components_count = 1;
	tariff->elements->price_components->type = TARIFF_DIMENSION_TYPE_FLAT;
	tariff->elements->price_components->price = make(sizeof(struct decimal));
	tariff->elements->price_components->price->units = roll(100);
	return tariff;
}

static void *random_group(void)
{
	struct charge_group *group = make(sizeof(*group));
	group->id = name('g', NAMES);
	group->type = roll(20) ? CHARGE_GROUP_TYPE_OTHER : CHARGE_GROUP_TYPE_UNSPECIFIED;
	group->tariff_id = reference('t');
	group->prepaid_tariff_id = optional('t');
	group->open_to_all_customers = roll(2);
	group->open_to_roaming = roll(2);
	group->user_group = optional('u');
	return group;
}

static void *random_point(void)
{
	struct charge_point *point = make(sizeof(*point));
	point->id = name('p', NAMES);
	point->home_charger = roll(2);
	point->location_id = optional('l');
	point->evses_count = roll(3);
	point->evses = make(2 * sizeof(*point->evses));
	for (size_t i = 0; i < point->evses_count; i++)
		point->evses[i].evse_id = name('e', NAMES * 2);
	return point;
}

static void *random_customer(void)
{
	struct customer *customer = make(sizeof(*customer));
	customer->id = name('c', NAMES);
	customer->user_group = optional('u');
	customer->blocked = roll(2);
	customer->payment = (enum payment)roll(3);
	return customer;
}

static struct issuer *random_issuer(void)
{
	struct issuer *issuer = make(sizeof(*issuer));
	issuer->country_code = roll(2) ? BYTES_LITERAL("NL") : BYTES_LITERAL("nl");
	issuer->party_id = roll(2) ? BYTES_LITERAL("TNM") : BYTES_LITERAL("8EO");
	return issuer;
}

static void *random_token(void)
{
	struct token *token = make(sizeof(*token));
	token->uid = name('a', NAMES);
	token->type = roll(2) ? TOKEN_TYPE_RFID : TOKEN_TYPE_OTHER;
	if (roll(3))
		token->customer_id = reference('c');
	else
		token->issuer = random_issuer();
	token->whitelist = (enum whitelist)roll(5);
	token->contract_id = roll(2) ? BYTES_LITERAL("NL-TNM-C00122045-K") : (struct bytes){0};
	return token;
}

static void *random_delete(char kind)
{
	struct delete_object *delete = make(sizeof(*delete));
	delete->id = name(kind, NAMES);
	return delete;
}

static void *random_delete_token(void)
{
	struct delete_token *delete = make(sizeof(*delete));
	delete->uid = name('a', NAMES);
	delete->type = roll(2) ? TOKEN_TYPE_RFID : TOKEN_TYPE_OTHER;
	delete->issuer = roll(2) ? NULL : random_issuer();
	return delete;
}

static void *random_attach_points(void)
{
	struct attach_charge_points *attach = make(sizeof(*attach));
	attach->charge_group_id = reference('g');
	attach->charge_point_ids = list('p', &attach->charge_point_ids_count);
	attach->move = roll(2);
	return attach;
}

static void *random_detach_points(void)
{
	struct detach_charge_points *detach = make(sizeof(*detach));
	detach->charge_point_ids = list('p', &detach->charge_point_ids_count);
	return detach;
}

static void *random_attach_customers(void)
{
	struct attach_customers *attach = make(sizeof(*attach));
	attach->charge_group_id = reference('g');
	attach->customer_ids = list('c', &attach->customer_ids_count);
	attach->tariff_id = optional('t');
	return attach;
}

static void *random_detach_customers(void)
{
	struct detach_customers *detach = make(sizeof(*detach));
	detach->charge_group_id = reference('g');
	detach->customer_ids = list('c', &detach->customer_ids_count);
	return detach;
}

static void *random_set_tariff(void)
{
	struct set_customer_tariff *set = make(sizeof(*set));
	set->charge_group_id = reference('g');
	set->customer_ids = list('c', &set->customer_ids_count);
	set->tariff_id = optional('t');
	return set;
}

static void *random_message(enum change_kind kind)
{
	static const char of_delete[] = {
		[CHANGE_DELETE_TARIFF] = 't',
		[CHANGE_DELETE_CHARGE_GROUP] = 'g',
		[CHANGE_DELETE_CHARGE_POINT] = 'p',
		[CHANGE_DELETE_CUSTOMER] = 'c',
	};
	static void *(*const makers[CHANGE_KINDS])(void) = {
		[CHANGE_PUT_TARIFF] = random_tariff,
		[CHANGE_PUT_CHARGE_GROUP] = random_group,
		[CHANGE_PUT_CHARGE_POINT] = random_point,
		[CHANGE_PUT_CUSTOMER] = random_customer,
		[CHANGE_PUT_TOKEN] = random_token,
		[CHANGE_DELETE_TOKEN] = random_delete_token,
		[CHANGE_ATTACH_CHARGE_POINTS] = random_attach_points,
		[CHANGE_DETACH_CHARGE_POINTS] = random_detach_points,
		[CHANGE_ATTACH_CUSTOMERS] = random_attach_customers,
		[CHANGE_DETACH_CUSTOMERS] = random_detach_customers,
		[CHANGE_SET_CUSTOMER_TARIFF] = random_set_tariff,
	};
	return makers[kind] ? makers[kind]() : random_delete(of_delete[kind]);
}

static struct change random_change(void)
{
	// Deletes are rarer, or there would never be much.
	enum change_kind kind = (enum change_kind)(1 + roll(CHANGE_KINDS - 1));
	if (kind <= CHANGE_DELETE_TOKEN && kind % 2 == 0 && roll(3))
		kind--;
	struct change change = {.kind = kind, .change = random_message(kind)};
	if (kind <= CHANGE_DELETE_TOKEN && roll(10) == 0)
		change.expected_object_revision = rules_fixture_revision(&fixture) - roll(3);
	if (kind <= CHANGE_DELETE_TOKEN && kind % 2 == 1 && roll(10) == 0)
		change.create_only = true;
	return change;
}

static int try_random_set(void)
{
	struct change changes[CHANGES_MAX];
	struct change_set set = {.changes = changes, .changes_count = 1 + roll(CHANGES_MAX), .dry_run = roll(8) == 0};
	for (size_t i = 0; i < set.changes_count; i++)
		changes[i] = random_change();
	return rules_fixture_try(&fixture, &set);
}

static void run(uint64_t seed)
{
	size_t accepted = 0, refused = 0;
	state = seed;
	rules_fixture_open(&fixture);
	for (int i = 0; i < COMMITS; i++) {
		rules_fixture_begin(&fixture);
		for (uint32_t sets = 1 + roll(SETS_MAX); sets > 0; sets--) {
			if (try_random_set() == 0)
				accepted++;
			else
				refused++;
		}
		rules_fixture_end(&fixture);
		free(image_text(rules_fixture_image(&fixture)));
		arena_reset(&fixture.json_arena);
	}
	ck_assert_uint_gt(accepted, COMMITS / 4);
	ck_assert_uint_gt(refused, COMMITS / 4);
	rules_fixture_close(&fixture);
}

START_TEST(images_and_database_agree_whatever_happened)
{
	run((uint64_t)_i * 7919 + 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("random");
	tcase_add_loop_test(tcase, images_and_database_agree_whatever_happened, 0, 4);
	tcase_set_timeout(tcase, 120);
	Suite *suite = suite_create("store/rules_random");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
