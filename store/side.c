// SPDX-License-Identifier: Apache-2.0
#include "store/side.h"

#include "base/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct side {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t started;
	pthread_cond_t done;
	int (*function)(void *argument); // NULL: nothing is under way
	void *argument;
	int result;
	bool is_closing;
};

static void *run_side(void *argument)
{
	struct side *side = argument;
	pthread_mutex_lock(&side->lock);
	for (;;) {
		while (side->function == NULL && !side->is_closing)
			pthread_cond_wait(&side->started, &side->lock);
		if (side->function == NULL)
			break;
		pthread_mutex_unlock(&side->lock);
		const int result = side->function(side->argument);
		pthread_mutex_lock(&side->lock);
		side->result = result;
		side->function = NULL;
		pthread_cond_signal(&side->done);
	}
	pthread_mutex_unlock(&side->lock);
	return NULL;
}

static void side_free(struct side *side)
{
	pthread_cond_destroy(&side->done);
	pthread_cond_destroy(&side->started);
	pthread_mutex_destroy(&side->lock);
	free(side);
}

int side_create(const char *name, struct side **ret_side)
{
	struct side *side = calloc(1, sizeof(*side));
	if (side == NULL)
		return -ENOMEM;
	pthread_mutex_init(&side->lock, NULL);
	pthread_cond_init(&side->started, NULL);
	pthread_cond_init(&side->done, NULL);
	const int result = thread_start(&side->thread, name, run_side, side);
	if (result != 0) {
		side_free(side);
		return result;
	}
	*ret_side = side;
	return 0;
}

void side_destroy(struct side *side)
{
	if (side == NULL)
		return;
	pthread_mutex_lock(&side->lock);
	ASSERT(side->function == NULL);
	side->is_closing = true;
	pthread_cond_signal(&side->started);
	pthread_mutex_unlock(&side->lock);
	pthread_join(side->thread, NULL);
	side_free(side);
}

void side_start(struct side *side, int (*function)(void *argument), void *argument)
{
	pthread_mutex_lock(&side->lock);
	ASSERT(side->function == NULL);
	side->function = function;
	side->argument = argument;
	pthread_cond_signal(&side->started);
	pthread_mutex_unlock(&side->lock);
}

int side_wait(struct side *side)
{
	pthread_mutex_lock(&side->lock);
	while (side->function != NULL)
		pthread_cond_wait(&side->done, &side->lock);
	const int result = side->result;
	pthread_mutex_unlock(&side->lock);
	return result;
}
