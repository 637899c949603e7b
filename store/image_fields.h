// SPDX-License-Identifier: Apache-2.0
// What the fields of a message become in a record of the image. Both ways into an image use these: the change rules,
// and loading from the database.
#pragma once

#include "proto/messages.h"
#include "store/image.h"

static inline uint8_t group_flags_of(const struct charge_group *group)
{
	return (uint8_t)((group->open_to_all_customers ? GROUP_OPEN_TO_ALL_CUSTOMERS : 0) |
			 (group->open_to_roaming ? GROUP_OPEN_TO_ROAMING : 0));
}

static inline uint8_t customer_flags_of(const struct customer *customer)
{
	return (uint8_t)((customer->blocked ? CUSTOMER_BLOCKED : 0) | (customer->no_credit ? CUSTOMER_NO_CREDIT : 0) |
			 (customer->payment == PAYMENT_PREPAID ? CUSTOMER_PREPAID : 0));
}

// `issuer` NULL: an own token.
static inline uint8_t token_flags_of(const struct token *token, const struct issuer *issuer)
{
	return (uint8_t)((token->blocked ? TOKEN_BLOCKED : 0) | (token->roaming_allowed ? TOKEN_ROAMING_ALLOWED : 0) |
			 (issuer != NULL ? TOKEN_FOREIGN : 0));
}

static inline uint8_t token_whitelist_of(const struct token *token)
{
	return (uint8_t)(token->whitelist == WHITELIST_UNSPECIFIED ? WHITELIST_NEVER : token->whitelist);
}

enum { ISSUER_TEXT_MAX = 2 * ID_SIZE_MAX };

// The string of an issuer: country_code, then party_id, as put.
static inline struct bytes issuer_text(const struct issuer *issuer, char text[ISSUER_TEXT_MAX])
{
	const size_t country_size = issuer->country_code.size, party_size = issuer->party_id.size;
	ASSERT(country_size + party_size <= ISSUER_TEXT_MAX);
	memcpy(text, issuer->country_code.data, country_size);
	memcpy(text + country_size, issuer->party_id.data, party_size);
	return (struct bytes){.data = text, .size = country_size + party_size};
}

// Interned. -ENOMEM.
MUST_CHECK static inline int issuer_intern(struct strings *strings, const struct issuer *issuer, uint32_t *ret_string)
{
	char text[ISSUER_TEXT_MAX];
	return strings_intern(strings, issuer_text(issuer, text), ret_string);
}

// The compare form of `text`, interned. -ENOMEM.
MUST_CHECK static inline int folded_intern(struct strings *strings, struct bytes text, uint32_t *ret_string)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, text, &key);
	return strings_intern(strings, id_key_bytes(&key), ret_string);
}
