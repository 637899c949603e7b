// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/dial.h"

#include "daemon/net/address.h"
#include "daemon/net/loop_internal.h"
#include "tls/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	SCRATCH_SIZE = 64 * 1024,
	HOST_SIZE = 256,
	PLAIN_SIZE = 16 * 1024, // a TLS record
	OUTPUT_KEPT_MAX = 256 * 1024,
	KEEPALIVE_IDLE_S = 15,
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_COUNT = 3,
};

enum dial_state {
	STREAM_STARTING, // nothing happened yet: the next turn begins
	STREAM_RESOLVING,
	STREAM_CONNECTING,
	STREAM_HANDSHAKING, // TLS
	STREAM_OPEN,
	STREAM_DEAD, // on_end() was called
};

// Outlives the dial when that is closed: libuv lets go of a handle or a request in a later turn.
struct dial_socket {
	uv_poll_t poll;
	int fd;
	struct dial *dial;
};

struct dial_lookup {
	uv_getaddrinfo_t request;
	struct dial *dial; // NULL: nobody waits any more
};

struct dial {
	struct loop *loop;
	struct dial_handler handler;
	enum dial_state state;
	bool is_closed; // by the owner
	char host[HOST_SIZE];
	uint16_t port;
	struct tls_context *tls;
	uint32_t open_timeout_ms, user_timeout_ms;
	size_t output_max;
	uint64_t open_until_ms;
	struct loop_timer *timer; // runs while opening
	uv_idle_t idle;           // active while there is something to do in the next turn: start, or send
	struct dial_lookup *lookup;
	size_t addresses_count, addresses_next;
	struct address addresses[ADDRESS_RESOLVED_MAX];
	struct dial_socket *socket;
	struct tls_engine *engine;
	char *output;
	size_t output_start, output_size, output_capacity;
	char *scratch;
};

// ---------------------------------------------------------------- the end

static void on_socket_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void drop_socket(struct dial *dial)
{
	struct dial_socket *socket = dial->socket;
	if (socket == NULL)
		return;
	dial->socket = NULL;
	uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
	close(socket->fd);
}

static void drop_lookup(struct dial *dial)
{
	if (dial->lookup != NULL) {
		dial->lookup->dial = NULL;
		(void)uv_cancel((uv_req_t *)&dial->lookup->request); // fails when it is running: it ends by itself
		dial->lookup = NULL;
	}
}

static void stop(struct dial *dial)
{
	loop_timer_stop(dial->timer);
	uv_idle_stop(&dial->idle);
	drop_lookup(dial);
	drop_socket(dial);
}

static void end(struct dial *dial, int error, const char *why)
{
	if (dial->state == STREAM_DEAD || dial->is_closed)
		return;
	dial->state = STREAM_DEAD;
	stop(dial);
	dial->handler.on_end(dial->handler.context, error, why);
}

static void end_by_system(struct dial *dial, int error)
{
	end(dial, error, strerror(-error));
}

static void on_idle_closed(uv_handle_t *handle)
{
	struct dial *dial = handle->data;
	tls_engine_destroy(dial->engine);
	free(dial->output);
	free(dial->scratch);
	free(dial);
}

void dial_close(struct dial *dial)
{
	if (dial == NULL || dial->is_closed)
		return;
	dial->is_closed = true;
	stop(dial);
	loop_timer_destroy(dial->timer);
	uv_close((uv_handle_t *)&dial->idle, on_idle_closed);
}

// ---------------------------------------------------------------- output

static int output_extend(struct dial *dial, size_t room)
{
	if (dial->output_start + dial->output_size + room <= dial->output_capacity)
		return 0;
	if (dial->output_start > 0) {
		memmove(dial->output, dial->output + dial->output_start, dial->output_size);
		dial->output_start = 0;
	}
	if (dial->output_size + room <= dial->output_capacity)
		return 0;
	size_t capacity = dial->output_capacity ? dial->output_capacity : 4096;
	while (capacity < dial->output_size + room)
		capacity *= 2;
	char *output = realloc(dial->output, capacity);
	if (output == NULL)
		return -ENOMEM;
	dial->output = output;
	dial->output_capacity = capacity;
	return 0;
}

