// SPDX-License-Identifier: Apache-2.0
// A connection's bytes become calls here (DESIGN 2).
#include "daemon/rpc/rpc.h"

#include <stdlib.h>

// Why a frame ends the connection, indexed by enum frame_result and past it.
enum { BAD_STATUS = FRAME_BAD_KIND + 1 };

static const char *const bad_frame_reasons[] = {
	[FRAME_BAD_LENGTH] = "the length is below 8 or above frame_size_max",
	[FRAME_BAD_VERSION] = "this protocol version is not spoken here",
	[FRAME_BAD_KIND] = "a client sends frames of kind 1 (request) only",
	[BAD_STATUS] = "the status of a request must be 0",
};

// The peer cannot be understood any more. What it asked before is answered, then it hears why.
static void session_break(struct session *session, struct conn *conn, int reason, const struct frame *frame)
{
	session->is_broken = true;
	session->bad_method = frame->method;
	session->bad_request_id = frame->request_id;
	session->bad_reason = bad_frame_reasons[reason];
	conn_finish(conn);
}

// frame_parse_header() and what it leaves to us: a server reads requests only.
static int parse_request(const struct worker *worker, struct bytes bytes, struct frame *ret_frame)
{
	const int result = frame_parse_header(bytes, worker->service->frame_size_max, ret_frame);
	if (result != FRAME_READY)
		return result;
	if (ret_frame->kind != FRAME_REQUEST)
		return FRAME_BAD_KIND;
	return ret_frame->status != 0 ? BAD_STATUS : FRAME_READY;
}

// A body over its method's cap, or of a method that is not there, is refused before it arrives and never kept.
static bool refuse_early(struct session *session, const struct call *call, const struct frame *frame)
{
	struct fault fault = {0};
	if (call->method == NULL)
		fault_set(&fault, STATUS_UNIMPLEMENTED, NULL, "there is no method %u in this version", frame->method);
	else if (frame->body.size > call->method->body_size_max)
		fault_set(&fault, STATUS_INVALID_ARGUMENT, NULL, "the body of %s is %zu bytes long; at most %u",
			  call->method->name, frame->body.size, call->method->body_size_max);
	else
		return false;
	session->skip = frame->size;
	reply_fault(call, 0, &fault);
	return true;
}

static void skip_refused(struct session *session, struct conn_input *input)
{
	const size_t left = input->bytes.size - input->consumed;
	const size_t skipped = session->skip < left ? session->skip : left;
	session->skip -= skipped;
	input->consumed += skipped;
	input->message_size = session->skip;
}

// Looks at the next frame. False: nothing more can be read yet, and `input` says why.
static bool read_frame(struct worker *worker, struct conn *conn, struct conn_input *input)
{
	struct session *session = conn_session(conn);
	const struct bytes rest = {.data = input->bytes.data + input->consumed,
				   .size = input->bytes.size - input->consumed};
	struct frame frame;
	const int result = parse_request(worker, rest, &frame);
	if (result == FRAME_NEED_MORE)
		return false;
	if (result != FRAME_READY) {
		session_break(session, conn, result, &frame);
		return false;
	}
	const struct call call = {
		.worker = worker,
		.conn = conn,
		.number = frame.method,
		.request_id = frame.request_id,
		.method = dispatch_find(frame.method),
		.body = frame.body,
	};
	if (refuse_early(session, &call, &frame)) {
		input->continued = false;
		skip_refused(session, input);
		return true;
	}
	if (rest.size < frame.size) {
		input->message_size = frame.size;
		return false;
	}
	dispatch_call(&call);
	input->consumed += frame.size;
	return true;
}

static void on_input(void *context, struct conn *conn, struct conn_input *input)
{
	struct worker *worker = context;
	struct session *session = conn_session(conn);
	if (session->skip > 0) {
		input->continued = true;
		skip_refused(session, input);
	}
	for (int requests = 0; conn_is_reading(conn) && input->consumed < input->bytes.size; requests++) {
		if (requests == REQUESTS_PER_TURN_MAX || conn_is_full(conn)) {
			input->paused = true;
			return;
		}
		if (!read_frame(worker, conn, input))
			return;
		input->continued = false;
	}
}

static void on_open(void *context, struct conn *conn)
{
	(void)context;
	(void)conn;
}

static void on_last(void *context, struct conn *conn)
{
	const struct session *session = conn_session(conn);
	if (!session->is_broken)
		return;
	const struct call call = {
		.worker = context,
		.conn = conn,
		.number = session->bad_method,
		.request_id = session->bad_request_id,
	};
	struct fault fault = {0};
	fault_set(&fault, STATUS_INVALID_ARGUMENT, NULL, "%s; closing the connection", session->bad_reason);
	reply_fault(&call, 0, &fault);
}

static void on_room(void *context, struct conn *conn)
{
	(void)context;
	snapshots_room(conn_session(conn), conn);
}

static void on_close(void *context, struct conn *conn, enum conn_end end)
{
	static const char *const ends[] = {
		[CONN_END_FINISHED] = "finished",
		[CONN_END_ERROR] = "reset by the peer, or out of memory",
		[CONN_END_ABORTED] = "cut when the daemon stopped",
		[CONN_END_IDLE] = "idle for too long",
		[CONN_END_FRAME_TIMEOUT] = "did not complete a frame in time",
		[CONN_END_WRITE_TIMEOUT] = "did not read its answers in time",
	};
	(void)context;
	snapshots_cancel(conn_session(conn));
	log_debug("connection_closed", "%s", ends[end]);
}

static void on_empty(void *context)
{
	worker_conns_ended(context);
}

struct conn_handler session_handler(struct worker *worker)
{
	return (struct conn_handler){
		.session_size = sizeof(struct session),
		.on_open = on_open,
		.on_input = on_input,
		.on_last = on_last,
		.on_room = on_room,
		.on_close = on_close,
		.on_empty = on_empty,
		.context = worker,
	};
}
