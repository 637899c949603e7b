// SPDX-License-Identifier: Apache-2.0
// One event loop per worker thread, its doorbell and its timers.
//
// A turn of the loop: timers, then what became readable or writable, then the end of the turn: on_turn_end(), then
// one write per connection that has something to send (conn.h), then sleep.
// Everything is called on the loop's thread unless it says "any thread".
#pragma once

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;

struct loop_hooks {
	// Somebody called loop_wake(); several calls may come as one.
	void (*on_wake)(void *context);
	// The last thing before answers are written and the thread may sleep. May be called twice in a turn.
	void (*on_turn_end)(void *context);
	// The answers of the turn are written, as far as the sockets took them. May be NULL.
	void (*on_turn_written)(void *context);
	void *context;
};

MUST_CHECK int loop_create(struct loop **ret_loop);
// After loop_run() returned (or without it). Whatever lives on the loop must have been destroyed before. NULL is fine.
void loop_destroy(struct loop *loop);
// Before loop_run().
void loop_set_hooks(struct loop *loop, const struct loop_hooks *hooks);
// Returns after loop_stop().
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
// Any thread, as long as the loop is there.
void loop_wake(struct loop *loop);
// The number of this turn: those who were to be called again in it, and what became readable.
uint64_t loop_turn(const struct loop *loop);
// Milliseconds of the monotonic clock at the start of this turn.
uint64_t loop_now_ms(const struct loop *loop);

// A timer that calls `on_expire` once per start.
MUST_CHECK int loop_timer_create(struct loop *loop, void (*on_expire)(void *context), void *context,
				 struct loop_timer **ret_timer);
// NULL is fine.
void loop_timer_destroy(struct loop_timer *timer);
// Starting a running timer moves its end.
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);
