// SPDX-License-Identifier: Apache-2.0
// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include "base/bytes.h"

#include <stdint.h>

// The size of the well-formed sequence `text` starts with, 1-4; 0 when it is malformed or cut off. size >= 1.
size_t utf8_sequence_size(const char *text, size_t size);
// Well-formed and without NUL: what a protobuf string may hold here (DESIGN 3.4).
bool utf8_is_text(struct bytes text);
// ASCII without NUL: UTF-8 text that needs no closer look.
bool utf8_is_plain_ascii(struct bytes text);
// Replaces what is malformed in a terminated string by '?', in place.
void utf8_repair(char *text);
