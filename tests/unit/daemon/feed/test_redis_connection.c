// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "tests/unit/daemon/feed/redis_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

START_TEST(commands_are_answered_in_order)
{
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_client_open_socket(&client, &server);
	ck_assert(redis_connection_is_ready(client.connection));
	redis_client_do(&client, "SET a 1");
	ck_assert_str_eq(client.reply_text, "OK");
	for (int i = 0; i < 100; i++)
		redis_client_send(&client, "INCR a");
	ck_assert_uint_eq(redis_connection_pending(client.connection), 100);
	run_until_count(client.loop, &client.replies, 101);
	ck_assert_int_eq(client.reply_integer, 101);
	ck_assert_int_eq(client.errors, 0);
	redis_client_do(&client, "CLIENT GETNAME");
	ck_assert_str_eq(client.reply_text, "test");
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_host_name_and_a_database_are_used)
{
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_client_open(&client,
			  &(struct redis_connection_settings){.host = "localhost", .port = server.port, .database = 3});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	redis_client_do(&client, "SET here 1");
	redis_client_close(&client);
	redisReply *reply = redis_server_ask(&server, "INFO keyspace");
	ck_assert_ptr_nonnull(strstr(reply->str, "db3:keys=1"));
	freeReplyObject(reply);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_subscriber_gets_messages_and_answers_to_its_pings)
{
	const struct bytes channels[] = {BYTES_LITERAL("x"), BYTES_LITERAL("y")};
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_client_open(&client,
			  &(struct redis_connection_settings){.unix_path = server.socket, .ping_interval_ms = 20});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	const uint64_t before = redis_connection_answered_ping_ms(client.connection);
	ck_assert_uint_gt(before, 0);
	redis_client_subscribe(&client, channels, 2);
	ck_assert_int_eq(redis_server_do(&server, "PUBLISH x hello"), 1);
	ck_assert_int_eq(redis_server_do(&server, "PUBLISH y bye"), 1);
	run_until_count(client.loop, &client.messages, 2);
	ck_assert_str_eq(client.channel, "y");
	ck_assert_str_eq(client.message, "bye");
	while (redis_connection_answered_ping_ms(client.connection) <= before + 20) {
		const int messages = client.messages;
		redis_server_do(&server, "PUBLISH x again");
		run_until_count(client.loop, &client.messages, messages + 1);
	}
	ck_assert(!client.has_ended);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(nobody_listening_is_refused)
{
	struct redis_client client;
	redis_client_open(&client, &(struct redis_connection_settings){.host = "127.0.0.1", .port = free_port()});
	ck_assert_int_eq(redis_client_await_ready(&client), -ECONNREFUSED);
	redis_client_close(&client);
	redis_client_open(&client, &(struct redis_connection_settings){.host = "localhost", .port = free_port()});
	ck_assert_int_eq(redis_client_await_ready(&client), -ECONNREFUSED);
	redis_client_close(&client);
	redis_client_open(&client,
			  &(struct redis_connection_settings){.unix_path = "/tmp/evauth-there-is-no-such-socket"});
	ck_assert_int_eq(redis_client_await_ready(&client), -ENOENT);
	redis_client_close(&client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_connection");
	TCase *tcase = tcase_create("redis_connection");
	tcase_add_test(tcase, commands_are_answered_in_order);
	tcase_add_test(tcase, a_host_name_and_a_database_are_used);
	tcase_add_test(tcase, a_subscriber_gets_messages_and_answers_to_its_pings);
	tcase_add_test(tcase, nobody_listening_is_refused);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
