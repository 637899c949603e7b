// SPDX-License-Identifier: Apache-2.0
#include "proto/ids.h"
#include "tests/unit/unit.h"

#include <errno.h>

static const char *folded(enum id_fold fold, const char *id)
{
	static char text[ID_SIZE_MAX + 1];
	struct id_key key;
	memset(&key, 0xee, sizeof(key));
	id_fold(fold, bytes_from(id), &key);
	ck_assert_uint_le(key.size, strlen(id));
	memcpy(text, key.data, key.size);
	text[key.size] = '\0';
	return text;
}

START_TEST(ids_fold_to_upper_case)
{
	ck_assert_str_eq(folded(ID_FOLD_PLAIN, "cust-17"), "CUST-17");
	ck_assert_str_eq(folded(ID_FOLD_PLAIN, "azAZ09@[`{"), "AZAZ09@[`{");
	ck_assert_str_eq(folded(ID_FOLD_PLAIN, "NL*EVC e:1"), "NL*EVC E:1");
	ck_assert_str_eq(folded(ID_FOLD_PLAIN, ""), "");
}
END_TEST

// In words of eight bytes and in what is left of them, beside neighbours that must not change it.
START_TEST(every_byte_folds_alone)
{
	for (int c = 0; c < 256; c++) {
		const char expected = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : (char)c;
		for (size_t at = 0; at < 20; at++) {
			char id[20];
			struct id_key key;
			memset(id, 0xff, sizeof(id));
			id[at] = (char)c;
			id_fold(ID_FOLD_PLAIN, (struct bytes){id, sizeof(id)}, &key);
			id[at] = expected;
			if (key.size != sizeof(id) || memcmp(key.data, id, sizeof(id)) != 0)
				ck_abort_msg("byte %d at %zu", c, at);
		}
	}
}
END_TEST

START_TEST(rfid_uids_lose_separators_when_the_rest_is_hexadecimal)
{
	ck_assert_str_eq(folded(ID_FOLD_RFID, "04:a1:b2:c3"), "04A1B2C3");
	ck_assert_str_eq(folded(ID_FOLD_RFID, "04-A1 b2-C3"), "04A1B2C3");
	ck_assert_str_eq(folded(ID_FOLD_RFID, "04a1b2c3"), "04A1B2C3");
	ck_assert_str_eq(folded(ID_FOLD_RFID, "04:a1:g2"), "04:A1:G2");
	ck_assert_str_eq(folded(ID_FOLD_RFID, "card-17"), "CARD-17");
	ck_assert_str_eq(folded(ID_FOLD_RFID, "04*A1"), "04*A1");
	ck_assert_str_eq(folded(ID_FOLD_RFID, "g"), "G");
}
END_TEST

START_TEST(emaids_lose_dashes_and_stars)
{
	ck_assert_str_eq(folded(ID_FOLD_EMAID, "nl-evc-c000017-x"), "NLEVCC000017X");
	ck_assert_str_eq(folded(ID_FOLD_EMAID, "NL*EVC*C000017*X"), "NLEVCC000017X");
	ck_assert_str_eq(folded(ID_FOLD_EMAID, "NL EVC:C"), "NL EVC:C");
}
END_TEST

START_TEST(evse_ids_lose_stars_only)
{
	ck_assert_str_eq(folded(ID_FOLD_EVSE, "nl*evc*e0001*1"), "NLEVCE00011");
	ck_assert_str_eq(folded(ID_FOLD_EVSE, "NL-EVC-E0001"), "NL-EVC-E0001");
}
END_TEST

START_TEST(folding_to_nothing_gives_an_empty_key)
{
	ck_assert_str_eq(folded(ID_FOLD_RFID, "-: "), "");
	ck_assert_str_eq(folded(ID_FOLD_EMAID, "-*-"), "");
	ck_assert_str_eq(folded(ID_FOLD_EVSE, "**"), "");
}
END_TEST

