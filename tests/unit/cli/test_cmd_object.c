// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cli/cli_fixture.h"

#include <unistd.h>

// What the fake daemon has, and what it was sent.
static struct charge_group stored_group;
static struct token stored_token;
static struct issuer stored_issuer = {.country_code = BYTES_LITERAL("NL"), .party_id = BYTES_LITERAL("ABC")};
static int get_refusal, apply_refusal;
static struct apply_response answer;
static struct change_result result;
static const struct change_set *sent;
static const struct get_request *asked;

static void setup(void)
{
	stored_group = (struct charge_group){.id = BYTES_LITERAL("office"),
					     .name = BYTES_LITERAL("Office"),
					     .type = CHARGE_GROUP_TYPE_OTHER,
					     .tariff_id = BYTES_LITERAL("t"),
					     .open_to_all_customers = true};
	stored_token = (struct token){.uid = BYTES_LITERAL("04A1"), .type = TOKEN_TYPE_RFID, .issuer = &stored_issuer};
	result = (struct change_result){.outcome = CHANGE_OUTCOME_UPDATED};
	answer = (struct apply_response){.revision = 9, .results = &result, .results_count = 1};
	get_refusal = apply_refusal = 0;
	sent = NULL;
	asked = NULL;
}

static void serve_get(int fd, const struct frame *request)
{
	asked = decode_request(&schema_get_request, request);
	struct record record = {.modified_revision = 5};
	if (asked->kind == OBJECT_KIND_TOKEN) {
		record.kind = RECORD_TOKEN;
		record.token = &stored_token;
	} else {
		record.kind = RECORD_CHARGE_GROUP;
		record.charge_group = &stored_group;
	}
	if (get_refusal != 0)
		fake_refuse(fd, request, get_refusal, "there is none");
	else
		fake_answer(fd, request, FRAME_RESPONSE, &schema_record, &record);
}

static void serve_apply(int fd, const struct frame *request)
{
	sent = decode_request(&schema_change_set, request);
	if (apply_refusal != 0)
		fake_refuse(fd, request, apply_refusal, "refused");
	else
		fake_answer(fd, request, FRAME_RESPONSE, &schema_apply_response, &answer);
}

static void serve(struct fake_server *self, int fd, int number)
{
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request)) {
		if (request.method == METHOD_GET)
			serve_get(fd, &request);
		else
			serve_apply(fd, &request);
	}
}

static void begin(void)
{
	fixture_start(serve);
}

// ---------------------------------------------------------------- create

START_TEST(create_sends_the_fields_and_wants_a_new_object)
{
	begin();
	result.outcome = CHANGE_OUTCOME_CREATED;
	ck_assert_int_eq(run("group create lab --name Lab --type home --tariff t --roaming"), EXIT_DONE);
	ck_assert_uint_eq(sent->changes_count, 1);
	const struct change *change = &sent->changes[0];
	ck_assert_int_eq(change->kind, CHANGE_PUT_CHARGE_GROUP);
	ck_assert(change->create_only);
	ck_assert(bytes_equal(change->put_charge_group->id, BYTES_LITERAL("lab")));
	ck_assert(bytes_equal(change->put_charge_group->name, BYTES_LITERAL("Lab")));
	ck_assert_int_eq(change->put_charge_group->type, CHARGE_GROUP_TYPE_HOME);
	ck_assert(change->put_charge_group->open_to_roaming);
	ck_assert(!change->put_charge_group->open_to_all_customers);
	ck_assert_str_eq(printed, "charge group lab: created\n");
}
END_TEST

START_TEST(every_change_names_its_actor_and_may_be_repeated)
{
	begin();
	ck_assert_int_eq(run("group create lab"), EXIT_DONE);
	ck_assert_uint_gt(sent->actor.size, strlen("evauth:"));
	ck_assert_uint_eq(sent->idempotency_key.size, 32);
	const struct change_set *first = sent;
	ck_assert_int_eq(run("group create lab"), EXIT_DONE);
	ck_assert(!bytes_equal(first->idempotency_key, sent->idempotency_key));
}
END_TEST

START_TEST(a_wrong_value_is_not_sent)
{
	begin();
	ck_assert_int_eq(run("group create lab --type castle"), EXIT_ERROR);
	ck_assert_ptr_null(sent);
	ck_assert_ptr_nonnull(strstr(complained, "--type: 'castle'"));
}
END_TEST

