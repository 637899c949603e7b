// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/flow.h"
#include "daemon/rpc/rpc.h"
#include "proto/codec_authorize.h"

#include <errno.h>

// For an item nearly always. What was reserved is doubled when it is not enough.
enum { ITEM_ROOM = 1024, ITEM_SIZE_USUAL = 192 };

// A batch on its way: its answer is written item by item, straight into the connection's output.
struct batch {
	const struct call *call;
	const struct image *image;
	struct authorize_batch_request request;
	char *room;   // of the answer's frame
	size_t size;  // bytes written there, header included
	size_t taken; // bytes there
	int result;   // of the items answered so far; -ENOMEM also when the connection is gone
};

static uint64_t min_revision(const struct authorize_batch_request *request)
{
	uint64_t highest = 0;
	for (size_t i = 0; i < request->requests_count; i++)
		if (request->requests[i].min_revision > highest)
			highest = request->requests[i].min_revision;
	return highest;
}

static int check_batch(const struct authorize_batch_request *request, struct fault *fault)
{
	size_t explained = 0;
	for (size_t i = 0; i < request->requests_count; i++)
		explained += request->requests[i].explain;
	if (request->requests_count > BATCH_REQUESTS_MAX)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, "requests", "%zu requests in one batch; at most %d",
			  request->requests_count, BATCH_REQUESTS_MAX);
	else if (explained > BATCH_EXPLAIN_MAX)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, "requests", "explain is set in %zu requests; at most %d",
			  explained, BATCH_EXPLAIN_MAX);
	else
		return 0;
	return -EINVAL;
}

// ---------------------------------------------------------------- the items

static __attribute__((noinline)) void reserve(struct batch *batch, size_t size)
{
	batch->room = conn_reserve_more(batch->call->conn, batch->size, size);
	batch->taken = batch->size + size;
	if (batch->room == NULL)
		batch->result = -ENOMEM;
}

static void append(struct batch *batch, const struct authorize_response *response)
{
	size_t needed = ITEM_ROOM;
	while (batch->result == 0) {
		if (UNLIKELY(batch->taken - batch->size < needed)) {
			reserve(batch, batch->size + needed);
			continue;
		}
		const size_t left = batch->taken - batch->size;
		const size_t size = codec_encode_authorize_item(response, batch->room + batch->size, left);
		if (LIKELY(size <= left)) {
			batch->size += size;
			worker_note_decision(batch->call->worker, response);
			return;
		}
		needed = size;
	}
}

// A bad item gets its own error, without a verdict: clients read that as DENIED.
static void append_refused(struct batch *batch, const struct fault *fault)
{
	struct error_message error = {
		.code = fault->code,
		.field = bytes_from(fault->field),
		.message = bytes_from(fault->message),
	};
	append(batch, &(struct authorize_response){.error = &error});
}

// What is wrong with one item is not what is wrong with the batch: only -ENOMEM is.
static __attribute__((noinline)) void append_alone(struct batch *batch, const struct authorize_request *request)
{
	struct worker *worker = batch->call->worker;
	struct decision decision;
	struct fault fault = {0};
	const int result = request->explain ? decide_explained(batch->image, request, worker_now_s(worker),
							       &worker->arena, &decision, &fault)
					    : decide(batch->image, request, worker_now_s(worker), &decision, &fault);
	if (result == 0) {
		denial_note(batch->call, request, &decision.response);
		append(batch, &decision.response);
	} else if (result == -EINVAL) {
		append_refused(batch, &fault);
	} else {
		batch->result = result;
	}
}

static const struct authorize_request *take(void *context, size_t index)
{
	const struct batch *batch = context;
	const struct authorize_request *request = &batch->request.requests[index];
	return UNLIKELY(request->explain) ? NULL : request;
}

static void give(void *context, size_t index, const struct decision *decision)
{
	struct batch *batch = context;
	if (UNLIKELY(batch->result != 0))
		return;
	if (LIKELY(decision != NULL))
		append(batch, &decision->response);
	else
		append_alone(batch, &batch->request.requests[index]);
}

static __attribute__((cold)) void give_and_note(void *context, size_t index, const struct decision *decision)
{
	const struct batch *batch = context;
	if (decision != NULL && batch->result == 0)
		denial_note(batch->call, &batch->request.requests[index], &decision->response);
	give(context, index, decision);
}

// ---------------------------------------------------------------- the batch

// Flat, as method_authorize() is.
static __attribute__((flatten)) void decide_items(struct batch *batch)
{
	struct worker *worker = batch->call->worker;
	const size_t count = batch->request.requests_count;
	if (UNLIKELY(denials_are_wanted(worker))) {
		const struct decide_flow noting = {.take = take, .give = give_and_note, .context = batch};
		decide_flow(batch->image, worker_now_s(worker), &noting, count);
		return;
	}
	const struct decide_flow flow = {.take = take, .give = give, .context = batch};
	flow_run(batch->image, worker_now_s(worker), &flow, count);
}

static void answer_batch(struct batch *batch)
{
	const struct call *call = batch->call;
	const struct fault none = {0};
	batch->size = FRAME_HEADER_SIZE;
	batch->room = conn_reserve(call->conn,
				   FRAME_HEADER_SIZE + ITEM_ROOM + batch->request.requests_count * ITEM_SIZE_USUAL);
	if (batch->room == NULL)
		return;
	batch->taken = FRAME_HEADER_SIZE + ITEM_ROOM + batch->request.requests_count * ITEM_SIZE_USUAL;
	decide_items(batch);
	if (batch->result == 0)
		reply_reserved(call, batch->room, batch->size - FRAME_HEADER_SIZE);
	else
		reply_fault(call, batch->result, &none);
}

static void answer(const struct call *call)
{
	struct worker *worker = call->worker;
	struct batch batch = {.call = call, .image = worker_image(worker)};
	struct fault fault;
	fault.code = STATUS_OK; // the texts are set with it
	fault.change_number = fault.retry_after_ms = 0;
	if (call_is_late_undecoded(call)) {
		reply_late(call);
		return;
	}
	arena_reset(&worker->arena);
	int result = codec_decode_authorize_batch_request(call->body, &worker->arena, &batch.request, &fault);
	if (result == 0 && batch.request.timeout_ms != 0)
		conn_want_arrival(call->conn); // looked at from the next read on
	if (result == 0 && min_revision(&batch.request) > batch.image->revision) {
		waiters_add(call, min_revision(&batch.request), batch.request.timeout_ms);
		return;
	}
	if (result == 0)
		result = check_batch(&batch.request, &fault);
	if (result != 0)
		reply_fault(call, result, &fault);
	else if (batch.request.requests_count <= 1 || budget_admit_more(call, batch.request.requests_count - 1))
		answer_batch(&batch);
}

void method_authorize_batch(const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		answer(&calls[i]);
}
