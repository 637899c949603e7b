// SPDX-License-Identifier: Apache-2.0
// Whether the daemon is alive, and whether it should be asked, in words for probes and for people.
#pragma once

#include "daemon/admin/figures.h"
#include "daemon/admin/text.h"

// True: alive. A daemon that loads or stops is. Writes {"alive":true} or why not.
bool health_write(const struct figures *figures, struct text *text);
// True: ready for everything. Writes one line of JSON:
// {"ready":false,"reasons":[{"code":"loading","message":"..."}],...}
bool readiness_write(const struct figures *figures, struct text *text);
enum { READINESS_REASONS_MAX = 16 };

// The codes of the reasons, literals; none: ready. Returns how many.
size_t readiness_codes(const struct figures *figures, const char *ret_codes[READINESS_REASONS_MAX]);
// The same without words.
bool readiness_is_ready(const struct figures *figures);
