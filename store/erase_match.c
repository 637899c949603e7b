// SPDX-License-Identifier: Apache-2.0
#include "store/erase_match.h"

#include "store/erase.h"

#include <errno.h>

// ---------------------------------------------------------------- the subject

bool erase_is_customer(const struct erase_subject *subject, struct bytes id)
{
	struct db_key key;
	if (id.size == 0 || id.size > ID_SIZE_MAX)
		return false;
	key_of_id(id, &key);
	return bytes_equal(db_key_bytes(&key), db_key_bytes(&subject->customer));
}

static bool is_token(const struct erase_subject *subject, const struct db_key *key)
{
	const struct erase_token *token = subject->tokens;
	while (token != NULL && !bytes_equal(db_key_bytes(&token->key), db_key_bytes(key)))
		token = token->next;
	return token != NULL;
}

// False: there is no such token.
static bool token_key(const struct issuer *issuer, enum token_type type, struct bytes uid, struct db_key *ret_key)
{
	const struct issuer *present;
	struct fault fault = {0};
	if (uid.size == 0 || uid.size > ID_SIZE_MAX || issuer_check(issuer, "issuer", &present, &fault) != 0)
		return false;
	key_of_token(present, type, uid, ret_key);
	return true;
}

int erase_add_token(struct erase_subject *subject, const struct issuer *issuer, enum token_type type, struct bytes uid)
{
	struct db_key key;
	if (!token_key(issuer, type, uid, &key) || is_token(subject, &key))
		return 0;
	if (subject->tokens_count == ERASE_KNOWN_TOKENS_MAX)
		return -E2BIG;
	struct erase_token *token = arena_alloc(subject->arena, sizeof(*token));
	if (token == NULL)
		return -ENOMEM;
	*token = (struct erase_token){.next = subject->tokens, .key = key};
	subject->tokens = token;
	subject->tokens_count++;
	return 0;
}

int erase_learn(struct erase_subject *subject, const struct change_set *set)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < set->changes_count; i++) {
		const struct change *change = &set->changes[i];
		if (change->kind != CHANGE_PUT_TOKEN || change->change == NULL)
			continue;
		const struct token *token = change->put_token;
		if (erase_is_customer(subject, token->customer_id))
			result = erase_add_token(subject, token->issuer, token->type, token->uid);
	}
	return result;
}

// ---------------------------------------------------------------- changes

static bool take_from_list(const struct erase_subject *subject, struct bytes *ids, size_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++)
		if (!erase_is_customer(subject, ids[i]))
			ids[kept++] = ids[i];
	const bool is_taken = kept < *count;
	*count = kept;
	return is_taken;
}

static bool is_deleted_token(const struct erase_subject *subject, const struct delete_token *token)
{
	struct db_key key;
	return token_key(token->issuer, token->type, token->uid, &key) && is_token(subject, &key);
}

// True: the change is about the customer; *ret_is_empty: about nobody else.
static bool erase_from_change(const struct erase_subject *subject, struct change *change, bool *ret_is_empty)
{
	struct bytes *ids;
	size_t *count;
	*ret_is_empty = true;
	if (change->change == NULL)
		return false;
	switch (change->kind) {
	case CHANGE_PUT_CUSTOMER:
		return erase_is_customer(subject, change->put_customer->id);
	case CHANGE_DELETE_CUSTOMER:
		return erase_is_customer(subject, change->delete_object->id);
	case CHANGE_PUT_TOKEN:
		return erase_is_customer(subject, change->put_token->customer_id);
	case CHANGE_DELETE_TOKEN:
		return is_deleted_token(subject, change->delete_token);
	case CHANGE_ATTACH_CUSTOMERS:
		ids = change->attach_customers->customer_ids;
		count = &change->attach_customers->customer_ids_count;
		break;
	case CHANGE_DETACH_CUSTOMERS:
		ids = change->detach_customers->customer_ids;
		count = &change->detach_customers->customer_ids_count;
		break;
	case CHANGE_SET_CUSTOMER_TARIFF:
		ids = change->set_customer_tariff->customer_ids;
		count = &change->set_customer_tariff->customer_ids_count;
		break;
	default:
		return false;
	}
	const bool is_taken = take_from_list(subject, ids, count);
	*ret_is_empty = *count == 0;
	return is_taken;
}

bool erase_from_set(const struct erase_subject *subject, struct change_set *set)
{
	bool is_about = false;
	size_t kept = 0;
	for (size_t i = 0; i < set->changes_count; i++) {
		bool is_empty;
		const bool is_it = erase_from_change(subject, &set->changes[i], &is_empty);
		is_about = is_about || is_it;
		if (!is_it || !is_empty)
			set->changes[kept++] = set->changes[i];
	}
	set->changes_count = kept;
	// Whoever wrote the set may have put the customer's id there.
	if (is_about)
		set->idempotency_key = (struct bytes){0};
	return is_about;
}

bool erase_from_response(const struct erase_subject *subject, struct apply_response *response)
{
	bool is_about = false;
	for (size_t i = 0; i < response->results_count; i++) {
		struct change_result *result = &response->results[i];
		if (take_from_list(subject, result->unchanged_ids, &result->unchanged_ids_count))
			is_about = true;
	}
	return is_about;
}
