// SPDX-License-Identifier: Apache-2.0
#include "bench/world.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

enum { TOKENS = 5000, SEED = 42 };

static struct world world;

static void setup(void)
{
	ck_assert_int_eq(world_init(&world, TOKENS, SEED), 0);
}

static void teardown(void)
{
	world_finish(&world);
}

START_TEST(the_standard_shape_is_what_the_targets_are_stated_for)
{
	struct world large;
	ck_assert_int_eq(world_init(&large, 1000000, 1), 0);
	ck_assert_uint_eq(large.customers, 600000);
	ck_assert_uint_eq(large.points, 100000);
	ck_assert_uint_eq(large.groups, 10000);
	ck_assert_uint_eq(large.memberships, 1000000);
	ck_assert_uint_eq(large.point_ends[large.groups - 1], 97000);
	ck_assert_uint_eq(large.tariffs, 300);
	uint32_t foreign = 0;
	for (int i = 2; i < WORLD_SECTIONS; i++)
		foreign += large.sections[i].count;
	ck_assert_uint_eq(foreign, 100000);
	world_finish(&large);
}
END_TEST

START_TEST(sizes_out_of_range_are_refused)
{
	struct world other;
	ck_assert_int_eq(world_init(&other, WORLD_TOKENS_MIN - 1, 1), -EINVAL);
	ck_assert_int_eq(world_init(&other, WORLD_TOKENS_MAX + 1, 1), -EINVAL);
	ck_assert_int_eq(world_init(&other, WORLD_TOKENS_MIN, 1), 0);
	world_finish(&other);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_world_and_another_seed_another)
{
	struct world same, other;
	uint32_t differences = 0;
	ck_assert_int_eq(world_init(&same, TOKENS, SEED), 0);
	ck_assert_int_eq(world_init(&other, TOKENS, SEED + 1), 0);
	for (uint32_t token = 0; token < TOKENS; token++) {
		char a[WORLD_TEXT_SIZE], b[WORLD_TEXT_SIZE], c[WORLD_TEXT_SIZE];
		world_token_uid(&world, token, a);
		world_token_uid(&same, token, b);
		world_token_uid(&other, token, c);
		ck_assert_str_eq(a, b);
		differences += strcmp(a, c) != 0;
	}
	ck_assert_mem_eq(world.member_ends, same.member_ends, world.groups * sizeof(uint32_t));
	ck_assert_uint_gt(differences, TOKENS * 9 / 10);
	world_finish(&same);
	world_finish(&other);
}
END_TEST

START_TEST(members_of_a_group_are_exactly_those_who_are_in_it)
{
	bool *listed = calloc(world.customers, sizeof(*listed));
	uint32_t memberships = 0;
	for (uint32_t group = 0; group < world.groups; group++) {
		memset(listed, 0, world.customers * sizeof(*listed));
		for (uint32_t i = 0; i < world_member_count(&world, group); i++) {
			const uint32_t customer = world_member(&world, group, i);
			ck_assert_uint_lt(customer, world.customers);
			ck_assert(!listed[customer]); // nobody twice
			listed[customer] = true;
			memberships++;
		}
		for (uint32_t customer = 0; customer < world.customers; customer++)
			ck_assert_int_eq(world_is_member(&world, group, customer), listed[customer]);
	}
	ck_assert_uint_eq(memberships, world.memberships);
	free(listed);
}
END_TEST

START_TEST(groups_of_a_customer_are_exactly_those_with_the_member)
{
	for (uint32_t customer = 0; customer < world.customers; customer++) {
		uint32_t groups[16], members = 0;
		const uint32_t count = world_groups_of(&world, customer, groups, 16);
		ck_assert_uint_le(count, 16);
		for (uint32_t i = 0; i < count; i++)
			ck_assert(world_is_member(&world, groups[i], customer));
		for (uint32_t group = 0; group < world.groups; group++)
			members += world_is_member(&world, group, customer);
		ck_assert_uint_eq(members, count);
	}
}
END_TEST

START_TEST(points_of_a_group_are_exactly_those_that_name_it)
{
	uint32_t attached = 0, unattached = 0;
	for (uint32_t group = 0; group < world.groups; group++) {
		for (uint32_t i = 0; i < world_point_count(&world, group); i++) {
			struct world_point point;
			world_get_point(&world, world_point_in(&world, group, i), &point);
			ck_assert_uint_eq(point.group, group);
			ck_assert_uint_eq(world_point_in(&world, group, i), world_point_in(&world, group, 0) + i);
			attached++;
		}
	}
	for (uint32_t i = 0; i < world.points; i++) {
		struct world_point point;
		world_get_point(&world, i, &point);
		unattached += point.group == WORLD_NONE;
	}
	ck_assert_uint_eq(attached + unattached, world.points);
	ck_assert_uint_gt(unattached, 0);
}
END_TEST

// "04" and 12 digits, each greater than the one before within its section.
START_TEST(uids_are_14_hexadecimal_digits_in_order)
{
	for (int s = 0; s < WORLD_SECTIONS; s++) {
		const struct world_section *section = &world.sections[s];
		char before[WORLD_TEXT_SIZE] = "";
		for (uint32_t i = 0; i < section->count; i++) {
			char uid[WORLD_TEXT_SIZE];
			ck_assert_uint_eq(world_token_uid(&world, section->first + i, uid), 14);
			ck_assert_uint_eq(strspn(uid, "0123456789ABCDEF"), 14);
			ck_assert_int_gt(strcmp(uid, before), 0);
			strcpy(before, uid);
		}
	}
}
END_TEST

