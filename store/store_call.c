// SPDX-License-Identifier: Apache-2.0
#include "store/store_impl.h"

#include <errno.h>

static bool enqueue(struct store *store, struct store_call *call)
{
	if (store->is_closing || atomic_load(&store->is_fatal))
		return false;
	*store->calls_end = call;
	store->calls_end = &call->next;
	pthread_cond_signal(&store->queue_filled);
	return true;
}

int store_call(struct store *store, int (*function)(struct store *store, void *argument), void *argument)
{
	struct store_call call = {.function = function, .argument = argument, .result = -EIO};
	pthread_mutex_lock(&store->queue_lock);
	if (enqueue(store, &call))
		while (!call.is_done)
			pthread_cond_wait(&store->call_done, &store->queue_lock);
	pthread_mutex_unlock(&store->queue_lock);
	return call.result;
}

void store_run_call(struct store *store, struct store_call *call)
{
	const int result = atomic_load(&store->is_fatal) ? -EIO : call->function(store, call->argument);
	pthread_mutex_lock(&store->queue_lock);
	call->result = result;
	call->is_done = true;
	pthread_cond_broadcast(&store->call_done);
	pthread_mutex_unlock(&store->queue_lock);
}
