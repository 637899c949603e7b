// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_url.h"
#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static struct redis_url url;
static char why[REDIS_WHY_SIZE];

static int parse(const char *text)
{
	memset(&url, 0x55, sizeof(url));
	why[0] = '\0';
	return redis_url_parse(text, &url, why);
}

static const struct {
	const char *text, *printed;
} good[] = {
	{"redis://h", "redis://h:6379"},
	{"redis://h:1", "redis://h:1"},
	{"redis://h:65535/", "redis://h:65535"},
	{"redis://h/0", "redis://h:6379"},
	{"redis://h/15", "redis://h:6379/15"},
	{"redis://h/65535", "redis://h:6379/65535"},
	{"redis://127.0.0.1", "redis://127.0.0.1:6379"},
	{"redis://[::1]", "redis://[::1]:6379"},
	{"redis://[::1]:7/2", "redis://[::1]:7/2"},
	{"rediss://cache.example", "rediss://cache.example:6379"},
	{"redis://:secret@h", "redis://:***@h:6379"},
	{"redis://user:secret@h", "redis://user:***@h:6379"},
	{"redis://user:@h", "redis://user:@h:6379"},
	{"redis://u%40x:a%3Ab%2F@h", "redis://u%40x:***@h:6379"},
	{"redis://u:p@ss/word@h", "redis://u:***@h:6379"},
	{"unix:///run/r.sock", "unix:/run/r.sock"},
	{"unix:/run/r.sock", "unix:/run/r.sock"},
	{"unix:r.sock?database=2", "unix:r.sock?database=2"},
	{"unix:/r?user=u&password=x&database=1", "unix:/r?user=u&password=***&database=1"},
	{"unix:/r?password=x", "unix:/r?password=***"},
	{"redis+sentinel://a/m", "redis+sentinel://a:26379/m"},
	{"redis+sentinel://a,b:1,[::1]:2/m/3", "redis+sentinel://a:26379,b:1,[::1]:2/m/3"},
	{"rediss+sentinel://u:p@a/m", "rediss+sentinel://u:***@a:26379/m"},
	{"redis+sentinel://a/my%20master", "redis+sentinel://a:26379/my%20master"},
	{"redis+sentinel://a,b,c,d,e,f,g,h/m",
	 "redis+sentinel://a:26379,b:26379,c:26379,d:26379,e:26379,f:26379,g:26379,h:26379/m"},
};

START_TEST(a_url_is_understood_and_printed_without_its_password)
{
	char text[REDIS_URL_TEXT_SIZE];
	ck_assert_msg(parse(good[_i].text) == 0, "%s: %s", good[_i].text, why);
	redis_url_format(&url, text);
	ck_assert_str_eq(text, good[_i].printed);
}
END_TEST

START_TEST(the_parts_are_what_they_say)
{
	ck_assert_int_eq(parse("rediss+sentinel://u%40x:a%3Ab@one:1,two/main/7"), 0);
	ck_assert(url.is_tls);
	ck_assert_str_eq(url.user, "u@x");
	ck_assert_str_eq(url.password, "a:b");
	ck_assert_uint_eq(url.endpoints_count, 2);
	ck_assert_str_eq(url.endpoints[1].host, "two");
	ck_assert_uint_eq(url.endpoints[1].port, 26379);
	ck_assert_str_eq(url.master, "main");
	ck_assert_uint_eq(url.database, 7);
	ck_assert_int_eq(parse("unix:/a%20b"), 0);
	ck_assert_str_eq(url.unix_path, "/a b");
	ck_assert_uint_eq(url.endpoints_count, 0);
	ck_assert(!url.is_tls);
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
	{"", "does not begin with"},
	{"http://h", "does not begin with"},
	{"h:6379", "does not begin with"},
	{"redis:/h", "does not begin with"},
	{"redis://", "has no host"},
	{"redis://:6379", "has no host"},
	{"redis://u:p@", "has no host"},
	{"redis://h:", "the port"},
	{"redis://h:0", "the port"},
	{"redis://h:65536", "the port"},
	{"redis://h:6379x", "the port"},
	{"redis://h:99999999999", "the port"},
	{"redis://h/x", "the database"},
	{"redis://h/65536", "the database"},
	{"redis://h/1/2", "the database"},
	{"redis://a,b", "several hosts"},
	{"redis://h h", "no host name has"},
	{"redis://[::1", "IPv6"},
	{"redis://[::1]6379", "IPv6"},
	{"redis://::1", "has no host"},
	{"redis://secret@h", "a user without a password"},
	{"redis://u:secret%4@h", "%25"},
	{"redis://u:secret%zz@h", "%25"},
	{"redis://u:secret%@h", "%25"},
	{"redis://u:secret%00@h", "control character"},
	{"unix:", "has no path"},
	{"unix:///x?secret", "user=, password= and database="},
	{"unix:///x?database=secret", "the database"},
	{"redis+sentinel://a", "names no master"},
	{"redis+sentinel://a/", "names no master"},
	{"redis+sentinel:///m", "has no host"},
	{"redis+sentinel://a,/m", "has no host"},
	{"redis+sentinel://a,b,c,d,e,f,g,h,i/m", "more than 8 sentinels"},
};

