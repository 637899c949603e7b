// SPDX-License-Identifier: Apache-2.0
#include "proto/utf8.h"
#include "store/rules_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	SCRATCH_CHUNK_SIZE = 4 * 1024,
	SCRATCH_SIZE_MAX = 64 * 1024 * 1024, // a tariff as large as a change set, encoded
};

enum rule_expects {
	EXPECTS_NOTHING,
	EXPECTS_REVISION,             // expected_object_revision
	EXPECTS_REVISION_OR_CREATION, // create_only as well
};

struct rule {
	rules_check_function *check;
	rules_function *apply;
	enum rule_expects expects;
	const char *object; // what the change is about; NULL: a list alone
	size_t id_offset;   // of its id, in the change's message
};

static const struct rule rule_table[CHANGE_KINDS] = {
	[CHANGE_PUT_TARIFF] = {rules_check_put_tariff, rules_put_tariff, EXPECTS_REVISION_OR_CREATION, "tariff",
			       offsetof(struct tariff, id)},
	[CHANGE_DELETE_TARIFF] = {rules_check_delete_tariff, rules_delete_tariff, EXPECTS_REVISION, "tariff",
				  offsetof(struct delete_object, id)},
	[CHANGE_PUT_CHARGE_GROUP] = {rules_check_put_charge_group, rules_put_charge_group, EXPECTS_REVISION_OR_CREATION,
				     "charge group", offsetof(struct charge_group, id)},
	[CHANGE_DELETE_CHARGE_GROUP] = {rules_check_delete_charge_group, rules_delete_charge_group, EXPECTS_REVISION,
					"charge group", offsetof(struct delete_object, id)},
	[CHANGE_PUT_CHARGE_POINT] = {rules_check_put_charge_point, rules_put_charge_point, EXPECTS_REVISION_OR_CREATION,
				     "charge point", offsetof(struct charge_point, id)},
	[CHANGE_DELETE_CHARGE_POINT] = {rules_check_delete_charge_point, rules_delete_charge_point, EXPECTS_REVISION,
					"charge point", offsetof(struct delete_object, id)},
	[CHANGE_PUT_CUSTOMER] = {rules_check_put_customer, rules_put_customer, EXPECTS_REVISION_OR_CREATION, "customer",
				 offsetof(struct customer, id)},
	[CHANGE_DELETE_CUSTOMER] = {rules_check_delete_customer, rules_delete_customer, EXPECTS_REVISION, "customer",
				    offsetof(struct delete_object, id)},
	[CHANGE_PUT_TOKEN] = {rules_check_put_token, rules_put_token, EXPECTS_REVISION_OR_CREATION, "token",
			      offsetof(struct token, uid)},
	[CHANGE_DELETE_TOKEN] = {rules_check_delete_token, rules_delete_token, EXPECTS_REVISION, "token",
				 offsetof(struct delete_token, uid)},
	[CHANGE_ATTACH_CHARGE_POINTS] = {rules_check_attach_charge_points, rules_attach_charge_points, EXPECTS_NOTHING,
					 "charge group", offsetof(struct attach_charge_points, charge_group_id)},
	[CHANGE_DETACH_CHARGE_POINTS] = {rules_check_detach_charge_points, rules_detach_charge_points, EXPECTS_NOTHING,
					 NULL, 0},
	[CHANGE_ATTACH_CUSTOMERS] = {rules_check_attach_customers, rules_attach_customers, EXPECTS_NOTHING,
				     "charge group", offsetof(struct attach_customers, charge_group_id)},
	[CHANGE_DETACH_CUSTOMERS] = {rules_check_detach_customers, rules_detach_customers, EXPECTS_NOTHING,
				     "charge group", offsetof(struct detach_customers, charge_group_id)},
	[CHANGE_SET_CUSTOMER_TARIFF] = {rules_check_set_customer_tariff, rules_set_customer_tariff, EXPECTS_NOTHING,
					"charge group", offsetof(struct set_customer_tariff, charge_group_id)},
};

void rules_fault_prefix(struct fault *fault, const char *format, ...)
{
	char former[sizeof(fault->field)];
	memcpy(former, fault->field, sizeof(former));
	va_list arguments;
	va_start(arguments, format);
	const int size = vsnprintf(fault->field, sizeof(fault->field), format, arguments);
	va_end(arguments);
	if (size >= 0 && (size_t)size < sizeof(fault->field))
		snprintf(fault->field + size, sizeof(fault->field) - (size_t)size, "%s", former);
}

// ---------------------------------------------------------------- checks

static int check_expectations(const struct change *change, enum rule_expects expects, struct fault *fault)
{
	if (change->expected_object_revision != 0 && expects == EXPECTS_NOTHING)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "expected_object_revision",
				    "expected_object_revision goes with put_x and delete_x only");
	if (change->create_only && expects != EXPECTS_REVISION_OR_CREATION)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "create_only", "create_only goes with put_x only");
	return 0;
}

