// SPDX-License-Identifier: Apache-2.0
// evauth top as plain blocks, against a daemon that counts as it is told.
#include "tests/unit/cli/cli_fixture.h"

enum { READINGS_MAX = 4 };

static struct figures_response readings[READINGS_MAX];
static struct replication replication;
static int refusal;      // status of every answer; 0: readings
static int break_before; // this reading's connection is cut without an answer; 0: none
static int answered;

static int clients_refusal, clients_asked;

static void answer_clients(int fd, const struct frame *request)
{
	struct client_info clients[] = {
		{.name = BYTES_LITERAL("uid:1000"), .connections = 2, .requests = 5000},
		{.name = BYTES_LITERAL("cn:gateway"), .connections = 1, .requests = (uint64_t)answered * 300},
	};
	const struct clients_response response = {.clients = clients, .clients_count = 2, .clients_total = 2};
	clients_asked++;
	if (clients_refusal != 0)
		fake_refuse(fd, request, clients_refusal, "no");
	else
		fake_answer(fd, request, FRAME_RESPONSE, &schema_clients_response, &response);
}

// The next reading, the last one again and again.
static void serve(struct fake_server *fake, int fd, int number)
{
	struct frame request;
	(void)fake;
	(void)number;
	while (fake_read(fd, &request)) {
		if (refusal != 0) {
			fake_refuse(fd, &request, refusal, "no");
			continue;
		}
		if (request.method == METHOD_CLIENTS) {
			answer_clients(fd, &request);
			continue;
		}
		if (break_before != 0 && answered + 1 == break_before) {
			break_before = 0;
			return;
		}
		const int at = answered < READINGS_MAX ? answered : READINGS_MAX - 1;
		answered++;
		fake_answer(fd, &request, FRAME_RESPONSE, &schema_figures_response, &readings[at]);
	}
}

static struct bin buckets[READINGS_MAX][2];
static struct distribution times[READINGS_MAX];
static struct status_count answers[READINGS_MAX];
static struct method_figures methods[READINGS_MAX];
static struct decision_count decisions[READINGS_MAX][2];
static struct connection_figures connections[READINGS_MAX];
static struct limit limits[READINGS_MAX];
static struct store_usage store;

// A second between readings, with 500 questions each.
static void setup(void)
{
	for (uint64_t i = 0; i < READINGS_MAX; i++) {
		buckets[i][0] = (struct bin){.at_most = 25000, .count = i * 500};
		times[i] = (struct distribution){.bins = buckets[i], .bins_count = 2};
		answers[i] = (struct status_count){.count = 1000 + i * 500};
		methods[i] = (struct method_figures){.name = BYTES_LITERAL("Authorize"),
						     .answers = &answers[i],
						     .answers_count = 1,
						     .time_ns = &times[i]};
		decisions[i][0] = (struct decision_count){VERDICT_ALLOWED, REASON_OK, 700 + i * 400};
		decisions[i][1] = (struct decision_count){VERDICT_DENIED, REASON_UNKNOWN_TOKEN, 300 + i * 100};
		connections[i] = (struct connection_figures){.open = 3, .open_max = 100, .bytes_in = i * 2048};
		limits[i] = (struct limit){.name = BYTES_LITERAL("max-connections"), .value = 5 + i};
		readings[i] = (struct figures_response){.version = BYTES_LITERAL("1.2.3"),
							.started_at = 1000,
							.uptime_ms = 60000 + i * 1000,
							.workers = 2,
							.revision = 12345,
							.methods = &methods[i],
							.methods_count = 1,
							.decisions = decisions[i],
							.decisions_count = 2,
							.connections = &connections[i],
							.limits_hit = &limits[i],
							.limits_hit_count = 1,
							.store = &store};
	}
	store = (struct store_usage){.bytes_used = 1 << 20, .bytes_max = 1 << 30, .accepts_writes = true};
	refusal = break_before = answered = clients_refusal = clients_asked = 0;
	fixture_start(serve);
}

static void expect(const char *part)
{
	ck_assert_msg(strstr(printed, part) != NULL, "no '%s' in:\n%s", part, printed);
}

START_TEST(a_block_tells_what_lies_between_two_readings)
{
	ck_assert_int_eq(run("top --once --interval 0.1"), EXIT_DONE);
	ck_assert_int_eq(answered, 2);
	expect("evauthd 1.2.3 at ");
	expect("up 00:01:01");
	expect("ready   revision 12,345   2 workers");
	expect("over 1.0 s");
	expect("connections  3 of 100   opened 0/s   in 2.0 KiB/s");
	expect("limits hit   max-connections 6 (1.0/s)");
	expect("Authorize                      500          0    25 us    25 us    25 us           1,500\n");
	expect("ALLOWED                        400     80.0 %\n");
	expect("DENIED                         100     20.0 %  UNKNOWN_TOKEN 100\n");
	expect("store        1.0 MiB of 1.0 GiB (0.1 %)");
	ck_assert_ptr_null(strstr(printed, "replication"));
	ck_assert_ptr_null(strstr(printed, "\033"));
	ck_assert_ptr_null(strstr(printed, " \n"));
}
END_TEST

