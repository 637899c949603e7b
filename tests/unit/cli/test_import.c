// SPDX-License-Identifier: Apache-2.0
#include "cli/import.h"
#include "tests/unit/cli/cli_fixture.h"

#include <unistd.h>

static char path[64];

// What the fake daemon saw, and what it is to refuse.
static uint64_t sets_seen, changes_seen;
static size_t ids_seen_max; // in the lists of one set
static bool dry_run_seen;
static struct bytes refused_id; // of a delete_tariff
static int refusal_code;
static struct bytes closed_id; // reported closed by every set; its group has nobody
static bool closed_group_is_open;
static int close_at_set;

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/evauth-import-%d", (int)getpid());
	sets_seen = changes_seen = ids_seen_max = 0;
	dry_run_seen = closed_group_is_open = false;
	refused_id = closed_id = (struct bytes){0};
	refusal_code = STATUS_NOT_FOUND;
	close_at_set = 0;
}

static void refuse_change(int fd, const struct frame *request, size_t index)
{
	struct arena arena;
	struct fault fault = {.change_number = (uint32_t)index + 1};
	struct frame answer = *request;
	arena_init(&arena, 4096, 1024 * 1024);
	char field[64];
	snprintf(field, sizeof(field), "changes[%zu].delete_tariff.id", index);
	fault_set(&fault, (enum status_code)refusal_code, field, "no such tariff");
	answer.kind = FRAME_RESPONSE;
	answer.status = (uint8_t)refusal_code;
	ck_assert_int_eq(codec_encode_fault(&fault, &arena, &answer.body), 0);
	fake_write_frame(fd, &answer);
	arena_finish(&arena);
}

static void count_ids(const struct change_set *set)
{
	size_t count = 0;
	for (size_t i = 0; i < set->changes_count; i++) {
		const struct change *change = &set->changes[i];
		if (change->kind == CHANGE_ATTACH_CUSTOMERS)
			count += change->attach_customers->customer_ids_count;
		else if (change->kind == CHANGE_ATTACH_CHARGE_POINTS)
			count += change->attach_charge_points->charge_point_ids_count;
	}
	if (count > ids_seen_max)
		ids_seen_max = count;
}

static void serve_set(int fd, const struct frame *request)
{
	arena_reset(&server_arena);
	const struct change_set *set = decode_request(&schema_change_set, request);
	sets_seen++;
	count_ids(set);
	dry_run_seen = set->dry_run;
	for (size_t i = 0; i < set->changes_count; i++) {
		if (set->changes[i].kind == CHANGE_DELETE_TARIFF && refused_id.size > 0 &&
		    bytes_equal(set->changes[i].delete_object->id, refused_id)) {
			refuse_change(fd, request, i);
			return;
		}
	}
	changes_seen += set->changes_count;
	struct apply_response response = {.revision = sets_seen + 1};
	if (closed_id.size > 0) {
		response.closed_charge_group_ids = &closed_id;
		response.closed_charge_group_ids_count = 1;
	}
	fake_answer(fd, request, FRAME_RESPONSE, &schema_apply_response, &response);
}

static void serve(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request)) {
		if (request.method == METHOD_APPLY && close_at_set > 0 && sets_seen + 1 == (uint64_t)close_at_set)
			return;
		struct charge_group group = {.id = closed_id, .open_to_roaming = closed_group_is_open};
		const struct record record = {.kind = RECORD_CHARGE_GROUP, .charge_group = &group};
		if (request.method == METHOD_APPLY)
			serve_set(fd, &request);
		else if (request.method == METHOD_GET)
			fake_answer(fd, &request, FRAME_RESPONSE, &schema_record, &record);
		else
			fake_answer(fd, &request, FRAME_RESPONSE, &schema_search_response,
				    &(struct search_response){0});
	}
}

static void begin(void)
{
	fixture_start(serve);
}

static void teardown(void)
{
	fixture_stop();
	unlink(path);
}

static enum exit_code import(const char *options)
{
	char line[128];
	snprintf(line, sizeof(line), "import %s%s", path, options);
	return run(line);
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
}

// Lines from 1 on, each deleting tariff "t<line>"; long enough for several sets.
static void write_deletions(int count)
{
	FILE *file = fopen(path, "w");
	for (int i = 1; i <= count; i++)
		fprintf(file, "{\"delete_tariff\":{\"id\":\"t%d\"}}\n", i);
	fclose(file);
}

