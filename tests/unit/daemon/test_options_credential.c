// SPDX-License-Identifier: Apache-2.0
#include "daemon/options_credential.h"

#include "daemon/options_table.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

enum { PATH_SIZE = 40 };

static char path[PATH_SIZE], why[512];

static int find(const char *value)
{
	strcpy(path, "untouched");
	why[0] = '\0';
	return option_find_file(value, path, sizeof(path), why, sizeof(why));
}

static void set_folder(const char *folder)
{
	ck_assert_int_eq(folder ? setenv("CREDENTIALS_DIRECTORY", folder, 1) : unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

START_TEST(a_path_is_itself)
{
	set_folder("/run/c");
	ck_assert_int_eq(find("/etc/key"), 0);
	ck_assert_str_eq(path, "/etc/key");
	ck_assert_int_eq(find("./credential:key"), 0);
	ck_assert_str_eq(path, "./credential:key");
	ck_assert_int_eq(find(""), 0);
	ck_assert_str_eq(path, "");
}
END_TEST

START_TEST(a_credential_is_a_file_of_the_service_managers_folder)
{
	set_folder("/run/c");
	ck_assert_int_eq(find("credential:tls.key"), 0);
	ck_assert_str_eq(path, "/run/c/tls.key");
}
END_TEST

static const char *const no_names[] = {"credential:", "credential:.", "credential:..", "credential:a/b",
				       "credential:../key"};

START_TEST(what_leads_out_of_the_folder_is_no_name)
{
	set_folder("/run/c");
	ck_assert_int_eq(find(no_names[_i]), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "credential:NAME"));
	ck_assert_str_eq(path, "untouched");
}
END_TEST

static const char *const no_folders[] = {NULL, "", "run/c"};

START_TEST(without_a_service_manager_the_way_to_pass_it_is_told)
{
	set_folder(no_folders[_i]);
	ck_assert_int_eq(find("credential:key"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "LoadCredential=key:FILE"));
	ck_assert_str_eq(path, "untouched");
}
END_TEST

START_TEST(a_path_fits_or_is_refused)
{
	char value[PATH_SIZE + 16];
	set_folder("/run/c");
	memset(value, 'x', sizeof(value));
	value[PATH_SIZE] = '\0';
	ck_assert_int_eq(find(value), -EINVAL);
	ck_assert_str_eq(path, "untouched");
	value[PATH_SIZE - 1] = '\0';
	ck_assert_int_eq(find(value), 0);
	const size_t left = PATH_SIZE - 1 - strlen("/run/c/"), begin = strlen("credential:");
	memset(value, 'x', sizeof(value));
	memcpy(value, "credential:", begin);
	value[begin + left + 1] = '\0';
	ck_assert_int_eq(find(value), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "longer than 39 bytes"));
	value[begin + left] = '\0';
	ck_assert_int_eq(find(value), 0);
}
END_TEST

// port-file is written, the others are read.
START_TEST(every_option_that_names_a_file_to_read_takes_a_credential)
{
	size_t files = 0;
	for (size_t i = 0; i < option_table_size; i++) {
		const char *name = option_table[i].name, *end = strstr(name, "-file");
		if (end == NULL || end[5] != '\0' || strcmp(name, "port-file") == 0)
			continue;
		ck_assert_msg(option_table[i].type == OPTION_FILE, "%s", name);
		files++;
	}
	ck_assert_uint_ge(files, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/options_credential");
	TCase *tcase = tcase_create("credential");
	tcase_add_test(tcase, a_path_is_itself);
	tcase_add_test(tcase, a_credential_is_a_file_of_the_service_managers_folder);
	tcase_add_loop_test(tcase, what_leads_out_of_the_folder_is_no_name, 0, ARRAY_SIZE(no_names));
	tcase_add_loop_test(tcase, without_a_service_manager_the_way_to_pass_it_is_told, 0, ARRAY_SIZE(no_folders));
	tcase_add_test(tcase, a_path_fits_or_is_refused);
	tcase_add_test(tcase, every_option_that_names_a_file_to_read_takes_a_credential);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
