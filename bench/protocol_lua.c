// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_lua.h"

#include "bench/protocol_resp.h"

#include <inttypes.h>
#include <stdio.h>

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
	return resp_put_command(frame, words, ARRAY_SIZE(words));
}
