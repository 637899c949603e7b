// SPDX-License-Identifier: Apache-2.0
#include "daemon/rpc/rpc.h"
#include "daemon/tariff/tariff_choice.h"

#include <errno.h>

uint64_t get_tariff_min_revision(const void *request)
{
	return ((const struct get_tariff_request *)request)->min_revision;
}

// Tariffs are kept encoded, so that they are copied only when somebody asks for one.
static int decode_tariff(const struct tariff_body *body, struct arena *arena, struct tariff **ret_tariff,
			 struct fault *fault)
{
	const struct bytes bytes = {.data = body->data, .size = body->size};
	void *tariff;
	struct fault broken = {0};
	const int result = codec_decode(&schema_tariff, CODEC_TOLERANT, bytes, arena, &tariff, &broken);
	if (result == 0)
		*ret_tariff = tariff;
	else if (result != -ENOMEM)
		fault_set(fault, STATUS_INTERNAL, NULL, "the stored tariff cannot be read: %s", broken.message);
	return result;
}

// The token's issuer is kept as one string: two letters of country_code, then the party_id.
static int set_issuer(const struct image *image, uint32_t token, struct arena *arena,
		      struct get_tariff_response *response)
{
	const struct token_record *record = image_token(image, token);
	if ((record->flags & TOKEN_FOREIGN) == 0)
		return 0;
	const struct bytes owner = image_string(image, record->owner);
	response->issuer = arena_calloc(arena, 1, sizeof(*response->issuer));
	if (response->issuer == NULL)
		return -ENOMEM;
	response->issuer->country_code = (struct bytes){.data = owner.data, .size = 2};
	response->issuer->party_id = (struct bytes){.data = owner.data + 2, .size = owner.size - 2};
	return 0;
}

bool get_tariff_asks_for_token(const void *request)
{
	return !bytes_is_empty(((const struct get_tariff_request *)request)->token_uid);
}

int method_get_tariff(struct worker *worker, const void *request, const void **ret_response, struct fault *fault)
{
	const struct image *image = worker_image(worker);
	struct arena *arena = &worker->arena;
	struct tariff_choice choice;
	int result = tariff_choice_find(image, request, &choice, fault);
	if (result != 0)
		return result;
	if (choice.token == 0 && get_tariff_asks_for_token(request))
		worker->unknown_tokens++;
	struct get_tariff_response *response = arena_calloc(arena, 1, sizeof(*response));
	if (response == NULL)
		return -ENOMEM;
	response->source = choice.source;
	response->caller_class = choice.caller_class;
	response->charge_group_id = image_id(image, &image_group(image, choice.group)->id);
	if (choice.customer != 0)
		response->customer_id = image_id(image, &image_customer(image, choice.customer)->id);
	response->revision = image->revision;
	if (choice.token != 0)
		result = set_issuer(image, choice.token, arena, response);
	if (result == 0)
		result = decode_tariff(image_tariff(image, choice.tariff)->body, arena, &response->tariff, fault);
	*ret_response = response;
	return result;
}
