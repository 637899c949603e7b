// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/decide.h"
#include "daemon/rpc/rpc.h"
#include "proto/codec_authorize.h"

// Pipelined calls are decided side by side: nearly all of a decision's time is waiting for memory (decide.h).
struct lane {
	struct authorize_request request;
	struct decision decision;
};

// A call that is not plain, by itself: malformed, or it waits for a revision, or wants an explanation.
static void answer_alone(const struct call *call, const struct image *image)
{
	struct worker *worker = call->worker;
	struct authorize_request request;
	struct decision decision;
	struct fault fault = {0};
	int result = codec_decode_authorize_request(call->body, &worker->arena, &request, &fault);
	if (result == 0 && request.min_revision > image->revision) {
		waiters_add(call, request.min_revision);
		return;
	}
	if (result == 0)
		result = decide_explained(image, &request, worker->now_s, &worker->arena, &decision, &fault);
	if (result == 0)
		reply_authorize(call, &decision.response);
	else
		reply_fault(call, result, &fault);
}

// Whether the call can be decided along with others; if so it gets a lane and an item.
static bool add_plain(const struct call *call, const struct image *image, struct lane *lane, struct decide_item *item)
{
	struct authorize_request *request = &lane->request;
	// The texts of a fault are set with its code; clearing them for every request would show.
	item->fault.code = STATUS_OK;
	item->fault.change_number = item->fault.retry_after_ms = 0;
	if (codec_decode_authorize_request(call->body, &call->worker->arena, request, &item->fault) != 0 ||
	    request->min_revision > image->revision || request->explain)
		return false;
	item->request = request;
	item->decision = &lane->decision;
	return true;
}

void method_authorize(const struct call *calls, size_t count)
{
	struct worker *worker = calls[0].worker;
	const struct image *image = worker_image(worker);
	struct lane lanes[CALLS_MAX];
	struct decide_item items[CALLS_MAX];
	bool is_plain[CALLS_MAX];
	size_t items_count = 0;
	ASSERT(count <= CALLS_MAX);
	arena_reset(&worker->arena);
	for (size_t i = 0; i < count; i++) {
		is_plain[i] = LIKELY(add_plain(&calls[i], image, &lanes[i], &items[items_count]));
		items_count += is_plain[i];
	}
	decide_many(image, worker->now_s, items, items_count);
	const struct decide_item *item = items;
	for (size_t i = 0; i < count; i++) {
		if (UNLIKELY(!is_plain[i])) {
			answer_alone(&calls[i], image);
			continue;
		}
		if (LIKELY(item->result == 0))
			reply_authorize(&calls[i], &item->decision->response);
		else
			reply_fault(&calls[i], item->result, &item->fault);
		item++;
	}
}
