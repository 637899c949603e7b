// SPDX-License-Identifier: Apache-2.0
// The course of one decision: what was asked, what was found, what follows. Internal to decide/.
//
//     decide.c   checks the request and looks everything up, then answers
//     flow.h     many requests, one behind the other, compiled into who asks them
//     lines.c    the decision table of DESIGN 1.2, line by line
//     explain.c  the steps that were noted on the way, in English
//     words.c    the verdict in the words of OCPI and OCPP
#pragma once

#include "base/arena.h"
#include "daemon/decide/decide.h"

// One thing that was found out, in the order of the table. explain.c has a row for each.
enum step {
	STEP_POINT_UNKNOWN,
	STEP_EVSE_UNKNOWN,
	STEP_EVSE_ELSEWHERE,
	STEP_POINT_KNOWN,
	STEP_NO_GROUP,
	STEP_IN_GROUP,
	STEP_UID_STORED,
	STEP_DIRECT_PAYMENT,
	STEP_DIRECT_PAYMENT_OFF,
	STEP_TOKEN_UNKNOWN_ASK,
	STEP_TOKEN_UNKNOWN,
	STEP_OWN_TOKEN,
	STEP_FOREIGN_TOKEN,
	STEP_TOKEN_BLOCKED,
	STEP_TOKEN_NOT_BLOCKED,
	STEP_VALID_FROM_AHEAD,
	STEP_VALID_FROM_NONE,
	STEP_VALID_FROM_REACHED,
	STEP_VALID_UNTIL_REACHED,
	STEP_VALID_UNTIL_NONE,
	STEP_VALID_UNTIL_AHEAD,
	STEP_CUSTOMER_BLOCKED,
	STEP_CUSTOMER_NOT_BLOCKED,
	STEP_ATTACHED,
	STEP_NOT_ATTACHED,
	STEP_OPEN_TO_ALL_CUSTOMERS,
	STEP_OPEN_TO_ROAMING,
	STEP_OTHER_USER_GROUP,
	STEP_CLOSED,
	STEP_CLOSED_AND_NOT_ATTACHED,
	STEP_NO_ROAMING_CONSENT,
	STEP_ROAMING_CONSENT,
	STEP_ROAMING_CUSTOMER,
	STEP_ROAMING_CUSTOMER_OFF,
	STEP_NO_CREDIT,
	STEP_CREDIT,
	STEP_CUSTOMER_ALLOWED,
	STEP_ROAMING_OFF,
	STEP_ROAMING_ON,
	STEP_ALWAYS_ALLOWED,
	STEP_ALLOWED,
	STEP_ALLOWED_NOT_VALID,
	STEP_OFFLINE_ALLOWED,
	STEP_OFFLINE_DENIED,
	STEP_NEVER,
	STEP_TARIFF_OVERRIDE,
	STEP_TARIFF_PREPAID,
	STEP_TARIFF_GROUP,
	STEPS,
};

enum { TRACE_STEPS_MAX = 20 }; // the longest course notes 14

struct trace {
	uint8_t count;
	uint8_t decided; // index of the step that settled the verdict
	uint8_t steps[TRACE_STEPS_MAX];
};

struct course {
	const struct image *image;
	const struct authorize_request *request;
	const struct issuer *issuer; // as asked; NULL: none
	int64_t at;
	bool may_pay_directly; // AD_HOC_USER without issuer
	bool uid_is_stored;    // of these: under another type
	struct trace *trace;   // NULL: nobody wants to know

	// What was found; NULL or 0: nothing.
	const struct point_record *point;
	const struct group_record *group;
	const struct token_record *token;
	const struct customer_record *customer; // of an own token
	uint32_t membership;
	bool has_tariff; // the membership: one of its own

	// What follows.
	enum verdict verdict;
	enum reason reason;
	enum access access;
	enum verdict offline_verdict;
	uint32_t tariff;
	enum tariff_source tariff_source;
	int64_t valid_until;
};

static inline void course_note(struct course *course, enum step step)
{
	struct trace *trace = course->trace;
	if (UNLIKELY(trace != NULL)) {
		ASSERT(trace->count < TRACE_STEPS_MAX);
		trace->steps[trace->count++] = (uint8_t)step;
	}
}

// The decision table: fills what follows from what was found.
void course_decide(struct course *course);
// Writes the noted steps as the response's explanation. -ENOMEM when the arena is spent.
MUST_CHECK int course_explain(const struct course *course, struct arena *arena, struct authorize_response *response);
