// SPDX-License-Identifier: Apache-2.0
// Get, Search and the lists: between the table's rows and store/listing.h. On the lister's thread, but for the
// min_revision ones.
#include "daemon/rpc/rpc.h"

#include <errno.h>

uint64_t get_min_revision(const void *request)
{
	return ((const struct get_request *)request)->min_revision;
}

uint64_t search_min_revision(const void *request)
{
	return ((const struct search_request *)request)->min_revision;
}

uint64_t list_visible_min_revision(const void *request)
{
	return ((const struct list_visible_charge_points_request *)request)->min_revision;
}

uint64_t list_permitted_min_revision(const void *request)
{
	return ((const struct list_permitted_request *)request)->min_revision;
}

int method_get(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
	       struct fault *fault)
{
	struct record *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	return response ? listing_get(lister_listing(lister), request, arena, response, fault) : -ENOMEM;
}

int method_search(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
		  struct fault *fault)
{
	struct search_response *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	return response ? listing_search(lister_listing(lister), request, arena, response, fault) : -ENOMEM;
}

int method_list_visible(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
			struct fault *fault)
{
	struct list_visible_charge_points_response *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	return response ? listing_visible(lister_listing(lister), request, arena, response, fault) : -ENOMEM;
}

int method_list_permitted(struct lister *lister, const void *request, struct arena *arena, const void **ret_response,
			  struct fault *fault)
{
	struct list_permitted_response *response = arena_calloc(arena, 1, sizeof(*response));
	*ret_response = response;
	return response ? listing_permitted(lister_listing(lister), request, arena, response, fault) : -ENOMEM;
}
