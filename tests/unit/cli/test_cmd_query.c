// SPDX-License-Identifier: Apache-2.0
// The commands that only ask: search, visible, permitted, authorize, tariff show, status, group show, export.
#include "tests/unit/cli/cli_fixture.h"

// What the fake daemon answers.
static enum verdict verdict;
static const struct authorize_request *asked;
static const struct search_request *searched;
static int pages; // a search or listing has so many; each page one record
static int break_at_page;
static bool no_group;

static void setup(void)
{
	verdict = VERDICT_ALLOWED;
	asked = NULL;
	searched = NULL;
	pages = 1;
	break_at_page = 0;
	no_group = false;
}

static void serve_authorize(int fd, const struct frame *request)
{
	struct explanation_step step = {.rule = BYTES_LITERAL("16"),
					.decided = true,
					.object = BYTES_LITERAL("customer c"),
					.field = BYTES_LITERAL("no_credit"),
					.text = BYTES_LITERAL("may charge")};
	asked = decode_request(&schema_authorize_request, request);
	const struct authorize_response response = {.verdict = verdict,
						    .reason = REASON_OK,
						    .access = ACCESS_MEMBER,
						    .tariff_id = BYTES_LITERAL("t-staff"),
						    .explanation = &step,
						    .explanation_count = asked->explain ? 1 : 0};
	fake_answer(fd, request, FRAME_RESPONSE, &schema_authorize_response, &response);
}

// Page tokens are the number of the page they ask for.
static int page_of(struct bytes token)
{
	return token.size == 0 ? 1 : token.data[0] - '0';
}

static struct bytes token_after(int page)
{
	static const char digits[] = "0123456789";
	return page < pages ? (struct bytes){.data = digits + page + 1, .size = 1} : (struct bytes){0};
}

static void serve_search(int fd, const struct frame *request)
{
	searched = decode_request(&schema_search_request, request);
	const int page = page_of(searched->page_token);
	char id[] = {'P', (char)('0' + page)};
	struct charge_point point = {.id = {.data = id, .size = 2}, .charge_group_id = BYTES_LITERAL("office")};
	struct customer customer = {
		.id = {.data = id, .size = 2}, .name = BYTES_LITERAL("Anna"), .payment = PAYMENT_PREPAID};
	struct membership membership = {.charge_group_id = BYTES_LITERAL("office"),
					.customer_id = {.data = id, .size = 2}};
	struct record record = {.kind = (enum record_object)(searched->kind + 1)};
	record.object = searched->kind == OBJECT_KIND_CHARGE_POINT ? (void *)&point
			: searched->kind == OBJECT_KIND_CUSTOMER   ? (void *)&customer
								   : (void *)&membership;
	const struct search_response response = {
		.records = &record, .records_count = 1, .next_page_token = token_after(page), .revision = 8};
	if (page == break_at_page)
		fake_refuse(fd, request, STATUS_UNAVAILABLE, "stopping");
	else
		fake_answer(fd, request, FRAME_RESPONSE, &schema_search_response, &response);
}

static void serve_visible(int fd, const struct frame *request)
{
	const struct list_visible_charge_points_request *listing =
		decode_request(&schema_list_visible_charge_points_request, request);
	const int page = page_of(listing->page_token);
	char id[] = {'P', (char)('0' + page)};
	struct charge_point point = {.id = {.data = id, .size = 2}};
	const struct list_visible_charge_points_response response = {
		.charge_points = &point, .charge_points_count = 1, .next_page_token = token_after(page), .revision = 8};
	fake_answer(fd, request, FRAME_RESPONSE, &schema_list_visible_charge_points_response, &response);
}

static void serve_permitted(int fd, const struct frame *request)
{
	struct permitted_class everybody = {.permitted = true, .tariff_id = BYTES_LITERAL("t-all")};
	struct permitted_customer customers[] = {
		{.customer_id = BYTES_LITERAL("c1"),
		 .tariff_id = BYTES_LITERAL("t"),
		 .tariff_source = TARIFF_SOURCE_OVERRIDE},
		{.customer_id = BYTES_LITERAL("c2"), .tariff_id = BYTES_LITERAL("t"), .blocked = true},
	};
	const struct list_permitted_response group = {.charge_group_id = BYTES_LITERAL("office"),
						      .all_customers = &everybody,
						      .customers = customers,
						      .customers_count = 2};
	const struct list_permitted_response nothing = {.revision = 8};
	fake_answer(fd, request, FRAME_RESPONSE, &schema_list_permitted_response, no_group ? &nothing : &group);
}

