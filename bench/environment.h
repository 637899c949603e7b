// SPDX-License-Identifier: Apache-2.0
// Where a measurement took place: without it its figures mean nothing to somebody else.
#pragma once

#include <stdint.h>

enum { ENVIRONMENT_TEXT_SIZE = 96 };

struct environment {
	char cpu[ENVIRONMENT_TEXT_SIZE]; // the model of the first one; "unknown" as the others when it cannot be read
	char kernel[ENVIRONMENT_TEXT_SIZE];
	char server_version[ENVIRONMENT_TEXT_SIZE]; // of the evauthd that was asked; empty: it was not
	uint32_t cores;                             // online
	int64_t started_at;                         // unix seconds
};

struct evauth_tls;

// Asks `server` by Status which version it is; NULL: nobody. `tls` is for one with TLS, or NULL. A server that does not
// answer leaves the version empty.
void environment_read(const char *server, const struct evauth_tls *tls, struct environment *ret_environment);
