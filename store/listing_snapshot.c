// SPDX-License-Identifier: Apache-2.0
#include "store/digest.h"
#include "store/history.h"
#include "store/listing_impl.h"
#include "store/remembered.h"

#include <errno.h>

// A walk on its way.
struct walk {
	struct listing *listing;
	const struct listing_walk *options;
	uint64_t records, remembered;
	bool is_stopped; // by the receiver
};

// A row of a table as a record in the scratch arena. -ENOENT: it is none.
typedef int walk_read(struct walk *walk, const struct listing_kind *kind, const struct db_record *row,
		      struct record *ret_record);

// A replica gets what is stored: the digest is about that.
static int read_object(struct walk *walk, const struct listing_kind *kind, const struct db_record *row,
		       struct record *ret_record)
{
	struct listing *listing = walk->listing;
	return walk->options->is_replica ? listing_decode(kind, row, &listing->scratch, ret_record)
					 : listing_read(listing, kind, row, &listing->scratch, ret_record);
}

static int read_remembered(struct walk *walk, const struct listing_kind *kind, const struct db_record *row,
			   struct record *ret_record)
{
	(void)kind;
	struct listing *listing = walk->listing;
	const int error = remembered_read(listing->read, row, &listing->scratch, ret_record);
	walk->remembered += error == 0;
	return error;
}

static int give_record(struct walk *walk, const struct record *record)
{
	const int refused = walk->options->each(walk->options->context, record);
	walk->is_stopped = refused != 0;
	walk->records++;
	return refused;
}

static int walk_table(struct walk *walk, enum db_table table, const struct listing_kind *kind, walk_read *read)
{
	struct listing *listing = walk->listing;
	struct db_record row;
	int error = db_seek(listing->read, table, (struct bytes){0}, &row);
	while (error == 0) {
		struct record record;
		arena_reset(&listing->scratch);
		error = read(walk, kind, &row, &record);
		if (error == 0)
			error = give_record(walk, &record);
		else if (error == -ENOENT)
			error = 0;
		if (error != 0)
			return error;
		listing_give_way(listing);
		error = db_next(listing->read, table, &row);
	}
	return error == -ENOENT ? 0 : error;
}

// Objects before those that refer to them, which is the order of the kinds; then what is remembered, oldest first.
static int walk_tables(struct walk *walk)
{
	int error = 0;
	for (int i = OBJECT_KIND_TARIFF; i < OBJECT_KINDS && error == 0; i++) {
		const struct listing_kind *kind = listing_kind_get((enum object_kind)i);
		error = walk_table(walk, kind->table, kind, read_object);
	}
	if (error == 0 && walk->options->is_replica)
		error = walk_table(walk, DB_IDEMPOTENCY_AGE, NULL, read_remembered);
	return error;
}

static int write_id(const struct id128 *id, struct arena *arena, struct bytes *ret_text)
{
	char text[ID128_TEXT_SIZE + 1];
	id128_format(id, text);
	*ret_text = arena_copy(arena, (struct bytes){.data = text, .size = ID128_TEXT_SIZE});
	return ret_text->data != NULL ? 0 : -ENOMEM;
}

static int make_end(const struct walk *walk, struct snapshot_end *ret_end)
{
	struct listing *listing = walk->listing;
	struct arena *arena = walk->options->arena;
	struct history_state state;
	struct digest digest;
	int error = history_read_state(listing->read, listing->revision, &state);
	if (error == 0)
		error = db_read_digest(listing->read, &digest);
	if (error != 0)
		return error;
	struct snapshot_end end = {.revision = listing->revision,
				   .records = walk->records,
				   .remembered = walk->remembered,
				   .time = state.time};
	const struct id128 digest_text = digest_id(&digest);
	error = write_id(&digest_text, arena, &end.digest);
	if (error == 0)
		error = write_id(&state.position.epoch, arena, &end.epoch);
	if (error == 0 && !id128_is_zero(&state.position.nonce))
		error = write_id(&state.position.nonce, arena, &end.nonce);
	if (error == 0)
		*ret_end = end;
	return error;
}

int listing_snapshot(struct listing *listing, const struct listing_walk *options, struct snapshot_end *ret_end,
		     struct fault *fault)
{
	struct walk walk = {.listing = listing, .options = options};
	int error = listing_begin(listing, false, fault);
	if (error != 0)
		return error;
	error = walk_tables(&walk);
	if (error == 0)
		error = make_end(&walk, ret_end);
	listing_end(listing);
	return error == 0 || walk.is_stopped ? error : listing_fail(fault, error);
}
