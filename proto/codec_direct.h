// SPDX-License-Identifier: Apache-2.0
// Bodies as an encoder writes them, decoded in one pass, without protobuf-c and without copying: for the millions of
// records that are read on start. What it takes, codec_decode() takes as well, and makes the same message of it; a test
// says so.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/schema.h"

#include <stdbool.h>

// Decodes `body` into a new message in `arena`, whose strings borrow from `body`. False: codec_decode() is to be asked.
// So it is for whatever is unusual: fields out of order or unknown, numbers out of range, lists of anything but
// messages, oneofs, an exhausted arena. Any thread.
bool codec_decode_direct(const struct schema *schema, struct bytes body, struct arena *arena, void *ret_message);
