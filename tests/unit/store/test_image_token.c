// SPDX-License-Identifier: Apache-2.0
// Looking up tokens: DESIGN 1.1, the paragraph on (issuer, type, uid).
#include "store/image.h"

#include "tests/unit/store/image_builder.h"
#include "tests/unit/unit.h"

#define TEXT(literal) BYTES_LITERAL(literal)

static struct image_builder builder;

static void setup(void)
{
	image_builder_init(&builder);
	image_builder_add_customer(&builder, &(struct customer){.id = TEXT("c")});
}

static void teardown(void)
{
	image_builder_finish(&builder);
}

static uint32_t add_own(enum token_type type, const char *uid)
{
	return image_builder_add_token(&builder,
				       &(struct token){.uid = bytes_from(uid), .type = type, .customer_id = TEXT("c")});
}

static uint32_t add_foreign(const char *country_code, const char *party_id, enum token_type type, const char *uid)
{
	struct issuer issuer = {bytes_from(country_code), bytes_from(party_id)};
	return image_builder_add_token(&builder,
				       &(struct token){.uid = bytes_from(uid), .type = type, .issuer = &issuer});
}

static uint32_t lookup(const char *uid)
{
	return image_lookup_token(&builder.image, bytes_from(uid), TOKEN_TYPE_UNSPECIFIED, NULL);
}

static uint32_t lookup_type(const char *uid, enum token_type type)
{
	return image_lookup_token(&builder.image, bytes_from(uid), type, NULL);
}

static uint32_t lookup_issuer(const char *uid, enum token_type type, const char *country_code, const char *party_id)
{
	const struct issuer issuer = {bytes_from(country_code), bytes_from(party_id)};
	return image_lookup_token(&builder.image, bytes_from(uid), type, &issuer);
}

// ---------------------------------------------------------------- folding

START_TEST(an_rfid_uid_is_found_whatever_its_case_and_separators)
{
	const uint32_t token = add_own(TOKEN_TYPE_RFID, "04:a1:b2:c3");
	static const char *const spellings[] = {"04A1B2C3", "04a1b2c3", "04-A1-B2-C3", "04 a1 B2 c3", "04:A1:B2:C3"};
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		ck_assert_uint_eq(lookup(spellings[i]), token);
		ck_assert_uint_eq(lookup_type(spellings[i], TOKEN_TYPE_RFID), token);
	}
	ck_assert_uint_eq(lookup("04*A1*B2*C3"), 0);
	ck_assert_uint_eq(lookup("04A1B2C"), 0);
}
END_TEST

START_TEST(an_rfid_uid_that_is_not_hexadecimal_keeps_its_separators)
{
	const uint32_t token = add_own(TOKEN_TYPE_RFID, "card-17");
	ck_assert_uint_eq(lookup("CARD-17"), token);
	ck_assert_uint_eq(lookup("card17"), 0);
}
END_TEST

START_TEST(an_emaid_is_found_with_and_without_dashes_and_stars)
{
	const uint32_t token = add_own(TOKEN_TYPE_EMAID, "NL-EVC-C000017-X");
	ck_assert_uint_eq(lookup("nlevcc000017x"), token);
	ck_assert_uint_eq(lookup("NL*EVC*C000017*X"), token);
	ck_assert_uint_eq(lookup("NL EVC C000017 X"), 0);
}
END_TEST

START_TEST(other_types_only_ignore_case)
{
	const uint32_t token = add_own(TOKEN_TYPE_APP_USER, "ab-12");
	ck_assert_uint_eq(lookup("AB-12"), token);
	ck_assert_uint_eq(lookup("AB12"), 0);
	ck_assert_uint_eq(lookup("A-B12"), 0);
}
END_TEST

