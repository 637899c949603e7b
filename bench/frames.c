// SPDX-License-Identifier: Apache-2.0
#include "bench/frames.h"

#include "proto/frame.h"
#include "proto/timeout.h"

#include <errno.h>
#include <stdlib.h>

int frames_init(struct frames *frames, struct load_requests *requests, uint32_t count)
{
	*frames = (struct frames){.requests = requests, .timeout_ms = requests->timeout_ms};
	requests->count = count;
	requests->ends = calloc(count, sizeof(*requests->ends));
	return requests->ends ? 0 : -ENOMEM;
}

static uint64_t begin_of(const struct load_requests *requests, uint32_t entry)
{
	return entry == 0 ? 0 : requests->ends[entry - 1];
}

int frames_append(struct frames *frames, enum method method, struct bytes body)
{
	struct load_requests *requests = frames->requests;
	const uint64_t begin = begin_of(requests, frames->used);
	char timeout[TIMEOUT_FIELD_SIZE_MAX];
	const size_t timeout_size = timeout_write(timeout, frames->timeout_ms);
	const size_t size = FRAME_HEADER_SIZE + body.size + timeout_size;
	if (size > LOAD_FRAME_SIZE_MAX)
		return -EMSGSIZE;
	if (begin + size > frames->capacity) {
		const size_t capacity = 2 * frames->capacity + LOAD_FRAME_SIZE_MAX;
		char *grown = realloc(requests->frames, capacity);
		if (!grown)
			return -ENOMEM;
		requests->frames = grown;
		frames->capacity = capacity;
	}
	const struct frame frame = {
		.kind = FRAME_REQUEST, .method = (uint16_t)method, .body.size = body.size + timeout_size};
	frame_write_header(requests->frames + begin, &frame);
	if (body.size > 0)
		memcpy(requests->frames + begin + FRAME_HEADER_SIZE, body.data, body.size);
	memcpy(requests->frames + begin + size - timeout_size, timeout, timeout_size);
	requests->ends[frames->used++] = begin + size;
	return 0;
}

void frames_destroy(struct load_requests *requests)
{
	free(requests->ends);
	free(requests->frames);
	*requests = (struct load_requests){0};
}

struct bytes frames_body(const struct load_requests *requests, uint32_t entry)
{
	const uint64_t begin = begin_of(requests, entry) + FRAME_HEADER_SIZE;
	return (struct bytes){.data = requests->frames + begin, .size = requests->ends[entry] - begin};
}

ssize_t frames_parse_answer(const char *data, size_t size, struct load_answer *ret_answer)
{
	struct frame frame;
	switch (frame_parse((struct bytes){.data = data, .size = size}, LOAD_ANSWER_SIZE_MAX, &frame)) {
	case FRAME_READY:
		break;
	case FRAME_NEED_MORE:
		return 0;
	default:
		return -EBADMSG;
	}
	if (frame.kind != FRAME_RESPONSE)
		return -EBADMSG;
	*ret_answer = (struct load_answer){.id = frame.request_id, .status = frame.status, .body = frame.body};
	return (ssize_t)frame.size;
}

void frames_stamp(char *frame, uint32_t id)
{
	const uint32_t wire = __builtin_bswap32(id);
	memcpy(frame + 8, &wire, sizeof(wire));
}
