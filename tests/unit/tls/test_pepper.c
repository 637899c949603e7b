// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/unit.h"
#include "tls/pepper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct pepper pepper;
static char why[PEPPER_WHY_SIZE];

static void setup(void)
{
	strcpy(path, "/tmp/evauth-test-pepper-XXXXXX");
	close(mkstemp(path)); // 0600
	memset(&pepper, 0, sizeof(pepper));
	why[0] = '\0';
}

static void teardown(void)
{
	unlink(path);
}

static int read_with(const char *data, size_t size)
{
	const int fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
	return pepper_read(&pepper, path, why);
}

START_TEST(a_pseudonym_is_the_start_of_an_hmac)
{
	char text[PSEUDONYM_TEXT_SIZE + 1];
	// RFC 4231, test case 6: a key longer than a block.
	memset(pepper.data, 0xaa, 131);
	pepper.size = 131;
	pepper_pseudonym(&pepper, BYTES_LITERAL("Test Using Larger Than Block-Size Key - Hash Key First"), text);
	ck_assert_str_eq(text, "60e43159");
	// Test case 2.
	memcpy(pepper.data, "Jefe", 4);
	pepper.size = 4;
	pepper_pseudonym(&pepper, BYTES_LITERAL("what do ya want for nothing?"), text);
	ck_assert_str_eq(text, "5bdcc146");
}
END_TEST

START_TEST(a_file_is_read_without_its_last_newline)
{
	ck_assert_int_eq(read_with("0123456789abcdef\n", 17), 0);
	ck_assert_uint_eq(pepper.size, 16);
	ck_assert_int_eq(memcmp(pepper.data, "0123456789abcdef", 16), 0);
	ck_assert_int_eq(read_with("\0a\nb 56789abcdef", 16), 0);
	ck_assert_uint_eq(pepper.size, 16);
}
END_TEST

START_TEST(a_pepper_has_a_smallest_and_a_largest_size)
{
	char data[PEPPER_SIZE_MAX + 1];
	memset(data, 'x', sizeof(data));
	ck_assert_int_eq(read_with(data, PEPPER_SIZE_MAX), 0);
	ck_assert_uint_eq(pepper.size, PEPPER_SIZE_MAX);
	ck_assert_int_eq(read_with(data, PEPPER_SIZE_MAX + 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "at most 256 bytes"));
	ck_assert_int_eq(read_with("0123456789abcde\n", 16), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "at least 16 bytes"));
	ck_assert_int_eq(read_with("", 0), -EINVAL);
	ck_assert_uint_eq(pepper.size, PEPPER_SIZE_MAX); // as it was
}
END_TEST

START_TEST(a_file_that_others_may_read_is_refused)
{
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(read_with("0123456789abcdef", 16), 0);
	ck_assert_int_eq(chmod(path, 0604), 0);
	ck_assert_int_eq(pepper_read(&pepper, path, why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "others may use it"));
}
END_TEST

START_TEST(what_cannot_be_read_is_refused_by_name)
{
	ck_assert_int_eq(pepper_read(&pepper, "/tmp/there-is-no-such-pepper", why), -EINVAL);
	ck_assert_str_eq(why, "/tmp/there-is-no-such-pepper: No such file or directory");
	ck_assert_int_eq(pepper_read(&pepper, "/", why), -EINVAL);
}
END_TEST

START_TEST(what_is_finished_is_wiped)
{
	static const struct pepper none;
	ck_assert_int_eq(read_with("0123456789abcdef", 16), 0);
	pepper_finish(&pepper);
	ck_assert_int_eq(memcmp(&pepper, &none, sizeof(none)), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("pepper");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_pseudonym_is_the_start_of_an_hmac);
	tcase_add_test(tcase, a_file_is_read_without_its_last_newline);
	tcase_add_test(tcase, a_pepper_has_a_smallest_and_a_largest_size);
	tcase_add_test(tcase, a_file_that_others_may_read_is_refused);
	tcase_add_test(tcase, what_cannot_be_read_is_refused_by_name);
	tcase_add_test(tcase, what_is_finished_is_wiped);
	Suite *suite = suite_create("tls/pepper");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
