// SPDX-License-Identifier: Apache-2.0
#include "proto/codec_authorize.h"

#include "proto/codec.h"
#include "proto/utf8.h"
#include "proto/wire.h"

#include <errno.h>

// ---------------------------------------------------------------- AuthorizeRequest

// False in the functions below: not an everyday body, ask the generic codec.

static bool take_string(const struct wire_field *field, struct bytes *ret_text)
{
	if (field->type != WIRE_BYTES || !utf8_is_plain_ascii(field->content))
		return false;
	*ret_text = field->content;
	return true;
}

static bool take_number(const struct wire_field *field, uint64_t *ret_value)
{
	*ret_value = field->varint;
	return field->type == WIRE_VARINT;
}

static bool take_word(const struct wire_field *field, uint32_t *ret_value)
{
	*ret_value = (uint32_t)field->varint;
	return field->type == WIRE_VARINT;
}

static bool take_true(const struct wire_field *field, bool *ret_value)
{
	*ret_value = true;
	return field->type == WIRE_VARINT && field->varint == 1;
}

static bool take_issuer(const struct wire_field *field, struct issuer *ret_issuer)
{
	if (field->type != WIRE_BYTES)
		return false;
	struct wire_reader reader = wire_reader_of(field->content);
	while (reader.next < reader.end) {
		struct wire_field part;
		if (wire_read_field(&reader, &part) != NULL || part.number < 1 || part.number > 2)
			return false;
		if (!take_string(&part, part.number == 1 ? &ret_issuer->country_code : &ret_issuer->party_id))
			return false;
	}
	return true;
}

// What an everyday body says. The issuer lies beside, as it is there in few of them.
struct quick_request {
	struct authorize_request request;
	struct issuer issuer;
	bool has_issuer;
	uint32_t token_type, purpose;
	uint64_t at;
};

static bool take_field(const struct wire_field *field, struct quick_request *quick)
{
	switch (field->number) {
	case 1:
		return take_string(field, &quick->request.token_uid);
	case 2:
		return take_word(field, &quick->token_type);
	case 3:
		if (quick->has_issuer) // merging or refusing them is the generic codec's business
			return false;
		quick->has_issuer = true;
		return take_issuer(field, &quick->issuer);
	case 4:
		return take_string(field, &quick->request.charge_point_id);
	case 5:
		return take_string(field, &quick->request.evse_id);
	case 6:
		return take_number(field, &quick->at);
	case 7:
		return take_word(field, &quick->purpose);
	case 8:
		return take_number(field, &quick->request.min_revision);
	case 9:
		return take_true(field, &quick->request.explain);
	default:
		return false;
	}
}

static bool decode_quickly(struct bytes body, struct quick_request *quick)
{
	struct wire_reader reader = wire_reader_of(body);
	while (reader.next < reader.end) {
		struct wire_field field;
		if (UNLIKELY(wire_read_field(&reader, &field) != NULL || !take_field(&field, quick)))
			return false;
	}
	quick->request.token_type = (enum token_type)quick->token_type;
	quick->request.purpose = (enum purpose)quick->purpose;
	quick->request.at = (int64_t)quick->at;
	return true;
}

static int decode_generically(struct bytes body, struct arena *arena, struct authorize_request *ret_request,
			      struct fault *fault)
{
	struct authorize_request *request;
	const int result = codec_decode(&schema_authorize_request, CODEC_TOLERANT, body, arena, &request, fault);
	if (result == 0)
		*ret_request = *request;
	return result;
}

int codec_decode_authorize_request(struct bytes body, struct arena *arena, struct authorize_request *ret_request,
				   struct fault *fault)
{
	struct quick_request quick = {0};
	if (UNLIKELY(!decode_quickly(body, &quick)))
		return decode_generically(body, arena, ret_request, fault);
	if (quick.has_issuer) {
		quick.request.issuer = arena_alloc(arena, sizeof(quick.issuer));
		if (quick.request.issuer == NULL)
			return decode_generically(body, arena, ret_request, fault);
		*quick.request.issuer = quick.issuer;
	}
	*ret_request = quick.request;
	return 0;
}

// ---------------------------------------------------------------- AuthorizeResponse

// Counts, or writes as well: the functions below are inlined once for each, so that both follow the same lines.
struct sink {
	char *next; // writing only
	size_t size;
	bool is_writing;
};

#define INLINE static inline __attribute__((always_inline))

static size_t varint_size(uint64_t value)
{
	return (size_t)(70 - __builtin_clzll(value | 1)) / 7;
}

