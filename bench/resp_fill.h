// SPDX-License-Identifier: Apache-2.0
// Fills a Redis server: many commands on one connection, written in large pieces, every answer looked at. Errors stick:
// add on, ask once at the end.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "proto/fault.h"

#include <stdint.h>

enum {
	RESP_FILL_COMMANDS = 500, // written at once
	RESP_FILL_SIZE = 256 * 1024,
	RESP_FILL_ANSWER_SIZE = 160,
};

struct resp_fill {
	int fd;
	int error;
	uint32_t commands; // in the buffer
	uint32_t used;
	struct fault *fault; // what the first error was
	char buffer[RESP_FILL_SIZE];
};

// Connects to HOST:PORT. On failure the fault is set, and nothing is to be closed.
MUST_CHECK int resp_fill_open(struct resp_fill *fill, const char *server, struct fault *fault);
// Words of together at most 70 KB, those that say their lengths included.
void resp_fill_command(struct resp_fill *fill, const struct bytes *words, uint32_t count);
// Writes what is left and waits for its answers. The first error of all.
MUST_CHECK int resp_fill_close(struct resp_fill *fill);

// One command now: the beginning of its answer, terminated. -EREMOTEIO, and the fault, when it is refused.
MUST_CHECK int resp_fill_ask(struct resp_fill *fill, const struct bytes *words, uint32_t count,
			     char answer[RESP_FILL_ANSWER_SIZE]);
