// SPDX-License-Identifier: Apache-2.0
#include "proto/codec_authorize.h"

#include "proto/codec.h"
#include "proto/limits.h"
#include "proto/methods.h"
#include "proto/utf8.h"
#include "proto/wire.h"

#include <endian.h>
#include <errno.h>

// ---------------------------------------------------------------- AuthorizeRequest

// False in the functions below: not an everyday body, ask the generic codec. Everyday bodies have tags and sizes of one
// byte, each field with its own wire type, strings of ASCII without NUL: the guard lets all of them through.

#define INLINE static inline __attribute__((always_inline))

INLINE bool take_string(struct wire_reader *reader, struct bytes *ret_text)
{
	if (UNLIKELY(reader->next == reader->end))
		return false;
	const size_t size = (uint8_t)*reader->next++;
	// From 128 on it would be the first byte of a longer size.
	if (UNLIKELY(size >= 0x80 || size > (size_t)(reader->end - reader->next)))
		return false;
	*ret_text = (struct bytes){.data = reader->next, .size = size};
	reader->next += size;
	return utf8_is_plain_ascii(*ret_text);
}

INLINE bool take_number(struct wire_reader *reader, uint64_t *ret_value)
{
	if (LIKELY(reader->next < reader->end && (uint8_t)*reader->next < 0x80)) {
		*ret_value = (uint8_t)*reader->next++;
		return true;
	}
	struct wire_reader rest = *reader; // a copy, so that the reader can stay in registers
	const bool result = wire_read_varint(&rest, ret_value);
	*reader = rest;
	return result;
}

INLINE bool take_word(struct wire_reader *reader, uint32_t *ret_value)
{
	uint64_t value = 0;
	const bool result = take_number(reader, &value);
	*ret_value = (uint32_t)value;
	return result;
}

INLINE bool take_true(struct wire_reader *reader, bool *ret_value)
{
	uint64_t value = 0;
	*ret_value = true;
	return take_number(reader, &value) && value == 1;
}

#define TAG(number, type) ((number) << 3 | (type))

// The one field whose tag has two bytes; this is the first.
enum { TAG_TIMEOUT = (TAG(FIELD_TIMEOUT_MS, WIRE_VARINT) & 0x7f) | 0x80 };

// Behind the first byte of its tag.
static bool take_timeout(struct wire_reader *reader, uint32_t *ret_timeout_ms)
{
	return reader->next < reader->end && *reader->next++ == TAG(FIELD_TIMEOUT_MS, WIRE_VARINT) >> 7 &&
	       take_word(reader, ret_timeout_ms);
}

static __attribute__((noinline)) bool take_issuer(struct wire_reader *reader, struct issuer *ret_issuer)
{
	struct bytes content;
	if (!take_string(reader, &content)) // a NUL or a byte above ASCII could only be in what is no everyday issuer
		return false;
	struct wire_reader parts = wire_reader_of(content);
	while (parts.next < parts.end) {
		const uint8_t tag = (uint8_t)*parts.next++;
		if (tag != TAG(1, WIRE_BYTES) && tag != TAG(2, WIRE_BYTES))
			return false;
		if (!take_string(&parts, tag == TAG(1, WIRE_BYTES) ? &ret_issuer->country_code : &ret_issuer->party_id))
			return false;
	}
	return true;
}

// What an everyday body says: values that the compiler keeps apart, so nothing here may take the whole's address. The
// issuer lies beside, as it is there in few of them.
struct quick_request {
	struct bytes token_uid, charge_point_id, evse_id;
	uint64_t at, min_revision;
	uint32_t token_type, purpose;
	bool explain, has_issuer;
};

INLINE bool take_field(struct wire_reader *reader, struct quick_request *quick, struct issuer *issuer)
{
	switch ((uint8_t)*reader->next++) {
	case TAG(1, WIRE_BYTES):
		return take_string(reader, &quick->token_uid);
	case TAG(2, WIRE_VARINT):
		return take_word(reader, &quick->token_type);
	case TAG(3, WIRE_BYTES):
		if (quick->has_issuer) // merging or refusing them is the generic codec's business
			return false;
		quick->has_issuer = true;
		return take_issuer(reader, issuer);
	case TAG(4, WIRE_BYTES):
		return take_string(reader, &quick->charge_point_id);
	case TAG(5, WIRE_BYTES):
		return take_string(reader, &quick->evse_id);
	case TAG(6, WIRE_VARINT):
		return take_number(reader, &quick->at);
	case TAG(7, WIRE_VARINT):
		return take_word(reader, &quick->purpose);
	case TAG(8, WIRE_VARINT):
		return take_number(reader, &quick->min_revision);
	case TAG(9, WIRE_VARINT):
		return take_true(reader, &quick->explain);
	default:
		return false;
	}
}

