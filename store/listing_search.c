// SPDX-License-Identifier: Apache-2.0
#include "store/listing_impl.h"

#include "proto/utf8.h"

#include <errno.h>

static int check_text(struct bytes text, struct fault *fault)
{
	if (text.size > SEARCH_TEXT_MAX)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "text", "text is longer than %d bytes",
				    SEARCH_TEXT_MAX);
	if (!bytes_is_empty(text) && !utf8_is_text(text))
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "text", "text is not UTF-8");
	return 0;
}

// A filter that means nothing for this kind of object would be ignored, and the answer misread.
static int check_filters(const struct listing_kind *kind, const struct search_request *request, struct fault *fault)
{
	const struct {
		unsigned filter;
		bool is_set;
		const char *field;
	} filters[] = {
		{LISTING_BY_GROUP, !bytes_is_empty(request->charge_group_id), "charge_group_id"},
		{LISTING_BY_CUSTOMER, !bytes_is_empty(request->customer_id), "customer_id"},
		{LISTING_BY_TARIFF, !bytes_is_empty(request->tariff_id), "tariff_id"},
		{LISTING_BY_ATTACHMENT, request->unattached, "unattached"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].is_set && (kind->filters & filters[i].filter) == 0)
			return store_refuse(fault, STATUS_INVALID_ARGUMENT, filters[i].field,
					    "a %s cannot be searched by %s", kind->name, filters[i].field);
	return 0;
}

static int make_query(const struct search_request *request, struct listing_query *ret_query, struct fault *fault)
{
	const struct listing_kind *kind = listing_kind_get(request->kind);
	if (kind == NULL)
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "kind", "kind must be one of TARIFF to MEMBERSHIP");
	*ret_query = (struct listing_query){
		.method = "search",
		.kind = request->kind,
		.text = request->text,
		.unattached = request->unattached,
	};
	int error = check_text(request->text, fault);
	if (error == 0)
		error = check_filters(kind, request, fault);
	if (error == 0)
		error = listing_filter(request->charge_group_id, "charge_group_id", &ret_query->group, fault);
	if (error == 0)
		error = listing_filter(request->customer_id, "customer_id", &ret_query->customer, fault);
	if (error == 0)
		error = listing_filter(request->tariff_id, "tariff_id", &ret_query->tariff, fault);
	return error;
}

static int check_relations(struct listing *listing, const struct listing_query *query, struct fault *fault)
{
	int error = listing_check_exists(listing, OBJECT_KIND_CHARGE_GROUP, &query->group, "charge_group_id", fault);
	if (error == 0)
		error = listing_check_exists(listing, OBJECT_KIND_CUSTOMER, &query->customer, "customer_id", fault);
	if (error == 0)
		error = listing_check_exists(listing, OBJECT_KIND_TARIFF, &query->tariff, "tariff_id", fault);
	return error;
}

int listing_search(struct listing *listing, const struct search_request *request, struct arena *arena,
		   struct search_response *ret_response, struct fault *fault)
{
	const struct listing_limits limits = {.page_size = request->page_size, .page_token = request->page_token};
	struct listing_query query;
	struct listing_page page;
	int error = make_query(request, &query, fault);
	if (error == 0)
		error = listing_begin(listing, listing_needs_image(&query), fault);
	if (error != 0)
		return error;
	error = check_relations(listing, &query, fault);
	if (error == 0)
		error = listing_page_fill(listing, &query, &limits, arena, &page, fault);
	listing_end(listing);
	if (error != 0)
		return error;
	*ret_response = (struct search_response){
		.records = page.records,
		.records_count = page.records_count,
		.next_page_token = page.next_page_token,
		.revision = listing->revision,
	};
	return 0;
}
