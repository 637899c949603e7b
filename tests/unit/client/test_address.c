// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "client/address.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static struct address address;
static struct fault fault;

static void setup(void)
{
	memset(&fault, 0, sizeof(fault));
}

START_TEST(a_host_and_a_port_are_taken_apart)
{
	ck_assert_int_eq(address_parse("cpo.example:7420", &address, &fault), 0);
	ck_assert(!address.is_unix);
	ck_assert_str_eq(address.host, "cpo.example");
	ck_assert_str_eq(address.port, "7420");
	ck_assert_str_eq(address.text, "cpo.example:7420");
}
END_TEST

START_TEST(an_ipv6_address_stands_in_brackets)
{
	ck_assert_int_eq(address_parse("[::1]:7420", &address, &fault), 0);
	ck_assert_str_eq(address.host, "::1");
	ck_assert_int_eq(address_parse("::1:7420", &address, &fault), -EINVAL);
}
END_TEST

START_TEST(a_path_is_a_unix_socket)
{
	ck_assert_int_eq(address_parse("unix:/run/evauthd.sock", &address, &fault), 0);
	ck_assert(address.is_unix);
	ck_assert_str_eq(address.path.sun_path, "/run/evauthd.sock");
	ck_assert_str_eq(address.text, "unix:/run/evauthd.sock");
}
END_TEST

START_TEST(tls_stands_before_a_host_and_a_port)
{
	ck_assert_int_eq(address_parse("tls:cpo.example:7422", &address, &fault), 0);
	ck_assert(address.is_tls && !address.is_unix);
	ck_assert_str_eq(address.host, "cpo.example");
	ck_assert_str_eq(address.port, "7422");
	ck_assert_str_eq(address.text, "tls:cpo.example:7422");
	ck_assert_int_eq(address_parse("tls:[::1]:7422", &address, &fault), 0);
	ck_assert_str_eq(address.host, "::1");
	ck_assert_int_eq(address_parse("cpo.example:7420", &address, &fault), 0);
	ck_assert(!address.is_tls);
}
END_TEST

START_TEST(what_names_no_server_is_refused)
{
	static const char *const names[] = {
		"",        "host",     "host:",    ":7420",       "host:0", "host:65536", "host:x",      "host:7 ",
		"host:-1", "host:+1",  "unix:",    "host: 1",     "h:1:2",  "[]x:1",      "host:007420", "host:123456",
		"tls:",    "tls:7420", "tls:host", "tls:unix:/x", "tls::1"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		memset(&fault, 0, sizeof(fault));
		ck_assert_msg(address_parse(names[i], &address, &fault) == -EINVAL, "'%s'", names[i]);
		ck_assert_int_eq(fault.code, STATUS_INVALID_ARGUMENT);
		ck_assert_str_eq(fault.field, "server");
	}
}
END_TEST

START_TEST(a_path_has_the_length_a_socket_can_have)
{
	char name[5 + sizeof(address.path.sun_path) + 1] = "unix:";
	memset(name + 5, 'x', sizeof(address.path.sun_path) - 1);
	ck_assert_int_eq(address_parse(name, &address, &fault), 0);
	memset(name + 5, 'x', sizeof(address.path.sun_path));
	ck_assert_int_eq(address_parse(name, &address, &fault), -EINVAL);
}
END_TEST

START_TEST(a_host_has_the_length_a_name_can_have)
{
	char name[300];
	memset(name, 'h', sizeof(name));
	strcpy(name + 255, ":1");
	ck_assert_int_eq(address_parse(name, &address, &fault), 0);
	memset(name, 'h', sizeof(name));
	strcpy(name + 256, ":1");
	ck_assert_int_eq(address_parse(name, &address, &fault), -EINVAL);
}
END_TEST

START_TEST(a_socket_that_is_not_there_is_said_to_be_so)
{
	int fd = -1;
	ck_assert_int_eq(address_parse("unix:/nowhere/at/all", &address, &fault), 0);
	ck_assert_int_eq(address_connect(&address, clock_monotonic_ms() + 1000, &fd, &fault), -ENOENT);
	ck_assert_int_eq(fault.code, STATUS_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(fault.message, "unix:/nowhere/at/all"));
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(a_deadline_that_passed_leaves_no_time)
{
	ck_assert_int_eq(deadline_left_ms(0), 0);
	ck_assert_int_eq(deadline_left_ms(clock_monotonic_ms()), 0);
	ck_assert_int_gt(deadline_left_ms(clock_monotonic_ms() + 100000), 1000);
	ck_assert_int_gt(deadline_left_ms(UINT64_MAX), 1000);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("address");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_host_and_a_port_are_taken_apart);
	tcase_add_test(tcase, an_ipv6_address_stands_in_brackets);
	tcase_add_test(tcase, a_path_is_a_unix_socket);
	tcase_add_test(tcase, tls_stands_before_a_host_and_a_port);
	tcase_add_test(tcase, what_names_no_server_is_refused);
	tcase_add_test(tcase, a_path_has_the_length_a_socket_can_have);
	tcase_add_test(tcase, a_host_has_the_length_a_name_can_have);
	tcase_add_test(tcase, a_socket_that_is_not_there_is_said_to_be_so);
	tcase_add_test(tcase, a_deadline_that_passed_leaves_no_time);
	Suite *suite = suite_create("client/address");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
