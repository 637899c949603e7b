// SPDX-License-Identifier: Apache-2.0
// A snapshot is the work of another daemon, or of whoever kept the file: every record is checked as if it were put.
#include "proto/codec.h"
#include "store/install_impl.h"
#include "store/key.h"
#include "store/refuse.h"
#include "store/remembered.h"
#include "store/rules.h"

#include <errno.h>

typedef int install_check(const struct record *record, struct fault *fault);
typedef void install_key(const struct record *record, struct db_key *ret_key);

// ---------------------------------------------------------------- checks beyond those of a put

static int check_nothing(const struct record *record, struct fault *fault)
{
	(void)record;
	(void)fault;
	return 0;
}

static int check_point(const struct record *record, struct fault *fault)
{
	return id_check_optional(ID_FOLD_PLAIN, record->charge_point->charge_group_id, "charge_group_id", fault);
}

// Stored, an issuer is there or not.
static int check_token(const struct record *record, struct fault *fault)
{
	const struct issuer *given = record->token->issuer, *issuer;
	const int result = issuer_check(given, "issuer", &issuer, fault);
	if (result != 0 || given == NULL || issuer != NULL)
		return result;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, "issuer", "the token has an empty issuer");
}

static int check_membership(const struct record *record, struct fault *fault)
{
	const struct membership *membership = record->membership;
	int result = id_check(ID_FOLD_PLAIN, membership->charge_group_id, "charge_group_id", fault);
	if (result == 0)
		result = id_check(ID_FOLD_PLAIN, membership->customer_id, "customer_id", fault);
	if (result == 0)
		result = id_check_optional(ID_FOLD_PLAIN, membership->tariff_id, "tariff_id", fault);
	return result;
}

// ---------------------------------------------------------------- keys

static void key_of_tariff(const struct record *record, struct db_key *ret_key)
{
	key_of_id(record->tariff->id, ret_key);
}

static void key_of_group(const struct record *record, struct db_key *ret_key)
{
	key_of_id(record->charge_group->id, ret_key);
}

static void key_of_point(const struct record *record, struct db_key *ret_key)
{
	key_of_id(record->charge_point->id, ret_key);
}

static void key_of_customer(const struct record *record, struct db_key *ret_key)
{
	key_of_id(record->customer->id, ret_key);
}

static void key_of_the_token(const struct record *record, struct db_key *ret_key)
{
	const struct token *token = record->token;
	key_of_token(token->issuer, token->type, token->uid, ret_key);
}

static void key_of_the_membership(const struct record *record, struct db_key *ret_key)
{
	key_of_membership(record->membership->charge_group_id, record->membership->customer_id, ret_key);
}

// ---------------------------------------------------------------- kinds

static const struct install_kind {
	enum record_object object;
	enum change_kind put; // CHANGE_NONE: there is no such change
	enum db_table table;
	const struct schema *schema;
	install_check *check;
	install_key *key;
} install_kinds[] = {
	{RECORD_TARIFF, CHANGE_PUT_TARIFF, DB_TARIFFS, &schema_tariff, check_nothing, key_of_tariff},
	{RECORD_CHARGE_GROUP, CHANGE_PUT_CHARGE_GROUP, DB_GROUPS, &schema_charge_group, check_nothing, key_of_group},
	{RECORD_CHARGE_POINT, CHANGE_PUT_CHARGE_POINT, DB_POINTS, &schema_charge_point, check_point, key_of_point},
	{RECORD_CUSTOMER, CHANGE_PUT_CUSTOMER, DB_CUSTOMERS, &schema_customer, check_nothing, key_of_customer},
	{RECORD_TOKEN, CHANGE_PUT_TOKEN, DB_TOKENS, &schema_token, check_token, key_of_the_token},
	{RECORD_MEMBERSHIP, CHANGE_NONE, DB_MEMBERSHIPS, &schema_membership, check_membership, key_of_the_membership},
};

static const struct install_kind *find_kind(enum record_object object)
{
	for (size_t i = 0; i < ARRAY_SIZE(install_kinds); i++)
		if (install_kinds[i].object == object)
			return &install_kinds[i];
	return NULL;
}

static int check_record(const struct install_kind *kind, const struct record *record, struct fault *fault)
{
	const struct change change = {.kind = kind->put, .change = record->object};
	const int result = kind->put != CHANGE_NONE ? rules_check_change(&change, NULL, fault) : 0;
	return result == 0 ? kind->check(record, fault) : result;
}

static int write_object(const struct install_kind *kind, const struct record *record, struct arena *arena,
			struct db_write *ret_write)
{
	struct db_key key;
	kind->key(record, &key);
	*ret_write = (struct db_write){.table = kind->table,
				       .key = arena_copy(arena, db_key_bytes(&key)),
				       .modified_revision = record->modified_revision};
	if (ret_write->key.data == NULL)
		return -ENOMEM;
	return codec_encode(kind->schema, record->object, arena, &ret_write->value);
}

int install_write_record(const struct record *record, struct arena *arena,
			 struct db_write ret_writes[INSTALL_WRITES_MAX], size_t *ret_count, struct fault *fault)
{
	const struct install_kind *kind = find_kind(record->kind);
	static_assert((int)REMEMBERED_WRITES <= (int)INSTALL_WRITES_MAX, "there is room for them");
	if (record->object == NULL || (kind == NULL && record->kind != RECORD_REMEMBERED))
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, NULL, "a record of an unknown kind");
	if (kind == NULL) {
		*ret_count = REMEMBERED_WRITES;
		return remembered_write(record, arena, ret_writes, fault);
	}
	*ret_count = 1;
	const int result = check_record(kind, record, fault);
	return result == 0 ? write_object(kind, record, arena, ret_writes) : result;
}