static void output_drop_sent(struct dial *dial, size_t sent)
{
	dial->output_start += sent;
	dial->output_size -= sent;
	if (dial->output_size > 0)
		return;
	dial->output_start = 0;
	if (dial->output_capacity > OUTPUT_KEPT_MAX) {
		free(dial->output);
		dial->output = NULL;
		dial->output_capacity = 0;
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);

static int watch(struct dial *dial)
{
	const int events =
		dial->state == STREAM_CONNECTING ? UV_WRITABLE : UV_READABLE | (dial->output_size ? UV_WRITABLE : 0);
	return loop_error(uv_poll_start(&dial->socket->poll, events, on_poll));
}

static void flush(struct dial *dial)
{
	while (dial->output_size > 0) {
		const ssize_t sent = send(dial->socket->fd, dial->output + dial->output_start, dial->output_size,
					  MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		// Of an error, too, the reading tells: behind what the peer said before it went away.
		if (sent < 0)
			break;
		output_drop_sent(dial, (size_t)sent);
	}
	const int result = watch(dial);
	if (result != 0)
		end_by_system(dial, result);
}

// What the engine has for the socket. -ENOMEM.
static int take_encrypted(struct dial *dial)
{
	for (;;) {
		int result = output_extend(dial, PLAIN_SIZE);
		if (result != 0)
			return result;
		const size_t size = tls_engine_send(dial->engine, dial->output + dial->output_start + dial->output_size,
						    PLAIN_SIZE);
		if (size == 0)
			return 0;
		dial->output_size += size;
	}
}

int dial_write(struct dial *dial, struct bytes output)
{
	if (dial->state != STREAM_OPEN || dial->is_closed)
		return -ENOTCONN;
	if (output.size > dial->output_max || dial->output_size > dial->output_max - output.size)
		return -ENOBUFS;
	int result;
	if (dial->engine != NULL) {
		result = tls_engine_write(dial->engine, output);
		if (result == 0)
			result = take_encrypted(dial);
	} else {
		result = output_extend(dial, output.size);
		if (result == 0 && output.size > 0) {
			memcpy(dial->output + dial->output_start + dial->output_size, output.data, output.size);
			dial->output_size += output.size;
		}
	}
	if (result == 0 && dial->output_size > 0)
		uv_idle_start(&dial->idle, on_idle);
	return result;
}

// ---------------------------------------------------------------- input

static void open_stream(struct dial *dial)
{
	dial->state = STREAM_OPEN;
	loop_timer_stop(dial->timer);
	dial->handler.on_open(dial->handler.context);
}

static bool is_alive(const struct dial *dial)
{
	return !dial->is_closed && dial->state != STREAM_DEAD;
}

static void on_encrypted(struct dial *dial, struct bytes input)
{
	char plain[PLAIN_SIZE];
	const int received = tls_engine_receive(dial->engine, input);
	if (received == 0 && dial->state == STREAM_HANDSHAKING && tls_engine_is_open(dial->engine))
		open_stream(dial);
	ssize_t size = 0;
	while (is_alive(dial) && received == 0 && dial->state == STREAM_OPEN &&
	       (size = tls_engine_read(dial->engine, plain, sizeof(plain))) > 0)
		dial->handler.on_input(dial->handler.context, (struct bytes){plain, (size_t)size});
	if (!is_alive(dial))
		return;
	// Answers to a handshake, and the alert that says why it failed.
	const int result = take_encrypted(dial);
	flush(dial);
	if (received != 0 || size == -EBADMSG)
		end(dial, -EBADMSG, tls_engine_why(dial->engine));
	else if (size < 0)
		end(dial, (int)size, "closed by the peer");
	else if (result != 0)
		end_by_system(dial, result);
}

// Returns whether there may be more to read.
static bool receive(struct dial *dial)
{
	ssize_t size;
	do
		size = recv(dial->socket->fd, dial->scratch, SCRATCH_SIZE, MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return false;
	if (size <= 0) {
		if (size < 0)
			end_by_system(dial, -errno);
		else if (dial->state == STREAM_HANDSHAKING)
			end(dial, -EPIPE, "closed by the peer during the TLS handshake");
		else
			end(dial, -EPIPE, "closed by the peer");
		return false;
	}
	const struct bytes input = {dial->scratch, (size_t)size};
	if (dial->engine != NULL)
		on_encrypted(dial, input);
	else
		dial->handler.on_input(dial->handler.context, input);
	return is_alive(dial);
}

// ---------------------------------------------------------------- connecting

static void connect_next(struct dial *dial, int last_error);

static void set_socket_options(struct dial *dial)
{
	const int fd = dial->socket->fd, one = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S,
		  count = KEEPALIVE_COUNT;
	const unsigned int user_timeout = dial->user_timeout_ms;
	if (dial->host[0] == '/')
		return;
	// Each is a refinement: without it, the owner's own time-outs still hold.
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
}

static void start_handshake(struct dial *dial)
{
	dial->state = STREAM_HANDSHAKING;
	int result = tls_engine_create(dial->tls, dial->host, &dial->engine);
	if (result == 0)
		result = take_encrypted(dial);
	if (result != 0)
		end_by_system(dial, result);
	else
		flush(dial);
}

static void on_connected(struct dial *dial)
{
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(dial->socket->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		drop_socket(dial);
		connect_next(dial, -error);
		return;
	}
	loop_timer_stop(dial->timer);
	const uint64_t now = loop_now_ms(dial->loop);
	loop_timer_start(dial->timer, dial->open_until_ms > now ? dial->open_until_ms - now : 0);
	set_socket_options(dial);
	if (dial->tls != NULL) {
		start_handshake(dial);
		return;
	}
	dial->state = STREAM_OPEN;
	const int result = watch(dial);
	if (result != 0)
		end_by_system(dial, result);
	else
		open_stream(dial);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct dial *dial = ((struct dial_socket *)poll->data)->dial;
	if (dial->state == STREAM_CONNECTING) {
		on_connected(dial);
		return;
	}
	// libuv reports POLLERR as an error of its own and stops looking: what is wrong is told by the socket, behind
	// what can still be read.
	if (status < 0) {
		while (receive(dial))
			;
		if (is_alive(dial))
			end_by_system(dial, -ECONNRESET);
		return;
	}
	if (events & UV_WRITABLE)
		flush(dial);
	if (is_alive(dial) && (events & UV_READABLE))
		receive(dial);
}

// Also takes the descriptor when it fails.
static int adopt_socket(struct dial *dial, int fd)
{
	struct dial_socket *socket = calloc(1, sizeof(*socket));
	const int result = socket ? loop_error(uv_poll_init(&dial->loop->uv, &socket->poll, fd)) : -ENOMEM;
	if (result != 0) {
		free(socket);
		close(fd);
		return result;
	}
	socket->fd = fd;
	socket->dial = dial;
	socket->poll.data = socket;
	dial->socket = socket;
	return watch(dial);
}

static int connect_to(struct dial *dial, const struct address *address)
{
	const int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address->storage, address->size) != 0 && errno != EINPROGRESS) {
		// A Unix socket whose queue is full.
		const int error = errno == EAGAIN ? -ECONNREFUSED : -errno;
		close(fd);
		return error;
	}
	const int result = adopt_socket(dial, fd);
	if (result != 0)
		drop_socket(dial);
	return result;
}

// The next address gets its share of the time that is left.
static void connect_next(struct dial *dial, int last_error)
{
	dial->state = STREAM_CONNECTING;
	while (dial->addresses_next < dial->addresses_count) {
		const uint64_t now = loop_now_ms(dial->loop);
		const uint64_t left = dial->open_until_ms > now ? dial->open_until_ms - now : 0;
		loop_timer_start(dial->timer, left / (dial->addresses_count - dial->addresses_next));
		last_error = connect_to(dial, &dial->addresses[dial->addresses_next++]);
		if (last_error == 0)
			return;
	}
	end_by_system(dial, last_error);
}

static void on_timer(void *context)
{
	struct dial *dial = context;
	if (dial->state == STREAM_CONNECTING && dial->addresses_next < dial->addresses_count) {
		drop_socket(dial);
		connect_next(dial, -ETIMEDOUT);
		return;
	}
	static const char *const whys[] = {
		[STREAM_STARTING] = "no time was left",
		[STREAM_RESOLVING] = "looking up the host name took too long",
		[STREAM_CONNECTING] = "connecting took too long",
		[STREAM_HANDSHAKING] = "the TLS handshake took too long",
		[STREAM_OPEN] = "",
		[STREAM_DEAD] = "",
	};
	end(dial, -ETIMEDOUT, whys[dial->state]);
}

// ---------------------------------------------------------------- finding the host

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct dial_lookup *lookup = request->data;
	struct dial *dial = lookup->dial;
	free(lookup);
	if (dial != NULL) {
		dial->lookup = NULL;
		for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
			if ((info->ai_family != AF_INET && info->ai_family != AF_INET6) ||
			    dial->addresses_count == ADDRESS_RESOLVED_MAX)
				continue;
			struct address *address = &dial->addresses[dial->addresses_count++];
			memcpy(&address->storage, info->ai_addr, info->ai_addrlen);
			address->size = info->ai_addrlen;
			address_set_port(address, dial->port);
		}
	}
	uv_freeaddrinfo(list);
	if (dial == NULL)
		return;
	if (dial->addresses_count > 0)
		connect_next(dial, -ENXIO);
	else
		end(dial, -ENXIO, status < 0 ? uv_strerror(status) : "the host has no address");
}

