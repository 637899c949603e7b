// SPDX-License-Identifier: Apache-2.0
// A file or stdin, line by line, in big reads.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "client/buffer.h"

#include <stdint.h>

enum { LINE_SIZE_MAX = 4 * 1024 * 1024 }; // above any change a set may hold, as JSON

struct lines {
	int fd;
	bool is_stdin;
	bool at_end;
	struct buffer buffer;
	size_t searched;     // bytes of the buffer known to hold no line break
	uint64_t number;     // of the last line returned, from 1
	uint64_t bytes_read; // lines returned so far, with their ends
	uint64_t bytes_all;  // of the file; 0 when unknown
};

// "-" is stdin. Negative errno.
MUST_CHECK int lines_open(struct lines *lines, const char *name);
void lines_close(struct lines *lines);
// The next line without its end, valid until the next call. 1: there is one; 0: the end; -EFBIG: longer than
// LINE_SIZE_MAX; -ENOMEM, or why it cannot be read.
MUST_CHECK int lines_next(struct lines *lines, struct bytes *ret_line);
