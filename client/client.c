// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#include "base/clock.h"
#include "client/client_tls.h"
#include "proto/codec.h"
#include "proto/limits.h"
#include "proto/timeout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SCRATCH_CHUNK_SIZE = 16 * 1024 };

int evauth_client_create(const struct evauth_options *options, struct evauth_client **ret_client, struct fault *fault)
{
	struct evauth_client *client = calloc(1, sizeof(*client));
	if (client == NULL) {
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "no memory for a client");
		return -ENOMEM;
	}
	const char *server = options->server ? options->server : EVAUTH_SERVER_DEFAULT;
	int result = address_parse(server, &client->address, fault);
	if (result == 0 && client->address.is_tls)
		result = client_tls_create(&options->tls, &client->address, true, &client->tls, fault);
	if (result < 0) {
		free(client);
		return result;
	}
	client->connect_timeout_ms =
		options->connect_timeout_ms ? options->connect_timeout_ms : EVAUTH_CONNECT_TIMEOUT_MS;
	client->call_timeout_ms = options->call_timeout_ms ? options->call_timeout_ms : EVAUTH_CALL_TIMEOUT_MS;
	client->without_deadlines = options->without_deadlines;
	transport_init(&client->transport, client->tls,
		       options->frame_size_max ? options->frame_size_max : FRAME_SIZE_MAX_MAX);
	arena_init(&client->scratch, SCRATCH_CHUNK_SIZE, EVAUTH_ARENA_BUDGET);
	*ret_client = client;
	return 0;
}

void evauth_client_destroy(struct evauth_client *client)
{
	if (client == NULL)
		return;
	transport_finish(&client->transport);
	client_tls_destroy(client->tls);
	arena_finish(&client->scratch);
	free(client);
}

const struct fault *evauth_fault(const struct evauth_client *client)
{
	return &client->fault;
}

const char *evauth_server(const struct evauth_client *client)
{
	return client->address.text;
}

uint32_t evauth_in_flight(const struct evauth_client *client)
{
	return client->in_flight;
}

static int client_fail(struct evauth_client *client, int result, enum status_code code, const char *message)
{
	fault_set(&client->fault, code, NULL, "%s", message);
	return result;
}

static int client_out_of_memory(struct evauth_client *client)
{
	return client_fail(client, -ENOMEM, STATUS_RESOURCE_EXHAUSTED, "no memory for a request or its answer");
}

// The end of a connection is the end of what is outstanding on it.
static void client_disconnect(struct evauth_client *client)
{
	transport_close(&client->transport);
	memset(client->outstanding, 0, sizeof(client->outstanding));
	client->in_flight = 0;
}

// A daemon restarted since the last call is noticed before anything is sent, so that nothing needs to be repeated.
static int client_connect(struct evauth_client *client)
{
	if (transport_is_open(&client->transport)) {
		if (client->in_flight > 0 || !transport_is_stale(&client->transport))
			return 0;
		client_disconnect(client);
	}
	const uint64_t deadline_ms = clock_monotonic_ms() + client->connect_timeout_ms;
	return transport_connect(&client->transport, &client->address, deadline_ms, &client->fault);
}

// ---------------------------------------------------------------- pipelined

static struct pipelined *client_slot(struct evauth_client *client, uint32_t request_id)
{
	return &client->outstanding[request_id % EVAUTH_IN_FLIGHT_MAX];
}

// Ids count up; one whose slot still waits for a slow answer is skipped.
static struct pipelined *client_free_slot(struct evauth_client *client)
{
	struct pipelined *slot;
	do
		slot = client_slot(client, ++client->next_request_id);
	while (slot->row != NULL);
	slot->request_id = client->next_request_id;
	return slot;
}

