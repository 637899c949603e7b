// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/clients.h"

#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 2, NOW_MS = 5000000 };

static struct client_budgets budgets;
static struct clients *clients;
static uint32_t first_worker, second_worker;
static struct arena arena;

static void setup(void)
{
	memset(&budgets, 0, sizeof(budgets));
	ck_assert_int_eq(clients_create(&budgets, WORKERS, &clients), 0);
	first_worker = clients_add_worker(clients);
	second_worker = clients_add_worker(clients);
	arena_init(&arena, 64 * 1024, 16 * 1024 * 1024);
}

static void teardown(void)
{
	clients_destroy(clients);
	arena_finish(&arena);
}

static struct client *attach(const char *name, uint64_t now_ms)
{
	bool is_over;
	struct client *client = clients_attach(clients, name, 1, now_ms, &is_over);
	ck_assert(!is_over);
	return client;
}

// A client that came and went.
static struct client *visit(const char *name, uint64_t now_ms)
{
	struct client *client = attach(name, now_ms);
	clients_detach(clients, client, false);
	return client;
}

static void fill(uint64_t now_ms)
{
	char name[32];
	for (int i = 0; i < CLIENTS_MAX; i++) {
		snprintf(name, sizeof(name), "cn:c-%d", i);
		visit(name, now_ms + (uint64_t)i);
	}
	ck_assert_uint_eq(clients_count(clients), CLIENTS_MAX);
}

START_TEST(a_name_is_one_client_however_often_it_connects)
{
	struct client *first = attach("uid:1", NOW_MS), *second = attach("uid:1", NOW_MS);
	ck_assert_ptr_eq(first, second);
	ck_assert_ptr_ne(attach("uid:2", NOW_MS), first);
	ck_assert_uint_eq(first->connections, 2);
	clients_detach(clients, first, false);
	clients_detach(clients, first, false);
	ck_assert_ptr_eq(attach("uid:1", NOW_MS), first);
	ck_assert_uint_eq(clients_count(clients), 2);
}
END_TEST

START_TEST(a_client_has_as_many_connections_as_it_may)
{
	bool is_over;
	atomic_store(&budgets.connections_max, 2);
	struct client *client = attach("uid:1", NOW_MS);
	attach("uid:1", NOW_MS);
	ck_assert_ptr_eq(clients_attach(clients, "uid:1", 1, NOW_MS, &is_over), client);
	ck_assert(is_over);
	attach("uid:2", NOW_MS); // is another one
	clients_detach(clients, client, true);
	clients_detach(clients, client, false);
	attach("uid:1", NOW_MS);
}
END_TEST

// Between two workers it is detached for a moment, in which another may come.
START_TEST(a_connection_that_was_let_in_is_let_in_again)
{
	atomic_store(&budgets.connections_max, 1);
	struct client *client = visit("uid:1", NOW_MS);
	attach("uid:1", NOW_MS);
	ck_assert_ptr_eq(clients_attach_again(clients, "uid:1", 1, NOW_MS), client);
	ck_assert_uint_eq(client->connections, 2);
	ck_assert_uint_eq(client->leaving, 0);
}
END_TEST

START_TEST(who_comes_when_it_is_full_takes_the_place_of_who_was_away_longest)
{
	fill(NOW_MS);
	struct client *oldest = attach("cn:c-0", NOW_MS + 9000); // stays
	struct client *next = visit("cn:c-1", NOW_MS + 1);
	ck_assert_ptr_eq(attach("uid:1", NOW_MS + 9000), next);
	ck_assert_str_eq(next->name, "uid:1");
	ck_assert_str_eq(oldest->name, "cn:c-0");
	ck_assert_uint_eq(clients_count(clients), CLIENTS_MAX);
}
END_TEST

START_TEST(what_a_client_did_goes_with_its_place)
{
	fill(NOW_MS);
	struct client *first = attach("cn:c-0", NOW_MS);
	counter_add(&first->counters[first_worker].requests, 7);
	clients_detach(clients, first, false);
	ck_assert_ptr_eq(attach("uid:1", NOW_MS + 9000), first);
	ck_assert_uint_eq(counter_get(&first->counters[first_worker].requests), 0);
}
END_TEST

