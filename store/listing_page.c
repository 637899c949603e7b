// SPDX-License-Identifier: Apache-2.0
#include "store/listing_impl.h"

#include <errno.h>

// What a record costs in an answer besides its stored form.
enum { RECORD_OVERHEAD = 16 };

// ---------------------------------------------------------------- where candidates come from

// Objects in the order of listings: by keys the image gave, or along a table from the position on.
struct walk {
	struct listing *listing;
	const struct listing_kind *kind;
	struct listing_keys keys;
	size_t keys_taken;
	enum db_table table;  // walked along
	struct db_key prefix; // of the keys that count; may be empty
	bool members;         // memberships are walked, the customers in them are meant
	struct db_key start;
	struct bytes position; // not this one again
	bool is_started;
};

static void walk_start_at(struct walk *walk, struct bytes position)
{
	walk->start = (struct db_key){0};
	if (walk->members) // positions are customers
		walk->start = walk->prefix;
	else if (bytes_compare(position, db_key_bytes(&walk->prefix)) < 0)
		position = db_key_bytes(&walk->prefix);
	const size_t room = sizeof(walk->start.data) - walk->start.size;
	const size_t size = position.size < room ? position.size : room;
	memcpy(walk->start.data + walk->start.size, position.data, size);
	walk->start.size += size;
}

static void walk_init(struct walk *walk, struct listing *listing, const struct listing_query *query,
		      struct bytes position)
{
	*walk = (struct walk){.listing = listing, .kind = listing_kind_get(query->kind), .position = position};
	walk->table = walk->kind->table;
	walk->members = query->kind == OBJECT_KIND_CUSTOMER && query->group.size > 0;
	if (walk->members)
		walk->table = DB_MEMBERSHIPS;
	if (walk->table == DB_MEMBERSHIPS && query->group.size > 0)
		key_prefix_of_group(id_key_bytes(&query->group), &walk->prefix);
	walk_start_at(walk, position);
}

static int walk_step(struct walk *walk, struct db_record *ret_record)
{
	struct db_read *read = walk->listing->read;
	const int error = walk->is_started ? db_next(read, walk->table, ret_record)
					   : db_seek(read, walk->table, db_key_bytes(&walk->start), ret_record);
	walk->is_started = true;
	if (error != 0)
		return error;
	const bool counts = ret_record->key.size >= walk->prefix.size &&
			    memcmp(ret_record->key.data, walk->prefix.data, walk->prefix.size) == 0;
	return counts ? 0 : -ENOENT;
}

static int walk_table(struct walk *walk, struct db_record *ret_record)
{
	struct bytes key;
	do {
		const int error = walk_step(walk, ret_record);
		if (error != 0)
			return error;
		key = ret_record->key;
		if (walk->members)
			key = (struct bytes){key.data + walk->prefix.size, key.size - walk->prefix.size};
	} while (bytes_equal(key, walk->position));
	return walk->members ? db_get(walk->listing->read, walk->kind->table, key, ret_record) : 0;
}

static int walk_keys(struct walk *walk, struct db_record *ret_record)
{
	if (walk->keys_taken == walk->keys.count)
		return -ENOENT;
	const int error =
		db_get(walk->listing->read, walk->kind->table, walk->keys.keys[walk->keys_taken++], ret_record);
	return error == -ENOENT ? -EBADMSG : error; // the image is of the same revision
}

// The next candidate. -ENOENT after the last.
static int walk_next(struct walk *walk, struct db_record *ret_record)
{
	return walk->keys.are_known ? walk_keys(walk, ret_record) : walk_table(walk, ret_record);
}

// ---------------------------------------------------------------- one page

struct filler {
	struct listing *listing;
	const struct listing_query *query;
	const struct listing_kind *kind;
	struct arena *arena;
	struct listing_page page;
	struct listing_text text;
	bool is_filtered;
	size_t size_max;    // records of the page
	size_t scanned_max; // records looked at for it
	size_t scanned;
	size_t bytes;
	struct bytes position;
};

