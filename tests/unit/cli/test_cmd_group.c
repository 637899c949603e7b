// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cli/cli_fixture.h"

#include <unistd.h>

// What the fake daemon answers, and what it was sent.
static struct change_result results[4];
static size_t results_count;
static int apply_refusal;
static const struct change_set *sent;
static const char *group_of_points; // where every charge point is

static void setup(void)
{
	memset(results, 0, sizeof(results));
	results_count = 1;
	results[0].changed = 2;
	apply_refusal = 0;
	sent = NULL;
	group_of_points = "Office";
}

static void serve(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request)) {
		if (request.method == METHOD_GET) {
			struct charge_point point = {.id = BYTES_LITERAL("P1"),
						     .charge_group_id = bytes_from(group_of_points)};
			const struct record record = {.kind = RECORD_CHARGE_POINT, .charge_point = &point};
			fake_answer(fd, &request, FRAME_RESPONSE, &schema_record, &record);
			continue;
		}
		sent = decode_request(&schema_change_set, &request);
		const struct apply_response response = {.results = results, .results_count = results_count};
		if (apply_refusal != 0)
			fake_refuse(fd, &request, apply_refusal, "refused");
		else
			fake_answer(fd, &request, FRAME_RESPONSE, &schema_apply_response, &response);
	}
}

static void begin(void)
{
	fixture_start(serve);
}

static void feed_stdin(const char *text)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
}

START_TEST(attach_points_names_group_and_points)
{
	begin();
	ck_assert_int_eq(run("group attach-points office P1 P2"), EXIT_DONE);
	const struct attach_charge_points *attach = sent->changes[0].attach_charge_points;
	ck_assert_int_eq(sent->changes[0].kind, CHANGE_ATTACH_CHARGE_POINTS);
	ck_assert(bytes_equal(attach->charge_group_id, BYTES_LITERAL("office")));
	ck_assert_uint_eq(attach->charge_point_ids_count, 2);
	ck_assert(bytes_equal(attach->charge_point_ids[1], BYTES_LITERAL("P2")));
	ck_assert(!attach->move);
	ck_assert_str_eq(printed, "charge group office: 2 charge points attached\n");
}
END_TEST

START_TEST(move_is_passed_on_and_offered)
{
	begin();
	ck_assert_int_eq(run("group attach-points office P1 --move"), EXIT_DONE);
	ck_assert(sent->changes[0].attach_charge_points->move);
	apply_refusal = STATUS_FAILED_PRECONDITION;
	ck_assert_int_eq(run("group attach-points office P1"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "--move"));
}
END_TEST

START_TEST(customers_may_get_a_tariff_of_their_own)
{
	begin();
	ck_assert_int_eq(run("group attach-customers office c1 --tariff t-staff"), EXIT_DONE);
	ck_assert(bytes_equal(sent->changes[0].attach_customers->tariff_id, BYTES_LITERAL("t-staff")));
	ck_assert_int_eq(run("group attach-customers office c1"), EXIT_DONE);
	ck_assert_uint_eq(sent->changes[0].attach_customers->tariff_id.size, 0);
}
END_TEST

START_TEST(set_tariff_wants_a_tariff_even_if_empty)
{
	begin();
	ck_assert_int_eq(run("group set-tariff office c1"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "--tariff \"\""));
	ck_assert_ptr_null(sent);
	ck_assert_int_eq(run("group set-tariff office c1 --tariff "), EXIT_DONE);
	ck_assert_int_eq(sent->changes[0].kind, CHANGE_SET_CUSTOMER_TARIFF);
	ck_assert_uint_eq(sent->changes[0].set_customer_tariff->tariff_id.size, 0);
}
END_TEST

START_TEST(what_was_so_already_is_listed)
{
	begin();
	struct bytes already = BYTES_LITERAL("c2");
	results[0] = (struct change_result){.changed = 1, .unchanged_ids = &already, .unchanged_ids_count = 1};
	ck_assert_int_eq(run("group attach-customers office c1 c2"), EXIT_DONE);
	ck_assert_str_eq(printed, "charge group office: 1 customer attached\n  c2 was attached already\n");
}
END_TEST

START_TEST(detach_customers_names_the_group)
{
	begin();
	ck_assert_int_eq(run("group detach-customers office c1"), EXIT_DONE);
	ck_assert_int_eq(sent->changes[0].kind, CHANGE_DETACH_CUSTOMERS);
	ck_assert(bytes_equal(sent->changes[0].detach_customers->charge_group_id, BYTES_LITERAL("office")));
}
END_TEST

