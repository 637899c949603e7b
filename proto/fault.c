// SPDX-License-Identifier: Apache-2.0
#include "proto/fault.h"

#include "proto/utf8.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const status_names[] = {
	[STATUS_OK] = "OK",
	[STATUS_CANCELLED] = "CANCELLED",
	[STATUS_UNKNOWN] = "UNKNOWN",
	[STATUS_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
	[STATUS_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
	[STATUS_NOT_FOUND] = "NOT_FOUND",
	[STATUS_ALREADY_EXISTS] = "ALREADY_EXISTS",
	[STATUS_PERMISSION_DENIED] = "PERMISSION_DENIED",
	[STATUS_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
	[STATUS_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
	[STATUS_ABORTED] = "ABORTED",
	[STATUS_OUT_OF_RANGE] = "OUT_OF_RANGE",
	[STATUS_UNIMPLEMENTED] = "UNIMPLEMENTED",
	[STATUS_INTERNAL] = "INTERNAL",
	[STATUS_UNAVAILABLE] = "UNAVAILABLE",
	[STATUS_DATA_LOSS] = "DATA_LOSS",
	[STATUS_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

void fault_set(struct fault *fault, enum status_code code, const char *field, const char *format, ...)
{
	if (fault->code != STATUS_OK)
		return;
	fault->code = code;
	snprintf(fault->field, sizeof(fault->field), "%s", field ? field : "");
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fault->message, sizeof(fault->message), format, arguments);
	va_end(arguments);
	// Both end up in an Error message: its strings must be UTF-8, also where they were cut.
	utf8_repair(fault->field);
	utf8_repair(fault->message);
}

const char *status_code_name(enum status_code code)
{
	static _Thread_local char unknown[24];
	if ((size_t)code < ARRAY_SIZE(status_names))
		return status_names[code];
	snprintf(unknown, sizeof(unknown), "CODE_%u", (unsigned)code);
	return unknown;
}
