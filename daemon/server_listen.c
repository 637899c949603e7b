// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

PRINTF_LIKE(2, 3) static int refuse(struct options_error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

// What an address of the settings may be.
enum kind { PLAIN, PLAIN_ANYWHERE, TLS };

static int check_reach(const char *text, const struct address *address, bool insecure, struct options_error *error)
{
	if (insecure || address_is_loopback(address))
		return 0;
	return refuse(
		error,
		"listen: '%s' can be reached from other machines, but nothing is encrypted and nobody is "
		"authenticated: anybody could read and change everything. Listen on 127.0.0.1 or on a Unix "
		"socket, use tls-listen, or, in a network you trust, add --insecure-listen (insecure-listen = true)",
		text);
}

static int add_address(const char *text, enum kind kind, struct server_addresses *addresses,
		       struct options_error *error)
{
	struct address *first = &addresses->tcp[addresses->tcp_count];
	const char *option = kind == TLS ? "tls-listen" : "listen";
	if (addresses->tcp_count == SERVER_ADDRESSES_MAX)
		return refuse(error, "%s: more than %d addresses", option, SERVER_ADDRESSES_MAX);
	const int count = address_resolve(text, first, SERVER_ADDRESSES_MAX - addresses->tcp_count);
	if (count < 0)
		return refuse(error, "%s: '%s' %s", option, text,
			      count == -EINVAL ? "is not of the form HOST:PORT" : "is not known to the resolver");
	for (int i = 0; i < count; i++) {
		if (check_reach(text, &first[i], kind != PLAIN, error) != 0)
			return -EINVAL;
		addresses->tcp_fds[addresses->tcp_count + (size_t)i] = -1;
	}
	for (int i = 0; i < count; i++)
		addresses->is_tls[addresses->tcp_count++] = kind == TLS;
	return 0;
}

static int add_http(const struct options *options, struct server_addresses *addresses, struct options_error *error)
{
	if (options->http[0] == '\0')
		return 0;
	const int count = address_resolve(options->http, addresses->http, SERVER_HTTP_MAX);
	if (count < 0)
		return refuse(error, "http: '%s' %s", options->http,
			      count == -EINVAL ? "is not of the form HOST:PORT" : "is not known to the resolver");
	for (int i = 0; i < count && !options->insecure_http; i++) {
		if (!address_is_loopback(&addresses->http[i]))
			return refuse(error,
				      "http: '%s' can be reached from other machines, but nothing is encrypted and "
				      "nobody is authenticated: anybody could read how many are asked for and refused. "
				      "Take 127.0.0.1, or, in a network you trust, add --insecure-http "
				      "(insecure-http = true)",
				      options->http);
	}
	addresses->http_count = (size_t)count;
	return 0;
}

int server_addresses_resolve(const struct options *options, struct server_addresses *ret_addresses,
			     struct options_error *error)
{
	struct server_addresses addresses = {.unix_fd = -1};
	int result = 0;
	for (size_t i = 0; i < options->listen.count && result == 0; i++)
		result = add_address(options->listen.items[i], options->insecure_listen ? PLAIN_ANYWHERE : PLAIN,
				     &addresses, error);
	for (size_t i = 0; i < options->tls_listen.count && result == 0; i++)
		result = add_address(options->tls_listen.items[i], TLS, &addresses, error);
	if (result != 0)
		return result;
	memcpy(addresses.unix_path, options->unix_path, sizeof(addresses.unix_path));
	addresses.is_default = addresses.tcp_count == 0 && addresses.unix_path[0] == '\0';
	if (addresses.is_default)
		result = add_address(SERVER_LISTEN_DEFAULT, PLAIN, &addresses, error);
	if (result == 0)
		result = add_http(options, &addresses, error);
	if (result == 0)
		*ret_addresses = addresses;
	return result;
}

// ---------------------------------------------------------------- sockets of the service manager

static int inherit_unix(int fd, const struct sockaddr_un *address, struct server_addresses *addresses,
			struct options_error *error)
{
	if (address->sun_path[0] == '\0')
		return refuse(error, "the Unix socket %d of the service manager has no path", fd);
	const bool is_other = addresses->unix_path[0] != '\0' && strcmp(addresses->unix_path, address->sun_path) != 0;
	if (is_other || addresses->unix_fd >= 0)
		return refuse(error,
			      "the service manager passes %s, but there can be one Unix socket only: set unix to it",
			      address->sun_path);
	snprintf(addresses->unix_path, sizeof(addresses->unix_path), "%s", address->sun_path);
	addresses->unix_fd = fd;
	return 0;
}

static int inherit_tcp(int fd, const struct address *address, bool insecure, struct server_addresses *addresses,
		       struct options_error *error)
{
	char text[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];
	size_t i = 0;
	address_format(address, text);
	for (; i < addresses->tcp_count; i++) {
		address_format(&addresses->tcp[i], other);
		if (addresses->tcp_fds[i] < 0 && strcmp(text, other) == 0)
			break;
	}
	if (i == SERVER_ADDRESSES_MAX)
		return refuse(error, "listen: more than %d addresses", SERVER_ADDRESSES_MAX);
	// One that the settings do not name is plain.
	const bool is_tls = i < addresses->tcp_count && addresses->is_tls[i];
	if (check_reach(text, address, insecure || is_tls, error) != 0)
		return -EINVAL;
	if (i == addresses->tcp_count)
		addresses->tcp_count++;
	addresses->tcp[i] = *address;
	addresses->tcp_fds[i] = fd;
	return 0;
}

static int inherit(int fd, bool insecure, struct server_addresses *addresses, struct options_error *error)
{
	struct address address = {.size = sizeof(address.storage)};
	struct sockaddr_un path = {0}; // of no more than 107 bytes, so terminated
	const int flags = fcntl(fd, F_GETFL);
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address.storage, &address.size) != 0)
		return refuse(error, "the descriptor %d of the service manager is no listening stream socket", fd);
	switch (address.storage.ss_family) {
	case AF_UNIX:
		memcpy(&path, &address.storage, address.size < sizeof(path) ? address.size : sizeof(path) - 1);
		return inherit_unix(fd, &path, addresses, error);
	case AF_INET:
	case AF_INET6:
		return inherit_tcp(fd, &address, insecure, addresses, error);
	}
	return refuse(error, "the socket %d of the service manager is neither TCP nor Unix", fd);
}