// DESIGN 1.4: a refusal names the object, if its id can be shown.
static void name_object(const struct rule *rule, const struct change *change, struct fault *fault)
{
	char name[ID_SIZE_MAX + 32], message[sizeof(name) + 2 + sizeof(fault->message)];
	struct fault unused = {0};
	struct bytes id;
	if (rule->object == NULL)
		return;
	memcpy(&id, (const char *)change->change + rule->id_offset, sizeof(id));
	if (id_check(ID_FOLD_PLAIN, id, "id", &unused) != 0)
		return;
	const int size = snprintf(name, sizeof(name), "%s %.*s", rule->object, BYTES_ARG(id));
	if (strncmp(fault->message, name, (size_t)size) == 0 && fault->message[size] == ' ')
		return;
	snprintf(message, sizeof(message), "%s: %s", name, fault->message);
	message[sizeof(fault->message) - 1] = '\0';
	memcpy(fault->message, message, sizeof(fault->message));
	utf8_repair(fault->message);
}

static int check_change(const struct change *change, struct fault *fault)
{
	if ((unsigned)change->kind >= CHANGE_KINDS || change->kind == CHANGE_NONE || change->change == NULL)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "change",
				    "the change says nothing to do; set one of put_tariff to set_customer_tariff");
	const struct rule *rule = &rule_table[change->kind];
	int error = check_expectations(change, rule->expects, fault);
	if (error == 0)
		error = rule->check(change, fault);
	if (UNLIKELY(error != 0))
		name_object(rule, change, fault);
	return error;
}

int rules_check_change(const struct change *change, const char *field, struct fault *fault)
{
	const int error = check_change(change, fault);
	if (error != 0 && field != NULL && field[0] != '\0')
		rules_fault_prefix(fault, "%s.", field);
	return error;
}

int rules_check_set(const struct change_set *set, struct fault *fault)
{
	if (set->changes_count == 0)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "changes", "the change set has no changes");
	if (set->changes_count > CHANGES_PER_SET_MAX)
		return store_refuse(fault, STATUS_RESOURCE_EXHAUSTED, "changes",
				    "the change set has %zu changes, at most %d are taken; split it",
				    set->changes_count, CHANGES_PER_SET_MAX);
	const int error = rules_check_text(set->actor, ID_SIZE_MAX, "actor", fault);
	return error != 0 ? error : id_check_optional(ID_FOLD_PLAIN, set->idempotency_key, "idempotency_key", fault);
}

// ---------------------------------------------------------------- one set

// DESIGN 1.4: a set with expected_revision wants nothing between the state its author saw and itself.
static int check_head(const struct rules_commit *commit, const struct change_set *set, struct fault *fault)
{
	const uint64_t head = commit->revision - 1;
	if (set->expected_revision == 0 || (set->expected_revision == head && commit->sets_accepted == 0))
		return 0;
	static const char field[] = "expected_revision";
	if (set->expected_revision == head)
		return store_refuse(fault, STATUS_ABORTED, field,
				    "expected revision %llu, but a set after it is being committed; read again and "
				    "repeat",
				    (unsigned long long)head);
	return store_refuse(fault, STATUS_ABORTED, field,
			    "expected revision %llu, but the state is at revision %llu; read again and repeat",
			    (unsigned long long)set->expected_revision, (unsigned long long)head);
}

static int apply_change(struct rules_set *state, const struct change *change, struct change_result *ret_result)
{
	int error = check_change(change, state->fault);
	if (error != 0)
		return error;
	const struct rule *rule = &rule_table[change->kind];
	error = rule->apply(state, change, ret_result);
	if (UNLIKELY(error == -E2BIG))
		name_object(rule, change, state->fault);
	return error;
}

static int apply_changes(struct rules_set *state, const struct change_set *set, struct apply_response *response)
{
	response->results = arena_calloc(state->commit->response_arena, set->changes_count, sizeof(*response->results));
	if (response->results == NULL)
		return -ENOMEM;
	response->results_count = set->changes_count;
	struct rules_ahead ahead;
	for (size_t i = 0; i < set->changes_count; i++) {
		rules_ahead_changes(state->image, &ahead, set->changes, set->changes_count, i);
		const int error = apply_change(state, &set->changes[i], &response->results[i]);
		if (error != 0) {
			fault_set(state->fault, STATUS_RESOURCE_EXHAUSTED, NULL, "out of memory");
			rules_fault_prefix(state->fault, state->fault->field[0] ? "changes[%zu]." : "changes[%zu]", i);
			state->fault->change_number = (uint32_t)i + 1;
			return error;
		}
	}
	return rules_closed_groups(state, response);
}

int rules_apply(struct rules_commit *commit, const struct change_set *set, struct apply_response *ret_response,
		struct fault *fault)
{
	int error = rules_check_set(set, fault);
	if (error == 0)
		error = check_head(commit, set, fault);
	if (error != 0)
		return error;

	struct rules_set state = {
		.commit = commit,
		.edit = commit->edit,
		.image = image_edit_image(commit->edit),
		.strings = image_edit_strings(commit->edit),
		.fault = fault,
		.writes_mark = commit->writes_count,
	};
	arena_init(&state.scratch, SCRATCH_CHUNK_SIZE, SCRATCH_SIZE_MAX);
	const size_t image_mark = image_edit_mark(commit->edit);
	struct apply_response response = {0};
	error = apply_changes(&state, set, &response);
	arena_finish(&state.scratch);
	if (error != 0 || set->dry_run) {
		image_edit_rollback(commit->edit, image_mark);
		rules_writes_rollback(commit, state.writes_mark);
	} else {
		commit->sets_accepted++;
	}
	if (error != 0) {
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "out of memory");
		return error;
	}
	*ret_response = response;
	return 0;
}
