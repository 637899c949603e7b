// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define TLS_PREFIX "tls:"

static int address_parse_unix(const char *path, struct address *ret_address, struct fault *fault)
{
	struct address address = {.is_unix = true, .path.sun_family = AF_UNIX};
	const size_t size = strlen(path);
	if (size == 0 || size >= sizeof(address.path.sun_path)) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, "server", "'unix:%.100s': a socket's path has 1 to %zu bytes",
			  path, sizeof(address.path.sun_path) - 1);
		return -EINVAL;
	}
	memcpy(address.path.sun_path, path, size + 1);
	snprintf(address.text, sizeof(address.text), UNIX_PREFIX "%s", path);
	*ret_address = address;
	return 0;
}

static bool port_is_valid(const char *port)
{
	char *end;
	const long number = strtol(port, &end, 10);
	return port[0] >= '0' && port[0] <= '9' && *end == '\0' && strlen(port) <= 5 && number >= 1 && number <= 65535;
}

// An IPv6 address contains colons itself, so it needs brackets.
static bool host_is_valid(const char *host, size_t size)
{
	if (size == 0 || size >= sizeof(((struct address *)0)->host))
		return false;
	if (host[0] == '[')
		return size > 2 && host[size - 1] == ']';
	return memchr(host, ':', size) == NULL;
}

bool address_names_tls(const char *text)
{
	return strncmp(text, TLS_PREFIX, strlen(TLS_PREFIX)) == 0;
}

int address_parse(const char *text, struct address *ret_address, struct fault *fault)
{
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return address_parse_unix(text + strlen(UNIX_PREFIX), ret_address, fault);
	struct address address = {.is_tls = address_names_tls(text)};
	const char *host = address.is_tls ? text + strlen(TLS_PREFIX) : text;
	const char *colon = strrchr(host, ':');
	if (colon == NULL || !port_is_valid(colon + 1) || !host_is_valid(host, (size_t)(colon - host))) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, "server",
			  "'%.100s' names no server: use HOST:PORT, [IPV6]:PORT, tls:HOST:PORT or unix:PATH", text);
		return -EINVAL;
	}
	const size_t brackets = host[0] == '[' ? 1 : 0;
	memcpy(address.host, host + brackets, (size_t)(colon - host) - 2 * brackets);
	strcpy(address.port, colon + 1);
	strcpy(address.text, text);
	*ret_address = address;
	return 0;
}

int deadline_left_ms(uint64_t deadline_ms)
{
	const uint64_t now = clock_monotonic_ms();
	if (now >= deadline_ms)
		return 0;
	return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

// 0 when the connection under way is made.
static int socket_wait_connected(int fd, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
	int ready;
	do
		ready = poll(&pollfd, 1, deadline_left_ms(deadline_ms));
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready == 0 ? -ETIMEDOUT : -errno;
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return -errno;
	return -error;
}

static int connect_inet(const struct addrinfo *info, uint64_t deadline_ms, int *ret_fd)
{
	const int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
	if (fd < 0)
		return -errno;
	int result = connect(fd, info->ai_addr, info->ai_addrlen) == 0 ? 0 : -errno;
	if (result == -EINPROGRESS)
		result = socket_wait_connected(fd, deadline_ms);
	if (result < 0) {
		close(fd);
		return result;
	}
	// Without it a pipelined request waits for the answer to the one before. Only latency is lost if it fails.
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	*ret_fd = fd;
	return 0;
}

// A Unix socket whose backlog is full answers a non-blocking connect with EAGAIN at once; a blocking one waits, for
// as long as SO_SNDTIMEO says.
static int connect_unix(const struct sockaddr_un *path, uint64_t deadline_ms, int *ret_fd)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	const int left_ms = deadline_left_ms(deadline_ms);
	const struct timeval limit = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 + 1};
	int result = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)path, sizeof(*path)) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		result = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (result < 0) {
		close(fd);
		return result;
	}
	*ret_fd = fd;
	return 0;
}

static int address_fail(const struct address *address, int result, const char *why, struct fault *fault)
{
	const enum status_code code = result == -ETIMEDOUT ? STATUS_DEADLINE_EXCEEDED : STATUS_UNAVAILABLE;
	fault_set(fault, code, NULL, "cannot reach evauthd at %s: %s", address->text, why);
	return result;
}

int address_connect(const struct address *address, uint64_t deadline_ms, int *ret_fd, struct fault *fault)
{
	int result;
	if (address->is_unix) {
		result = connect_unix(&address->path, deadline_ms, ret_fd);
		return result < 0 ? address_fail(address, result, strerrordesc_np(-result), fault) : 0;
	}
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *infos = NULL;
	const int lookup = getaddrinfo(address->host, address->port, &hints, &infos);
	if (lookup != 0)
		return address_fail(address, -EHOSTUNREACH, gai_strerror(lookup), fault);
	result = -EHOSTUNREACH;
	for (const struct addrinfo *info = infos; info != NULL && result < 0; info = info->ai_next)
		result = connect_inet(info, deadline_ms, ret_fd);
	freeaddrinfo(infos);
	return result < 0 ? address_fail(address, result, strerrordesc_np(-result), fault) : 0;
}
