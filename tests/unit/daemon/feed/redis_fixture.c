// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/feed/redis_fixture.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64, PATIENCE_MS = 20000 };

// ---------------------------------------------------------------- servers

uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

__attribute__((noreturn)) static void exec_redis(const char *const *arguments)
{
	// However the test ends, its servers end with it.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const int log = open("server.log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execvp("redis-server", (char *const *)arguments);
	_exit(127);
}

static redisContext *connect_once(const struct redis_server *server)
{
	redisContext *context = redisConnectUnix(server->socket);
	if (context != NULL && context->err != 0) {
		redisFree(context);
		context = NULL;
	}
	return context;
}

// It writes to its log when it has begun to listen, or says there why it does not.
static void await_change(int changes)
{
	struct pollfd pollfd = {.fd = changes, .events = POLLIN};
	char events[4096];
	ck_assert_msg(poll(&pollfd, 1, PATIENCE_MS) == 1, "redis-server did not start");
	ck_assert_int_gt(read(changes, events, sizeof(events)), 0);
}

static void await_start(struct redis_server *server, int changes)
{
	redisContext *context;
	while ((context = connect_once(server)) == NULL) {
		ck_assert_int_eq(waitpid(server->pid, NULL, WNOHANG), 0);
		await_change(changes);
	}
	redisFree(context);
}

// Of the files in its folder: an inotify(7).
static int watch_folder(const struct redis_server *server)
{
	const int changes = inotify_init1(IN_CLOEXEC);
	ck_assert_int_ge(changes, 0);
	ck_assert_int_ge(inotify_add_watch(changes, server->folder, IN_MODIFY | IN_CREATE), 0);
	return changes;
}

static void make_folder(struct redis_server *server)
{
	if (server->folder[0] != '\0')
		return;
	strcpy(server->folder, "/tmp/evauth-redis-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(server->folder));
	snprintf(server->socket, sizeof(server->socket), "%s/socket", server->folder);
	server->port = free_port();
}

void redis_server_start_with(struct redis_server *server, const char *config, const char *const *arguments)
{
	char port[8], path[96];
	const char *all[ARGUMENTS_MAX] = {"redis-server"};
	int count = 1;
	make_folder(server);
	snprintf(port, sizeof(port), "%u", server->port);
	snprintf(path, sizeof(path), "%s/redis.conf", server->folder);
	if (config != NULL) {
		FILE *file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		fputs(config, file);
		fclose(file);
		all[count++] = path;
	}
	const char *const usual[] = {"--port",
				     port,
				     "--bind",
				     "127.0.0.1",
				     "--unixsocket",
				     server->socket,
				     "--dir",
				     server->folder,
				     "--save",
				     "",
				     "--daemonize",
				     "no",
				     "--enable-debug-command",
				     "yes",
				     "--shutdown-timeout",
				     "0"};
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		all[count++] = usual[i];
	for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++)
		all[count++] = arguments[i];
	const int changes = watch_folder(server);
	server->pid = fork();
	ck_assert_int_ge(server->pid, 0);
	if (server->pid == 0) {
		if (chdir(server->folder) == 0)
			exec_redis(all);
		_exit(126);
	}
	await_start(server, changes);
	close(changes);
}

void redis_server_start(struct redis_server *server, const char *const *arguments)
{
	redis_server_start_with(server, NULL, arguments);
}

void redis_server_kill(struct redis_server *server)
{
	kill(server->pid, SIGCONT);
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	unlink(server->socket);
}

void redis_server_stop(struct redis_server *server)
{
	char command[128];
	redis_server_kill(server);
	snprintf(command, sizeof(command), "rm -rf '%s'", server->folder);
	ck_assert_int_eq(system(command), 0);
}

static redisReply *ask(struct redis_server *server, const char *format, va_list arguments)
{
	redisContext *context = connect_once(server);
	ck_assert_ptr_nonnull(context);
	redisReply *reply = redisvCommand(context, format, arguments);
	ck_assert_msg(reply != NULL, "%s", context->errstr);
	redisFree(context);
	return reply;
}

