// SPDX-License-Identifier: Apache-2.0
// What the files of the change rules share; nobody else includes this.
//
//     rules.c               the table of changes; one set from its first change to its answer, or back
//     rules_check.c         what can be refused without looking at the state
//     rules_check_tariff.c  likewise, the structure of a tariff
//     rules_writes.c        the writes of a commit: found by key, taken back in reverse
//     rules_ahead.c         what later changes will look up, asked for early
//     rules_object.c        objects that are known by one id; expectations; references
//     rules_tariff.c, rules_group.c, rules_point.c, rules_customer.c, rules_token.c, rules_membership.c
//
// To add a change: its row in rules.c, its check in rules_check.c, its rule in the file of its object.
//
// Glossary: a *check* is stateless, a *rule* edits the standby image and notes writes. A rule may stop half-way with
// an error: the whole set is taken back. Every function here returns 0 or a negative errno, with the fault set unless
// it is -ENOMEM. Field paths start at the change ("put_token.uid"); rules.c puts "changes[3]." in front.
#pragma once

#include "proto/schema.h"
#include "store/key.h"
#include "store/refuse.h"
#include "store/rules.h"

// One change set on its way through.
struct rules_set {
	struct rules_commit *commit;
	struct image_edit *edit;
	const struct image *image; // the one being edited
	struct strings *strings;
	struct fault *fault;
	struct arena scratch; // of one write: what is read for it, and its encoding
	size_t writes_mark;   // writes below are of earlier sets of this commit
	struct rules_volume volume;
	struct bytes *groups; // compare forms of the groups this set touched; some are there twice
	size_t groups_count;
	size_t groups_limit;
	uint32_t last_group; // touched last; 0: none
};

// Puts a path in front of the fault's field: "evses[3]." and "evse_id".
void rules_fault_prefix(struct fault *fault, const char *format, ...) PRINTF_LIKE(2, 3);

// ---------------------------------------------------------------- checks

typedef int rules_check_function(const struct change *change, struct fault *fault);
rules_check_function rules_check_put_tariff, rules_check_put_charge_group, rules_check_put_charge_point,
	rules_check_put_customer, rules_check_put_token, rules_check_delete_tariff, rules_check_delete_charge_group,
	rules_check_delete_charge_point, rules_check_delete_customer, rules_check_delete_token,
	rules_check_attach_charge_points, rules_check_detach_charge_points, rules_check_attach_customers,
	rules_check_detach_customers, rules_check_set_customer_tariff;

// UTF-8 without control characters but newline and tab, of at most `size_max` bytes.
MUST_CHECK int rules_check_text(struct bytes text, size_t size_max, const char *field, struct fault *fault);
// An enum's number, when it is not below `min` nor above `max`; what is missing (0) is said in other words.
MUST_CHECK int rules_check_enum(int value, int min, int max, const char *field, struct fault *fault);
// A tariff's fields; the field path starts within the tariff.
MUST_CHECK int rules_check_tariff(const struct tariff *tariff, struct fault *fault);

// ---------------------------------------------------------------- writes

// Appends a write; `value.data` NULL: a delete. Copies the key, keeps the value. -E2BIG beyond the limits.
MUST_CHECK int rules_write(struct rules_set *set, enum db_table table, struct bytes key, struct bytes value);
// `message` as it is written; in the commit's arena. Empties the scratch arena.
MUST_CHECK int rules_encode(struct rules_set *set, const struct schema *schema, const void *message,
			    struct bytes *ret_value);
// Encodes `message` and appends it.
MUST_CHECK int rules_write_message(struct rules_set *set, enum db_table table, struct bytes key,
				   const struct schema *schema, const void *message);
// The object under `key` as the writes so far leave it; it lives in the scratch arena. It must be there.
MUST_CHECK int rules_read_message(struct rules_set *set, enum db_table table, struct bytes key,
				  const struct schema *schema, void *ret_message);
// The last write of the object by a set before this one in the same commit, maybe in an earlier revision of it. NULL:
// none.
const struct db_write *rules_former_write(const struct rules_set *set, enum db_table table, struct bytes key);
// Forgets all writes from `mark` on.
void rules_writes_rollback(struct rules_commit *commit, size_t mark);

// ---------------------------------------------------------------- looking ahead

enum { RULES_AHEAD = 16 }; // changes, or ids of one change

struct rules_ahead {
	uint64_t hashes[RULES_AHEAD]; // of what each will look up
	uint8_t slabs[RULES_AHEAD];   // enum image_slab; IMAGE_SLABS: nothing known
};

