// SPDX-License-Identifier: Apache-2.0
// Which server to connect to: the URL's, or what its sentinels name as the master, asked one after the other. To be
// asked anew after every lost connection. The sentinels are tried without a password first, then with the URL's.
// On the loop's thread.
#pragma once

#include "base/check.h"
#include "daemon/feed/redis_error.h"
#include "daemon/feed/redis_url.h"
#include "daemon/net/loop.h"

struct redis_finder;
struct tls_context;

// What it was told: fills in host, port or path of the settings of a connection, which should have must_be_master set
// to is_from_sentinel. Gone after the call.
struct redis_found {
	const char *unix_path; // empty: TCP
	const char *host;
	uint16_t port;
	bool is_from_sentinel;
};

// `url` is copied; `tls` is NULL for plain URLs and must outlive the finder.
MUST_CHECK int redis_finder_create(struct loop *loop, const struct redis_url *url, struct tls_context *tls,
				   struct redis_finder **ret_finder);
// Also while it is asking; on_found() is not called any more. NULL is fine.
void redis_finder_destroy(struct redis_finder *finder);
// on_found() in a later turn, once: exactly one of found and error is not NULL. The error is that of the last sentinel
// asked. Not while it is asking already. May destroy the finder, or ask again.
void redis_finder_ask(struct redis_finder *finder,
		      void (*on_found)(void *context, const struct redis_found *found, const struct redis_error *error),
		      void *context);