static void serve_tariff(int fd, const struct frame *request)
{
	struct decimal price = {.units = 25, .scale = 2}, minimum = {.units = 10};
	struct price_component component = {.type = TARIFF_DIMENSION_TYPE_ENERGY, .price = &price, .step_size = 1000};
	enum day_of_week days[] = {DAY_OF_WEEK_MONDAY, DAY_OF_WEEK_FRIDAY};
	struct tariff_restrictions restrictions = {.start_time = BYTES_LITERAL("07:00"),
						   .end_time = BYTES_LITERAL("19:00"),
						   .day_of_week = days,
						   .day_of_week_count = 2,
						   .min_kwh = &minimum};
	struct tariff_element elements[] = {
		{.price_components = &component, .price_components_count = 1, .restrictions = &restrictions},
		{.price_components = &component, .price_components_count = 1},
	};
	struct tariff tariff = {.id = BYTES_LITERAL("t"), .elements = elements, .elements_count = 2};
	fake_answer(fd, request, FRAME_RESPONSE, &schema_get_tariff_response,
		    &(struct get_tariff_response){.tariff = &tariff, .source = TARIFF_SOURCE_OVERRIDE});
}

static void serve_get(int fd, const struct frame *request)
{
	struct charge_group group = {.id = BYTES_LITERAL("office"),
				     .tariff_id = BYTES_LITERAL("t"),
				     .prepaid_tariff_id = BYTES_LITERAL("t-pre")};
	fake_answer(fd, request, FRAME_RESPONSE, &schema_record,
		    &(struct record){.kind = RECORD_CHARGE_GROUP, .charge_group = &group});
}

static void serve_status(int fd, const struct frame *request)
{
	struct object_count count = {.kind = OBJECT_KIND_TOKEN, .count = 1234567};
	struct limit limit = {.name = BYTES_LITERAL("queue_max"), .value = 4096};
	const struct status_response response = {.version = BYTES_LITERAL("1.2.3"),
						 .objects = &count,
						 .objects_count = 1,
						 .limits = &limit,
						 .limits_count = 1,
						 .store_bytes_used = 1 << 20,
						 .store_bytes_max = 4 << 20};
	fake_answer(fd, request, FRAME_RESPONSE, &schema_status_response, &response);
}

static void serve_snapshot(int fd, const struct frame *request)
{
	struct tariff tariff = {.id = BYTES_LITERAL("t")};
	fake_answer(fd, request, FRAME_STREAM_ITEM, &schema_record,
		    &(struct record){.kind = RECORD_TARIFF, .tariff = &tariff});
	if (break_at_page > 0)
		fake_refuse(fd, request, STATUS_UNAVAILABLE, "stopping");
	else
		fake_answer(fd, request, FRAME_STREAM_END, NULL, NULL);
}

static void serve(struct fake_server *self, int fd, int number)
{
	static void (*const methods[])(int fd, const struct frame *request) = {
		[METHOD_AUTHORIZE] = serve_authorize,
		[METHOD_GET_TARIFF] = serve_tariff,
		[METHOD_LIST_VISIBLE_CHARGE_POINTS] = serve_visible,
		[METHOD_LIST_PERMITTED] = serve_permitted,
		[METHOD_GET] = serve_get,
		[METHOD_SEARCH] = serve_search,
		[METHOD_SNAPSHOT] = serve_snapshot,
		[METHOD_STATUS] = serve_status,
	};
	struct frame request;
	(void)self;
	(void)number;
	while (fake_read(fd, &request))
		methods[request.method](fd, &request);
}

static void begin(void)
{
	fixture_start(serve);
}

static void prints(const char *text)
{
	ck_assert_msg(strstr(printed, text) != NULL, "'%s' is not in:\n%s", text, printed);
}

// ---------------------------------------------------------------- authorize

static const struct {
	enum verdict verdict;
	enum exit_code code;
} verdicts[] = {
	{VERDICT_ALLOWED, EXIT_DONE},       {VERDICT_DENIED, EXIT_DENIED},  {VERDICT_ASK_ISSUER, EXIT_ASK_ISSUER},
	{VERDICT_UNSPECIFIED, EXIT_DENIED}, {(enum verdict)9, EXIT_DENIED}, // of a newer daemon
};

