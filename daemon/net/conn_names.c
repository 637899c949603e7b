// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a connection.
#include "daemon/net/conn_internal.h"

#include "tls/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { GROUPS_MAX = 256 };

void conn_names_add(struct conn_names *names, const char *name)
{
	const size_t size = strlen(name) + 1;
	if (size > sizeof(names->text) - names->size)
		return;
	memcpy(names->text + names->size, name, size);
	names->size += size;
}

const char *conn_names_next(const struct conn_names *names, const char *name)
{
	const char *next = name ? name + strlen(name) + 1 : names->text;
	return next < names->text + names->size ? next : NULL;
}

static void add_number(struct conn_names *names, const char *kind, unsigned int number)
{
	char name[32];
	snprintf(name, sizeof(name), "%s:%u", kind, number);
	conn_names_add(names, name);
}

// The kernel took these down when the peer connected: what it has become since does not count.
static void add_unix(int fd, struct conn_names *names)
{
	struct ucred peer;
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return;
	add_number(names, "uid", peer.uid);
	add_number(names, "gid", peer.gid);
	size = sizeof(groups);
	// A peer in more groups than that has its first one only.
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0)
		return;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
		if (groups[i] != peer.gid)
			add_number(names, "gid", groups[i]);
	}
}

static void add_name(void *context, const char *name)
{
	conn_names_add(context, name);
}

void conn_get_names(const struct conn *conn, struct conn_names *names)
{
	int domain = AF_UNSPEC;
	socklen_t size = sizeof(domain);
	names->size = 0;
	if (conn->tls != NULL) {
		tls_engine_each_name(conn->tls, add_name, names);
		return;
	}
	if (getsockopt(conn->fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
		return;
	if (domain == AF_UNIX)
		add_unix(conn->fd, names);
	else
		conn_names_add(names, "tcp");
}

static void format_ipv4(const void *address, char host[CONN_HOST_SIZE])
{
	const bool is_loopback = *(const uint8_t *)address == IN_LOOPBACKNET;
	const struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
	(void)!inet_ntop(AF_INET, is_loopback ? &loopback : address, host, CONN_HOST_SIZE);
}

// Of an IPv6 address a host may choose the lower half.
static void format_ipv6(struct in6_addr address, char host[CONN_HOST_SIZE])
{
	if (IN6_IS_ADDR_V4MAPPED(&address)) {
		format_ipv4(&address.s6_addr[12], host);
		return;
	}
	if (!IN6_IS_ADDR_LOOPBACK(&address)) {
		memset(&address.s6_addr[8], 0, 8);
		(void)!inet_ntop(AF_INET6, &address, host, CONN_HOST_SIZE);
		strcat(host, "/64");
		return;
	}
	format_ipv4(&(struct in_addr){.s_addr = htonl(INADDR_LOOPBACK)}, host);
}

void conn_get_host(const struct conn *conn, char host[CONN_HOST_SIZE])
{
	union {
		struct sockaddr any;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
		struct sockaddr_storage storage;
	} address;
	socklen_t size = sizeof(address);
	host[0] = '\0';
	if (getpeername(conn->fd, &address.any, &size) != 0)
		return;
	if (address.any.sa_family == AF_INET)
		format_ipv4(&address.ipv4.sin_addr, host);
	else if (address.any.sa_family == AF_INET6)
		format_ipv6(address.ipv6.sin6_addr, host);
}
