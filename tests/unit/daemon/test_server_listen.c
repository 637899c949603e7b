// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_listen.h"

#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

static struct options options;
static struct server_addresses addresses;
static struct options_error error;

static int resolve(const char *listen, const char *unix_path, bool insecure)
{
	memset(&options, 0, sizeof(options));
	if (listen != NULL)
		strcpy(options.listen.items[options.listen.count++], listen);
	strcpy(options.unix_path, unix_path);
	options.insecure_listen = insecure;
	return server_addresses_resolve(&options, &addresses, &error);
}

static const char *text(void)
{
	static char text[1024];
	server_addresses_format(&addresses, text, sizeof(text));
	return text;
}

START_TEST(without_addresses_it_is_loopback)
{
	ck_assert_int_eq(resolve(NULL, "", false), 0);
	ck_assert_str_eq(text(), "127.0.0.1:7420");
}
END_TEST

START_TEST(a_unix_socket_alone_is_enough)
{
	ck_assert_int_eq(resolve(NULL, "/run/x", false), 0);
	ck_assert_str_eq(text(), "unix /run/x");
}
END_TEST

START_TEST(addresses_are_listed_in_order)
{
	ck_assert_int_eq(resolve("[::1]:1", "/run/x", false), 0);
	ck_assert_str_eq(text(), "[::1]:1, unix /run/x");
}
END_TEST

static int resolve_tls(const char *listen, const char *http)
{
	memset(&options, 0, sizeof(options));
	strcpy(options.tls_listen.items[options.tls_listen.count++], listen);
	strcpy(options.http, http);
	return server_addresses_resolve(&options, &addresses, &error);
}

START_TEST(tls_may_be_reached_from_anywhere_and_http_may_not)
{
	ck_assert_int_eq(resolve_tls("0.0.0.0:7422", "127.0.0.1:7421"), 0);
	ck_assert_str_eq(text(), "tls 0.0.0.0:7422, http 127.0.0.1:7421");
	ck_assert_int_eq(resolve_tls("0.0.0.0:7422", "0.0.0.0:7421"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "--insecure-http"));
}
END_TEST

START_TEST(an_address_that_is_none_is_told_with_its_option)
{
	ck_assert_int_eq(resolve("nonsense", "", false), -EINVAL);
	ck_assert_str_eq(error.message, "listen: 'nonsense' is not of the form HOST:PORT");
	ck_assert_int_eq(resolve_tls("nonsense", ""), -EINVAL);
	ck_assert_str_eq(error.message, "tls-listen: 'nonsense' is not of the form HOST:PORT");
	ck_assert_int_eq(resolve_tls("127.0.0.1:1", "nonsense"), -EINVAL);
	ck_assert_str_eq(error.message, "http: 'nonsense' is not of the form HOST:PORT");
}
END_TEST

static const char *const reachable[] = {"0.0.0.0:7420", "[::]:7420", "192.0.2.1:7420", "[::ffff:192.0.2.1]:1"};

START_TEST(what_others_can_reach_needs_the_word_insecure)
{
	ck_assert_int_eq(resolve(reachable[_i], "", false), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, reachable[_i]));
	ck_assert_ptr_nonnull(strstr(error.message, "--insecure-listen"));
	ck_assert_int_eq(resolve(reachable[_i], "", true), 0);
	ck_assert_str_eq(text(), reachable[_i]);
}
END_TEST

START_TEST(what_does_not_resolve_is_refused)
{
	ck_assert_int_eq(resolve("host.invalid:7420", "", true), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "host.invalid:7420"));
	ck_assert_int_eq(resolve("127.0.0.1:99999", "", true), -EINVAL);
}
END_TEST

START_TEST(too_many_addresses_are_refused)
{
	memset(&options, 0, sizeof(options));
	for (int i = 0; i < OPTIONS_LISTEN_MAX; i++)
		snprintf(options.listen.items[i], OPTIONS_TEXT_MAX, "127.0.0.1:%d", i);
	options.listen.count = OPTIONS_LISTEN_MAX;
	ck_assert_int_eq(server_addresses_resolve(&options, &addresses, &error), 0);
	ck_assert_uint_eq(addresses.tcp_count, OPTIONS_LISTEN_MAX);
}
END_TEST

START_TEST(the_port_file_is_written_whole)
{
	struct temporary folder;
	char path[128], content[256], line[256] = "";
	temporary_create(&folder);
	temporary_file(&folder, "ports", path);
	ck_assert_int_eq(resolve("127.0.0.1:4711", "/run/x", false), 0);
	for (int i = 0; i < 2; i++) { // also over an old one
		ck_assert_int_eq(server_addresses_write(&addresses, path), 0);
		FILE *file = fopen(path, "r");
		for (content[0] = '\0'; fgets(line, sizeof(line), file) != NULL;)
			strcat(content, line);
		fclose(file);
		ck_assert_str_eq(content, "listen 127.0.0.1:4711\nunix /run/x\n");
	}
	ck_assert_int_eq(server_addresses_write(&addresses, "/nonexistent/ports"), -ENOENT);
	// a folder in its place: nothing is left behind
	char folder_path[128], new_path[160];
	struct stat st;
	mkdir(temporary_file(&folder, "folder", folder_path), 0700);
	ck_assert_int_eq(server_addresses_write(&addresses, folder_path), -EISDIR);
	snprintf(new_path, sizeof(new_path), "%s.new", folder_path);
	ck_assert_int_eq(stat(new_path, &st), -1);
	rmdir(folder_path);
	temporary_remove(&folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/server_listen");
	TCase *tests = tcase_create("server_listen");
	tcase_add_test(tests, without_addresses_it_is_loopback);
	tcase_add_test(tests, a_unix_socket_alone_is_enough);
	tcase_add_test(tests, addresses_are_listed_in_order);
	tcase_add_test(tests, tls_may_be_reached_from_anywhere_and_http_may_not);
	tcase_add_test(tests, an_address_that_is_none_is_told_with_its_option);
	tcase_add_loop_test(tests, what_others_can_reach_needs_the_word_insecure, 0, ARRAY_SIZE(reachable));
	tcase_add_test(tests, what_does_not_resolve_is_refused);
	tcase_add_test(tests, too_many_addresses_are_refused);
	tcase_add_test(tests, the_port_file_is_written_whole);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
