// SPDX-License-Identifier: Apache-2.0
// Looking up tokens. The table's tag is the hash of the uid in compare form alone, so the tokens several issuers or
// types have under one uid stand under one tag, and a reader who knows only the uid finds them all (DESIGN 1.1).
#include "store/image.h"

enum { COUNTRY_CODE_SIZE = 2 };

// ---------------------------------------------------------------- issuers

static struct bytes token_issuer(const struct image *image, const struct token_record *token)
{
	return (token->flags & TOKEN_FOREIGN) ? image_string(image, token->owner) : (struct bytes){0};
}

static bool part_equals(struct bytes a, struct bytes b)
{
	struct id_key key_a, key_b;
	id_fold(ID_FOLD_PLAIN, a, &key_a);
	id_fold(ID_FOLD_PLAIN, b, &key_b);
	return bytes_equal(id_key_bytes(&key_a), id_key_bytes(&key_b));
}

static __attribute__((noinline)) bool has_issuer(const struct image *image, const struct token_record *token,
						 const struct issuer *issuer)
{
	const struct bytes own = token_issuer(image, token);
	return own.size > COUNTRY_CODE_SIZE &&
	       part_equals((struct bytes){own.data, COUNTRY_CODE_SIZE}, issuer->country_code) &&
	       part_equals((struct bytes){own.data + COUNTRY_CODE_SIZE, own.size - COUNTRY_CODE_SIZE},
			   issuer->party_id);
}

// The country code has a fixed size, so both parts in one order as (country_code, party_id) do.
static int compare_issuers(const struct image *image, const struct token_record *a, const struct token_record *b)
{
	struct id_key key_a, key_b;
	id_fold(ID_FOLD_PLAIN, token_issuer(image, a), &key_a);
	id_fold(ID_FOLD_PLAIN, token_issuer(image, b), &key_b);
	return bytes_compare(id_key_bytes(&key_a), id_key_bytes(&key_b));
}

// ---------------------------------------------------------------- uids

// Whether RFID or EMAID could fold `id` to something else than upper case: it has a separator, or is too short to look
// at eight bytes at once, which is not worth caring about.
static bool may_have_separators(struct bytes id)
{
	static const char separators[] = {' ', ':', '-', '*'};
	const uint64_t ones = 0x0101010101010101ull;
	uint64_t found = 0;
	if (id.size < sizeof(uint64_t))
		return true;
	for (size_t i = 0; i < id.size; i += sizeof(uint64_t)) {
		const size_t at = i + sizeof(uint64_t) <= id.size ? i : id.size - sizeof(uint64_t);
		uint64_t word;
		memcpy(&word, id.data + at, sizeof(word));
		for (size_t k = 0; k < sizeof(separators); k++) {
			const uint64_t zero_where_equal = word ^ (ones * (uint64_t)separators[k]);
			found |= (zero_where_equal - ones) & ~zero_where_equal & (ones << 7);
		}
	}
	return found != 0;
}

// The form of `fold`: a new one, or one of those there.
static void add_form(const struct image *image, struct bytes id, enum id_fold fold, struct image_uid *uid)
{
	struct image_key *form = &uid->forms[uid->forms_count];
	id_fold(fold, id, &form->key);
	for (uint32_t i = 0; i < uid->forms_count; i++) {
		if (bytes_equal(id_key_bytes(&uid->forms[i].key), id_key_bytes(&form->key))) {
			uid->form_of_fold[fold] = (uint8_t)i;
			return;
		}
	}
	image_key_finish(image, form);
	image_prefetch_slot(image, IMAGE_TOKENS, form->hash);
	uid->form_of_fold[fold] = (uint8_t)uid->forms_count++;
}

void image_uid_prepare(const struct image *image, struct bytes uid, enum token_type type, struct image_uid *ret_uid)
{
	memset(ret_uid->form_of_fold, 0, sizeof(ret_uid->form_of_fold));
	ret_uid->forms_count = 0;
	if (type != TOKEN_TYPE_UNSPECIFIED) {
		add_form(image, uid, id_fold_of_token(type), ret_uid);
		return;
	}
	add_form(image, uid, ID_FOLD_PLAIN, ret_uid);
	if (LIKELY(!may_have_separators(uid)))
		return; // every fold is the first form
	add_form(image, uid, ID_FOLD_RFID, ret_uid);
	add_form(image, uid, ID_FOLD_EMAID, ret_uid);
}

bool image_uid_prepare_quickly(const struct image *image, struct bytes uid, struct image_uid *ret_uid)
{
	struct image_key *form = &ret_uid->forms[0];
	if (UNLIKELY(!id_fold_quickly(true, uid, &form->key)))
		return false;
	memset(ret_uid->form_of_fold, 0, sizeof(ret_uid->form_of_fold));
	ret_uid->forms_count = 1;
	image_key_finish(image, form);
	image_prefetch_slot(image, IMAGE_TOKENS, form->hash);
	return true;
}

