// SPDX-License-Identifier: Apache-2.0
// Where Redis is and who we are there, as one URL:
//
//     redis://[[USER][:PASSWORD]@]HOST[:PORT][/DATABASE]      rediss:// with TLS
//     unix:///PATH, unix:PATH                                 with ?user=, ?password= and ?database= behind it
//     redis+sentinel://[[USER][:PASSWORD]@]HOST[:PORT],HOST[:PORT]…/MASTER[/DATABASE]      rediss+sentinel:// with TLS
//
// User, password and master name may be percent-encoded. Pure: no I/O but reading the password file.
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REDIS_HOST_SIZE = 256, // all sizes with the terminator
	REDIS_USER_SIZE = 128,
	REDIS_PASSWORD_SIZE = 512,
	REDIS_MASTER_SIZE = 128,
	REDIS_PATH_SIZE = 108,
	REDIS_SENTINELS_MAX = 8,
	REDIS_PORT_DEFAULT = 6379,
	REDIS_SENTINEL_PORT_DEFAULT = 26379,
	REDIS_DATABASE_MAX = 65535,
	REDIS_URL_TEXT_SIZE = 4096, // of the printed form
	REDIS_WHY_SIZE = 320,
};

struct redis_endpoint {
	char host[REDIS_HOST_SIZE]; // a name or an address, IPv6 without brackets
	uint16_t port;
};

struct redis_url {
	bool is_tls;
	char unix_path[REDIS_PATH_SIZE]; // empty: TCP
	// The server, or the sentinels to ask, in this order. 0 for a Unix socket.
	uint32_t endpoints_count;
	struct redis_endpoint endpoints[REDIS_SENTINELS_MAX];
	char master[REDIS_MASTER_SIZE];     // empty: no Sentinel
	char user[REDIS_USER_SIZE];         // empty: Redis's default user
	char password[REDIS_PASSWORD_SIZE]; // empty: none
	uint32_t database;
};

// -EINVAL: ret_why says what is wrong, and never holds the password; *ret_url is untouched then.
MUST_CHECK int redis_url_parse(const char *text, struct redis_url *ret_url, char ret_why[REDIS_WHY_SIZE]);
// For status and log: everything but the password, in whose place stand three asterisks.
void redis_url_format(const struct redis_url *url, char ret_text[REDIS_URL_TEXT_SIZE]);
// Reads the first line of a file into url->password. -EINVAL with ret_why: it cannot be read, others may read it, it is
// empty or too long, or the URL has a password already.
MUST_CHECK int redis_url_read_password(struct redis_url *url, const char *path, char ret_why[REDIS_WHY_SIZE]);
