// SPDX-License-Identifier: Apache-2.0
// Real redis-server processes in a temporary folder, and a loop that runs until something is true.
#pragma once

#include "daemon/feed/redis_connection.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// ---------------------------------------------------------------- servers

struct redis_server {
	pid_t pid;
	char folder[64];
	char socket[96];
	uint16_t port; // of 127.0.0.1
};

// Starts redis-server with `arguments` (NULL at the end, or NULL) behind those that every one gets; it is killed with
// the test. Returns when it takes connections.
void redis_server_start(struct redis_server *server, const char *const *arguments);
// The same program with a configuration file, e.g. {"--sentinel", NULL}.
void redis_server_start_with(struct redis_server *server, const char *config, const char *const *arguments);
// SIGKILL; the folder stays: it may be started again.
void redis_server_kill(struct redis_server *server);
void redis_server_stop(struct redis_server *server);
uint16_t free_port(void);
// Runs a command through hiredis, by the Unix socket; fails the test if it is answered by an error. Frees nothing that
// the caller needs: the integer, or 0.
PRINTF_LIKE(2, 3) long long redis_server_do(struct redis_server *server, const char *format, ...);
// The reply is the caller's.
PRINTF_LIKE(2, 3) redisReply *redis_server_ask(struct redis_server *server, const char *format, ...);

// Until the answer to `command` has `text` in it.
void redis_server_await(struct redis_server *server, const char *command, const char *text);

// What a server does that is none, to one connection: it reads what comes first, says `text`, then...
enum strange_end {
	STRANGE_STAYS,
	STRANGE_CLOSES,
	STRANGE_RESETS,
	STRANGE_FLOODS, // ... sends bytes without end
	STRANGE_DRIPS,  // ... one at a time
};
// In a process of its own, which ends with the test; returns its port.
uint16_t strange_server_start(struct bytes text, enum strange_end end);
// One that answers the PING of a new connection, and SUBSCRIBE with `text`.
uint16_t strange_subscription_start(struct bytes text);

// ---------------------------------------------------------------- a client

// What became of one connection.
struct redis_client {
	struct loop *loop;
	struct redis_connection *connection;
	bool is_ready, has_ended, is_subscribed;
	struct redis_error error;
	int replies;
	int errors;
	int reply_type;
	long long reply_integer;
	char reply_text[256];
	struct redis_error reply_error;
	int messages;
	char message[256];
	char channel[64];
};

void redis_client_open(struct redis_client *client, const struct redis_connection_settings *settings);
void redis_client_open_socket(struct redis_client *client, const struct redis_server *server);
void redis_client_close(struct redis_client *client);
// Runs the loop until *condition, at most 20 s; fails the test after that.
void run_until(struct loop *loop, const bool *condition);
void run_until_count(struct loop *loop, const int *count, int wanted);
// Until on_ready() or on_end(); returns the error's code or 0.
int redis_client_await_ready(struct redis_client *client);
int redis_client_await_end(struct redis_client *client);
// Returns when all are confirmed.
void redis_client_subscribe(struct redis_client *client, const struct bytes *channels, size_t count);
// Runs the loop for so long.
void redis_client_wait(struct redis_client *client, uint64_t time_ms);
// Sends words separated by blanks; waits for the answer when `wait`.
void redis_client_send(struct redis_client *client, const char *words);
void redis_client_do(struct redis_client *client, const char *words);
