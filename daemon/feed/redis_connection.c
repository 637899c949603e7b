// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_connection.h"

#include "base/clock.h"
#include "daemon/feed/redis_reader.h"
#include "daemon/net/dial.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	USER_SIZE = 128,
	PASSWORD_SIZE = 512,
	NAME_SIZE = 64,
	GRACE_MS = 1,
};

enum connection_state {
	STATE_CONNECTING, // the stream is not open
	STATE_SETUP,      // what is said first is not answered yet
	STATE_READY,
	STATE_SUBSCRIBER,
	STATE_ENDED,
};

struct pending {
	void (*on_reply)(void *context, const struct redisReply *reply, const struct redis_error *error);
	void *context;
	uint64_t deadline_ms;
};

// A PING that was sent and not answered yet, and when.
struct ping {
	bool is_pending;
	uint64_t number;
	uint64_t sent_boot_ms;
	uint64_t sent_ms;
};

struct redis_connection {
	struct loop *loop;
	struct redis_connection_handler handler;
	struct dial *dial;
	struct loop_timer *timer; // runs to the next deadline or PING
	uint64_t timer_due_ms;
	enum connection_state state;
	struct redis_reader reader;
	uint32_t depth;  // of calls on the stack: nothing is freed and nobody told of an end below
	bool is_closed;  // by the owner
	bool has_failed; // with `error`; on_end() comes at depth 0
	bool has_grace;  // something is overdue: what has arrived meanwhile is read before it counts
	struct redis_error error;
	uint32_t pending_first, pending_count;
	struct pending pending[REDIS_PENDING_MAX];
	uint64_t used_ms; // when the last command was sent
	struct ping ping;
	uint64_t answered_ping_ms;
	// Of a subscriber.
	void (*on_subscribed)(void *context);
	void *subscribed_context;
	size_t confirmations_missing;
	uint64_t confirmations_until_ms;
	// Settings.
	char user[USER_SIZE], password[PASSWORD_SIZE], name[NAME_SIZE];
	uint32_t database;
	bool must_be_master;
	uint32_t command_timeout_ms, ping_interval_ms;
	uint64_t setup_until_ms;
};

// ---------------------------------------------------------------- the end

static void destroy(struct redis_connection *connection)
{
	dial_close(connection->dial);
	loop_timer_destroy(connection->timer);
	redis_reader_finish(&connection->reader);
	explicit_bzero(connection->password, sizeof(connection->password));
	free(connection);
}

static bool is_alive(const struct redis_connection *connection)
{
	return !connection->is_closed && !connection->has_failed && connection->state != STATE_ENDED;
}

static void tell_end(struct redis_connection *connection)
{
	connection->state = STATE_ENDED;
	dial_close(connection->dial);
	connection->dial = NULL;
	loop_timer_stop(connection->timer);
	while (connection->pending_count > 0 && !connection->is_closed) {
		const struct pending pending = connection->pending[connection->pending_first];
		connection->pending_first = (connection->pending_first + 1) % REDIS_PENDING_MAX;
		connection->pending_count--;
		pending.on_reply(pending.context, NULL, &connection->error);
	}
	if (!connection->is_closed)
		connection->handler.on_end(connection->handler.context, &connection->error);
}

static void enter(struct redis_connection *connection)
{
	connection->depth++;
}

static void leave(struct redis_connection *connection)
{
	if (connection->depth == 1 && connection->has_failed && !connection->is_closed &&
	    connection->state != STATE_ENDED)
		tell_end(connection);
	if (--connection->depth == 0 && connection->is_closed)
		destroy(connection);
}

void redis_connection_fail(struct redis_connection *connection, const struct redis_error *error)
{
	if (!is_alive(connection))
		return;
	enter(connection);
	connection->has_failed = true;
	connection->error = *error;
	leave(connection);
}

