// SPDX-License-Identifier: Apache-2.0
// What `evauth top` shows, drawn into a screen.
#pragma once

#include "cli/screen.h"
#include "cli/span.h"

struct top_view {
	const struct span *span;
	const char *server;
	int64_t now_s;                                           // wall clock
	const char *note;                                        // what has happened to the connection; NULL: nothing
	const struct clients_response *clients_before, *clients; // NULL: not known
};

// -ENOMEM. What it needs meanwhile comes from `arena`.
MUST_CHECK int top_view_draw(const struct top_view *view, struct arena *arena, struct screen *screen);
