// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_lua.h"

#include <inttypes.h>
#include <stdio.h>

static char *put_word(char *at, struct bytes word)
{
	at += sprintf(at, "$%zu\r\n", word.size);
	at = mempcpy(at, word.data ? word.data : "", word.size);
	return mempcpy(at, "\r\n", 2);
}

size_t lua_encode(const struct question *question, const void *context, char *frame)
{
	const struct lua_call *call = context;
	const struct authorize_request *request = &question->request;
	char type[16], now[24], issuer[32] = "";
	snprintf(type, sizeof(type), "%d", (int)request->token_type);
	snprintf(now, sizeof(now), "%" PRId64, call->now);
	if (request->issuer)
		snprintf(issuer, sizeof(issuer), "%.*s*%.*s", BYTES_ARG(request->issuer->country_code),
			 BYTES_ARG(request->issuer->party_id));
	const struct bytes words[] = {
		BYTES_LITERAL("EVALSHA"), {call->sha, LUA_SHA_SIZE}, BYTES_LITERAL("0"),
		request->token_uid,       bytes_from(type),          bytes_from(issuer),
		request->charge_point_id, request->evse_id,          bytes_from(now),
	};
	char *at = frame + sprintf(frame, "*%zu\r\n", ARRAY_SIZE(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		at = put_word(at, words[i]);
	return (size_t)(at - frame);
}