static int client_queue(struct evauth_client *client, const struct method_row *row, struct bytes body,
			uint32_t *ret_request_id)
{
	if (body.size > FRAME_SIZE_MAX_MAX - FRAME_LENGTH_MIN)
		return client_fail(client, -EMSGSIZE, STATUS_RESOURCE_EXHAUSTED, "the request exceeds any frame");
	if (client->in_flight == EVAUTH_IN_FLIGHT_MAX ||
	    (client->in_flight > 0 && buffer_size(&client->transport.out) + body.size > EVAUTH_QUEUED_BYTES_MAX))
		return client_fail(client, -EBUSY, STATUS_RESOURCE_EXHAUSTED, "too many requests are outstanding");
	const int result = client_connect(client);
	if (result < 0)
		return result;
	struct pipelined *slot = client_free_slot(client);
	const struct frame frame = {
		.kind = FRAME_REQUEST, .method = (uint16_t)row->method, .request_id = slot->request_id, .body = body};
	if (transport_queue(&client->transport, &frame) < 0)
		return client_out_of_memory(client);
	slot->row = row;
	client->in_flight++;
	*ret_request_id = slot->request_id;
	return 0;
}

static const struct method_row *client_method(struct evauth_client *client, enum method method)
{
	const struct method_row *row = method_find(method);
	if (row == NULL)
		fault_set(&client->fault, STATUS_UNIMPLEMENTED, NULL, "method %d is not known here", (int)method);
	return row;
}

int evauth_send_body(struct evauth_client *client, enum method method, struct bytes body, uint32_t *ret_request_id)
{
	client->fault = (struct fault){0};
	const struct method_row *row = client_method(client, method);
	if (row == NULL)
		return -EINVAL;
	const int result = client_queue(client, row, body, ret_request_id);
	if (result == 0)
		transport_send_some(&client->transport);
	return result;
}

int evauth_send(struct evauth_client *client, enum method method, const void *request, uint32_t *ret_request_id)
{
	client->fault = (struct fault){0};
	const struct method_row *row = client_method(client, method);
	if (row == NULL)
		return -EINVAL;
	struct bytes body;
	arena_reset(&client->scratch);
	if (codec_encode(row->request, request, &client->scratch, &body) < 0)
		return client_out_of_memory(client);
	return evauth_send_body(client, method, body, ret_request_id);
}

// The daemon refuses a connection, or a frame it cannot read, with an error about no request (DESIGN 2).
static int client_unexpected(struct evauth_client *client, const struct frame *frame)
{
	if (frame->status != STATUS_OK)
		codec_decode_fault((enum status_code)frame->status, frame->body, &client->scratch, &client->fault);
	fault_set(&client->fault, STATUS_INTERNAL, NULL, "an answer came to request %u, which was not sent",
		  frame->request_id);
	return -EPROTO;
}

// *ret_message stays as it is for the end of a stream that has no body.
static int client_decode(struct evauth_client *client, const struct method_row *row, const struct frame *frame,
			 struct arena *arena, void **ret_message)
{
	const struct schema *schema = frame->kind == FRAME_STREAM_END ? row->end : row->response;
	if (schema == NULL)
		return 0;
	const int result = codec_decode(schema, CODEC_TOLERANT, frame->body, arena, ret_message, &client->fault);
	return result < 0 && result != -ENOMEM ? -EPROTO : result;
}

static int client_open_answer(struct evauth_client *client, const struct frame *frame, struct arena *arena,
			      struct evauth_answer *ret_answer)
{
	struct pipelined *slot = client_slot(client, frame->request_id);
	if (slot->row == NULL || slot->request_id != frame->request_id || frame->method != slot->row->method ||
	    frame->kind == FRAME_REQUEST)
		return client_unexpected(client, frame);
	struct evauth_answer answer = {
		.request_id = frame->request_id, .method = slot->row->method, .more = frame->kind == FRAME_STREAM_ITEM};
	if (frame->status != STATUS_OK) {
		codec_decode_fault((enum status_code)frame->status, frame->body, arena, &answer.fault);
	} else {
		const int result = client_decode(client, slot->row, frame, arena, &answer.response);
		if (result < 0)
			return result;
	}
	if (!answer.more) {
		slot->row = NULL;
		client->in_flight--;
	}
	*ret_answer = answer;
	return 0;
}

int evauth_receive(struct evauth_client *client, struct arena *arena, struct evauth_answer *ret_answer)
{
	client->fault = (struct fault){0};
	if (client->in_flight == 0)
		return client_fail(client, -ENODATA, STATUS_FAILED_PRECONDITION, "no request is outstanding");
	const uint64_t deadline_ms = clock_monotonic_ms() + client->call_timeout_ms;
	struct frame frame;
	int result = transport_receive(&client->transport, deadline_ms, &frame, &client->fault);
	if (result == 0)
		result = client_open_answer(client, &frame, arena, ret_answer);
	if (result < 0)
		client_disconnect(client);
	return result;
}