INLINE void put_varint(struct sink *sink, uint64_t value)
{
	if (!sink->is_writing) {
		sink->size += varint_size(value);
		return;
	}
	while (value >= 0x80) {
		*sink->next++ = (char)(value | 0x80);
		value >>= 7;
	}
	*sink->next++ = (char)value;
}

INLINE void put_tag(struct sink *sink, unsigned number, enum wire_type type)
{
	put_varint(sink, number << 3 | type);
}

// Zero and empty are the default: they are not written.
INLINE void put_number(struct sink *sink, unsigned number, uint64_t value)
{
	if (value == 0)
		return;
	put_tag(sink, number, WIRE_VARINT);
	put_varint(sink, value);
}

// Negative ones, which no schema has, are 10 bytes long.
INLINE void put_enum(struct sink *sink, unsigned number, int32_t value)
{
	put_number(sink, number, (uint64_t)(int64_t)value);
}

INLINE void put_string(struct sink *sink, unsigned number, struct bytes text)
{
	if (text.size == 0)
		return;
	put_tag(sink, number, WIRE_BYTES);
	put_varint(sink, text.size);
	if (sink->is_writing)
		sink->next = (char *)memcpy(sink->next, text.data, text.size) + text.size;
	else
		sink->size += text.size;
}

INLINE void put_issuer_fields(struct sink *sink, const struct issuer *issuer)
{
	put_string(sink, 1, issuer->country_code);
	put_string(sink, 2, issuer->party_id);
}

INLINE void put_issuer(struct sink *sink, unsigned number, const struct issuer *issuer)
{
	struct sink inner = {0};
	put_issuer_fields(&inner, issuer);
	put_tag(sink, number, WIRE_BYTES);
	put_varint(sink, inner.size);
	put_issuer_fields(sink, issuer);
}

INLINE void put_step_fields(struct sink *sink, const struct explanation_step *step)
{
	put_string(sink, 1, step->rule);
	put_number(sink, 2, step->decided);
	put_string(sink, 3, step->object);
	put_string(sink, 4, step->field);
	put_string(sink, 5, step->text);
}

INLINE void put_step(struct sink *sink, unsigned number, const struct explanation_step *step)
{
	struct sink inner = {0};
	put_step_fields(&inner, step);
	put_tag(sink, number, WIRE_BYTES);
	put_varint(sink, inner.size);
	put_step_fields(sink, step);
}

INLINE void put_error_fields(struct sink *sink, const struct error_message *error)
{
	put_number(sink, 1, error->code);
	put_string(sink, 2, error->message);
	put_string(sink, 3, error->field);
	put_number(sink, 4, error->change_number);
	put_number(sink, 5, error->retry_after_ms);
}

INLINE void put_error(struct sink *sink, unsigned number, const struct error_message *error)
{
	struct sink inner = {0};
	put_error_fields(&inner, error);
	put_tag(sink, number, WIRE_BYTES);
	put_varint(sink, inner.size);
	put_error_fields(sink, error);
}

// In the order of the numbers, as protobuf-c writes them.
INLINE void put_response(struct sink *sink, const struct authorize_response *response)
{
	put_enum(sink, 1, (int32_t)response->verdict);
	put_enum(sink, 2, (int32_t)response->reason);
	put_enum(sink, 3, (int32_t)response->access);
	put_enum(sink, 4, (int32_t)response->offline_verdict);
	put_string(sink, 5, response->charge_group_id);
	put_string(sink, 6, response->customer_id);
	if (response->issuer != NULL)
		put_issuer(sink, 7, response->issuer);
	put_string(sink, 8, response->contract_id);
	put_string(sink, 9, response->tariff_id);
	put_string(sink, 10, response->parent_id);
	put_number(sink, 11, (uint64_t)response->valid_until);
	put_number(sink, 12, response->revision);
	put_string(sink, 13, response->ocpi_allowed);
	put_string(sink, 14, response->ocpp16_status);
	put_string(sink, 15, response->ocpp2_status);
	for (size_t i = 0; i < response->explanation_count; i++)
		put_step(sink, 16, &response->explanation[i]);
	put_string(sink, 17, response->token_uid);
	put_enum(sink, 18, (int32_t)response->token_type);
	put_string(sink, 19, response->charge_point_id);
	put_string(sink, 20, response->location_id);
	put_number(sink, 21, (uint64_t)response->decided_at);
	if (response->error != NULL)
		put_error(sink, 22, response->error);
}

size_t codec_encode_authorize_response(const struct authorize_response *response, char *buffer, size_t size)
{
	struct sink counted = {0};
	put_response(&counted, response);
	if (counted.size <= size) {
		struct sink written = {.next = buffer, .is_writing = true};
		put_response(&written, response);
	}
	return counted.size;
}
