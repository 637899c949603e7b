// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/access.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char why[ACCESS_WHY_SIZE];

static struct access_rules *make(const char *const *rules, size_t count)
{
	struct access_rules *access;
	ck_assert_msg(access_create(rules, count, &access, why) == 0, "%s", why);
	return access;
}

// Names joined by '|'.
static uint32_t roles_of(struct access_rules *access, const char *joined)
{
	struct conn_names names = {.size = 0};
	char text[512];
	snprintf(text, sizeof(text), "%s", joined);
	for (char *name = strtok(text, "|"); name != NULL; name = strtok(NULL, "|"))
		conn_names_add(&names, name);
	return access_roles(access, &names);
}

START_TEST(without_rules_only_root_the_own_user_and_plain_tcp_may_do_something)
{
	struct access_rules *empty = make(NULL, 0);
	struct access_rules *const defaults[] = {NULL, empty};
	char own[32], other[32];
	snprintf(own, sizeof(own), "uid:%u", geteuid());
	snprintf(other, sizeof(other), "uid:%u", geteuid() + 4711);
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		ck_assert_uint_eq(roles_of(defaults[i], "uid:0|gid:0"), ROLES_ALL);
		ck_assert_uint_eq(roles_of(defaults[i], own), ROLES_ALL);
		ck_assert_uint_eq(roles_of(defaults[i], "tcp"), ROLES_ALL);
		ck_assert_uint_eq(roles_of(defaults[i], other), 0);
		ck_assert_uint_eq(roles_of(defaults[i], "uid:4294967|gid:0"), 0);
		ck_assert_uint_eq(roles_of(defaults[i], "cn:tcp|dns:uid:0"), 0);
		ck_assert_uint_eq(roles_of(defaults[i], ""), 0);
	}
	access_destroy(empty);
}
END_TEST

