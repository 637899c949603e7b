// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/decide.h"
#include "daemon/rpc/rpc.h"
#include "proto/codec_authorize.h"

void method_authorize(const struct call *call)
{
	struct worker *worker = call->worker;
	const struct image *image = worker_image(worker);
	struct authorize_request request;
	struct decision decision;
	struct fault fault;
	// The texts are set with the code; clearing them for every request would show.
	fault.code = STATUS_OK;
	fault.change_number = fault.retry_after_ms = 0;
	arena_reset(&worker->arena);
	int result = codec_decode_authorize_request(call->body, &worker->arena, &request, &fault);
	if (LIKELY(result == 0)) {
		if (UNLIKELY(request.min_revision > image->revision)) {
			waiters_add(call, request.min_revision);
			return;
		}
		result = UNLIKELY(request.explain)
				 ? decide_explained(image, &request, worker->now_s, &worker->arena, &decision, &fault)
				 : decide(image, &request, worker->now_s, &decision, &fault);
	}
	if (LIKELY(result == 0))
		reply_authorize(call, &decision.response);
	else
		reply_fault(call, result, &fault);
}