START_TEST(the_request_is_folded_by_each_candidates_type)
{
	const uint32_t app = add_own(TOKEN_TYPE_APP_USER, "AB-CD");
	ck_assert_uint_eq(lookup("ab-cd"), app);
	const uint32_t rfid = add_own(TOKEN_TYPE_RFID, "ABCD");
	ck_assert_uint_eq(lookup("ab-cd"), rfid); // both match; RFID comes first
	ck_assert_uint_eq(lookup("ABCD"), rfid);
	ck_assert_uint_eq(lookup_type("ab-cd", TOKEN_TYPE_APP_USER), app);
	ck_assert_uint_eq(lookup_type("abcd", TOKEN_TYPE_APP_USER), 0);
	const uint32_t emaid = add_own(TOKEN_TYPE_EMAID, "AB*CD");
	ck_assert_uint_eq(lookup("ab*cd"), emaid);
	ck_assert_uint_eq(lookup_type("abcd", TOKEN_TYPE_EMAID), emaid);
}
END_TEST

START_TEST(a_uid_that_folds_to_nothing_for_one_type_is_found_by_another)
{
	const uint32_t token = add_own(TOKEN_TYPE_OTHER, "-*-");
	ck_assert_uint_eq(lookup("-*-"), token);
	ck_assert_uint_eq(lookup_type("-*-", TOKEN_TYPE_EMAID), 0);
	ck_assert_uint_eq(lookup("---"), 0);
}
END_TEST

START_TEST(short_and_long_uids_are_found)
{
	static const char *const uids[] = {"1",
					   "a-b",
					   "1234567",
					   "12345678",
					   "123456789012345",
					   "1234567890123456",
					   "550e8400-e29b-41d4-a716-446655440000"};
	uint32_t tokens[ARRAY_SIZE(uids)];
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		tokens[i] = add_own(TOKEN_TYPE_OTHER, uids[i]);
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		ck_assert_uint_eq(lookup(uids[i]), tokens[i]);
	ck_assert_uint_eq(lookup("550E8400-E29B-41D4-A716-446655440000"), tokens[ARRAY_SIZE(uids) - 1]);
	ck_assert_uint_eq(lookup("550E8400-E29B-41D4-A716-446655440001"), 0);
}
END_TEST

// ---------------------------------------------------------------- which of several

START_TEST(own_comes_before_foreign)
{
	add_foreign("AA", "A", TOKEN_TYPE_RFID, "04A1");
	const uint32_t own = add_own(TOKEN_TYPE_OTHER, "04a1");
	add_foreign("AA", "B", TOKEN_TYPE_RFID, "04A1");
	ck_assert_uint_eq(lookup("04A1"), own);
}
END_TEST

START_TEST(rfid_comes_before_other_types)
{
	add_foreign("AA", "A", TOKEN_TYPE_APP_USER, "04A1");
	const uint32_t rfid = add_foreign("ZZ", "Z", TOKEN_TYPE_RFID, "04A1");
	add_foreign("AA", "A", TOKEN_TYPE_OTHER, "04A1");
	ck_assert_uint_eq(lookup("04A1"), rfid);
}
END_TEST

START_TEST(then_the_lowest_issuer_in_compare_form)
{
	add_foreign("nl", "tnm", TOKEN_TYPE_APP_USER, "x");
	ck_assert_uint_eq(lookup("x"), lookup_issuer("x", 0, "NL", "TNM"));
	const uint32_t ecc = add_foreign("NL", "ECC", TOKEN_TYPE_APP_USER, "x");
	ck_assert_uint_eq(lookup("x"), ecc);
	const uint32_t a = add_foreign("NL", "E", TOKEN_TYPE_OTHER, "x");
	ck_assert_uint_eq(lookup("x"), a); // the issuer counts before the type
	const uint32_t be = add_foreign("be", "ZZZ", TOKEN_TYPE_OTHER, "x");
	ck_assert_uint_eq(lookup("x"), be);
}
END_TEST

START_TEST(then_the_lowest_type)
{
	const uint32_t other = add_own(TOKEN_TYPE_OTHER, "x");
	ck_assert_uint_eq(lookup("x"), other);
	const uint32_t emaid = add_own(TOKEN_TYPE_EMAID, "x");
	ck_assert_uint_eq(lookup("x"), emaid);
	const uint32_t app = add_own(TOKEN_TYPE_APP_USER, "x");
	ck_assert_uint_eq(lookup("x"), app);
}
END_TEST

