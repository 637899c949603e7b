// SPDX-License-Identifier: Apache-2.0
// Numbers and instants as JSON writes them. Decimals never pass through a double. For proto/ alone.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "proto/messages.h"

// Decimal digits, for int64 with a leading '-' too. -EINVAL for anything else, -ERANGE when it does not fit.
MUST_CHECK int json_parse_int64(struct bytes text, int64_t *ret_value);
MUST_CHECK int json_parse_uint64(struct bytes text, uint64_t *ret_value);

// A JSON number. As many decimals as written are kept ("0.50" is 50 * 10^-2), but for zeros beyond the fourth.
// -EINVAL: not a number; -ERANGE: more than DECIMAL_SCALE_MAX decimals, or too many digits.
MUST_CHECK int json_parse_decimal(struct bytes text, struct decimal *ret_value);
// The same digits. Never cut off.
enum { JSON_DECIMAL_SIZE = 48 };
size_t json_format_decimal(const struct decimal *value, char text[JSON_DECIMAL_SIZE]);
