// SPDX-License-Identifier: Apache-2.0
// Where a daemon listens, as people write it: "HOST:PORT", "[IPV6]:PORT", "unix:PATH", and with TLS "tls:HOST:PORT",
// "tls:[IPV6]:PORT".
#pragma once

#include "base/check.h"
#include "proto/fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
	char text[272]; // as it was written, for messages
	bool is_unix;
	bool is_tls;    // who connects has to speak TLS there
	char host[256]; // a name or a numeric address, without brackets
	char port[6];
	struct sockaddr_un path;
};

// -EINVAL with what is expected.
MUST_CHECK int address_parse(const char *text, struct address *ret_address, struct fault *fault);
// A connected, non-blocking, close-on-exec socket; tries each address of the host in turn. Looking a host's name up
// may take longer than the time-out, which is the resolver's. Negative errno of the last address tried; -ETIMEDOUT;
// -EHOSTUNREACH when the name is unknown.
MUST_CHECK int address_connect(const struct address *address, uint64_t deadline_ms, int *ret_fd, struct fault *fault);
// Whether the text begins as one with TLS does.
bool address_names_tls(const char *text);
// How long poll(2) may wait: 0 when `deadline_ms` (monotonic) has passed.
int deadline_left_ms(uint64_t deadline_ms);
