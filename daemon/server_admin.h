// SPDX-License-Identifier: Apache-2.0
// The operator's HTTP port as the server sees it: bound from the settings, fed from everything that counts.
#pragma once

#include "daemon/server_figures.h"
#include "daemon/server_listen.h"

struct server_admin;

// Binds addresses->http, whose ports become those taken, and answers there that the daemon is loading. *ret_admin is
// NULL when there is none. Signals are blocked already. Negative errno; *ret_where is the address that failed, as text.
MUST_CHECK int server_admin_create(struct server_addresses *addresses, struct server_admin **ret_admin,
				   char ret_where[ADDRESS_TEXT_MAX]);
// NULL is fine, here and below.
void server_admin_set_load(struct server_admin *admin, uint64_t done, uint64_t total);
// The parts stay where they are until server_admin_stopped().
void server_admin_serving(struct server_admin *admin, const struct server_figures_parts *parts);
// Says so; does nothing when it never served.
void server_admin_stopping(struct server_admin *admin);
// The parts may go.
void server_admin_stopped(struct server_admin *admin);
void server_admin_destroy(struct server_admin *admin);
