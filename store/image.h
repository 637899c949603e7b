// SPDX-License-Identifier: Apache-2.0
// One image of the index: everything a decision needs, in flat tables and slabs. Plain single-threaded C.
//
// There are two images (DESIGN 3.1): readers use the published one, the writer edits the other through
// image_edit.h. Both give the same object the same handle. Here is what readers may do: look up, follow handles,
// read records. To add a field a decision needs: the record below, its place in rules_*.c, and load.c.
//
// Glossary: a *handle* names a record within its slab (0: none); a *string* is a handle of strings.h; a *key* is
// the compare form of an id (proto/ids.h).
#pragma once

#include "base/hash.h"
#include "proto/ids.h"
#include "store/slab.h"
#include "store/strings.h"
#include "store/table.h"

// What there is a slab for.
enum image_slab {
	IMAGE_TARIFFS,
	IMAGE_GROUPS,
	IMAGE_POINTS,
	IMAGE_EVSES,
	IMAGE_CUSTOMERS,
	IMAGE_TOKENS,
	IMAGE_MEMBERSHIPS,
	IMAGE_SLABS,
};

// The most of each, beyond the first handle: address space reserved per image (about 11 GiB), not memory. A store past
// one of them gets -ENOMEM.
enum {
	IMAGE_TARIFFS_MAX = 1 << 20,
	IMAGE_GROUPS_MAX = 1 << 20,
	IMAGE_POINTS_MAX = 1 << 24,
	IMAGE_EVSES_MAX = 1 << 25,
	IMAGE_CUSTOMERS_MAX = 1 << 26,
	IMAGE_TOKENS_MAX = 1 << 26,
	IMAGE_MEMBERSHIPS_MAX = 1 << 27,
};

// An encoded Tariff on the heap. Owned by the image edit that replaces it (image_edit.h), at the end of the index by
// image_free_bodies().
struct tariff_body {
	uint32_t size;
	char data[];
};

struct tariff_record {
	struct short_id id;
	struct tariff_body *body;
	uint32_t uses; // as tariff, prepaid tariff or override
};

enum group_flags {
	GROUP_OPEN_TO_ALL_CUSTOMERS = 1,
	GROUP_OPEN_TO_ROAMING = 2,
};

struct group_record {
	struct short_id id;
	uint32_t tariff;         // handle
	uint32_t prepaid_tariff; // handle, 0: none
	uint32_t user_group;     // string, in compare form
	uint32_t first_point;    // chain through next_of_group
	uint32_t first_membership;
	uint32_t points_count;
	uint32_t memberships_count;
	uint8_t type; // enum charge_group_type
	uint8_t flags;
	char unused[18];
};
static_assert(sizeof(struct group_record) == 64, "one cache line");

struct point_record {
	struct short_id id;
	struct short_id location_id;
	uint32_t group; // handle, 0: none
	uint32_t next_of_group;
	uint32_t previous_of_group;
	uint32_t first_evse; // chain through next_of_point
	bool home_charger;
	char unused[15];
};
static_assert(sizeof(struct point_record) == 64, "one cache line");

struct evse_record {
	struct short_id id;
	uint32_t point;
	uint32_t next_of_point;
};

enum customer_flags {
	CUSTOMER_BLOCKED = 1,
	CUSTOMER_NO_CREDIT = 2,
	CUSTOMER_PREPAID = 4,
};

struct customer_record {
	struct short_id id;
	uint32_t user_group;       // string, in compare form
	uint32_t first_token;      // chain through next_of_customer
	uint32_t first_membership; // chain through next_of_customer
	uint8_t flags;
};

enum token_flags {
	TOKEN_BLOCKED = 1,
	TOKEN_ROAMING_ALLOWED = 2,
	TOKEN_FOREIGN = 4,
};

struct token_record {
	struct short_id uid;
	struct short_id contract_id;
	int64_t valid_from;  // unix seconds, 0: none
	int64_t valid_until; // unix seconds, 0: none
	uint32_t owner;      // own: handle of the customer; foreign: string, country_code (2 bytes) then party_id
	uint32_t parent_id;  // string
	uint32_t next_of_customer;
	uint8_t type;      // enum token_type
	uint8_t flags;     // enum token_flags
	uint8_t whitelist; // enum whitelist; UNSPECIFIED is stored as NEVER
	uint8_t unused;
};
static_assert(sizeof(struct token_record) == 64, "one cache line");

struct membership_record {
	uint32_t group;
	uint32_t customer;
	uint32_t tariff; // handle of the override, 0: none
	uint32_t next_of_customer;
	uint32_t next_of_group;
	uint32_t previous_of_group;
};

