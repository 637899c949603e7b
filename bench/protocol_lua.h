// SPDX-License-Identifier: Apache-2.0
// evauthd's decision in redis-server: EVALSHA of bench/decide.lua. The answers are read as of any Redis server.
#pragma once

#include "bench/questions.h"

#include <stddef.h>

enum { LUA_SHA_SIZE = 40 };

// The script as it stands in bench/decide.lua, terminated.
extern const char lua_script[];

struct lua_call {
	char sha[LUA_SHA_SIZE + 1]; // as SCRIPT LOAD answers
	int64_t now;                // unix seconds, the time of every decision
};

// For struct brief_options; `call` is a struct lua_call.
size_t lua_encode(const struct question *question, const void *call, char *frame);