START_TEST(type_and_issuer_narrow)
{
	const uint32_t own = add_own(TOKEN_TYPE_RFID, "04A1");
	const uint32_t tnm = add_foreign("NL", "TNM", TOKEN_TYPE_RFID, "04A1");
	const uint32_t app = add_foreign("NL", "TNM", TOKEN_TYPE_APP_USER, "04A1");
	const uint32_t lad = add_foreign("DE", "LAD", TOKEN_TYPE_RFID, "04A1");
	ck_assert_uint_eq(lookup("04A1"), own);
	ck_assert_uint_eq(lookup_issuer("04:a1", 0, "nl", "Tnm"), tnm);
	ck_assert_uint_eq(lookup_issuer("04A1", TOKEN_TYPE_APP_USER, "NL", "TNM"), app);
	ck_assert_uint_eq(lookup_issuer("04A1", 0, "DE", "LAD"), lad);
	ck_assert_uint_eq(lookup_issuer("04A1", TOKEN_TYPE_APP_USER, "DE", "LAD"), 0);
	ck_assert_uint_eq(lookup_issuer("04A1", 0, "NL", "TN"), 0);
	ck_assert_uint_eq(lookup_issuer("04A1", 0, "NL", "TNMX"), 0);
	ck_assert_uint_eq(lookup_issuer("04A1", 0, "NT", "LNM"), 0);
	ck_assert_uint_eq(lookup_type("04A1", TOKEN_TYPE_APP_USER), app);
	ck_assert_uint_eq(lookup_type("04A1", TOKEN_TYPE_OTHER), 0);
}
END_TEST

// ---------------------------------------------------------------- identity

START_TEST(a_token_is_identified_by_issuer_type_and_uid)
{
	const struct image *image = &builder.image;
	const struct issuer tnm = {TEXT("nl"), TEXT("tnm")}, ecc = {TEXT("NL"), TEXT("ECC")};
	const uint32_t own = add_own(TOKEN_TYPE_RFID, "04:A1");
	const uint32_t own_app = add_own(TOKEN_TYPE_APP_USER, "04A1");
	const uint32_t foreign = add_foreign("NL", "TNM", TOKEN_TYPE_RFID, "04-a1");
	ck_assert_uint_eq(image_find_token(image, NULL, TOKEN_TYPE_RFID, TEXT("04a1")), own);
	ck_assert_uint_eq(image_find_token(image, NULL, TOKEN_TYPE_APP_USER, TEXT("04a1")), own_app);
	ck_assert_uint_eq(image_find_token(image, NULL, TOKEN_TYPE_APP_USER, TEXT("04:a1")), 0);
	ck_assert_uint_eq(image_find_token(image, NULL, TOKEN_TYPE_OTHER, TEXT("04a1")), 0);
	ck_assert_uint_eq(image_find_token(image, &tnm, TOKEN_TYPE_RFID, TEXT("04 A1")), foreign);
	ck_assert_uint_eq(image_find_token(image, &tnm, TOKEN_TYPE_APP_USER, TEXT("04A1")), 0);
	ck_assert_uint_eq(image_find_token(image, &ecc, TOKEN_TYPE_RFID, TEXT("04A1")), 0);
	ck_assert_uint_eq(image_find_token(image, NULL, TOKEN_TYPE_RFID, TEXT("")), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("image_token");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_rfid_uid_is_found_whatever_its_case_and_separators);
	tcase_add_test(tcase, an_rfid_uid_that_is_not_hexadecimal_keeps_its_separators);
	tcase_add_test(tcase, an_emaid_is_found_with_and_without_dashes_and_stars);
	tcase_add_test(tcase, other_types_only_ignore_case);
	tcase_add_test(tcase, the_request_is_folded_by_each_candidates_type);
	tcase_add_test(tcase, a_uid_that_folds_to_nothing_for_one_type_is_found_by_another);
	tcase_add_test(tcase, short_and_long_uids_are_found);
	tcase_add_test(tcase, own_comes_before_foreign);
	tcase_add_test(tcase, rfid_comes_before_other_types);
	tcase_add_test(tcase, then_the_lowest_issuer_in_compare_form);
	tcase_add_test(tcase, then_the_lowest_type);
	tcase_add_test(tcase, type_and_issuer_narrow);
	tcase_add_test(tcase, a_token_is_identified_by_issuer_type_and_uid);
	Suite *suite = suite_create("store/image_token");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
