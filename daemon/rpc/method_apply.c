// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/rpc.h"

// On the writer's thread: it must not wait, so even the encoding is left to the worker.
static void on_done(struct store_job *store_job)
{
	struct job *job = store_job->context;
	job->response = &store_job->response;
	job_post(job);
}

int method_apply(struct job *job)
{
	job->store.set = job->request;
	job->store.done = on_done;
	job->store.context = job;
	const struct service *service = job->worker->service;
	return service->feed.submit ? service->feed.submit(service->feed.context, &job->store)
				    : store_submit(service->store, &job->store);
}
