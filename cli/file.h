// SPDX-License-Identifier: Apache-2.0
// Files named on the command line; "-" is stdin.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "proto/fault.h"

enum { FILE_SIZE_MAX = 1024 * 1024 }; // of a file with one object; far more than a change set may hold

// The whole file, into `arena`. -EFBIG, -ENOMEM, or why it cannot be read.
MUST_CHECK int file_read(const char *name, struct arena *arena, struct bytes *ret_text, struct fault *fault);