PRINTF_LIKE(3, 4)
static void fail(struct redis_connection *connection, int code, const char *format, ...)
{
	struct redis_error error;
	char text[REDIS_ERROR_TEXT_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	redis_error_set(&error, code, "%s", text);
	redis_connection_fail(connection, &error);
}

void redis_connection_close(struct redis_connection *connection)
{
	if (connection == NULL || connection->is_closed)
		return;
	enter(connection);
	connection->is_closed = true;
	leave(connection);
}

// ---------------------------------------------------------------- time

static void run_timer_until(struct redis_connection *connection, uint64_t due_ms)
{
	if (loop_timer_is_running(connection->timer) && connection->timer_due_ms <= due_ms)
		return;
	const uint64_t now = loop_now_ms(connection->loop);
	connection->timer_due_ms = due_ms;
	loop_timer_start(connection->timer, due_ms > now ? due_ms - now : 0);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_deadline(const struct redis_connection *connection)
{
	uint64_t deadline = UINT64_MAX;
	for (uint32_t i = 0; i < connection->pending_count; i++) {
		const uint32_t index = (connection->pending_first + i) % REDIS_PENDING_MAX;
		deadline = earlier(deadline, connection->pending[index].deadline_ms);
	}
	if (connection->confirmations_missing > 0)
		deadline = earlier(deadline, connection->confirmations_until_ms);
	if (connection->state == STATE_SUBSCRIBER && connection->ping.is_pending)
		deadline = earlier(deadline, connection->ping.sent_ms + connection->command_timeout_ms);
	return deadline;
}

// UINT64_MAX: none is to be sent before something else happens.
static uint64_t next_ping(const struct redis_connection *connection)
{
	if (connection->ping.is_pending)
		return UINT64_MAX;
	if (connection->state == STATE_READY && connection->pending_count == 0)
		return connection->used_ms + connection->ping_interval_ms;
	if (connection->state == STATE_SUBSCRIBER && connection->confirmations_missing == 0)
		return connection->ping.sent_ms + connection->ping_interval_ms;
	return UINT64_MAX;
}

// ---------------------------------------------------------------- commands

static int write_command(struct redis_connection *connection, const struct bytes *arguments, size_t count)
{
	const char *values[REDIS_ARGUMENTS_MAX];
	size_t sizes[REDIS_ARGUMENTS_MAX];
	char *text = NULL;
	ASSERT(count > 0 && count <= REDIS_ARGUMENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		values[i] = arguments[i].data ? arguments[i].data : "";
		sizes[i] = arguments[i].size;
	}
	const int size = redisFormatCommandArgv(&text, (int)count, values, sizes);
	if (size < 0)
		return -ENOMEM;
	const int result = dial_write(connection->dial, (struct bytes){text, (size_t)size});
	redisFreeCommand(text);
	return result;
}

static int send_pending(struct redis_connection *connection, const struct redis_command *command, uint64_t deadline_ms)
{
	if (connection->pending_count == REDIS_PENDING_MAX)
		return -ENOBUFS;
	const int result = write_command(connection, command->arguments, command->arguments_count);
	if (result != 0)
		return result;
	const uint32_t index = (connection->pending_first + connection->pending_count++) % REDIS_PENDING_MAX;
	connection->pending[index] = (struct pending){command->on_reply, command->context, deadline_ms};
	connection->used_ms = loop_now_ms(connection->loop);
	run_timer_until(connection, deadline_ms);
	return 0;
}

int redis_connection_send(struct redis_connection *connection, const struct redis_command *command)
{
	if (!is_alive(connection) || connection->state != STATE_READY)
		return -ENOTCONN;
	const uint32_t timeout_ms = command->timeout_ms ? command->timeout_ms : connection->command_timeout_ms;
	return send_pending(connection, command, loop_now_ms(connection->loop) + timeout_ms);
}

int redis_connection_subscribe(struct redis_connection *connection, const struct bytes *channels, size_t channels_count,
			       void (*on_subscribed)(void *context), void *context)
{
	struct bytes arguments[1 + REDIS_CHANNELS_MAX] = {BYTES_LITERAL("SUBSCRIBE")};
	ASSERT(channels_count > 0 && channels_count <= REDIS_CHANNELS_MAX);
	if (!is_alive(connection) || connection->state != STATE_READY)
		return -ENOTCONN;
	// A PING of our own may be under way: its answer comes before the first confirmation, in the form of before.
	if (connection->pending_count > (connection->ping.is_pending ? 1 : 0))
		return -ENOBUFS;
	for (size_t i = 0; i < channels_count; i++)
		arguments[1 + i] = channels[i];
	const int result = write_command(connection, arguments, 1 + channels_count);
	if (result != 0)
		return result;
	connection->state = STATE_SUBSCRIBER;
	connection->on_subscribed = on_subscribed;
	connection->subscribed_context = context;
	connection->confirmations_missing = channels_count;
	connection->confirmations_until_ms = loop_now_ms(connection->loop) + connection->command_timeout_ms;
	run_timer_until(connection, connection->confirmations_until_ms);
	return 0;
}

bool redis_connection_is_ready(const struct redis_connection *connection)
{
	return is_alive(connection) && (connection->state == STATE_READY || connection->state == STATE_SUBSCRIBER);
}

size_t redis_connection_pending(const struct redis_connection *connection)
{
	return connection->pending_count;
}

// ---------------------------------------------------------------- PING

uint64_t redis_connection_answered_ping_ms(const struct redis_connection *connection)
{
	return connection->answered_ping_ms;
}

static bool is_text(const struct redisReply *reply, int type, struct bytes text)
{
	return reply->type == type && bytes_equal((struct bytes){reply->str, reply->len}, text);
}

static void take_pong(struct redis_connection *connection)
{
	connection->has_grace = false;
	connection->ping.is_pending = false;
	connection->answered_ping_ms = connection->ping.sent_boot_ms;
	run_timer_until(connection, next_ping(connection));
}

static void on_pong(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct redis_connection *connection = context;
	if (error != NULL)
		redis_connection_fail(connection, error);
	else if (!is_text(reply, REDIS_REPLY_STATUS, BYTES_LITERAL("PONG")))
		fail(connection, -EPROTO, "PING was not answered with PONG");
	else
		take_pong(connection);
}

static size_t ping_text(uint64_t number, char text[24])
{
	return (size_t)snprintf(text, 24, "%llu", (unsigned long long)number);
}

static void send_ping(struct redis_connection *connection)
{
	char text[24];
	const uint64_t now = loop_now_ms(connection->loop);
	struct bytes arguments[] = {BYTES_LITERAL("PING"), {text, 0}};
	struct ping ping = {
		.is_pending = true,
		.number = connection->ping.number + 1,
		.sent_boot_ms = clock_boot_ms(),
		.sent_ms = now,
	};
	int result;
	if (connection->state == STATE_SUBSCRIBER) {
		arguments[1].size = ping_text(ping.number, text);
		result = write_command(connection, arguments, 2);
	} else {
		const struct redis_command command = {arguments, 1, on_pong, connection, 0};
		result = send_pending(connection, &command, now + connection->command_timeout_ms);
	}
	if (result != 0) {
		fail(connection, result, "PING could not be sent: %s", strerror(-result));
		return;
	}
	connection->ping = ping;
	run_timer_until(connection, now + connection->command_timeout_ms);
}

static void on_timer(void *context)
{
	struct redis_connection *connection = context;
	const uint64_t now = loop_now_ms(connection->loop);
	if (!is_alive(connection))
		return;
	if (next_deadline(connection) <= now) {
		// This thread may have been the slow one: one turn to read what has arrived.
		if (connection->has_grace) {
			fail(connection, -ETIMEDOUT, "Redis did not answer in time");
			return;
		}
		connection->has_grace = true;
		run_timer_until(connection, now + GRACE_MS);
		return;
	}
	connection->has_grace = false;
	enter(connection);
	if (next_ping(connection) <= now)
		send_ping(connection);
	const uint64_t due = earlier(next_deadline(connection), next_ping(connection));
	if (is_alive(connection) && due != UINT64_MAX)
		run_timer_until(connection, due);
	leave(connection);
}

// ---------------------------------------------------------------- answers

static bool is_push(const struct redisReply *reply, const char *kind, size_t elements)
{
	return reply->elements == elements && is_text(reply->element[0], REDIS_REPLY_STRING, bytes_from(kind));
}

static void on_confirmation(struct redis_connection *connection)
{
	if (connection->confirmations_missing == 0) {
		fail(connection, -EPROTO, "Redis confirmed a channel nobody asked for");
		return;
	}
	connection->has_grace = false;
	if (--connection->confirmations_missing > 0)
		return;
	send_ping(connection);
	if (is_alive(connection))
		connection->on_subscribed(connection->subscribed_context);
}

static void on_subscriber_pong(struct redis_connection *connection, const struct redisReply *payload)
{
	char text[24];
	const size_t size = ping_text(connection->ping.number, text);
	if (!connection->ping.is_pending || !is_text(payload, REDIS_REPLY_STRING, (struct bytes){text, size}))
		fail(connection, -EPROTO, "Redis answered a PING that was not sent");
	else
		take_pong(connection);
}

static void on_push(struct redis_connection *connection, const struct redisReply *reply)
{
	const struct redisReply *const *element = (const struct redisReply *const *)reply->element;
	if (reply->type == REDIS_REPLY_ERROR) {
		struct redis_error error;
		redis_error_from_reply(&error, (struct bytes){reply->str, reply->len});
		redis_connection_fail(connection, &error);
	} else if (reply->type == REDIS_REPLY_ARRAY && is_push(reply, "message", 3) &&
		   element[1]->type == REDIS_REPLY_STRING && element[2]->type == REDIS_REPLY_STRING) {
		connection->handler.on_message(connection->handler.context,
					       (struct bytes){element[1]->str, element[1]->len},
					       (struct bytes){element[2]->str, element[2]->len});
	} else if (reply->type == REDIS_REPLY_ARRAY && is_push(reply, "pong", 2)) {
		on_subscriber_pong(connection, element[1]);
	} else if (reply->type == REDIS_REPLY_ARRAY && is_push(reply, "subscribe", 3)) {
		on_confirmation(connection);
	} else {
		fail(connection, -EPROTO, "Redis sent a subscriber something that is no message");
	}
}

static void on_answer(struct redis_connection *connection, const struct redisReply *reply)
{
	struct redis_error error;
	const bool is_error = reply->type == REDIS_REPLY_ERROR;
	if (is_error)
		redis_error_from_reply(&error, (struct bytes){reply->str, reply->len});
	if (connection->pending_count == 0 && is_error) {
		redis_connection_fail(connection, &error);
		return;
	}
	if (connection->pending_count == 0) {
		fail(connection, -EPROTO, "Redis answered what was not asked");
		return;
	}
	const struct pending pending = connection->pending[connection->pending_first];
	connection->pending_first = (connection->pending_first + 1) % REDIS_PENDING_MAX;
	connection->pending_count--;
	connection->has_grace = false;
	pending.on_reply(pending.context, is_error ? NULL : reply, is_error ? &error : NULL);
	if (is_alive(connection) && connection->pending_count == 0 && next_ping(connection) != UINT64_MAX)
		run_timer_until(connection, next_ping(connection));
}

static void on_input(void *context, struct bytes input)
{
	struct redis_connection *connection = context;
	struct redisReply *reply;
	struct redis_error error;
	enter(connection);
	int result = redis_reader_feed(&connection->reader, input, &error);
	while (result == 0 && is_alive(connection)) {
		result = redis_reader_next(&connection->reader, &reply, &error);
		if (result != 0 || reply == NULL)
			break;
		// What was asked before SUBSCRIBE is answered before its confirmation.
		if (connection->state == STATE_SUBSCRIBER && connection->pending_count == 0)
			on_push(connection, reply);
		else
			on_answer(connection, reply);
		freeReplyObject(reply);
	}
	if (result != 0)
		redis_connection_fail(connection, &error);
	leave(connection);
}

// ---------------------------------------------------------------- what is said first

static void on_setup_ok(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	(void)reply;
	if (error != NULL)
		redis_connection_fail(context, error);
}

// A name is a convenience, also where the user may not set it.
static void on_setup_name(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	(void)reply;
	if (error != NULL && error->code != -EPERM)
		redis_connection_fail(context, error);
}

static void on_setup_role(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct redis_connection *connection = context;
	if (error != NULL)
		redis_connection_fail(connection, error);
	else if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
		fail(connection, -EPROTO, "ROLE was answered with something else");
	else if (!is_text(reply->element[0], REDIS_REPLY_STRING, BYTES_LITERAL("master")))
		fail(connection, -EROFS, "this Redis is not the master");
}

static void on_setup_pong(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct redis_connection *connection = context;
	connection->state = STATE_READY;
	on_pong(connection, reply, error);
	if (is_alive(connection))
		connection->handler.on_ready(connection->handler.context);
}

static int say(struct redis_connection *connection, const struct bytes *words, size_t count,
	       void (*on_reply)(void *context, const struct redisReply *reply, const struct redis_error *error))
{
	const struct redis_command command = {words, count, on_reply, connection, 0};
	return send_pending(connection, &command, connection->setup_until_ms);
}

static int set_up(struct redis_connection *connection)
{
	char database[16];
	int result = 0;
	const struct bytes user = bytes_from(connection->user), password = bytes_from(connection->password);
	const struct bytes auth[] = {BYTES_LITERAL("AUTH"), user.size ? user : password, password};
	const size_t database_size = (size_t)snprintf(database, sizeof(database), "%u", connection->database);
	const struct bytes select[] = {BYTES_LITERAL("SELECT"), {database, database_size}};
	const struct bytes name[] = {BYTES_LITERAL("CLIENT"), BYTES_LITERAL("SETNAME"), bytes_from(connection->name)};
	const struct bytes role[] = {BYTES_LITERAL("ROLE")}, ping[] = {BYTES_LITERAL("PING")};
	if (password.size > 0)
		result = say(connection, auth, user.size ? 3 : 2, on_setup_ok);
	if (result == 0 && connection->database != 0)
		result = say(connection, select, ARRAY_SIZE(select), on_setup_ok);
	if (result == 0 && connection->name[0] != '\0')
		result = say(connection, name, ARRAY_SIZE(name), on_setup_name);
	if (result == 0 && connection->must_be_master)
		result = say(connection, role, ARRAY_SIZE(role), on_setup_role);
	connection->ping.sent_boot_ms = clock_boot_ms();
	connection->ping.sent_ms = loop_now_ms(connection->loop);
	return result != 0 ? result : say(connection, ping, ARRAY_SIZE(ping), on_setup_pong);
}

static void on_open(void *context)
{
	struct redis_connection *connection = context;
	enter(connection);
	connection->state = STATE_SETUP;
	const int result = set_up(connection);
	if (result != 0)
		fail(connection, result, "%s", strerror(-result));
	leave(connection);
}

static void on_stream_end(void *context, int code, const char *why)
{
	fail(context, code, "%s", why);
}

// ---------------------------------------------------------------- opening

static int copy_text(char *to, size_t size, const char *text)
{
	const size_t length = text ? strlen(text) : 0;
	if (length >= size)
		return -EINVAL;
	memcpy(to, length ? text : "", length + 1);
	return 0;
}

static uint32_t or_default(uint32_t value, uint32_t preset)
{
	return value != 0 ? value : preset;
}

static int take_settings(struct redis_connection *connection, const struct redis_connection_settings *settings)
{
	if (copy_text(connection->user, USER_SIZE, settings->user) != 0 ||
	    copy_text(connection->password, PASSWORD_SIZE, settings->password) != 0 ||
	    copy_text(connection->name, NAME_SIZE, settings->name) != 0)
		return -EINVAL;
	connection->database = settings->database;
	connection->must_be_master = settings->must_be_master;
	connection->command_timeout_ms = or_default(settings->command_timeout_ms, REDIS_TIMEOUT_DEFAULT_MS);
	connection->ping_interval_ms = or_default(settings->ping_interval_ms, REDIS_PING_INTERVAL_DEFAULT_MS);
	return 0;
}

static int open_stream(struct redis_connection *connection, const struct redis_connection_settings *settings)
{
	const uint32_t open_timeout_ms = or_default(settings->connect_timeout_ms, REDIS_CONNECT_TIMEOUT_DEFAULT_MS);
	const struct dial_target target = {
		.unix_path = settings->unix_path,
		.host = settings->host,
		.port = settings->port,
		.tls = settings->tls,
		.open_timeout_ms = open_timeout_ms,
		.user_timeout_ms = connection->command_timeout_ms,
		.output_max = REDIS_OUTPUT_MAX,
	};
	const struct dial_handler handler = {on_open, on_input, on_stream_end, connection};
	connection->setup_until_ms = loop_now_ms(connection->loop) + open_timeout_ms;
	return dial_open(connection->loop, &target, &handler, &connection->dial);
}

int redis_connection_open(struct loop *loop, const struct redis_connection_settings *settings,
			  const struct redis_connection_handler *handler, struct redis_connection **ret_connection)
{
	struct redis_connection *connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return -ENOMEM;
	connection->loop = loop;
	connection->handler = *handler;
	const size_t reply_size_max = settings->reply_size_max ? settings->reply_size_max : REDIS_REPLY_SIZE_MAX;
	int result = redis_reader_init(&connection->reader, reply_size_max, REDIS_REPLY_OBJECTS_MAX);
	if (result == 0)
		result = loop_timer_create(loop, on_timer, connection, &connection->timer);
	if (result == 0)
		result = take_settings(connection, settings);
	if (result == 0)
		result = open_stream(connection, settings);
	if (result != 0) {
		destroy(connection);
		return result;
	}
	*ret_connection = connection;
	return 0;
}