START_TEST(what_is_wrong_with_a_url_is_named_without_its_password)
{
	ck_assert_int_eq(parse(bad[_i].text), -EINVAL);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s: %s", bad[_i].text, why);
	ck_assert_msg(strstr(why, "secret") == NULL, "%s", why);
	ck_assert_uint_eq(url.database, 0x55555555);
}
END_TEST

static void assert_longest(const char *head, size_t size, const char *tail)
{
	char text[2048];
	const int used = snprintf(text, sizeof(text), "%s", head);
	memset(text + used, 'a', size);
	strcpy(text + (size_t)used + size, tail);
	ck_assert_msg(parse(text) == 0, "%s %zu: %s", head, size, why);
	text[(size_t)used + size] = 'a';
	strcpy(text + (size_t)used + size + 1, tail);
	ck_assert_int_eq(parse(text), -EINVAL);
}

START_TEST(every_part_has_a_longest_length)
{
	assert_longest("redis://", REDIS_HOST_SIZE - 1, ":1");
	assert_longest("redis://", REDIS_USER_SIZE - 1, ":p@h");
	assert_longest("redis://:", REDIS_PASSWORD_SIZE - 1, "@h");
	assert_longest("unix:", REDIS_PATH_SIZE - 1, "");
	assert_longest("redis+sentinel://h/", REDIS_MASTER_SIZE - 1, "");
}
END_TEST

START_TEST(the_longest_url_can_be_printed)
{
	char text[REDIS_URL_TEXT_SIZE];
	ck_assert_int_eq(parse("redis+sentinel://h/m/1"), 0);
	memset(url.user, '@', sizeof(url.user) - 1);
	url.user[sizeof(url.user) - 1] = '\0';
	memset(url.master, '@', sizeof(url.master) - 1);
	url.master[sizeof(url.master) - 1] = '\0';
	url.endpoints_count = REDIS_SENTINELS_MAX;
	for (size_t i = 0; i < REDIS_SENTINELS_MAX; i++) {
		memset(url.endpoints[i].host, ':', REDIS_HOST_SIZE - 1);
		url.endpoints[i].host[REDIS_HOST_SIZE - 1] = '\0';
		url.endpoints[i].port = 65535;
	}
	redis_url_format(&url, text);
	ck_assert_str_eq(text + strlen(text) - 2, "/1");
}
END_TEST

// ---------------------------------------------------------------- the password file

static struct temporary folder;
static char path[128];

static void setup(void)
{
	temporary_create(&folder);
	temporary_file(&folder, "password", path);
}

static void teardown(void)
{
	temporary_remove(&folder);
}

static int read_password(const char *text, size_t size, mode_t mode)
{
	FILE *file = fopen(path, "w");
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
	why[0] = '\0';
	return redis_url_read_password(&url, path, why);
}

START_TEST(the_first_line_is_the_password)
{
	ck_assert_int_eq(parse("redis://h"), 0);
	ck_assert_int_eq(read_password("pa ss\nmore\n", 11, 0640), 0);
	ck_assert_str_eq(url.password, "pa ss");
	ck_assert_int_eq(parse("redis://h"), 0);
	ck_assert_int_eq(read_password("x", 1, 0600), 0);
	ck_assert_str_eq(url.password, "x");
}
END_TEST

START_TEST(a_password_file_that_will_not_do_is_refused)
{
	char longest[REDIS_PASSWORD_SIZE];
	memset(longest, 'a', sizeof(longest));
	ck_assert_int_eq(parse("redis://h"), 0);
	ck_assert_int_eq(read_password("secret\n", 7, 0604), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "others"));
	ck_assert_int_eq(read_password("secret\n", 7, 0602), -EINVAL);
	ck_assert_int_eq(read_password("", 0, 0600), -EINVAL);
	ck_assert_int_eq(read_password("\nsecret", 7, 0600), -EINVAL);
	ck_assert_int_eq(read_password("a\0b", 3, 0600), -EINVAL);
	ck_assert_int_eq(read_password(longest, sizeof(longest), 0600), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "longer than 511"));
	ck_assert_str_eq(url.password, "");
	ck_assert_int_eq(read_password(longest, sizeof(longest) - 1, 0600), 0);
	ck_assert_int_eq(read_password("secret", 6, 0600), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "only one can count"));
	ck_assert_int_eq(parse("redis://h"), 0);
	ck_assert_int_eq(redis_url_read_password(&url, "/tmp", why), -EINVAL);
	ck_assert_int_eq(redis_url_read_password(&url, "/nonexistent", why), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_url");
	TCase *text = tcase_create("text"), *file = tcase_create("file");
	tcase_add_loop_test(text, a_url_is_understood_and_printed_without_its_password, 0, ARRAY_SIZE(good));
	tcase_add_test(text, the_parts_are_what_they_say);
	tcase_add_loop_test(text, what_is_wrong_with_a_url_is_named_without_its_password, 0, ARRAY_SIZE(bad));
	tcase_add_test(text, every_part_has_a_longest_length);
	tcase_add_test(text, the_longest_url_can_be_printed);
	tcase_add_checked_fixture(file, setup, teardown);
	tcase_add_test(file, the_first_line_is_the_password);
	tcase_add_test(file, a_password_file_that_will_not_do_is_refused);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, file);
	return unit_main(suite);
}
