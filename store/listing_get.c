// SPDX-License-Identifier: Apache-2.0
#include "store/listing_impl.h"

#include <errno.h>

static int answer(struct listing *listing, const struct listing_kind *kind, struct bytes key, struct arena *arena,
		  struct record *ret_record, struct fault *fault)
{
	struct db_record stored;
	int error = db_get(listing->read, kind->table, key, &stored);
	if (error == 0)
		error = listing_read(listing, kind, &stored, arena, ret_record);
	return error == 0 || error == -ENOENT ? error : listing_fail(fault, error);
}

static int get_object(struct listing *listing, const struct get_request *request, struct arena *arena,
		      struct record *ret_record, struct fault *fault)
{
	const struct listing_kind *kind = listing_kind_get(request->kind);
	struct id_key key;
	int error = id_check(ID_FOLD_PLAIN, request->id, "id", fault);
	if (error != 0)
		return error;
	id_fold(ID_FOLD_PLAIN, request->id, &key);
	error = answer(listing, kind, id_key_bytes(&key), arena, ret_record, fault);
	if (error == -ENOENT)
		return store_refuse(fault, STATUS_NOT_FOUND, "id", "%s %.*s does not exist", kind->name,
				    BYTES_ARG(request->id));
	return error;
}

// Of a foreign token: country_code and party_id in one string (image.h).
static struct issuer issuer_of(const struct image *image, const struct token_record *token)
{
	const struct bytes owner = image_string(image, token->owner);
	return (struct issuer){
		.country_code = {.data = owner.data, .size = 2},
		.party_id = {.data = owner.data + 2, .size = owner.size - 2},
	};
}

// The key of the token the image finds for the request. Unpins.
static int find_token_key(struct listing *listing, const struct get_request *request, const struct issuer *issuer,
			  struct db_key *ret_key)
{
	const struct image *image = listing->image;
	const uint32_t handle = image_lookup_token(image, request->id, request->token_type, issuer);
	if (handle != 0) {
		const struct token_record *token = image_token(image, handle);
		const bool is_foreign = token->flags & TOKEN_FOREIGN;
		const struct issuer found = is_foreign ? issuer_of(image, token) : (struct issuer){0};
		key_of_token(is_foreign ? &found : NULL, token->type, image_id(image, &token->uid), ret_key);
	}
	listing_unpin(listing);
	return handle != 0 ? 0 : -ENOENT;
}

static int get_token(struct listing *listing, const struct get_request *request, struct arena *arena,
		     struct record *ret_record, struct fault *fault)
{
	const struct issuer *issuer;
	struct db_key key;
	int error = id_check(id_fold_of_token(request->token_type), request->id, "id", fault);
	if (error == 0)
		error = issuer_check(request->issuer, "issuer", &issuer, fault);
	if (error != 0)
		return error;
	error = find_token_key(listing, request, issuer, &key);
	if (error == 0)
		error = answer(listing, listing_kind_get(OBJECT_KIND_TOKEN), db_key_bytes(&key), arena, ret_record,
			       fault);
	if (error == -ENOENT)
		return store_refuse(fault, STATUS_NOT_FOUND, "id", "token %.*s does not exist%s",
				    BYTES_ARG(request->id),
				    issuer || request->token_type ? ", of this type and issuer" : "");
	return error;
}

static int get_membership(struct listing *listing, const struct get_request *request, struct arena *arena,
			  struct record *ret_record, struct fault *fault)
{
	struct db_key key;
	int error = id_check(ID_FOLD_PLAIN, request->id, "id", fault);
	if (error == 0)
		error = id_check(ID_FOLD_PLAIN, request->customer_id, "customer_id", fault);
	if (error != 0)
		return error;
	key_of_membership(request->id, request->customer_id, &key);
	error = answer(listing, listing_kind_get(OBJECT_KIND_MEMBERSHIP), db_key_bytes(&key), arena, ret_record, fault);
	if (error == -ENOENT)
		return store_refuse(fault, STATUS_NOT_FOUND, "customer_id",
				    "customer %.*s is not attached to charge group %.*s",
				    BYTES_ARG(request->customer_id), BYTES_ARG(request->id));
	return error;
}

int listing_get(struct listing *listing, const struct get_request *request, struct arena *arena,
		struct record *ret_record, struct fault *fault)
{
	if (listing_kind_get(request->kind) == NULL)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "kind", "kind must be one of TARIFF to MEMBERSHIP");
	int error = listing_begin(listing, request->kind == OBJECT_KIND_TOKEN, fault);
	if (error != 0)
		return error;
	if (request->kind == OBJECT_KIND_TOKEN)
		error = get_token(listing, request, arena, ret_record, fault);
	else if (request->kind == OBJECT_KIND_MEMBERSHIP)
		error = get_membership(listing, request, arena, ret_record, fault);
	else
		error = get_object(listing, request, arena, ret_record, fault);
	listing_end(listing);
	return error;
}