// Else a client would fill its budgets by making others, and coming back.
START_TEST(a_client_with_spent_budgets_keeps_its_place)
{
	bucket_rate_set(&budgets.unknown_tokens, 1, 10);
	fill(NOW_MS);
	struct client *spent = visit("cn:c-0", NOW_MS);
	(void)bucket_spend(&spent->unknown_tokens, &budgets.unknown_tokens, NOW_MS * 1000000ll, 10);
	ck_assert_ptr_ne(visit("uid:1", NOW_MS + 5000), spent);
	ck_assert_ptr_eq(attach("cn:c-0", NOW_MS + 5000), spent);
	ck_assert(!bucket_is_full(&spent->unknown_tokens, &budgets.unknown_tokens, (NOW_MS + 5000) * 1000000ll));
	clients_detach(clients, spent, false);
	// Ten seconds later it is full again.
	spent->opened_ms = 0;
	ck_assert_ptr_eq(attach("uid:2", NOW_MS + 10000), spent);
}
END_TEST

START_TEST(who_finds_no_place_is_one_of_the_others)
{
	char name[32];
	for (int i = 0; i < CLIENTS_MAX; i++) {
		snprintf(name, sizeof(name), "uid:%d", i);
		attach(name, NOW_MS);
	}
	struct client *others = attach("uid:5000", NOW_MS);
	ck_assert_str_eq(others->name, "others");
	ck_assert_ptr_eq(attach("uid:5001", NOW_MS), others);
	ck_assert_ptr_ne(attach("uid:5", NOW_MS), others);
	ck_assert_uint_eq(others->connections, 2);
	ck_assert_uint_eq(clients_count(clients), CLIENTS_MAX + 1);
}
END_TEST

// Anybody has many addresses: they must not take the places of those who show who they are.
START_TEST(unproven_names_leave_room_for_proven_ones)
{
	char name[32];
	struct client *others = NULL;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		snprintf(name, sizeof(name), "tcp:10.0.%d.%d", i / 256, i % 256);
		others = attach(name, NOW_MS);
	}
	ck_assert_str_eq(others->name, "tcp:others");
	ck_assert_uint_eq(clients_count(clients), CLIENTS_UNPROVEN_MAX + 1);
	for (int i = 0; i < CLIENTS_MAX - CLIENTS_UNPROVEN_MAX; i++) {
		snprintf(name, sizeof(name), "uid:%d", i);
		ck_assert_str_eq(attach(name, NOW_MS)->name, name);
	}
	ck_assert_str_eq(attach("uid:9999", NOW_MS)->name, "others");
}
END_TEST

START_TEST(an_unproven_name_takes_the_place_of_an_unproven_one_only)
{
	char name[32];
	struct client *proven = visit("uid:1", NOW_MS);
	for (int i = 0; i < CLIENTS_UNPROVEN_MAX; i++) {
		snprintf(name, sizeof(name), "tcp:10.0.%d.%d", i / 256, i % 256);
		visit(name, NOW_MS + 1 + (uint64_t)i);
	}
	ck_assert_ptr_ne(visit("tcp:10.9.9.9", NOW_MS + 9000), proven);
	ck_assert_str_eq(proven->name, "uid:1");
	ck_assert_uint_eq(clients_count(clients), CLIENTS_UNPROVEN_MAX + 1);
}
END_TEST

START_TEST(a_connection_that_changes_its_name_is_counted_once_and_let_in_already)
{
	atomic_store(&budgets.connections_max, 1);
	struct client *first = attach("dns:a", NOW_MS);
	ck_assert_ptr_eq(clients_rename(clients, first, "dns:a", 3, NOW_MS, false), first);
	ck_assert_uint_eq(first->connections, 1);
	ck_assert_uint_eq(first->roles, 3);
	struct client *second = clients_rename(clients, first, "cn:a", 1, NOW_MS, false);
	ck_assert_str_eq(second->name, "cn:a");
	ck_assert_uint_eq(first->connections, 0);
	ck_assert_uint_eq(second->connections, 1);
	clients_detach(clients, second, false);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_one_of_the_others)
{
	char name[CLIENT_NAME_SIZE + 1];
	memset(name, 'x', sizeof(name));
	name[CLIENT_NAME_SIZE - 1] = '\0';
	ck_assert_str_eq(attach(name, NOW_MS)->name, name);
	name[CLIENT_NAME_SIZE - 1] = 'x';
	name[CLIENT_NAME_SIZE] = '\0';
	ck_assert_str_eq(attach(name, NOW_MS)->name, "others");
}
END_TEST