START_TEST(an_existing_object_points_to_set_and_put)
{
	begin();
	apply_refusal = STATUS_ALREADY_EXISTS;
	ck_assert_int_eq(run("group create lab"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "refused (ALREADY_EXISTS, field some.field)"));
	ck_assert_ptr_nonnull(strstr(complained, "'set'"));
	ck_assert_str_eq(printed, "");
}
END_TEST

START_TEST(a_group_nobody_can_use_is_said_so)
{
	begin();
	struct bytes closed = BYTES_LITERAL("lab");
	answer.closed_charge_group_ids = &closed;
	answer.closed_charge_group_ids_count = 1;
	ck_assert_int_eq(run("group create lab"), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(complained, "Nobody can charge in charge group lab"));
	ck_assert_ptr_nonnull(strstr(complained, "evauth group attach-customers lab CUSTOMER"));
	ck_assert_int_eq(run("--json group create lab"), EXIT_DONE);
	ck_assert_str_eq(complained, "");
	ck_assert_ptr_nonnull(strstr(printed, "\"closed_charge_group_ids\""));
}
END_TEST

// ---------------------------------------------------------------- put

START_TEST(put_sends_the_object_of_a_file)
{
	begin();
	char path[64], line[96];
	snprintf(path, sizeof(path), "/tmp/evauth-object-%d", (int)getpid());
	FILE *file = fopen(path, "w");
	fputs("{\"id\": \"t\", \"currency\": \"EUR\"}\n", file);
	fclose(file);
	snprintf(line, sizeof(line), "tariff put %s", path);
	ck_assert_int_eq(run(line), EXIT_DONE);
	ck_assert_int_eq(sent->changes[0].kind, CHANGE_PUT_TARIFF);
	ck_assert(!sent->changes[0].create_only);
	ck_assert(bytes_equal(sent->changes[0].put_tariff->currency, BYTES_LITERAL("EUR")));
	snprintf(line, sizeof(line), "tariff create %s", path);
	ck_assert_int_eq(run(line), EXIT_DONE);
	ck_assert(sent->changes[0].create_only);
	unlink(path);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
	begin();
	ck_assert_int_eq(run("tariff put /nowhere/at/all"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "cannot read /nowhere/at/all: No such file"));
	ck_assert_ptr_null(sent);
}
END_TEST

// ---------------------------------------------------------------- set

START_TEST(set_changes_one_field_of_what_is_stored)
{
	begin();
	ck_assert_int_eq(run("group set office --roaming on"), EXIT_DONE);
	const struct charge_group *group = sent->changes[0].put_charge_group;
	ck_assert(group->open_to_roaming);
	ck_assert(group->open_to_all_customers);
	ck_assert(bytes_equal(group->name, BYTES_LITERAL("Office")));
	ck_assert_str_eq(printed, "charge group office: changed\n");
}
END_TEST

START_TEST(set_expects_the_revision_it_read)
{
	begin();
	ck_assert_int_eq(run("group set office --roaming on"), EXIT_DONE);
	ck_assert_uint_eq(sent->changes[0].expected_object_revision, 5);
	ck_assert(!sent->changes[0].create_only);
}
END_TEST

START_TEST(set_says_when_somebody_else_was_first)
{
	begin();
	apply_refusal = STATUS_ABORTED;
	ck_assert_int_eq(run("group set office --roaming on"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "somebody changed it meanwhile"));
}
END_TEST

START_TEST(set_without_a_field_is_refused)
{
	begin();
	ck_assert_int_eq(run("group set office"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "nothing to set"));
	ck_assert_ptr_null(sent);
}
END_TEST

START_TEST(set_of_a_token_is_narrowed_by_its_identity)
{
	begin();
	ck_assert_int_eq(run("token set 04A1 --type rfid --issuer NL*ABC --blocked"), EXIT_DONE);
	ck_assert_int_eq(asked->token_type, TOKEN_TYPE_RFID);
	ck_assert(bytes_equal(asked->issuer->party_id, BYTES_LITERAL("ABC")));
	ck_assert(sent->changes[0].put_token->blocked);
}
END_TEST

// ---------------------------------------------------------------- delete

START_TEST(delete_tells_what_went_with_it)
{
	begin();
	result =
		(struct change_result){.outcome = CHANGE_OUTCOME_DELETED, .detached_customers = 1, .deleted_tokens = 2};
	ck_assert_int_eq(run("customer delete cust-1"), EXIT_DONE);
	ck_assert_int_eq(sent->changes[0].kind, CHANGE_DELETE_CUSTOMER);
	ck_assert_str_eq(printed, "customer cust-1: deleted; 1 attachment detached, 2 tokens deleted\n");
}
END_TEST

