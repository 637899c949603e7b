// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/client/fake_tls.h"

#include "tests/unit/unit.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct behind {
	struct fake_server *server;
	struct fake_tls *tls;
	struct tls_engine *engine;
	int fd;   // the client's, encrypted
	int near; // our end of the pair, plain
	int far;  // the serving thread's
	int number;
	bool is_counted;
};

static void *serve_behind(void *context)
{
	struct behind *behind = context;
	behind->tls->serve(behind->server, behind->far, behind->number);
	shutdown(behind->far, SHUT_RDWR);
	return NULL;
}

static void flush(struct behind *behind)
{
	char bytes[16 * 1024];
	size_t size;
	while ((size = tls_engine_send(behind->engine, bytes, sizeof(bytes))) > 0)
		fake_write(behind->fd, bytes, size);
}

// The client reads the alert before the connection is reset.
static bool refuse(struct behind *behind)
{
	char bytes[4096];
	flush(behind);
	shutdown(behind->fd, SHUT_WR);
	while (read(behind->fd, bytes, sizeof(bytes)) > 0)
		;
	return false;
}

static bool carry_in(struct behind *behind)
{
	char bytes[16 * 1024];
	const ssize_t got = read(behind->fd, bytes, sizeof(bytes));
	if (got <= 0)
		return false;
	if (tls_engine_receive(behind->engine, (struct bytes){.data = bytes, .size = (size_t)got}) < 0)
		return refuse(behind);
	if (tls_engine_is_open(behind->engine) && !behind->is_counted) {
		behind->is_counted = true;
		atomic_fetch_add(&behind->tls->resumed, tls_engine_is_resumed(behind->engine) ? 1 : 0);
	}
	ssize_t size = 0;
	while (tls_engine_is_open(behind->engine) && (size = tls_engine_read(behind->engine, bytes, sizeof(bytes))) > 0)
		fake_write(behind->near, bytes, (size_t)size);
	flush(behind);
	return size == 0;
}

static bool carry_out(struct behind *behind)
{
	char bytes[16 * 1024];
	const ssize_t got = read(behind->near, bytes, sizeof(bytes));
	if (got > 0 && atomic_load(&behind->tls->forges)) {
		fake_write(behind->fd,
			   "\x17\x03\x03\x00\x20"
			   "0123456789abcdef0123456789abcdef",
			   5 + 32);
		return true;
	}
	if (got <= 0)
		tls_engine_close(behind->engine);
	else
		ck_assert_int_eq(tls_engine_write(behind->engine, (struct bytes){bytes, (size_t)got}), 0);
	flush(behind);
	return got > 0;
}

void fake_tls_serve(struct fake_server *server, int fd, int number)
{
	struct behind behind = {.server = server, .tls = server->context, .fd = fd, .number = number};
	int pair[2];
	pthread_t thread;
	bool goes_on = true;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	behind.near = pair[0];
	behind.far = pair[1];
	ck_assert_int_eq(tls_engine_create(behind.tls->context, NULL, &behind.engine), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve_behind, &behind), 0);
	while (goes_on) {
		struct pollfd polls[] = {{.fd = fd, .events = POLLIN}, {.fd = behind.near, .events = POLLIN}};
		ck_assert_int_ge(poll(polls, tls_engine_is_open(behind.engine) ? 2 : 1, -1), 1);
		if (polls[0].revents != 0)
			goes_on = carry_in(&behind);
		if (goes_on && polls[1].revents != 0)
			goes_on = carry_out(&behind);
	}
	shutdown(behind.near, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(pair[0]);
	close(pair[1]);
	tls_engine_destroy(behind.engine);
}