// DESIGN 1.1: own before foreign; then RFID before other types; then the lowest issuer; then the lowest type number.
static __attribute__((noinline)) bool comes_before(const struct image *image, const struct token_record *a,
						   const struct token_record *b)
{
	const bool a_foreign = a->flags & TOKEN_FOREIGN, b_foreign = b->flags & TOKEN_FOREIGN;
	if (a_foreign != b_foreign)
		return b_foreign;
	if ((a->type == TOKEN_TYPE_RFID) != (b->type == TOKEN_TYPE_RFID))
		return a->type == TOKEN_TYPE_RFID;
	const int order = compare_issuers(image, a, b);
	return order != 0 ? order < 0 : a->type < b->type;
}

struct token_narrowing {
	enum token_type type;        // UNSPECIFIED: any
	const struct issuer *issuer; // NULL: any
};

// Whether it is a token of the uid's `form`, as far as that is narrowed.
static bool is_meant(const struct image *image, const struct image_uid *uid, uint32_t form,
		     const struct token_narrowing *narrowing, const struct token_record *token)
{
	const enum id_fold fold = id_fold_of_token(token->type);
	if (narrowing->type != TOKEN_TYPE_UNSPECIFIED && narrowing->type != token->type)
		return false;
	if (uid->form_of_fold[fold] != form || !image_key_is(image, &uid->forms[form], fold, &token->uid))
		return false;
	return narrowing->issuer == NULL || has_issuer(image, token, narrowing->issuer);
}

// The best token under one form of the uid, or `best` if none is better.
static uint32_t lookup_form(const struct image *image, const struct image_uid *uid, uint32_t form,
			    const struct token_narrowing *narrowing, const struct image_hit *first, uint32_t best)
{
	struct table_walk walk = first->walk;
	for (uint32_t handle = first->handle; handle != 0; handle = table_next(&image->tables[IMAGE_TOKENS], &walk)) {
		const struct token_record *token = image_token(image, handle);
		if (!is_meant(image, uid, form, narrowing, token))
			continue;
		if (best == 0 || comes_before(image, token, image_token(image, best)))
			best = handle;
	}
	return best;
}

uint32_t image_uid_lookup_from(const struct image *image, const struct image_uid *uid, enum token_type type,
			       const struct issuer *issuer, const struct image_hit *firsts)
{
	const struct token_narrowing narrowing = {.type = type, .issuer = issuer};
	uint32_t best = 0;
	for (uint32_t i = 0; i < uid->forms_count; i++)
		if (LIKELY(uid->forms[i].key.size > 0))
			best = lookup_form(image, uid, i, &narrowing, &firsts[i], best);
	return best;
}

uint32_t image_uid_lookup(const struct image *image, const struct image_uid *uid, enum token_type type,
			  const struct issuer *issuer)
{
	struct image_hit firsts[IMAGE_UID_FORMS];
	for (uint32_t i = 0; i < uid->forms_count; i++)
		firsts[i].handle =
			table_first(&image->tables[IMAGE_TOKENS], table_tag(uid->forms[i].hash), &firsts[i].walk);
	return image_uid_lookup_from(image, uid, type, issuer, firsts);
}

uint32_t image_lookup_token(const struct image *image, struct bytes uid, enum token_type type,
			    const struct issuer *issuer)
{
	struct image_uid forms;
	image_uid_prepare(image, uid, type, &forms);
	return image_uid_lookup(image, &forms, type, issuer);
}

uint64_t image_token_hash(const struct image *image, enum token_type type, struct bytes uid)
{
	struct id_key key;
	id_fold(id_fold_of_token(type), uid, &key);
	return image_hash_key(image, &key);
}

uint32_t image_find_token(const struct image *image, const struct issuer *issuer, enum token_type type,
			  struct bytes uid)
{
	const enum id_fold fold = id_fold_of_token(type);
	struct image_key key;
	id_fold(fold, uid, &key.key);
	image_key_finish(image, &key);
	const struct table *table = &image->tables[IMAGE_TOKENS];
	struct table_walk walk = table_walk(table, table_tag(key.hash));
	uint32_t handle;
	while ((handle = table_next(table, &walk)) != 0) {
		const struct token_record *token = image_token(image, handle);
		const bool foreign = token->flags & TOKEN_FOREIGN;
		if (token->type == type && foreign == (issuer != NULL) &&
		    image_key_is(image, &key, fold, &token->uid) &&
		    (issuer == NULL || has_issuer(image, token, issuer)))
			break;
	}
	return handle;
}
