// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"
#include "tests/unit/unit.h"

#include <errno.h>

static char text[WORDS_SIZE];

START_TEST(a_switch_is_on_or_off_in_several_words)
{
	bool on = false;
	ck_assert(words_parse_switch("on", &on) && on);
	ck_assert(words_parse_switch("FALSE", &on) && !on);
	ck_assert(words_parse_switch("Yes", &on) && on);
	ck_assert(!words_parse_switch("", &on));
	ck_assert(!words_parse_switch("maybe", &on));
}
END_TEST

static int64_t time_of(const char *word)
{
	int64_t seconds = -1;
	ck_assert_msg(words_parse_time(word, &seconds) == 0, "'%s'", word);
	return seconds;
}

START_TEST(a_time_is_rfc_3339_a_date_or_unix_seconds)
{
	ck_assert_int_eq(time_of("2026-12-01T08:00:00Z"), 1796112000);
	ck_assert_int_eq(time_of("2026-12-01 09:00:00+01:00"), 1796112000);
	ck_assert_int_eq(time_of("2026-12-01"), 1796083200);
	ck_assert_int_eq(time_of("1796112000"), 1796112000);
	ck_assert_int_eq(time_of(""), 0);
	ck_assert_int_eq(time_of("0"), 0);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const words[] = {"tomorrow",
					    "2026-13-01",
					    "2026-02-30",
					    "2026-12-01T08:00",
					    "2026-12-1",
					    "-5",
					    "99999999999999999999",
					    "2026-12-01T08:00:00",
					    " 1",
					    "2026-12-01T08:00:00Z and much more than any time has in it"};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		int64_t seconds = -1;
		ck_assert_msg(words_parse_time(words[i], &seconds) == -EINVAL, "'%s'", words[i]);
		ck_assert_int_eq(seconds, -1);
	}
}
END_TEST

START_TEST(a_time_is_written_as_it_is_read)
{
	ck_assert_str_eq(words_time(1796112000, text), "2026-12-01T08:00:00Z");
	ck_assert_int_eq(time_of(text), 1796112000);
	ck_assert_str_eq(words_time(0, text), "");
}
END_TEST

START_TEST(an_issuer_is_a_country_and_a_party)
{
	static const char *const words[] = {"NL*ABC", "NL-ABC", "NLABC"};
	struct issuer issuer;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		ck_assert_int_eq(words_parse_issuer(words[i], &issuer), 0);
		ck_assert(bytes_equal(issuer.country_code, BYTES_LITERAL("NL")));
		ck_assert(bytes_equal(issuer.party_id, BYTES_LITERAL("ABC")));
	}
	ck_assert_int_eq(words_parse_issuer("", &issuer), 0);
	ck_assert_uint_eq(issuer.country_code.size, 0);
	ck_assert_uint_eq(issuer.party_id.size, 0);
	ck_assert_int_eq(words_parse_issuer("NL", &issuer), -EINVAL);
	ck_assert_int_eq(words_parse_issuer("NL*", &issuer), -EINVAL);
	ck_assert_int_eq(words_parse_issuer("NL*ABCD", &issuer), -EINVAL);
}
END_TEST

START_TEST(an_enum_is_read_with_dashes_and_in_any_case)
{
	int value = -1;
	ck_assert_int_eq(words_parse_enum(JSON_ENUM_TOKEN_TYPE, "ad-hoc-user", &value), 0);
	ck_assert_int_eq(value, TOKEN_TYPE_AD_HOC_USER);
	ck_assert_int_eq(words_parse_enum(JSON_ENUM_TOKEN_TYPE, "RFID", &value), 0);
	ck_assert_int_eq(value, TOKEN_TYPE_RFID);
	ck_assert_int_eq(words_parse_enum(JSON_ENUM_TOKEN_TYPE, "", &value), 0);
	ck_assert_int_eq(value, 0);
	ck_assert_int_eq(words_parse_enum(JSON_ENUM_TOKEN_TYPE, "card", &value), -EINVAL);
}
END_TEST

