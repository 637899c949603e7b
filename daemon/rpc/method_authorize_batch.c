// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/decide.h"
#include "daemon/rpc/rpc.h"

#include <errno.h>

uint64_t authorize_batch_min_revision(const void *message)
{
	const struct authorize_batch_request *batch = message;
	uint64_t highest = 0;
	for (size_t i = 0; i < batch->requests_count; i++) {
		if (batch->requests[i].min_revision > highest)
			highest = batch->requests[i].min_revision;
	}
	return highest;
}

static int check_batch(const struct authorize_batch_request *batch, struct fault *fault)
{
	size_t explained = 0;
	for (size_t i = 0; i < batch->requests_count; i++)
		explained += batch->requests[i].explain;
	if (batch->requests_count > BATCH_REQUESTS_MAX)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, "requests", "%zu requests in one batch; at most %d",
			  batch->requests_count, BATCH_REQUESTS_MAX);
	else if (explained > BATCH_EXPLAIN_MAX)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, "requests", "explain is set in %zu requests; at most %d",
			  explained, BATCH_EXPLAIN_MAX);
	else
		return 0;
	return -EINVAL;
}

// A bad item gets its own error, without a verdict: clients read that as DENIED.
static int refuse_item(const struct fault *fault, struct arena *arena, struct authorize_response *ret_response)
{
	struct error_message *error = arena_calloc(arena, 1, sizeof(*error));
	if (error == NULL)
		return -ENOMEM;
	error->code = fault->code;
	error->field = arena_copy(arena, bytes_from(fault->field));
	error->message = arena_copy(arena, bytes_from(fault->message));
	*ret_response = (struct authorize_response){.error = error};
	return error->message.data != NULL && error->field.data != NULL ? 0 : -ENOMEM;
}

static int answer_item(struct worker *worker, const struct image *image, const struct authorize_request *request,
		       struct authorize_response *ret_response)
{
	struct fault fault = {0};
	// A response refers to what is beside it in its decision, so that stays until it is encoded.
	struct decision *decision = arena_alloc(&worker->arena, sizeof(*decision));
	if (decision == NULL)
		return -ENOMEM;
	const int result = request->explain
				   ? decide_explained(image, request, worker->now_s, &worker->arena, decision, &fault)
				   : decide(image, request, worker->now_s, decision, &fault);
	if (result == 0)
		*ret_response = decision->response;
	else if (result == -EINVAL)
		return refuse_item(&fault, &worker->arena, ret_response);
	return result;
}

int method_authorize_batch(struct worker *worker, const void *request, const void **ret_response, struct fault *fault)
{
	const struct authorize_batch_request *batch = request;
	const struct image *image = worker_image(worker);
	int result = check_batch(batch, fault);
	if (result != 0)
		return result;
	struct authorize_batch_response *response = arena_calloc(&worker->arena, 1, sizeof(*response));
	if (response == NULL)
		return -ENOMEM;
	response->responses_count = batch->requests_count;
	response->responses = arena_calloc(&worker->arena, batch->requests_count, sizeof(*response->responses));
	if (response->responses == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < batch->requests_count && result == 0; i++)
		result = answer_item(worker, image, &batch->requests[i], &response->responses[i]);
	*ret_response = response;
	return result;
}