redisReply *redis_server_ask(struct redis_server *server, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	redisReply *reply = ask(server, format, arguments);
	va_end(arguments);
	return reply;
}

long long redis_server_do(struct redis_server *server, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	redisReply *reply = ask(server, format, arguments);
	va_end(arguments);
	ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s: %s", format, reply->str);
	const long long integer = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	freeReplyObject(reply);
	return integer;
}

void redis_server_await(struct redis_server *server, const char *command, const char *text)
{
	const uint64_t end = clock_monotonic_ms() + PATIENCE_MS;
	for (bool is_there = false; !is_there;) {
		redisReply *reply = redis_server_ask(server, command);
		is_there = reply->str != NULL && strstr(reply->str, text) != NULL;
		freeReplyObject(reply);
		ck_assert_msg(clock_monotonic_ms() < end, "waited in vain for %s", text);
		if (!is_there)
			usleep(2000); // Redis tells nobody of what is waited for here: it is asked again
	}
}

// ---------------------------------------------------------------- strange servers

struct strange {
	struct bytes first, text;
	enum strange_end end;
};

__attribute__((noreturn)) static void be_strange(int listener, const struct strange *strange)
{
	char buffer[64 * 1024];
	const struct linger at_once = {.l_onoff = 1};
	const struct bytes text = strange->text;
	const enum strange_end end = strange->end;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const int fd = accept(listener, NULL, NULL);
	ssize_t size = read(fd, buffer, sizeof(buffer));
	if (size > 0 && strange->first.size > 0 && write(fd, strange->first.data, strange->first.size) > 0)
		size = read(fd, buffer, sizeof(buffer));
	if (size > 0 && text.size > 0)
		size = write(fd, text.data, text.size);
	if (end == STRANGE_RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	memset(buffer, 'x', sizeof(buffer));
	while (end == STRANGE_FLOODS && size > 0)
		size = send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL);
	while (end == STRANGE_DRIPS && size > 0) {
		size = send(fd, buffer, 1, MSG_NOSIGNAL);
		usleep(200); // slowness is what it is strange for
	}
	while (end == STRANGE_STAYS)
		pause();
	close(fd);
	_exit(0);
}

static uint16_t start_strange(const struct strange *strange)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	const pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_strange(listener, strange);
	close(listener);
	return ntohs(address.sin_port);
}

uint16_t strange_server_start(struct bytes text, enum strange_end end)
{
	return start_strange(&(struct strange){.text = text, .end = end});
}

uint16_t strange_subscription_start(struct bytes text)
{
	return start_strange(
		&(struct strange){.first = BYTES_LITERAL("+PONG\r\n"), .text = text, .end = STRANGE_STAYS});
}

// ---------------------------------------------------------------- the loop

struct waiting {
	struct loop *loop;
	const bool *condition;
	const int *count;
	int wanted;
	bool is_late;
};

static bool is_met(const struct waiting *waiting)
{
	return waiting->condition ? *waiting->condition : *waiting->count >= waiting->wanted;
}

static void stop_when_met(void *context)
{
	struct waiting *waiting = context;
	if (is_met(waiting))
		loop_stop(waiting->loop);
}

static void on_late(void *context)
{
	struct waiting *waiting = context;
	waiting->is_late = true;
	loop_stop(waiting->loop);
}

static void wait_for(struct waiting *waiting)
{
	struct loop_timer *timer;
	const struct loop_hooks hooks = {.on_turn_end = stop_when_met, .context = waiting};
	if (is_met(waiting))
		return;
	ck_assert_int_eq(loop_timer_create(waiting->loop, on_late, waiting, &timer), 0);
	loop_timer_start(timer, PATIENCE_MS);
	loop_set_hooks(waiting->loop, &hooks);
	// A stop may be for another condition's sake: that of a turn that was over already.
	while (!is_met(waiting) && !waiting->is_late)
		loop_run(waiting->loop);
	loop_set_hooks(waiting->loop, &(struct loop_hooks){0});
	loop_timer_destroy(timer);
	ck_assert_msg(!waiting->is_late, "waited in vain");
}

