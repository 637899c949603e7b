// SPDX-License-Identifier: Apache-2.0
#include "store/both.h"

#include "base/thread.h"

struct both_work {
	both_function *function;
	void *argument;
	int result;
};

static void *run_work(void *argument)
{
	struct both_work *work = argument;
	work->result = work->function(work->argument);
	return NULL;
}

int both_run(both_function *function, void *first, void *second)
{
	struct both_work work = {.function = function, .argument = second};
	pthread_t thread;
	int result = thread_start(&thread, NULL, run_work, &work);
	if (result != 0)
		return result;
	result = function(first);
	pthread_join(thread, NULL);
	return result != 0 ? result : work.result;
}