// ---------------------------------------------------------------- calls

struct call {
	const struct method_row *row;
	struct bytes body;
	bool may_repeat; // even if the daemon has seen it
	struct arena *arena;
};

static int client_refused(struct evauth_client *client, const struct fault *fault)
{
	client->fault = *fault;
	return -EREMOTEIO;
}

static int client_call_once(struct evauth_client *client, const struct call *call, bool *ret_sent, void **ret_response)
{
	client->fault = (struct fault){0};
	*ret_sent = false;
	uint32_t request_id;
	int result = client_queue(client, call->row, call->body, &request_id);
	if (result < 0)
		return result;
	const uint64_t sent_before = client->transport.bytes_sent;
	struct evauth_answer answer;
	result = evauth_receive(client, call->arena, &answer);
	*ret_sent = client->transport.bytes_sent != sent_before;
	if (result < 0)
		return result;
	if (answer.fault.code != STATUS_OK)
		return client_refused(client, &answer.fault);
	if (answer.more || answer.response == NULL) {
		client_disconnect(client);
		return client_fail(client, -EPROTO, STATUS_INTERNAL, "a stream came as the answer to a call");
	}
	*ret_response = answer.response;
	return 0;
}

static int client_call(struct evauth_client *client, const struct call *call, void **ret_response)
{
	bool sent;
	int result = client_call_once(client, call, &sent, ret_response);
	if (result == -ECONNRESET && (call->may_repeat || !sent))
		result = client_call_once(client, call, &sent, ret_response);
	return result;
}

static bool call_may_repeat(const struct method_row *row, const void *request)
{
	return row->repeat == REPEAT_FREELY || (row->repeat == REPEAT_WITH_KEY &&
						!bytes_is_empty(((const struct change_set *)request)->idempotency_key));
}

// A body that its method's cap would not take with the field in it goes without.
static bool takes_timeout(size_t size)
{
	static const size_t caps[] = {BODY_QUERY_MAX, BODY_BATCH_MAX, BODY_APPLY_MAX, BODY_RESTORE_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++)
		if (size <= caps[i] && size + TIMEOUT_FIELD_SIZE_MAX > caps[i])
			return false;
	return true;
}

static int client_add_timeout(struct evauth_client *client, struct bytes *body)
{
	if (client->without_deadlines || !takes_timeout(body->size) || timeout_find(*body) != 0)
		return 0;
	char *longer = arena_alloc(&client->scratch, body->size + TIMEOUT_FIELD_SIZE_MAX);
	if (longer == NULL)
		return -ENOMEM;
	if (body->size > 0)
		memcpy(longer, body->data, body->size);
	body->data = longer;
	body->size += timeout_write(longer + body->size, client->call_timeout_ms);
	return 0;
}

static int client_prepare(struct evauth_client *client, enum method method, const void *request, struct call *ret_call)
{
	client->fault = (struct fault){0};
	if (client->in_flight > 0)
		return client_fail(client, -EBUSY, STATUS_FAILED_PRECONDITION, "pipelined requests are outstanding");
	ret_call->row = client_method(client, method);
	if (ret_call->row == NULL)
		return -EINVAL;
	ret_call->may_repeat = call_may_repeat(ret_call->row, request);
	arena_reset(&client->scratch);
	if (codec_encode(ret_call->row->request, request, &client->scratch, &ret_call->body) < 0 ||
	    client_add_timeout(client, &ret_call->body) < 0)
		return client_out_of_memory(client);
	return 0;
}

int evauth_call(struct evauth_client *client, enum method method, const void *request, struct arena *arena,
		void *ret_response)
{
	struct call call = {.arena = arena};
	void *response;
	int result = client_prepare(client, method, request, &call);
	if (result == 0)
		result = client_call(client, &call, &response);
	if (result == 0)
		memcpy(ret_response, &response, sizeof(response));
	return result;
}

// ---------------------------------------------------------------- streams

// What takes the items of a stream, and its end.
struct taker {
	int (*take)(void *context, const struct evauth_answer *answer);
	void *context;
};

