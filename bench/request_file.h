// SPDX-License-Identifier: Apache-2.0
// Requests with the answers that are expected, one JSON object a line:
//
//     {"token_uid":"04A1B2C3D4E5F6","charge_point_id":"NL*EVC*E0000001","expect":{"verdict":"ALLOWED","tariff_id":"day"}}
//
// An AuthorizeRequest in the JSON mapping (PROTOCOL.md "JSON") with one member more: "expect" holds fields of the
// AuthorizeResponse, by whose names and in whose spelling the answer must be equal. Fields that are not named are not
// looked at; to expect that a field is empty, name it as 0 or "". Empty lines are skipped. `explanation` cannot be
// expected.
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "proto/messages.h"

#include <stdbool.h>
#include <stdint.h>

enum { REQUEST_LINE_SIZE_MAX = 64 * 1024 };

// Why a line was refused.
struct request_file_fault {
	uint32_t line, column; // from 1; column 0: the line as a whole
	char message[400];
};

struct request_line {
	const struct authorize_request *request; // both in the arena
	struct bytes expected;                   // an encoded AuthorizeResponse with the fields named
	uint32_t fields;                         // the numbers of the fields named, as bits
};

// Reads one line, without its end. `line` is its number, for the fault. -EINVAL with a fault; -ENOMEM.
MUST_CHECK int request_line_read(struct bytes text, uint32_t line, struct arena *arena, struct request_line *ret_line,
				 struct request_file_fault *fault);

// Whether an encoded answer has the fields that are expected of it.
bool request_line_is_answered(struct bytes expected, uint32_t fields, struct bytes answer);
