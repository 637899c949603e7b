// SPDX-License-Identifier: Apache-2.0
// Pages: their limits, their tokens, and that nothing is skipped or repeated while the world changes.
#include "tests/unit/store/listing_fixture.h"
#include "tests/unit/store/rules_world.h"
#include "tests/unit/unit.h"

#include <stdatomic.h>
#include <stdio.h>

static struct listing_fixture fixture;

static void setup(void)
{
	listing_fixture_open(&fixture);
}

static void teardown(void)
{
	listing_fixture_close(&fixture);
}

static void accept(const char *changes)
{
	listing_fixture_accept(&fixture, changes);
}

// ---------------------------------------------------------------- many objects

enum { SET_CHANGES = 5000 };

static struct bytes make_id(const char *format, size_t number)
{
	char text[32];
	snprintf(text, sizeof(text), format, number);
	return arena_copy(&fixture.arena, bytes_from(text));
}

static void apply(struct change *changes, size_t count)
{
	struct test_job job;
	test_job_init(&job, changes, count);
	ck_assert_int_eq(test_job_submit(&job, fixture.store.store), 0);
	ck_assert_msg(test_job_wait(&job) == 0, "%s", job.job.fault.message);
	test_job_finish(&job);
}

// Changes one at a time, applied in large sets.
struct batch {
	struct change *changes;
	size_t count;
};

static void flush(struct batch *batch)
{
	if (batch->count > 0)
		apply(batch->changes, batch->count);
	batch->count = 0;
}

static void add(struct batch *batch, enum change_kind kind, const void *message, size_t size)
{
	if (batch->changes == NULL)
		batch->changes = arena_calloc(&fixture.arena, SET_CHANGES, sizeof(*batch->changes));
	void *copy = arena_alloc(&fixture.arena, size);
	memcpy(copy, message, size);
	batch->changes[batch->count++] = (struct change){.kind = kind, .change = copy};
	if (batch->count == SET_CHANGES)
		flush(batch);
}

#define ADD(batch, kind, type, ...) add(batch, kind, &(const struct type){__VA_ARGS__}, sizeof(struct type))

static void put_customers(size_t count)
{
	struct batch batch = {0};
	for (size_t i = 0; i < count; i++)
		ADD(&batch, CHANGE_PUT_CUSTOMER, customer, .id = make_id("c%06zu", i));
	flush(&batch);
}

static void put_points(size_t count)
{
	struct batch batch = {0};
	for (size_t i = 0; i < count; i++)
		ADD(&batch, CHANGE_PUT_CHARGE_POINT, charge_point, .id = make_id("p%06zu", i));
	flush(&batch);
}

static void attach_points(const char *group_id, size_t first, size_t count)
{
	enum { IDS = 5000 };
	for (size_t done = 0; done < count; done += IDS) {
		const size_t ids_count = count - done < IDS ? count - done : IDS;
		struct bytes *ids = arena_calloc(&fixture.arena, ids_count, sizeof(*ids));
		for (size_t i = 0; i < ids_count; i++)
			ids[i] = make_id("p%06zu", first + done + i);
		struct attach_charge_points attach = {.charge_group_id = bytes_from(group_id),
						      .charge_point_ids = ids,
						      .charge_point_ids_count = ids_count};
		struct change change = {.kind = CHANGE_ATTACH_CHARGE_POINTS, .attach_charge_points = &attach};
		apply(&change, 1);
	}
}

