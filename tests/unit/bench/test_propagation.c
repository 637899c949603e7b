// SPDX-License-Identifier: Apache-2.0
// Against two fake daemons that share their state: one takes changes, the other answers questions, and may lie.
#include "bench/propagation.h"

#include "proto/messages.h"
#include "tests/unit/client/fake_server.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { COUNT = 6, NEVER = 1000000 };

static struct fake_server writer, reader;
static struct propagation_result result;

static struct {
	atomic_uint applied;  // sets: the first makes the objects, then the token is blocked and unblocked in turn
	uint32_t lag;         // answers that still show the state before
	uint32_t misdated_at; // answers from this change on carry a revision too low
	uint32_t strange_at;  // answers from this change on have a verdict of their own
	uint32_t refused_at;  // this set is refused
} daemon_state;

static void serve_changes(struct fake_server *server, int fd, int number)
{
	struct frame request;
	(void)server;
	(void)number;
	while (fake_read(fd, &request)) {
		const uint32_t applied = atomic_fetch_add(&daemon_state.applied, 1) + 1;
		if (applied == daemon_state.refused_at)
			fake_refuse(fd, &request, 8, "the store is full");
		else
			fake_answer(fd, &request, FRAME_RESPONSE, &schema_apply_response,
				    &(struct apply_response){.revision = 100 + applied});
	}
}

static void answer_state(int fd, const struct frame *request, uint32_t applied)
{
	const bool is_blocked = applied % 2 == 0;
	struct authorize_response answer = {
		.verdict = is_blocked ? VERDICT_DENIED : VERDICT_ALLOWED,
		.reason = is_blocked ? REASON_TOKEN_BLOCKED : REASON_OK,
		.revision = 100 + applied,
	};
	if (daemon_state.misdated_at != 0 && applied >= daemon_state.misdated_at)
		answer.revision--;
	if (daemon_state.strange_at != 0 && applied >= daemon_state.strange_at)
		answer.reason = REASON_NO_CREDIT;
	fake_answer(fd, request, FRAME_RESPONSE, &schema_authorize_response, &answer);
}

static void serve_questions(struct fake_server *server, int fd, int number)
{
	struct frame request;
	uint32_t shown = 1, late = 0;
	(void)server;
	(void)number;
	while (fake_read(fd, &request)) {
		const uint32_t applied = atomic_load(&daemon_state.applied);
		if (shown != applied && ++late > daemon_state.lag) {
			shown = applied;
			late = 0;
		}
		answer_state(fd, &request, shown);
	}
}

static void setup(void)
{
	memset(&daemon_state, 0, sizeof(daemon_state));
	fake_server_start(&writer, serve_changes, NULL);
	fake_server_start(&reader, serve_questions, NULL);
}

static void teardown(void)
{
	propagation_result_finish(&result);
	fake_server_stop(&writer);
	fake_server_stop(&reader);
}

static int run(bool must_be_visible)
{
	const struct propagation_options options = {
		.server = writer.name,
		.read_from = reader.name,
		.must_be_visible = must_be_visible,
		.count = COUNT,
		.pollers = 1, // the fake daemon serves one connection at a time
		.timeout_ms = daemon_state.lag == NEVER ? 200 : 20000,
	};
	return propagation_run(&options, &result);
}

