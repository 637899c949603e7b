// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/flow.h"
#include "daemon/rpc/rpc.h"
#include "proto/codec_authorize.h"

static_assert(CALLS_MAX <= 64, "they have a bit each");

// Pipelined calls are decided side by side: nearly all of a decision's time is waiting for memory (decide.h).
struct pipeline {
	const struct call *calls;
	const struct image *image;
	struct fault fault; // of a body that is not understood; nobody reads it
	struct authorize_request requests[DECIDE_LANES];
	uint64_t late; // a bit per call
};

static void give_answer(const struct call *call, const struct authorize_response *response)
{
	worker_note_decision(call->worker, response);
	reply_authorize(call, response);
}

// A call that is not plain, by itself: malformed, or it waits for a revision, or wants an explanation.
static __attribute__((noinline)) void answer_alone(const struct call *call, const struct image *image)
{
	struct worker *worker = call->worker;
	struct authorize_request request;
	struct decision decision;
	struct fault fault = {0};
	int result = codec_decode_authorize_request(call->body, &worker->arena, &request, &fault);
	if (result == 0 && call_is_late(call, request.timeout_ms)) {
		reply_late(call);
		return;
	}
	if (result == 0 && request.min_revision > image->revision) {
		waiters_add(call, request.min_revision, request.timeout_ms);
		return;
	}
	if (result == 0)
		result = decide_explained(image, &request, worker_now_s(worker), &worker->arena, &decision, &fault);
	if (result == 0) {
		denial_note(call, &request, &decision.response);
		give_answer(call, &decision.response);
	} else {
		reply_fault(call, result, &fault);
	}
}

// Out of the way of those without a time-out.
static __attribute__((noinline)) const struct authorize_request *take_timed(struct pipeline *pipeline, size_t index,
									    const struct authorize_request *request)
{
	if (!call_is_late(&pipeline->calls[index], request->timeout_ms))
		return request;
	pipeline->late |= UINT64_C(1) << index;
	return NULL;
}

// NULL: the call goes by itself.
static const struct authorize_request *take(void *context, size_t index)
{
	struct pipeline *pipeline = context;
	const struct call *call = &pipeline->calls[index];
	struct authorize_request *request = &pipeline->requests[index % DECIDE_LANES];
	pipeline->fault.code = STATUS_OK; // the rest is set with the code
	if (codec_decode_authorize_request(call->body, &call->worker->arena, request, &pipeline->fault) != 0)
		return NULL;
	if (request->min_revision > pipeline->image->revision || request->explain)
		return NULL;
	return LIKELY(request->timeout_ms == 0) ? request : take_timed(pipeline, index, request);
}

static void give(void *context, size_t index, const struct decision *decision)
{
	const struct pipeline *pipeline = context;
	if (LIKELY(decision != NULL))
		give_answer(&pipeline->calls[index], &decision->response);
	else if (pipeline->late >> index & 1)
		reply_late(&pipeline->calls[index]);
	else
		answer_alone(&pipeline->calls[index], pipeline->image);
}

static __attribute__((cold)) void give_and_note(void *context, size_t index, const struct decision *decision)
{
	const struct pipeline *pipeline = context;
	if (decision != NULL)
		denial_note(&pipeline->calls[index], &pipeline->requests[index % DECIDE_LANES], &decision->response);
	give(context, index, decision);
}

// Flat: with everything that is on the way of each request (docs/performance.md, "Steps").
__attribute__((flatten)) void method_authorize(const struct call *calls, size_t count)
{
	struct worker *worker = calls[0].worker;
	struct pipeline pipeline; // not cleared: its requests are big
	pipeline.calls = calls;
	pipeline.image = worker_image(worker);
	pipeline.late = 0;
	pipeline.fault.change_number = pipeline.fault.retry_after_ms = 0;
	arena_reset(&worker->arena);
	if (UNLIKELY(denials_are_wanted(worker))) {
		const struct decide_flow noting = {.take = take, .give = give_and_note, .context = &pipeline};
		decide_flow(pipeline.image, worker_now_s(worker), &noting, count);
		return;
	}
	const struct decide_flow flow = {.take = take, .give = give, .context = &pipeline};
	flow_run(pipeline.image, worker_now_s(worker), &flow, count);
}