// Notes: what a decision wants to know of a record before it has read it, kept beside its slot in the table. Cache
// misses are what a decision costs, and with the notes the records behind a record load together with it:
//
//     point        handle of its group
//     EVSE         handle of its point
//     token        handle of its customer, 0: a foreign one
//     membership   handle of its customer and NOTE_HAS_TARIFF. The tag of a membership is a bijection of the group's
//                  handle for a given customer, so tag and note together say which membership it is
//
// They are right in a sealed image: image_seal(), image_edit_seal().
enum { NOTE_HAS_TARIFF = 1 << 30 };

struct image {
	uint64_t revision; // what is in here is the state after this revision
	uint32_t swaps;    // of the history that revision is of (db_read_swaps())
	uint64_t seed;     // of every hash
	const char *base;  // strings_base()
	struct slab slabs[IMAGE_SLABS];
	struct table tables[IMAGE_SLABS];
};

// -ENOMEM. `strings` must outlive the image.
MUST_CHECK int image_init(struct image *image, const struct strings *strings, uint64_t seed);
// Harmless on a zeroed one. Leaves the tariff bodies, which images share.
void image_finish(struct image *image);
// The bodies of all tariffs. Once, for one of the two images, before both are finished.
void image_free_bodies(struct image *image);
// Writes the notes of all records. For an image that was filled without image_edit.h.
void image_seal(struct image *image);
// What the note of a record says, from the record. 0 in slabs without notes.
uint32_t image_note(const struct image *image, enum image_slab slab, uint32_t handle);
// Backs the memory that image_copy() of a source that stays as it is will need. -ENOMEM.
MUST_CHECK int image_back(struct image *image, const struct image *source);
// Makes `image`, which is new, an exact copy of `source`: same handles, same revision and swaps; tariff bodies are
// shared. -ENOMEM, not after image_back().
MUST_CHECK int image_copy(struct image *image, const struct image *source);
// Gives memory no record was ever in back to the kernel. Not while the image is edited; readers do not mind.
void image_give_back(const struct image *image);
// The memory that the next records and slots will be the first to use. How many ranges there are. The writer.
enum { IMAGE_AHEAD_MAX = 2 * IMAGE_SLABS };
size_t image_ahead(struct image *image, struct memory_range ret_ranges[IMAGE_AHEAD_MAX]);

// ---------------------------------------------------------------- records of a handle

static inline struct tariff_record *image_tariff(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_TARIFFS], handle);
}
static inline struct group_record *image_group(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_GROUPS], handle);
}
static inline struct point_record *image_point(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_POINTS], handle);
}
static inline struct evse_record *image_evse(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_EVSES], handle);
}
static inline struct customer_record *image_customer(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_CUSTOMERS], handle);
}
static inline struct token_record *image_token(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_TOKENS], handle);
}
static inline struct membership_record *image_membership(const struct image *image, uint32_t handle)
{
	return slab_get(&image->slabs[IMAGE_MEMBERSHIPS], handle);
}
// The spelling of the last put. Valid while the image is pinned.
static inline struct bytes image_id(const struct image *image, const struct short_id *id)
{
	return short_id_get(image->base, id);
}
static inline struct bytes image_string(const struct image *image, uint32_t string)
{
	return strings_get(image->base, string);
}

// ---------------------------------------------------------------- look-ups: a handle, 0 when there is none

// The hash under which a record stands in the table of its slab: of an id's compare form, short ones with the zeroes
// behind them,
static inline uint64_t image_hash_key(const struct image *image, const struct id_key *key)
{
	if (LIKELY(key->size <= ID_WORDS_SIZE))
		return hash_16_bytes(key->data, image->seed);
	return hash_bytes(key->data, key->size, image->seed);
}
static inline uint64_t image_hash_text(const struct image *image, struct bytes key)
{
	char words[ID_WORDS_SIZE] = {0};
	if (UNLIKELY(key.size > sizeof(words)))
		return hash_bytes(key.data, key.size, image->seed);
	memcpy(words, key.data, key.size);
	return hash_16_bytes(words, image->seed);
}
// of a token's uid folded by its type,
uint64_t image_token_hash(const struct image *image, enum token_type type, struct bytes uid);
// of a membership's two ends.
uint64_t image_membership_hash(const struct image *image, uint32_t group, uint32_t customer);

// Tariff, group, point, EVSE or customer by the compare form of its id.
uint32_t image_find(const struct image *image, enum image_slab slab, const struct id_key *key);
uint32_t image_find_membership(const struct image *image, uint32_t group, uint32_t customer);

// A token by its identity. `issuer` NULL: an own one. `uid` as given by the caller; folded by `type`.
uint32_t image_find_token(const struct image *image, const struct issuer *issuer, enum token_type type,
			  struct bytes uid);