static void complains(const char *text)
{
	ck_assert_msg(strstr(complained, text) != NULL, "'%s' is not in:\n%s", text, complained);
}

START_TEST(every_line_arrives_in_order_and_once)
{
	begin();
	write_deletions(35000);
	ck_assert_int_eq(import(""), EXIT_DONE);
	ck_assert_uint_eq(changes_seen, 35000);
	ck_assert_uint_ge(sets_seen, 4);
	ck_assert_ptr_nonnull(strstr(printed, "imported 35,000 lines, 35,000 changes"));
}
END_TEST

START_TEST(blank_lines_count_as_lines_but_not_as_changes)
{
	begin();
	write_file("\n{\"delete_tariff\":{\"id\":\"a\"}}\n  \n{\"delete_tariff\":{\"id\":\"b\"}}\n\n");
	refused_id = BYTES_LITERAL("b");
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains(":4: no such tariff (NOT_FOUND, field delete_tariff.id)");
	complains("nothing was committed");
}
END_TEST

START_TEST(a_file_without_changes_is_told_so)
{
	begin();
	write_file(_i < 2 ? "" : "\n \n");
	ck_assert_int_eq(import(_i % 2 ? " --dry-run" : ""), EXIT_DONE);
	ck_assert_str_eq(printed, "there are no changes in it; nothing was changed\n");
	ck_assert_uint_eq(sets_seen, 0);
}
END_TEST

// Appends a line that attaches `count` points or customers.
static void append_attachments(const char *change, const char *list, int count)
{
	FILE *file = fopen(path, "a");
	fprintf(file, "{\"%s\":{\"charge_group_id\":\"g\",\"%s\":[\"0\"", change, list);
	for (int i = 1; i < count; i++)
		fprintf(file, ",\"%d\"", i);
	fprintf(file, "]}}\n");
	fclose(file);
}

START_TEST(a_set_takes_as_many_ids_as_suit_one_commit)
{
	begin();
	write_file("");
	for (int i = 0; i < 4; i++) {
		append_attachments("attach_customers", "customer_ids", 1250);
		append_attachments("attach_charge_points", "charge_point_ids", 1250);
	}
	ck_assert_int_eq(import(""), EXIT_DONE);
	ck_assert_uint_eq(changes_seen, 8);
	ck_assert_uint_eq(sets_seen, 2);
	ck_assert_uint_eq(ids_seen_max, 5000);
}
END_TEST

START_TEST(a_list_of_more_ids_is_a_set_of_its_own)
{
	begin();
	write_file("");
	append_attachments("attach_customers", "customer_ids", 3);
	append_attachments("attach_customers", "customer_ids", 6000);
	append_attachments("attach_charge_points", "charge_point_ids", 3);
	ck_assert_int_eq(import(""), EXIT_DONE);
	ck_assert_uint_eq(changes_seen, 3);
	ck_assert_uint_eq(sets_seen, 3);
	ck_assert_uint_eq(ids_seen_max, 6000);
}
END_TEST

START_TEST(an_empty_file_is_imported)
{
	begin();
	write_file("");
	ck_assert_int_eq(import(""), EXIT_DONE);
	ck_assert_uint_eq(sets_seen, 0);
}
END_TEST

START_TEST(a_line_that_is_no_json_is_named)
{
	begin();
	write_file("{\"delete_tariff\":{\"id\":\"a\"}}\n{\"delete_tariff\":\n");
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains(":2: ");
	complains("column");
	ck_assert_ptr_null(strstr(complained, "line 1, column"));
	ck_assert_uint_eq(sets_seen, 0);
}
END_TEST

START_TEST(a_file_cannot_command_the_terminal)
{
	begin();
	write_file("{\"\\u001b[2J\":1}\n");
	ck_assert_int_eq(import(""), EXIT_ERROR);
	ck_assert_ptr_null(strchr(complained, '\033'));
}
END_TEST

START_TEST(an_unknown_field_is_named)
{
	begin();
	write_file("{\"delete_tariff\":{\"idd\":\"a\"}}\n");
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains(":1: ");
	complains("field delete_tariff.idd");
}
END_TEST