START_TEST(folding_is_total)
{
	char all[256], long_id[ID_SIZE_MAX + 2];
	struct id_key key;
	for (int fold = ID_FOLD_PLAIN; fold <= ID_FOLD_EVSE; fold++) {
		for (size_t i = 0; i < sizeof(all); i++) {
			all[i] = (char)i;
			id_fold((enum id_fold)fold, (struct bytes){&all[i], 1}, &key);
			ck_assert_uint_le(key.size, 1);
		}
		id_fold((enum id_fold)fold, (struct bytes){all, sizeof(all)}, &key);
		ck_assert_uint_eq(key.size, 0);
		memset(long_id, 'a', sizeof(long_id));
		id_fold((enum id_fold)fold, (struct bytes){long_id, ID_SIZE_MAX}, &key);
		ck_assert_uint_eq(key.size, ID_SIZE_MAX);
		id_fold((enum id_fold)fold, (struct bytes){long_id, ID_SIZE_MAX + 1}, &key);
		ck_assert_uint_eq(key.size, 0);
		id_fold((enum id_fold)fold, (struct bytes){NULL, 0}, &key);
		ck_assert_uint_eq(id_key_bytes(&key).size, 0);
	}
}
END_TEST

START_TEST(folding_twice_changes_nothing)
{
	const char *const ids[] = {"04:a1:b2", "nl*evc-e1", "card 17", "a-b-c", "zz:9"};
	for (int fold = ID_FOLD_PLAIN; fold <= ID_FOLD_EVSE; fold++) {
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			struct id_key once, twice;
			id_fold((enum id_fold)fold, bytes_from(ids[i]), &once);
			id_fold((enum id_fold)fold, id_key_bytes(&once), &twice);
			ck_assert(bytes_equal(id_key_bytes(&once), id_key_bytes(&twice)));
		}
	}
}
END_TEST

START_TEST(tokens_fold_by_their_type)
{
	ck_assert_int_eq(id_fold_of_token(TOKEN_TYPE_RFID), ID_FOLD_RFID);
	ck_assert_int_eq(id_fold_of_token(TOKEN_TYPE_EMAID), ID_FOLD_EMAID);
	ck_assert_int_eq(id_fold_of_token(TOKEN_TYPE_UNSPECIFIED), ID_FOLD_PLAIN);
	ck_assert_int_eq(id_fold_of_token(TOKEN_TYPE_APP_USER), ID_FOLD_PLAIN);
	ck_assert_int_eq(id_fold_of_token(TOKEN_TYPE_AD_HOC_USER), ID_FOLD_PLAIN);
	ck_assert_int_eq(id_fold_of_token(TOKEN_TYPE_OTHER), ID_FOLD_PLAIN);
	ck_assert_int_eq(id_fold_of_token((enum token_type)99), ID_FOLD_PLAIN);
}
END_TEST

// ---------------------------------------------------------------- checks

static void check_refused(enum id_fold fold, struct bytes id, const char *problem)
{
	struct fault fault = {0};
	ck_assert_int_eq(id_check(fold, id, "token.uid", &fault), -EINVAL);
	ck_assert_int_eq(fault.code, STATUS_INVALID_ARGUMENT);
	ck_assert_str_eq(fault.field, "token.uid");
	ck_assert_ptr_nonnull(strstr(fault.message, problem));
}

static void check_accepted(enum id_fold fold, struct bytes id)
{
	struct fault fault = {0};
	ck_assert_int_eq(id_check(fold, id, "token.uid", &fault), 0);
	ck_assert_int_eq(fault.code, STATUS_OK);
}

