// SPDX-License-Identifier: Apache-2.0
// Usual messages without protobuf-c and without its copy of them: for the millions of records that are read on start
// and written by an import. What is decoded here codec_decode() takes as well, and makes the same message of it; what
// is encoded here is byte for byte what protobuf-c would write. Tests say so.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "proto/schema.h"

#include <stdbool.h>

// Decodes `body` into a new message in `arena`, whose strings borrow from `body`. False: codec_decode() is to be asked.
// So it is for whatever is unusual: fields out of order or unknown, numbers out of range, lists of anything but
// messages, oneofs, an exhausted arena. Any thread.
bool codec_decode_direct(const struct schema *schema, struct bytes body, struct arena *arena, void *ret_message);

// Encodes `message` into memory of `arena`. False: protobuf-c is to be asked. So it is for messages of more than 1 KiB,
// lists of numbers, texts with a NUL, and an exhausted arena. codec_encode() begins with this. Any thread.
bool codec_encode_direct(const struct schema *schema, const void *message, struct arena *arena, struct bytes *ret_body);
