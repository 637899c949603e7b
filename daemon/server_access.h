// SPDX-License-Identifier: Apache-2.0
// Who is let in and may do what, from the settings to the workers: rules (daemon/rpc/access.h) and TLS (tls/tls.h).
#pragma once

#include "daemon/options.h"
#include "daemon/rpc/service.h"

// Negative errno and the error. May ask the user database; reads certificates.
MUST_CHECK int server_access_check(const struct options *options, struct options_error *error);
// Before the first worker.
MUST_CHECK int server_access_use(const struct options *options, struct service *service, struct options_error *error);
// What of settings that were checked does not need a restart; what goes wrong changes nothing. The workers have to look
// afterwards (worker_look_at_access()).
MUST_CHECK int server_access_reload(const struct options *options, struct service *service,
				    struct options_error *error);
// When nothing uses it any more.
void server_access_finish(struct service *service);
