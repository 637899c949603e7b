// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"
#include "tests/unit/unit.h"

#include <string.h>

// Vectors of RFC 3720 appendix B.4, and the check value of the CRC catalogues.
START_TEST(the_published_vectors_hold)
{
	unsigned char block[32] = {0};
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283u);
	ck_assert_uint_eq(crc32c(0, block, sizeof(block)), 0x8a9136aau);
	memset(block, 0xff, sizeof(block));
	ck_assert_uint_eq(crc32c(0, block, sizeof(block)), 0x62a8ab43u);
}
END_TEST

START_TEST(it_can_be_continued)
{
	ck_assert_uint_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
	ck_assert_uint_eq(crc32c(7, "", 0), 7);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("crc32c");
	tcase_add_test(tcase, the_published_vectors_hold);
	tcase_add_test(tcase, it_can_be_continued);
	Suite *suite = suite_create("base/crc32c");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