static void attach_customers(const char *group_id, size_t count)
{
	struct bytes *ids = arena_calloc(&fixture.arena, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
		ids[i] = make_id("c%06zu", i);
	struct attach_customers attach = {
		.charge_group_id = bytes_from(group_id), .customer_ids = ids, .customer_ids_count = count};
	struct change change = {.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &attach};
	apply(&change, 1);
}

static size_t count_words(const char *text)
{
	size_t count = text[0] != '\0';
	for (; *text != '\0'; text++)
		count += *text == ' ';
	return count;
}

// All pages one after the other must be `prefix` with the numbers from `first` on.
static void expect_numbers(const char *ids, const char *format, size_t first, size_t count)
{
	char expected[32];
	for (size_t i = first; i < first + count; i++) {
		const int size = snprintf(expected, sizeof(expected), format, i);
		ck_assert_msg(strncmp(ids, expected, (size_t)size) == 0, "%.20s instead of %s", ids, expected);
		ids += size;
		ids += *ids == ' ';
	}
	ck_assert_str_eq(ids, "");
}

// ---------------------------------------------------------------- sizes

START_TEST(a_page_holds_100_unless_asked_and_at_most_1000)
{
	put_customers(1100);
	ck_assert_uint_eq(count_words(listing_fixture_search(&fixture, "'kind':'CUSTOMER'", false)), 100);
	ck_assert_uint_ne(fixture.page_token.size, 0);
	ck_assert_uint_eq(count_words(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1000", false)),
			  1000);
	ck_assert_uint_eq(count_words(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1000", true)),
			  100);
	ck_assert_uint_eq(fixture.page_token.size, 0);
	ck_assert_ptr_null(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1001", false));
	listing_fixture_refused(&fixture, STATUS_INVALID_ARGUMENT, "page_size");
}
END_TEST

START_TEST(a_page_that_ends_with_the_last_object_is_the_last)
{
	put_customers(4);
	ck_assert_str_eq(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':2", false), "c000000 c000001");
	ck_assert_str_eq(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':2", true), "c000002 c000003");
	ck_assert_uint_eq(fixture.page_token.size, 0);
}
END_TEST

START_TEST(a_page_has_at_most_512_kib)
{
	static char name[1024];
	memset(name, 'x', sizeof(name));
	struct batch batch = {0};
	for (size_t i = 0; i < 600; i++)
		ADD(&batch, CHANGE_PUT_CUSTOMER, customer, .id = make_id("c%06zu", i),
		    .name = {.data = name, .size = sizeof(name)});
	flush(&batch);
	const size_t first = count_words(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1000", false));
	ck_assert_uint_gt(first, 400);
	ck_assert_uint_lt(first, 512);
	ck_assert_uint_eq(count_words(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1000", true)),
			  600 - first);
	ck_assert_uint_eq(fixture.page_token.size, 0);
}
END_TEST

// ---------------------------------------------------------------- every kind of walk, page by page

START_TEST(pages_of_every_kind_of_search_join_without_gap)
{
	accept(WORLD "," ATTACH("home", "'c1','c2','c3'") "," PUT_TOKEN("04AD", "c1") "," PUT_TOKEN(
		"04AE", "c1") "," PUT_CUSTOMER("c4") "," PUT_CUSTOMER("c5") "," PUT_POINT("p5") "," PUT_POINT("p6"));
	static const char *const searches[] = {
		"'kind':'TARIFF','page_size':1",
		"'kind':'CHARGE_GROUP','page_size':1",
		"'kind':'CHARGE_POINT','page_size':2",
		"'kind':'CUSTOMER','page_size':2",
		"'kind':'TOKEN','page_size':1",
		"'kind':'MEMBERSHIP','page_size':1",
		"'kind':'CHARGE_POINT','charge_group_id':'office','page_size':1",
		"'kind':'CUSTOMER','charge_group_id':'home','page_size':1",
		"'kind':'MEMBERSHIP','charge_group_id':'home','page_size':1",
		"'kind':'MEMBERSHIP','customer_id':'c1','page_size':1",
		"'kind':'CHARGE_GROUP','customer_id':'c1','page_size':1",
		"'kind':'TOKEN','customer_id':'c1','page_size':1",
		"'kind':'CUSTOMER','unattached':true,'page_size':1",
		"'kind':'CHARGE_POINT','unattached':true,'page_size':1",
		"'kind':'CUSTOMER','text':'c','page_size':1",
	};
	for (size_t i = 0; i < ARRAY_SIZE(searches); i++) {
		char whole[128];
		const size_t size = (size_t)(strstr(searches[i], ",'page_size'") - searches[i]);
		memcpy(whole, searches[i], size);
		whole[size] = '\0';
		const char *expected = listing_fixture_search(&fixture, whole, false);
		ck_assert_ptr_nonnull(expected);
		ck_assert_uint_ge(count_words(expected), 2);
		ck_assert_str_eq(listing_fixture_search_all(&fixture, searches[i]), expected);
	}
}
END_TEST

START_TEST(pages_of_visible_and_permitted_join_without_gap)
{
	accept(WORLD "," ATTACH("home", "'c1','c2','c3'"));
	ck_assert_str_eq(listing_fixture_visible(&fixture, "'customer_id':'c1','page_size':2", false), "p1 p2");
	ck_assert_str_eq(listing_fixture_visible(&fixture, "'customer_id':'c1','page_size':2", true), "p3");
	ck_assert_uint_eq(fixture.page_token.size, 0);
	const char *page = listing_fixture_permitted(&fixture, "'charge_point_id':'p3','page_size':2", false);
	ck_assert_ptr_nonnull(strstr(page, "'customer_id':'c2'"));
	ck_assert_ptr_null(strstr(page, "'customer_id':'c3'"));
	page = listing_fixture_permitted(&fixture, "'charge_point_id':'p3','page_size':2", true);
	ck_assert_ptr_null(strstr(page, "'customer_id':'c2'"));
	ck_assert_ptr_nonnull(strstr(page, "'customer_id':'c3'"));
	ck_assert_uint_eq(fixture.page_token.size, 0);
}
END_TEST

// ---------------------------------------------------------------- tokens

START_TEST(a_page_token_of_another_query_is_refused)
{
	accept(WORLD);
	static const char *const others[] = {
		"'kind':'CHARGE_POINT','page_size':1",
		"'kind':'CUSTOMER','page_size':1,'text':'c'",
		"'kind':'CUSTOMER','page_size':1,'charge_group_id':'office'",
		"'kind':'CUSTOMER','page_size':1,'unattached':true",
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		ck_assert_ptr_nonnull(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1", false));
		ck_assert_ptr_null(listing_fixture_search(&fixture, others[i], true));
		listing_fixture_refused(&fixture, STATUS_INVALID_ARGUMENT, "page_token");
	}
	ck_assert_ptr_null(listing_fixture_visible(&fixture, "'customer_id':'c1'", true));
	ck_assert_ptr_null(listing_fixture_permitted(&fixture, "'charge_point_id':'p1'", true));
}
END_TEST

START_TEST(a_page_token_goes_with_any_page_size_and_spelling)
{
	accept(WORLD);
	ck_assert_str_eq(listing_fixture_search(&fixture, "'kind':'TOKEN','customer_id':'c1','page_size':1", false),
			 "04AA");
	ck_assert_str_eq(listing_fixture_search(&fixture, "'kind':'TOKEN','customer_id':'C1','page_size':5", true),
			 "04AB");
}
END_TEST

START_TEST(a_page_token_that_is_not_ours_is_refused)
{
	accept(WORLD);
	ck_assert_ptr_nonnull(listing_fixture_search(&fixture, "'kind':'CUSTOMER','page_size':1", false));
	const struct bytes token = fixture.page_token;
	char text[400];
	// Any one character changed, and every length but the right one.
	for (size_t i = 0; i < token.size; i++) {
		memcpy(text, token.data, token.size);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		fixture.page_token = (struct bytes){text, token.size};
		ck_assert_ptr_null(listing_fixture_search(&fixture, "'kind':'CUSTOMER'", true));
		listing_fixture_refused(&fixture, STATUS_INVALID_ARGUMENT, "page_token");
		memcpy(text, token.data, token.size);
		fixture.page_token = (struct bytes){text, i};
		const char *page = listing_fixture_search(&fixture, "'kind':'CUSTOMER'", true);
		ck_assert(i == 0 ? page != NULL : page == NULL);
	}
	memset(text, 'A', sizeof(text));
	fixture.page_token = (struct bytes){text, sizeof(text)};
	ck_assert_ptr_null(listing_fixture_search(&fixture, "'kind':'CUSTOMER'", true));
	fixture.page_token = BYTES_LITERAL("a+b=");
	ck_assert_ptr_null(listing_fixture_search(&fixture, "'kind':'CUSTOMER'", true));
}
END_TEST

// ---------------------------------------------------------------- while the world changes

START_TEST(what_is_there_all_the_time_is_neither_skipped_nor_repeated)
{
	put_customers(40);
	const char *request = "'kind':'CUSTOMER','page_size':10";
	const char *pages = listing_fixture_search(&fixture, request, false);
	char first[256];
	snprintf(first, sizeof(first), "%s", pages);
	expect_numbers(first, "c%06zu", 0, 10);
	// Gone: the one the token names, one before it, one after; new: before and after.
	accept(DELETE("customer", "c000009") "," DELETE("customer", "c000003") "," DELETE(
		"customer", "c000015") "," PUT_CUSTOMER("c0000051") "," PUT_CUSTOMER("c0000121"));
	ck_assert_str_eq(listing_fixture_search(&fixture, request, true),
			 "c000010 c000011 c000012 c0000121 c000013 c000014 c000016 c000017 c000018 c000019");
	expect_numbers(listing_fixture_search(&fixture, request, true), "c%06zu", 20, 10);
}
END_TEST

START_TEST(points_may_come_and_go_between_the_pages_of_their_group)
{
	accept(PUT_TARIFF("t") "," PUT_GROUP("g", "t"));
	put_points(30);
	attach_points("g", 0, 30);
	const char *request = "'kind':'CHARGE_POINT','charge_group_id':'g','page_size':10";
	ck_assert_uint_eq(count_words(listing_fixture_search(&fixture, request, false)), 10);
	accept(DETACH_POINTS("'p000009','p000012'") "," PUT_POINT("p0000155") "," ATTACH_POINTS("g", "'p0000155'"));
	ck_assert_str_eq(listing_fixture_search(&fixture, request, true),
			 "p000010 p000011 p000013 p000014 p000015 p0000155 p000016 p000017 p000018 p000019");
}
END_TEST

// ---------------------------------------------------------------- more than an image is pinned for

enum { MANY = 21000 }; // past LISTING_PINNED_MAX

START_TEST(a_group_too_large_for_its_chain_is_listed_from_the_table)
{
	accept(PUT_TARIFF("t") "," PUT_GROUP("big", "t") "," PUT_GROUP("small", "t") "," PUT_CUSTOMER("x") "," ATTACH(
		"big", "'x'") "," ATTACH("small", "'x'"));
	put_points(MANY + 10);
	attach_points("big", 0, MANY);
	attach_points("small", MANY, 5);
	expect_numbers(
		listing_fixture_search_all(&fixture, "'kind':'CHARGE_POINT','charge_group_id':'big','page_size':1000"),
		"p%06zu", 0, MANY);
	expect_numbers(listing_fixture_search_all(&fixture,
						  "'kind':'CHARGE_POINT','charge_group_id':'small','page_size':1000"),
		       "p%06zu", MANY, 5);
	expect_numbers(listing_fixture_search_all(
			       &fixture, "'kind':'CHARGE_POINT','charge_group_id':'big','text':'p02099','page_size':3"),
		       "p%06zu", 20990, 10);
	const char *ids = listing_fixture_visible(&fixture, "'customer_id':'x','page_size':1000", false);
	size_t count = count_words(ids);
	while (fixture.page_token.size > 0)
		count += count_words(listing_fixture_visible(&fixture, "'customer_id':'x','page_size':1000", true));
	ck_assert_uint_eq(count, MANY + 5);
}
END_TEST

START_TEST(a_search_that_finds_little_ends_its_pages_after_so_many_records)
{
	put_customers(LISTING_SCAN_MAX + 100);
	accept("{'put_customer':{'id':'c000007','name':'needle'}},{'put_customer':{'id':'c050050','name':'Needle'}}");
	ck_assert_str_eq(listing_fixture_search(&fixture, "'kind':'CUSTOMER','text':'NEEDLE'", false), "c000007");
	ck_assert_uint_ne(fixture.page_token.size, 0);
	ck_assert_str_eq(listing_fixture_search(&fixture, "'kind':'CUSTOMER','text':'NEEDLE'", true), "c050050");
	ck_assert_uint_eq(fixture.page_token.size, 0);
	expect_numbers(listing_fixture_search_all(&fixture, "'kind':'CUSTOMER','unattached':true,'page_size':1000"),
		       "c%06zu", 0, LISTING_SCAN_MAX + 100);
}
END_TEST

// ---------------------------------------------------------------- next to a writer

struct writer {
	pthread_t thread;
	atomic_bool stop;
	size_t commits;
};

// Moves customers 0-99 to and fro between two groups, all at once: at every revision all are in one of them.
static void *write_on(void *context)
{
	struct writer *writer = context;
	static struct bytes ids[100];
	static char texts[100][16];
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		snprintf(texts[i], sizeof(texts[i]), "c%06zu", i);
		ids[i] = bytes_from(texts[i]);
	}
	while (!atomic_load(&writer->stop)) {
		const bool even = writer->commits++ % 2 == 0;
		struct detach_customers detach = {.charge_group_id = even ? BYTES_LITERAL("a") : BYTES_LITERAL("b"),
						  .customer_ids = ids,
						  .customer_ids_count = ARRAY_SIZE(ids)};
		struct attach_customers attach = {.charge_group_id = even ? BYTES_LITERAL("b") : BYTES_LITERAL("a"),
						  .customer_ids = ids,
						  .customer_ids_count = ARRAY_SIZE(ids)};
		struct change changes[] = {{.kind = CHANGE_DETACH_CUSTOMERS, .detach_customers = &detach},
					   {.kind = CHANGE_ATTACH_CUSTOMERS, .attach_customers = &attach}};
		apply(changes, ARRAY_SIZE(changes));
	}
	return NULL;
}

START_TEST(a_page_is_of_one_revision_whatever_is_written_meanwhile)
{
	accept(PUT_TARIFF("t") "," PUT_GROUP("a", "t") "," PUT_GROUP("b", "t") "," PUT_POINT("pa") "," PUT_POINT(
		"pb") "," ATTACH_POINTS("a", "'pa'") "," ATTACH_POINTS("b", "'pb'"));
	put_customers(100);
	attach_customers("a", 100);
	struct writer writer = {0};
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, write_on, &writer), 0);
	uint64_t former = 0;
	for (int i = 0; i < 300; i++) {
		const char *groups =
			listing_fixture_search(&fixture, "'kind':'CHARGE_GROUP','customer_id':'c000050'", false);
		ck_assert_msg(groups != NULL, "%s", fixture.fault.message);
		ck_assert_uint_eq(strlen(groups), 1);
		ck_assert_uint_ge(fixture.revision, former);
		former = fixture.revision;
		const char *points = listing_fixture_visible(&fixture, "'customer_id':'c000050'", false);
		ck_assert_msg(points != NULL, "%s", fixture.fault.message);
		ck_assert(strcmp(points, "pa") == 0 || strcmp(points, "pb") == 0);
		const char *lonely = listing_fixture_search(&fixture, "'kind':'CUSTOMER','unattached':true", false);
		ck_assert_msg(lonely != NULL, "%s", fixture.fault.message);
		ck_assert_str_eq(lonely, "");
	}
	atomic_store(&writer.stop, true);
	pthread_join(writer.thread, NULL);
	ck_assert_uint_gt(writer.commits, 1);
}
END_TEST

static bool gives_way(void *context)
{
	(*(int *)context)++;
	return true;
}

START_TEST(a_long_listing_asks_whether_to_give_way_and_loses_nothing_by_it)
{
	int asked = 0;
	put_customers(20000);
	listing_set_give_way(fixture.listing, gives_way, &asked);
	const char *ids = listing_fixture_search_all(&fixture, "'kind':'CUSTOMER','text':'c','page_size':1000");
	expect_numbers(ids, "c%06zu", 0, 20000);
	// One look at 64 records takes microseconds, all of them many times LISTING_WORK_NS.
	ck_assert_int_ge(asked, 2);
}
END_TEST

START_TEST(a_listing_with_a_pinned_image_never_rests)
{
	int asked = 0;
	put_customers(5000);
	listing_set_give_way(fixture.listing, gives_way, &asked);
	const char *ids = listing_fixture_search_all(&fixture, "'kind':'CUSTOMER','unattached':true,'page_size':1000");
	expect_numbers(ids, "c%06zu", 0, 5000);
	ck_assert_int_eq(asked, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("pages");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_page_holds_100_unless_asked_and_at_most_1000);
	tcase_add_test(tcase, a_page_that_ends_with_the_last_object_is_the_last);
	tcase_add_test(tcase, a_page_has_at_most_512_kib);
	tcase_add_test(tcase, pages_of_every_kind_of_search_join_without_gap);
	tcase_add_test(tcase, pages_of_visible_and_permitted_join_without_gap);
	tcase_add_test(tcase, a_page_token_of_another_query_is_refused);
	tcase_add_test(tcase, a_page_token_goes_with_any_page_size_and_spelling);
	tcase_add_test(tcase, a_page_token_that_is_not_ours_is_refused);
	tcase_add_test(tcase, what_is_there_all_the_time_is_neither_skipped_nor_repeated);
	tcase_add_test(tcase, points_may_come_and_go_between_the_pages_of_their_group);
	tcase_add_test(tcase, a_group_too_large_for_its_chain_is_listed_from_the_table);
	tcase_add_test(tcase, a_search_that_finds_little_ends_its_pages_after_so_many_records);
	tcase_add_test(tcase, a_page_is_of_one_revision_whatever_is_written_meanwhile);
	tcase_add_test(tcase, a_long_listing_asks_whether_to_give_way_and_loses_nothing_by_it);
	tcase_add_test(tcase, a_listing_with_a_pinned_image_never_rests);
	Suite *suite = suite_create("store/listing_pages");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
