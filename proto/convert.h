// SPDX-License-Identifier: Apache-2.0
// Between protobuf-c's structs and the plain ones of messages.h, row by row of the schema. For proto/ alone.
#pragma once

#include "base/arena.h"
#include "proto/schema_impl.h"

// Fills the plain struct `to` (zeroed by the caller). It borrows the strings of `from`; lists and messages are new in
// `arena`. -ENOMEM when the arena's budget is spent.
MUST_CHECK int convert_from_pb(const struct schema *schema, const ProtobufCMessage *from, struct arena *arena,
			       void *to);
// Fills `to`, memory for the descriptor's struct. Everything it points to is new in `arena`. A string ends at its
// first NUL. -ENOMEM as above.
MUST_CHECK int convert_to_pb(const struct schema *schema, const void *from, struct arena *arena, ProtobufCMessage *to);
