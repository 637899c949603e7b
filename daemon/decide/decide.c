// SPDX-License-Identifier: Apache-2.0
#include "daemon/decide/flow.h"
#include "daemon/decide/words.h"

#include <errno.h>

enum { COUNTRY_CODE_SIZE = 2 };

// ---------------------------------------------------------------- what is asked

static __attribute__((cold)) int refuse(struct fault *fault, const char *field, const char *message)
{
	fault_set(fault, STATUS_INVALID_ARGUMENT, field, "%s", message);
	return -EINVAL;
}

// ---------------------------------------------------------------- what is looked up
//
// Nearly all time goes into cache misses, so the two independent look-ups, place and token, go side by side, and each
// step starts loading what the next one reads.

static bool names_point(const struct course *course)
{
	return !bytes_is_empty(course->request->charge_point_id);
}

static bool names_evse(const struct course *course)
{
	return !bytes_is_empty(course->request->evse_id);
}

// ---------------------------------------------------------------- checking what is asked, and where to look for it

static __attribute__((noinline)) int prepare_any_key(const struct course *course, enum image_slab slab, struct bytes id,
						     struct image_key *key, struct fault *fault)
{
	const bool is_evse = slab == IMAGE_EVSES;
	const int error =
		id_check(is_evse ? ID_FOLD_EVSE : ID_FOLD_PLAIN, id, is_evse ? "evse_id" : "charge_point_id", fault);
	if (error == 0)
		image_key_prepare(course->image, slab, id, key);
	return error;
}

static int prepare_key(const struct course *course, enum image_slab slab, struct bytes id, struct image_key *key,
		       struct fault *fault)
{
	if (LIKELY(image_key_prepare_quickly(course->image, slab, id, key)))
		return 0;
	return prepare_any_key(course, slab, id, key, fault);
}

static int prepare_place(const struct course *course, struct lookups *lookups, struct fault *fault)
{
	const struct authorize_request *request = course->request;
	int error = 0;
	if (!names_point(course) && !names_evse(course))
		return refuse(fault, "charge_point_id", "a charge_point_id or an evse_id is needed");
	if (names_point(course))
		error = prepare_key(course, IMAGE_POINTS, request->charge_point_id, &lookups->point, fault);
	if (error == 0 && names_evse(course))
		error = prepare_key(course, IMAGE_EVSES, request->evse_id, &lookups->evse, fault);
	return error;
}

// Only who asserts that the payment is secured may come without a uid (line 3), and that uid must not be stored under
// any type.
static __attribute__((noinline)) int prepare_any_uid(const struct course *course, struct lookups *lookups,
						     struct fault *fault)
{
	const struct authorize_request *request = course->request;
	const enum token_type type = request->token_type;
	const int error = course->may_pay_directly
				  ? id_check_optional(id_fold_of_token(type), request->token_uid, "token_uid", fault)
				  : id_check(id_fold_of_token(type), request->token_uid, "token_uid", fault);
	if (error == 0)
		image_uid_prepare(course->image, request->token_uid,
				  course->may_pay_directly ? TOKEN_TYPE_UNSPECIFIED : type, &lookups->uid);
	return error;
}

static int prepare_uid(const struct course *course, struct lookups *lookups, struct fault *fault)
{
	if (LIKELY(image_uid_prepare_quickly(course->image, course->request->token_uid, &lookups->uid)))
		return 0;
	return prepare_any_uid(course, lookups, fault);
}

static int prepare(struct course *course, struct lookups *lookups, struct fault *fault)
{
	const struct authorize_request *request = course->request;
	if (request->at < 0)
		return refuse(fault, "at", "at must not be negative");
	int error = prepare_place(course, lookups, fault);
	if (error == 0)
		error = LIKELY(request->issuer == NULL)
				? 0
				: issuer_check(request->issuer, "issuer", &course->issuer, fault);
	if (error != 0)
		return error;
	course->may_pay_directly = request->token_type == TOKEN_TYPE_AD_HOC_USER && course->issuer == NULL;
	return prepare_uid(course, lookups, fault);
}

// ---------------------------------------------------------------- looking up

// Inlined, as gcc takes a function that only loads ahead for one without effect and drops its calls.
static inline __attribute__((always_inline)) void load_group(const struct image *image, const struct lookups *lookups)
{
	image_prefetch(image, IMAGE_GROUPS, lookups->group);
	for (uint32_t i = 0; i < lookups->uid.forms_count; i++)
		if (lookups->customers[i] != 0)
			image_prefetch_slot(image, IMAGE_MEMBERSHIPS,
					    image_membership_hash(image, lookups->group, lookups->customers[i]));
}

