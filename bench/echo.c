// SPDX-License-Identifier: Apache-2.0
#include "bench/echo.h"

#include "bench/load.h"
#include "proto/frame.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_SIZE = LOAD_FRAME_SIZE_MAX + 64 * 1024, EVENTS_PER_TURN = 256, METHOD_OFFSET = 6, BACKLOG = 1024 };

struct connection {
	int fd;
	char *in; // IN_SIZE; in_end bytes of it are not answered yet
	size_t in_end;
	char *unsent; // NULL, or what one write did not take; nothing is read meanwhile
	size_t unsent_begin, unsent_end;
};

struct server {
	int epoll, listener;
	char out[ECHO_OUT_SIZE];
};

void echo_ask(char *frame, uint32_t answer_size)
{
	ASSERT(answer_size >= FRAME_HEADER_SIZE && answer_size <= ECHO_ANSWER_SIZE_MAX);
	const uint16_t wire = htons((uint16_t)answer_size);
	memcpy(frame + METHOD_OFFSET, &wire, sizeof(wire));
}

int64_t echo_answer(struct bytes in, char *out, size_t *ret_used)
{
	size_t used = 0, size = 0;
	while (ECHO_OUT_SIZE - size >= ECHO_ANSWER_SIZE_MAX) {
		struct frame frame;
		const struct bytes rest = {.data = in.data + used, .size = in.size - used};
		const enum frame_result result = frame_parse(rest, LOAD_FRAME_SIZE_MAX, &frame);
		if (result == FRAME_NEED_MORE)
			break;
		if (result != FRAME_READY || frame.method < FRAME_HEADER_SIZE)
			return -EBADMSG;
		const struct frame answer = {
			.kind = FRAME_RESPONSE,
			.method = frame.method,
			.request_id = frame.request_id,
			.body = {.data = out + size + FRAME_HEADER_SIZE, .size = frame.method - FRAME_HEADER_SIZE},
		};
		frame_write_header(out + size, &answer);
		size += frame.method;
		used += frame.size;
	}
	*ret_used = used;
	return (int64_t)size;
}

// ---------------------------------------------------------------- the server

static void close_connection(struct connection *connection)
{
	close(connection->fd);
	free(connection->in);
	free(connection->unsent);
	free(connection);
}

static int watch(const struct server *server, struct connection *connection, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};
	return epoll_ctl(server->epoll, operation, connection->fd, &event) < 0 ? -errno : 0;
}

static void accept_all(const struct server *server)
{
	const int on = 1;
	int fd;
	while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection = calloc(1, sizeof(*connection));
		char *in = malloc(IN_SIZE);
		if (!connection || !in) {
			free(connection);
			free(in);
			close(fd);
			continue;
		}
		*connection = (struct connection){.fd = fd, .in = in};
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (watch(server, connection, EPOLL_CTL_ADD, EPOLLIN) < 0)
			close_connection(connection);
	}
}

static int keep_unsent(const struct server *server, struct connection *connection, const char *data, size_t size)
{
	connection->unsent = malloc(size);
	if (!connection->unsent)
		return -ENOMEM;
	memcpy(connection->unsent, data, size);
	connection->unsent_begin = 0;
	connection->unsent_end = size;
	return watch(server, connection, EPOLL_CTL_MOD, EPOLLOUT);
}

static int answer_all(struct server *server, struct connection *connection)
{
	size_t used;
	do {
		const struct bytes in = {.data = connection->in, .size = connection->in_end};
		const int64_t size = echo_answer(in, server->out, &used);
		if (size <= 0)
			return (int)size;
		memmove(connection->in, connection->in + used, connection->in_end - used);
		connection->in_end -= used;
		const ssize_t written = send(connection->fd, server->out, (size_t)size, MSG_NOSIGNAL);
		if (written < 0 && errno != EAGAIN)
			return -errno;
		const size_t sent = written > 0 ? (size_t)written : 0;
		if (sent < (size_t)size)
			return keep_unsent(server, connection, server->out + sent, (size_t)size - sent);
	} while (connection->in_end >= FRAME_HEADER_SIZE);
	return 0;
}

static int send_rest(struct server *server, struct connection *connection)
{
	const ssize_t written = send(connection->fd, connection->unsent + connection->unsent_begin,
				     connection->unsent_end - connection->unsent_begin, MSG_NOSIGNAL);
	if (written < 0)
		return errno == EAGAIN ? 0 : -errno;
	connection->unsent_begin += (size_t)written;
	if (connection->unsent_begin < connection->unsent_end)
		return 0;
	free(connection->unsent);
	connection->unsent = NULL;
	const int error = watch(server, connection, EPOLL_CTL_MOD, EPOLLIN);
	return error < 0 ? error : answer_all(server, connection);
}

static int serve_connection(struct server *server, struct connection *connection)
{
	if (connection->unsent)
		return send_rest(server, connection);
	const ssize_t size = recv(connection->fd, connection->in + connection->in_end, IN_SIZE - connection->in_end, 0);
	if (size <= 0)
		return size < 0 && errno == EAGAIN ? 0 : -ECONNRESET;
	connection->in_end += (size_t)size;
	return answer_all(server, connection);
}

int echo_listen(int *ret_fd, uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
		const int error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	*ret_fd = fd;
	*ret_port = ntohs(address.sin_port);
	return 0;
}

void echo_serve(void *listener)
{
	struct server *server = malloc(sizeof(*server));
	struct epoll_event events[EVENTS_PER_TURN] = {{.events = EPOLLIN}};
	if (!server)
		_exit(1);
	server->listener = *(int *)listener;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll < 0 || epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &events[0]) < 0)
		_exit(1);
	for (;;) {
		const int count = epoll_wait(server->epoll, events, EVENTS_PER_TURN, -1);
		if (count < 0 && errno != EINTR)
			_exit(1);
		for (int i = 0; i < count; i++) {
			struct connection *connection = events[i].data.ptr;
			if (!connection)
				accept_all(server);
			else if (serve_connection(server, connection) < 0)
				close_connection(connection);
		}
	}
}
