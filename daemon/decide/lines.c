// SPDX-License-Identifier: Apache-2.0
// The decision table of DESIGN 1.2. The numbers in the comments are its lines.
#include "daemon/decide/course.h"
#include "daemon/tariff/tariff_choice.h"

static void deny(struct course *course, enum reason reason, enum step step)
{
	course_note(course, step);
	course->verdict = VERDICT_DENIED;
	course->reason = reason;
}

static void allow(struct course *course, enum access access, enum step step)
{
	course_note(course, step);
	course->verdict = VERDICT_ALLOWED;
	course->reason = REASON_OK;
	course->access = access;
}

static void ask_issuer(struct course *course, enum reason reason, enum verdict offline_verdict, enum step step)
{
	course_note(course, step);
	course->verdict = VERDICT_ASK_ISSUER;
	course->reason = reason;
	course->access = ACCESS_ROAMING;
	course->offline_verdict = offline_verdict;
}

static bool group_is(const struct course *course, enum group_flags flag)
{
	return course->group->flags & flag;
}

// The nearest of valid_from and valid_until that lies after `at`; 0: neither does.
static int64_t next_change(const struct token_record *token, int64_t at)
{
	if (token->valid_from > at)
		return token->valid_from;
	return token->valid_until > at ? token->valid_until : 0;
}

// Lines 5-7: OK, or why the token is not valid.
static enum reason check_validity(struct course *course)
{
	const struct token_record *token = course->token;
	if (token->flags & TOKEN_BLOCKED) {
		course_note(course, STEP_TOKEN_BLOCKED);
		return REASON_TOKEN_BLOCKED;
	}
	course_note(course, STEP_TOKEN_NOT_BLOCKED);
	course->valid_until = next_change(token, course->at);
	if (course->at < token->valid_from) {
		course_note(course, STEP_VALID_FROM_AHEAD);
		return REASON_TOKEN_NOT_YET_VALID;
	}
	course_note(course, token->valid_from ? STEP_VALID_FROM_REACHED : STEP_VALID_FROM_NONE);
	if (token->valid_until != 0 && course->at >= token->valid_until) {
		course_note(course, STEP_VALID_UNTIL_REACHED);
		return REASON_TOKEN_EXPIRED;
	}
	course_note(course, token->valid_until ? STEP_VALID_UNTIL_AHEAD : STEP_VALID_UNTIL_NONE);
	return REASON_OK;
}

// Lines 3 and 4: nobody we know.
static void decide_unknown(struct course *course)
{
	const bool open = group_is(course, GROUP_OPEN_TO_ROAMING);
	if (course->may_pay_directly && !course->uid_is_stored) {
		if (open)
			allow(course, ACCESS_DIRECT_PAYMENT, STEP_DIRECT_PAYMENT);
		else
			deny(course, REASON_ROAMING_OFF, STEP_DIRECT_PAYMENT_OFF);
		return;
	}
	if (course->may_pay_directly)
		course_note(course, STEP_UID_STORED);
	if (open)
		ask_issuer(course, REASON_UNKNOWN_TOKEN, VERDICT_DENIED, STEP_TOKEN_UNKNOWN_ASK);
	else
		deny(course, REASON_UNKNOWN_TOKEN, STEP_TOKEN_UNKNOWN);
}

// Lines 9-14: the access a customer has here; UNSPECIFIED: none, and the verdict says why.
static enum access find_access(struct course *course)
{
	if (course->membership != 0) {
		course_note(course, STEP_ATTACHED);
		return ACCESS_MEMBER;
	}
	course_note(course, STEP_NOT_ATTACHED);
	const bool open_to_roaming = group_is(course, GROUP_OPEN_TO_ROAMING);
	if (course->customer->user_group == course->group->user_group) {
		const bool open_to_all = group_is(course, GROUP_OPEN_TO_ALL_CUSTOMERS);
		if (open_to_all || open_to_roaming) {
			course_note(course, open_to_all ? STEP_OPEN_TO_ALL_CUSTOMERS : STEP_OPEN_TO_ROAMING);
			return ACCESS_ALL_CUSTOMERS;
		}
		course_note(course, STEP_CLOSED);
		deny(course, REASON_NOT_ATTACHED, STEP_CLOSED_AND_NOT_ATTACHED);
		return ACCESS_UNSPECIFIED;
	}
	course_note(course, STEP_OTHER_USER_GROUP);
	if (!open_to_roaming) {
		deny(course, REASON_ROAMING_OFF, STEP_ROAMING_CUSTOMER_OFF);
		return ACCESS_UNSPECIFIED;
	}
	if (!(course->token->flags & TOKEN_ROAMING_ALLOWED)) {
		deny(course, REASON_NO_ROAMING_CONSENT, STEP_NO_ROAMING_CONSENT);
		return ACCESS_UNSPECIFIED;
	}
	course_note(course, STEP_ROAMING_CONSENT);
	course_note(course, STEP_ROAMING_CUSTOMER);
	return ACCESS_ROAMING;
}

