// SPDX-License-Identifier: Apache-2.0
// Fills a server: many requests on one connection, written in large pieces, every answer looked at. Errors stick: add
// on, ask once at the end.
#pragma once

#include "bench/load.h"
#include "proto/fault.h"

enum {
	FILL_REQUESTS = 500, // written at once
	FILL_SIZE = 256 * 1024,
	FILL_REQUEST_SIZE_MAX = 72 * 1024,
	FILL_ANSWER_SIZE = 160,
};

struct fill {
	int fd;
	int error;
	const struct load_protocol *protocol; // its parse() tells answers, and which are errors
	struct fault *fault;                  // what the first error was
	uint32_t requests;                    // in the buffer
	size_t used;
	char buffer[FILL_SIZE];
};

// Connects to HOST:PORT. On failure the fault is set, and nothing is to be closed.
MUST_CHECK int fill_open(struct fill *fill, const char *server, const struct load_protocol *protocol,
			 struct fault *fault);
// Room for FILL_REQUEST_SIZE_MAX bytes; sends what is there when there is none. What was written is one request.
char *fill_reserve(struct fill *fill);
void fill_commit(struct fill *fill, size_t size);
// Sends what is left and waits for all answers: 0, or the first error of all; -EREMOTEIO when a request was refused.
// The last answer's beginning, terminated, when ret_answer is not NULL.
MUST_CHECK int fill_flush(struct fill *fill, char ret_answer[FILL_ANSWER_SIZE]);
// Flushes and disconnects. The first error of all.
MUST_CHECK int fill_close(struct fill *fill);
