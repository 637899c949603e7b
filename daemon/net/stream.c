// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/stream.h"

#include "daemon/net/address.h"
#include "daemon/net/loop_internal.h"
#include "daemon/net/tls.h"

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

enum stream_state {
	STREAM_STARTING, // nothing happened yet: the next turn begins
	STREAM_RESOLVING,
	STREAM_CONNECTING,
	STREAM_HANDSHAKING, // TLS
	STREAM_OPEN,
	STREAM_DEAD, // on_end() was called
};

// Outlives the stream when that is closed: libuv lets go of a handle or a request in a later turn.
struct stream_socket {
	uv_poll_t poll;
	int fd;
	struct stream *stream;
};

struct stream_lookup {
	uv_getaddrinfo_t request;
	struct stream *stream; // NULL: nobody waits any more
};

struct stream {
	struct loop *loop;
	struct stream_handler handler;
	enum stream_state state;
	bool is_closed; // by the owner
	char host[HOST_SIZE];
	uint16_t port;
	struct tls_context *tls;
	uint32_t open_timeout_ms, user_timeout_ms;
	size_t output_max;
	uint64_t open_until_ms;
	struct loop_timer *timer; // runs while opening
	uv_idle_t idle;           // active while there is something to do in the next turn: start, or send
	struct stream_lookup *lookup;
	size_t addresses_count, addresses_next;
	struct address addresses[ADDRESS_RESOLVED_MAX];
	struct stream_socket *socket;
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

static void drop_socket(struct stream *stream)
{
	struct stream_socket *socket = stream->socket;
	if (socket == NULL)
		return;
	stream->socket = NULL;
	uv_close((uv_handle_t *)&socket->poll, on_socket_closed);
	close(socket->fd);
}

static void drop_lookup(struct stream *stream)
{
	if (stream->lookup != NULL) {
		stream->lookup->stream = NULL;
		(void)uv_cancel((uv_req_t *)&stream->lookup->request); // fails when it is running: it ends by itself
		stream->lookup = NULL;
	}
}

static void stop(struct stream *stream)
{
	loop_timer_stop(stream->timer);
	uv_idle_stop(&stream->idle);
	drop_lookup(stream);
	drop_socket(stream);
}

static void end(struct stream *stream, int error, const char *why)
{
	if (stream->state == STREAM_DEAD || stream->is_closed)
		return;
	stream->state = STREAM_DEAD;
	stop(stream);
	stream->handler.on_end(stream->handler.context, error, why);
}

static void end_by_system(struct stream *stream, int error)
{
	end(stream, error, strerror(-error));
}

static void on_idle_closed(uv_handle_t *handle)
{
	struct stream *stream = handle->data;
	tls_engine_destroy(stream->engine);
	free(stream->output);
	free(stream->scratch);
	free(stream);
}

void stream_close(struct stream *stream)
{
	if (stream == NULL || stream->is_closed)
		return;
	stream->is_closed = true;
	stop(stream);
	loop_timer_destroy(stream->timer);
	uv_close((uv_handle_t *)&stream->idle, on_idle_closed);
}

// ---------------------------------------------------------------- output

static int output_extend(struct stream *stream, size_t room)
{
	if (stream->output_start + stream->output_size + room <= stream->output_capacity)
		return 0;
	if (stream->output_start > 0) {
		memmove(stream->output, stream->output + stream->output_start, stream->output_size);
		stream->output_start = 0;
	}
	if (stream->output_size + room <= stream->output_capacity)
		return 0;
	size_t capacity = stream->output_capacity ? stream->output_capacity : 4096;
	while (capacity < stream->output_size + room)
		capacity *= 2;
	char *output = realloc(stream->output, capacity);
	if (output == NULL)
		return -ENOMEM;
	stream->output = output;
	stream->output_capacity = capacity;
	return 0;
}

static void output_drop_sent(struct stream *stream, size_t sent)
{
	stream->output_start += sent;
	stream->output_size -= sent;
	if (stream->output_size > 0)
		return;
	stream->output_start = 0;
	if (stream->output_capacity > OUTPUT_KEPT_MAX) {
		free(stream->output);
		stream->output = NULL;
		stream->output_capacity = 0;
	}
}

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);