// The notes of point and token name the group and the customer, so that their records and the membership's slot load
// together with them. An EVSE's note names its point.
static void load(const struct course *course, struct lookups *lookups)
{
	const struct image *image = course->image;
	lookups->group = lookups->point_of_evse = 0;
	if (names_point(course))
		lookups->group = image_load_first(image, IMAGE_POINTS, lookups->point.hash, &lookups->first_point);
	if (names_evse(course)) {
		lookups->point_of_evse = image_load_first(image, IMAGE_EVSES, lookups->evse.hash, &lookups->first_evse);
		image_prefetch(image, IMAGE_POINTS, lookups->point_of_evse);
	}
	for (uint32_t i = 0; i < lookups->uid.forms_count; i++) {
		lookups->customers[i] =
			image_load_first(image, IMAGE_TOKENS, lookups->uid.forms[i].hash, &lookups->first_tokens[i]);
		image_prefetch(image, IMAGE_CUSTOMERS, lookups->customers[i]);
	}
	if (names_point(course))
		load_group(image, lookups);
}

// What only the records and slots loaded before tell: the group of an EVSE's point; the membership with a tariff of its
// own; an EVSE's long id.
static void load_rest(const struct course *course, struct lookups *lookups)
{
	const struct image *image = course->image;
	lookups->knows_member = lookups->has_tariff = false;
	if (names_evse(course) && lookups->first_evse.handle != 0)
		image_prefetch_id(image, &image_evse(image, lookups->first_evse.handle)->id);
	if (!names_point(course)) {
		if (lookups->point_of_evse != 0) {
			lookups->group = image_point(image, lookups->point_of_evse)->group;
			load_group(image, lookups);
		}
		return;
	}
	if (lookups->uid.forms_count != 1 || lookups->customers[0] == 0)
		return;
	lookups->membership = image_find_member(image, lookups->group, lookups->customers[0], &lookups->has_tariff);
	lookups->knows_member = true;
	if (lookups->membership != 0 && lookups->has_tariff)
		image_prefetch(image, IMAGE_MEMBERSHIPS, lookups->membership);
}

// Line 1: the point, the EVSE, or both, and then they must belong together.
static void find_place(struct course *course, const struct lookups *lookups)
{
	const struct image *image = course->image;
	uint32_t point = 0;
	if (names_point(course)) {
		point = image_key_find_from(image, IMAGE_POINTS, &lookups->point, &lookups->first_point);
		if (point == 0) {
			course_note(course, STEP_POINT_UNKNOWN);
			return;
		}
	}
	if (names_evse(course)) {
		const uint32_t evse = image_key_find_from(image, IMAGE_EVSES, &lookups->evse, &lookups->first_evse);
		if (evse == 0) {
			course_note(course, STEP_EVSE_UNKNOWN);
			return;
		}
		const uint32_t point_of_evse = image_evse(image, evse)->point;
		if (point != 0 && point != point_of_evse) {
			course_note(course, STEP_EVSE_ELSEWHERE);
			return;
		}
		point = point_of_evse;
	}
	course->point = image_point(image, point);
	if (course->point->group != 0)
		course->group = image_group(image, course->point->group);
}

static void find_token(struct course *course, const struct lookups *lookups)
{
	const struct authorize_request *request = course->request;
	if (bytes_is_empty(request->token_uid))
		return;
	const uint32_t token = image_uid_lookup_from(course->image, &lookups->uid, request->token_type, course->issuer,
						     lookups->first_tokens);
	if (token != 0)
		course->token = image_token(course->image, token);
	else if (course->may_pay_directly)
		course->uid_is_stored = image_uid_lookup_from(course->image, &lookups->uid, TOKEN_TYPE_UNSPECIFIED,
							      NULL, lookups->first_tokens) != 0;
}

static void find_customer(struct course *course, const struct lookups *lookups)
{
	const struct image *image = course->image;
	if (course->token == NULL || (course->token->flags & TOKEN_FOREIGN))
		return;
	const uint32_t group = course->point->group, customer = course->token->owner;
	course->customer = image_customer(image, customer);
	if (LIKELY(lookups->knows_member && lookups->group == group && lookups->customers[0] == customer)) {
		course->membership = lookups->membership;
		course->has_tariff = lookups->has_tariff;
	} else {
		course->membership = image_find_member(image, group, customer, &course->has_tariff);
	}
}