START_TEST(the_exit_code_is_the_verdict)
{
	begin();
	verdict = verdicts[_i].verdict;
	ck_assert_int_eq(run("authorize 04A1 P1"), verdicts[_i].code);
	ck_assert_int_eq(run("authorize 04A1 P1 --json"), verdicts[_i].code);
}
END_TEST

START_TEST(authorize_passes_its_options_on)
{
	begin();
	ck_assert_int_eq(run("authorize 04A1 P1 --evse E --type emaid --issuer NL-ABC --at 2026-12-01 --explain"),
			 EXIT_DONE);
	ck_assert(bytes_equal(asked->token_uid, BYTES_LITERAL("04A1")));
	ck_assert(bytes_equal(asked->charge_point_id, BYTES_LITERAL("P1")));
	ck_assert(bytes_equal(asked->evse_id, BYTES_LITERAL("E")));
	ck_assert_int_eq(asked->token_type, TOKEN_TYPE_EMAID);
	ck_assert(bytes_equal(asked->issuer->party_id, BYTES_LITERAL("ABC")));
	ck_assert_int_eq(asked->at, 1796083200);
	prints("ALLOWED  OK\n");
	prints("=>     16  may charge  [customer c: no_credit]\n");
}
END_TEST

START_TEST(authorize_needs_a_place)
{
	begin();
	ck_assert_int_eq(run("authorize 04A1"), EXIT_ERROR);
	ck_assert_ptr_null(asked);
	ck_assert_int_eq(run("authorize 04A1 --evse E"), EXIT_DONE);
}
END_TEST

START_TEST(an_error_is_not_a_denial)
{
	begin();
	ck_assert_int_eq(run("authorize 04A1 P1 --server unix:/nowhere/at/all"), EXIT_ERROR);
	ck_assert_int_eq(run("authorize 04A1 P1 --at never"), EXIT_ERROR);
	ck_assert_int_eq(run("authorize 04A1 P1 --timeout soon"), EXIT_ERROR);
}
END_TEST

// ---------------------------------------------------------------- search and listings

START_TEST(search_goes_on_to_the_last_page)
{
	begin();
	pages = 3;
	ck_assert_int_eq(run("search charge-points AMS --unattached"), EXIT_DONE);
	ck_assert_str_eq(printed, "POINT  GROUP   LOCATION  HOME  EVSES\n"
				  "P1     office                  0\n"
				  "P2     office                  0\n"
				  "P3     office                  0\n"
				  "3 charge points\n");
	ck_assert(searched->unattached);
	ck_assert(bytes_equal(searched->text, BYTES_LITERAL("AMS")));
}
END_TEST

START_TEST(search_passes_relations_on)
{
	begin();
	ck_assert_int_eq(run("search memberships --group g --customer c --tariff t"), EXIT_DONE);
	ck_assert(bytes_equal(searched->charge_group_id, BYTES_LITERAL("g")));
	ck_assert(bytes_equal(searched->customer_id, BYTES_LITERAL("c")));
	ck_assert(bytes_equal(searched->tariff_id, BYTES_LITERAL("t")));
	ck_assert_uint_eq(searched->text.size, 0);
}
END_TEST

START_TEST(search_as_json_is_one_document)
{
	begin();
	pages = 2;
	ck_assert_int_eq(run("search charge-points --json"), EXIT_DONE);
	ck_assert_str_eq(printed, "{\"records\":[\n"
				  "{\"charge_point\":{\"id\":\"P1\",\"charge_group_id\":\"office\"}},\n"
				  "{\"charge_point\":{\"id\":\"P2\",\"charge_group_id\":\"office\"}}\n"
				  "],\"revision\":\"8\"}\n");
}
END_TEST

START_TEST(a_search_that_breaks_is_an_error)
{
	begin();
	pages = 3;
	break_at_page = 2;
	ck_assert_int_eq(run("search charge-points"), EXIT_ERROR);
	prints("P1");
	ck_assert_ptr_nonnull(strstr(complained, "stopping"));
}
END_TEST

START_TEST(an_unknown_kind_is_refused)
{
	begin();
	ck_assert_int_eq(run("search sessions"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "charge-points"));
}
END_TEST

