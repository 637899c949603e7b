// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/address.h"
#include "tests/unit/unit.h"

#include <errno.h>

static const struct {
	const char *text;
	bool is_loopback;
	uint16_t port;
	const char *printed;
} good[] = {
	{"127.0.0.1:7420", true, 7420, "127.0.0.1:7420"},
	{"127.255.3.4:0", true, 0, "127.255.3.4:0"},
	{"126.255.255.255:1", false, 1, "126.255.255.255:1"},
	{"128.0.0.1:1", false, 1, "128.0.0.1:1"},
	{"0.0.0.0:65535", false, 65535, "0.0.0.0:65535"},
	{"192.0.2.1:7420", false, 7420, "192.0.2.1:7420"},
	{"[::1]:7420", true, 7420, "[::1]:7420"},
	{"[::]:7420", false, 7420, "[::]:7420"},
	{"[::2]:7420", false, 7420, "[::2]:7420"},
	{"[2001:db8::1]:7420", false, 7420, "[2001:db8::1]:7420"},
	{"[::ffff:127.0.0.1]:7420", true, 7420, "[::ffff:127.0.0.1]:7420"},
	{"[::ffff:192.0.2.1]:7420", false, 7420, "[::ffff:192.0.2.1]:7420"},
};

START_TEST(numeric_addresses_are_understood)
{
	struct address address;
	char text[ADDRESS_TEXT_MAX];
	ck_assert_int_eq(address_resolve(good[_i].text, &address, 1), 1);
	ck_assert_int_eq(address_is_loopback(&address), good[_i].is_loopback);
	ck_assert_uint_eq(address_port(&address), good[_i].port);
	address_format(&address, text);
	ck_assert_str_eq(text, good[_i].printed);
}
END_TEST

static const char *const bad[] = {
	"",
	":",
	"127.0.0.1",
	"127.0.0.1:",
	":7420",
	"127.0.0.1:65536",
	"[::1]",
	"[::1:7420",
	"::1:7420",
	"[]:7420",
	"127.0.0.1:x",
	"127.0.0.1:7420x",
	"127.0.0.1:-1",
	"127.0.0.1: 1",
	"[127.0.0.1:7420",
};

START_TEST(malformed_addresses_are_refused)
{
	struct address address;
	ck_assert_int_eq(address_resolve(bad[_i], &address, 1), -EINVAL);
}
END_TEST

START_TEST(a_host_name_longer_than_any_is_refused)
{
	struct address address;
	char text[300];
	memset(text, 'a', sizeof(text));
	memcpy(text + 290, ":7420", 6);
	ck_assert_int_eq(address_resolve(text, &address, 1), -EINVAL);
}
END_TEST

START_TEST(the_port_can_be_changed)
{
	struct address addresses[2];
	ck_assert_int_eq(address_resolve("127.0.0.1:0", &addresses[0], 1), 1);
	ck_assert_int_eq(address_resolve("[::1]:0", &addresses[1], 1), 1);
	for (int i = 0; i < 2; i++) {
		address_set_port(&addresses[i], 4711);
		ck_assert_uint_eq(address_port(&addresses[i]), 4711);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/net/address");
	TCase *tests = tcase_create("address");
	tcase_add_loop_test(tests, numeric_addresses_are_understood, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tests, malformed_addresses_are_refused, 0, ARRAY_SIZE(bad));
	tcase_add_test(tests, a_host_name_longer_than_any_is_refused);
	tcase_add_test(tests, the_port_can_be_changed);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
