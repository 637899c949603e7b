// SPDX-License-Identifier: Apache-2.0
// Questions that were denied, as lines of the log (log-denials): where, why, to whom, and, with log-pepper-file, a name
// of the token that only who has the pepper can make. Never the token itself.
#pragma once

#include "daemon/options.h"
#include "daemon/rpc/service.h"

struct server_denials;

enum { DENIALS_PER_SECOND = 10 }; // lines; the next one says how many were left out

// Whether the settings can be used. -EINVAL and a text that names the option.
MUST_CHECK int server_denials_check(const struct options *options, struct options_error *error);
// What service->denials tells goes to the log from then on. -ENOMEM.
MUST_CHECK int server_denials_create(struct service *service, struct server_denials **ret_denials);
// Takes the settings over, at any time; -EINVAL as above leaves them as they were.
MUST_CHECK int server_denials_use(struct server_denials *denials, const struct options *options,
				  struct options_error *error);
// Nobody tells any more. NULL is fine.
void server_denials_destroy(struct server_denials *denials);