int server_addresses_inherit(const struct options *options, struct server_addresses *addresses,
			     struct options_error *error)
{
	const int count = sd_listen_fds(1);
	int result = 0;
	if (count < 0)
		return refuse(error, "LISTEN_FDS of the service manager: %s", strerror(-count));
	if (count > 0 && addresses->is_default)
		addresses->tcp_count = 0;
	for (int i = 0; i < count && result == 0; i++)
		result = inherit(SD_LISTEN_FDS_START + i, options->insecure_listen, addresses, error);
	return result;
}

// ---------------------------------------------------------------- for people and scripts

void server_addresses_format(const struct server_addresses *addresses, char *text, size_t size)
{
	char address[ADDRESS_TEXT_MAX];
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < addresses->tcp_count && used < size; i++) {
		address_format(&addresses->tcp[i], address);
		used += (size_t)snprintf(text + used, size - used, "%s%s%s", used ? ", " : "",
					 addresses->is_tls[i] ? "tls " : "", address);
	}
	if (addresses->unix_path[0] != '\0' && used < size)
		used += (size_t)snprintf(text + used, size - used, "%sunix %s", used ? ", " : "", addresses->unix_path);
	for (size_t i = 0; i < addresses->http_count && used < size; i++) {
		address_format(&addresses->http[i], address);
		used += (size_t)snprintf(text + used, size - used, ", http %s", address);
	}
}

static void write_lines(const struct server_addresses *addresses, FILE *file)
{
	char address[ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < addresses->tcp_count; i++) {
		address_format(&addresses->tcp[i], address);
		fprintf(file, "%s %s\n", addresses->is_tls[i] ? "tls" : "listen", address);
	}
	if (addresses->unix_path[0] != '\0')
		fprintf(file, "unix %s\n", addresses->unix_path);
	for (size_t i = 0; i < addresses->http_count; i++) {
		address_format(&addresses->http[i], address);
		fprintf(file, "http %s\n", address);
	}
}

// Who waits for the file must never read half of it: written beside it, then renamed.
int server_addresses_write(const struct server_addresses *addresses, const char *path)
{
	char temporary[OPTIONS_TEXT_MAX + 8];
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	FILE *file = fopen(temporary, "we");
	if (file == NULL)
		return -errno;
	write_lines(addresses, file);
	const bool is_written = ferror(file) == 0;
	if (fclose(file) != 0 || !is_written || rename(temporary, path) != 0) {
		const int error = errno ? errno : EIO;
		unlink(temporary);
		return -error;
	}
	return 0;
}
