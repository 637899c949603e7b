// SPDX-License-Identifier: Apache-2.0
#include "cli/export.h"
#include "cli/progress.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

static struct export export;
static char *printed;
static size_t printed_size;
static FILE *out;

static void setup(void)
{
	out = open_memstream(&printed, &printed_size);
	export_init(&export, out);
}

static void teardown(void)
{
	export_finish(&export);
	fclose(out);
	free(printed);
}

static int put(enum record_object kind, void *object)
{
	return export_record(&export, &(struct record){.modified_revision = 7, .kind = kind, .object = object});
}

static void put_tariff(const char *id)
{
	ck_assert_int_eq(put(RECORD_TARIFF, &(struct tariff){.id = bytes_from(id)}), 0);
}

static void put_group(const char *id)
{
	ck_assert_int_eq(put(RECORD_CHARGE_GROUP, &(struct charge_group){.id = bytes_from(id)}), 0);
}

static int put_point(const char *id, const char *group)
{
	return put(RECORD_CHARGE_POINT,
		   &(struct charge_point){.id = bytes_from(id), .charge_group_id = bytes_from(group)});
}

static int put_membership(const char *group, const char *customer, const char *tariff)
{
	return put(RECORD_MEMBERSHIP, &(struct membership){.charge_group_id = bytes_from(group),
							   .customer_id = bytes_from(customer),
							   .tariff_id = bytes_from(tariff)});
}

static const char *end(void)
{
	ck_assert_int_eq(export_end(&export), 0);
	return printed;
}

START_TEST(objects_become_puts_without_what_is_read_only)
{
	put_group("g");
	ck_assert_int_eq(put_point("p", "g"), 0);
	ck_assert_str_eq(end(),
			 "{\"put_charge_group\":{\"id\":\"g\"}}\n"
			 "{\"put_charge_point\":{\"id\":\"p\"}}\n"
			 "{\"attach_charge_points\":{\"charge_group_id\":\"g\",\"charge_point_ids\":[\"p\"]}}\n");
	ck_assert_uint_eq(export.lines, 3);
}
END_TEST

START_TEST(every_kind_of_object_is_a_line)
{
	put_tariff("t");
	put_group("g");
	ck_assert_int_eq(put_point("p", NULL), 0);
	ck_assert_int_eq(put(RECORD_CUSTOMER, &(struct customer){.id = BYTES_LITERAL("c")}), 0);
	ck_assert_int_eq(put(RECORD_TOKEN, &(struct token){.uid = BYTES_LITERAL("04")}), 0);
	ck_assert_str_eq(end(), "{\"put_tariff\":{\"id\":\"t\"}}\n"
				"{\"put_charge_group\":{\"id\":\"g\"}}\n"
				"{\"put_charge_point\":{\"id\":\"p\"}}\n"
				"{\"put_customer\":{\"id\":\"c\"}}\n"
				"{\"put_token\":{\"uid\":\"04\"}}\n");
}
END_TEST

START_TEST(points_are_attached_group_by_group_in_their_order)
{
	put_group("a");
	put_group("B");
	ck_assert_int_eq(put_point("p1", "B"), 0);
	ck_assert_int_eq(put_point("p2", "a"), 0);
	ck_assert_int_eq(put_point("p3", "b"), 0);
	ck_assert_ptr_nonnull(strstr(
		end(),
		"{\"attach_charge_points\":{\"charge_group_id\":\"a\",\"charge_point_ids\":[\"p2\"]}}\n"
		"{\"attach_charge_points\":{\"charge_group_id\":\"B\",\"charge_point_ids\":[\"p1\",\"p3\"]}}\n"));
}
END_TEST

START_TEST(customers_are_attached_tariff_by_tariff)
{
	put_tariff("t1");
	put_tariff("t2");
	put_group("g");
	ck_assert_int_eq(put_membership("g", "c1", "t2"), 0);
	ck_assert_int_eq(put_membership("g", "c2", NULL), 0);
	ck_assert_int_eq(put_membership("g", "c3", "T1"), 0);
	ck_assert_int_eq(put_membership("g", "c4", NULL), 0);
	ck_assert_ptr_nonnull(strstr(
		end(),
		"{\"attach_customers\":{\"charge_group_id\":\"g\",\"customer_ids\":[\"c2\",\"c4\"]}}\n"
		"{\"attach_customers\":{\"charge_group_id\":\"g\",\"customer_ids\":[\"c3\"],\"tariff_id\":\"t1\"}}\n"
		"{\"attach_customers\":{\"charge_group_id\":\"g\",\"customer_ids\":[\"c1\"],\"tariff_id\":\"t2\"}}\n"));
}
END_TEST

