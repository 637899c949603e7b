// SPDX-License-Identifier: Apache-2.0
// Questions about many objects, answered page by page from a snapshot of the database together with the image of the
// same revision. For a thread of its own: a page may take milliseconds.
//
// Pages are ordered by compare form; the page token is the key after which to go on, so an object that is there all
// the time is neither skipped nor repeated. A page ends at its size, at PAGE_BYTES_MAX, or after LISTING_SCAN_MAX
// records looked at; the token is empty at the end.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/store.h"

struct listing;

enum {
	LISTING_SCAN_MAX = 50000, // records looked at for one page
	// A sixth of a core: a thread that never sleeps costs those that answer more than its priority suggests,
	// because their core's other half and the host of a virtual machine know nothing of it (docs/performance.md).
	LISTING_WORK_NS = 100 * 1000,
	LISTING_REST_NS = 500 * 1000,
};

MUST_CHECK int listing_create(struct store *store, struct listing **ret_listing);
void listing_destroy(struct listing *listing);

// Asked on the listing's thread after each LISTING_WORK_NS of work. true: the listing rests for LISTING_REST_NS, with
// no image pinned. NULL, the default: never.
void listing_set_give_way(struct listing *listing, bool (*gives_way)(void *context), void *context);

// Each answers from one revision, which the response carries. 0, or negative errno and a fault:
// INVALID_ARGUMENT (a malformed field or page token), NOT_FOUND (an unknown customer, point, group).
MUST_CHECK int listing_get(struct listing *listing, const struct get_request *request, struct arena *arena,
			   struct record *ret_record, struct fault *fault);
MUST_CHECK int listing_search(struct listing *listing, const struct search_request *request, struct arena *arena,
			      struct search_response *ret_response, struct fault *fault);
MUST_CHECK int listing_visible(struct listing *listing, const struct list_visible_charge_points_request *request,
			       struct arena *arena, struct list_visible_charge_points_response *ret_response,
			       struct fault *fault);
MUST_CHECK int listing_permitted(struct listing *listing, const struct list_permitted_request *request,
				 struct arena *arena, struct list_permitted_response *ret_response,
				 struct fault *fault);

struct listing_walk {
	// With what is remembered of idempotency keys, and everything as it is stored: references are spelled as they
	// once were.
	bool is_replica;
	// Gets the records one by one (borrowed, gone after the call) and stops the walk with a negative errno, which
	// is returned. The snapshot is held meanwhile: it must give up on a slow receiver.
	int (*each)(void *context, const struct record *record);
	void *context;
	struct arena *arena; // for the texts of the end
};

// Every record at one revision, in the order of export: tariffs, groups, points, customers, tokens, memberships,
// each by compare form; then what is remembered, oldest first.
MUST_CHECK int listing_snapshot(struct listing *listing, const struct listing_walk *walk, struct snapshot_end *ret_end,
				struct fault *fault);