START_TEST(ids_have_1_to_64_bytes)
{
	char id[ID_SIZE_MAX + 1];
	memset(id, 'x', sizeof(id));
	check_refused(ID_FOLD_PLAIN, (struct bytes){0}, "empty");
	check_accepted(ID_FOLD_PLAIN, (struct bytes){id, 1});
	check_accepted(ID_FOLD_PLAIN, (struct bytes){id, ID_SIZE_MAX});
	check_refused(ID_FOLD_PLAIN, (struct bytes){id, ID_SIZE_MAX + 1}, "64");
}
END_TEST

START_TEST(ids_are_printable_ascii)
{
	for (int c = 0; c < 256; c++) {
		const char id[] = {'a', (char)c, 'b'};
		if (c >= 0x20 && c <= 0x7e)
			check_accepted(ID_FOLD_PLAIN, (struct bytes){id, 3});
		else
			check_refused(ID_FOLD_PLAIN, (struct bytes){id, 3}, "printable");
	}
	check_refused(ID_FOLD_RFID, BYTES_LITERAL("caf\xc3\xa9"), "printable");
}
END_TEST

START_TEST(ids_neither_start_nor_end_with_a_space)
{
	check_refused(ID_FOLD_PLAIN, BYTES_LITERAL(" a"), "space");
	check_refused(ID_FOLD_RFID, BYTES_LITERAL("a "), "space");
	check_refused(ID_FOLD_PLAIN, BYTES_LITERAL(" "), "space");
	check_accepted(ID_FOLD_PLAIN, BYTES_LITERAL("a b"));
}
END_TEST

START_TEST(ids_that_fold_to_nothing_are_refused)
{
	check_refused(ID_FOLD_RFID, BYTES_LITERAL("-"), "separators");
	check_refused(ID_FOLD_RFID, BYTES_LITERAL(":-:"), "separators");
	check_refused(ID_FOLD_EMAID, BYTES_LITERAL("*-"), "separators");
	check_refused(ID_FOLD_EVSE, BYTES_LITERAL("***"), "separators");
	check_accepted(ID_FOLD_PLAIN, BYTES_LITERAL("*"));
	check_accepted(ID_FOLD_EVSE, BYTES_LITERAL("-"));
	check_accepted(ID_FOLD_EMAID, BYTES_LITERAL(":"));
	check_accepted(ID_FOLD_RFID, BYTES_LITERAL("*"));
}
END_TEST

// What is accepted has a key, and what is refused for its separators has none.
START_TEST(checking_and_folding_agree)
{
	const char alphabet[] = "-*: aG";
	for (int fold = ID_FOLD_PLAIN; fold <= ID_FOLD_EVSE; fold++) {
		for (size_t n = 0; n < 6 * 6 * 6; n++) {
			const char id[] = {alphabet[n % 6], alphabet[n / 6 % 6], alphabet[n / 36]};
			const struct bytes text = {id, sizeof(id)};
			struct fault fault = {0};
			struct id_key key;
			id_fold((enum id_fold)fold, text, &key);
			const bool has_spaces = id[0] == ' ' || id[2] == ' ';
			if (!has_spaces)
				ck_assert_int_eq(id_check((enum id_fold)fold, text, "id", &fault) == 0, key.size > 0);
		}
	}
}
END_TEST

START_TEST(an_optional_id_may_be_empty)
{
	struct fault fault = {0};
	ck_assert_int_eq(id_check_optional(ID_FOLD_PLAIN, (struct bytes){0}, "evse_id", &fault), 0);
	ck_assert_int_eq(id_check_optional(ID_FOLD_PLAIN, BYTES_LITERAL("x"), "evse_id", &fault), 0);
	ck_assert_int_eq(id_check_optional(ID_FOLD_PLAIN, BYTES_LITERAL(" x"), "evse_id", &fault), -EINVAL);
	ck_assert_str_eq(fault.field, "evse_id");
}
END_TEST

