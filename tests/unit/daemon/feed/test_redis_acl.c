// SPDX-License-Identifier: Apache-2.0
// Everything evauthd asks of Redis, as the user of deploy/redis/evauthd.acl; and what that user may not do.
#include "daemon/feed/redis_log.h"
#include "tests/unit/daemon/feed/redis_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct redis_server server;
static const struct redis_connection_settings settings = {
	.unix_path = server.socket,
	.user = "evauthd",
	.password = "CHANGE-THIS",
	.database = 2,
	.name = "evauthd",
	.must_be_master = true,
};

static void setup(void)
{
	char line[1024];
	FILE *file = fopen(EVAUTHD_ACL, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	memset(&server, 0, sizeof(server));
	redis_server_start_with(&server, line, NULL);
}

static void teardown(void)
{
	redis_server_stop(&server);
}

struct told {
	int calls;
	struct redis_error error;
	struct redis_log_written written;
	struct redis_log_head head;
	size_t entries_count;
};

static void take_error(struct told *told, const struct redis_error *error)
{
	told->calls++;
	told->error = error != NULL ? *error : (struct redis_error){0};
}

static void on_written(void *context, const struct redis_error *error, const struct redis_log_written *written)
{
	struct told *told = context;
	take_error(told, error);
	if (written != NULL)
		told->written = *written;
}

static void on_head(void *context, const struct redis_error *error, const struct redis_log_head *head)
{
	struct told *told = context;
	take_error(told, error);
	if (head != NULL)
		told->head = *head;
}

static void on_range(void *context, const struct redis_error *error, const struct redis_log_entry *entries,
		     size_t count)
{
	struct told *told = context;
	(void)entries;
	take_error(told, error);
	told->entries_count = count;
}

static void await(struct redis_client *client, struct told *told, int result)
{
	ck_assert_int_eq(result, 0);
	run_until_count(client->loop, &told->calls, told->calls + 1);
	ck_assert_msg(told->error.code == 0, "%s", told->error.text);
}

START_TEST(evauthd_needs_no_more_than_its_line)
{
	const struct bytes channels[] = {BYTES_LITERAL(REDIS_LOG_CHANGES), BYTES_LITERAL(REDIS_LOG_INBOX)};
	struct redis_client client, subscriber;
	struct redis_log *log;
	struct told told = {0};
	struct redis_log_entry entry = {.revision = 1, .epoch = {{1}}, .nonce = {{1}}, .is_base = true};
	redis_client_open(&client, &settings);
	ck_assert_msg(redis_client_await_ready(&client) == 0, "%s", client.error.text);
	redis_client_open(&subscriber, &settings);
	ck_assert_int_eq(redis_client_await_ready(&subscriber), 0);
	redis_client_subscribe(&subscriber, channels, 2);
	ck_assert_int_eq(
		redis_log_create(client.connection,
				 &(struct redis_log_settings){.entries_max = 10, .wait_replicas = 1, .timeout_ms = 20},
				 &log),
		0);
	await(&client, &told, redis_log_begin(log, &entry, NULL, on_written, &told));
	ck_assert(told.written.is_written);
	const struct redis_log_entry base = entry;
	entry = (struct redis_log_entry){
		.revision = 2, .epoch = {{1}}, .nonce = {{2}}, .prev = {{1}}, .body = BYTES_LITERAL("x")};
	await(&client, &told, redis_log_append(log, &entry, on_written, &told));
	ck_assert(told.written.is_written);
	await(&client, &told, redis_log_read_head(log, 1, on_head, &told));
	ck_assert(told.head.has_mine);
	await(&client, &told, redis_log_read_range(log, 0, 10, on_range, &told));
	ck_assert_uint_eq(told.entries_count, 2);
	redis_server_do(&server, "SCRIPT FLUSH");
	struct redis_log_entry adopted = base;
	adopted.revision = 3;
	await(&client, &told, redis_log_begin(log, &adopted, &entry, on_written, &told));
	ck_assert(told.written.is_written);
	run_until_count(subscriber.loop, &subscriber.messages, 3);
	ck_assert_int_eq(redis_server_do(&server, "PUBLISH {evauth}:inbox x"), 1);
	run_until_count(subscriber.loop, &subscriber.messages, 4);
	// The name was set, too.
	redisReply *clients = redis_server_ask(&server, "CLIENT LIST");
	ck_assert_ptr_nonnull(strstr(clients->str, "name=evauthd"));
	freeReplyObject(clients);
	redis_client_close(&client);
	redis_client_close(&subscriber);
	redis_log_destroy(log);
}
END_TEST

static const char *const forbidden[] = {
	"GET a",
	"SET a 1",
	"XADD other 1-0 a b",
	"XRANGE other - +",
	"DEL other",
	"EVAL return(redis.call('XLEN','{evauth}:log')) 0",
	"EVAL return(redis.call('XADD','other','*','a','b')) 0",
	"PUBLISH other x",
	"KEYS *",
	"FLUSHALL",
	"CONFIG GET dir",
	"CLIENT LIST",
	"CLIENT KILL TYPE normal",
	"SCRIPT FLUSH",
	"FUNCTION LIST",
	"ACL LIST",
	"DEBUG SLEEP 0",
	"SHUTDOWN",
	"REPLICAOF 127.0.0.1 1",
	"MONITOR",
	"INFO",
};

START_TEST(nothing_else_is_within_its_reach)
{
	struct redis_client client;
	redis_client_open(&client, &settings);
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		redis_client_do(&client, forbidden[i]);
		ck_assert_msg(client.errors == (int)i + 1, "%s", forbidden[i]);
		ck_assert_msg(client.reply_error.code == -EPERM, "%s: %s", forbidden[i], client.reply_error.text);
	}
	redis_client_close(&client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_acl");
	TCase *tcase = tcase_create("redis_acl");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, evauthd_needs_no_more_than_its_line);
	tcase_add_test(tcase, nothing_else_is_within_its_reach);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
