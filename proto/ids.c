// SPDX-License-Identifier: Apache-2.0
// Every query folds a uid and the id of a charge point: one table look-up per byte, nothing that knows a locale.
#include "proto/ids.h"

#include <endian.h>
#include <errno.h>

// What a byte is to the rules of DESIGN 1.1. The low bits are set for separators: one bit per fold that drops it.
enum {
	CLASS_DROPPED_BY_RFID = 1 << ID_FOLD_RFID,
	CLASS_DROPPED_BY_EMAID = 1 << ID_FOLD_EMAID,
	CLASS_DROPPED_BY_EVSE = 1 << ID_FOLD_EVSE,
	CLASS_PRINTABLE = 1 << 4,
	CLASS_HEX = 1 << 5,
};

static const uint8_t byte_class[256] = {
	[' '] = CLASS_PRINTABLE | CLASS_DROPPED_BY_RFID,
	['!' ... ')'] = CLASS_PRINTABLE,
	['*'] = CLASS_PRINTABLE | CLASS_DROPPED_BY_EMAID | CLASS_DROPPED_BY_EVSE,
	['+' ... ','] = CLASS_PRINTABLE,
	['-'] = CLASS_PRINTABLE | CLASS_DROPPED_BY_RFID | CLASS_DROPPED_BY_EMAID,
	['.' ... '/'] = CLASS_PRINTABLE,
	['0' ... '9'] = CLASS_PRINTABLE | CLASS_HEX,
	[':'] = CLASS_PRINTABLE | CLASS_DROPPED_BY_RFID,
	[';' ... '@'] = CLASS_PRINTABLE,
	['A' ... 'F'] = CLASS_PRINTABLE | CLASS_HEX,
	['G' ... '`'] = CLASS_PRINTABLE,
	['a' ... 'f'] = CLASS_PRINTABLE | CLASS_HEX,
	['g' ... '~'] = CLASS_PRINTABLE,
};

static uint8_t class_of(char byte)
{
	return byte_class[(uint8_t)byte];
}

static char upper(char byte)
{
	return (char)(byte ^ ((uint8_t)(byte - 'a') < 26 ? 0x20 : 0));
}

enum id_fold id_fold_of_token(enum token_type type)
{
	switch (type) {
	case TOKEN_TYPE_RFID:
		return ID_FOLD_RFID;
	case TOKEN_TYPE_EMAID:
		return ID_FOLD_EMAID;
	default:
		return ID_FOLD_PLAIN;
	}
}

// The class bits that fold drops; 0: it drops nothing.
static uint8_t dropped_by(enum id_fold fold)
{
	return fold == ID_FOLD_PLAIN ? 0 : (uint8_t)(1 << fold);
}

// Eight bytes at once. An id of at least that many is walked in words of eight, the last of which ends with the id and
// may overlap with the one before.
static const uint64_t ONES = 0x0101010101010101ull;

static size_t word_at(size_t i, size_t size)
{
	return i + sizeof(uint64_t) <= size ? i : size - sizeof(uint64_t);
}

static uint64_t load_word(const char *text)
{
	uint64_t word;
	memcpy(&word, text, sizeof(word));
	return word;
}

// The top bit of each byte that is not printable ASCII. (A sum can only go wrong above a byte that is not ASCII.)
static uint64_t not_printable(uint64_t word)
{
	const uint64_t from_space = word + (0x80 - ' ') * ONES, is_delete = word + ONES;
	return (word | ~from_space | is_delete) & (0x80 * ONES);
}

// The top bit of some byte if there is one below '0' or a ':', as all separators are; of printable bytes.
static uint64_t below_digits_or_colon(uint64_t word)
{
	const uint64_t from_zero = word + (0x80 - '0') * ONES, zero_at_colon = word ^ (':' * ONES);
	return (~from_zero | (zero_at_colon - ONES)) & (0x80 * ONES);
}

// The 0x20 bit off where it makes a lower-case letter of ASCII.
static uint64_t upper_word(uint64_t word)
{
	const uint64_t low = word & (0x7f * ONES);
	const uint64_t from_a = low + (0x80 - 'a') * ONES, above_z = low + (0x7f - 'z') * ONES; // in the top bits
	const uint64_t is_letter = (from_a ^ above_z) & ~word & (0x80 * ONES);
	return word ^ (is_letter >> 2);
}

// False: surely not. Short ids are not worth looking at.
static bool may_have_separators(struct bytes id)
{
	uint64_t found = id.size < sizeof(uint64_t);
	for (size_t i = 0; i < id.size && !found; i += sizeof(uint64_t))
		found = below_digits_or_colon(load_word(id.data + word_at(i, id.size)));
	return found;
}