static void resolve(struct dial *dial)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
	struct dial_lookup *lookup = calloc(1, sizeof(*lookup));
	int result = lookup ? 0 : -ENOMEM;
	dial->state = STREAM_RESOLVING;
	if (lookup != NULL) {
		lookup->dial = dial;
		lookup->request.data = lookup;
		result = uv_getaddrinfo(&dial->loop->uv, &lookup->request, on_resolved, dial->host, NULL, &hints);
	}
	if (result != 0) {
		free(lookup);
		end(dial, -ENXIO, uv_strerror(result));
		return;
	}
	dial->lookup = lookup;
}

// An address needs no look-up.
static bool take_numeric(struct dial *dial)
{
	struct address *address = &dial->addresses[0];
	if (uv_ip4_addr(dial->host, dial->port, (struct sockaddr_in *)&address->storage) == 0)
		address->size = sizeof(struct sockaddr_in);
	else if (uv_ip6_addr(dial->host, dial->port, (struct sockaddr_in6 *)&address->storage) == 0)
		address->size = sizeof(struct sockaddr_in6);
	else
		return false;
	dial->addresses_count = 1;
	return true;
}

static void start(struct dial *dial)
{
	dial->open_until_ms = loop_now_ms(dial->loop) + dial->open_timeout_ms;
	loop_timer_start(dial->timer, dial->open_timeout_ms);
	if (dial->addresses_count > 0 || take_numeric(dial))
		connect_next(dial, -ENXIO);
	else
		resolve(dial);
}