static int client_stream(struct evauth_client *client, enum method method, const void *request,
			 const struct taker *taker)
{
	struct call call;
	uint32_t request_id;
	int result = client_prepare(client, method, request, &call);
	if (result == 0)
		result = client_queue(client, call.row, call.body, &request_id);
	struct evauth_answer answer = {.more = true};
	while (result == 0 && answer.more) {
		arena_reset(&client->scratch);
		result = evauth_receive(client, &client->scratch, &answer);
		if (result == 0 && answer.fault.code != STATUS_OK)
			return client_refused(client, &answer.fault);
		if (result == 0)
			result = taker->take(taker->context, &answer);
	}
	if (result < 0)
		client_disconnect(client);
	return result;
}

static int take_snapshot(void *context, const struct evauth_answer *answer)
{
	const struct evauth_receiver *receiver = context;
	if (answer->more)
		return receiver->each(receiver->context, answer->response);
	return receiver->end != NULL && answer->response != NULL ? receiver->end(receiver->context, answer->response)
								 : 0;
}

int evauth_snapshot(struct evauth_client *client, const struct snapshot_request *request,
		    const struct evauth_receiver *receiver)
{
	struct evauth_receiver copy = *receiver;
	return client_stream(client, METHOD_SNAPSHOT, request, &(struct taker){take_snapshot, &copy});
}

struct watching {
	const struct evauth_watcher *watcher;
	uint64_t after_revision;
	uint32_t retry_ms;
	int result; // of `each`
};

static int take_event(void *context, const struct evauth_answer *answer)
{
	struct watching *watching = context;
	const struct event *event = answer->response;
	if (!answer->more)
		return 0;
	watching->retry_ms = EVAUTH_WATCH_RETRY_MIN_MS;
	watching->result = watching->watcher->each(watching->watcher->context, event);
	if (watching->result == 0 && event->revision > watching->after_revision)
		watching->after_revision = event->revision;
	return watching->result;
}

// Whether a new attempt may have more luck.
static bool may_watch_again(const struct evauth_client *client, int result)
{
	const enum status_code code = client->fault.code;
	switch (result) {
	case -EREMOTEIO:
		return code == STATUS_UNAVAILABLE || code == STATUS_RESOURCE_EXHAUSTED;
	case -ENOMEM:
	case -EINVAL:
	case -EBUSY:
	case -EPROTO:
	case -EKEYREJECTED:
		return false;
	default:
		return result < 0;
	}
}

static int watch_once(struct evauth_client *client, struct watching *watching)
{
	const struct watch_request request = {.after_revision = watching->after_revision};
	const uint32_t call_timeout_ms = client->call_timeout_ms;
	if (call_timeout_ms > EVAUTH_WATCH_SILENCE_MS)
		client->call_timeout_ms = EVAUTH_WATCH_SILENCE_MS;
	const int result = client_stream(client, METHOD_WATCH, &request, &(struct taker){take_event, watching});
	client->call_timeout_ms = call_timeout_ms;
	return result;
}

int evauth_watch(struct evauth_client *client, const struct watch_request *request,
		 const struct evauth_watcher *watcher)
{
	struct watching watching = {
		.watcher = watcher, .after_revision = request->after_revision, .retry_ms = EVAUTH_WATCH_RETRY_MIN_MS};
	for (;;) {
		const int result = watch_once(client, &watching);
		if (watching.result != 0 || !may_watch_again(client, result) || watcher->on_break == NULL ||
		    watcher->on_break(watcher->context, watching.after_revision) < 0)
			return result;
		const uint32_t asked_ms = client->fault.retry_after_ms;
		if (asked_ms > watching.retry_ms)
			watching.retry_ms = asked_ms < EVAUTH_WATCH_RETRY_MAX_MS ? asked_ms : EVAUTH_WATCH_RETRY_MAX_MS;
		const struct timespec pause = {.tv_sec = watching.retry_ms / 1000,
					       .tv_nsec = watching.retry_ms % 1000 * 1000000L};
		(void)nanosleep(&pause, NULL);
		watching.retry_ms *= 2;
		if (watching.retry_ms > EVAUTH_WATCH_RETRY_MAX_MS)
			watching.retry_ms = EVAUTH_WATCH_RETRY_MAX_MS;
	}
}