static __attribute__((noinline)) int decode_generically(struct bytes body, struct arena *arena,
							struct authorize_request *ret_request, struct fault *fault)
{
	struct authorize_request *request;
	const int result = codec_decode(&schema_authorize_request, CODEC_TOLERANT, body, arena, &request, fault);
	if (result == 0)
		*ret_request = *request;
	return result;
}

static __attribute__((noinline)) struct issuer *keep_issuer(const struct issuer *issuer, struct arena *arena)
{
	struct issuer *kept = arena_alloc(arena, sizeof(*kept));
	if (kept != NULL)
		*kept = *issuer;
	return kept;
}

// What stands last if it is there: out of the way of those who have none. `reader` is behind the first byte of a tag.
static __attribute__((noinline)) bool take_end(struct wire_reader reader, uint32_t *ret_timeout_ms)
{
	return (uint8_t)reader.next[-1] == TAG_TIMEOUT && take_timeout(&reader, ret_timeout_ms) &&
	       reader.next == reader.end;
}

// False: not an everyday body, or no memory for its issuer.
static bool decode_by_hand(struct bytes body, struct arena *arena, struct authorize_request *ret_request)
{
	struct wire_reader reader = wire_reader_of(body);
	struct quick_request quick = {.has_issuer = false};
	struct issuer issuer = {.country_code = {.size = 0}}, *kept = NULL;
	uint32_t timeout_ms = 0;
	while (reader.next < reader.end) {
		const char *start = reader.next;
		if (LIKELY(take_field(&reader, &quick, &issuer)))
			continue;
		reader.next = start + 1;
		if (!take_end(reader, &timeout_ms))
			return false;
		break;
	}
	if (quick.has_issuer && (kept = keep_issuer(&issuer, arena)) == NULL)
		return false;
	ret_request->token_uid = quick.token_uid;
	ret_request->token_type = (enum token_type)quick.token_type;
	ret_request->purpose = (enum purpose)quick.purpose;
	ret_request->issuer = kept;
	ret_request->charge_point_id = quick.charge_point_id;
	ret_request->evse_id = quick.evse_id;
	ret_request->at = (int64_t)quick.at;
	ret_request->min_revision = quick.min_revision;
	ret_request->explain = quick.explain;
	ret_request->timeout_ms = timeout_ms;
	return true;
}

int codec_decode_authorize_request(struct bytes body, struct arena *arena, struct authorize_request *ret_request,
				   struct fault *fault)
{
	if (LIKELY(decode_by_hand(body, arena, ret_request)))
		return 0;
	return decode_generically(body, arena, ret_request, fault);
}

// ---------------------------------------------------------------- AuthorizeBatchRequest

// The next request of an everyday batch: requests, each with a size of at most two bytes, and a time-out at its end.
static bool take_item(struct wire_reader *reader, struct bytes *ret_body)
{
	uint64_t size;
	if (*reader->next++ != TAG(1, WIRE_BYTES))
		return false;
	const char *start = reader->next;
	if (!wire_read_varint(reader, &size) || reader->next - start > 2 || size > (size_t)(reader->end - reader->next))
		return false;
	*ret_body = (struct bytes){.data = reader->next, .size = size};
	reader->next += size;
	return true;
}

static bool count_items(struct bytes body, size_t *ret_count, uint32_t *ret_timeout_ms)
{
	struct wire_reader reader = wire_reader_of(body);
	struct bytes item;
	size_t count = 0;
	for (; reader.next < reader.end && (uint8_t)*reader.next != TAG_TIMEOUT; count++)
		if (!take_item(&reader, &item))
			return false;
	if (reader.next < reader.end) {
		reader.next++;
		if (!take_timeout(&reader, ret_timeout_ms) || reader.next < reader.end)
			return false;
	}
	*ret_count = count;
	return count <= BATCH_REQUESTS_MAX; // the generic codec refuses more
}