// Before change `i` of `count`, for every i from 0 on.
void rules_ahead_changes(const struct image *image, struct rules_ahead *ahead, const struct change *changes,
			 size_t count, size_t i);
// Likewise, of customers to be attached to `group`.
void rules_ahead_customers(const struct image *image, struct rules_ahead *ahead, uint32_t group,
			   const struct bytes *customer_ids, size_t count, size_t i);

// ---------------------------------------------------------------- objects known by one id

// What a kind of object is called and where it lives.
struct rules_kind {
	const char *name;
	enum image_slab slab;
	enum db_table table;
};
extern const struct rules_kind rules_tariffs, rules_groups, rules_points, rules_customers;

struct rules_object {
	const struct rules_kind *kind;
	struct id_key key;
	uint32_t handle; // 0: there is none
};

void rules_object_find(const struct rules_set *set, const struct rules_kind *kind, struct bytes id,
		       struct rules_object *ret_object);
// create_only and expected_object_revision of `change`, whose object is called `name` and has the id `id`.
MUST_CHECK int rules_expect(struct rules_set *set, const struct change *change, bool is_there, enum db_table table,
			    struct bytes key, const char *name, struct bytes id);
MUST_CHECK int rules_object_expect(struct rules_set *set, const struct change *change,
				   const struct rules_object *object, struct bytes id);
// The object that `change` deletes, when it is as the change expects it; the outcome is in the result. Not there:
// object.handle is 0 and nothing is left to do.
MUST_CHECK int rules_object_doom(struct rules_set *set, const struct change *change, const struct rules_kind *kind,
				 struct rules_object *ret_object, struct change_result *result);
// A record for an object that has none: object->handle. In its table, zeroed.
MUST_CHECK int rules_object_add(struct rules_set *set, struct rules_object *object);
// The record out of its table and away, and the write that deletes the object.
MUST_CHECK int rules_object_remove(struct rules_set *set, const struct rules_object *object);
// The handle of the object a change refers to; NOT_FOUND when there is none.
MUST_CHECK int rules_refer(struct rules_set *set, const struct rules_kind *kind, struct bytes id, const char *field,
			   uint32_t *ret_handle);
// The same; an empty id is handle 0.
MUST_CHECK int rules_refer_optional(struct rules_set *set, const struct rules_kind *kind, struct bytes id,
				    const char *field, uint32_t *ret_handle);

static inline struct bytes rules_text(const struct rules_set *set, const struct short_id *id)
{
	return image_id(set->image, id);
}

// ---------------------------------------------------------------- rules

typedef int rules_function(struct rules_set *set, const struct change *change, struct change_result *ret_result);
rules_function rules_put_tariff, rules_put_charge_group, rules_put_charge_point, rules_put_customer, rules_put_token,
	rules_delete_tariff, rules_delete_charge_group, rules_delete_charge_point, rules_delete_customer,
	rules_delete_token, rules_attach_charge_points, rules_detach_charge_points, rules_attach_customers,
	rules_detach_customers, rules_set_customer_tariff;

// Moves one use from tariff `former` to tariff `tariff`; 0: none.
MUST_CHECK int rules_use_tariff(struct rules_set *set, uint32_t former, uint32_t tariff);

// Notes that nobody may be able to charge in `group` after this set.
MUST_CHECK int rules_touch_group(struct rules_set *set, uint32_t group);
// Those of them where that is so: no customer attached, both boxes off. By compare form, in the response's arena.
MUST_CHECK int rules_closed_groups(struct rules_set *set, struct apply_response *response);

// Takes the point out of its group; it must be in one. Touches the group.
MUST_CHECK int rules_leave_group(struct rules_set *set, uint32_t point);
// Writes the point's record with the group it is in now.
MUST_CHECK int rules_write_point_group(struct rules_set *set, uint32_t point);

// Detaches a customer: the record, its chains, its tariff, the write. Touches the group.
MUST_CHECK int rules_remove_membership(struct rules_set *set, uint32_t membership);
// Deletes an own token of the customer who owns it.
MUST_CHECK int rules_remove_token(struct rules_set *set, uint32_t token);

// Notes an id of a list of `limit` ids that changed nothing.
MUST_CHECK int rules_note_unchanged(struct rules_set *set, struct change_result *result, size_t limit, struct bytes id);
// The outcome of a change with a list, from its counts.
void rules_conclude_list(struct change_result *result);
