// SPDX-License-Identifier: Apache-2.0
// Adopt: the operator's decision that this replica's state starts a new history (DESIGN 3.3).
#include "daemon/rpc/rpc.h"

#include <errno.h>

static int fill_response(struct job *job, const struct store_position *position)
{
	char text[ID128_TEXT_SIZE + 1];
	struct adopt_response *response = arena_calloc(&job->store.arena, 1, sizeof(*response));
	if (response == NULL)
		return -ENOMEM;
	id128_format(&position->epoch, text);
	response->epoch = arena_copy(&job->store.arena, bytes_from(text));
	response->revision = position->revision;
	job->response = response;
	return response->epoch.data == NULL ? -ENOMEM : 0;
}

// On the feed's thread.
static void on_done(void *context, int result, const struct store_position *position, const struct fault *fault)
{
	struct job *job = context;
	if (result == 0)
		result = fill_response(job, position);
	else
		job->store.fault = *fault;
	job->store.result = result;
	job_post(job);
}

int method_adopt(struct job *job)
{
	const struct adopt_request *request = job->request;
	const struct service_feed *feed = &job->worker->service->feed;
	struct fault *fault = &job->store.fault;
	struct id128 epoch;
	if (feed->adopt == NULL) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "this daemon has no Redis: it is its own history, there is nothing to adopt");
		return -EPERM;
	}
	if (id128_parse(request->epoch, &epoch) != 0) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, "epoch", "epoch must be the 32 digits that Status shows");
		return -EINVAL;
	}
	return feed->adopt(feed->context, &epoch, on_done, job);
}
