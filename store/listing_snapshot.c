// SPDX-License-Identifier: Apache-2.0
#include "store/listing_impl.h"

#include <errno.h>

struct receiver {
	int (*each)(void *context, const struct record *record);
	void *context;
};

static int walk_kind(struct listing *listing, const struct listing_kind *kind, const struct receiver *receiver,
		     struct fault *fault)
{
	struct db_record stored;
	int error = db_seek(listing->read, kind->table, (struct bytes){0}, &stored);
	while (error == 0) {
		struct record record;
		arena_reset(&listing->scratch);
		error = listing_read(listing, kind, &stored, &listing->scratch, &record);
		if (error != 0)
			break;
		const int refused = receiver->each(receiver->context, &record);
		if (refused != 0)
			return refused;
		listing_give_way(listing);
		error = db_next(listing->read, kind->table, &stored);
	}
	return error == -ENOENT ? 0 : listing_fail(fault, error);
}

int listing_snapshot(struct listing *listing, uint64_t *ret_revision,
		     int (*each)(void *context, const struct record *record), void *context, struct fault *fault)
{
	const struct receiver receiver = {.each = each, .context = context};
	int error = listing_begin(listing, false, fault);
	if (error != 0)
		return error;
	// Objects before those that refer to them, which is the order of the kinds.
	for (int kind = OBJECT_KIND_TARIFF; kind < OBJECT_KINDS && error == 0; kind++)
		error = walk_kind(listing, listing_kind_get((enum object_kind)kind), &receiver, fault);
	listing_end(listing);
	if (error == 0)
		*ret_revision = listing->revision;
	return error;
}
