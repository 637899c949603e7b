// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "tests/unit/daemon/feed/redis_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void on_subscribed(void *context)
{
	((struct redis_client *)context)->is_subscribed = true;
}

static void ignore_reply(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	(void)context;
	(void)reply;
	(void)error;
}

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

// ---------------------------------------------------------------- Redis says no

// Opens a connection that is expected to end before it is ready.
static int open_in_vain(const struct redis_connection_settings *settings)
{
	struct redis_client client;
	redis_client_open(&client, settings);
	redis_client_await_ready(&client);
	ck_assert(client.has_ended);
	ck_assert_str_ne(client.error.text, "");
	redis_client_close(&client);
	return client.error.code;
}

START_TEST(passwords_are_told_apart)
{
	struct redis_server server = {0};
	struct redis_client client;
	struct redis_connection_settings settings = {.unix_path = server.socket};
	redis_server_start_with(&server, "requirepass secret\nuser u on >other allcommands allkeys\n", NULL);
	ck_assert_int_eq(open_in_vain(&settings), -ENOKEY);
	settings.password = "wrong";
	ck_assert_int_eq(open_in_vain(&settings), -EKEYREJECTED);
	settings.password = "secret";
	settings.user = "nobody";
	ck_assert_int_eq(open_in_vain(&settings), -EKEYREJECTED);
	settings.user = NULL;
	redis_client_open(&client, &settings);
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	redis_client_close(&client);
	settings.user = "u";
	settings.password = "other";
	redis_client_open(&client, &settings);
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_command_that_is_refused_leaves_the_connection)
{
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_server_do(&server, "ACL SETUSER u on >p ~a* +get +set +ping");
	redis_client_open(&client, &(struct redis_connection_settings){
					   .unix_path = server.socket, .user = "u", .password = "p", .name = "n"});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	redis_client_do(&client, "DEL a");
	ck_assert_int_eq(client.reply_error.code, -EPERM);
	redis_client_do(&client, "GET b");
	ck_assert_int_eq(client.reply_error.code, -EPERM);
	redis_server_do(&server, "REPLICAOF 127.0.0.1 1");
	redis_client_do(&client, "SET a 1");
	ck_assert_int_eq(client.reply_error.code, -EROFS);
	redis_server_do(&server, "REPLICAOF NO ONE");
	redis_server_do(&server, "CONFIG SET maxmemory 1");
	redis_client_do(&client, "SET a 1");
	ck_assert_int_eq(client.reply_error.code, -ENOSPC);
	ck_assert_int_eq(client.errors, 4);
	redis_client_do(&client, "GET a");
	ck_assert_int_eq(client.errors, 4);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_channel_that_may_not_be_heard_ends_a_subscriber)
{
	const struct bytes channels[] = {BYTES_LITERAL("x"), BYTES_LITERAL("y")};
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_server_do(&server, "ACL SETUSER u on >p &x +subscribe +ping");
	redis_client_open(
		&client, &(struct redis_connection_settings){.unix_path = server.socket, .user = "u", .password = "p"});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	ck_assert_int_eq(redis_connection_subscribe(client.connection, channels, 2, on_subscribed, &client), 0);
	ck_assert_int_eq(redis_client_await_end(&client), -EPERM);
	ck_assert(!client.is_subscribed);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_server_that_is_loading_says_so)
{
	struct redis_server server = {0};
	redis_server_start(&server, NULL);
	redis_server_do(&server, "DEBUG POPULATE 20000");
	redis_server_do(&server, "SAVE");
	redis_server_kill(&server);
	redis_server_start(&server, (const char *const[]){"--key-load-delay", "1000",
							  "--loading-process-events-interval-bytes", "1024", NULL});
	ck_assert_int_eq(open_in_vain(&(struct redis_connection_settings){.unix_path = server.socket}), -EAGAIN);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_server_with_too_many_clients_says_so)
{
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_client_open_socket(&client, &server);
	redis_server_do(&server, "CONFIG SET maxclients 1");
	struct redis_client other;
	redis_client_open(&other, &(struct redis_connection_settings){.unix_path = server.socket});
	ck_assert_int_ne(redis_client_await_end(&other), 0);
	redis_client_close(&other);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

// ---------------------------------------------------------------- Redis is silent

START_TEST(a_server_that_never_answers_is_given_up)
{
	const struct redis_connection_settings settings = {
		.host = "127.0.0.1",
		.port = strange_server_start((struct bytes){0}, STRANGE_STAYS),
		.connect_timeout_ms = 100,
	};
	const uint64_t start = clock_monotonic_ms();
	ck_assert_int_eq(open_in_vain(&settings), -ETIMEDOUT);
	ck_assert_uint_ge(clock_monotonic_ms() - start, 100);
}
END_TEST

START_TEST(a_stopped_server_ends_commands_and_idle_connections)
{
	struct redis_server server = {0};
	struct redis_client client, idle, subscriber;
	const struct bytes channel = BYTES_LITERAL("x");
	struct redis_connection_settings settings = {
		.unix_path = server.socket, .command_timeout_ms = 150, .ping_interval_ms = 30};
	redis_server_start(&server, NULL);
	redis_client_open(&client, &settings);
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	redis_client_open(&idle, &settings);
	ck_assert_int_eq(redis_client_await_ready(&idle), 0);
	redis_client_open(&subscriber, &settings);
	ck_assert_int_eq(redis_client_await_ready(&subscriber), 0);
	redis_client_subscribe(&subscriber, &channel, 1);
	kill(server.pid, SIGSTOP);
	redis_client_send(&client, "PING");
	ck_assert_int_eq(redis_client_await_end(&client), -ETIMEDOUT);
	ck_assert_int_eq(client.errors, 1);
	ck_assert_int_eq(client.reply_error.code, -ETIMEDOUT);
	ck_assert_int_eq(redis_client_await_end(&idle), -ETIMEDOUT);
	ck_assert_int_eq(redis_client_await_end(&subscriber), -ETIMEDOUT);
	redis_client_close(&client);
	redis_client_close(&idle);
	redis_client_close(&subscriber);
	settings.connect_timeout_ms = 100;
	ck_assert_int_eq(open_in_vain(&settings), -ETIMEDOUT);
	redis_server_stop(&server);
}
END_TEST

START_TEST(an_idle_connection_is_asked_and_stays)
{
	struct redis_server server = {0};
	struct redis_client client;
	redis_server_start(&server, NULL);
	redis_client_open(&client, &(struct redis_connection_settings){.unix_path = server.socket,
								       .command_timeout_ms = 5000,
								       .ping_interval_ms = 5});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	const uint64_t first = redis_connection_answered_ping_ms(client.connection);
	while (redis_connection_answered_ping_ms(client.connection) < first + 20)
		redis_client_wait(&client, 5);
	ck_assert(!client.has_ended);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

// ---------------------------------------------------------------- it is no Redis

static const struct {
	struct bytes text;
	enum strange_end end;
	int code;
} strange[] = {
	{{0}, STRANGE_CLOSES, -EPIPE},
	{{0}, STRANGE_RESETS, -ECONNRESET},
	{BYTES_LITERAL("+PO"), STRANGE_CLOSES, -EPIPE},
	{BYTES_LITERAL("HTTP/1.1 400 Bad Request\r\n\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("\0\0\0\0"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("+OK\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL(":1\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("*-1\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("*0\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("+PONG\r\n+PONG\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("*-2\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("$-2\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL(":99999999999999999999\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("*9223372036854775807\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"), STRANGE_STAYS, -EPROTO},
	{BYTES_LITERAL("*2147483647\r\n"), STRANGE_STAYS, -EMSGSIZE},
	{BYTES_LITERAL("*2\r\n*1048575\r\n"), STRANGE_STAYS, -EMSGSIZE},
	{BYTES_LITERAL("$400000000\r\n"), STRANGE_FLOODS, -EMSGSIZE},
	{BYTES_LITERAL("+"), STRANGE_FLOODS, -EPROTO},
	{BYTES_LITERAL("$"), STRANGE_FLOODS, -EPROTO},
	{BYTES_LITERAL("-LOADING soon\r\n"), STRANGE_CLOSES, -EAGAIN},
	{BYTES_LITERAL("-\r\n"), STRANGE_STAYS, -EREMOTEIO},
};

START_TEST(what_is_no_redis_is_an_error)
{
	struct redis_client client;
	const uint16_t port = strange_server_start(strange[_i].text, strange[_i].end);
	redis_client_open(&client, &(struct redis_connection_settings){
					   .host = "127.0.0.1", .port = port, .reply_size_max = 8 << 20});
	const int code = redis_client_await_end(&client);
	ck_assert_msg(code == strange[_i].code, "%d: %s", code, client.error.text);
	redis_client_close(&client);
}
END_TEST

// Bytes that keep coming are no answer.
START_TEST(an_answer_that_comes_too_slowly_is_given_up)
{
	struct redis_client client;
	const uint16_t port = strange_server_start(BYTES_LITERAL("$2000000000\r\n"), STRANGE_DRIPS);
	redis_client_open(&client, &(struct redis_connection_settings){
					   .host = "127.0.0.1", .port = port, .connect_timeout_ms = 100});
	ck_assert_int_eq(redis_client_await_end(&client), -ETIMEDOUT);
	redis_client_close(&client);
}
END_TEST

static const char *const strange_pushes[] = {
	"+OK\r\n",
	":1\r\n",
	"*0\r\n",
	"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n:1\r\n",
	"*3\r\n$7\r\nmessage\r\n*0\r\n$1\r\nx\r\n",
	"*2\r\n$7\r\nmessage\r\n$1\r\nx\r\n",
	"*3\r\n:1\r\n:1\r\n:1\r\n",
	"*2\r\n$4\r\npong\r\n$1\r\n9\r\n",
	"*2\r\n$4\r\npong\r\n*0\r\n",
	"*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n",
	"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n",
};

START_TEST(a_push_that_is_none_ends_a_subscriber)
{
	struct redis_client client;
	const struct bytes channel = BYTES_LITERAL("x");
	const uint16_t port = strange_subscription_start(bytes_from(strange_pushes[_i]));
	redis_client_open(&client, &(struct redis_connection_settings){.host = "127.0.0.1", .port = port});
	ck_assert_int_eq(redis_client_await_ready(&client), 0);
	ck_assert_int_eq(redis_connection_subscribe(client.connection, &channel, 1, on_subscribed, &client), 0);
	ck_assert_int_eq(redis_client_await_end(&client), -EPROTO);
	redis_client_close(&client);
}
END_TEST

// ---------------------------------------------------------------- limits and order

START_TEST(what_may_be_pending_is_limited)
{
	struct redis_server server = {0};
	struct redis_client client;
	const struct bytes ping = BYTES_LITERAL("PING");
	const struct redis_command command = {&ping, 1, ignore_reply, NULL, 0};
	redis_server_start(&server, NULL);
	redis_client_open_socket(&client, &server);
	for (int i = 0; i < REDIS_PENDING_MAX; i++)
		ck_assert_int_eq(redis_connection_send(client.connection, &command), 0);
	ck_assert_int_eq(redis_connection_send(client.connection, &command), -ENOBUFS);
	ck_assert_int_eq(redis_connection_subscribe(client.connection, &ping, 1, on_subscribed, &client), -ENOBUFS);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(what_may_wait_to_be_sent_is_limited)
{
	struct redis_server server = {0};
	struct redis_client client;
	char *large = calloc(1, REDIS_OUTPUT_MAX);
	const struct bytes words[] = {BYTES_LITERAL("SET"), BYTES_LITERAL("a"), {large, REDIS_OUTPUT_MAX - 100}};
	const struct redis_command command = {words, 3, ignore_reply, NULL, 0};
	redis_server_start(&server, NULL);
	redis_client_open_socket(&client, &server);
	ck_assert_int_eq(redis_connection_send(client.connection, &command), 0);
	ck_assert_int_eq(redis_connection_send(client.connection, &command), -ENOBUFS);
	ck_assert_uint_eq(redis_connection_pending(client.connection), 1);
	redis_client_do(&client, "STRLEN a");
	ck_assert_int_eq(client.reply_integer, REDIS_OUTPUT_MAX - 100);
	// And as much of it as an answer may have comes back.
	redis_client_do(&client, "GETRANGE a 0 30000000");
	ck_assert_int_eq(client.reply_type, REDIS_REPLY_STRING);
	free(large);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

struct closer {
	struct redis_connection *connection;
	bool is_called;
};

static void close_on_reply(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct closer *closer = context;
	(void)reply;
	(void)error;
	ck_assert(!closer->is_called);
	closer->is_called = true;
	redis_connection_close(closer->connection);
}

START_TEST(a_connection_may_be_closed_in_its_callback)
{
	struct redis_server server = {0};
	struct redis_client client;
	const struct bytes ping = BYTES_LITERAL("PING");
	redis_server_start(&server, NULL);
	redis_client_open_socket(&client, &server);
	struct closer closer = {.connection = client.connection};
	const struct redis_command command = {&ping, 1, close_on_reply, &closer, 0};
	ck_assert_int_eq(redis_connection_send(client.connection, &command), 0);
	ck_assert_int_eq(redis_connection_send(client.connection, &command), 0);
	run_until(client.loop, &closer.is_called);
	client.connection = NULL;
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(a_command_has_a_time_out_of_its_own)
{
	struct redis_server server = {0};
	struct redis_client client;
	const struct bytes words[] = {BYTES_LITERAL("DEBUG"), BYTES_LITERAL("SLEEP"), BYTES_LITERAL("1")};
	redis_server_start(&server, NULL);
	redis_client_open_socket(&client, &server);
	const struct redis_command command = {words, 3, ignore_reply, NULL, 50};
	ck_assert_int_eq(redis_connection_send(client.connection, &command), 0);
	ck_assert_int_eq(redis_client_await_end(&client), -ETIMEDOUT);
	redis_client_close(&client);
	redis_server_stop(&server);
}
END_TEST

START_TEST(error_lines_have_codes)
{
	static const struct {
		const char *line;
		int code;
	} lines[] = {
		{"NOSCRIPT No matching script.", -ESRCH},
		{"MOVED 1 127.0.0.1:1", -EXDEV},
		{"MISCONF x", -EIO},
		{"OOM x", -ENOSPC},
		{"NOREPLICAS x", -ENOLINK},
		{"MASTERDOWN x", -EHOSTDOWN},
		{"BUSY x", -EBUSY},
		{"WRONGTYPE x", -EMEDIUMTYPE},
		{"ERR LOADING", -EREMOTEIO},
		{"LOADING", -EAGAIN},
		{"", -EREMOTEIO},
	};
	struct redis_error error;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		redis_error_from_reply(&error, bytes_from(lines[i].line));
		ck_assert_int_eq(error.code, lines[i].code);
		ck_assert_str_eq(error.text, lines[i].line);
	}
	redis_error_from_reply(&error, BYTES_LITERAL("ERR \x1b[31m\n"));
	ck_assert_str_eq(error.text, "ERR ?[31m?");
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
	tcase_add_test(tcase, passwords_are_told_apart);
	tcase_add_test(tcase, a_command_that_is_refused_leaves_the_connection);
	tcase_add_test(tcase, a_channel_that_may_not_be_heard_ends_a_subscriber);
	tcase_add_test(tcase, a_server_that_is_loading_says_so);
	tcase_add_test(tcase, a_server_with_too_many_clients_says_so);
	tcase_add_test(tcase, a_server_that_never_answers_is_given_up);
	tcase_add_test(tcase, a_stopped_server_ends_commands_and_idle_connections);
	tcase_add_test(tcase, an_idle_connection_is_asked_and_stays);
	tcase_add_loop_test(tcase, what_is_no_redis_is_an_error, 0, ARRAY_SIZE(strange));
	tcase_add_test(tcase, an_answer_that_comes_too_slowly_is_given_up);
	tcase_add_loop_test(tcase, a_push_that_is_none_ends_a_subscriber, 0, ARRAY_SIZE(strange_pushes));
	tcase_add_test(tcase, what_may_be_pending_is_limited);
	tcase_add_test(tcase, what_may_wait_to_be_sent_is_limited);
	tcase_add_test(tcase, a_connection_may_be_closed_in_its_callback);
	tcase_add_test(tcase, a_command_has_a_time_out_of_its_own);
	tcase_add_test(tcase, error_lines_have_codes);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
