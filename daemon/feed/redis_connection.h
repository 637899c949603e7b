// SPDX-License-Identifier: Apache-2.0
// One connection to one Redis server: commands out, answers in, in order. Reads with hiredis' reader, over a stream of
// daemon/net. Reconnecting and how long to wait before it are the owner's.
//
//     CONNECTING ──AUTH, SELECT, CLIENT SETNAME, (ROLE,) PING answered──> READY ──redis_connection_subscribe()──> the
//     same
//          └───────────────────────── any error ─────────────────────────────┴──> ENDED: on_end()
//
// Everything happens on the loop's thread. Nothing that a server sends ends the process.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "daemon/feed/redis_error.h"
#include "daemon/net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_connection;
struct redisReply; // of hiredis
struct tls_context;

enum {
	REDIS_PENDING_MAX = 1024,                // commands not answered yet
	REDIS_OUTPUT_MAX = 64 * 1024 * 1024,     // bytes not sent yet
	REDIS_REPLY_SIZE_MAX = 32 * 1024 * 1024, // of one answer
	REDIS_REPLY_OBJECTS_MAX = 1024 * 1024,   // of one answer
	REDIS_ARGUMENTS_MAX = 32,
	REDIS_CHANNELS_MAX = 8,
	REDIS_CONNECT_TIMEOUT_DEFAULT_MS = 2000,
	REDIS_TIMEOUT_DEFAULT_MS = 5000,
	REDIS_PING_INTERVAL_DEFAULT_MS = 1000,
};

// Texts are copied; NULL and empty mean the same.
struct redis_connection_settings {
	const char *unix_path; // or host and port
	const char *host;
	uint16_t port;
	struct tls_context *tls; // not NULL: TLS, and the certificate must be of `host`. Must outlive the connection
	const char *user;
	const char *password;
	uint32_t database;
	const char *name;            // what CLIENT LIST shows
	bool must_be_master;         // ROLE is asked; anything else is -EROFS
	uint32_t connect_timeout_ms; // resolving, connecting, TLS and what is said first; 0: the default
	uint32_t command_timeout_ms; // 0: the default
	// PING after so long without a command; of a subscriber always so often. 0: the default.
	uint32_t ping_interval_ms;
	size_t reply_size_max; // bytes of one answer; 0: REDIS_REPLY_SIZE_MAX
};

// Any of them may call redis_connection_close(); nothing is called afterwards.
struct redis_connection_handler {
	void (*on_ready)(void *context);
	// Once, unless the owner closed it before: the connection is dead, what was pending was told already. It still
	// has to be closed.
	void (*on_end)(void *context, const struct redis_error *error);
	// A message of a channel subscribed to; NULL if nothing is subscribed.
	void (*on_message)(void *context, struct bytes channel, struct bytes payload);
	void *context;
};

// Never calls back before it returns. -ENOMEM, -EINVAL (a path too long); everything else comes by on_end().
MUST_CHECK int redis_connection_open(struct loop *loop, const struct redis_connection_settings *settings,
				     const struct redis_connection_handler *handler,
				     struct redis_connection **ret_connection);
// Closes at once, without any callback, also of what is pending. NULL is fine. The memory goes with a later turn.
void redis_connection_close(struct redis_connection *connection);
// Ends it as any error does: what is pending is told, then on_end(). For an answer that its reader does not understand.
void redis_connection_fail(struct redis_connection *connection, const struct redis_error *error);

struct redis_command {
	const struct bytes *arguments; // the name first
	size_t arguments_count;
	// Exactly one of reply and error is not NULL. Both are gone after the call. A reply is never an error reply at
	// its top; inside an array it may be.
	void (*on_reply)(void *context, const struct redisReply *reply, const struct redis_error *error);
	void *context;
	uint32_t timeout_ms; // 0: of the settings
};

// Commands of one turn of the loop travel together. -ENOTCONN: not ready (any more), or a subscriber; -ENOBUFS: too
// much is pending; -ENOMEM. on_reply() is not called then.
MUST_CHECK int redis_connection_send(struct redis_connection *connection, const struct redis_command *command);
// Makes it a subscriber: once, with nothing pending; no other command afterwards. on_subscribed() when Redis has
// confirmed every channel. Errors as above.
MUST_CHECK int redis_connection_subscribe(struct redis_connection *connection, const struct bytes *channels,
					  size_t channels_count, void (*on_subscribed)(void *context), void *context);

bool redis_connection_is_ready(const struct redis_connection *connection);
// Commands not answered yet, PINGs of the connection's own included.
size_t redis_connection_pending(const struct redis_connection *connection);
// When the last PING that was answered was sent, in ms of clock_boot_ms(); 0: none yet. Redis answers in order:
// whatever arrives after that answer was published after that PING was sent.
uint64_t redis_connection_answered_ping_ms(const struct redis_connection *connection);
