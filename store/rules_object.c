// SPDX-License-Identifier: Apache-2.0
#include "store/rules_impl.h"

#include <errno.h>

const struct rules_kind rules_tariffs = {"tariff", IMAGE_TARIFFS, DB_TARIFFS};
const struct rules_kind rules_groups = {"charge group", IMAGE_GROUPS, DB_GROUPS};
const struct rules_kind rules_points = {"charge point", IMAGE_POINTS, DB_POINTS};
const struct rules_kind rules_customers = {"customer", IMAGE_CUSTOMERS, DB_CUSTOMERS};

void rules_object_find(const struct rules_set *set, const struct rules_kind *kind, struct bytes id,
		       struct rules_object *ret_object)
{
	ret_object->kind = kind;
	id_fold(ID_FOLD_PLAIN, id, &ret_object->key);
	ret_object->handle = image_find(set->image, kind->slab, &ret_object->key);
}

// The revision the object was last changed in, before the revision being made. -ENOENT: it was not there.
static int read_revision(const struct rules_set *set, enum db_table table, struct bytes key,
			 const struct db_write *former, uint64_t *ret_revision)
{
	struct db_record record;
	if (former != NULL) {
		*ret_revision = former->modified_revision;
		return former->value.data != NULL ? 0 : -ENOENT;
	}
	const int error = db_get(set->commit->read, table, key, &record);
	if (error == 0)
		*ret_revision = record.modified_revision;
	return error;
}

// DESIGN 1.4: within one set an expectation is about the state before the set. That state is the revision before,
// unless an earlier set of this revision touched the object: then nobody can have seen it.
static int expect_revision(struct rules_set *set, uint64_t expected, enum db_table table, struct bytes key,
			   const char *name, struct bytes id)
{
	static const char field[] = "expected_object_revision";
	const struct db_write *former = rules_former_write(set, table, key);
	if (former != NULL && former->modified_revision == set->commit->revision)
		return store_refuse(set->fault, STATUS_ABORTED, field,
				    "%s %.*s is being changed by somebody else; read it again and repeat", name,
				    BYTES_ARG(id));
	uint64_t revision;
	const int error = read_revision(set, table, key, former, &revision);
	if (error == -ENOENT)
		return store_refuse(set->fault, STATUS_ABORTED, field,
				    "%s %.*s does not exist, but was expected as of revision %llu", name, BYTES_ARG(id),
				    (unsigned long long)expected);
	if (error != 0)
		return store_refuse(set->fault, STATUS_DATA_LOSS, field, "%s %.*s cannot be read: %s", name,
				    BYTES_ARG(id), strerror(-error));
	if (revision == expected)
		return 0;
	return store_refuse(set->fault, STATUS_ABORTED, field,
			    "%s %.*s was last changed in revision %llu, not %llu; read it again and repeat", name,
			    BYTES_ARG(id), (unsigned long long)revision, (unsigned long long)expected);
}

int rules_expect(struct rules_set *set, const struct change *change, bool is_there, enum db_table table,
		 struct bytes key, const char *name, struct bytes id)
{
	if (change->create_only && is_there)
		return store_refuse(set->fault, STATUS_ALREADY_EXISTS, "create_only",
				    "%s %.*s exists already; put it without create_only to replace it", name,
				    BYTES_ARG(id));
	if (LIKELY(change->expected_object_revision == 0))
		return 0;
	return expect_revision(set, change->expected_object_revision, table, key, name, id);
}

int rules_object_expect(struct rules_set *set, const struct change *change, const struct rules_object *object,
			struct bytes id)
{
	return rules_expect(set, change, object->handle != 0, object->kind->table, id_key_bytes(&object->key),
			    object->kind->name, id);
}

int rules_object_doom(struct rules_set *set, const struct change *change, const struct rules_kind *kind,
		      struct rules_object *ret_object, struct change_result *result)
{
	const struct bytes id = change->delete_object->id;
	rules_object_find(set, kind, id, ret_object);
	const int error = rules_object_expect(set, change, ret_object, id);
	if (error == 0)
		result->outcome = ret_object->handle ? CHANGE_OUTCOME_DELETED : CHANGE_OUTCOME_UNCHANGED;
	return error;
}

int rules_object_add(struct rules_set *set, struct rules_object *object)
{
	uint32_t handle;
	const enum image_slab slab = object->kind->slab;
	int error = image_edit_add(set->edit, slab, &handle);
	if (error == 0)
		error = image_edit_link(set->edit, slab, image_hash_key(set->image, &object->key), handle);
	if (error == 0)
		object->handle = handle;
	return error;
}

int rules_object_remove(struct rules_set *set, const struct rules_object *object)
{
	const enum image_slab slab = object->kind->slab;
	int error = image_edit_unlink(set->edit, slab, image_hash_key(set->image, &object->key), object->handle);
	if (error == 0)
		error = image_edit_remove(set->edit, slab, object->handle);
	if (error == 0)
		error = rules_write(set, object->kind->table, id_key_bytes(&object->key), (struct bytes){0});
	return error;
}

int rules_refer(struct rules_set *set, const struct rules_kind *kind, struct bytes id, const char *field,
		uint32_t *ret_handle)
{
	struct rules_object object;
	rules_object_find(set, kind, id, &object);
	if (UNLIKELY(object.handle == 0))
		return store_refuse(set->fault, STATUS_NOT_FOUND, field, "%s %.*s does not exist; put it first",
				    kind->name, BYTES_ARG(id));
	*ret_handle = object.handle;
	return 0;
}

int rules_refer_optional(struct rules_set *set, const struct rules_kind *kind, struct bytes id, const char *field,
			 uint32_t *ret_handle)
{
	if (!bytes_is_empty(id))
		return rules_refer(set, kind, id, field, ret_handle);
	*ret_handle = 0;
	return 0;
}

int rules_note_unchanged(struct rules_set *set, struct change_result *result, size_t limit, struct bytes id)
{
	if (result->unchanged_ids == NULL)
		result->unchanged_ids =
			arena_alloc(set->commit->response_arena, limit * sizeof(*result->unchanged_ids));
	if (result->unchanged_ids == NULL)
		return -ENOMEM;
	result->unchanged_ids[result->unchanged_ids_count++] = id;
	return 0;
}

void rules_conclude_list(struct change_result *result)
{
	result->outcome = result->changed > 0 ? CHANGE_OUTCOME_UPDATED : CHANGE_OUTCOME_UNCHANGED;
}
