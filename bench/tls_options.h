// SPDX-License-Identifier: Apache-2.0
// The options of TLS that every command with --server takes, and what the environment says of them.
#pragma once

#include "client/evauth.h"

#include <argp.h>

struct tls_options {
	struct evauth_tls tls;
	const char *given; // the last option given, without its dashes; NULL: none
};

// A child of a command's own argp (glibc: argp children); its input is a struct tls_options.
extern const struct argp tls_options_argp;

// What the environment says.
struct tls_options tls_options_default(void);
struct client_tls;

// What connections to `server` need: *ret_tls is NULL for one without TLS. Asks it for its Status, because who is not
// let in is told why by a client. Negative errno, having said why on stderr. `resumes`: see client_tls_create().
MUST_CHECK int tls_options_open(const struct tls_options *options, const char *server, bool resumes,
				struct client_tls **ret_tls);
// As argp_error() for an option that `server` has no use for: nobody gets a plain connection who asked for TLS.
void tls_options_check(struct argp_state *state, const struct tls_options *options, const char *server);