START_TEST(a_refused_line_of_a_late_batch_is_found)
{
	begin();
	write_deletions(35000);
	refused_id = BYTES_LITERAL("t23456");
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains(":23456: no such tariff");
	complains("lines 20001-30000 were refused together");
	complains("(1-20000");
	complains("lines 30001-35000 are behind the refused ones and took effect");
	complains("not committed: lines 20001-30000, from 35001 on");
	complains("import only what was not committed: with line 1, ");
}
END_TEST

START_TEST(a_syntax_error_leaves_whole_batches_committed)
{
	begin();
	write_deletions(15000);
	FILE *file = fopen(path, "a");
	fputs("nonsense\n", file);
	fclose(file);
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains(":15001: ");
	complains("committed: 10,000 lines (1-10000)");
	ck_assert_uint_eq(changes_seen, 10000);
}
END_TEST

START_TEST(a_connection_broken_in_between_tells_what_is_unknown)
{
	begin();
	write_deletions(25000);
	close_at_set = 2;
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains("committed: 10,000 lines (1-10000)");
	complains("outcome unknown");
	complains("import only what was not committed (of unknown lines, look what is stored)");
}
END_TEST

// Puts can be repeated; what expects not to be there, and what takes away, cannot.
static const struct {
	const char *line;
	bool is_repeatable;
} cases[] = {
	{"{\"put_customer\":{\"id\":\"c\"}}", true},
	{"{\"attach_charge_points\":{\"charge_group_id\":\"g\",\"charge_point_ids\":[\"p\"]}}", true},
	{"{\"attach_charge_points\":{\"charge_group_id\":\"g\",\"charge_point_ids\":[\"p\"],\"move\":true}}", false},
	{"{\"put_customer\":{\"id\":\"c\"},\"create_only\":true}", false},
	{"{\"put_customer\":{\"id\":\"c\"},\"expected_object_revision\":\"7\"}", false},
	{"{\"detach_customers\":{\"charge_group_id\":\"g\",\"customer_ids\":[\"c\"]}}", false},
};

START_TEST(what_can_be_imported_again_is_told_by_what_was_read)
{
	begin();
	FILE *file = fopen(path, "w");
	for (int line = 1; line <= 10001; line++)
		fprintf(file, "%s\n", line == 7 ? cases[_i].line : "{\"put_customer\":{\"id\":\"c\"}}");
	fputs("nonsense\n", file);
	fclose(file);
	ck_assert_int_eq(import(""), EXIT_ERROR);
	complains("committed: 10,000 lines (1-10000)");
	complains(cases[_i].is_repeatable ? "import the same file again: what is stored already is put again"
					  : "import only what was not committed: with line 7, ");
}
END_TEST

START_TEST(a_daemon_that_is_not_there_is_named)
{
	begin();
	write_deletions(3);
	char line[160];
	snprintf(line, sizeof(line), "import %s --server unix:/nowhere/at/all", path);
	ck_assert_int_eq(run(line), EXIT_ERROR);
	complains("cannot reach evauthd at unix:/nowhere/at/all");
	complains("nothing was committed");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
	begin();
	ck_assert_int_eq(run("import /nowhere/at/all"), EXIT_ERROR);
	complains("cannot read /nowhere/at/all: No such file");
}
END_TEST

