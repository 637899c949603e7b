// SPDX-License-Identifier: Apache-2.0
// Listening sockets. Accepted sockets are non-blocking and go to `on_accept`, which owns them.
//
// TCP: one listener per worker on the same address (SO_REUSEPORT), so that the kernel spreads connections. Unix
// sockets have no such thing: one worker listens and hands connections to the others (conn_set_hand_over()).
#pragma once

#include "base/check.h"
#include "daemon/net/address.h"
#include "daemon/net/loop.h"

enum {
	LISTENER_BACKLOG = 1024,
	LISTENER_ACCEPTS_MAX = 64, // per turn of the loop
	LISTENER_RETRY_MS = 100,   // pause when the process is out of descriptors or memory
	LISTENER_UNIX_MODE = 0660,
};

struct listener;

struct listener_handler {
	void (*on_accept)(void *context, int fd);
	void *context;
};

// Sockets only; any thread. -EADDRINUSE, -EACCES, -EADDRNOTAVAIL ... `is_first`: nobody else may be listening there,
// not even with SO_REUSEPORT. Port 0 is replaced by the port taken.
MUST_CHECK int listener_bind_tcp(struct address *address, bool is_first, int *ret_fd);
// Replaces the file of a socket on which nobody answers. -EADDRINUSE when somebody does, -EEXIST when the file is not
// a socket, -ENAMETOOLONG. `ret_inode` names the file made.
MUST_CHECK int listener_bind_unix(const char *path, int *ret_fd, uint64_t *ret_inode);
// Removes the file if it is still that one.
void listener_unlink_unix(const char *path, uint64_t inode);

// Takes `fd`, also on failure. The loop's thread, or before the loop runs.
MUST_CHECK int listener_create(struct loop *loop, int fd, const struct listener_handler *handler,
			       struct listener **ret_listener);
// Closes the socket. NULL is fine.
void listener_destroy(struct listener *listener);