START_TEST(points_are_detached_from_the_group_named)
{
	begin();
	ck_assert_int_eq(run("group detach-points OFFICE P1"), EXIT_DONE);
	ck_assert_int_eq(sent->changes[0].kind, CHANGE_DETACH_CHARGE_POINTS);
	ck_assert_uint_eq(sent->changes[0].detach_charge_points->charge_point_ids_count, 1);
}
END_TEST

START_TEST(points_of_another_group_are_not_detached)
{
	begin();
	group_of_points = "street";
	ck_assert_int_eq(run("group detach-points office P1"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "charge point P1 is in group street, not in office"));
	ck_assert_ptr_null(sent);
}
END_TEST

START_TEST(a_dash_reads_ids_from_stdin)
{
	begin();
	feed_stdin("c2\r\n\nc 3\nc4");
	ck_assert_int_eq(run("group attach-customers office c1 - c5"), EXIT_DONE);
	const struct attach_customers *attach = sent->changes[0].attach_customers;
	ck_assert_uint_eq(attach->customer_ids_count, 5);
	ck_assert(bytes_equal(attach->customer_ids[1], BYTES_LITERAL("c2")));
	ck_assert(bytes_equal(attach->customer_ids[2], BYTES_LITERAL("c 3")));
	ck_assert(bytes_equal(attach->customer_ids[3], BYTES_LITERAL("c4")));
	ck_assert(bytes_equal(attach->customer_ids[4], BYTES_LITERAL("c5")));
}
END_TEST

START_TEST(an_empty_list_is_refused)
{
	begin();
	feed_stdin("");
	ck_assert_int_eq(run("group attach-customers office -"), EXIT_ERROR);
	ck_assert_ptr_null(sent);
}
END_TEST

static void feed_ids(int count, const char *format)
{
	char path[64];
	snprintf(path, sizeof(path), "/tmp/evauth-ids-%d", (int)getpid());
	FILE *file = fopen(path, "w");
	for (int i = 0; i < count; i++)
		fprintf(file, format, i);
	fclose(file);
	ck_assert_ptr_nonnull(freopen(path, "r", stdin));
	unlink(path);
}

START_TEST(more_ids_than_a_change_takes_are_several_changes_of_one_set)
{
	begin();
	results_count = 2;
	results[0].changed = IDS_PER_CHANGE_MAX;
	results[1].changed = 1;
	feed_ids(IDS_PER_CHANGE_MAX + 1, "c%d\n");
	ck_assert_int_eq(run("group attach-customers office -"), EXIT_DONE);
	ck_assert_uint_eq(sent->changes_count, 2);
	ck_assert_uint_eq(sent->changes[0].attach_customers->customer_ids_count, IDS_PER_CHANGE_MAX);
	ck_assert_uint_eq(sent->changes[1].attach_customers->customer_ids_count, 1);
	ck_assert_str_eq(printed, "charge group office: 10001 customers attached\n");
}
END_TEST

START_TEST(more_ids_than_a_set_takes_are_refused_as_a_whole)
{
	begin();
	feed_ids(5000, "a-customer-id-as-long-as-an-id-may-be-so-that-a-set-is-full-%d\n");
	ck_assert_int_eq(run("group attach-customers office -"), EXIT_ERROR);
	ck_assert_ptr_null(sent);
	ck_assert_ptr_nonnull(strstr(complained, "nothing was done"));
	ck_assert_ptr_nonnull(strstr(complained, "split"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		attach_points_names_group_and_points,
		move_is_passed_on_and_offered,
		customers_may_get_a_tariff_of_their_own,
		set_tariff_wants_a_tariff_even_if_empty,
		what_was_so_already_is_listed,
		detach_customers_names_the_group,
		points_are_detached_from_the_group_named,
		points_of_another_group_are_not_detached,
		a_dash_reads_ids_from_stdin,
		an_empty_list_is_refused,
		more_ids_than_a_change_takes_are_several_changes_of_one_set,
		more_ids_than_a_set_takes_are_refused_as_a_whole,
	};
	TCase *tcase = tcase_create("cmd_group");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, fixture_stop);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tcase, tests[i]);
	Suite *suite = suite_create("cli/cmd_group");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