// Lines 5-16.
static void decide_own(struct course *course)
{
	course_note(course, STEP_OWN_TOKEN);
	const enum reason validity = check_validity(course);
	if (validity != REASON_OK) {
		course->verdict = VERDICT_DENIED;
		course->reason = validity;
		return;
	}
	if (course->customer->flags & CUSTOMER_BLOCKED) {
		deny(course, REASON_CUSTOMER_BLOCKED, STEP_CUSTOMER_BLOCKED);
		return;
	}
	course_note(course, STEP_CUSTOMER_NOT_BLOCKED);
	const enum access access = find_access(course);
	if (access == ACCESS_UNSPECIFIED)
		return;
	if (course->customer->flags & CUSTOMER_NO_CREDIT) {
		deny(course, REASON_NO_CREDIT, STEP_NO_CREDIT);
		return;
	}
	course_note(course, STEP_CREDIT);
	allow(course, access, STEP_CUSTOMER_ALLOWED);
}

// Lines 18-22, by what the issuer wants.
static void decide_by_whitelist(struct course *course)
{
	const enum whitelist whitelist = course->token->whitelist;
	if (whitelist != WHITELIST_ALWAYS && whitelist != WHITELIST_ALLOWED && whitelist != WHITELIST_ALLOWED_OFFLINE) {
		ask_issuer(course, REASON_ISSUER_DECIDES, VERDICT_DENIED, STEP_NEVER);
		return;
	}
	const enum reason validity = check_validity(course);
	const bool valid = validity == REASON_OK;
	if (whitelist == WHITELIST_ALLOWED_OFFLINE) {
		ask_issuer(course, REASON_ISSUER_DECIDES, valid ? VERDICT_ALLOWED : VERDICT_DENIED,
			   valid ? STEP_OFFLINE_ALLOWED : STEP_OFFLINE_DENIED);
	} else if (valid) {
		allow(course, ACCESS_ROAMING, whitelist == WHITELIST_ALWAYS ? STEP_ALWAYS_ALLOWED : STEP_ALLOWED);
	} else if (whitelist == WHITELIST_ALLOWED) {
		ask_issuer(course, validity, VERDICT_DENIED, STEP_ALLOWED_NOT_VALID);
	} else {
		course->verdict = VERDICT_DENIED;
		course->reason = validity;
	}
}

static void decide_foreign(struct course *course)
{
	course_note(course, STEP_FOREIGN_TOKEN);
	if (!group_is(course, GROUP_OPEN_TO_ROAMING)) {
		deny(course, REASON_ROAMING_OFF, STEP_ROAMING_OFF);
		return;
	}
	course_note(course, STEP_ROAMING_ON);
	decide_by_whitelist(course);
}

static void decide_place_and_caller(struct course *course)
{
	if (course->point == NULL) { // 1; the look-up noted why
		course->verdict = VERDICT_DENIED;
		course->reason = REASON_UNKNOWN_CHARGE_POINT;
		return;
	}
	course_note(course, STEP_POINT_KNOWN);
	if (course->group == NULL) { // 2
		deny(course, REASON_NO_CHARGE_GROUP, STEP_NO_GROUP);
		return;
	}
	course_note(course, STEP_IN_GROUP);
	if (course->token == NULL)
		decide_unknown(course);
	else if (course->token->flags & TOKEN_FOREIGN)
		decide_foreign(course);
	else
		decide_own(course);
}

static void choose_tariff(struct course *course)
{
	static const enum step steps[] = {
		[TARIFF_SOURCE_OVERRIDE] = STEP_TARIFF_OVERRIDE,
		[TARIFF_SOURCE_PREPAID] = STEP_TARIFF_PREPAID,
		[TARIFF_SOURCE_GROUP] = STEP_TARIFF_GROUP,
	};
	const bool prepaid = course->access == ACCESS_DIRECT_PAYMENT ||
			     (course->customer != NULL && (course->customer->flags & CUSTOMER_PREPAID));
	// Without a tariff of its own the membership's record is not worth a cache miss.
	const uint32_t membership = course->has_tariff ? course->membership : 0;
	course->tariff =
		tariff_choose(course->image, course->point->group, membership, prepaid, &course->tariff_source);
	course_note(course, steps[course->tariff_source]);
}

void course_decide(struct course *course)
{
	decide_place_and_caller(course);
	if (course->trace != NULL)
		course->trace->decided = course->trace->count - 1;
	if (course->verdict != VERDICT_DENIED)
		choose_tariff(course);
}