static bool decode_batch_by_hand(struct bytes body, struct arena *arena, struct authorize_batch_request *ret_batch)
{
	struct wire_reader reader = wire_reader_of(body);
	struct bytes item;
	size_t count;
	uint32_t timeout_ms = 0;
	if (!count_items(body, &count, &timeout_ms))
		return false;
	struct authorize_request *requests = arena_alloc(arena, count * sizeof(*requests));
	if (requests == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_item(&reader, &item) || !decode_by_hand(item, arena, &requests[i]))
			return false;
	*ret_batch = (struct authorize_batch_request){
		.requests = count ? requests : NULL, .requests_count = count, .timeout_ms = timeout_ms};
	return true;
}

int codec_decode_authorize_batch_request(struct bytes body, struct arena *arena,
					 struct authorize_batch_request *ret_batch, struct fault *fault)
{
	struct authorize_batch_request *batch;
	if (LIKELY(decode_batch_by_hand(body, arena, ret_batch)))
		return 0;
	const int result = codec_decode(&schema_authorize_batch_request, CODEC_TOLERANT, body, arena, &batch, fault);
	if (result == 0)
		*ret_batch = *batch;
	return result;
}

// ---------------------------------------------------------------- AuthorizeResponse

// Counts, or writes as well: the functions below are inlined once for each, so that both follow the same lines.
struct sink {
	char *next; // writing only
	size_t size;
	bool is_writing;
};

static size_t varint_size(uint64_t value)
{
	return (size_t)(70 - __builtin_clzll(value | 1)) / 7;
}