static int compare_uids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool holds(char (*uids)[WORLD_TEXT_SIZE], uint32_t count, const char *uid)
{
	return bsearch(uid, uids, count, WORLD_TEXT_SIZE, compare_uids) != NULL;
}

START_TEST(only_tokens_marked_so_share_the_uid_of_an_own_one)
{
	const uint32_t own = world.sections[2].first;
	char(*uids)[WORLD_TEXT_SIZE] = calloc(own, WORLD_TEXT_SIZE);
	uint32_t shared = 0;
	for (uint32_t i = 0; i < own; i++)
		world_token_uid(&world, i, uids[i]);
	qsort(uids, own, WORLD_TEXT_SIZE, compare_uids);
	for (uint32_t i = 1; i < own; i++)
		ck_assert_str_ne(uids[i - 1], uids[i]);
	for (uint32_t i = own; i < TOKENS; i++) {
		struct world_token token;
		char uid[WORLD_TEXT_SIZE];
		world_get_token(&world, i, &token);
		world_token_uid(&world, i, uid);
		ck_assert_int_eq(token.shares_uid, holds(uids, own, uid));
		shared += token.shares_uid;
	}
	ck_assert_uint_gt(shared, 0);
	free(uids);
}
END_TEST

START_TEST(no_token_has_an_unknown_uid)
{
	char(*uids)[WORLD_TEXT_SIZE] = calloc(TOKENS, WORLD_TEXT_SIZE);
	for (uint32_t i = 0; i < TOKENS; i++)
		world_token_uid(&world, i, uids[i]);
	qsort(uids, TOKENS, WORLD_TEXT_SIZE, compare_uids);
	for (uint32_t i = 0; i < TOKENS; i++) {
		char uid[WORLD_TEXT_SIZE];
		ck_assert_uint_eq(world_unknown_uid(&world, i, uid), 14);
		ck_assert(!holds(uids, TOKENS, uid));
	}
	free(uids);
}
END_TEST

START_TEST(ids_have_the_lengths_that_were_agreed_on)
{
	char text[WORLD_TEXT_SIZE];
	ck_assert_uint_eq(world_point_id(0, text), 15);
	ck_assert_str_eq(text, "NL*EVC*E0000001");
	ck_assert_uint_eq(world_evse_id(9, text), 17);
	ck_assert_str_eq(text, "NL*EVC*E0000010*1");
	ck_assert_uint_eq(world_customer_id(599999, text), 12);
	ck_assert_str_eq(text, "cust-0600000");
	for (uint32_t i = 0; i < 500; i++) {
		ck_assert_uint_eq(world_customer_name(&world, i, text), 16);
		ck_assert_uint_eq(world_contract_id(&world, i * 10, text), 14);
	}
}
END_TEST

// Every branch of the decision has somebody to take it.
START_TEST(all_kinds_of_tokens_customers_and_groups_occur)
{
	uint32_t blocked = 0, expired = 0, early = 0, by_whitelist[5] = {0}, customers[4] = {0}, groups[6] = {0};
	for (uint32_t i = 0; i < TOKENS; i++) {
		struct world_token token;
		world_get_token(&world, i, &token);
		ck_assert((token.customer == WORLD_NONE) != (token.issuer == WORLD_NONE));
		blocked += token.blocked;
		expired += token.valid_until != 0 && token.valid_until < 1600000000;
		early += token.valid_from > 4000000000;
		by_whitelist[token.whitelist]++;
	}
	for (uint32_t i = 0; i < world.customers; i++) {
		struct world_customer customer;
		world_get_customer(&world, i, &customer);
		customers[0] += customer.blocked;
		customers[1] += customer.no_credit;
		customers[2] += customer.prepaid;
		customers[3] += customer.user_group[0] != '\0';
	}
	for (uint32_t i = 0; i < world.groups; i++) {
		struct world_group group;
		world_get_group(&world, i, &group);
		groups[0] += group.type == CHARGE_GROUP_TYPE_HOME;
		groups[1] += group.open_to_all_customers;
		groups[2] += group.open_to_roaming;
		groups[3] += group.prepaid_tariff != WORLD_NONE;
		groups[4] += group.user_group[0] != '\0';
		groups[5] += !group.open_to_all_customers && !group.open_to_roaming;
	}
	ck_assert(blocked > 0 && expired > 0 && early > 0);
	for (int i = WHITELIST_ALWAYS; i <= WHITELIST_NEVER; i++)
		ck_assert_uint_gt(by_whitelist[i], 0);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_gt(customers[i], 0);
	for (int i = 0; i < 6; i++)
		ck_assert_uint_gt(groups[i], 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("world");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_standard_shape_is_what_the_targets_are_stated_for);
	tcase_add_test(tcase, sizes_out_of_range_are_refused);
	tcase_add_test(tcase, the_same_seed_gives_the_same_world_and_another_seed_another);
	tcase_add_test(tcase, members_of_a_group_are_exactly_those_who_are_in_it);
	tcase_add_test(tcase, groups_of_a_customer_are_exactly_those_with_the_member);
	tcase_add_test(tcase, points_of_a_group_are_exactly_those_that_name_it);
	tcase_add_test(tcase, uids_are_14_hexadecimal_digits_in_order);
	tcase_add_test(tcase, only_tokens_marked_so_share_the_uid_of_an_own_one);
	tcase_add_test(tcase, no_token_has_an_unknown_uid);
	tcase_add_test(tcase, ids_have_the_lengths_that_were_agreed_on);
	tcase_add_test(tcase, all_kinds_of_tokens_customers_and_groups_occur);
	Suite *suite = suite_create("bench/world");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
