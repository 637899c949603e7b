// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/client/fake_server.h"

#include "proto/codec.h"
#include "proto/fault.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void *fake_server_run(void *context)
{
	struct fake_server *server = context;
	for (;;) {
		const int fd = accept(server->listen_fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		server->serve(server, fd, atomic_fetch_add(&server->connections, 1) + 1);
		close(fd);
	}
}

static void fake_server_listen(struct fake_server *server, struct sockaddr *address, socklen_t size)
{
	server->listen_fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(server->listen_fd, 0);
	ck_assert_int_eq(bind(server->listen_fd, address, size), 0);
	ck_assert_int_eq(listen(server->listen_fd, 8), 0);
	ck_assert_int_eq(getsockname(server->listen_fd, address, &size), 0);
}

static void fake_server_run_thread(struct fake_server *server)
{
	ck_assert_int_eq(pthread_create(&server->thread, NULL, fake_server_run, server), 0);
}

void fake_server_start(struct fake_server *server, fake_serve *serve, void *context)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	*server = (struct fake_server){.serve = serve, .context = context};
	fake_server_listen(server, (struct sockaddr *)&address, sizeof(address));
	snprintf(server->name, sizeof(server->name), "127.0.0.1:%d", ntohs(address.sin_port));
	fake_server_run_thread(server);
}

void fake_server_start_unix(struct fake_server *server, fake_serve *serve, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*server = (struct fake_server){.serve = serve};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	snprintf(server->name, sizeof(server->name), "unix:%s", path);
	fake_server_listen(server, (struct sockaddr *)&address, sizeof(address));
	fake_server_run_thread(server);
}

void fake_server_stop(struct fake_server *server)
{
	shutdown(server->listen_fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listen_fd);
}

static bool fake_read_all(int fd, char *to, size_t size)
{
	for (size_t at = 0; at < size;) {
		const ssize_t got = read(fd, to + at, size - at);
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

bool fake_read(int fd, struct frame *ret_frame)
{
	static _Thread_local char buffer[FAKE_FRAME_MAX];
	if (!fake_read_all(fd, buffer, 4))
		return false;
	size_t size = 0;
	for (int i = 0; i < 4; i++)
		size = size << 8 | (uint8_t)buffer[i];
	ck_assert_uint_le(size + 4, sizeof(buffer));
	if (!fake_read_all(fd, buffer + 4, size))
		return false;
	const struct bytes whole = {.data = buffer, .size = size + 4};
	ck_assert_int_eq(frame_parse(whole, FAKE_FRAME_MAX, ret_frame), FRAME_READY);
	ck_assert_int_eq(ret_frame->kind, FRAME_REQUEST);
	return true;
}

// The peer may be gone: that is what some tests are about.
void fake_write(int fd, const void *data, size_t size)
{
	const char *next = data;
	while (size > 0) {
		const ssize_t sent = send(fd, next, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		next += sent;
		size -= (size_t)sent;
	}
}

void fake_write_frame(int fd, const struct frame *frame)
{
	char header[FRAME_HEADER_SIZE];
	frame_write_header(header, frame);
	fake_write(fd, header, sizeof(header));
	fake_write(fd, frame->body.data, frame->body.size);
}

void fake_answer(int fd, const struct frame *request, enum frame_kind kind, const struct schema *schema,
		 const void *message)
{
	struct arena arena;
	struct frame answer = {.kind = kind, .method = request->method, .request_id = request->request_id};
	arena_init(&arena, 4096, 16 * FAKE_FRAME_MAX);
	if (message != NULL)
		ck_assert_int_eq(codec_encode(schema, message, &arena, &answer.body), 0);
	fake_write_frame(fd, &answer);
	arena_finish(&arena);
}

void fake_refuse(int fd, const struct frame *request, int code, const char *message)
{
	struct arena arena;
	struct fault fault = {0};
	struct frame answer = *request;
	arena_init(&arena, 4096, FAKE_FRAME_MAX);
	fault_set(&fault, (enum status_code)code, "some.field", "%s", message);
	fault.change_number = 3;
	answer.kind = FRAME_RESPONSE;
	answer.status = (uint8_t)code;
	ck_assert_int_eq(codec_encode_fault(&fault, &arena, &answer.body), 0);
	fake_write_frame(fd, &answer);
	arena_finish(&arena);
}
