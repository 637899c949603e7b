// SPDX-License-Identifier: Apache-2.0
// What the options say about Redis, put together: the URL with its password, and what TLS needs. What they say about
// the peers is checked along.
#pragma once

#include "base/check.h"
#include "daemon/feed/redis_url.h"
#include "daemon/options.h"

struct tls_context;

struct redis_settings {
	bool is_used; // false: no Redis, nothing below counts
	struct redis_url url;
	struct tls_context *tls; // NULL: plain
};

// Reads the files that are named. -EINVAL with an error for what does not fit together or cannot be read. To be given
// back by redis_settings_finish().
MUST_CHECK int redis_settings_init(struct redis_settings *settings, const struct options *options,
				   struct options_error *error);
// Zeroed memory is fine. After the connections that use it.
void redis_settings_finish(struct redis_settings *settings);