void run_until(struct loop *loop, const bool *condition)
{
	struct waiting waiting = {.loop = loop, .condition = condition};
	wait_for(&waiting);
}

void run_until_count(struct loop *loop, const int *count, int wanted)
{
	struct waiting waiting = {.loop = loop, .count = count, .wanted = wanted};
	wait_for(&waiting);
}

static void set_true(void *context)
{
	*(bool *)context = true;
}

void redis_client_wait(struct redis_client *client, uint64_t time_ms)
{
	struct loop_timer *timer;
	bool is_over = false;
	ck_assert_int_eq(loop_timer_create(client->loop, set_true, &is_over, &timer), 0);
	loop_timer_start(timer, time_ms);
	run_until(client->loop, &is_over);
	loop_timer_destroy(timer);
}

// ---------------------------------------------------------------- a client

static void on_ready(void *context)
{
	struct redis_client *client = context;
	client->is_ready = true;
}

static void on_end(void *context, const struct redis_error *error)
{
	struct redis_client *client = context;
	ck_assert(!client->has_ended);
	client->has_ended = client->is_ready = true;
	client->error = *error;
}

static void on_message(void *context, struct bytes channel, struct bytes payload)
{
	struct redis_client *client = context;
	client->messages++;
	snprintf(client->channel, sizeof(client->channel), "%.*s", BYTES_ARG(channel));
	snprintf(client->message, sizeof(client->message), "%.*s", BYTES_ARG(payload));
}

void redis_client_open(struct redis_client *client, const struct redis_connection_settings *settings)
{
	const struct redis_connection_handler handler = {on_ready, on_end, on_message, client};
	*client = (struct redis_client){0};
	ck_assert_int_eq(loop_create(&client->loop), 0);
	ck_assert_int_eq(redis_connection_open(client->loop, settings, &handler, &client->connection), 0);
	ck_assert(!client->is_ready);
}

void redis_client_open_socket(struct redis_client *client, const struct redis_server *server)
{
	const struct redis_connection_settings settings = {.unix_path = server->socket, .name = "test"};
	redis_client_open(client, &settings);
	ck_assert_int_eq(redis_client_await_ready(client), 0);
}

void redis_client_close(struct redis_client *client)
{
	redis_connection_close(client->connection);
	loop_destroy(client->loop);
}

int redis_client_await_ready(struct redis_client *client)
{
	run_until(client->loop, &client->is_ready);
	return client->has_ended ? client->error.code : 0;
}

int redis_client_await_end(struct redis_client *client)
{
	run_until(client->loop, &client->has_ended);
	return client->error.code;
}

static void on_subscribed(void *context)
{
	((struct redis_client *)context)->is_subscribed = true;
}

void redis_client_subscribe(struct redis_client *client, const struct bytes *channels, size_t count)
{
	ck_assert_int_eq(redis_connection_subscribe(client->connection, channels, count, on_subscribed, client), 0);
	run_until(client->loop, &client->is_subscribed);
}

static void on_reply(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct redis_client *client = context;
	ck_assert((reply == NULL) == (error != NULL));
	client->replies++;
	if (error != NULL) {
		client->errors++;
		client->reply_error = *error;
		return;
	}
	client->reply_type = reply->type;
	client->reply_integer = reply->integer;
	snprintf(client->reply_text, sizeof(client->reply_text), "%.*s", (int)reply->len, reply->str ? reply->str : "");
}

void redis_client_send(struct redis_client *client, const char *words)
{
	struct bytes arguments[REDIS_ARGUMENTS_MAX];
	struct redis_command command = {arguments, 0, on_reply, client, 0};
	char *copy = strdup(words), *rest = copy, *word;
	while ((word = strsep(&rest, " ")) != NULL)
		arguments[command.arguments_count++] = bytes_from(word);
	ck_assert_int_eq(redis_connection_send(client->connection, &command), 0);
	free(copy);
}

void redis_client_do(struct redis_client *client, const char *words)
{
	const int before = client->replies;
	redis_client_send(client, words);
	run_until_count(client->loop, &client->replies, before + 1);
}
