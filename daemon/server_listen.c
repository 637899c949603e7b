// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_listen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

PRINTF_LIKE(2, 3) static int refuse(struct options_error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int add_address(const char *text, bool insecure, struct server_addresses *addresses, struct options_error *error)
{
	struct address *first = &addresses->tcp[addresses->tcp_count];
	if (addresses->tcp_count == SERVER_ADDRESSES_MAX)
		return refuse(error, "listen: more than %d addresses", SERVER_ADDRESSES_MAX);
	const int count = address_resolve(text, first, SERVER_ADDRESSES_MAX - addresses->tcp_count);
	if (count < 0)
		return refuse(error, "listen: '%s' %s", text,
			      count == -EINVAL ? "is not of the form HOST:PORT" : "is not known to the resolver");
	for (int i = 0; i < count && !insecure; i++) {
		if (!address_is_loopback(&first[i]))
			return refuse(error,
				      "listen: '%s' can be reached from other machines, but nothing is encrypted and "
				      "nobody is authenticated: anybody could read and change everything. Listen on "
				      "127.0.0.1 or on a Unix socket, or, in a network you trust, add "
				      "--insecure-listen (insecure-listen = true)",
				      text);
	}
	addresses->tcp_count += (size_t)count;
	return 0;
}

int server_addresses_resolve(const struct options *options, struct server_addresses *ret_addresses,
			     struct options_error *error)
{
	struct server_addresses addresses = {.tcp_count = 0};
	int result = 0;
	for (size_t i = 0; i < options->listen.count && result == 0; i++)
		result = add_address(options->listen.items[i], options->insecure_listen, &addresses, error);
	if (result != 0)
		return result;
	memcpy(addresses.unix_path, options->unix_path, sizeof(addresses.unix_path));
	if (addresses.tcp_count == 0 && addresses.unix_path[0] == '\0')
		result = add_address(SERVER_LISTEN_DEFAULT, false, &addresses, error);
	if (result == 0)
		*ret_addresses = addresses;
	return result;
}

void server_addresses_format(const struct server_addresses *addresses, char *text, size_t size)
{
	char address[ADDRESS_TEXT_MAX];
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < addresses->tcp_count && used < size; i++) {
		address_format(&addresses->tcp[i], address);
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", address);
	}
	if (addresses->unix_path[0] != '\0' && used < size)
		snprintf(text + used, size - used, "%sunix %s", used ? ", " : "", addresses->unix_path);
}

static void write_lines(const struct server_addresses *addresses, FILE *file)
{
	char address[ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < addresses->tcp_count; i++) {
		address_format(&addresses->tcp[i], address);
		fprintf(file, "listen %s\n", address);
	}
	if (addresses->unix_path[0] != '\0')
		fprintf(file, "unix %s\n", addresses->unix_path);
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
