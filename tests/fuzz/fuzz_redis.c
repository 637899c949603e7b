// SPDX-License-Identifier: Apache-2.0
// What a server sends, in pieces as a socket gives them, read as every answer about the log. The first byte is the size
// of a piece.
#include "daemon/feed/redis_parse.h"
#include "daemon/feed/redis_reader.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

enum { REPLY_MAX = 64 * 1024, OBJECTS_MAX = 4096, AFTER = 4 };

static void check_entry(const struct redis_log_entry *entry)
{
	ASSERT(entry->revision > 0);
	ASSERT(entry->adopted_count <= REDIS_LOG_ADOPTED_MAX && entry->origin.size <= REDIS_LOG_ORIGIN_MAX);
	ASSERT(!entry->is_base || (entry->body.size == 0 && id128_is_zero(&entry->prev)));
}

static void check_reply(const redisReply *reply)
{
	struct redis_error error = {0};
	struct redis_log_entry entries[8];
	struct redis_log_head head;
	struct redis_log_written written;
	uint32_t count;
	const int range = redis_parse_range(reply, AFTER, entries, ARRAY_SIZE(entries), &error);
	ASSERT(range >= 0 || ((range == -EPROTO || range == -EUCLEAN) && error.code == range));
	for (int i = 0; i < range; i++) {
		check_entry(&entries[i]);
		ASSERT(entries[i].revision > (i ? entries[i - 1].revision : AFTER));
	}
	if (redis_parse_head(reply, AFTER, &head, &error) == 0 && !head.is_empty) {
		if (head.damage[0] == '\0')
			check_entry(&head.first);
		if (head.damage[0] == '\0')
			check_entry(&head.last);
		ASSERT(!head.has_mine || head.mine.revision == AFTER);
	}
	if (redis_parse_written(reply, &written, &error) == 0 && !written.is_written && !written.is_empty &&
	    written.last.revision != 0 && written.last.time != 0)
		check_entry(&written.last);
	ASSERT(redis_parse_count(reply, &count, &error) == 0 || error.code == -EPROTO);
	if (reply->type == REDIS_REPLY_ERROR) {
		redis_error_from_reply(&error, (struct bytes){reply->str, reply->len});
		ASSERT(error.code < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redis_reader reader;
	struct redis_error error = {0};
	int result = 0;
	if (size == 0)
		return 0;
	const size_t piece = data[0] + 1u;
	ASSERT(redis_reader_init(&reader, REPLY_MAX, OBJECTS_MAX) == 0);
	for (size_t at = 1; at < size && result == 0; at += piece) {
		const size_t part = size - at < piece ? size - at : piece;
		redisReply *reply = NULL;
		result = redis_reader_feed(&reader, (struct bytes){(const char *)data + at, part}, &error);
		while (result == 0 && (result = redis_reader_next(&reader, &reply, &error)) == 0 && reply != NULL) {
			check_reply(reply);
			freeReplyObject(reply);
		}
	}
	ASSERT(result == 0 || error.code == result);
	redis_reader_finish(&reader);
	return 0;
}
