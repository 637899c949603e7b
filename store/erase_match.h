// SPDX-License-Identifier: Apache-2.0
// Whom a change is about. For erase.c.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/key.h"

struct erase_token {
	struct erase_token *next;
	struct db_key key;
};

// A customer and the tokens it had. The caller zeroes it.
struct erase_subject {
	struct arena *arena; // of the tokens
	struct db_key customer;
	struct erase_token *tokens;
	size_t tokens_count;
};

bool erase_is_customer(const struct erase_subject *subject, struct bytes id);
// Once each. -ENOMEM; -E2BIG: too many.
MUST_CHECK int erase_add_token(struct erase_subject *subject, const struct issuer *issuer, enum token_type type,
			       struct bytes uid);
// Adds the tokens that the set gives to the customer. Errors of erase_add_token().
MUST_CHECK int erase_learn(struct erase_subject *subject, const struct change_set *set);
// Takes what is about the customer out of a set, or an answer; whether there was something.
bool erase_from_set(const struct erase_subject *subject, struct change_set *set);
bool erase_from_response(const struct erase_subject *subject, struct apply_response *response);