START_TEST(so_many_blocks_as_wanted)
{
	ck_assert_int_eq(run("top --batch --count 3 --interval 0.1"), EXIT_DONE);
	ck_assert_int_eq(answered, 4);
	expect("up 00:01:03");
}
END_TEST

START_TEST(with_json_every_reading_is_a_line)
{
	ck_assert_int_eq(run("top --json --count 2 --interval 0.1"), EXIT_DONE);
	ck_assert_int_eq(answered, 2);
	expect("{\"version\":\"1.2.3\"");
	expect("\n{\"version\":\"1.2.3\"");
	expect("\"uptime_ms\":\"61000\"");
}
END_TEST

START_TEST(one_json_reading_needs_no_second)
{
	ck_assert_int_eq(run("top --json --once --interval 3600"), EXIT_DONE);
	ck_assert_int_eq(answered, 1);
}
END_TEST

START_TEST(replication_and_what_is_wrong_are_told)
{
	struct bytes why = BYTES_LITERAL("diverged");
	replication = (struct replication){.state = REPLICATION_STATE_DIVERGED,
					   .lag_entries = 7,
					   .stale_ms = UINT64_MAX,
					   .advice = BYTES_LITERAL("decide"),
					   .last_error = BYTES_LITERAL("an\033error")};
	readings[1].replication = &replication;
	readings[1].not_ready = &why;
	readings[1].not_ready_count = 1;
	store.accepts_writes = false;
	ck_assert_int_eq(run("top --once --interval 0.1"), EXIT_DONE);
	expect("NOT READY: diverged");
	expect("NO CHANGES ACCEPTED");
	expect("replication  DIVERGED   behind 7 entries");
	expect("never complete since the start");
	expect("what to do   decide\n");
	expect("last error   an?error\n");
}
END_TEST

START_TEST(a_daemon_that_goes_away_is_waited_for)
{
	break_before = 2;
	ck_assert_int_eq(run("top --batch --count 2 --interval 0.1"), EXIT_DONE);
	ck_assert_int_eq(answered, 3);
	expect("over 1.0 s");
}
END_TEST

START_TEST(a_restart_is_told_and_counted_from_its_start)
{
	readings[1].started_at = 2000;
	readings[1].uptime_ms = 500;
	ck_assert_int_eq(run("top --once --interval 0.1"), EXIT_DONE);
	expect("the daemon was restarted\n");
	expect("up 0.5 s");
	expect("since the start\n");
	expect("Authorize                    3,000"); // 1,500 in half a second
}
END_TEST

START_TEST(clients_are_told_by_what_they_ask_now)
{
	ck_assert_int_eq(run("top --once --interval 0.1"), EXIT_DONE);
	expect("\n\nCLIENT                         CONNS  REQUESTS/S");
	const char *busy = strstr(printed, "cn:gateway                         1         300         0");
	const char *idle = strstr(printed, "uid:1000                           2           0         0");
	ck_assert_msg(busy != NULL && idle != NULL && busy < idle, "%s", printed);
}
END_TEST

START_TEST(without_the_role_for_clients_they_are_left_out_and_not_asked_for_again)
{
	clients_refusal = STATUS_PERMISSION_DENIED;
	ck_assert_int_eq(run("top --batch --count 2 --interval 0.1"), EXIT_DONE);
	ck_assert_int_eq(clients_asked, 1);
	ck_assert_ptr_null(strstr(printed, "CLIENT"));
	expect("METHOD");
}
END_TEST

START_TEST(refusals_end_it)
{
	refusal = STATUS_PERMISSION_DENIED;
	ck_assert_int_eq(run("top --batch"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "PERMISSION_DENIED"));
	refusal = STATUS_UNIMPLEMENTED;
	ck_assert_int_eq(run("top --batch"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "the daemon is older"));
}
END_TEST

START_TEST(bad_options_are_refused_by_name)
{
	static const char *const lines[] = {"top --interval 0", "top --interval 0.05", "top --interval x",
					    "top --interval 3601", "top --interval nan"};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		ck_assert_int_eq(run(lines[i]), EXIT_ERROR);
		ck_assert_ptr_nonnull(strstr(complained, "--interval"));
	}
	ck_assert_int_eq(run("top --count 0"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "--count"));
	ck_assert_int_eq(run("top --count many"), EXIT_ERROR);
	ck_assert_int_eq(answered, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("top");
	tcase_add_checked_fixture(tcase, setup, fixture_stop);
	tcase_add_test(tcase, a_block_tells_what_lies_between_two_readings);
	tcase_add_test(tcase, so_many_blocks_as_wanted);
	tcase_add_test(tcase, with_json_every_reading_is_a_line);
	tcase_add_test(tcase, one_json_reading_needs_no_second);
	tcase_add_test(tcase, replication_and_what_is_wrong_are_told);
	tcase_add_test(tcase, a_daemon_that_goes_away_is_waited_for);
	tcase_add_test(tcase, a_restart_is_told_and_counted_from_its_start);
	tcase_add_test(tcase, clients_are_told_by_what_they_ask_now);
	tcase_add_test(tcase, without_the_role_for_clients_they_are_left_out_and_not_asked_for_again);
	tcase_add_test(tcase, refusals_end_it);
	tcase_add_test(tcase, bad_options_are_refused_by_name);
	tcase_set_timeout(tcase, 60);
	Suite *suite = suite_create("cli/cmd_top");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
