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

bool get_asks_for_token(const void *request)
{
	return ((const struct get_request *)request)->kind == OBJECT_KIND_TOKEN;
}

bool search_asks_for_token(const void *request)
{
	const struct search_request *search = request;
	return search->kind == OBJECT_KIND_TOKEN && !bytes_is_empty(search->text);
}

bool search_found_none(const void *response)
{
	const struct search_response *found = response;
	return found->records_count == 0 && bytes_is_empty(found->next_page_token);
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
