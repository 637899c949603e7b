// SPDX-License-Identifier: Apache-2.0
// The frame around every message (DESIGN 2, PROTOCOL.md "Frames"):
//
//     0  u32 BE  length of what follows (8 .. frame_size_max)
//     4  u8      version << 4 | kind
//     5  u8      status
//     6  u16 BE  method
//     8  u32 BE  request id
//    12  ...     body
//
// Pure: bytes in, header out.
#pragma once

#include "base/bytes.h"
#include "proto/limits.h"

#include <stdint.h>

enum { FRAME_VERSION = 1 };

enum frame_kind {
	FRAME_REQUEST = 1,
	FRAME_RESPONSE = 2,
	FRAME_STREAM_ITEM = 3,
	FRAME_STREAM_END = 4,
	// 5 CANCEL and 6 GOAWAY are reserved
};

struct frame {
	enum frame_kind kind;
	uint8_t status; // enum status_code
	uint16_t method;
	uint32_t request_id;
	struct bytes body; // borrowed from the buffer parsed
	size_t size;       // of the whole frame, header included
};

enum frame_result {
	FRAME_READY,
	FRAME_NEED_MORE,   // ret_frame untouched
	FRAME_BAD_LENGTH,  // below 8 or above frame_size_max; known from the first 4 bytes
	FRAME_BAD_VERSION, // header readable: request_id and method are set
	FRAME_BAD_KIND,    // as above
};

// The first frame of `buffer`. On FRAME_BAD_LENGTH request_id is set if 12 bytes are there, else 0.
enum frame_result frame_parse(struct bytes buffer, uint32_t frame_size_max, struct frame *ret_frame);
// The same, but FRAME_READY as soon as the header is there: ret_frame->size says how much to wait for, and only as much
// of the body as the buffer holds may be read.
enum frame_result frame_parse_header(struct bytes buffer, uint32_t frame_size_max, struct frame *ret_frame);
// Writes FRAME_HEADER_SIZE bytes. frame->body.size gives the length; frame->size is ignored.
void frame_write_header(char *header, const struct frame *frame);
// Gives all frames of `frames`, which are whole ones, this request id.
void frames_set_request_id(char *frames, size_t size, uint32_t request_id);
