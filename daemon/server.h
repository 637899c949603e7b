// SPDX-License-Identifier: Apache-2.0
// The process: opens the store, starts the workers, listens, and takes all of it down in reverse order.
#pragma once

#include "daemon/options.h"

// What can be wrong with settings beyond each by itself: addresses that do not resolve or that are not allowed.
// -EINVAL and an error. May ask the resolver.
MUST_CHECK int server_check(const struct options *options, struct options_error *error);

// Serves until SIGTERM or SIGINT. argc and argv are read again on SIGHUP. Returns the exit code.
int server_run(int argc, char **argv, const struct options *options);
