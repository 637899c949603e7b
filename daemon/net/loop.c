// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/loop.h"

#include "daemon/net/conn_internal.h"
#include "daemon/net/loop_internal.h"

#include <errno.h>
#include <stdlib.h>

struct loop_timer {
	uv_timer_t uv;
	void (*on_expire)(void *context);
	void *context;
};

int loop_error(int uv_result)
{
	return uv_result >= -4000 ? uv_result : -EIO;
}

static void on_doorbell(uv_async_t *doorbell)
{
	struct loop *loop = doorbell->data;
	if (loop->conns != NULL)
		conn_set_take_inbox(loop->conns);
	if (loop->hooks.on_wake != NULL)
		loop->hooks.on_wake(loop->hooks.context);
}

// The hook first: what it lets go of (the image) must not be held during the system calls that follow.
void loop_end_turn(struct loop *loop)
{
	if (loop->hooks.on_turn_end != NULL)
		loop->hooks.on_turn_end(loop->hooks.context);
	if (loop->conns != NULL)
		conn_set_flush(loop->conns);
	if (loop->hooks.on_turn_written != NULL)
		loop->hooks.on_turn_written(loop->hooks.context);
}

static void on_prepare(uv_prepare_t *prepare)
{
	loop_end_turn(prepare->data);
}

static void on_check(uv_check_t *check)
{
	struct loop *loop = check->data;
	loop->turn++;
}

int loop_create(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return -ENOMEM;
	int result = uv_loop_init(&loop->uv);
	if (result != 0) {
		free(loop);
		return loop_error(result);
	}
	result = uv_async_init(&loop->uv, &loop->doorbell, on_doorbell);
	if (result != 0) {
		uv_loop_close(&loop->uv);
		free(loop);
		return loop_error(result);
	}
	loop->doorbell.data = loop;
	uv_prepare_init(&loop->uv, &loop->prepare); // cannot fail
	loop->prepare.data = loop;
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_check_init(&loop->uv, &loop->check);
	loop->check.data = loop;
	uv_check_start(&loop->check, on_check);
	*ret_loop = loop;
	return 0;
}

void loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	loop->hooks = (struct loop_hooks){0};
	uv_close((uv_handle_t *)&loop->doorbell, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->check, NULL);
	// Handles are freed by their close callbacks, which need turns of the loop.
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	const int result = uv_loop_close(&loop->uv);
	ASSERT(result == 0);
	free(loop);
}

void loop_set_hooks(struct loop *loop, const struct loop_hooks *hooks)
{
	loop->hooks = *hooks;
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

void loop_wake(struct loop *loop)
{
	uv_async_send(&loop->doorbell);
}

uint64_t loop_turn(const struct loop *loop)
{
	return loop->turn;
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

// ---------------------------------------------------------------- timers

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;
	timer->on_expire(timer->context);
}

int loop_timer_create(struct loop *loop, void (*on_expire)(void *context), void *context, struct loop_timer **ret_timer)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	if (timer == NULL)
		return -ENOMEM;
	timer->on_expire = on_expire;
	timer->context = context;
	uv_timer_init(&loop->uv, &timer->uv); // cannot fail
	timer->uv.data = timer;
	*ret_timer = timer;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_timer_destroy(struct loop_timer *timer)
{
	if (timer != NULL)
		uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms)
{
	uv_timer_start(&timer->uv, on_timer, delay_ms, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
	return uv_is_active((const uv_handle_t *)&timer->uv) != 0;
}
