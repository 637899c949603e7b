// SPDX-License-Identifier: Apache-2.0
// What the files of daemon/net share about the loop. Private to this folder.
#pragma once

#include "daemon/net/loop.h"

#include <uv.h>

struct conn_set;

struct loop {
	uv_loop_t uv;
	uv_async_t doorbell;
	uv_prepare_t prepare;
	uv_check_t check;
	uint64_t turn;
	struct loop_hooks hooks;
	struct conn_set *conns; // whose output is written at the end of the turn; NULL: none
};

// Ends the turn early: between two connections when a turn gets long.
void loop_end_turn(struct loop *loop);
// libuv's error codes are negative errno values already; its few own ones become -EIO.
int loop_error(int uv_result);