static int watch(struct stream *stream)
{
	const int events = stream->state == STREAM_CONNECTING ? UV_WRITABLE
							      : UV_READABLE | (stream->output_size ? UV_WRITABLE : 0);
	return loop_error(uv_poll_start(&stream->socket->poll, events, on_poll));
}

static void flush(struct stream *stream)
{
	while (stream->output_size > 0) {
		const ssize_t sent = send(stream->socket->fd, stream->output + stream->output_start,
					  stream->output_size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		// Of an error, too, the reading tells: behind what the peer said before it went away.
		if (sent < 0)
			break;
		output_drop_sent(stream, (size_t)sent);
	}
	const int result = watch(stream);
	if (result != 0)
		end_by_system(stream, result);
}

// What the engine has for the socket. -ENOMEM.
static int take_encrypted(struct stream *stream)
{
	for (;;) {
		int result = output_extend(stream, PLAIN_SIZE);
		if (result != 0)
			return result;
		const size_t size = tls_engine_send(
			stream->engine, stream->output + stream->output_start + stream->output_size, PLAIN_SIZE);
		if (size == 0)
			return 0;
		stream->output_size += size;
	}
}

int stream_write(struct stream *stream, struct bytes output)
{
	if (stream->state != STREAM_OPEN || stream->is_closed)
		return -ENOTCONN;
	if (output.size > stream->output_max || stream->output_size > stream->output_max - output.size)
		return -ENOBUFS;
	int result;
	if (stream->engine != NULL) {
		result = tls_engine_write(stream->engine, output);
		if (result == 0)
			result = take_encrypted(stream);
	} else {
		result = output_extend(stream, output.size);
		if (result == 0 && output.size > 0) {
			memcpy(stream->output + stream->output_start + stream->output_size, output.data, output.size);
			stream->output_size += output.size;
		}
	}
	if (result == 0 && stream->output_size > 0)
		uv_idle_start(&stream->idle, on_idle);
	return result;
}

size_t stream_output_size(const struct stream *stream)
{
	return stream->output_size;
}

// ---------------------------------------------------------------- input

static void open_stream(struct stream *stream)
{
	stream->state = STREAM_OPEN;
	loop_timer_stop(stream->timer);
	stream->handler.on_open(stream->handler.context);
}

static bool is_alive(const struct stream *stream)
{
	return !stream->is_closed && stream->state != STREAM_DEAD;
}

static void on_encrypted(struct stream *stream, struct bytes input)
{
	char plain[PLAIN_SIZE];
	const int received = tls_engine_receive(stream->engine, input);
	if (received == 0 && stream->state == STREAM_HANDSHAKING && tls_engine_is_open(stream->engine))
		open_stream(stream);
	ssize_t size = 0;
	while (is_alive(stream) && received == 0 && stream->state == STREAM_OPEN &&
	       (size = tls_engine_read(stream->engine, plain, sizeof(plain))) > 0)
		stream->handler.on_input(stream->handler.context, (struct bytes){plain, (size_t)size});
	if (!is_alive(stream))
		return;
	// Answers to a handshake, and the alert that says why it failed.
	const int result = take_encrypted(stream);
	flush(stream);
	if (received != 0 || size == -EBADMSG)
		end(stream, -EBADMSG, tls_engine_why(stream->engine));
	else if (size < 0)
		end(stream, (int)size, "closed by the peer");
	else if (result != 0)
		end_by_system(stream, result);
}

// Returns whether there may be more to read.
static bool receive(struct stream *stream)
{
	ssize_t size;
	do
		size = recv(stream->socket->fd, stream->scratch, SCRATCH_SIZE, MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0 && errno == EAGAIN)
		return false;
	if (size <= 0) {
		if (size < 0)
			end_by_system(stream, -errno);
		else if (stream->state == STREAM_HANDSHAKING)
			end(stream, -EPIPE, "closed by the peer during the TLS handshake");
		else
			end(stream, -EPIPE, "closed by the peer");
		return false;
	}
	const struct bytes input = {stream->scratch, (size_t)size};
	if (stream->engine != NULL)
		on_encrypted(stream, input);
	else
		stream->handler.on_input(stream->handler.context, input);
	return is_alive(stream);
}

// ---------------------------------------------------------------- connecting

static void connect_next(struct stream *stream, int last_error);

static void set_socket_options(struct stream *stream)
{
	const int fd = stream->socket->fd, one = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S,
		  count = KEEPALIVE_COUNT;
	const unsigned int user_timeout = stream->user_timeout_ms;
	if (stream->host[0] == '/')
		return;
	// Each is a refinement: without it, the owner's own time-outs still hold.
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof(user_timeout));
}

