// SPDX-License-Identifier: Apache-2.0
// Every query folds a uid and the id of a charge point: one table look-up per byte, nothing that knows a locale.
#include "proto/ids.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

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
	memset(ret_key->data, 0, ID_WORDS_SIZE);
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

// The last `left` bytes of an id, at least one, or the first eight of them, as a number.
static uint64_t left_word(struct bytes id, size_t left)
{
	const char *next = id.data + id.size - left;
	uint64_t word = 0;
	if (left >= sizeof(word))
		return le64toh(load_word(next));
	if (id.size >= sizeof(word))
		return le64toh(load_word(next + left - sizeof(word))) >> (64 - 8 * left);
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)(uint8_t)next[i] << (8 * i);
	return word;
}

// The top bit of each byte that `fold` drops.
static uint64_t where_dropped(enum id_fold fold, uint64_t word)
{
	static const char separators[][4] = {
		[ID_FOLD_PLAIN] = "",
		[ID_FOLD_RFID] = " :-",
		[ID_FOLD_EMAID] = "-*",
		[ID_FOLD_EVSE] = "*",
	};
	const uint64_t low_bits = 0x7f * ONES;
	uint64_t found = 0;
	for (const char *separator = separators[fold]; *separator != '\0'; separator++) {
		const uint64_t zero_where_equal = word ^ ((uint64_t)*separator * ONES);
		found |= ~(((zero_where_equal & low_bits) + low_bits) | zero_where_equal | low_bits);
	}
	return found;
}

// Upper case without what `fold` drops, in words of eight bytes: what a word lacks, the next one overwrites.
static void fold_dropping(enum id_fold fold, struct bytes id, struct id_key *ret_key)
{
	size_t size = 0;
	memset(ret_key->data, 0, ID_WORDS_SIZE);
	for (size_t i = 0; i < id.size; i += sizeof(uint64_t)) {
		uint64_t word = left_word(id, id.size - i), where = where_dropped(fold, word);
		size_t kept = id.size - i < sizeof(word) ? id.size - i : sizeof(word);
		word = upper_word(word);
		// From the last one on; zeroes come in at the word's end.
		for (; where != 0; kept--) {
			const unsigned at = (63u - (unsigned)__builtin_clzll(where)) & ~7u;
			const uint64_t before = (1ull << at) - 1;
			word = (word & before) | (word >> 8 & ~before);
			where &= before;
		}
		word = htole64(word);
		memcpy(ret_key->data + size, &word, sizeof(word)); // within the data: `size` is at most `i`
		size += kept;
	}
	ret_key->size = (uint8_t)size;
}

void id_fold(enum id_fold fold, struct bytes id, struct id_key *ret_key)
{
	if (id.size > ID_SIZE_MAX) {
		memset(ret_key->data, 0, ID_WORDS_SIZE);
		ret_key->size = 0;
		return;
	}
	if (fold == ID_FOLD_PLAIN || !may_have_separators(id)) {
		fold_all(id, ret_key);
		return;
	}
	fold_dropping(fold, id, ret_key);
	if (fold == ID_FOLD_RFID && !has_only(id_key_bytes(ret_key), CLASS_HEX))
		fold_all(id, ret_key);
}

// The top bit of each byte that is not from `lowest` to '~'. (Sums can only go wrong above a byte that is not ASCII.)
static uint64_t not_from(char lowest, uint64_t word)
{
	const uint64_t from_lowest = word + (uint64_t)(0x80 - lowest) * ONES, is_delete = word + ONES;
	return (word | ~from_lowest | is_delete) & (0x80 * ONES);
}

// All separators are below '0', but for ':'. The last word ends with the id; what it has in common with the first one
// is shifted out.
bool id_fold_quickly(bool any_fold, struct bytes id, struct id_key *ret_key)
{
	const char lowest = any_fold ? '0' : '!';
	if (UNLIKELY(id.size < 8 || id.size > ID_WORDS_SIZE))
		return false;
	const uint64_t first = load_word(id.data), last = load_word(id.data + id.size - 8);
	uint64_t wrong = not_from(lowest, first) | not_from(lowest, last);
	if (any_fold)
		wrong |= below_digits_or_colon(first) | below_digits_or_colon(last);
	if (UNLIKELY(wrong != 0))
		return false;
	const unsigned common = 8 * (ID_WORDS_SIZE - (unsigned)id.size);
	const uint64_t second = common < 64 ? le64toh(upper_word(last)) >> common : 0;
	const uint64_t words[] = {upper_word(first), htole64(second)};
	memcpy(ret_key->data, words, sizeof(words));
	ret_key->size = (uint8_t)id.size;
	return true;
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

static const char *country_problem(struct bytes country_code)
{
	if (country_code.size != 2)
		return "must have 2 characters";
	return id_problem(ID_FOLD_PLAIN, country_code);
}

static const char *party_problem(struct bytes party_id)
{
	if (party_id.size < 1 || party_id.size > 3)
		return "must have 1 to 3 characters";
	return id_problem(ID_FOLD_PLAIN, party_id);
}

__attribute__((noinline)) int issuer_check(const struct issuer *issuer, const char *field,
					   const struct issuer **ret_issuer, struct fault *fault)
{
	if (issuer == NULL || (bytes_is_empty(issuer->country_code) && bytes_is_empty(issuer->party_id))) {
		*ret_issuer = NULL;
		return 0;
	}
	const char *part = "country_code", *problem = country_problem(issuer->country_code);
	if (problem == NULL) {
		part = "party_id";
		problem = party_problem(issuer->party_id);
	}
	if (problem == NULL) {
		*ret_issuer = issuer;
		return 0;
	}
	char path[sizeof(fault->field)];
	snprintf(path, sizeof(path), "%s.%s", field, part);
	fault_set(fault, STATUS_INVALID_ARGUMENT, path, "%s %s", path, problem);
	return -EINVAL;
}
