// SPDX-License-Identifier: Apache-2.0
// A connection's bytes become calls here (DESIGN 2).
#include "daemon/rpc/rpc.h"
#include "daemon/rpc/stream.h"

// What the input begins with.
enum look {
	LOOK_CALL,    // a request, whole
	LOOK_PARTIAL, // of a request there is not enough yet
	LOOK_REFUSED, // a request whose body is not wanted
	LOOK_BROKEN,  // nothing that can be followed by anything
};

// A body over its method's cap, of a method that is not there or not for this peer, is refused before it arrives and
// never kept.
static bool is_wanted(const struct call *call, uint32_t roles)
{
	return call->method != NULL && (call->method->role & roles) && call->body.size <= call->method->body_size_max;
}

static enum look look_at(struct worker *worker, struct conn *conn, struct bytes input, struct frame *frame,
			 struct call *ret_call)
{
	const enum frame_result result = frame_parse_header(input, worker->service->frame_size_max, frame);
	if (result == FRAME_NEED_MORE)
		return LOOK_PARTIAL;
	if (result != FRAME_READY || frame->kind != FRAME_REQUEST || frame->status != 0)
		return LOOK_BROKEN;
	*ret_call = (struct call){
		.worker = worker,
		.conn = conn,
		.number = frame->method,
		.request_id = frame->request_id,
		.method = dispatch_find(frame->method),
		.body = frame->body,
	};
	if (!is_wanted(ret_call, ((const struct session *)conn_session(conn))->roles))
		return LOOK_REFUSED;
	return input.size < frame->size ? LOOK_PARTIAL : LOOK_CALL;
}

static struct bytes rest_of(const struct conn_input *input)
{
	return (struct bytes){.data = input->bytes.data + input->consumed, .size = input->bytes.size - input->consumed};
}

// Takes the requests that can be answered side by side: whole, one after the other, of one method. Returns how many.
static size_t take_calls(struct worker *worker, struct conn *conn, struct conn_input *input, struct call *calls)
{
	struct frame frame;
	size_t count = 0;
	while (count < CALLS_MAX && look_at(worker, conn, rest_of(input), &frame, &calls[count]) == LOOK_CALL) {
		if (count > 0 && calls[count].method != calls[0].method)
			break;
		input->consumed += frame.size;
		input->continued = false;
		if (++count >= calls[0].method->calls_max)
			break;
	}
	return count;
}

static void skip_refused(struct session *session, struct conn_input *input)
{
	const size_t left = input->bytes.size - input->consumed;
	const size_t skipped = session->skip < left ? session->skip : left;
	session->skip -= skipped;
	input->consumed += skipped;
	input->message_size = session->skip;
	// What comes behind it is a message of its own.
	if (session->skip == 0)
		input->continued = false;
}

static void refuse_role(const struct call *call, struct fault *fault)
{
	struct conn_names names;
	conn_get_names(call->conn, &names);
	const char *who = conn_names_next(&names, NULL);
	fault_set(fault, STATUS_PERMISSION_DENIED, NULL,
		  "%s needs the role %s, which this client (%.100s) does not have", call->method->name,
		  role_name(call->method->role), who ? who : "of unknown name");
}

static void refuse_call(const struct call *call)
{
	const struct session *session = conn_session(call->conn);
	struct fault fault = {0};
	if (call->method == NULL)
		fault_set(&fault, STATUS_UNIMPLEMENTED, NULL, "there is no method %u in this version", call->number);
	else if ((call->method->role & session->roles) == 0)
		refuse_role(call, &fault);
	else
		fault_set(&fault, STATUS_INVALID_ARGUMENT, NULL, "the body of %s is %zu bytes long; at most %u",
			  call->method->name, call->body.size, call->method->body_size_max);
	reply_fault(call, 0, &fault);
}

static const char *why_broken(const struct worker *worker, struct bytes input)
{
	struct frame frame;
	switch (frame_parse_header(input, worker->service->frame_size_max, &frame)) {
	case FRAME_BAD_LENGTH:
		return "the length is below 8 or above frame_size_max";
	case FRAME_BAD_VERSION:
		return "this protocol version is not spoken here";
	default:
		return frame.kind != FRAME_REQUEST ? "a client sends frames of kind 1 (request) only"
						   : "the status of a request must be 0";
	}
}

// Handles what is no call. True: there may be something behind it.
static bool pass_other(struct worker *worker, struct conn *conn, struct conn_input *input)
{
	struct session *session = conn_session(conn);
	struct frame frame = {.size = 0};
	struct call call;
	switch (look_at(worker, conn, rest_of(input), &frame, &call)) {
	case LOOK_PARTIAL:
		input->message_size = frame.size;
		return false;
	case LOOK_REFUSED:
		if (budget_admit(worker, session, 1) == 1)
			refuse_call(&call);
		else
			budget_refuse_requests(&call, 1);
		session->skip = frame.size;
		input->continued = false;
		skip_refused(session, input);
		return true;
	default:
		// The peer cannot be understood any more. What it asked before is answered, then it hears why.
		session->bad_reason = why_broken(worker, rest_of(input));
		session->bad_method = frame.method;
		session->bad_request_id = frame.request_id;
		conn_finish(conn);
		return false;
	}
}

static void pass_calls(const struct session *session, const struct call *calls, size_t count)
{
	const size_t admitted = budget_admit(calls[0].worker, session, count);
	if (LIKELY(admitted > 0))
		dispatch_calls(calls, admitted);
	if (UNLIKELY(admitted < count))
		budget_refuse_requests(calls + admitted, count - admitted);
}

