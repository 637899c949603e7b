// SPDX-License-Identifier: Apache-2.0
// The steps of a decision in plain English, for operators. To add one: enum step (course.h), its row here.
#include "daemon/decide/course.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

// ---------------------------------------------------------------- what a text may name

enum { TEXT_MAX = 512 }; // a text names at most four ids of 64 bytes

struct text {
	size_t size;
	char data[TEXT_MAX];
};

static void text_add(struct text *text, struct bytes more)
{
	const size_t room = TEXT_MAX - text->size;
	const size_t size = more.size < room ? more.size : room;
	if (size > 0)
		memcpy(text->data + text->size, more.data, size);
	text->size += size;
}

static void text_add_literal(struct text *text, const char *more)
{
	text_add(text, bytes_from(more));
}

// As in RFC 3339, UTC; a year no calendar knows is written as the number it is.
static void text_add_time(struct text *text, int64_t at)
{
	char written[32];
	const time_t seconds = at;
	struct tm utc;
	if (gmtime_r(&seconds, &utc) == NULL || utc.tm_year > 9999 - 1900 ||
	    strftime(written, sizeof(written), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		snprintf(written, sizeof(written), "%lld", (long long)at);
	text_add_literal(text, written);
}

static void text_add_user_group(struct text *text, const struct image *image, uint32_t user_group)
{
	if (user_group == STRING_EMPTY) {
		text_add_literal(text, "the default user group");
		return;
	}
	text_add_literal(text, "user group ");
	text_add(text, image_string(image, user_group));
}

static void add_point(const struct course *course, struct text *text)
{
	text_add_literal(text, "charge point ");
	text_add(text, course->point ? image_id(course->image, &course->point->id) : course->request->charge_point_id);
}

static void add_evse(const struct course *course, struct text *text)
{
	text_add_literal(text, "EVSE ");
	text_add(text, course->request->evse_id);
}

static void add_group(const struct course *course, struct text *text)
{
	text_add_literal(text, "charge group ");
	text_add(text, image_id(course->image, &course->group->id));
}

static void add_token(const struct course *course, struct text *text)
{
	text_add_literal(text, "token ");
	text_add(text, course->token ? image_id(course->image, &course->token->uid) : course->request->token_uid);
}

static void add_customer(const struct course *course, struct text *text)
{
	text_add_literal(text, "customer ");
	text_add(text, image_id(course->image, &course->customer->id));
}

static void add_issuer(const struct course *course, struct text *text)
{
	const struct bytes issuer = image_string(course->image, course->token->owner);
	text_add_literal(text, "issuer ");
	text_add(text, (struct bytes){issuer.data, 2});
	text_add_literal(text, " ");
	text_add(text, (struct bytes){issuer.data + 2, issuer.size - 2});
}

static void add_type(const struct course *course, struct text *text)
{
	static const char *const names[] = {"of unknown type", "RFID", "APP_USER", "AD_HOC_USER", "EMAID", "OTHER"};
	const uint8_t type = course->token->type;
	text_add_literal(text, names[type < ARRAY_SIZE(names) ? type : 0]);
}

static void add_tariff(const struct course *course, struct text *text)
{
	text_add_literal(text, "tariff ");
	text_add(text, image_id(course->image, &image_tariff(course->image, course->tariff)->id));
}

static void add_access(const struct course *course, struct text *text)
{
	static const char *const names[] = {"none", "MEMBER", "ALL_CUSTOMERS", "ROAMING", "DIRECT_PAYMENT"};
	text_add_literal(text, names[course->access]);
}

static void add_user_group_of_customer(const struct course *course, struct text *text)
{
	text_add_user_group(text, course->image, course->customer->user_group);
}

static void add_user_group_of_group(const struct course *course, struct text *text)
{
	text_add_user_group(text, course->image, course->group->user_group);
}

static void add_at(const struct course *course, struct text *text)
{
	text_add_time(text, course->at);
}

static void add_valid_from(const struct course *course, struct text *text)
{
	text_add_time(text, course->token->valid_from);
}

static void add_valid_until(const struct course *course, struct text *text)
{
	text_add_time(text, course->token->valid_until);
}

static const struct {
	const char *name;
	void (*add)(const struct course *course, struct text *text);
} things[] = {
	{"access", add_access},
	{"at", add_at},
	{"customer", add_customer},
	{"customer's user group", add_user_group_of_customer},
	{"EVSE", add_evse},
	{"group", add_group},
	{"group's user group", add_user_group_of_group},
	{"issuer", add_issuer},
	{"point", add_point},
	{"tariff", add_tariff},
	{"token", add_token},
	{"type", add_type},
	{"valid_from", add_valid_from},
	{"valid_until", add_valid_until},
};

// ---------------------------------------------------------------- the steps

struct step_row {
	const char *rule; // line of the decision table
	const char *object;
	const char *field;
	const char *text;
};

static const struct step_row rows[STEPS] = {
	[STEP_POINT_UNKNOWN] = {"1", "{point}", "id", "{point} is unknown"},
	[STEP_EVSE_UNKNOWN] = {"1", "{EVSE}", "evse_id", "{EVSE} is unknown"},
	[STEP_EVSE_ELSEWHERE] = {"1", "{EVSE}", "evse_id", "{EVSE} does not belong to {point}"},
	[STEP_POINT_KNOWN] = {"1", "{point}", "id", "{point} is known"},
	[STEP_NO_GROUP] = {"2", "{point}", "charge_group_id", "{point} is in no charge group"},
	[STEP_IN_GROUP] = {"2", "{point}", "charge_group_id", "{point} is in {group}"},
	[STEP_UID_STORED] = {"3", "{token}", "uid",
			     "{token} is stored under another type, so this is no direct payment"},
	[STEP_DIRECT_PAYMENT] = {"3", "{group}", "open_to_roaming",
				 "the caller has secured the payment and {group} is open to roaming"},
	[STEP_DIRECT_PAYMENT_OFF] = {"3b", "{group}", "open_to_roaming",
				     "the caller has secured the payment, but {group} is not open to roaming"},
	[STEP_TOKEN_UNKNOWN_ASK] = {"4", "{token}", "uid",
				    "{token} is unknown and {group} is open to roaming: ask its issuer"},
	[STEP_TOKEN_UNKNOWN] = {"4b", "{token}", "uid", "{token} is unknown and {group} is not open to roaming"},
	[STEP_OWN_TOKEN] = {"4", "{token}", "customer_id", "{token} ({type}) is known, of {customer}"},
	[STEP_FOREIGN_TOKEN] = {"4", "{token}", "issuer", "{token} ({type}) is known, of {issuer}"},
	[STEP_TOKEN_BLOCKED] = {"5", "{token}", "blocked", "{token} is blocked"},
	[STEP_TOKEN_NOT_BLOCKED] = {"5", "{token}", "blocked", "{token} is not blocked"},
	[STEP_VALID_FROM_AHEAD] = {"6", "{token}", "valid_from",
				   "{token} is valid from {valid_from} only, and it is {at}"},
	[STEP_VALID_FROM_NONE] = {"6", "{token}", "valid_from", "{token} has no valid_from"},
	[STEP_VALID_FROM_REACHED] = {"6", "{token}", "valid_from", "{token} is valid since {valid_from}"},
	[STEP_VALID_UNTIL_REACHED] = {"7", "{token}", "valid_until",
				      "{token} was valid until {valid_until}, and it is {at}"},
	[STEP_VALID_UNTIL_NONE] = {"7", "{token}", "valid_until", "{token} has no valid_until"},
	[STEP_VALID_UNTIL_AHEAD] = {"7", "{token}", "valid_until", "{token} is valid until {valid_until}"},
	[STEP_CUSTOMER_BLOCKED] = {"8", "{customer}", "blocked", "{customer} is blocked"},
	[STEP_CUSTOMER_NOT_BLOCKED] = {"8", "{customer}", "blocked", "{customer} is not blocked"},
	[STEP_ATTACHED] = {"9", "{group}", "customers", "{customer} is attached to {group}"},
	[STEP_NOT_ATTACHED] = {"9", "{group}", "customers", "{customer} is not attached to {group}"},
	[STEP_OPEN_TO_ALL_CUSTOMERS] = {"10", "{group}", "open_to_all_customers",
					"{group} is open to all customers of {group's user group}, as {customer} is"},
	[STEP_OPEN_TO_ROAMING] =
		{"10", "{group}", "open_to_roaming",
		 "{group} is open to roaming, so also to all customers of {group's user group}, as {customer} is"},
	[STEP_OTHER_USER_GROUP] = {"10", "{customer}", "user_group",
				   "{customer} is of {customer's user group}, {group} of {group's user group}"},
	[STEP_CLOSED] = {"10", "{group}", "open_to_all_customers",
			 "{group} is open neither to all customers nor to roaming"},
	[STEP_CLOSED_AND_NOT_ATTACHED] =
		{"11", "{group}", "customers",
		 "only attached customers may charge in {group}, and {customer} is not attached"},
	[STEP_NO_ROAMING_CONSENT] = {"12", "{token}", "roaming_allowed",
				     "{group} is open to roaming, but roaming is not allowed for {token}"},
	[STEP_ROAMING_CONSENT] = {"12", "{token}", "roaming_allowed", "roaming is allowed for {token}"},
	[STEP_ROAMING_CUSTOMER] = {"13", "{group}", "open_to_roaming",
				   "{group} is open to roaming, so also to {customer} of {customer's user group}"},
	[STEP_ROAMING_CUSTOMER_OFF] =
		{"14", "{group}", "open_to_roaming",
		 "{group} is not open to roaming, so not to {customer} of {customer's user group}"},
	[STEP_NO_CREDIT] = {"15", "{customer}", "no_credit", "{customer} has no credit"},
	[STEP_CREDIT] = {"15", "{customer}", "no_credit", "{customer} is not out of credit"},
	[STEP_CUSTOMER_ALLOWED] = {"16", "{customer}", "", "{customer} may charge, access {access}"},
	[STEP_ROAMING_OFF] = {"17", "{group}", "open_to_roaming",
			      "{group} is not open to roaming, so not to tokens of {issuer}"},
	[STEP_ROAMING_ON] = {"17", "{group}", "open_to_roaming", "{group} is open to roaming"},
	[STEP_ALWAYS_ALLOWED] = {"18", "{token}", "whitelist",
				 "{token} is valid, and its whitelist ALWAYS means: without asking {issuer}"},
	[STEP_ALLOWED] = {"19", "{token}", "whitelist",
			  "{token} is valid, and its whitelist ALLOWED means: no need to ask {issuer}"},
	[STEP_ALLOWED_NOT_VALID] =
		{"20", "{token}", "whitelist",
		 "{token} is not valid, but its whitelist ALLOWED means: {issuer} may know better, ask"},
	[STEP_OFFLINE_ALLOWED] = {"21", "{token}", "whitelist",
				  "the whitelist of {token} is ALLOWED_OFFLINE: ask {issuer}; allowed if that fails, "
				  "as the token is valid"},
	[STEP_OFFLINE_DENIED] = {"21", "{token}", "whitelist",
				 "the whitelist of {token} is ALLOWED_OFFLINE: ask {issuer}; denied if that fails, as "
				 "the token is not valid"},
	[STEP_NEVER] = {"22", "{token}", "whitelist", "the whitelist of {token} is NEVER: {issuer} must be asked"},
	[STEP_TARIFF_OVERRIDE] = {"tariff", "{group}", "customers",
				  "{tariff} applies: it is the one of {customer} in {group}"},
	[STEP_TARIFF_PREPAID] = {"tariff", "{group}", "prepaid_tariff_id",
				 "{tariff} applies: it is the prepaid tariff of {group}"},
	[STEP_TARIFF_GROUP] = {"tariff", "{group}", "tariff_id", "{tariff} applies: it is the tariff of {group}"},
};

// ---------------------------------------------------------------- writing them down

static void add_thing(const struct course *course, struct bytes name, struct text *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		if (bytes_equal(bytes_from(things[i].name), name)) {
			things[i].add(course, text);
			return;
		}
	}
	ASSERT(!"a thing no text may name");
}

// Replaces every {thing} of `pattern`. data is NULL when the arena is spent.
static struct bytes write_text(const struct course *course, const char *pattern, struct arena *arena)
{
	struct text text;
	text.size = 0;
	while (*pattern != '\0') {
		const size_t plain = strcspn(pattern, "{");
		text_add(&text, (struct bytes){pattern, plain});
		pattern += plain;
		if (*pattern == '{') {
			const size_t name = strcspn(pattern + 1, "}");
			add_thing(course, (struct bytes){pattern + 1, name}, &text);
			pattern += name + 2;
		}
	}
	return arena_copy(arena, (struct bytes){text.data, text.size});
}

int course_explain(const struct course *course, struct arena *arena, struct authorize_response *response)
{
	const struct trace *trace = course->trace;
	struct explanation_step *steps = arena_calloc(arena, trace->count, sizeof(*steps));
	if (steps == NULL)
		return -ENOMEM;
	for (uint8_t i = 0; i < trace->count; i++) {
		const struct step_row *row = &rows[trace->steps[i]];
		steps[i] = (struct explanation_step){
			.rule = bytes_from(row->rule),
			.decided = i == trace->decided,
			.object = write_text(course, row->object, arena),
			.field = bytes_from(row->field),
			.text = write_text(course, row->text, arena),
		};
		if (steps[i].object.data == NULL || steps[i].text.data == NULL)
			return -ENOMEM;
	}
	response->explanation = steps;
	response->explanation_count = trace->count;
	return 0;
}
