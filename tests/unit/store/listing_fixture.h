// SPDX-License-Identifier: Apache-2.0
// A store with a listing on it. Requests and answers in words: JSON with ' for " in; ids out.
#pragma once

#include "store/listing.h"
#include "tests/unit/store/store_fixture.h"

struct listing_fixture {
	struct store_fixture store;
	struct listing *listing;
	struct arena arena;      // of everything parsed and answered
	struct bytes page_token; // next_page_token of the last page
	uint64_t revision;       // of the last page
	struct fault fault;      // of the last question
};

void listing_fixture_open(struct listing_fixture *fixture);
void listing_fixture_close(struct listing_fixture *fixture);

// Changes as in rules_world.h; they must be accepted.
void listing_fixture_accept(struct listing_fixture *fixture, const char *changes);

// Each answers with the ids of a page, with a space between ("group/customer" for memberships); with ' for " the whole
// of a record for get, and of the response for permitted. NULL when refused. `request` without its braces; the page
// token of the last page is added when `goes_on`.
const char *listing_fixture_search(struct listing_fixture *fixture, const char *request, bool goes_on);
const char *listing_fixture_visible(struct listing_fixture *fixture, const char *request, bool goes_on);
const char *listing_fixture_permitted(struct listing_fixture *fixture, const char *request, bool goes_on);
const char *listing_fixture_get(struct listing_fixture *fixture, const char *request);
// All pages of a search, one after the other.
const char *listing_fixture_search_all(struct listing_fixture *fixture, const char *request);
// Every record of a snapshot as JSON, a line each.
const char *listing_fixture_snapshot(struct listing_fixture *fixture);

// The last question was refused so.
void listing_fixture_refused(const struct listing_fixture *fixture, enum status_code code, const char *field);