// A connection that begins with a change goes to the worker of those, where it takes nothing from those who ask; with
// its first question it comes back for good (docs/decisions.md). It may do so when nothing of it is under way.
static bool goes_elsewhere(const struct call *call, struct bytes input)
{
	const struct worker *writes = call->worker->service->writes;
	const struct session *session = conn_session(call->conn);
	struct conn_set *to = NULL;
	if (call->worker == writes)
		to = call->method->is_query ? conn_origin(call->conn) : NULL;
	else if (writes != NULL && conn_moves(call->conn) == 0 && call->method->role == ROLE_WRITE)
		to = writes->conns;
	return to != NULL && !session->restores && conn_move(call->conn, input, to);
}

// Queries before writes: a set at the limit takes a worker milliseconds to decode, so those of other connections wait
// for the next turn, and so do their connections.
static bool has_its_turn(const struct call *call)
{
	struct worker *worker = call->worker;
	if ((call->method->role & (ROLE_WRITE | ROLE_ADMIN)) == 0)
		return true;
	const size_t size = FRAME_HEADER_SIZE + call->body.size;
	if (worker->write_turn != loop_turn(worker->loop)) {
		worker->write_turn = loop_turn(worker->loop);
		worker->write_bytes = 0;
	}
	if (worker->write_bytes > 0 && worker->write_bytes + size > WRITE_BYTES_PER_TURN_MAX)
		return false;
	worker->write_bytes += size;
	return true;
}

// Out of line: questions, at the workers for them, never come here. `input` is as it was before the call was taken.
static __attribute__((noinline)) bool is_taken_now(const struct call *call, struct conn_input *input)
{
	if (goes_elsewhere(call, rest_of(input)))
		return false;
	input->paused = !has_its_turn(call);
	return !input->paused;
}

static bool is_plain(const struct call *call)
{
	return LIKELY((call->method->role & (ROLE_WRITE | ROLE_ADMIN)) == 0 && !call->worker->takes_writes);
}

static void on_input(void *context, struct conn *conn, struct conn_input *input)
{
	struct worker *worker = context;
	struct session *session = conn_session(conn);
	struct call calls[CALLS_MAX];
	size_t requests = 0;
	if (session->skip > 0) {
		input->continued = true;
		skip_refused(session, input);
	}
	while (conn_is_reading(conn) && input->consumed < input->bytes.size) {
		if (requests >= REQUESTS_PER_TURN_MAX || conn_is_full(conn)) {
			input->paused = true;
			return;
		}
		struct conn_input before = *input;
		const size_t count = take_calls(worker, conn, input, calls);
		if (count > 0 && !is_plain(&calls[0]) && !is_taken_now(&calls[0], &before)) {
			*input = before;
			return;
		}
		if (count > 0)
			pass_calls(session, calls, count);
		else if (!pass_other(worker, conn, input))
			return;
		requests += count > 0 ? count : 1;
	}
}

static void on_open(void *context, struct conn *conn)
{
	if (!budget_open(context, conn))
		conn_finish(conn);
}

static void look_at_access(void *context, struct conn *conn)
{
	struct session *session = conn_session(conn);
	const uint32_t roles = session->roles;
	budget_look_again(context, conn);
	// With what it asked for: a stream it may not have any more must not go on.
	if ((roles & ~session->roles) != 0)
		conn_abort(conn);
}

void sessions_look_at_access(struct worker *worker)
{
	conn_set_each(worker->conns, look_at_access, worker);
}

// At most a line a second: anybody who can reach the port can cause them.
static void on_refused(void *context, const char *why)
{
	struct worker *worker = context;
	const uint64_t now_s = loop_now_ms(worker->loop) / 1000;
	if (now_s != worker->refusal_said_s)
		log_info("tls_refused", "%s", why);
	worker->refusal_said_s = now_s;
}

static void on_input_end(void *context, struct conn *conn)
{
	(void)context;
	streams_input_end(conn_session(conn));
}

static void on_last(void *context, struct conn *conn)
{
	const struct session *session = conn_session(conn);
	if (session->bad_reason == NULL)
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
	streams_room(conn_session(conn), conn);
}

static void on_close(void *context, struct conn *conn, enum conn_end end)
{
	static const char *const ends[] = {
		[CONN_END_FINISHED] = "finished",
		[CONN_END_ERROR] = "reset by the peer, broken TLS, or out of memory",
		[CONN_END_ABORTED] = "cut when the daemon stopped, or because of roles it has lost",
		[CONN_END_IDLE] = "idle for too long",
		[CONN_END_FRAME_TIMEOUT] = "did not complete a frame in time",
		[CONN_END_WRITE_TIMEOUT] = "did not read its answers in time",
		[CONN_END_HANDSHAKE_TIMEOUT] = "did not complete the TLS handshake in time",
		[CONN_END_DISPLACED] = "made room for another TLS handshake",
		[CONN_END_EXPIRED] = "finished, as its certificate has expired",
		[CONN_END_MOVED] = "went to another worker",
	};
	struct worker *worker = context;
	struct session *session = conn_session(conn);
	streams_cancel(session);
	if (session->restores)
		restores_forget(worker->service->restores, worker, conn);
	budget_close(worker, session);
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
		.on_refused = on_refused,
		.on_input_end = on_input_end,
		.on_last = on_last,
		.on_room = on_room,
		.on_close = on_close,
		.on_empty = on_empty,
		.context = worker,
	};
}