START_TEST(every_change_is_measured_and_the_objects_are_removed)
{
	ck_assert_int_eq(run(true), 0);
	ck_assert_msg(!result.is_wrong, "%s", result.problem);
	ck_assert_uint_eq(result.count, COUNT);
	ck_assert_uint_eq(result.sent_to_acknowledged.count, COUNT);
	ck_assert_uint_eq(result.sent_to_visible.count, COUNT);
	ck_assert_uint_gt(result.answers, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_int_gt(result.sent_to_visible.ns[i], 0);
	for (size_t i = 0; i < result.acknowledged_to_visible.count; i++)
		ck_assert_int_le(result.acknowledged_to_visible.ns[i], 0);
	ck_assert_uint_eq(atomic_load(&daemon_state.applied), 1 + COUNT + 1);
}
END_TEST

START_TEST(an_old_answer_after_the_acknowledgement_is_wrong_on_one_daemon)
{
	daemon_state.lag = 5;
	ck_assert_int_eq(run(true), 0);
	ck_assert(result.is_wrong);
	ck_assert_uint_eq(result.stale, 1);
	ck_assert_uint_eq(result.count, 0);
	ck_assert_ptr_nonnull(strstr(result.problem, "after the acknowledgement of revision 102"));
	ck_assert_uint_eq(atomic_load(&daemon_state.applied), 3); // made, changed, removed
}
END_TEST

START_TEST(on_another_daemon_it_is_the_lag_that_is_measured)
{
	daemon_state.lag = 5;
	ck_assert_int_eq(run(false), 0);
	ck_assert_msg(!result.is_wrong, "%s", result.problem);
	ck_assert_uint_eq(result.acknowledged_to_visible.count, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_int_gt(result.acknowledged_to_visible.ns[i], 0);
}
END_TEST

START_TEST(a_change_that_does_not_become_visible_is_wrong)
{
	daemon_state.lag = NEVER;
	ck_assert_int_eq(run(false), 0);
	ck_assert(result.is_wrong);
	ck_assert_ptr_nonnull(strstr(result.problem, "revision 102 was acknowledged by 127.0.0.1:"));
	ck_assert_ptr_nonnull(strstr(result.problem, "200 ms later 1 of 1 pollers"));
}
END_TEST

START_TEST(a_revision_that_contradicts_the_answer_is_wrong)
{
	daemon_state.misdated_at = 3;
	ck_assert_int_eq(run(false), 0);
	ck_assert(result.is_wrong);
	ck_assert_uint_eq(result.count, 1);
	ck_assert_ptr_nonnull(strstr(result.problem, "the token changed at revision 103;"));
}
END_TEST

START_TEST(an_answer_of_neither_state_is_wrong)
{
	daemon_state.strange_at = 4;
	ck_assert_int_eq(run(false), 0);
	ck_assert(result.is_wrong);
	ck_assert_ptr_nonnull(strstr(result.problem, "neither state of the token"));
}
END_TEST

START_TEST(a_refused_change_ends_the_run_and_the_objects_are_removed)
{
	daemon_state.refused_at = 3;
	ck_assert_int_eq(run(true), -EREMOTEIO);
	ck_assert_ptr_nonnull(strstr(result.problem, "Apply: the store is full"));
	ck_assert_uint_eq(atomic_load(&daemon_state.applied), 4);
}
END_TEST

START_TEST(a_daemon_that_is_not_there_is_named)
{
	const struct propagation_options options = {.server = "unix:/nowhere/at/all",
						    .read_from = reader.name,
						    .count = 1,
						    .pollers = 1,
						    .timeout_ms = 1000};
	ck_assert_int_lt(propagation_run(&options, &result), 0);
	ck_assert_ptr_nonnull(strstr(result.problem, "unix:/nowhere/at/all: making the objects of the run: "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/propagation");
	TCase *tcase = tcase_create("run");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_change_is_measured_and_the_objects_are_removed);
	tcase_add_test(tcase, an_old_answer_after_the_acknowledgement_is_wrong_on_one_daemon);
	tcase_add_test(tcase, on_another_daemon_it_is_the_lag_that_is_measured);
	tcase_add_test(tcase, a_change_that_does_not_become_visible_is_wrong);
	tcase_add_test(tcase, a_revision_that_contradicts_the_answer_is_wrong);
	tcase_add_test(tcase, an_answer_of_neither_state_is_wrong);
	tcase_add_test(tcase, a_refused_change_ends_the_run_and_the_objects_are_removed);
	tcase_add_test(tcase, a_daemon_that_is_not_there_is_named);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