static bool is_printable(struct bytes id)
{
	if (id.size < sizeof(uint64_t)) {
		uint8_t all = CLASS_PRINTABLE;
		for (size_t i = 0; i < id.size; i++)
			all &= class_of(id.data[i]);
		return all;
	}
	uint64_t wrong = 0;
	for (size_t i = 0; i < id.size; i += sizeof(uint64_t))
		wrong |= not_printable(load_word(id.data + word_at(i, id.size)));
	return wrong == 0;
}

static bool has_only(struct bytes id, uint8_t classes)
{
	size_t i = 0;
	while (i < id.size && (class_of(id.data[i]) & classes))
		i++;
	return i == id.size;
}

// Whole words that do not overlap, zeroes behind the end: what reads the compare form by words right after this would
// otherwise have to wait for them.
static void fold_all(struct bytes id, struct id_key *ret_key)
{
	size_t i = 0;
	ret_key->size = (uint8_t)id.size;
	if (id.size < sizeof(uint64_t)) {
		for (; i < id.size; i++)
			ret_key->data[i] = upper(id.data[i]);
		return;
	}
	for (; i + sizeof(uint64_t) <= id.size; i += sizeof(uint64_t)) {
		const uint64_t word = upper_word(load_word(id.data + i));
		memcpy(ret_key->data + i, &word, sizeof(word));
	}
	if (i < id.size) {
		const size_t overlap = sizeof(uint64_t) - (id.size - i);
		const uint64_t last = upper_word(load_word(id.data + i - overlap));
		const uint64_t word = htole64(le64toh(last) >> (8 * overlap));
		memcpy(ret_key->data + i, &word, sizeof(word));
	}
}

// Upper case without the bytes that `dropped` names. Whether all kept bytes are hexadecimal digits.
static bool fold_dropping(uint8_t dropped, struct bytes id, struct id_key *ret_key)
{
	uint8_t size = 0, common = CLASS_HEX;
	for (size_t i = 0; i < id.size; i++) {
		const uint8_t class = class_of(id.data[i]);
		ret_key->data[size] = upper(id.data[i]);
		size += (class & dropped) == 0;
		common &= class & dropped ? CLASS_HEX : class;
	}
	ret_key->size = size;
	return common != 0;
}

void id_fold(enum id_fold fold, struct bytes id, struct id_key *ret_key)
{
	if (id.size > ID_SIZE_MAX) {
		ret_key->size = 0;
		return;
	}
	const uint8_t dropped = dropped_by(fold);
	// Most uids have nothing to drop, and then there is no dependency from byte to byte.
	if (dropped == 0 || !may_have_separators(id))
		fold_all(id, ret_key);
	else if (!fold_dropping(dropped, id, ret_key) && fold == ID_FOLD_RFID)
		fold_all(id, ret_key);
}

static const char *id_problem(enum id_fold fold, struct bytes id)
{
	if (id.size == 0)
		return "must not be empty";
	if (id.size > ID_SIZE_MAX)
		return "is longer than 64 bytes";
	if (!is_printable(id))
		return "has a character that is not printable ASCII";
	if (id.data[0] == ' ' || id.data[id.size - 1] == ' ')
		return "starts or ends with a space";
	return has_only(id, dropped_by(fold)) ? "consists of separators only" : NULL;
}

int id_check(enum id_fold fold, struct bytes id, const char *field, struct fault *fault)
{
	const char *problem = id_problem(fold, id);
	if (LIKELY(problem == NULL))
		return 0;
	fault_set(fault, STATUS_INVALID_ARGUMENT, field, "%s %s", field, problem);
	return -EINVAL;
}

int id_check_optional(enum id_fold fold, struct bytes id, const char *field, struct fault *fault)
{
	return bytes_is_empty(id) ? 0 : id_check(fold, id, field, fault);
}

static const char *issuer_problem(const struct issuer *issuer)
{
	if (issuer->country_code.size != 2)
		return "needs a country_code of 2 characters";
	if (issuer->party_id.size < 1 || issuer->party_id.size > 3)
		return "needs a party_id of 1 to 3 characters";
	if (id_problem(ID_FOLD_PLAIN, issuer->country_code) || id_problem(ID_FOLD_PLAIN, issuer->party_id))
		return "has a character that is not allowed in ids";
	return NULL;
}

int issuer_check(const struct issuer *issuer, const char *field, const struct issuer **ret_issuer, struct fault *fault)
{
	if (issuer == NULL || (bytes_is_empty(issuer->country_code) && bytes_is_empty(issuer->party_id))) {
		*ret_issuer = NULL;
		return 0;
	}
	const char *problem = issuer_problem(issuer);
	if (problem != NULL) {
		fault_set(fault, STATUS_INVALID_ARGUMENT, field, "%s %s", field, problem);
		return -EINVAL;
	}
	*ret_issuer = issuer;
	return 0;
}
