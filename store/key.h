// SPDX-License-Identifier: Apache-2.0
// Keys of the store: compare forms, joined by NUL bytes, so that the byte order is the order of listings.
#pragma once

#include "base/bytes.h"
#include "proto/ids.h"
#include "store/db.h"

struct db_key {
	size_t size;
	char data[DB_KEY_SIZE_MAX];
};

static inline struct bytes db_key_bytes(const struct db_key *key)
{
	return (struct bytes){.data = key->data, .size = key->size};
}

void key_of_id(struct bytes id, struct db_key *ret_key); // tariff, group, point, customer
void key_of_token(const struct issuer *issuer, enum token_type type, struct bytes uid, struct db_key *ret_key);
void key_of_membership(struct bytes charge_group_id, struct bytes customer_id, struct db_key *ret_key);
// What all memberships of a group start with.
void key_prefix_of_group(struct bytes charge_group_id, struct db_key *ret_key);