START_TEST(visible_puts_its_pages_together)
{
	begin();
	pages = 2;
	ck_assert_int_eq(run("visible cust-1"), EXIT_DONE);
	prints("P1");
	prints("customer cust-1 sees 2 charge points\n");
	ck_assert_int_eq(run("visible cust-1 --json"), EXIT_DONE);
	prints("\"id\": \"P2\"");
	ck_assert_ptr_null(strstr(printed, "next_page_token"));
}
END_TEST

START_TEST(permitted_tells_who_may_and_who_may_not)
{
	begin();
	ck_assert_int_eq(run("permitted P1"), EXIT_DONE);
	prints("all customers          yes, at tariff t-all\n");
	prints("roaming                no\n");
	prints("c1              t       own    yes\n");
	prints("c2              t              no: blocked\n");
}
END_TEST

START_TEST(a_point_without_a_group_permits_nobody)
{
	begin();
	no_group = true;
	ck_assert_int_eq(run("permitted P1"), EXIT_DONE);
	prints("nobody may charge here");
}
END_TEST

// ---------------------------------------------------------------- show

START_TEST(a_group_is_shown_with_the_tariff_of_each_customer)
{
	begin();
	ck_assert_int_eq(run("group show office"), EXIT_DONE);
	prints("Charge Points\nPOINT  GROUP   LOCATION  HOME  EVSES\nP1     office");
	prints("Customers and Tariffs\nCUSTOMER  NAME  TARIFF  WHOSE\nP1        Anna  t-pre   the group's prepaid\n");
}
END_TEST

START_TEST(a_group_as_json_has_its_lists)
{
	begin();
	ck_assert_int_eq(run("group show office --json"), EXIT_DONE);
	prints("{\"record\":{\"charge_group\":{");
	prints("\"charge_points\":[\n{\"charge_point\"");
	prints("\"customers\":[\n{\"customer\"");
	prints("\"memberships\":[\n{\"membership\"");
}
END_TEST

START_TEST(a_tariff_is_shown_in_words)
{
	begin();
	ck_assert_int_eq(run("tariff show --point P1 --token 04A1"), EXIT_DONE);
	prints("tariff t applies\n");
	prints("because it is          the customer's own in this group\n");
	prints("1        energy, per kWh  0.25          1,000  07:00 to 19:00, Mon Fri, from 10 kWh\n");
	prints("2        energy, per kWh  0.25          1,000  always\n");
}
END_TEST

START_TEST(a_tariff_needs_a_name_or_a_place)
{
	begin();
	ck_assert_int_eq(run("tariff show"), EXIT_ERROR);
	ck_assert_int_eq(run("tariff show t --point P1"), EXIT_ERROR);
}
END_TEST

START_TEST(status_is_a_table)
{
	begin();
	ck_assert_int_eq(run("status"), EXIT_DONE);
	prints("evauthd 1.2.3 at 127.0.0.1:");
	prints("accepts changes        NO\n");
	prints("tokens                 1,234,567\n");
	prints("1.0 MiB of 4.0 MiB (25.0 %)");
	prints("queue_max  4,096\n");
}
END_TEST

START_TEST(an_export_that_breaks_says_that_it_is_incomplete)
{
	begin();
	ck_assert_int_eq(run("export"), EXIT_DONE);
	ck_assert_str_eq(printed, "{\"put_tariff\":{\"id\":\"t\"}}\n");
	break_at_page = 1;
	ck_assert_int_eq(run("export"), EXIT_ERROR);
	ck_assert_ptr_nonnull(strstr(complained, "the output is incomplete"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		authorize_passes_its_options_on,
		authorize_needs_a_place,
		an_error_is_not_a_denial,
		search_goes_on_to_the_last_page,
		search_passes_relations_on,
		search_as_json_is_one_document,
		a_search_that_breaks_is_an_error,
		an_unknown_kind_is_refused,
		visible_puts_its_pages_together,
		permitted_tells_who_may_and_who_may_not,
		a_point_without_a_group_permits_nobody,
		a_group_is_shown_with_the_tariff_of_each_customer,
		a_group_as_json_has_its_lists,
		a_tariff_is_shown_in_words,
		a_tariff_needs_a_name_or_a_place,
		status_is_a_table,
		an_export_that_breaks_says_that_it_is_incomplete,
	};
	TCase *tcase = tcase_create("cmd_query");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, fixture_stop);
	tcase_add_loop_test(tcase, the_exit_code_is_the_verdict, 0, (int)ARRAY_SIZE(verdicts));
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(tcase, tests[i]);
	Suite *suite = suite_create("cli/cmd_query");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
