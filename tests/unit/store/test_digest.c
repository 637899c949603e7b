// SPDX-License-Identifier: Apache-2.0
#include "store/digest.h"

#include "base/hash.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct db_record record_of(const char *key, const char *value, uint64_t revision)
{
	return (struct db_record){.key = bytes_from(key), .value = bytes_from(value), .modified_revision = revision};
}

static struct digest digest_of(enum db_table table, const char *key, const char *value, uint64_t revision)
{
	struct digest digest = {0};
	const struct db_record record = record_of(key, value, revision);
	digest_add(&digest, table, &record);
	return digest;
}

static bool equals(struct digest a, struct digest b)
{
	return a.low == b.low && a.high == b.high;
}

START_TEST(everything_of_a_record_counts)
{
	const struct digest digest = digest_of(DB_TOKENS, "key", "value", 5);
	ck_assert(equals(digest, digest_of(DB_TOKENS, "key", "value", 5)));
	ck_assert(!equals(digest, digest_of(DB_CUSTOMERS, "key", "value", 5)));
	ck_assert(!equals(digest, digest_of(DB_TOKENS, "kez", "value", 5)));
	ck_assert(!equals(digest, digest_of(DB_TOKENS, "key", "valuf", 5)));
	ck_assert(!equals(digest, digest_of(DB_TOKENS, "key", "value", 6)));
	ck_assert(!equals(digest, digest_of(DB_TOKENS, "keyv", "alue", 5)));
}
END_TEST

START_TEST(what_was_added_can_be_subtracted_in_any_order)
{
	struct digest digest = {0};
	char keys[100][16];
	for (int i = 0; i < 100; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
		const struct db_record record = record_of(keys[i], "value", (uint64_t)i);
		digest_add(&digest, DB_POINTS, &record);
	}
	const struct digest all = digest;
	for (int i = 0; i < 100; i++) {
		const struct db_record record = record_of(keys[i * 37 % 100], "value", (uint64_t)(i * 37 % 100));
		digest_subtract(&digest, DB_POINTS, &record);
		ck_assert(!equals(digest, all));
	}
	ck_assert(equals(digest, (struct digest){0}));
	const struct db_record record = record_of("a", "b", 1);
	digest_subtract(&digest, DB_POINTS, &record); // below zero, and back
	digest_add(&digest, DB_POINTS, &record);
	ck_assert(equals(digest, (struct digest){0}));
}
END_TEST

// A replica of another version or machine must come to the same: these are fixed for good.
START_TEST(the_digest_of_a_record_never_changes)
{
	char text[ID128_TEXT_SIZE + 1];
	struct digest digest = digest_of(DB_CUSTOMERS, "CUST-1", "a customer", 7);
	struct id128 id = digest_id(&digest);
	id128_format(&id, text);
	ck_assert_str_eq(text, "23a1d2e372aae3b5bcc1dd5b2aa419bf");
	char *large = calloc(1, 100001);
	ck_assert_ptr_nonnull(large);
	memset(large, 'x', 100000);
	digest = digest_of(DB_TARIFFS, "T", large, 8);
	id = digest_id(&digest);
	id128_format(&id, text);
	ck_assert_str_eq(text, "e677b8dd2664a1d730fb6e162809f1fe");
	free(large);
}
END_TEST

// Around the size up to which a record is hashed in one piece.
START_TEST(pieces_make_no_difference)
{
	char bytes[16 + 1 + 1200] = {8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, DB_TARIFFS, 1, 0, 0, 'T'};
	for (uint32_t size = 900; size < 1100; size++) {
		memset(bytes + 17, 'v', size);
		bytes[17 + size] = '\0';
		memcpy(bytes + 8, &size, sizeof(size)); // in little endian
		const XXH128_hash_t expected = XXH3_128bits(bytes, 17 + size);
		const struct digest digest = digest_of(DB_TARIFFS, "T", bytes + 17, 8);
		ck_assert(equals(digest, (struct digest){.low = expected.low64, .high = expected.high64}));
	}
}
END_TEST

START_TEST(a_digest_is_read_back_from_its_text)
{
	const struct digest digest = {.high = 0x0123456789abcdef, .low = 0xfedcba9876543210};
	char text[ID128_TEXT_SIZE + 1];
	struct id128 id = digest_id(&digest);
	id128_format(&id, text);
	ck_assert_str_eq(text, "0123456789abcdeffedcba9876543210");
	ck_assert_int_eq(id128_parse(bytes_from(text), &id), 0);
	ck_assert(equals(digest_from_id(&id), digest));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("digest");
	tcase_add_test(tcase, everything_of_a_record_counts);
	tcase_add_test(tcase, what_was_added_can_be_subtracted_in_any_order);
	tcase_add_test(tcase, the_digest_of_a_record_never_changes);
	tcase_add_test(tcase, pieces_make_no_difference);
	tcase_add_test(tcase, a_digest_is_read_back_from_its_text);
	Suite *suite = suite_create("store/digest");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
