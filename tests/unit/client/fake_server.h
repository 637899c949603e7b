// SPDX-License-Identifier: Apache-2.0
// A daemon that does what a test tells it to: listens on a loopback port or a Unix socket, and hands every connection
// to the test's function, on a thread of its own.
#pragma once

#include "base/bytes.h"
#include "proto/frame.h"
#include "proto/methods.h"
#include "proto/schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct fake_server;

// Serves one connection; it is closed when this returns. `number` counts connections from 1.
typedef void fake_serve(struct fake_server *server, int fd, int number);

struct fake_server {
	fake_serve *serve;
	void *context; // the test's
	int listen_fd;
	char name[128]; // for evauth_options.server
	pthread_t thread;
	atomic_int connections;
};

void fake_server_start(struct fake_server *server, fake_serve *serve, void *context);
void fake_server_start_unix(struct fake_server *server, fake_serve *serve, const char *path);
// Waits for the connection being served: the client must be gone.
void fake_server_stop(struct fake_server *server);

enum { FAKE_FRAME_MAX = 1024 * 1024 };

// The next request; its body is valid until the next one on this thread. False: the peer closed.
bool fake_read(int fd, struct frame *ret_frame);
void fake_write(int fd, const void *data, size_t size);
void fake_write_frame(int fd, const struct frame *frame);
// An answer of this kind to a request; without a message an empty one.
void fake_answer(int fd, const struct frame *request, enum frame_kind kind, const struct schema *schema,
		 const void *message);
// An error with change_number 3 and field "some.field".
void fake_refuse(int fd, const struct frame *request, int code, const char *message);