START_TEST(what_the_workers_counted_is_told_together_busiest_first)
{
	struct client_figures *figures;
	size_t count;
	struct client *idle = attach("uid:1", NOW_MS), *busy = attach("uid:2", NOW_MS);
	bucket_rate_set(&budgets.unknown_tokens, 10, 100);
	counter_add(&idle->counters[first_worker].requests, 1);
	counter_add(&busy->counters[first_worker].requests, 5);
	counter_add(&busy->counters[second_worker].requests, 6);
	counter_add(&busy->counters[second_worker].verdicts[VERDICT_DENIED], 4);
	counter_add(&busy->counters[first_worker].traffic.bytes_out, 300);
	atomic_store(&busy->counters[second_worker].seen_ms, NOW_MS + 40);
	(void)bucket_spend(&busy->unknown_tokens, &budgets.unknown_tokens, NOW_MS * 1000000ll, 30);
	ck_assert_int_eq(clients_collect(clients, NOW_MS, &arena, &figures, &count), 0);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(figures[0].name, "uid:2");
	ck_assert_uint_eq(figures[0].requests, 11);
	ck_assert_uint_eq(figures[0].verdicts[VERDICT_DENIED], 4);
	ck_assert_uint_eq(figures[0].bytes_out, 300);
	ck_assert_uint_eq(figures[0].seen_ms, NOW_MS + 40);
	ck_assert_uint_eq(figures[0].unknown_tokens_left, 70);
	ck_assert_uint_eq(figures[0].connections, 1);
	ck_assert_uint_eq(figures[0].roles, 1);
	ck_assert_str_eq(figures[1].name, "uid:1");
	ck_assert_uint_eq(figures[1].seen_ms, NOW_MS);
}
END_TEST

enum { ROUNDS = 4000 };

static void *come_and_go(void *argument)
{
	const uint32_t worker = *(const uint32_t *)argument;
	char name[32];
	for (int i = 0; i < ROUNDS; i++) {
		bool is_over;
		snprintf(name, sizeof(name), "uid:%d", i % (CLIENTS_MAX + 100));
		struct client *client = clients_attach(clients, name, 1, NOW_MS + (uint64_t)i, &is_over);
		counter_add(&client->counters[worker].requests, 1);
		clients_detach(clients, client, false);
	}
	return NULL;
}

static void *look(void *argument)
{
	struct arena own;
	(void)argument;
	arena_init(&own, 64 * 1024, 16 * 1024 * 1024);
	for (int i = 0; i < 20; i++) {
		struct client_figures *figures;
		size_t count;
		arena_reset(&own);
		ck_assert_int_eq(clients_collect(clients, NOW_MS, &own, &figures, &count), 0);
	}
	arena_finish(&own);
	return NULL;
}

START_TEST(workers_attach_and_detach_at_the_same_time)
{
	pthread_t threads[WORKERS + 1];
	uint32_t indexes[WORKERS] = {first_worker, second_worker};
	struct client_figures *figures;
	size_t count;
	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &indexes[i]), 0);
	ck_assert_int_eq(pthread_create(&threads[WORKERS], NULL, look, NULL), 0);
	for (int i = 0; i <= WORKERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(clients_collect(clients, NOW_MS, &arena, &figures, &count), 0);
	for (size_t i = 0; i < count; i++)
		ck_assert_uint_eq(figures[i].connections, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/rpc/clients");
	TCase *tests = tcase_create("clients");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_name_is_one_client_however_often_it_connects);
	tcase_add_test(tests, a_client_has_as_many_connections_as_it_may);
	tcase_add_test(tests, a_connection_that_was_let_in_is_let_in_again);
	tcase_add_test(tests, who_comes_when_it_is_full_takes_the_place_of_who_was_away_longest);
	tcase_add_test(tests, what_a_client_did_goes_with_its_place);
	tcase_add_test(tests, a_client_with_spent_budgets_keeps_its_place);
	tcase_add_test(tests, who_finds_no_place_is_one_of_the_others);
	tcase_add_test(tests, unproven_names_leave_room_for_proven_ones);
	tcase_add_test(tests, an_unproven_name_takes_the_place_of_an_unproven_one_only);
	tcase_add_test(tests, a_connection_that_changes_its_name_is_counted_once_and_let_in_already);
	tcase_add_test(tests, a_name_that_is_too_long_is_one_of_the_others);
	tcase_add_test(tests, what_the_workers_counted_is_told_together_busiest_first);
	tcase_add_test(tests, workers_attach_and_detach_at_the_same_time);
	suite_add_tcase(suite, tests);
	return unit_main(suite);
}