static void start_handshake(struct stream *stream)
{
	stream->state = STREAM_HANDSHAKING;
	int result = tls_engine_create(stream->tls, stream->host, &stream->engine);
	if (result == 0)
		result = take_encrypted(stream);
	if (result != 0)
		end_by_system(stream, result);
	else
		flush(stream);
}

static void on_connected(struct stream *stream)
{
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(stream->socket->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		drop_socket(stream);
		connect_next(stream, -error);
		return;
	}
	loop_timer_stop(stream->timer);
	const uint64_t now = loop_now_ms(stream->loop);
	loop_timer_start(stream->timer, stream->open_until_ms > now ? stream->open_until_ms - now : 0);
	set_socket_options(stream);
	if (stream->tls != NULL) {
		start_handshake(stream);
		return;
	}
	stream->state = STREAM_OPEN;
	const int result = watch(stream);
	if (result != 0)
		end_by_system(stream, result);
	else
		open_stream(stream);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct stream *stream = ((struct stream_socket *)poll->data)->stream;
	if (stream->state == STREAM_CONNECTING) {
		on_connected(stream);
		return;
	}
	// libuv reports POLLERR as an error of its own and stops looking: what is wrong is told by the socket, behind
	// what can still be read.
	if (status < 0) {
		while (receive(stream))
			;
		if (is_alive(stream))
			end_by_system(stream, -ECONNRESET);
		return;
	}
	if (events & UV_WRITABLE)
		flush(stream);
	if (is_alive(stream) && (events & UV_READABLE))
		receive(stream);
}

// Also takes the descriptor when it fails.
static int adopt_socket(struct stream *stream, int fd)
{
	struct stream_socket *socket = calloc(1, sizeof(*socket));
	const int result = socket ? loop_error(uv_poll_init(&stream->loop->uv, &socket->poll, fd)) : -ENOMEM;
	if (result != 0) {
		free(socket);
		close(fd);
		return result;
	}
	socket->fd = fd;
	socket->stream = stream;
	socket->poll.data = socket;
	stream->socket = socket;
	return watch(stream);
}

static int connect_to(struct stream *stream, const struct address *address)
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
	const int result = adopt_socket(stream, fd);
	if (result != 0)
		drop_socket(stream);
	return result;
}

// The next address gets its share of the time that is left.
static void connect_next(struct stream *stream, int last_error)
{
	stream->state = STREAM_CONNECTING;
	while (stream->addresses_next < stream->addresses_count) {
		const uint64_t now = loop_now_ms(stream->loop);
		const uint64_t left = stream->open_until_ms > now ? stream->open_until_ms - now : 0;
		loop_timer_start(stream->timer, left / (stream->addresses_count - stream->addresses_next));
		last_error = connect_to(stream, &stream->addresses[stream->addresses_next++]);
		if (last_error == 0)
			return;
	}
	end_by_system(stream, last_error);
}

static void on_timer(void *context)
{
	struct stream *stream = context;
	if (stream->state == STREAM_CONNECTING && stream->addresses_next < stream->addresses_count) {
		drop_socket(stream);
		connect_next(stream, -ETIMEDOUT);
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
	end(stream, -ETIMEDOUT, whys[stream->state]);
}

// ---------------------------------------------------------------- finding the host

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct stream_lookup *lookup = request->data;
	struct stream *stream = lookup->stream;
	free(lookup);
	if (stream != NULL) {
		stream->lookup = NULL;
		for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
			if ((info->ai_family != AF_INET && info->ai_family != AF_INET6) ||
			    stream->addresses_count == ADDRESS_RESOLVED_MAX)
				continue;
			struct address *address = &stream->addresses[stream->addresses_count++];
			memcpy(&address->storage, info->ai_addr, info->ai_addrlen);
			address->size = info->ai_addrlen;
			address_set_port(address, stream->port);
		}
	}
	uv_freeaddrinfo(list);
	if (stream == NULL)
		return;
	if (stream->addresses_count > 0)
		connect_next(stream, -ENXIO);
	else
		end(stream, -ENXIO, status < 0 ? uv_strerror(status) : "the host has no address");
}