static void find(struct course *course, const struct lookups *lookups)
{
	find_place(course, lookups);
	if (course->group == NULL) // lines 1 and 2: the token is not looked at
		return;
	find_token(course, lookups);
	find_customer(course, lookups);
}

// ---------------------------------------------------------------- answering

static void answer_token(const struct course *course, struct decision *decision)
{
	const struct image *image = course->image;
	const struct token_record *token = course->token;
	struct authorize_response *response = &decision->response;
	response->token_uid = image_id(image, &token->uid);
	response->token_type = token->type;
	response->contract_id = image_id(image, &token->contract_id);
	response->parent_id = image_string(image, token->parent_id);
	if (course->customer != NULL) {
		response->customer_id = image_id(image, &course->customer->id);
		return;
	}
	const struct bytes issuer = image_string(image, token->owner);
	decision->issuer.country_code = (struct bytes){issuer.data, COUNTRY_CODE_SIZE};
	decision->issuer.party_id = (struct bytes){issuer.data + COUNTRY_CODE_SIZE, issuer.size - COUNTRY_CODE_SIZE};
	response->issuer = &decision->issuer;
}

static void answer(const struct course *course, struct decision *decision)
{
	const struct image *image = course->image;
	struct authorize_response *response = &decision->response;
	*decision = (struct decision){.response = {
					      .verdict = course->verdict,
					      .reason = course->reason,
					      .access = course->access,
					      .offline_verdict = course->offline_verdict,
					      .valid_until = course->valid_until,
					      .revision = image->revision,
					      .token_uid = course->request->token_uid,
					      .token_type = course->request->token_type,
					      .charge_point_id = course->request->charge_point_id,
					      .decided_at = course->at,
				      }};
	if (course->point != NULL) {
		response->charge_point_id = image_id(image, &course->point->id);
		response->location_id = image_id(image, &course->point->location_id);
	}
	if (course->group != NULL)
		response->charge_group_id = image_id(image, &course->group->id);
	if (course->token != NULL)
		answer_token(course, decision);
	if (course->tariff != 0)
		response->tariff_id = image_id(image, &image_tariff(image, course->tariff)->id);
	words_set(response);
}

static int run(struct course *course, struct decision *ret_decision, struct fault *fault)
{
	struct lookups lookups;
	const int error = prepare(course, &lookups, fault);
	if (error != 0)
		return error;
	load(course, &lookups);
	load_rest(course, &lookups);
	find(course, &lookups);
	course_decide(course);
	answer(course, ret_decision);
	return 0;
}

static int64_t instant(const struct authorize_request *request, int64_t now)
{
	return request->at != 0 ? request->at : now;
}

int decide(const struct image *image, const struct authorize_request *request, int64_t now,
	   struct decision *ret_decision, struct fault *fault)
{
	struct course course = {.image = image, .request = request, .at = instant(request, now)};
	return run(&course, ret_decision, fault);
}

// ---------------------------------------------------------------- many

void lane_begin(struct lane *lane, const struct image *image, int64_t now, const struct authorize_request *request)
{
	struct fault fault;
	lane->is_good = false;
	if (request == NULL)
		return;
	lane->course = (struct course){.image = image, .request = request, .at = instant(request, now)};
	fault.code = STATUS_OK; // the rest is set with the code, and nobody wants to know here
	lane->is_good = prepare(&lane->course, &lane->lookups, &fault) == 0;
}

void lane_load(struct lane *lane)
{
	load(&lane->course, &lane->lookups);
}

void lane_load_rest(struct lane *lane)
{
	load_rest(&lane->course, &lane->lookups);
}

void lane_settle(struct lane *lane, struct decision *ret_decision)
{
	find(&lane->course, &lane->lookups);
	course_decide(&lane->course);
	answer(&lane->course, ret_decision);
}

// Beside those who have it flat.
__attribute__((noinline)) void decide_flow(const struct image *image, int64_t now, const struct decide_flow *flow,
					   size_t count)
{
	flow_run(image, now, flow, count);
}

int decide_explained(const struct image *image, const struct authorize_request *request, int64_t now,
		     struct arena *arena, struct decision *ret_decision, struct fault *fault)
{
	struct trace trace = {0};
	struct course course = {.image = image, .request = request, .at = instant(request, now), .trace = &trace};
	struct decision decision;
	int error = run(&course, &decision, fault);
	if (error == 0)
		error = course_explain(&course, arena, &decision.response);
	if (error != 0)
		return error;
	*ret_decision = decision;
	if (decision.response.issuer != NULL)
		ret_decision->response.issuer = &ret_decision->issuer;
	return 0;
}
