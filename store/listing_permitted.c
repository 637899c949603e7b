// SPDX-License-Identifier: Apache-2.0
// DESIGN 1.3 ListPermitted: who may charge at a point, and what each would pay (1.2 "Tariff of an allowed caller").
#include "store/listing_impl.h"

#include <errno.h>

struct permitted {
	struct listing *listing;
	const struct list_permitted_request *request;
	struct arena *arena;
	struct fault *fault;
	struct listing_query query;
	struct charge_group *group; // NULL: the point is in none
	struct listing_page page;
	struct list_permitted_response response;
};

// ---------------------------------------------------------------- the place

static int check_request(const struct list_permitted_request *request, struct fault *fault)
{
	if (bytes_is_empty(request->charge_point_id) && bytes_is_empty(request->evse_id))
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "charge_point_id",
				    "name a charge point by charge_point_id or evse_id");
	int error = id_check_optional(ID_FOLD_PLAIN, request->charge_point_id, "charge_point_id", fault);
	if (error == 0)
		error = id_check_optional(ID_FOLD_EVSE, request->evse_id, "evse_id", fault);
	return error != 0 ? error : listing_check_page_size(request->page_size, fault);
}

static int find_point(struct permitted *permitted, uint32_t *ret_point)
{
	const struct image *image = permitted->listing->image;
	const struct list_permitted_request *request = permitted->request;
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, request->charge_point_id, &key);
	const uint32_t point = image_find(image, IMAGE_POINTS, &key);
	if (!bytes_is_empty(request->charge_point_id) && point == 0)
		return store_refuse(permitted->fault, STATUS_NOT_FOUND, "charge_point_id",
				    "charge point %.*s does not exist", BYTES_ARG(request->charge_point_id));
	*ret_point = point;
	if (bytes_is_empty(request->evse_id))
		return 0;
	id_fold(ID_FOLD_EVSE, request->evse_id, &key);
	const uint32_t evse = image_find(image, IMAGE_EVSES, &key);
	if (evse == 0 || (point != 0 && image_evse(image, evse)->point != point))
		return store_refuse(permitted->fault, STATUS_NOT_FOUND, "evse_id", "EVSE %.*s does not exist%s",
				    BYTES_ARG(request->evse_id), point ? " at this charge point" : "");
	*ret_point = image_evse(image, evse)->point;
	return 0;
}

static int find_group(struct permitted *permitted)
{
	struct listing *listing = permitted->listing;
	uint32_t point = 0;
	const int error = find_point(permitted, &point);
	if (error != 0)
		return error;
	const uint32_t group = image_point(listing->image, point)->group;
	if (group != 0)
		id_fold(ID_FOLD_PLAIN, image_id(listing->image, &image_group(listing->image, group)->id),
			&permitted->query.group);
	listing_unpin(listing);
	return 0;
}

static int read_group(struct permitted *permitted)
{
	struct record record;
	if (permitted->query.group.size == 0)
		return 0;
	int error = listing_find(permitted->listing, OBJECT_KIND_CHARGE_GROUP, id_key_bytes(&permitted->query.group),
				 permitted->arena, &record);
	if (error == 0)
		error = listing_respell(permitted->listing, permitted->arena, &record);
	if (error != 0)
		return listing_fail(permitted->fault, error == -ENOENT ? -EBADMSG : error);
	permitted->group = record.charge_group;
	return 0;
}

// ---------------------------------------------------------------- customers

static int read_customer(struct permitted *permitted, const struct membership *membership,
			 struct permitted_customer *ret_customer)
{
	const struct charge_group *group = permitted->group;
	struct id_key key;
	struct record record;
	id_fold(ID_FOLD_PLAIN, membership->customer_id, &key);
	const int error =
		listing_find(permitted->listing, OBJECT_KIND_CUSTOMER, id_key_bytes(&key), permitted->arena, &record);
	if (error != 0)
		return error == -ENOENT ? -EBADMSG : error;
	const struct customer *customer = record.customer;
	*ret_customer = (struct permitted_customer){
		.customer_id = customer->id,
		.name = customer->name,
		.blocked = customer->blocked,
		.no_credit = customer->no_credit,
		.tariff_id = group->tariff_id,
		.tariff_source = TARIFF_SOURCE_GROUP,
	};
	if (!bytes_is_empty(membership->tariff_id)) {
		ret_customer->tariff_id = membership->tariff_id;
		ret_customer->tariff_source = TARIFF_SOURCE_OVERRIDE;
	} else if (customer->payment == PAYMENT_PREPAID && !bytes_is_empty(group->prepaid_tariff_id)) {
		ret_customer->tariff_id = group->prepaid_tariff_id;
		ret_customer->tariff_source = TARIFF_SOURCE_PREPAID;
	}
	return 0;
}

