// SPDX-License-Identifier: Apache-2.0
#include "proto/utf8.h"
#include "tests/unit/unit.h"

// The bytes of a code point as RFC 3629 has them.
static size_t encode(uint32_t code, char *text)
{
	if (code < 0x80) {
		text[0] = (char)code;
		return 1;
	}
	const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = size - 1; i > 0; i--, code >>= 6)
		text[i] = (char)(0x80 | (code & 0x3f));
	text[0] = (char)((0xf00 >> size) | code);
	return size;
}

START_TEST(every_code_point_but_surrogates_is_well_formed)
{
	char text[4];
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		const size_t size = encode(code, text);
		const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
		bool is_right = utf8_sequence_size(text, size) == (is_surrogate ? 0 : size);
		for (size_t cut = 1; cut < size; cut++)
			is_right = is_right && utf8_sequence_size(text, cut) == 0;
		if (!is_right) // a check costs a system call: not a million of them
			ck_abort_msg("U+%04X", code);
	}
}
END_TEST

START_TEST(malformed_sequences_have_no_size)
{
	const char *const malformed[] = {"\x80",
					 "\xbf",
					 "\xc0\x80",
					 "\xc1\xbf",
					 "\xe0\x9f\xbf",
					 "\xed\xa0\x80",
					 "\xf0\x8f\xbf\xbf",
					 "\xf4\x90\x80\x80",
					 "\xf5\x80\x80\x80",
					 "\xff",
					 "\xc3(",
					 "\xe2\x82(",
					 "\xe2(\x82",
					 "\xf0\x9f\x98(",
					 "\xf8\x88\x80\x80\x80"};
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		ck_assert_uint_eq(utf8_sequence_size(malformed[i], strlen(malformed[i])), 0);
		ck_assert(!utf8_is_text(bytes_from(malformed[i])));
	}
}
END_TEST

// At every place of texts long enough for the eight-byte steps.
START_TEST(one_bad_byte_anywhere_is_found)
{
	for (size_t size = 0; size <= 40; size++) {
		char text[40];
		memset(text, 'x', sizeof(text));
		ck_assert(utf8_is_text((struct bytes){text, size}));
		ck_assert(utf8_is_plain_ascii((struct bytes){text, size}));
		for (size_t i = 0; i < size; i++) {
			const char bad[] = {'\0', (char)0x80, (char)0xff};
			for (size_t b = 0; b < sizeof(bad); b++) {
				text[i] = bad[b];
				ck_assert(!utf8_is_text((struct bytes){text, size}));
				ck_assert(!utf8_is_plain_ascii((struct bytes){text, size}));
			}
			text[i] = 'x';
		}
	}
}
END_TEST

START_TEST(characters_may_lie_across_the_steps)
{
	char text[32];
	for (size_t i = 0; i + 4 <= sizeof(text); i++) {
		memset(text, 'x', sizeof(text));
		memcpy(text + i, "😀", 4);
		ck_assert(utf8_is_text((struct bytes){text, sizeof(text)}));
		ck_assert(!utf8_is_plain_ascii((struct bytes){text, sizeof(text)}));
		ck_assert(!utf8_is_text((struct bytes){text, i + 3})); // cut off
	}
}
END_TEST

START_TEST(ascii_is_plain_from_1_to_7f)
{
	for (int c = 0; c < 256; c++) {
		const char text[] = {(char)c};
		ck_assert_int_eq(utf8_is_plain_ascii((struct bytes){text, 1}), c >= 1 && c <= 0x7f);
	}
	ck_assert(utf8_is_plain_ascii((struct bytes){NULL, 0}));
	ck_assert(utf8_is_text((struct bytes){NULL, 0}));
}
END_TEST

START_TEST(repair_replaces_only_what_is_malformed)
{
	char text[] = "a\xc3\xa9\xff\xe2\x82z\xc3";
	utf8_repair(text);
	ck_assert_str_eq(text, "a\xc3\xa9???z?");
	char fine[] = "é€😀 plain";
	utf8_repair(fine);
	ck_assert_str_eq(fine, "é€😀 plain");
	char empty[] = "";
	utf8_repair(empty);
	ck_assert_str_eq(empty, "");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("utf8");
	tcase_add_test(tcase, every_code_point_but_surrogates_is_well_formed);
	tcase_add_test(tcase, malformed_sequences_have_no_size);
	tcase_add_test(tcase, one_bad_byte_anywhere_is_found);
	tcase_add_test(tcase, characters_may_lie_across_the_steps);
	tcase_add_test(tcase, ascii_is_plain_from_1_to_7f);
	tcase_add_test(tcase, repair_replaces_only_what_is_malformed);
	Suite *suite = suite_create("proto/utf8");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