START_TEST(json_tells_line_and_counts)
{
	begin();
	write_deletions(3);
	refused_id = BYTES_LITERAL("t2");
	ck_assert_int_eq(import(" --json"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(
		printed, "\"line\":2,\"committed_lines\":0,\"unknown_lines\":0,\"committed\":[],\"unknown\":[]}"));
	ck_assert_ptr_nonnull(strstr(printed, "\"field\":\"delete_tariff.id\""));
}
END_TEST

// ---------------------------------------------------------------- dry run

START_TEST(a_dry_run_of_one_set_is_complete)
{
	begin();
	write_deletions(3);
	ck_assert_int_eq(import(" --dry-run"), EXIT_DONE);
	ck_assert(dry_run_seen);
	ck_assert_ptr_nonnull(strstr(printed, "all 3 lines would be accepted"));
}
END_TEST

START_TEST(a_dry_run_of_several_sets_says_what_it_could_not_check)
{
	begin();
	write_deletions(25000);
	refused_id = BYTES_LITERAL("t15000");
	ck_assert_int_eq(import(" --dry-run"), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(printed, "all 25,000 lines are well formed"));
	ck_assert_ptr_nonnull(strstr(printed, "sets with 10,000 lines"));
}
END_TEST

START_TEST(a_dry_run_is_sure_of_malformed_lines_in_any_set)
{
	begin();
	write_deletions(25000);
	refused_id = BYTES_LITERAL("t15000");
	refusal_code = STATUS_INVALID_ARGUMENT;
	ck_assert_int_eq(import(" --dry-run"), EXIT_ERROR);
	complains(":15000: ");
}
END_TEST

START_TEST(a_dry_run_is_sure_of_the_first_set)
{
	begin();
	write_deletions(25000);
	refused_id = BYTES_LITERAL("t5");
	ck_assert_int_eq(import(" --dry-run"), EXIT_ERROR);
	complains(":5: ");
}
END_TEST

// ---------------------------------------------------------------- groups nobody can use

START_TEST(a_group_left_closed_is_said_so)
{
	begin();
	write_deletions(1);
	closed_id = BYTES_LITERAL("office");
	ck_assert_int_eq(import(""), EXIT_DONE);
	complains("Nobody can charge in charge group office");
}
END_TEST

START_TEST(a_group_opened_meanwhile_is_not)
{
	begin();
	write_deletions(1);
	closed_id = BYTES_LITERAL("office");
	closed_group_is_open = true;
	ck_assert_int_eq(import(""), EXIT_DONE);
	ck_assert_str_eq(complained, "");
}
END_TEST

START_TEST(json_lists_groups_left_closed)
{
	begin();
	write_deletions(1);
	closed_id = BYTES_LITERAL("off\"ice");
	ck_assert_int_eq(import(" --json"), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(printed, "\"closed_charge_group_ids\":[\"off\\\"ice\"]"));
}
END_TEST

// ---------------------------------------------------------------- ranges

static struct line_ranges ranges;

static void add_range(uint64_t first, uint64_t last)
{
	line_ranges_add(&ranges, (struct line_range){first, last});
}

START_TEST(adjacent_ranges_become_one)
{
	begin();
	ranges = (struct line_ranges){0};
	add_range(1, 10);
	add_range(31, 40);
	add_range(11, 20);
	ck_assert_uint_eq(ranges.count, 2);
	ck_assert_uint_eq(ranges.ranges[0].last, 20);
	add_range(21, 30);
	ck_assert_uint_eq(ranges.count, 1);
	ck_assert_uint_eq(ranges.ranges[0].first, 1);
	ck_assert_uint_eq(ranges.ranges[0].last, 40);
	ck_assert_uint_eq(line_ranges_total(&ranges), 40);
}
END_TEST

START_TEST(ranges_stay_in_order)
{
	begin();
	ranges = (struct line_ranges){0};
	add_range(50, 60);
	add_range(10, 20);
	add_range(30, 40);
	add_range(41, 49);
	ck_assert_uint_eq(ranges.count, 2);
	ck_assert_uint_eq(ranges.ranges[0].first, 10);
	ck_assert_uint_eq(ranges.ranges[1].first, 30);
	ck_assert_uint_eq(ranges.ranges[1].last, 60);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_line_arrives_in_order_and_once,
		blank_lines_count_as_lines_but_not_as_changes,
		a_set_takes_as_many_ids_as_suit_one_commit,
		a_list_of_more_ids_is_a_set_of_its_own,
		an_empty_file_is_imported,
		a_line_that_is_no_json_is_named,
		a_file_cannot_command_the_terminal,
		an_unknown_field_is_named,
		a_refused_line_of_a_late_batch_is_found,
		a_syntax_error_leaves_whole_batches_committed,
		a_connection_broken_in_between_tells_what_is_unknown,
		a_daemon_that_is_not_there_is_named,
		a_file_that_is_not_there_is_named,
		json_tells_line_and_counts,
		a_dry_run_of_one_set_is_complete,
		a_dry_run_of_several_sets_says_what_it_could_not_check,
		a_dry_run_is_sure_of_malformed_lines_in_any_set,
		a_dry_run_is_sure_of_the_first_set,
		a_group_left_closed_is_said_so,
		a_group_opened_meanwhile_is_not,
		json_lists_groups_left_closed,
		adjacent_ranges_become_one,
		ranges_stay_in_order,
	};
	TCase *tcase = tcase_create("import");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, what_can_be_imported_again_is_told_by_what_was_read, 0, ARRAY_SIZE(cases));
	tcase_add_loop_test(tcase, a_file_without_changes_is_told_so, 0, 4);
	Suite *suite = suite_create("cli/import");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
