// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_finder.h"

#include "daemon/feed/redis_connection.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

enum { SENTINEL_TIMEOUT_MS = 2000, SENTINEL_REPLY_MAX = 128 * 1024 };

struct redis_finder {
	struct loop *loop;
	struct redis_url url;
	struct tls_context *tls;
	struct loop_timer *timer; // what is known, or wrong, at once is told in a later turn
	void (*on_found)(void *context, const struct redis_found *found, const struct redis_error *error);
	void *context;
	// Sentinel: one is asked at a time. The next ask starts behind the last one that answered, so that one that
	// does not know of a new master yet is not the only one believed.
	struct redis_connection *connection;
	uint32_t asked;   // index
	uint32_t tries;   // sentinels left to ask
	bool is_password; // it wanted one
	struct redis_error error;
	struct redis_endpoint master;
};

static void ask_sentinel(struct redis_finder *finder);

static void hang_up(struct redis_finder *finder)
{
	redis_connection_close(finder->connection);
	finder->connection = NULL;
}

// The last thing that touches the finder: it may be gone afterwards.
static void tell(struct redis_finder *finder, const struct redis_found *found)
{
	finder->on_found(finder->context, found, found != NULL ? NULL : &finder->error);
}

static void move_on(struct redis_finder *finder)
{
	hang_up(finder);
	finder->asked = (finder->asked + 1) % finder->url.endpoints_count;
	finder->is_password = false;
	finder->tries--;
}

static void try_next(struct redis_finder *finder, const struct redis_error *error)
{
	const struct redis_endpoint *endpoint = &finder->url.endpoints[finder->asked];
	redis_error_set(&finder->error, error->code, "sentinel %.100s:%u: %.120s", endpoint->host, endpoint->port,
			error->text);
	move_on(finder);
	if (finder->tries > 0)
		ask_sentinel(finder);
	else
		tell(finder, NULL);
}

// ---------------------------------------------------------------- one sentinel

static bool take_port(const redisReply *reply, uint16_t *ret_port)
{
	char *end;
	const long port = strtol(reply->str, &end, 10);
	if (reply->len == 0 || *end != '\0' || port < 1 || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

// {host, port} as texts.
static bool take_master(const redisReply *reply, struct redis_endpoint *master)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return false;
	const redisReply *host = reply->element[0], *port = reply->element[1];
	if (host->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING || host->len == 0 ||
	    host->len >= sizeof(master->host) || memchr(host->str, '\0', host->len) != NULL)
		return false;
	memcpy(master->host, host->str, host->len + 1);
	return take_port(port, &master->port);
}

static void on_reply(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct redis_finder *finder = context;
	struct redis_error wrong;
	// Without an answer the connection is at its end, which comes next.
	if (error != NULL && !redis_connection_is_ready(finder->connection))
		return;
	if (error != NULL) {
		try_next(finder, error);
	} else if (reply->type == REDIS_REPLY_NIL) {
		redis_error_set(&wrong, -ENOENT, "it knows no master named %.64s", finder->url.master);
		try_next(finder, &wrong);
	} else if (!take_master(reply, &finder->master)) {
		redis_error_set(&wrong, -EPROTO, "it named a master that is no address");
		try_next(finder, &wrong);
	} else {
		const struct redis_found found = {
			.unix_path = "",
			.host = finder->master.host,
			.port = finder->master.port,
			.is_from_sentinel = true,
		};
		move_on(finder);
		tell(finder, &found);
	}
}

static void on_ready(void *context)
{
	struct redis_finder *finder = context;
	const struct bytes arguments[] = {BYTES_LITERAL("SENTINEL"), BYTES_LITERAL("get-master-addr-by-name"),
					  bytes_from(finder->url.master)};
	const struct redis_command command = {arguments, ARRAY_SIZE(arguments), on_reply, finder, SENTINEL_TIMEOUT_MS};
	const int result = redis_connection_send(finder->connection, &command);
	if (result != 0) {
		struct redis_error error;
		redis_error_set(&error, result, "%s", strerror(-result));
		try_next(finder, &error);
	}
}

static void on_end(void *context, const struct redis_error *error)
{
	struct redis_finder *finder = context;
	if (error->code == -ENOKEY && !finder->is_password && finder->url.password[0] != '\0') {
		hang_up(finder);
		finder->is_password = true;
		ask_sentinel(finder);
		return;
	}
	try_next(finder, error);
}

static void ask_sentinel(struct redis_finder *finder)
{
	const struct redis_endpoint *endpoint = &finder->url.endpoints[finder->asked];
	const struct redis_connection_settings settings = {
		.host = endpoint->host,
		.port = endpoint->port,
		.tls = finder->tls,
		.user = finder->is_password ? finder->url.user : NULL,
		.password = finder->is_password ? finder->url.password : NULL,
		.connect_timeout_ms = SENTINEL_TIMEOUT_MS,
		.command_timeout_ms = SENTINEL_TIMEOUT_MS,
		.reply_size_max = SENTINEL_REPLY_MAX,
	};
	const struct redis_connection_handler handler = {on_ready, on_end, NULL, finder};
	const int result = redis_connection_open(finder->loop, &settings, &handler, &finder->connection);
	if (result != 0) {
		// Nothing is tried further without memory.
		finder->connection = NULL;
		redis_error_set(&finder->error, result, "%s", strerror(-result));
		loop_timer_start(finder->timer, 0);
	}
}

// ---------------------------------------------------------------- life

static void on_timer(void *context)
{
	struct redis_finder *finder = context;
	if (finder->url.master[0] != '\0') {
		tell(finder, NULL);
		return;
	}
	const struct redis_found found = {
		.unix_path = finder->url.unix_path,
		.host = finder->url.endpoints[0].host,
		.port = finder->url.endpoints[0].port,
	};
	tell(finder, &found);
}

int redis_finder_create(struct loop *loop, const struct redis_url *url, struct tls_context *tls,
			struct redis_finder **ret_finder)
{
	struct redis_finder *finder = calloc(1, sizeof(*finder));
	if (finder == NULL)
		return -ENOMEM;
	finder->loop = loop;
	finder->url = *url;
	finder->tls = tls;
	const int result = loop_timer_create(loop, on_timer, finder, &finder->timer);
	if (result != 0) {
		free(finder);
		return result;
	}
	*ret_finder = finder;
	return 0;
}

void redis_finder_destroy(struct redis_finder *finder)
{
	if (finder == NULL)
		return;
	hang_up(finder);
	loop_timer_destroy(finder->timer);
	explicit_bzero(finder->url.password, sizeof(finder->url.password));
	free(finder);
}

void redis_finder_ask(struct redis_finder *finder,
		      void (*on_found)(void *context, const struct redis_found *found, const struct redis_error *error),
		      void *context)
{
	finder->on_found = on_found;
	finder->context = context;
	if (finder->url.master[0] == '\0') {
		loop_timer_start(finder->timer, 0);
		return;
	}
	finder->tries = finder->url.endpoints_count;
	finder->is_password = false;
	ask_sentinel(finder);
}
