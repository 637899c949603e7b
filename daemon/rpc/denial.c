// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/rpc.h"

void denial_note(const struct call *call, const struct authorize_request *request,
		 const struct authorize_response *response)
{
	const struct service_denials *denials = &call->worker->service->denials;
	const struct session *session = conn_session(call->conn);
	if (response->verdict != VERDICT_DENIED || !denials_are_wanted(call->worker))
		return;
	// An answer repeats the question's own text when the store has no such charge point.
	const bool is_known = response->charge_point_id.data != request->charge_point_id.data;
	const struct denial denial = {
		.token_uid = request->token_uid,
		.token_type = request->token_type,
		.charge_point_id = is_known ? response->charge_point_id : (struct bytes){0},
		.reason = response->reason,
		.client = session->client->name,
	};
	denials->note(denials->context, &denial);
}