static int matches(struct filler *filler, const struct db_record *stored, bool *ret_matches)
{
	struct record record;
	*ret_matches = !filler->is_filtered;
	if (!filler->is_filtered || !listing_text_may_match(&filler->text, stored->value))
		return 0;
	arena_reset(&filler->listing->scratch);
	const int error = listing_decode(filler->kind, stored, &filler->listing->scratch, &record);
	if (error != 0 || !listing_text_matches(&filler->text, &record))
		return error;
	return listing_relation_matches(filler->listing, filler->query, &record, ret_matches);
}

static int take(struct filler *filler, const struct db_record *stored)
{
	bool is_wanted;
	int error = matches(filler, stored, &is_wanted);
	filler->scanned++;
	filler->position = stored->key;
	if (error != 0 || !is_wanted)
		return error;
	error = listing_read(filler->listing, filler->kind, stored, filler->arena,
			     &filler->page.records[filler->page.records_count]);
	if (error != 0)
		return error;
	filler->page.records_count++;
	filler->bytes += stored->value.size + RECORD_OVERHEAD;
	return 0;
}

// Whether `next` has to wait for the next page. There is at least one record looked at on every page.
static bool is_full(const struct filler *filler, const struct db_record *next)
{
	return filler->page.records_count == filler->size_max || filler->scanned == filler->scanned_max ||
	       (filler->page.records_count > 0 && filler->bytes + next->value.size + RECORD_OVERHEAD > PAGE_BYTES_MAX);
}

static int fill(struct filler *filler, struct walk *walk)
{
	struct db_record stored;
	int error;
	while ((error = walk_next(walk, &stored)) == 0) {
		if (is_full(filler, &stored))
			return listing_token_make(filler->query, filler->position, filler->arena,
						  &filler->page.next_page_token);
		error = take(filler, &stored);
		if (error != 0)
			return error;
		listing_give_way(filler->listing);
	}
	return error == -ENOENT ? 0 : error;
}

static bool is_filtered(const struct listing_query *query)
{
	return query->text.size > 0 || query->group.size > 0 || query->customer.size > 0 || query->tariff.size > 0 ||
	       query->unattached || query->shown;
}

static int fill_from(struct filler *filler, struct bytes position)
{
	struct listing *listing = filler->listing;
	struct walk walk;
	filler->page.records = arena_alloc(filler->arena, filler->size_max * sizeof(*filler->page.records));
	if (filler->page.records == NULL)
		return -ENOMEM;
	walk_init(&walk, listing, filler->query, position);
	const int error = listing_candidates(listing, filler->query, position, &walk.keys);
	if (error != 0)
		return error;
	// Customers who are attached to nothing: only the image knows, and stays pinned for a shorter walk.
	if (filler->query->kind == OBJECT_KIND_CUSTOMER && filler->query->unattached)
		filler->scanned_max = LISTING_PINNED_MAX;
	else
		listing_unpin(listing);
	return fill(filler, &walk);
}

int listing_check_page_size(uint32_t page_size, struct fault *fault)
{
	if (page_size <= PAGE_SIZE_MAX)
		return 0;
	return store_refuse(fault, STATUS_INVALID_ARGUMENT, "page_size", "page_size is %u, at most %d is taken",
			    page_size, PAGE_SIZE_MAX);
}

int listing_page_fill(struct listing *listing, const struct listing_query *query, const struct listing_limits *limits,
		      struct arena *arena, struct listing_page *ret_page, struct fault *fault)
{
	struct filler filler = {
		.listing = listing,
		.query = query,
		.kind = listing_kind_get(query->kind),
		.arena = arena,
		.is_filtered = is_filtered(query),
		.size_max = limits->page_size ? limits->page_size : PAGE_SIZE_DEFAULT,
		.scanned_max = LISTING_SCAN_MAX,
	};
	struct db_key position;
	int error = listing_check_page_size(limits->page_size, fault);
	if (error == 0)
		error = listing_token_read(query, limits->page_token, &position, fault);
	if (error != 0)
		return error;
	listing_text_prepare(query->text, &filler.text);
	error = fill_from(&filler, db_key_bytes(&position));
	if (error != 0)
		return listing_fail(fault, error);
	*ret_page = filler.page;
	return 0;
}
