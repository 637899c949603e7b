// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/words.h"

#include "base/check.h"

struct words {
	struct bytes ocpi_allowed; // empty: OCPI has another way to say it
	struct bytes ocpp16_status;
	struct bytes ocpp2_status;
};

#define TEXT(s)                                    \
	{                                          \
		.data = (s), .size = sizeof(s) - 1 \
	}

static const struct words words_by_reason[] = {
	[REASON_OK] = {TEXT("ALLOWED"), TEXT("Accepted"), TEXT("Accepted")},
	[REASON_UNKNOWN_CHARGE_POINT] = {TEXT(""), TEXT("Invalid"), TEXT("Invalid")},
	[REASON_NO_CHARGE_GROUP] = {TEXT(""), TEXT("Invalid"), TEXT("Invalid")},
	[REASON_ROAMING_OFF] = {TEXT("NOT_ALLOWED"), TEXT("Blocked"), TEXT("NotAtThisLocation")},
	[REASON_UNKNOWN_TOKEN] = {TEXT(""), TEXT("Invalid"), TEXT("Unknown")},
	[REASON_TOKEN_BLOCKED] = {TEXT("BLOCKED"), TEXT("Blocked"), TEXT("Blocked")},
	[REASON_TOKEN_NOT_YET_VALID] = {TEXT("NOT_ALLOWED"), TEXT("Blocked"), TEXT("NotAtThisTime")},
	[REASON_TOKEN_EXPIRED] = {TEXT("EXPIRED"), TEXT("Expired"), TEXT("Expired")},
	[REASON_CUSTOMER_BLOCKED] = {TEXT("BLOCKED"), TEXT("Blocked"), TEXT("Blocked")},
	[REASON_NOT_ATTACHED] = {TEXT("NOT_ALLOWED"), TEXT("Blocked"), TEXT("NotAtThisLocation")},
	[REASON_NO_ROAMING_CONSENT] = {TEXT("NOT_ALLOWED"), TEXT("Blocked"), TEXT("NotAtThisLocation")},
	[REASON_NO_CREDIT] = {TEXT("NO_CREDIT"), TEXT("Blocked"), TEXT("NoCredit")},
	[REASON_ISSUER_DECIDES] = {TEXT(""), TEXT("Blocked"), TEXT("Unknown")}, // its offline verdict DENIED
};

void words_set(struct authorize_response *response)
{
	enum reason reason = response->reason;
	if (reason == REASON_ISSUER_DECIDES && response->offline_verdict == VERDICT_ALLOWED)
		reason = REASON_OK;
	const struct words *words = &words_by_reason[reason];
	response->ocpi_allowed = words->ocpi_allowed;
	response->ocpp16_status = words->ocpp16_status;
	response->ocpp2_status = words->ocpp2_status;
}
