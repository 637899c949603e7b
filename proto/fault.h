// SPDX-License-Identifier: Apache-2.0
// Why something was refused, in the terms of the wire's Error message. Filled by whoever refuses; the first
// refusal stands.
#pragma once

#include "base/check.h"

#include <stdint.h>

// gRPC status codes, by number; the second header byte of a response frame.
enum status_code {
	STATUS_OK = 0,
	STATUS_CANCELLED = 1,
	STATUS_UNKNOWN = 2,
	STATUS_INVALID_ARGUMENT = 3,
	STATUS_DEADLINE_EXCEEDED = 4,
	STATUS_NOT_FOUND = 5,
	STATUS_ALREADY_EXISTS = 6,
	STATUS_PERMISSION_DENIED = 7,
	STATUS_RESOURCE_EXHAUSTED = 8,
	STATUS_FAILED_PRECONDITION = 9,
	STATUS_ABORTED = 10,
	STATUS_OUT_OF_RANGE = 11,
	STATUS_UNIMPLEMENTED = 12,
	STATUS_INTERNAL = 13,
	STATUS_UNAVAILABLE = 14,
	STATUS_DATA_LOSS = 15,
	STATUS_UNAUTHENTICATED = 16,
};

struct fault {
	enum status_code code;   // STATUS_OK: no fault
	uint32_t change_number;  // from 1; 0: not about one change
	uint32_t retry_after_ms; // 0: no hint
	char field[128];         // path in proto names: "changes[3].put_token.uid"
	char message[256];       // names the object; for people
};

// Sets the fault unless one is set. `field` may be NULL.
void fault_set(struct fault *fault, enum status_code code, const char *field, const char *format, ...)
	PRINTF_LIKE(4, 5);
// "INVALID_ARGUMENT"; "CODE_17" for numbers gRPC does not know.
const char *status_code_name(enum status_code code);
