// SPDX-License-Identifier: Apache-2.0
// Load from a file of requests with expected answers (request_file.h): a functional test, and load.
#pragma once

#include "bench/load.h"

#include <stdio.h>

extern const struct load_protocol protocol_requests;

struct file_load_options {
	const char *name;    // for messages
	uint32_t timeout_ms; // in every request; 0: none
	uint32_t batch;      // 0: Authorize; else AuthorizeBatch of so many lines, the last one of the rest
};

// Reads to the end of the stream. -EINVAL for a line that cannot be read, which is said on stderr as
// "NAME:LINE:COLUMN: why"; -ENODATA when there is no request in it; -EFBIG; -ENOMEM; -EIO and other errors of reading.
MUST_CHECK int file_requests_create(FILE *stream, const struct file_load_options *options,
				    struct load_requests *ret_requests);
void file_requests_destroy(struct load_requests *requests);

// A wrong answer, with the lines of the requests, and the first error, on stderr.
void file_explain_wrong(const struct load_requests *requests, const struct load_result *result);