START_TEST(points_come_before_customers)
{
	put_group("a");
	ck_assert_int_eq(put_point("p", "a"), 0);
	ck_assert_int_eq(put_membership("a", "c", NULL), 0);
	const char *text = end();
	ck_assert(strstr(text, "attach_charge_points") < strstr(text, "attach_customers"));
}
END_TEST

static size_t count(const char *text, const char *what)
{
	size_t found = 0;
	for (; (text = strstr(text, what)) != NULL; text++)
		found++;
	return found;
}

START_TEST(long_lists_are_cut_into_lines)
{
	put_group("g");
	for (int i = 0; i < 2 * EXPORT_IDS_PER_LINE + 1; i++) {
		char id[16];
		snprintf(id, sizeof(id), "c%04d", i);
		ck_assert_int_eq(put_membership("g", id, NULL), 0);
	}
	const char *text = end();
	ck_assert_uint_eq(count(text, "attach_customers"), 3);
	ck_assert_uint_eq(count(text, "\"c0"), 2 * EXPORT_IDS_PER_LINE + 1);
	ck_assert_ptr_nonnull(strstr(text, "\"c0099\"]}}\n{\"attach"));
}
END_TEST

START_TEST(groups_follow_each_other)
{
	put_group("a");
	put_group("b");
	ck_assert_int_eq(put_membership("a", "c", NULL), 0);
	ck_assert_int_eq(put_membership("b", "c", NULL), 0);
	ck_assert_uint_eq(count(end(), "attach_customers"), 2);
}
END_TEST

START_TEST(an_empty_store_is_an_empty_file)
{
	ck_assert_str_eq(end(), "");
}
END_TEST

START_TEST(a_reference_to_nothing_is_noticed)
{
	ck_assert_int_eq(put_point("p", "g"), -EPROTO);
	put_group("g");
	ck_assert_int_eq(put_membership("g", "c", "t"), -EPROTO);
	ck_assert_int_eq(put((enum record_object)99, &export), -EPROTO);
	ck_assert_int_eq(put(RECORD_NONE, NULL), -EPROTO);
}
END_TEST

START_TEST(an_output_that_is_full_is_an_error)
{
	FILE *full = fopen("/dev/full", "w");
	struct export other;
	export_init(&other, full);
	setvbuf(full, NULL, _IONBF, 0);
	const struct tariff tariff = {.id = BYTES_LITERAL("t")};
	const struct record record = {.kind = RECORD_TARIFF, .tariff = (struct tariff *)&tariff};
	ck_assert_int_eq(export_record(&other, &record), -EIO);
	export_finish(&other);
	fclose(full);
}
END_TEST

// ---------------------------------------------------------------- progress

START_TEST(progress_shows_a_bar_a_rate_and_the_time_left)
{
	char text[160];
	progress_format(text, sizeof(text), 500000, "lines", 2.5, 0.5);
	ck_assert_str_eq(text, "[###############...............]  50 %  500,000 lines, 200,000/s, 2 s left");
}
END_TEST

START_TEST(progress_of_unknown_length_has_no_bar)
{
	char text[160];
	progress_format(text, sizeof(text), 500000, "lines", 2.5, 0);
	ck_assert_str_eq(text, "500,000 lines, 200,000/s");
}
END_TEST

START_TEST(progress_into_a_file_is_silent)
{
	struct progress progress;
	progress_init(&progress, out, false, "lines");
	progress.shown_ms = 0;
	progress_show(&progress, 1, 1, 2);
	progress_end(&progress);
	fflush(out);
	ck_assert_uint_eq(printed_size, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("export");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, objects_become_puts_without_what_is_read_only);
	tcase_add_test(tcase, every_kind_of_object_is_a_line);
	tcase_add_test(tcase, points_are_attached_group_by_group_in_their_order);
	tcase_add_test(tcase, customers_are_attached_tariff_by_tariff);
	tcase_add_test(tcase, points_come_before_customers);
	tcase_add_test(tcase, long_lists_are_cut_into_lines);
	tcase_add_test(tcase, groups_follow_each_other);
	tcase_add_test(tcase, an_empty_store_is_an_empty_file);
	tcase_add_test(tcase, a_reference_to_nothing_is_noticed);
	tcase_add_test(tcase, an_output_that_is_full_is_an_error);
	tcase_add_test(tcase, progress_shows_a_bar_a_rate_and_the_time_left);
	tcase_add_test(tcase, progress_of_unknown_length_has_no_bar);
	tcase_add_test(tcase, progress_into_a_file_is_silent);
	Suite *suite = suite_create("cli/export");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
