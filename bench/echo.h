// SPDX-License-Identifier: Apache-2.0
// A server that does only what any server must: one thread, one epoll, frames of evauthd's format cut out of what
// comes, answers written, one write per connection and turn. It decides nothing, so its speed is the kernel's.
//
// A frame's method field says how many bytes its answer has, header included; the request id is echoed, the body is
// whatever lay in the buffer.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdint.h>

enum {
	ECHO_ANSWER_SIZE_MAX = UINT16_MAX,
	ECHO_OUT_SIZE = 1024 * 1024, // room for the answers of one write
};

// Makes a frame that was for evauthd ask for an answer of `answer_size` bytes, from a header's to ECHO_ANSWER_SIZE_MAX.
void echo_ask(char *frame, uint32_t answer_size);

// Answers the whole frames of `in`, as many as fit into `out` (ECHO_OUT_SIZE bytes). The bytes written there; *ret_used
// is what was taken from `in`. -EBADMSG for a frame that cannot be one.
MUST_CHECK int64_t echo_answer(struct bytes in, char *out, size_t *ret_used);

// A socket that listens on a free port of 127.0.0.1.
MUST_CHECK int echo_listen(int *ret_fd, uint16_t *ret_port);
// Serves the socket at *(int *)listener for ever; ends the process when the kernel lets it down.
__attribute__((noreturn)) void echo_serve(void *listener);