static void resolve(struct stream *stream)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
	struct stream_lookup *lookup = calloc(1, sizeof(*lookup));
	int result = lookup ? 0 : -ENOMEM;
	stream->state = STREAM_RESOLVING;
	if (lookup != NULL) {
		lookup->stream = stream;
		lookup->request.data = lookup;
		result = uv_getaddrinfo(&stream->loop->uv, &lookup->request, on_resolved, stream->host, NULL, &hints);
	}
	if (result != 0) {
		free(lookup);
		end(stream, -ENXIO, uv_strerror(result));
		return;
	}
	stream->lookup = lookup;
}

// An address needs no look-up.
static bool take_numeric(struct stream *stream)
{
	struct address *address = &stream->addresses[0];
	if (uv_ip4_addr(stream->host, stream->port, (struct sockaddr_in *)&address->storage) == 0)
		address->size = sizeof(struct sockaddr_in);
	else if (uv_ip6_addr(stream->host, stream->port, (struct sockaddr_in6 *)&address->storage) == 0)
		address->size = sizeof(struct sockaddr_in6);
	else
		return false;
	stream->addresses_count = 1;
	return true;
}

static void start(struct stream *stream)
{
	stream->open_until_ms = loop_now_ms(stream->loop) + stream->open_timeout_ms;
	loop_timer_start(stream->timer, stream->open_timeout_ms);
	if (stream->addresses_count > 0 || take_numeric(stream))
		connect_next(stream, -ENXIO);
	else
		resolve(stream);
}

static void on_idle(uv_idle_t *idle)
{
	struct stream *stream = idle->data;
	uv_idle_stop(idle);
	if (stream->state == STREAM_STARTING)
		start(stream);
	else if (stream->state == STREAM_OPEN)
		flush(stream);
}

// ---------------------------------------------------------------- opening

static int take_unix_path(struct stream *stream, const char *path)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&stream->addresses[0].storage;
	if (strlen(path) >= sizeof(address->sun_path))
		return -EINVAL;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	stream->addresses[0].size = sizeof(*address);
	stream->addresses_count = 1;
	stream->host[0] = '/';
	return 0;
}

static int take_target(struct stream *stream, const struct stream_target *target)
{
	stream->tls = target->tls;
	stream->port = target->port;
	stream->open_timeout_ms = target->open_timeout_ms;
	stream->user_timeout_ms = target->user_timeout_ms;
	stream->output_max = target->output_max;
	if (target->unix_path != NULL && target->unix_path[0] != '\0')
		return take_unix_path(stream, target->unix_path);
	if (target->host == NULL || target->host[0] == '\0' || strlen(target->host) >= HOST_SIZE)
		return -EINVAL;
	memcpy(stream->host, target->host, strlen(target->host) + 1);
	return 0;
}

int stream_open(struct loop *loop, const struct stream_target *target, const struct stream_handler *handler,
		struct stream **ret_stream)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return -ENOMEM;
	stream->loop = loop;
	stream->handler = *handler;
	int result = take_target(stream, target);
	if (result != 0)
		goto fail;
	result = -ENOMEM;
	stream->scratch = malloc(SCRATCH_SIZE);
	if (stream->scratch == NULL)
		goto fail;
	result = loop_timer_create(loop, on_timer, stream, &stream->timer);
	if (result != 0)
		goto fail;
	uv_idle_init(&loop->uv, &stream->idle); // cannot fail
	stream->idle.data = stream;
	uv_idle_start(&stream->idle, on_idle);
	*ret_stream = stream;
	return 0;
fail:
	free(stream->scratch);
	free(stream);
	return result;
}
