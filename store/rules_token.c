// SPDX-License-Identifier: Apache-2.0
// A token is known by (issuer, type, uid). Own tokens are in their customer's chain, foreign ones in none.
#include "store/image_fields.h"
#include "store/rules_impl.h"

#include <errno.h>

struct token_identity {
	const struct issuer *issuer; // NULL: own
	enum token_type type;
	struct bytes uid;
	struct db_key key;
	uint32_t handle; // 0: there is none
};

static int token_identify(const struct rules_set *set, const struct issuer *issuer, enum token_type type,
			  struct bytes uid, struct token_identity *ret_identity)
{
	*ret_identity = (struct token_identity){.type = type, .uid = uid};
	const int error = issuer_check(issuer, "issuer", &ret_identity->issuer, set->fault);
	if (error != 0)
		return error;
	key_of_token(ret_identity->issuer, type, uid, &ret_identity->key);
	ret_identity->handle = image_find_token(set->image, ret_identity->issuer, type, uid);
	return 0;
}

static int token_expect(struct rules_set *set, const struct change *change, const struct token_identity *identity)
{
	return rules_expect(set, change, identity->handle != 0, DB_TOKENS, db_key_bytes(&identity->key), "token",
			    identity->uid);
}

// ---------------------------------------------------------------- chain of the customer

static int join_customer(struct rules_set *set, uint32_t token, uint32_t customer)
{
	struct token_record *record;
	struct customer_record *owner;
	const uint32_t next = image_customer(set->image, customer)->first_token;
	int error = image_edit_modify(set->edit, IMAGE_TOKENS, token, &record);
	if (error != 0)
		return error;
	record->owner = customer;
	record->next_of_customer = next;
	error = image_edit_modify(set->edit, IMAGE_CUSTOMERS, customer, &owner);
	if (error == 0)
		owner->first_token = token;
	return error;
}

static uint32_t find_previous_token(const struct image *image, uint32_t token)
{
	uint32_t previous = image_customer(image, image_token(image, token)->owner)->first_token;
	if (previous == token)
		return 0;
	while (image_token(image, previous)->next_of_customer != token)
		previous = image_token(image, previous)->next_of_customer;
	return previous;
}

static int leave_customer(struct rules_set *set, uint32_t token)
{
	const struct token_record former = *image_token(set->image, token);
	const uint32_t previous = find_previous_token(set->image, token);
	int error;
	if (previous != 0) {
		struct token_record *record;
		error = image_edit_modify(set->edit, IMAGE_TOKENS, previous, &record);
		if (error == 0)
			record->next_of_customer = former.next_of_customer;
	} else {
		struct customer_record *owner;
		error = image_edit_modify(set->edit, IMAGE_CUSTOMERS, former.owner, &owner);
		if (error == 0)
			owner->first_token = former.next_of_customer;
	}
	return error;
}

// ---------------------------------------------------------------- put

// The record a Token becomes, but for its place in a chain.
static int token_fields(struct rules_set *set, const struct token *token, const struct issuer *issuer,
			struct token_record *ret_fields)
{
	*ret_fields = (struct token_record){
		.valid_from = token->valid_from,
		.valid_until = token->valid_until,
		.type = (uint8_t)token->type,
		.flags = token_flags_of(token, issuer),
		.whitelist = token_whitelist_of(token),
	};
	int error = short_id_set(set->strings, token->uid, &ret_fields->uid);
	if (error == 0)
		error = short_id_set(set->strings, token->contract_id, &ret_fields->contract_id);
	if (error == 0)
		error = strings_intern(set->strings, token->parent_id, &ret_fields->parent_id);
	if (error != 0)
		return error;
	return issuer ? issuer_intern(set->strings, issuer, &ret_fields->owner)
		      : rules_refer(set, &rules_customers, token->customer_id, "put_token.customer_id",
				    &ret_fields->owner);
}

static int add_token(struct rules_set *set, const struct token_identity *identity, const struct token_record *fields)
{
	uint32_t handle;
	struct token_record *record;
	int error = image_edit_add(set->edit, IMAGE_TOKENS, &handle);
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_TOKENS, handle, &record);
	if (error != 0)
		return error;
	*record = *fields;
	const uint64_t hash = image_token_hash(set->image, identity->type, identity->uid);
	error = image_edit_link(set->edit, IMAGE_TOKENS, hash, handle);
	return error != 0 || identity->issuer != NULL ? error : join_customer(set, handle, fields->owner);
}

static int replace_token(struct rules_set *set, const struct token_identity *identity,
			 const struct token_record *fields)
{
	const struct token_record former = *image_token(set->image, identity->handle);
	const bool moves = identity->issuer == NULL && former.owner != fields->owner;
	int error = moves ? leave_customer(set, identity->handle) : 0;
	struct token_record *record;
	if (error == 0)
		error = image_edit_modify(set->edit, IMAGE_TOKENS, identity->handle, &record);
	if (error != 0)
		return error;
	*record = *fields;
	record->next_of_customer = former.next_of_customer;
	return moves ? join_customer(set, identity->handle, fields->owner) : 0;
}

int rules_put_token(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct token *token = change->put_token;
	struct token_identity identity;
	struct token_record fields;
	int error = token_identify(set, token->issuer, token->type, token->uid, &identity);
	if (error == 0)
		error = token_expect(set, change, &identity);
	if (error == 0)
		error = token_fields(set, token, identity.issuer, &fields);
	if (error != 0)
		return error;
	ret_result->outcome = identity.handle ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_CREATED;
	error = identity.handle ? replace_token(set, &identity, &fields) : add_token(set, &identity, &fields);
	if (error != 0)
		return error;
	struct token stored = *token;
	stored.issuer = identity.issuer ? token->issuer : NULL; // an empty one is absent
	return rules_write_message(set, DB_TOKENS, db_key_bytes(&identity.key), &schema_token, &stored);
}

// ---------------------------------------------------------------- delete

static int remove_record(struct rules_set *set, uint32_t token, uint64_t hash, struct bytes key)
{
	int error = image_edit_unlink(set->edit, IMAGE_TOKENS, hash, token);
	if (error == 0)
		error = image_edit_remove(set->edit, IMAGE_TOKENS, token);
	return error != 0 ? error : rules_write(set, DB_TOKENS, key, (struct bytes){0});
}

int rules_remove_token(struct rules_set *set, uint32_t token)
{
	const struct token_record *record = image_token(set->image, token);
	const enum token_type type = (enum token_type)record->type;
	const struct short_id uid = record->uid;
	struct db_key key;
	key_of_token(NULL, type, rules_text(set, &uid), &key);
	const uint64_t hash = image_token_hash(set->image, type, rules_text(set, &uid));
	const int error = leave_customer(set, token);
	return error != 0 ? error : remove_record(set, token, hash, db_key_bytes(&key));
}

int rules_delete_token(struct rules_set *set, const struct change *change, struct change_result *ret_result)
{
	const struct delete_token *delete = change->delete_token;
	struct token_identity identity;
	int error = token_identify(set, delete->issuer, delete->type, delete->uid, &identity);
	if (error == 0)
		error = token_expect(set, change, &identity);
	if (error != 0)
		return error;
	ret_result->outcome = identity.handle ? CHANGE_OUTCOME_DELETED : CHANGE_OUTCOME_UNCHANGED;
	if (identity.handle == 0)
		return 0;
	if (identity.issuer == NULL)
		return rules_remove_token(set, identity.handle);
	const uint64_t hash = image_token_hash(set->image, identity.type, identity.uid);
	return remove_record(set, identity.handle, hash, db_key_bytes(&identity.key));
}
