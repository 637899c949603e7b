// SPDX-License-Identifier: Apache-2.0
// A page token is base64url of: version, hash of the query, the position, CRC-32C of all that. It is no secret, only
// opaque; it holds on every replica and over restarts.
#include "store/listing_impl.h"

#include "base/crc32c.h"
#include "base/hash.h"

#include <errno.h>

enum {
	TOKEN_VERSION = 1,
	TOKEN_HEADER_SIZE = 1 + sizeof(uint64_t),
	TOKEN_FRAME_SIZE = TOKEN_HEADER_SIZE + sizeof(uint32_t),
	TOKEN_SIZE_MAX = TOKEN_FRAME_SIZE + DB_KEY_SIZE_MAX,
	TOKEN_TEXT_MAX = (TOKEN_SIZE_MAX * 4 + 2) / 3,
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t base64_encode(struct bytes source, char *ret_text)
{
	size_t size = 0;
	for (size_t i = 0; i < source.size; i += 3) {
		const size_t taken = source.size - i < 3 ? source.size - i : 3;
		unsigned char group[3] = {0};
		memcpy(group, source.data + i, taken);
		const uint32_t bits = (uint32_t)group[0] << 16 | (uint32_t)group[1] << 8 | group[2];
		for (size_t j = 0; j <= taken; j++)
			ret_text[size++] = alphabet[bits >> (18 - 6 * j) & 63];
	}
	return size;
}

// The number of bytes, or 0 for what base64_encode() does not make. `ret_bytes` holds TOKEN_SIZE_MAX.
static size_t base64_decode(struct bytes text, char *ret_bytes)
{
	if (text.size > TOKEN_TEXT_MAX || text.size % 4 == 1)
		return 0;
	uint32_t bits = 0;
	size_t size = 0;
	for (size_t i = 0; i < text.size; i++) {
		const char *digit = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;
		if (digit == NULL)
			return 0;
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		if (i % 4 != 0)
			ret_bytes[size++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	return size;
}

static uint64_t hash_of_query(const struct listing_query *query)
{
	const struct bytes parts[] = {
		bytes_from(query->method),    query->text, id_key_bytes(&query->group), id_key_bytes(&query->customer),
		id_key_bytes(&query->tariff),
	};
	uint64_t hash = (uint64_t)query->kind << 1 | query->unattached;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		hash = hash_bytes(parts[i].data ? parts[i].data : "", parts[i].size, hash + parts[i].size);
	return hash;
}

int listing_token_make(const struct listing_query *query, struct bytes position, struct arena *arena,
		       struct bytes *ret_token)
{
	char token[TOKEN_SIZE_MAX] = {TOKEN_VERSION};
	const uint64_t hash = hash_of_query(query);
	memcpy(token + 1, &hash, sizeof(hash));
	memcpy(token + TOKEN_HEADER_SIZE, position.data, position.size);
	const size_t size = TOKEN_HEADER_SIZE + position.size;
	const uint32_t crc = crc32c(0, token, size);
	memcpy(token + size, &crc, sizeof(crc));
	char *text = arena_alloc(arena, TOKEN_TEXT_MAX);
	if (text == NULL)
		return -ENOMEM;
	const struct bytes whole = {.data = token, .size = size + sizeof(crc)};
	*ret_token = (struct bytes){.data = text, .size = base64_encode(whole, text)};
	return 0;
}

// Also that `text` is the only way to write it: the last digit may have bits to spare.
static bool is_sound(struct bytes text, const char *token, size_t size)
{
	if (size <= TOKEN_FRAME_SIZE || size > TOKEN_SIZE_MAX || token[0] != TOKEN_VERSION)
		return false;
	char again[TOKEN_TEXT_MAX];
	const struct bytes whole = {.data = token, .size = size};
	uint32_t crc;
	memcpy(&crc, token + size - sizeof(crc), sizeof(crc));
	return crc == crc32c(0, token, size - sizeof(crc)) && base64_encode(whole, again) == text.size &&
	       memcmp(again, text.data, text.size) == 0;
}

int listing_token_read(const struct listing_query *query, struct bytes token, struct db_key *ret_position,
		       struct fault *fault)
{
	char bytes[TOKEN_SIZE_MAX + 3];
	ret_position->size = 0;
	if (bytes_is_empty(token))
		return 0;
	const size_t size = base64_decode(token, bytes);
	if (!is_sound(token, bytes, size))
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "page_token",
				    "page_token is malformed; give back next_page_token as it came");
	uint64_t hash;
	memcpy(&hash, bytes + 1, sizeof(hash));
	if (hash != hash_of_query(query))
		return store_refuse(fault, STATUS_INVALID_ARGUMENT, "page_token",
				    "page_token is of another query; start again without one");
	ret_position->size = size - TOKEN_FRAME_SIZE;
	memcpy(ret_position->data, bytes + TOKEN_HEADER_SIZE, ret_position->size);
	return 0;
}