// The usual instant of our time, without a loop: five bytes.
INLINE char *write_five(char *next, uint64_t value)
{
	const uint64_t spread = (value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 |
				(value & 0xfe00000) << 3 | 0x80808080;
	const uint32_t low = htole32((uint32_t)spread);
	memcpy(next, &low, sizeof(low));
	next[4] = (char)(value >> 28);
	return next + 5;
}

INLINE void put_varint(struct sink *sink, uint64_t value)
{
	if (!sink->is_writing) {
		sink->size += varint_size(value);
		return;
	}
	if (value >> 28 != 0 && value >> 35 == 0) {
		sink->next = write_five(sink->next, value);
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

// Sizes are nearly always one byte.
INLINE void put_size(struct sink *sink, size_t size)
{
	if (sink->is_writing && LIKELY(size < 0x80))
		*sink->next++ = (char)size;
	else
		put_varint(sink, size);
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

// At least one byte. Ids are short, and a call of memcpy() costs more than they do: the two halves may overlap.
INLINE char *copy_text(char *to, struct bytes text)
{
	const size_t size = text.size;
	if (LIKELY(size - 8 <= 8)) {
		memcpy(to, text.data, 8);
		memcpy(to + size - 8, text.data + size - 8, 8);
	} else if (size >= 4 && size < 8) {
		memcpy(to, text.data, 4);
		memcpy(to + size - 4, text.data + size - 4, 4);
	} else if (size < 4) {
		to[0] = text.data[0];
		to[size / 2] = text.data[size / 2];
		to[size - 1] = text.data[size - 1];
	} else {
		memcpy(to, text.data, size);
	}
	return to + size;
}

INLINE void put_string(struct sink *sink, unsigned number, struct bytes text)
{
	if (text.size == 0)
		return;
	put_tag(sink, number, WIRE_BYTES);
	put_size(sink, text.size);
	if (sink->is_writing)
		sink->next = copy_text(sink->next, text);
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
	put_size(sink, inner.size);
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
	put_size(sink, inner.size);
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
	put_size(sink, inner.size);
	put_error_fields(sink, error);
}

// In the order of the numbers, as protobuf-c writes them.
INLINE void put_fields(struct sink *sink, const struct authorize_response *response, bool is_plain)
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
	for (size_t i = 0; !is_plain && i < response->explanation_count; i++)
		put_step(sink, 16, &response->explanation[i]);
	put_string(sink, 17, response->token_uid);
	put_enum(sink, 18, (int32_t)response->token_type);
	put_string(sink, 19, response->charge_point_id);
	put_string(sink, 20, response->location_id);
	put_number(sink, 21, (uint64_t)response->decided_at);
	if (!is_plain && response->error != NULL)
		put_error(sink, 22, response->error);
}

INLINE void put_response(struct sink *sink, const struct authorize_response *response)
{
	put_fields(sink, response, false);
}

INLINE void put_plain(struct sink *sink, const struct authorize_response *response)
{
	put_fields(sink, response, true);
}

static bool is_plain(const struct authorize_response *response)
{
	return response->explanation_count == 0 && response->error == NULL;
}

// No less than the size of a plain response.
static size_t size_at_most(const struct authorize_response *response)
{
	enum { FIELDS = 24, FIELD_FRAME_MAX = 2 + 10 }; // a tag, and a number or the size of a string
	const size_t issuer =
		response->issuer ? response->issuer->country_code.size + response->issuer->party_id.size : 0;
	return FIELDS * FIELD_FRAME_MAX + issuer + response->charge_group_id.size + response->customer_id.size +
	       response->contract_id.size + response->tariff_id.size + response->parent_id.size +
	       response->ocpi_allowed.size + response->ocpp16_status.size + response->ocpp2_status.size +
	       response->token_uid.size + response->charge_point_id.size + response->location_id.size;
}

// Writes it without counting first: there is room for more than it can take.
static size_t write_plain(const struct authorize_response *response, char *buffer)
{
	struct sink sink = {.next = buffer, .is_writing = true};
	put_plain(&sink, response);
	return (size_t)(sink.next - buffer);
}

// The same with everything: there is room for what was counted.
static size_t write_response(const struct authorize_response *response, char *buffer)
{
	struct sink sink = {.next = buffer, .is_writing = true};
	put_response(&sink, response);
	return (size_t)(sink.next - buffer);
}

static __attribute__((noinline)) size_t count_and_write(const struct authorize_response *response, char *buffer,
							size_t size)
{
	struct sink counted = {0};
	put_response(&counted, response);
	return counted.size <= size ? write_response(response, buffer) : counted.size;
}

size_t codec_encode_authorize_response(const struct authorize_response *response, char *buffer, size_t size)
{
	if (LIKELY(is_plain(response) && size_at_most(response) <= size))
		return write_plain(response, buffer);
	return count_and_write(response, buffer, size);
}

// ---------------------------------------------------------------- AuthorizeBatchResponse

enum { ITEM_HEADER_SIZE = 3 }; // the tag, and a size of 128 to 16383 in two bytes, as nearly all have

// Writes the body first, where it nearly always belongs, and its size when that is known.
static size_t write_short_item(const struct authorize_response *response, char *buffer)
{
	const size_t size = write_plain(response, buffer + ITEM_HEADER_SIZE);
	buffer[0] = TAG(1, WIRE_BYTES);
	if (UNLIKELY(size < 0x80)) {
		buffer[1] = (char)size;
		memmove(buffer + 2, buffer + ITEM_HEADER_SIZE, size);
		return 2 + size;
	}
	buffer[1] = (char)(size | 0x80);
	buffer[2] = (char)(size >> 7);
	return ITEM_HEADER_SIZE + size;
}

static __attribute__((noinline)) size_t count_and_write_item(const struct authorize_response *response, char *buffer,
							     size_t size)
{
	struct sink counted = {0};
	put_response(&counted, response);
	const size_t body_size = counted.size, item_size = 1 + varint_size(body_size) + body_size;
	if (item_size > size)
		return item_size;
	struct sink header = {.next = buffer, .is_writing = true};
	put_tag(&header, 1, WIRE_BYTES);
	put_varint(&header, body_size);
	return (size_t)(header.next - buffer) + write_response(response, header.next);
}

size_t codec_encode_authorize_item(const struct authorize_response *response, char *buffer, size_t size)
{
	const size_t at_most = is_plain(response) ? size_at_most(response) : SIZE_MAX;
	if (LIKELY(at_most < 0x4000 && ITEM_HEADER_SIZE + at_most <= size))
		return write_short_item(response, buffer);
	return count_and_write_item(response, buffer, size);
}
