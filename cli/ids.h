// SPDX-License-Identifier: Apache-2.0
// Lists of ids on the command line; "-" among them stands for a list on stdin, one id a line.
#pragma once

#include "cli/context.h"

struct ids {
	struct bytes *ids;
	size_t count;
};

// The words from `first` on; what stdin has lives in the context's arena. EXIT_ERROR, having said why: no id at all,
// or more than one change set may hold.
MUST_CHECK enum exit_code ids_read(struct context *context, size_t first, struct ids *ret_ids);
