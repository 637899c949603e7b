// SPDX-License-Identifier: Apache-2.0
// Addresses to listen on: HOST:PORT, resolved.
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ADDRESS_TEXT_MAX = 80,    // "[IPv6%scope]:65535" and the terminator
	ADDRESS_RESOLVED_MAX = 8, // of one name
};

struct address {
	struct sockaddr_storage storage;
	socklen_t size;
};

// Resolves "127.0.0.1:7420", "[::1]:7420", "localhost:0". At most `max` addresses, in the resolver's order, without
// repetitions. Returns how many, or -EINVAL (malformed) or -ENOENT (unknown host). May block.
MUST_CHECK int address_resolve(const char *host_port, struct address *ret_addresses, size_t max);
// 127.0.0.0/8, ::1, and the former mapped into IPv6.
bool address_is_loopback(const struct address *address);
uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);
// "127.0.0.1:7420", "[::1]:7420"
void address_format(const struct address *address, char ret_text[ADDRESS_TEXT_MAX]);