START_TEST(deleting_what_is_not_there_is_no_error)
{
	begin();
	result.outcome = CHANGE_OUTCOME_UNCHANGED;
	ck_assert_int_eq(run("customer delete cust-1"), EXIT_DONE);
	ck_assert_str_eq(printed, "there is no customer cust-1: nothing was deleted\n");
}
END_TEST

START_TEST(a_token_is_deleted_by_its_whole_identity)
{
	begin();
	result.outcome = CHANGE_OUTCOME_DELETED;
	ck_assert_int_eq(run("token delete 04a1"), EXIT_DONE);
	const struct delete_token *delete = sent->changes[0].delete_token;
	ck_assert(bytes_equal(delete->uid, BYTES_LITERAL("04A1")));
	ck_assert_int_eq(delete->type, TOKEN_TYPE_RFID);
	ck_assert(bytes_equal(delete->issuer->country_code, BYTES_LITERAL("NL")));
}
END_TEST

START_TEST(deleting_a_token_that_is_not_there_is_no_error)
{
	begin();
	get_refusal = STATUS_NOT_FOUND;
	ck_assert_int_eq(run("token delete 04a1"), EXIT_DONE);
	ck_assert_str_eq(printed, "there is no token 04a1: nothing was deleted\n");
	ck_assert_ptr_null(sent);
}
END_TEST

// ---------------------------------------------------------------- show, get

START_TEST(show_prints_the_fields)
{
	begin();
	ck_assert_int_eq(run("token show 04A1"), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(printed, "token 04A1\n"));
	ck_assert_ptr_nonnull(strstr(printed, "  issuer                 NL*ABC\n"));
	ck_assert_ptr_nonnull(strstr(printed, "  last changed in        5\n"));
}
END_TEST

START_TEST(show_as_json_is_the_record)
{
	begin();
	ck_assert_int_eq(run("token show 04A1 --json"), EXIT_DONE);
	ck_assert_ptr_nonnull(strstr(printed, "\"modified_revision\": \"5\""));
	ck_assert_ptr_nonnull(strstr(printed, "\"party_id\": \"ABC\""));
}
END_TEST

START_TEST(get_takes_a_kind)
{
	begin();
	ck_assert_int_eq(run("get charge-group office"), EXIT_DONE);
	ck_assert_int_eq(asked->kind, OBJECT_KIND_CHARGE_GROUP);
	ck_assert_ptr_nonnull(strstr(printed, "charge group office\n"));
}
END_TEST

START_TEST(get_of_a_membership_takes_two_ids)
{
	begin();
	ck_assert_int_eq(run("get membership office"), EXIT_ERROR);
	ck_assert_int_eq(run("get group office cust-1"), EXIT_ERROR);
	ck_assert_ptr_null(asked);
}
END_TEST

START_TEST(an_answer_of_another_kind_is_not_shown)
{
	begin();
	ck_assert_int_eq(run("get tariff t"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "another object"));
}
END_TEST

START_TEST(a_refusal_as_json_is_one_document)
{
	begin();
	get_refusal = STATUS_NOT_FOUND;
	ck_assert_int_eq(run("--json token show 04A1"), EXIT_ERROR);
	ck_assert_str_eq(printed, "{\"error\":{\"code\":5,\"message\":\"there is none\",\"field\":\"some.field\","
				  "\"change_number\":3}}\n");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		create_sends_the_fields_and_wants_a_new_object,
		every_change_names_its_actor_and_may_be_repeated,
		a_wrong_value_is_not_sent,
		an_existing_object_points_to_set_and_put,
		a_group_nobody_can_use_is_said_so,
		put_sends_the_object_of_a_file,
		a_file_that_cannot_be_read_is_named,
		set_changes_one_field_of_what_is_stored,
		set_expects_the_revision_it_read,
		set_says_when_somebody_else_was_first,
		set_without_a_field_is_refused,
		set_of_a_token_is_narrowed_by_its_identity,
		delete_tells_what_went_with_it,
		deleting_what_is_not_there_is_no_error,
		a_token_is_deleted_by_its_whole_identity,
		deleting_a_token_that_is_not_there_is_no_error,
		show_prints_the_fields,
		show_as_json_is_the_record,
		get_takes_a_kind,
		get_of_a_membership_takes_two_ids,
		an_answer_of_another_kind_is_not_shown,
		a_refusal_as_json_is_one_document,
	};
	TCase *tcase = tcase_create("cmd_object");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, fixture_stop);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tcase, tests[i]);
	Suite *suite = suite_create("cli/cmd_object");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