// A token as a reader at a charge point knows it (DESIGN 1.1): by uid; type (0) and issuer (NULL) narrow.
// Own before foreign; then RFID before other types; then the lowest (country_code, party_id); then the lowest type.
uint32_t image_lookup_token(const struct image *image, struct bytes uid, enum token_type type,
			    const struct issuer *issuer);

// ---------------------------------------------------------------- look-ups in steps, so that cache misses overlap
//
// Every step starts loading what the next one reads: prepare all look-ups, then step all, then finish all.

struct image_key {
	struct id_key key; // the compare form
	uint64_t hash;
	struct short_id spelled; // the compare form as most records have it: compared in one go
	struct bytes asked;      // the id as it was asked, which most other records have as well; may be empty
};

// Folds and hashes `id` by the fold of `slab`'s ids, and starts loading the table's slot. The key borrows `id`.
void image_key_prepare(const struct image *image, enum image_slab slab, struct bytes id, struct image_key *ret_key);
// The same with the check of the id, for nearly all ids (id_fold_quickly()). False: ask id_check() and the function
// above.
bool image_key_prepare_quickly(const struct image *image, enum image_slab slab, struct bytes id,
			       struct image_key *ret_key);
// The rest of a key whose compare form is there.
void image_key_finish(const struct image *image, struct image_key *key);
// Whether `id`, as it was put, folds to the key.
bool image_key_is(const struct image *image, const struct image_key *key, enum id_fold fold, const struct short_id *id);
// The first record under a hash, nearly always the right one, and how to go on from there.
struct image_hit {
	uint32_t handle; // 0: nothing there
	struct table_walk walk;
};

// As image_find().
uint32_t image_key_find(const struct image *image, enum image_slab slab, const struct image_key *key);
// The same, from the first record under the key's hash on.
uint32_t image_key_find_from(const struct image *image, enum image_slab slab, const struct image_key *key,
			     const struct image_hit *first);

enum { IMAGE_UID_FORMS = 3 }; // plain, RFID, EMAID

// A uid in every form a stored token may have it; those that are different.
struct image_uid {
	uint32_t forms_count;
	uint8_t form_of_fold[IMAGE_UID_FORMS]; // by enum id_fold
	struct image_key forms[IMAGE_UID_FORMS];
};

// `type` narrows to its own form.
void image_uid_prepare(const struct image *image, struct bytes uid, enum token_type type, struct image_uid *ret_uid);
// The same with the check of the uid, for nearly all uids: those that have one form. False: ask id_check() and the
// function above.
bool image_uid_prepare_quickly(const struct image *image, struct bytes uid, struct image_uid *ret_uid);
// As image_lookup_token().
uint32_t image_uid_lookup(const struct image *image, const struct image_uid *uid, enum token_type type,
			  const struct issuer *issuer);

// The same, from the first record under the hash of each form on.
uint32_t image_uid_lookup_from(const struct image *image, const struct image_uid *uid, enum token_type type,
			       const struct issuer *issuer, const struct image_hit *firsts);

// The membership, 0 when there is none, from the notes alone: its record is not read. Sealed images only.
uint32_t image_find_member(const struct image *image, uint32_t group, uint32_t customer, bool *ret_has_tariff);

static inline void image_prefetch_slot(const struct image *image, enum image_slab slab, uint64_t hash)
{
	table_prefetch(&image->tables[slab], table_tag(hash));
}

static inline void image_prefetch(const struct image *image, enum image_slab slab, uint32_t handle)
{
	__builtin_prefetch(slab_get(&image->slabs[slab], handle));
}

// The text of an id, when it is not in the record.
static inline void image_prefetch_id(const struct image *image, const struct short_id *id)
{
	uint32_t string;
	memcpy(&string, id->data, sizeof(string));
	if (id->size == SHORT_ID_LONG)
		__builtin_prefetch(image->base + string);
}

// Finds the first record under a hash, and starts loading it. Gives its note, 0 without one.
static inline uint32_t image_load_first(const struct image *image, enum image_slab slab, uint64_t hash,
					struct image_hit *ret_first)
{
	const struct table *table = &image->tables[slab];
	ret_first->handle = table_first(table, table_tag(hash), &ret_first->walk);
	if (ret_first->handle == 0)
		return 0;
	image_prefetch(image, slab, ret_first->handle);
	return table_note(table, &ret_first->walk);
}

static inline uint32_t image_prefetch_record(const struct image *image, enum image_slab slab, uint64_t hash)
{
	struct image_hit first;
	return image_load_first(image, slab, hash, &first);
}
