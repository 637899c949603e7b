// SPDX-License-Identifier: Apache-2.0
// Ids: 1-64 bytes of printable ASCII, case-insensitive, case-preserving (DESIGN 1.1). Two ids are the same when
// their compare forms are; how an id folds into its compare form depends on what it names.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/messages.h"

// How an id folds. All fold to upper case.
enum id_fold {
	ID_FOLD_PLAIN, // nothing more
	ID_FOLD_RFID,  // without ' ', ':' and '-' when what remains is hexadecimal, else plain
	ID_FOLD_EMAID, // without '-' and '*'
	ID_FOLD_EVSE,  // without '*'
};

// A compare form: never longer than the id. Up to ID_WORDS_SIZE bytes, zeroes follow its end: nearly all ids are two
// words of eight bytes.
struct id_key {
	_Alignas(8) char data[ID_SIZE_MAX];
	uint8_t size; // 0: the id folds to nothing, or is longer than ID_SIZE_MAX; it names no object
};
enum { ID_WORDS_SIZE = 16 };

// The fold of a token's uid. UNSPECIFIED folds plain.
enum id_fold id_fold_of_token(enum token_type type);
// Total: also for ids that id_check() refuses (an over-long one gives size 0).
void id_fold(enum id_fold fold, struct bytes id, struct id_key *ret_key);
// id_check() and id_fold() in one go, for nearly all ids: of 8 to 16 bytes without a space. False: ask those two;
// *ret_key is untouched then. `any_fold`: nothing that some fold drops either, so that all folds are alike; otherwise
// the fold is ID_FOLD_PLAIN.
bool id_fold_quickly(bool any_fold, struct bytes id, struct id_key *ret_key);
static inline struct bytes id_key_bytes(const struct id_key *key)
{
	return (struct bytes){.data = key->data, .size = key->size};
}

// Refuses with INVALID_ARGUMENT naming `field`: empty, longer than ID_SIZE_MAX, not printable ASCII, a leading or
// trailing space, an empty compare form. 0 or -EINVAL.
MUST_CHECK int id_check(enum id_fold fold, struct bytes id, const char *field, struct fault *fault);
// The same, but empty is fine.
MUST_CHECK int id_check_optional(enum id_fold fold, struct bytes id, const char *field, struct fault *fault);
// An issuer with both parts empty (or NULL) is absent: *ret_issuer NULL. Half-filled, a country_code that is not 2
// long or a party_id longer than 3: -EINVAL naming the part, as "issuer.party_id" where `field` is "issuer".
MUST_CHECK int issuer_check(const struct issuer *issuer, const char *field, const struct issuer **ret_issuer,
			    struct fault *fault);