START_TEST(rules_add_up_and_name_everybody_who_may_do_anything)
{
	static const char *const rules[] = {"uid:1000=query",    "gid:50=watch,query",  "gid:51=write",
					    "cn:backend=admin",  "dns:a.example=query", "uri:spiffe://x/?a=b=write",
					    "uid:4294967294=all"};
	struct access_rules *access = make(rules, ARRAY_SIZE(rules));
	const struct {
		const char *names;
		uint32_t roles;
	} rows[] = {
		{"uid:1000", ROLE_QUERY},
		{"uid:1000|gid:50|gid:51", ROLE_QUERY | ROLE_WATCH | ROLE_WRITE},
		{"uid:1001|gid:51", ROLE_WRITE},
		{"uid:4294967294", ROLES_ALL},
		{"cn:backend", ROLE_ADMIN},
		{"cn:BACKEND", 0},
		{"cn:backend2", 0},
		{"dns:A.Example", ROLE_QUERY},
		{"cn:a.example", 0},
		{"uri:spiffe://x/?a=b", ROLE_WRITE},
		{"uid:0|gid:0", 0},
		{"tcp", 0},
		{"", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(roles_of(access, rows[i].names) == rows[i].roles, "%s", rows[i].names);
	access_destroy(access);
}
END_TEST

START_TEST(users_and_groups_may_be_given_by_name)
{
	static const char *const rules[] = {"uid:root=write", "gid:root=query", "tcp=watch"};
	struct access_rules *access = make(rules, ARRAY_SIZE(rules));
	ck_assert_uint_eq(roles_of(access, "uid:0"), ROLE_WRITE);
	ck_assert_uint_eq(roles_of(access, "gid:0"), ROLE_QUERY);
	ck_assert_uint_eq(roles_of(access, "tcp"), ROLE_WATCH);
	access_destroy(access);
}
END_TEST

START_TEST(a_rule_that_cannot_be_meant_is_refused_with_the_reason)
{
	static const struct {
		const char *rule, *reason;
	} rows[] = {
		{"", "WHO=ROLE"},
		{"uid:0", "WHO=ROLE"},
		{"=query", "WHO=ROLE"},
		{"uid:=query", "names nobody"},
		{"uid=query", "names nobody"},
		{"tcp:1=query", "names nobody"},
		{"root=query", "names nobody"},
		{"ip:127.0.0.1=query", "names nobody"},
		{"uid:4294967295=query", "no such user"},
		{"uid:99999999999=query", "no such user"},
		{"uid:0x=query", "no such user"},
		{"uid:-1=query", "no such user"},
		{"uid:nobody-has-this-name=query", "no such user"},
		{"gid:nobody-has-this-name=query", "no such group"},
		{"uid:0=", "is no role"},
		{"uid:0=query,", "is no role"},
		{"uid:0=Query", "is no role"},
		{"uid:0=query,root", "'root' is no role"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(access_check(rows[i].rule, why, sizeof(why)), -EINVAL);
		ck_assert_msg(strstr(why, rows[i].reason) != NULL, "%s: %s", rows[i].rule, why);
	}
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused)
{
	char rule[512];
	snprintf(rule, sizeof(rule), "cn:%0400d=query", 0);
	ck_assert_int_eq(access_check(rule, why, sizeof(why)), -EINVAL);
	ck_assert(strstr(why, "more than") != NULL);
}
END_TEST

START_TEST(new_rules_take_the_place_of_the_old_ones)
{
	static const char *const old[] = {"uid:1=query", "uid:2=write"}, *const new[] = {"uid:3=admin"};
	struct access_rules *access = make(old, 2), *next = make(new, 1);
	access_replace(access, &next);
	ck_assert_ptr_null(next);
	ck_assert_uint_eq(roles_of(access, "uid:1|uid:2"), 0);
	ck_assert_uint_eq(roles_of(access, "uid:3"), ROLE_ADMIN);
	access_destroy(access);
}
END_TEST

START_TEST(roles_are_listed_by_name)
{
	const char *names[ROLES_MAX];
	ck_assert_uint_eq(roles_list(0, names), 0);
	ck_assert_uint_eq(roles_list(ROLE_WATCH | ROLE_ADMIN, names), 2);
	ck_assert_str_eq(names[0], "watch");
	ck_assert_str_eq(names[1], "admin");
	ck_assert_uint_eq(roles_list(ROLES_ALL, names), ROLES_MAX);
}
END_TEST

START_TEST(the_first_name_with_a_rule_is_who_a_client_is)
{
	static const char *const rules[] = {"dns:b.example=query", "uri:spiffe://x=watch"};
	struct access_rules *access = make(rules, ARRAY_SIZE(rules));
	struct conn_names names = {.size = 0};
	ck_assert_ptr_null(access_find_name(access, &names));
	conn_names_add(&names, "cn:a");
	ck_assert_str_eq(access_find_name(access, &names), "cn:a");
	conn_names_add(&names, "dns:B.example");
	conn_names_add(&names, "uri:spiffe://x");
	ck_assert_str_eq(access_find_name(access, &names), "dns:B.example");
	access_destroy(access);
}
END_TEST

START_TEST(names_that_do_not_fit_are_left_out)
{
	struct conn_names names = {.size = 0};
	size_t count = 0;
	for (int i = 0; i < 1000; i++)
		conn_names_add(&names, "gid:1234567");
	for (const char *name = conn_names_next(&names, NULL); name != NULL; name = conn_names_next(&names, name)) {
		ck_assert_str_eq(name, "gid:1234567");
		count++;
	}
	ck_assert_uint_eq(count, CONN_NAMES_SIZE / sizeof("gid:1234567"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/access");
	TCase *tests = tcase_create("access");
	tcase_add_test(tests, without_rules_only_root_the_own_user_and_plain_tcp_may_do_something);
	tcase_add_test(tests, rules_add_up_and_name_everybody_who_may_do_anything);
	tcase_add_test(tests, users_and_groups_may_be_given_by_name);
	tcase_add_test(tests, a_rule_that_cannot_be_meant_is_refused_with_the_reason);
	tcase_add_test(tests, a_name_that_is_too_long_is_refused);
	tcase_add_test(tests, new_rules_take_the_place_of_the_old_ones);
	tcase_add_test(tests, roles_are_listed_by_name);
	tcase_add_test(tests, the_first_name_with_a_rule_is_who_a_client_is);
	tcase_add_test(tests, names_that_do_not_fit_are_left_out);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
