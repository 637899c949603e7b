// SPDX-License-Identifier: Apache-2.0
#include "store/key.h"
#include "tests/unit/unit.h"

static const struct issuer hubject = {.country_code = {"DE", 2}, .party_id = {"8aa", 3}};

static bool key_is(const struct db_key *key, const char *expected, size_t size)
{
	return bytes_equal(db_key_bytes(key), (struct bytes){.data = expected, .size = size});
}

START_TEST(ids_that_differ_in_case_have_one_key)
{
	struct db_key lower, upper;
	key_of_id(BYTES_LITERAL("cust-17"), &lower);
	key_of_id(BYTES_LITERAL("CUST-17"), &upper);
	ck_assert(key_is(&lower, "CUST-17", 7));
	ck_assert(bytes_equal(db_key_bytes(&lower), db_key_bytes(&upper)));
}
END_TEST

START_TEST(a_token_is_keyed_by_issuer_type_and_folded_uid)
{
	struct db_key key;
	key_of_token(&hubject, TOKEN_TYPE_RFID, BYTES_LITERAL("04:a1:b2"), &key);
	ck_assert(key_is(&key, "DE\0008AA\0\00104A1B2", 14));
	key_of_token(NULL, TOKEN_TYPE_EMAID, BYTES_LITERAL("nl-evc-1"), &key);
	ck_assert(key_is(&key, "\0\0\004NLEVC1", 9));
}
END_TEST

START_TEST(own_tokens_sort_before_foreign_ones)
{
	struct db_key own, foreign;
	key_of_token(NULL, TOKEN_TYPE_OTHER, BYTES_LITERAL("ZZZ"), &own);
	key_of_token(&hubject, TOKEN_TYPE_RFID, BYTES_LITERAL("0"), &foreign);
	ck_assert_int_lt(bytes_compare(db_key_bytes(&own), db_key_bytes(&foreign)), 0);
}
END_TEST

START_TEST(memberships_of_a_group_share_a_prefix_that_no_other_group_has)
{
	struct db_key membership, prefix, other;
	key_of_membership(BYTES_LITERAL("office"), BYTES_LITERAL("cust-17"), &membership);
	key_prefix_of_group(BYTES_LITERAL("OFFICE"), &prefix);
	key_of_membership(BYTES_LITERAL("office-2"), BYTES_LITERAL("cust-17"), &other);
	ck_assert(key_is(&membership, "OFFICE\0CUST-17", 14));
	ck_assert_int_eq(memcmp(membership.data, prefix.data, prefix.size), 0);
	ck_assert_int_ne(memcmp(other.data, prefix.data, prefix.size), 0);
}
END_TEST

START_TEST(ids_of_the_greatest_size_fit)
{
	char text[ID_SIZE_MAX];
	memset(text, 'w', sizeof(text));
	const struct bytes id = {.data = text, .size = sizeof(text)};
	const struct issuer issuer = {.country_code = id, .party_id = id};
	struct db_key key;
	key_of_membership(id, id, &key);
	ck_assert_uint_eq(key.size, 2 * ID_SIZE_MAX + 1);
	key_of_token(&issuer, TOKEN_TYPE_OTHER, id, &key);
	ck_assert_uint_eq(key.size, 3 * ID_SIZE_MAX + 3);
}
END_TEST

START_TEST(an_id_that_is_too_long_names_nothing)
{
	char text[ID_SIZE_MAX + 1];
	memset(text, 'w', sizeof(text));
	struct db_key key;
	key_of_id((struct bytes){.data = text, .size = sizeof(text)}, &key);
	ck_assert_uint_eq(key.size, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("key");
	tcase_add_test(tcase, ids_that_differ_in_case_have_one_key);
	tcase_add_test(tcase, a_token_is_keyed_by_issuer_type_and_folded_uid);
	tcase_add_test(tcase, own_tokens_sort_before_foreign_ones);
	tcase_add_test(tcase, memberships_of_a_group_share_a_prefix_that_no_other_group_has);
	tcase_add_test(tcase, ids_of_the_greatest_size_fit);
	tcase_add_test(tcase, an_id_that_is_too_long_names_nothing);
	Suite *suite = suite_create("store/key");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
