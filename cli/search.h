// SPDX-License-Identifier: Apache-2.0
// Records page by page, and how lists of them look.
#pragma once

#include "cli/context.h"
#include "cli/table.h"

// Calls `each` for every record found, in the order of listings; the record is gone after it returns. 0, a negative
// errno of libevauth (context_fail() says it), or the first negative result of `each`. *ret_revision: the last page's.
struct search {
	struct search_request request; // page_token and page_size are ours
	int (*each)(void *context, const struct record *record);
	void *context;
	uint64_t revision; // out
};
MUST_CHECK int search_run(struct evauth_client *client, struct search *search);

// The columns of a kind of object.
const char *const *search_titles(enum object_kind kind);
// Adds a record as a row under these titles. -ENOMEM; -EPROTO for a record of another kind.
MUST_CHECK int search_add_row(struct table *table, enum object_kind kind, const struct record *record);

// Prints what a search finds: a table and its length, or {"records": [...], "revision": "..."}.
enum exit_code search_print(struct context *context, const struct search_request *request);
