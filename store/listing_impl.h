// SPDX-License-Identifier: Apache-2.0
// What the files of the listings share; nobody else includes this.
//
//     listing.c             a view: a snapshot of the database and the image of the same state
//     listing_record.c      stored objects as they are answered: references in today's spelling
//     listing_token.c       page tokens
//     listing_candidates.c  keys of objects that only the image can name, in the order of listings
//     listing_match.c       whether an object is what a query asks for
//     listing_page.c        one page of a query
//     listing_get.c, listing_search.c, listing_visible.c, listing_permitted.c, listing_snapshot.c
//
// Glossary: a *query* is what is asked for, without how much of it; *candidates* are objects that may be it; the
// *position* is the key of the last object looked at.
#pragma once

#include "proto/ids.h"
#include "proto/schema.h"
#include "store/key.h"
#include "store/listing.h"
#include "store/refuse.h"

enum {
	// Records an image is pinned for: the writer waits for it meanwhile. More are found by a walk of the database.
	LISTING_PINNED_MAX = 20000,
	LISTING_SPELLINGS = 1024,    // a power of two
	LISTING_GIVE_WAY_EVERY = 64, // records between two looks at the clock
	LISTING_FOLDS = ID_FOLD_EVSE + 1,
};

// Today's spelling of an id, as last read from a snapshot.
struct listing_spelling {
	uint64_t snapshot; // of which it was read; another one: nothing is here
	enum db_table table;
	struct id_key key;
	uint8_t size;
	char id[ID_SIZE_MAX];
};

// Whether a customer's app shows a group, as last read from a snapshot.
struct listing_shown {
	uint64_t snapshot;
	struct id_key group;
	bool is_shown;
	bool hides_home_chargers;
};

struct listing {
	struct store *store;
	struct store_reader *reader;
	struct db_read *read;
	const struct image *image; // NULL: not pinned
	uint64_t revision;         // of the snapshot
	uint64_t snapshot;         // counts them
	bool (*gives_way)(void *context);
	void *gives_way_context;
	unsigned looked_at;    // records, for listing_give_way()
	uint64_t rested_ns;    // when it last began to work (monotonic)
	struct arena work;     // lives for a call
	struct arena scratch;  // lives for a record
	struct arena spelling; // lives for a look-up
	struct listing_spelling spellings[LISTING_SPELLINGS];
	struct listing_shown shown[LISTING_SPELLINGS];
};

// After every record: rests now and then if it has to (listing.h).
void listing_give_way(struct listing *listing);

// ---------------------------------------------------------------- view

// Starts a snapshot; `with_image`: also pins the image of the same state. UNAVAILABLE when there is none for long.
MUST_CHECK int listing_begin(struct listing *listing, bool with_image, struct fault *fault);
// At once when the image is not needed any more; harmless twice.
void listing_unpin(struct listing *listing);
void listing_end(struct listing *listing);
// What went wrong while reading, as a fault. Returns `error`.
MUST_CHECK int listing_fail(struct fault *fault, int error);

// ---------------------------------------------------------------- records

enum listing_filters {
	LISTING_BY_GROUP = 1,
	LISTING_BY_CUSTOMER = 2,
	LISTING_BY_TARIFF = 4,
	LISTING_BY_ATTACHMENT = 8, // unattached
};

struct listing_kind {
	const char *name;
	const struct schema *schema;
	enum db_table table;
	enum record_object object;
	unsigned filters; // enum listing_filters: those that make sense
};

// NULL for a kind that is none.
const struct listing_kind *listing_kind_get(enum object_kind kind);
// Decodes a stored record; references are spelled as stored. -ENOMEM, -EBADMSG.
MUST_CHECK int listing_decode(const struct listing_kind *kind, const struct db_record *stored, struct arena *arena,
			      struct record *ret_record);
// Brings its references into today's spelling.
MUST_CHECK int listing_respell(struct listing *listing, struct arena *arena, struct record *record);
// Both, into the answer.
MUST_CHECK int listing_read(struct listing *listing, const struct listing_kind *kind, const struct db_record *stored,
			    struct arena *arena, struct record *ret_record);
// The object under a key, spelled as stored. -ENOENT.
MUST_CHECK int listing_find(struct listing *listing, enum object_kind kind, struct bytes key, struct arena *arena,
			    struct record *ret_record);

// ---------------------------------------------------------------- queries

struct listing_query {
	const char *method; // tells queries of one shape apart
	enum object_kind kind;
	struct bytes text;
	struct id_key group, customer, tariff; // size 0: not asked for
	bool unattached;
	bool shown;                        // charge points the app of `customer` shows
	struct id_key customer_user_group; // of `customer`, with `shown`
};

struct listing_page {
	struct record *records; // in the answer's arena
	size_t records_count;
	struct bytes next_page_token;
};

struct listing_limits {
	uint32_t page_size; // as asked for
	struct bytes page_token;
};

// One page of a query. Needs a view; with an image if listing_needs_image(). Unpins it as soon as it can.
bool listing_needs_image(const struct listing_query *query);
MUST_CHECK int listing_page_fill(struct listing *listing, const struct listing_query *query,
				 const struct listing_limits *limits, struct arena *arena,
				 struct listing_page *ret_page, struct fault *fault);

MUST_CHECK int listing_check_page_size(uint32_t page_size, struct fault *fault);
// A filter's id as its compare form. An empty one is none.
MUST_CHECK int listing_filter(struct bytes id, const char *field, struct id_key *ret_key, struct fault *fault);
// NOT_FOUND when there is no such object in the snapshot; a filter that is none is fine.
MUST_CHECK int listing_check_exists(struct listing *listing, enum object_kind kind, const struct id_key *key,
				    const char *field, struct fault *fault);

// ---------------------------------------------------------------- page tokens

// Opaque text for "go on after `position`"; it holds for the query it was made for only.
MUST_CHECK int listing_token_make(const struct listing_query *query, struct bytes position, struct arena *arena,
				  struct bytes *ret_token);
// INVALID_ARGUMENT when it is malformed or of another query. An empty token is the position before everything.
MUST_CHECK int listing_token_read(const struct listing_query *query, struct bytes token, struct db_key *ret_position,
				  struct fault *fault);

// ---------------------------------------------------------------- candidates

struct listing_keys {
	struct bytes *keys; // in the work arena; in order, each once
	size_t count;
	bool are_known; // false: there are too many to look at, walk the table instead
};

// The keys after `position` of the objects among which all that are asked for must be, where the image knows them.
// Needs the pinned image. -ENOMEM.
MUST_CHECK int listing_candidates(struct listing *listing, const struct listing_query *query, struct bytes position,
				  struct listing_keys *ret_keys);

// ---------------------------------------------------------------- matching

// The text of a query, in the forms it is compared in.
struct listing_text {
	size_t upper_size; // as it is, in upper case; 0: everything matches
	char upper[SEARCH_TEXT_MAX];
	size_t bare_size; // also without separators
	char bare[SEARCH_TEXT_MAX];
	struct id_key folded[LISTING_FOLDS]; // by enum id_fold
};

void listing_text_prepare(struct bytes text, struct listing_text *ret_text);
// Whether an object stored as `value` may match; cheap, and never false for one that does.
bool listing_text_may_match(const struct listing_text *text, struct bytes value);
bool listing_text_matches(const struct listing_text *text, const struct record *record);
// Whether `record` is related as the query asks. -ENOMEM, -EBADMSG.
MUST_CHECK int listing_relation_matches(struct listing *listing, const struct listing_query *query,
					const struct record *record, bool *ret_matches);
