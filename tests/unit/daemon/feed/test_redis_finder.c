// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_finder.h"
#include "tests/unit/daemon/feed/redis_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct search {
	struct loop *loop;
	struct redis_finder *finder;
	int answers;
	int error;
	char text[REDIS_ERROR_TEXT_SIZE];
	char host[REDIS_HOST_SIZE];
	char path[REDIS_PATH_SIZE];
	uint16_t port;
	bool is_from_sentinel;
};

static void on_found(void *context, const struct redis_found *found, const struct redis_error *error)
{
	struct search *search = context;
	ck_assert((found == NULL) == (error != NULL));
	search->answers++;
	search->error = error ? error->code : 0;
	snprintf(search->text, sizeof(search->text), "%s", error ? error->text : "");
	if (found == NULL)
		return;
	snprintf(search->host, sizeof(search->host), "%s", found->host);
	snprintf(search->path, sizeof(search->path), "%s", found->unix_path);
	search->port = found->port;
	search->is_from_sentinel = found->is_from_sentinel;
}

static void open_search(struct search *search, const char *text)
{
	struct redis_url url;
	char why[REDIS_WHY_SIZE];
	*search = (struct search){0};
	ck_assert_msg(redis_url_parse(text, &url, why) == 0, "%s", why);
	ck_assert_int_eq(loop_create(&search->loop), 0);
	ck_assert_int_eq(redis_finder_create(search->loop, &url, NULL, &search->finder), 0);
}

static int ask(struct search *search)
{
	const int before = search->answers;
	redis_finder_ask(search->finder, on_found, search);
	ck_assert_int_eq(search->answers, before);
	run_until_count(search->loop, &search->answers, before + 1);
	return search->error;
}

static void close_search(struct search *search)
{
	redis_finder_destroy(search->finder);
	loop_destroy(search->loop);
}

// ---------------------------------------------------------------- a master, a replica and their sentinel

struct group {
	struct redis_server master, replica, sentinel;
};

static void start_sentinel(struct group *group, const char *extra)
{
	char config[512];
	snprintf(config, sizeof(config),
		 "sentinel monitor main 127.0.0.1 %u 1\n"
		 "sentinel down-after-milliseconds main 300\n"
		 "sentinel failover-timeout main 2000\n%s",
		 group->master.port, extra);
	redis_server_start_with(&group->sentinel, config, (const char *const[]){"--sentinel", NULL});
}

static void start_group(struct group *group)
{
	char port[8];
	memset(group, 0, sizeof(*group));
	redis_server_start(&group->master, (const char *const[]){"--repl-diskless-sync-delay", "0", NULL});
	snprintf(port, sizeof(port), "%u", group->master.port);
	redis_server_start(&group->replica, (const char *const[]){"--replicaof", "127.0.0.1", port, NULL});
	redis_server_await(&group->replica, "INFO replication", "master_link_status:up");
	start_sentinel(group, "");
}

static void stop_group(struct group *group)
{
	redis_server_stop(&group->sentinel);
	redis_server_stop(&group->replica);
	redis_server_stop(&group->master);
}

START_TEST(a_plain_url_is_its_own_answer)
{
	struct search search;
	open_search(&search, "redis://somewhere:1234/3");
	ck_assert_int_eq(ask(&search), 0);
	ck_assert_str_eq(search.host, "somewhere");
	ck_assert_int_eq(search.port, 1234);
	ck_assert(!search.is_from_sentinel);
	ck_assert_int_eq(ask(&search), 0);
	close_search(&search);
	open_search(&search, "unix:/run/redis.sock");
	ck_assert_int_eq(ask(&search), 0);
	ck_assert_str_eq(search.path, "/run/redis.sock");
	close_search(&search);
}
END_TEST

START_TEST(the_master_is_found_and_after_a_failover_the_new_one)
{
	struct group group;
	struct search search;
	struct redis_client client;
	char url[128];
	start_group(&group);
	// The first sentinel is not there.
	snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u,127.0.0.1:%u/main", free_port(), group.sentinel.port);
	open_search(&search, url);
	ck_assert_int_eq(ask(&search), 0);
	ck_assert_int_eq(search.port, group.master.port);
	ck_assert(search.is_from_sentinel);
	// A replica is not taken for a master.
	redis_client_open(&client, &(struct redis_connection_settings){
					   .host = "127.0.0.1", .port = group.replica.port, .must_be_master = true});
	ck_assert_int_eq(redis_client_await_ready(&client), -EROFS);
	redis_client_close(&client);
	redis_server_await(&group.sentinel, "INFO sentinel", "slaves=1");
	redis_server_kill(&group.master);
	while (search.port != group.replica.port)
		ck_assert_int_eq(ask(&search), 0);
	redis_server_await(&group.replica, "INFO replication", "role:master");
	redis_client_open(&client, &(struct redis_connection_settings){
					   .host = search.host, .port = search.port, .must_be_master = true});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	redis_client_close(&client);
	close_search(&search);
	stop_group(&group);
}
END_TEST

START_TEST(a_master_that_no_sentinel_knows_is_told)
{
	struct group group = {0};
	struct search search;
	char url[128];
	group.master.port = free_port();
	start_sentinel(&group, "");
	snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u/other", group.sentinel.port);
	open_search(&search, url);
	ck_assert_int_eq(ask(&search), -ENOENT);
	ck_assert_msg(strstr(search.text, "no master named other") != NULL, "%s", search.text);
	close_search(&search);
	redis_server_stop(&group.sentinel);
	snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u,127.0.0.1:%u/main", free_port(), free_port());
	open_search(&search, url);
	ck_assert_int_eq(ask(&search), -ECONNREFUSED);
	close_search(&search);
}
END_TEST

START_TEST(a_sentinel_that_wants_a_password_gets_that_of_the_url)
{
	struct group group = {0};
	struct search search;
	char url[128];
	group.master.port = free_port();
	start_sentinel(&group, "requirepass secret\n");
	snprintf(url, sizeof(url), "redis+sentinel://:secret@127.0.0.1:%u/main", group.sentinel.port);
	open_search(&search, url);
	ck_assert_int_eq(ask(&search), 0);
	ck_assert_int_eq(search.port, group.master.port);
	close_search(&search);
	snprintf(url, sizeof(url), "redis+sentinel://:wrong@127.0.0.1:%u/main", group.sentinel.port);
	open_search(&search, url);
	ck_assert_int_eq(ask(&search), -EKEYREJECTED);
	close_search(&search);
	snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u/main", group.sentinel.port);
	open_search(&search, url);
	ck_assert_int_eq(ask(&search), -ENOKEY);
	close_search(&search);
	redis_server_stop(&group.sentinel);
}
END_TEST

START_TEST(a_finder_may_go_while_it_asks)
{
	struct search search;
	open_search(&search, "redis+sentinel://127.0.0.1:1/main");
	redis_finder_ask(search.finder, on_found, &search);
	close_search(&search);
	ck_assert_int_eq(search.answers, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_finder");
	TCase *tcase = tcase_create("redis_finder");
	tcase_add_test(tcase, a_plain_url_is_its_own_answer);
	tcase_add_test(tcase, the_master_is_found_and_after_a_failover_the_new_one);
	tcase_add_test(tcase, a_master_that_no_sentinel_knows_is_told);
	tcase_add_test(tcase, a_sentinel_that_wants_a_password_gets_that_of_the_url);
	tcase_add_test(tcase, a_finder_may_go_while_it_asks);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
