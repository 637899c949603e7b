// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_MAX = 256 };

// Splits at the last colon; an IPv6 address stands in brackets.
static int split(const char *host_port, char host[HOST_MAX], const char **ret_port)
{
	const char *colon = strrchr(host_port, ':');
	if (colon == NULL || colon == host_port)
		return -EINVAL;
	const char *begin = host_port, *end = colon;
	if (begin[0] == '[') {
		begin++;
		if (*--end != ']')
			return -EINVAL;
	} else if (memchr(begin, ':', (size_t)(end - begin)) != NULL) {
		return -EINVAL;
	}
	if (end <= begin || end - begin >= HOST_MAX)
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	*ret_port = colon + 1;
	return 0;
}

static int parse_port(const char *text)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	const unsigned long port = strtoul(text, &end, 10);
	return *end == '\0' && port <= UINT16_MAX ? (int)port : -EINVAL;
}

static bool contains(const struct address *addresses, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count; i++) {
		if (addresses[i].size == address->size &&
		    memcmp(&addresses[i].storage, &address->storage, address->size) == 0)
			return true;
	}
	return false;
}

int address_resolve(const char *host_port, struct address *ret_addresses, size_t max)
{
	char host[HOST_MAX];
	const char *port_text;
	if (split(host_port, host, &port_text) != 0)
		return -EINVAL;
	const int port = parse_port(port_text);
	if (port < 0)
		return -EINVAL;
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return -ENOENT;
	size_t count = 0;
	for (const struct addrinfo *info = list; info != NULL && count < max; info = info->ai_next) {
		if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
			continue;
		struct address *address = &ret_addresses[count];
		memset(address, 0, sizeof(*address));
		memcpy(&address->storage, info->ai_addr, info->ai_addrlen);
		address->size = info->ai_addrlen;
		address_set_port(address, (uint16_t)port);
		count += !contains(ret_addresses, count, address);
	}
	freeaddrinfo(list);
	return count > 0 ? (int)count : -ENOENT;
}

bool address_is_loopback(const struct address *address)
{
	if (address->storage.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)&address->storage)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}

uint16_t address_port(const struct address *address)
{
	if (address->storage.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
}

void address_set_port(struct address *address, uint16_t port)
{
	if (address->storage.ss_family == AF_INET)
		((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
}

void address_format(const struct address *address, char ret_text[ADDRESS_TEXT_MAX])
{
	char host[ADDRESS_TEXT_MAX - 16] = "?";
	const bool is_v4 = address->storage.ss_family == AF_INET;
	(void)getnameinfo((const struct sockaddr *)&address->storage, address->size, host, sizeof(host), NULL, 0,
			  NI_NUMERICHOST);
	snprintf(ret_text, ADDRESS_TEXT_MAX, is_v4 ? "%s:%u" : "[%s]:%u", host, address_port(address));
}