static void on_idle(uv_idle_t *idle)
{
	struct dial *dial = idle->data;
	uv_idle_stop(idle);
	if (dial->state == STREAM_STARTING)
		start(dial);
	else if (dial->state == STREAM_OPEN)
		flush(dial);
}

// ---------------------------------------------------------------- opening

static int take_unix_path(struct dial *dial, const char *path)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&dial->addresses[0].storage;
	if (strlen(path) >= sizeof(address->sun_path))
		return -EINVAL;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	dial->addresses[0].size = sizeof(*address);
	dial->addresses_count = 1;
	dial->host[0] = '/';
	return 0;
}

static int take_target(struct dial *dial, const struct dial_target *target)
{
	dial->tls = target->tls;
	dial->port = target->port;
	dial->open_timeout_ms = target->open_timeout_ms;
	dial->user_timeout_ms = target->user_timeout_ms;
	dial->output_max = target->output_max;
	if (target->unix_path != NULL && target->unix_path[0] != '\0')
		return take_unix_path(dial, target->unix_path);
	if (target->host == NULL || target->host[0] == '\0' || strlen(target->host) >= HOST_SIZE)
		return -EINVAL;
	memcpy(dial->host, target->host, strlen(target->host) + 1);
	return 0;
}

int dial_open(struct loop *loop, const struct dial_target *target, const struct dial_handler *handler,
	      struct dial **ret_stream)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	if (dial == NULL)
		return -ENOMEM;
	dial->loop = loop;
	dial->handler = *handler;
	int result = take_target(dial, target);
	if (result != 0)
		goto fail;
	result = -ENOMEM;
	dial->scratch = malloc(SCRATCH_SIZE);
	if (dial->scratch == NULL)
		goto fail;
	result = loop_timer_create(loop, on_timer, dial, &dial->timer);
	if (result != 0)
		goto fail;
	uv_idle_init(&loop->uv, &dial->idle); // cannot fail
	dial->idle.data = dial;
	uv_idle_start(&dial->idle, on_idle);
	*ret_stream = dial;
	return 0;
fail:
	free(dial->scratch);
	free(dial);
	return result;
}
