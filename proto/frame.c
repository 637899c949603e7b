// SPDX-License-Identifier: Apache-2.0
#include "proto/frame.h"

#include <endian.h>

// Where things are in the header (DESIGN 2).
enum { AT_LENGTH = 0, AT_VERSION_AND_KIND = 4, AT_STATUS = 5, AT_METHOD = 6, AT_REQUEST_ID = 8 };

static uint32_t get_u32(const char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static uint16_t get_u16(const char *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof(value));
	return be16toh(value);
}

static void put_u32(char *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

static void put_u16(char *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
}

enum frame_result frame_parse_header(struct bytes buffer, uint32_t frame_size_max, struct frame *ret_frame)
{
	if (buffer.size < AT_VERSION_AND_KIND)
		return FRAME_NEED_MORE;
	const uint32_t length = get_u32(buffer.data + AT_LENGTH);
	const bool has_header = buffer.size >= FRAME_HEADER_SIZE;
	if (length < FRAME_LENGTH_MIN || length > frame_size_max) {
		*ret_frame = (struct frame){.request_id = has_header ? get_u32(buffer.data + AT_REQUEST_ID) : 0};
		return FRAME_BAD_LENGTH;
	}
	if (!has_header)
		return FRAME_NEED_MORE;

	const uint8_t version_and_kind = (uint8_t)buffer.data[AT_VERSION_AND_KIND];
	const uint8_t version = version_and_kind >> 4, kind = version_and_kind & 0x0f;
	const struct frame frame = {
		.kind = (enum frame_kind)kind,
		.status = (uint8_t)buffer.data[AT_STATUS],
		.method = get_u16(buffer.data + AT_METHOD),
		.request_id = get_u32(buffer.data + AT_REQUEST_ID),
		.body = {.data = buffer.data + FRAME_HEADER_SIZE, .size = length - FRAME_LENGTH_MIN},
		.size = AT_VERSION_AND_KIND + (size_t)length,
	};
	// Said before the body is there: it would not be understood anyway.
	if (version != FRAME_VERSION || kind < FRAME_REQUEST || kind > FRAME_STREAM_END) {
		*ret_frame = frame;
		ret_frame->body = (struct bytes){0};
		return version != FRAME_VERSION ? FRAME_BAD_VERSION : FRAME_BAD_KIND;
	}
	*ret_frame = frame;
	return FRAME_READY;
}

enum frame_result frame_parse(struct bytes buffer, uint32_t frame_size_max, struct frame *ret_frame)
{
	struct frame frame;
	const enum frame_result result = frame_parse_header(buffer, frame_size_max, &frame);
	if (result == FRAME_NEED_MORE || (result == FRAME_READY && buffer.size < frame.size))
		return FRAME_NEED_MORE;
	*ret_frame = frame;
	return result;
}

void frame_write_header(char *header, const struct frame *frame)
{
	put_u32(header + AT_LENGTH, (uint32_t)(FRAME_LENGTH_MIN + frame->body.size));
	header[AT_VERSION_AND_KIND] = (char)(FRAME_VERSION << 4 | frame->kind);
	header[AT_STATUS] = (char)frame->status;
	put_u16(header + AT_METHOD, frame->method);
	put_u32(header + AT_REQUEST_ID, frame->request_id);
}

void frames_set_request_id(char *frames, size_t size, uint32_t request_id)
{
	for (size_t at = 0; at < size; at += AT_VERSION_AND_KIND + (size_t)get_u32(frames + at + AT_LENGTH))
		put_u32(frames + at + AT_REQUEST_ID, request_id);
}
