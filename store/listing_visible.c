// SPDX-License-Identifier: Apache-2.0
// DESIGN 1.3 ListVisibleChargePoints: what the customer's app shows. Whether the customer may pay does not matter.
#include "store/listing_impl.h"

#include <errno.h>

static int make_query(struct listing *listing, struct bytes customer_id, struct listing_query *ret_query,
		      struct fault *fault)
{
	struct record record;
	*ret_query = (struct listing_query){.method = "visible", .kind = OBJECT_KIND_CHARGE_POINT, .shown = true};
	id_fold(ID_FOLD_PLAIN, customer_id, &ret_query->customer);
	const struct bytes key = id_key_bytes(&ret_query->customer);
	const int error = listing_find(listing, OBJECT_KIND_CUSTOMER, key, &listing->work, &record);
	if (error == -ENOENT)
		return store_refuse(fault, STATUS_NOT_FOUND, "customer_id", "customer %.*s does not exist",
				    BYTES_ARG(customer_id));
	if (error != 0)
		return listing_fail(fault, error);
	id_fold(ID_FOLD_PLAIN, record.customer->user_group, &ret_query->customer_user_group);
	return 0;
}

static int make_response(const struct listing *listing, const struct listing_page *page, struct arena *arena,
			 struct list_visible_charge_points_response *ret_response)
{
	struct charge_point *points = arena_alloc(arena, page->records_count * sizeof(*points));
	if (points == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < page->records_count; i++)
		points[i] = *page->records[i].charge_point;
	*ret_response = (struct list_visible_charge_points_response){
		.charge_points = points,
		.charge_points_count = page->records_count,
		.next_page_token = page->next_page_token,
		.revision = listing->revision,
	};
	return 0;
}

int listing_visible(struct listing *listing, const struct list_visible_charge_points_request *request,
		    struct arena *arena, struct list_visible_charge_points_response *ret_response, struct fault *fault)
{
	const struct listing_limits limits = {.page_size = request->page_size, .page_token = request->page_token};
	struct listing_query query;
	struct listing_page page;
	int error = id_check(ID_FOLD_PLAIN, request->customer_id, "customer_id", fault);
	if (error == 0)
		error = listing_begin(listing, true, fault);
	if (error != 0)
		return error;
	error = make_query(listing, request->customer_id, &query, fault);
	if (error == 0)
		error = listing_page_fill(listing, &query, &limits, arena, &page, fault);
	listing_end(listing);
	if (error != 0)
		return error;
	error = make_response(listing, &page, arena, ret_response);
	return error != 0 ? listing_fail(fault, error) : 0;
}