// The zeroes that hashing counts on, whatever lay there before.
START_TEST(zeroes_follow_a_short_compare_form)
{
	static const char *const ids[] = {"",
					  "a",
					  "1234567",
					  "12345678",
					  "12345678*",
					  "123456789012345",
					  "*-*-*-*-*-*",
					  "NL*EVC*E0001*1",
					  "04:a1:b2:c3",
					  "04:a1:g2",
					  "1234567890123456"};
	for (int fold = ID_FOLD_PLAIN; fold <= ID_FOLD_EVSE; fold++) {
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			struct id_key key;
			memset(&key, 0xee, sizeof(key));
			id_fold((enum id_fold)fold, bytes_from(ids[i]), &key);
			for (size_t at = key.size; at < ID_WORDS_SIZE; at++)
				if (key.data[at] != '\0')
					ck_abort_msg("%s by fold %d: byte %zu", ids[i], fold, at);
		}
	}
}
END_TEST

// Every separator at every place of every size up to three words, against a fold that goes byte by byte.
START_TEST(separators_are_dropped_wherever_they_stand)
{
	for (size_t size = 1; size <= 24; size++) {
		for (size_t n = 0; n < size * size; n++) {
			char id[24], expected[24];
			const size_t first = n % size, second = n / size;
			size_t expected_size = 0;
			struct id_key key;
			for (size_t i = 0; i < size; i++)
				id[i] = i == first || i == second ? '*' : (char)('a' + i);
			for (size_t i = 0; i < size; i++)
				if (id[i] != '*')
					expected[expected_size++] = (char)(id[i] - 'a' + 'A');
			id_fold(ID_FOLD_EVSE, (struct bytes){id, size}, &key);
			if (key.size != expected_size || memcmp(key.data, expected, expected_size) != 0)
				ck_abort_msg("%.*s", (int)size, id);
		}
	}
}
END_TEST

// What is folded in one go is what id_check() accepts and id_fold() makes of it, for every fold if that is asked.
static bool is_quick(bool any_fold, struct bytes id)
{
	struct fault fault = {0};
	struct id_key quick, slow;
	memset(&quick, 0xee, sizeof(quick));
	memset(&slow, 0xee, sizeof(slow));
	if (!id_fold_quickly(any_fold, id, &quick)) {
		ck_assert_mem_eq(&quick, &slow, sizeof(quick));
		return false;
	}
	for (int fold = ID_FOLD_PLAIN; fold <= (any_fold ? ID_FOLD_EVSE : ID_FOLD_PLAIN); fold++) {
		ck_assert_int_eq(id_check((enum id_fold)fold, id, "id", &fault), 0);
		id_fold((enum id_fold)fold, id, &slow);
		ck_assert_uint_eq(quick.size, slow.size);
		ck_assert_mem_eq(quick.data, slow.data, ID_WORDS_SIZE);
	}
	return true;
}

START_TEST(folding_quickly_is_checking_and_folding)
{
	for (size_t size = 0; size <= 20; size++) {
		const bool fits = size >= 8 && size <= ID_WORDS_SIZE;
		char id[20];
		memset(id, '0', sizeof(id));
		ck_assert(is_quick(false, (struct bytes){id, size}) == fits);
		ck_assert(is_quick(true, (struct bytes){id, size}) == fits);
		for (size_t at = 0; at < size; at++) {
			for (int c = 0; c < 256; c++) {
				id[at] = (char)c;
				const bool is_quick_plain = is_quick(false, (struct bytes){id, size});
				ck_assert(is_quick_plain == (fits && c > ' ' && c <= '~'));
				(void)is_quick(true, (struct bytes){id, size});
			}
			id[at] = 'Z';
			ck_assert(is_quick(true, (struct bytes){id, size}) == fits);
		}
	}
}
END_TEST

// ---------------------------------------------------------------- issuers

