// SPDX-License-Identifier: Apache-2.0
// A stream of frames, split as a connection does, each body read as the request of its method would be.
#include "proto/codec.h"
#include "proto/frame.h"
#include "tests/fuzz/fuzz.h"

static void check_written_alike(const struct frame *frame, const char *read)
{
	char header[FRAME_HEADER_SIZE];
	frame_write_header(header, frame);
	ASSERT(memcmp(header, read, sizeof(header)) == 0);
}

static void decode(const struct frame *frame)
{
	static const struct schema *const requests[] = {
		&schema_authorize_request,
		&schema_authorize_batch_request,
		&schema_get_tariff_request,
		&schema_change_set,
		&schema_get_request,
		&schema_search_request,
		&schema_snapshot_request,
		&schema_status_request,
		&schema_list_permitted_request,
		&schema_list_visible_charge_points_request,
	};
	struct arena arena;
	struct fault fault = {0};
	void *message;
	arena_init(&arena, 4096, 64 * 1024 * 1024);
	const int result = codec_decode(requests[frame->method % ARRAY_SIZE(requests)], CODEC_STRICT, frame->body,
					&arena, &message, &fault);
	ASSERT((result == 0) == (fault.code == STATUS_OK));
	arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes left = {.data = (const char *)data, .size = size};
	struct frame frame;
	while (frame_parse(left, FRAME_SIZE_MAX_MIN, &frame) == FRAME_READY) {
		ASSERT(frame.size >= FRAME_HEADER_SIZE && frame.size <= left.size);
		ASSERT(frame.body.data + frame.body.size == left.data + frame.size);
		check_written_alike(&frame, left.data);
		decode(&frame);
		left.data += frame.size;
		left.size -= frame.size;
	}
	return 0;
}
