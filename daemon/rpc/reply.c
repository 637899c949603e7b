// SPDX-License-Identifier: Apache-2.0
// Answers into a connection's output; an error becomes a status here and nowhere else.
#include "daemon/rpc/rpc.h"

#include "proto/codec_authorize.h"

#include <errno.h>
#include <string.h>

enum {
	FAULT_ARENA_SIZE = 4096, // an Error is at most field + message long
	AUTHORIZE_ROOM = 1024,   // for a response without explanation, nearly always
};

#define LATE_TEXT "half of timeout_ms was over before its turn came: not executed"

// What went wrong in us or was refused without a word about it.
static const struct {
	int error;
	enum status_code code;
	const char *message;
	uint32_t retry_after_ms;
} errors[] = {
	{-ENOMEM, STATUS_RESOURCE_EXHAUSTED, "this request needs more memory than one request may take", 0},
	{-EAGAIN, STATUS_RESOURCE_EXHAUSTED, "too many requests of this kind are waiting", 100},
	{-EIO, STATUS_UNAVAILABLE, "the store takes no changes at the moment", 1000},
	{-EINVAL, STATUS_INVALID_ARGUMENT, "the request was not understood", 0},
	{-ETIME, STATUS_DEADLINE_EXCEEDED, LATE_TEXT, 0},
};

static void fault_from_error(int error, struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (errors[i].error == error) {
			fault_set(fault, errors[i].code, NULL, "%s", errors[i].message);
			fault->retry_after_ms = errors[i].retry_after_ms;
			return;
		}
	}
	fault_set(fault, STATUS_INTERNAL, NULL, "internal error: %s", strerror(-error));
}

// The body is written already, FRAME_HEADER_SIZE behind `room`.
static void commit_frame(const struct call *call, uint8_t status, char *room, size_t body_size)
{
	const struct frame frame = {
		.kind = FRAME_RESPONSE,
		.status = status,
		.method = call->number,
		.request_id = call->request_id,
		.body = {.size = body_size},
	};
	frame_write_header(room, &frame);
	counters_add_answer(&call->worker->counters, call->method ? call->number : 0, status);
	conn_commit(call->conn, FRAME_HEADER_SIZE + body_size);
}

// The hot path: without a copy, straight into the output.
void reply_authorize(const struct call *call, const struct authorize_response *response)
{
	size_t room_size = AUTHORIZE_ROOM;
	for (;;) {
		char *room = conn_reserve(call->conn, FRAME_HEADER_SIZE + room_size);
		if (room == NULL)
			return;
		const size_t size = codec_encode_authorize_response(response, room + FRAME_HEADER_SIZE, room_size);
		if (LIKELY(size <= room_size)) {
			commit_frame(call, STATUS_OK, room, size);
			return;
		}
		room_size = size;
	}
}

static void write_frame(const struct call *call, uint8_t status, struct bytes body)
{
	char *room = conn_reserve(call->conn, FRAME_HEADER_SIZE + body.size);
	if (room == NULL)
		return;
	if (body.size > 0)
		memcpy(room + FRAME_HEADER_SIZE, body.data, body.size);
	commit_frame(call, status, room, body.size);
}

void reply_fault_to_all(const struct call *calls, size_t count, const struct fault *fault)
{
	struct arena arena;
	struct bytes body = {0};
	arena_init(&arena, FAULT_ARENA_SIZE, FAULT_ARENA_SIZE);
	// Without memory the status alone has to do.
	if (codec_encode_fault(fault, &arena, &body) != 0)
		body.size = 0;
	for (size_t i = 0; i < count; i++)
		write_frame(&calls[i], (uint8_t)fault->code, body);
	arena_finish(&arena);
}

void reply_fault(const struct call *call, int error, const struct fault *fault)
{
	struct fault filled = *fault;
	if (filled.code == STATUS_OK)
		fault_from_error(error, &filled);
	if (filled.code == STATUS_INTERNAL)
		log_error("internal_error", "%s: %s", call->method ? call->method->name : "?", filled.message);
	reply_fault_to_all(call, 1, &filled);
}

void reply_late(const struct call *call)
{
	// Error {code, message} in its encoded form: an overloaded daemon has more to do than to encode it again.
	static const char text[] = LATE_TEXT;
	enum { TEXT_SIZE = sizeof(text) - 1, HEAD_SIZE = 4 };
	static const char head[HEAD_SIZE] = {1 << 3 | 0, STATUS_DEADLINE_EXCEEDED, 2 << 3 | 2, TEXT_SIZE};
	static_assert(TEXT_SIZE < 128, "its size is one byte");
	char *room = conn_reserve(call->conn, FRAME_HEADER_SIZE + HEAD_SIZE + TEXT_SIZE);
	if (room == NULL)
		return;
	memcpy(room + FRAME_HEADER_SIZE, head, HEAD_SIZE);
	memcpy(room + FRAME_HEADER_SIZE + HEAD_SIZE, text, TEXT_SIZE);
	commit_frame(call, STATUS_DEADLINE_EXCEEDED, room, HEAD_SIZE + TEXT_SIZE);
}

// True: the answer is too big, and the caller has heard so.
static bool refuse_oversized(const struct call *call, size_t body_size)
{
	const uint32_t max = call->worker->service->frame_size_max;
	struct fault fault = {0};
	if (LIKELY(FRAME_LENGTH_MIN + body_size <= max))
		return false;
	fault_set(&fault, STATUS_RESOURCE_EXHAUSTED, NULL,
		  "the answer is %zu bytes long, but frame_size_max is %u; ask for less", body_size, max);
	reply_fault(call, 0, &fault);
	return true;
}

void reply_reserved(const struct call *call, char *room, size_t body_size)
{
	if (!refuse_oversized(call, body_size))
		commit_frame(call, STATUS_OK, room, body_size);
}

void reply_body(const struct call *call, struct bytes body)
{
	if (!refuse_oversized(call, body.size))
		write_frame(call, STATUS_OK, body);
}

void reply_message(const struct call *call, const void *response, struct arena *arena)
{
	const struct fault none = {0};
	struct bytes body;
	const int result = codec_encode(call->method->response, response, arena, &body);
	if (result == 0)
		reply_body(call, body);
	else
		reply_fault(call, result, &none);
}