// `part`: which one is refused; NULL: the issuer is not.
static int check_issuer(const char *country_code, const char *party_id, const char *part,
			const struct issuer **ret_issuer)
{
	static struct issuer issuer;
	struct fault fault = {0};
	issuer = (struct issuer){bytes_from(country_code), bytes_from(party_id)};
	const int result = issuer_check(&issuer, "issuer", ret_issuer, &fault);
	ck_assert_int_eq(fault.code, result == 0 ? STATUS_OK : STATUS_INVALID_ARGUMENT);
	ck_assert_str_eq(fault.field, part != NULL ? part : "");
	return result;
}

START_TEST(an_issuer_without_parts_is_absent)
{
	const struct issuer some = {0}, *issuer = &some;
	struct fault fault = {0};
	ck_assert_int_eq(issuer_check(NULL, "issuer", &issuer, &fault), 0);
	ck_assert_ptr_null(issuer);
	issuer = &some;
	ck_assert_int_eq(check_issuer("", "", NULL, &issuer), 0);
	ck_assert_ptr_null(issuer);
}
END_TEST

START_TEST(a_whole_issuer_is_accepted)
{
	const struct issuer *issuer = NULL;
	ck_assert_int_eq(check_issuer("NL", "EVC", NULL, &issuer), 0);
	ck_assert_ptr_nonnull(issuer);
	ck_assert_int_eq(check_issuer("de", "X", NULL, &issuer), 0);
}
END_TEST

START_TEST(a_half_filled_or_misshapen_issuer_is_refused)
{
	const struct issuer some = {0}, *issuer = &some;
	ck_assert_int_eq(check_issuer("NL", "", "issuer.party_id", &issuer), -EINVAL);
	ck_assert_int_eq(check_issuer("", "EVC", "issuer.country_code", &issuer), -EINVAL);
	ck_assert_int_eq(check_issuer("N", "EVC", "issuer.country_code", &issuer), -EINVAL);
	ck_assert_int_eq(check_issuer("NLD", "EVC", "issuer.country_code", &issuer), -EINVAL);
	ck_assert_int_eq(check_issuer("NL", "EVCX", "issuer.party_id", &issuer), -EINVAL);
	ck_assert_int_eq(check_issuer("N\x01", "EVC", "issuer.country_code", &issuer), -EINVAL);
	ck_assert_int_eq(check_issuer("NL", " EV", "issuer.party_id", &issuer), -EINVAL);
	ck_assert_ptr_eq(issuer, &some);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("ids");
	tcase_add_test(tcase, ids_fold_to_upper_case);
	tcase_add_test(tcase, every_byte_folds_alone);
	tcase_add_test(tcase, rfid_uids_lose_separators_when_the_rest_is_hexadecimal);
	tcase_add_test(tcase, emaids_lose_dashes_and_stars);
	tcase_add_test(tcase, evse_ids_lose_stars_only);
	tcase_add_test(tcase, folding_to_nothing_gives_an_empty_key);
	tcase_add_test(tcase, folding_is_total);
	tcase_add_test(tcase, folding_twice_changes_nothing);
	tcase_add_test(tcase, tokens_fold_by_their_type);
	tcase_add_test(tcase, ids_have_1_to_64_bytes);
	tcase_add_test(tcase, ids_are_printable_ascii);
	tcase_add_test(tcase, ids_neither_start_nor_end_with_a_space);
	tcase_add_test(tcase, ids_that_fold_to_nothing_are_refused);
	tcase_add_test(tcase, checking_and_folding_agree);
	tcase_add_test(tcase, an_optional_id_may_be_empty);
	tcase_add_test(tcase, zeroes_follow_a_short_compare_form);
	tcase_add_test(tcase, separators_are_dropped_wherever_they_stand);
	tcase_add_test(tcase, folding_quickly_is_checking_and_folding);
	tcase_add_test(tcase, an_issuer_without_parts_is_absent);
	tcase_add_test(tcase, a_whole_issuer_is_accepted);
	tcase_add_test(tcase, a_half_filled_or_misshapen_issuer_is_refused);
	Suite *suite = suite_create("proto/ids");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
