// SPDX-License-Identifier: Apache-2.0
#include "store/key.h"

#include "proto/ids.h"

#include <assert.h>

static_assert(DB_KEY_SIZE_MAX >= 2 * ID_SIZE_MAX + 1, "a membership's key");
static_assert(DB_KEY_SIZE_MAX >= 3 * ID_SIZE_MAX + 3, "a token's key, whatever its issuer");

static void key_add(struct db_key *key, enum id_fold fold, struct bytes id)
{
	struct id_key folded;
	id_fold(fold, id, &folded);
	memcpy(key->data + key->size, folded.data, folded.size);
	key->size += folded.size;
}

static void key_add_byte(struct db_key *key, char byte)
{
	key->data[key->size++] = byte;
}

void key_of_id(struct bytes id, struct db_key *ret_key)
{
	ret_key->size = 0;
	key_add(ret_key, ID_FOLD_PLAIN, id);
}

void key_of_token(const struct issuer *issuer, enum token_type type, struct bytes uid, struct db_key *ret_key)
{
	ret_key->size = 0;
	if (issuer != NULL)
		key_add(ret_key, ID_FOLD_PLAIN, issuer->country_code);
	key_add_byte(ret_key, '\0');
	if (issuer != NULL)
		key_add(ret_key, ID_FOLD_PLAIN, issuer->party_id);
	key_add_byte(ret_key, '\0');
	key_add_byte(ret_key, (char)type);
	key_add(ret_key, id_fold_of_token(type), uid);
}

void key_of_membership(struct bytes charge_group_id, struct bytes customer_id, struct db_key *ret_key)
{
	key_prefix_of_group(charge_group_id, ret_key);
	key_add(ret_key, ID_FOLD_PLAIN, customer_id);
}

void key_prefix_of_group(struct bytes charge_group_id, struct db_key *ret_key)
{
	ret_key->size = 0;
	key_add(ret_key, ID_FOLD_PLAIN, charge_group_id);
	key_add_byte(ret_key, '\0');
}
