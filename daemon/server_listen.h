// SPDX-License-Identifier: Apache-2.0
// Where the daemon listens: from the settings to bound sockets and the port file.
#pragma once

#include "daemon/net/address.h"
#include "daemon/options.h"

#define SERVER_LISTEN_DEFAULT "127.0.0.1:7420"

enum {
	SERVER_ADDRESSES_MAX = 32,
	SERVER_HTTP_MAX = 8, // what one name may resolve to
};

struct server_addresses {
	struct address tcp[SERVER_ADDRESSES_MAX];
	int tcp_fds[SERVER_ADDRESSES_MAX]; // listening already, passed by the service manager; -1: to be bound
	bool is_tls[SERVER_ADDRESSES_MAX]; // of the same
	size_t tcp_count;
	bool is_default;                  // nothing was set: tcp[0] is SERVER_LISTEN_DEFAULT
	char unix_path[OPTIONS_TEXT_MAX]; // empty: none
	int unix_fd;                      // as tcp_fds
	struct address http[SERVER_HTTP_MAX];
	size_t http_count;
};

// Resolves the settings, refusing what is plain and beyond loopback unless insecure-listen, or insecure-http, allows
// it. -EINVAL and an error.
MUST_CHECK int server_addresses_resolve(const struct options *options, struct server_addresses *ret_addresses,
					struct options_error *error);
// Takes the sockets the service manager passed (sd_listen_fds(3)), once per process. An address of the settings that
// one of them has is not bound again; others are served as well, and the default only if none was passed. What is
// beyond loopback is refused as above, and so is what is no listening stream socket. -EINVAL and an error.
MUST_CHECK int server_addresses_inherit(const struct options *options, struct server_addresses *addresses,
					struct options_error *error);
// "127.0.0.1:7420, unix /run/evauthd/socket"
void server_addresses_format(const struct server_addresses *addresses, char *ret_text, size_t text_size);
// Writes the port file, whole or not at all. Negative errno.
MUST_CHECK int server_addresses_write(const struct server_addresses *addresses, const char *path);