static int read_customers(struct permitted *permitted)
{
	struct list_permitted_response *response = &permitted->response;
	const struct listing_page *page = &permitted->page;
	response->customers = arena_alloc(permitted->arena, page->records_count * sizeof(*response->customers));
	if (response->customers == NULL)
		return -ENOMEM;
	int error = 0;
	for (size_t i = 0; i < page->records_count && error == 0; i++)
		error = read_customer(permitted, page->records[i].membership, &response->customers[i]);
	response->customers_count = page->records_count;
	return error;
}

// ---------------------------------------------------------------- classes of callers

static struct permitted_class *make_class(struct permitted *permitted, bool is_permitted, bool pays_prepaid)
{
	const struct charge_group *group = permitted->group;
	struct permitted_class *class = arena_calloc(permitted->arena, 1, sizeof(*class));
	if (class == NULL || group == NULL || !is_permitted)
		return class;
	const bool is_prepaid = pays_prepaid && !bytes_is_empty(group->prepaid_tariff_id);
	class->permitted = true;
	class->tariff_id = is_prepaid ? group->prepaid_tariff_id : group->tariff_id;
	return class;
}

static int make_classes(struct permitted *permitted)
{
	const struct charge_group *group = permitted->group;
	struct list_permitted_response *response = &permitted->response;
	const bool roaming = group && group->open_to_roaming;
	const bool customers = roaming || (group && group->open_to_all_customers);
	response->all_customers = make_class(permitted, customers, false);
	response->all_prepaid_customers = make_class(permitted, customers, true);
	response->roaming = make_class(permitted, roaming, false);
	response->direct_payment = make_class(permitted, roaming, true);
	return response->all_customers && response->all_prepaid_customers && response->roaming &&
			       response->direct_payment
		       ? 0
		       : -ENOMEM;
}

// ---------------------------------------------------------------- the answer

// A point in no group has no page to go on with either: a token cannot be of this query.
static int read_page(struct permitted *permitted)
{
	const struct listing_limits limits = {
		.page_size = permitted->request->page_size,
		.page_token = permitted->request->page_token,
	};
	return listing_page_fill(permitted->listing, &permitted->query, &limits, permitted->arena, &permitted->page,
				 permitted->fault);
}

static int list(struct permitted *permitted)
{
	int error = find_group(permitted);
	if (error == 0)
		error = read_group(permitted);
	if (error == 0 && permitted->group != NULL)
		error = read_page(permitted);
	if (error != 0)
		return error;
	error = read_customers(permitted);
	if (error == 0)
		error = make_classes(permitted);
	if (error != 0)
		return listing_fail(permitted->fault, error);
	if (permitted->group != NULL)
		permitted->response.charge_group_id = permitted->group->id;
	permitted->response.next_page_token = permitted->page.next_page_token;
	permitted->response.revision = permitted->listing->revision;
	return 0;
}

int listing_permitted(struct listing *listing, const struct list_permitted_request *request, struct arena *arena,
		      struct list_permitted_response *ret_response, struct fault *fault)
{
	struct permitted permitted = {
		.listing = listing,
		.request = request,
		.arena = arena,
		.fault = fault,
		.query = {.method = "permitted", .kind = OBJECT_KIND_MEMBERSHIP},
	};
	int error = check_request(request, fault);
	if (error == 0)
		error = listing_begin(listing, true, fault);
	if (error != 0)
		return error;
	error = list(&permitted);
	listing_end(listing);
	if (error == 0)
		*ret_response = permitted.response;
	return error;
}
