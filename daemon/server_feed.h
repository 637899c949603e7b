// SPDX-License-Identifier: Apache-2.0
// The feed as the server sees it: made from the settings, known to the RPC by its hooks.
#pragma once

#include "daemon/options.h"
#include "daemon/rpc/service.h"

struct server_feed;

// With the store open, before the first worker. Reads certificates and the password file. *ret_feed is NULL when no
// Redis is configured. Negative errno and the error.
MUST_CHECK int server_feed_create(const struct options *options, struct service *service, struct server_feed **ret_feed,
				  struct options_error *error);
MUST_CHECK int server_feed_start(struct server_feed *feed);
// What waits is answered within this time, so that the workers can end. NULL is fine.
void server_feed_drain(struct server_feed *feed, uint64_t timeout_ms);
// What waits is answered. NULL is fine, for the next one as well.
void server_feed_stop(struct server_feed *feed);
void server_feed_destroy(struct server_feed *feed);