START_TEST(a_kind_has_short_and_long_names_in_both_numbers)
{
	static const struct {
		const char *word;
		enum object_kind kind;
	} rows[] = {{"tariffs", OBJECT_KIND_TARIFF},
		    {"group", OBJECT_KIND_CHARGE_GROUP},
		    {"charge-groups", OBJECT_KIND_CHARGE_GROUP},
		    {"points", OBJECT_KIND_CHARGE_POINT},
		    {"charge-points", OBJECT_KIND_CHARGE_POINT},
		    {"CHARGE_POINT", OBJECT_KIND_CHARGE_POINT},
		    {"customers", OBJECT_KIND_CUSTOMER},
		    {"token", OBJECT_KIND_TOKEN},
		    {"memberships", OBJECT_KIND_MEMBERSHIP}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum object_kind kind = OBJECT_KIND_UNSPECIFIED;
		ck_assert_int_eq(words_parse_kind(rows[i].word, &kind), 0);
		ck_assert_int_eq(kind, rows[i].kind);
	}
	enum object_kind kind;
	ck_assert_int_eq(words_parse_kind("", &kind), -EINVAL);
	ck_assert_int_eq(words_parse_kind("s", &kind), -EINVAL);
	ck_assert_int_eq(words_parse_kind("sessions", &kind), -EINVAL);
	ck_assert_str_eq(words_kind(OBJECT_KIND_CHARGE_POINT), "charge point");
}
END_TEST

START_TEST(counts_have_thousands_apart)
{
	ck_assert_str_eq(words_count(0, text), "0");
	ck_assert_str_eq(words_count(999, text), "999");
	ck_assert_str_eq(words_count(1000, text), "1,000");
	ck_assert_str_eq(words_count(1234567, text), "1,234,567");
	ck_assert_str_eq(words_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(sizes_have_binary_units)
{
	ck_assert_str_eq(words_size(0, text), "0 B");
	ck_assert_str_eq(words_size(1023, text), "1023 B");
	ck_assert_str_eq(words_size(1536, text), "1.5 KiB");
	ck_assert_str_eq(words_size(16ull << 30, text), "16.0 GiB");
	ck_assert_str_eq(words_size(UINT64_MAX, text), "16777216.0 TiB");
}
END_TEST

START_TEST(decimals_keep_their_places)
{
	ck_assert_str_eq(words_decimal(NULL, text), "");
	ck_assert_str_eq(words_decimal(&(struct decimal){.units = 25, .scale = 2}, text), "0.25");
	ck_assert_str_eq(words_decimal(&(struct decimal){.units = -5, .scale = 1}, text), "-0.5");
	ck_assert_str_eq(words_decimal(&(struct decimal){.units = 7}, text), "7");
	ck_assert_str_eq(words_decimal(&(struct decimal){.units = 100000, .scale = 4}, text), "10.0000");
	ck_assert_str_eq(words_decimal(&(struct decimal){.units = INT64_MIN, .scale = 1}, text),
			 "-922337203685477580.8");
}
END_TEST

START_TEST(rates_have_a_decimal_while_they_are_small)
{
	ck_assert_str_eq(words_rate(0, text), "0");
	ck_assert_str_eq(words_rate(0.31, text), "0.3");
	ck_assert_str_eq(words_rate(99.94, text), "99.9");
	ck_assert_str_eq(words_rate(99.96, text), "100");
	ck_assert_str_eq(words_rate(1234567.4, text), "1,234,567");
}
END_TEST

START_TEST(times_have_the_unit_that_suits_them)
{
	ck_assert_str_eq(words_ns(0, text), "0 ns");
	ck_assert_str_eq(words_ns(25000, text), "25 us");
	ck_assert_str_eq(words_ns(2500000, text), "2.5 ms");
	ck_assert_str_eq(words_ns(10000000000, text), "10 s");
	ck_assert_str_eq(words_duration(1234, text), "1.2 s");
	ck_assert_str_eq(words_duration(3661000, text), "01:01:01");
	ck_assert_str_eq(words_duration((3 * 86400 + 59) * 1000ull, text), "3 d 00:00:59");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("words");
	tcase_add_test(tcase, a_switch_is_on_or_off_in_several_words);
	tcase_add_test(tcase, a_time_is_rfc_3339_a_date_or_unix_seconds);
	tcase_add_test(tcase, what_is_no_time_is_refused);
	tcase_add_test(tcase, a_time_is_written_as_it_is_read);
	tcase_add_test(tcase, an_issuer_is_a_country_and_a_party);
	tcase_add_test(tcase, an_enum_is_read_with_dashes_and_in_any_case);
	tcase_add_test(tcase, a_kind_has_short_and_long_names_in_both_numbers);
	tcase_add_test(tcase, counts_have_thousands_apart);
	tcase_add_test(tcase, sizes_have_binary_units);
	tcase_add_test(tcase, rates_have_a_decimal_while_they_are_small);
	tcase_add_test(tcase, times_have_the_unit_that_suits_them);
	tcase_add_test(tcase, decimals_keep_their_places);
	Suite *suite = suite_create("cli/words");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
