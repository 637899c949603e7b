// SPDX-License-Identifier: Apache-2.0
#include "store/refuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const int error_of_code[] = {
	[STATUS_INVALID_ARGUMENT] = -EINVAL,  [STATUS_NOT_FOUND] = -ENOENT,          [STATUS_ALREADY_EXISTS] = -EEXIST,
	[STATUS_RESOURCE_EXHAUSTED] = -E2BIG, [STATUS_FAILED_PRECONDITION] = -EPERM, [STATUS_ABORTED] = -ECANCELED,
	[STATUS_UNAVAILABLE] = -EAGAIN,       [STATUS_DATA_LOSS] = -EBADMSG,
};

int store_refuse(struct fault *fault, enum status_code code, const char *field, const char *format, ...)
{
	char message[sizeof(fault->message)];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	fault_set(fault, code, field, "%s", message);
	const int error = (size_t)code < ARRAY_SIZE(error_of_code) ? error_of_code[code] : 0;
	return error != 0 ? error : -EPERM;
}
