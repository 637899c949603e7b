// SPDX-License-Identifier: Apache-2.0
// timeout_ms, field 100 of every request (PROTOCOL.md, Deadlines), as it lies in an encoded body: found before anything
// is decoded, added to what is encoded already, left out of what is kept. Any thread.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stddef.h>
#include <stdint.h>

enum { TIMEOUT_FIELD_SIZE_MAX = 2 + 5 };

// 0: there is none. Of a malformed body what was found before the fault, as whoever decodes it will refuse it.
uint32_t timeout_find(struct bytes body);
// Writes the field. Returns its size; 0 for no time-out, which is not written. Behind a body it counts instead of one
// that is in there.
size_t timeout_write(char room[TIMEOUT_FIELD_SIZE_MAX], uint32_t timeout_ms);
// Copies `body` without the field into `room` of body.size bytes. Returns the size of the copy.
size_t timeout_strip(struct bytes body, char *room);
