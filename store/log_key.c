// SPDX-License-Identifier: Apache-2.0
#include "store/log_impl.h"

#include <endian.h>
#include <errno.h>

static void put_revision(char *data, uint64_t revision)
{
	const uint64_t big = htobe64(revision);
	memcpy(data, &big, sizeof(big));
}

static void put_chunk(char *data, uint32_t chunk)
{
	const uint32_t big = htobe32(chunk);
	memcpy(data, &big, sizeof(big));
}

struct log_key log_key_make(uint64_t revision, uint32_t chunk)
{
	struct log_key key;
	put_revision(key.data, revision);
	put_chunk(key.data + sizeof(revision), chunk);
	return key;
}

struct log_orphan_key log_orphan_key_make(uint64_t revision, const struct id128 *nonce, uint32_t chunk)
{
	struct log_orphan_key key;
	put_revision(key.data, revision);
	memcpy(key.data + sizeof(revision), nonce->data, sizeof(nonce->data));
	put_chunk(key.data + sizeof(revision) + sizeof(nonce->data), chunk);
	return key;
}

int log_key_read(struct bytes key, uint64_t *ret_revision, uint32_t *ret_chunk)
{
	uint64_t revision;
	uint32_t chunk;
	if (key.size != LOG_KEY_SIZE && key.size != LOG_ORPHAN_KEY_SIZE)
		return -EBADMSG;
	memcpy(&revision, key.data, sizeof(revision));
	memcpy(&chunk, key.data + key.size - sizeof(chunk), sizeof(chunk));
	*ret_revision = be64toh(revision);
	*ret_chunk = be32toh(chunk);
	return 0;
}

int log_head_read(struct bytes value, struct log_head *ret_head)
{
	struct log_head head;
	if (value.size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, value.data, sizeof(head));
	if (head.size < sizeof(head) || head.size > UINT32_MAX || value.size > head.size)
		return -EBADMSG;
	*ret_head = head;
	return 0;
}

int log_row_read(const struct db_record *row, uint64_t *ret_revision, uint32_t *ret_chunk, struct log_head *ret_head)
{
	const int result = log_key_read(row->key, ret_revision, ret_chunk);
	return result == 0 && *ret_chunk == 0 ? log_head_read(row->value, ret_head) : result;
}
