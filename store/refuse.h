// SPDX-License-Identifier: Apache-2.0
// How the store says no: a fault for whoever asked, and the errno that goes with its code.
#pragma once

#include "proto/fault.h"

// Sets the fault unless one is set. Returns -EINVAL for INVALID_ARGUMENT, -ENOENT for NOT_FOUND, -EEXIST for
// ALREADY_EXISTS, -ECANCELED for ABORTED, -E2BIG for RESOURCE_EXHAUSTED, -EBADMSG for DATA_LOSS, -EAGAIN for
// UNAVAILABLE, else -EPERM.
MUST_CHECK int store_refuse(struct fault *fault, enum status_code code, const char *field, const char *format, ...)
	PRINTF_LIKE(4, 5);
