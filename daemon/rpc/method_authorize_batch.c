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

// What is wrong with one item is not what is wrong with the batch: only -ENOMEM is.
static int settle(int result, const struct decision *decision, const struct fault *fault, struct arena *arena,
		  struct authorize_response *ret_response)
{
	if (result == -EINVAL)
		return refuse_item(fault, arena, ret_response);
	if (result == 0)
		*ret_response = decision->response;
	return result;
}

// Whatever wants no explanation, side by side.
static int answer_plain(struct worker *worker, const struct image *image, const struct authorize_batch_request *batch,
			struct decision *decisions, struct authorize_response *responses)
{
	struct decide_item *items = arena_calloc(&worker->arena, batch->requests_count, sizeof(*items));
	size_t count = 0;
	int result = 0;
	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < batch->requests_count; i++) {
		items[count].request = &batch->requests[i];
		items[count].decision = &decisions[i];
		count += !batch->requests[i].explain;
	}
	decide_many(image, worker->now_s, items, count);
	for (size_t k = 0; k < count && result == 0; k++) {
		const size_t i = (size_t)(items[k].request - batch->requests);
		result = settle(items[k].result, items[k].decision, &items[k].fault, &worker->arena, &responses[i]);
	}
	return result;
}

static int answer_explained(struct worker *worker, const struct image *image,
			    const struct authorize_batch_request *batch, struct decision *decisions,
			    struct authorize_response *responses)
{
	int result = 0;
	for (size_t i = 0; i < batch->requests_count && result == 0; i++) {
		struct fault fault = {0};
		if (!batch->requests[i].explain)
			continue;
		result = decide_explained(image, &batch->requests[i], worker->now_s, &worker->arena, &decisions[i],
					  &fault);
		result = settle(result, &decisions[i], &fault, &worker->arena, &responses[i]);
	}
	return result;
}

int method_authorize_batch(struct worker *worker, const void *request, const void **ret_response, struct fault *fault)
{
	const struct authorize_batch_request *batch = request;
	const struct image *image = worker_image(worker);
	struct arena *arena = &worker->arena;
	int result = check_batch(batch, fault);
	if (result != 0)
		return result;
	struct authorize_batch_response *response = arena_calloc(arena, 1, sizeof(*response));
	// A response refers to what is beside it in its decision, so that stays until it is encoded.
	struct decision *decisions = arena_calloc(arena, batch->requests_count, sizeof(*decisions));
	struct authorize_response *responses = arena_calloc(arena, batch->requests_count, sizeof(*responses));
	if (response == NULL || decisions == NULL || responses == NULL)
		return -ENOMEM;
	response->responses = responses;
	response->responses_count = batch->requests_count;
	result = answer_plain(worker, image, batch, decisions, responses);
	if (result == 0)
		result = answer_explained(worker, image, batch, decisions, responses);
	*ret_response = response;
	return result;
}
