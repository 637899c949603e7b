// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/listener.h"

#include "daemon/net/loop_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// libuv 1.44 accepts in a loop without bound and, out of descriptors, spins in it for ever as soon as a second thread
// takes descriptors as well. So: a poll handle, our own accept4(), and a pause when it fails.
struct listener {
	uv_poll_t poll;
	uv_timer_t retry;
	int fd;
	int open_handles;
	struct listener_handler handler;
};

// ---------------------------------------------------------------- sockets

static int close_with(int fd, int error)
{
	close(fd);
	return -error;
}

static int bind_tcp(const struct address *address, int *ret_fd)
{
	const int one = 1, family = address->storage.ss_family;
	const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) != 0))
		return close_with(fd, errno);
	*ret_fd = fd;
	return 0;
}

// A socket without SO_REUSEPORT can be bound only if nobody listens there: with it, a second daemon of the same user
// would silently take half of the connections.
static int probe_tcp(const struct address *address)
{
	int fd;
	const int result = bind_tcp(address, &fd);
	if (result != 0)
		return result;
	if (bind(fd, (const struct sockaddr *)&address->storage, address->size) != 0)
		return close_with(fd, errno);
	close(fd);
	return 0;
}

int listener_bind_tcp(struct address *address, bool is_first, int *ret_fd)
{
	const int one = 1;
	int fd, result = is_first ? probe_tcp(address) : 0;
	if (result == 0)
		result = bind_tcp(address, &fd);
	if (result != 0)
		return result;
	struct address taken = {.size = sizeof(taken.storage)};
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0 ||
	    bind(fd, (const struct sockaddr *)&address->storage, address->size) != 0 ||
	    listen(fd, LISTENER_BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&taken.storage, &taken.size) != 0)
		return close_with(fd, errno);
	address_set_port(address, address_port(&taken));
	*ret_fd = fd;
	return 0;
}

// 0: the path is free (now).
static int clear_stale_socket(const struct sockaddr_un *address)
{
	struct stat st;
	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	const int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	// Anything but a refusal (a full backlog, missing rights) may be a daemon that lives.
	const bool is_stale = result != 0 && errno == ECONNREFUSED;
	close(fd);
	if (!is_stale)
		return -EADDRINUSE;
	return unlink(address->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

int listener_bind_unix(const char *path, int *ret_fd, uint64_t *ret_inode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	const int result = clear_stale_socket(&address);
	if (result != 0)
		return result;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	// Nobody can connect before listen(), so the mode is right before it counts.
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return close_with(fd, errno);
	if (chmod(path, LISTENER_UNIX_MODE) != 0 || stat(path, &st) != 0 || listen(fd, LISTENER_BACKLOG) != 0) {
		const int error = errno;
		unlink(path);
		return close_with(fd, error);
	}
	*ret_fd = fd;
	*ret_inode = st.st_ino;
	return 0;
}

void listener_unlink_unix(const char *path, uint64_t inode)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_ino == inode)
		unlink(path);
}

// ---------------------------------------------------------------- accepting

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer)
{
	struct listener *listener = timer->data;
	uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

// These concern one connection that is gone already (accept(2)); everything else concerns us.
static bool is_of_peer(int error)
{
	return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN ||
	       error == ENOPROTOOPT || error == EHOSTDOWN || error == EHOSTUNREACH || error == ENETUNREACH;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;
	const int one = 1;
	(void)events;
	if (status < 0) {
		uv_timer_start(&listener->retry, on_retry, LISTENER_RETRY_MS, 0);
		return;
	}
	for (int i = 0; i < LISTENER_ACCEPTS_MAX; i++) {
		const int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); // fails for Unix
			listener->handler.on_accept(listener->handler.context, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (!is_of_peer(errno)) {
			uv_poll_stop(&listener->poll);
			uv_timer_start(&listener->retry, on_retry, LISTENER_RETRY_MS, 0);
			return;
		}
	}
}

int listener_create(struct loop *loop, int fd, const struct listener_handler *handler, struct listener **ret_listener)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	if (listener == NULL) {
		close(fd);
		return -ENOMEM;
	}
	listener->fd = fd;
	listener->handler = *handler;
	const int result = uv_poll_init(&loop->uv, &listener->poll, fd);
	if (result != 0) {
		close(fd);
		free(listener);
		return loop_error(result);
	}
	uv_timer_init(&loop->uv, &listener->retry); // cannot fail
	listener->poll.data = listener->retry.data = listener;
	listener->open_handles = 2;
	uv_poll_start(&listener->poll, UV_READABLE, on_readable);
	*ret_listener = listener;
	return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;
	if (--listener->open_handles == 0)
		free(listener);
}

void listener_destroy(struct listener *listener)
{
	if (listener == NULL)
		return;
	uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
	uv_close((uv_handle_t *)&listener->retry, on_handle_closed);
	close(listener->fd);
}
