// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_reader.h"

#include <errno.h>
#include <string.h>

enum { BULK_HEADER_MAX = 32 };

// Debian 12 has hiredis 0.14, Debian 13 has 1.2.
#if HIREDIS_MAJOR >= 1
typedef size_t elements_count;

static int current_type(const redisReader *reader)
{
	return reader->task[reader->ridx]->type;
}
#else
typedef int elements_count;

static int current_type(const redisReader *reader)
{
	return reader->rstack[reader->ridx].type;
}
#endif

// hiredis allocates as many elements as an array claims to have before the first one came.
static void *create_array(const redisReadTask *task, elements_count elements)
{
	struct redis_reader *reader = task->privdata;
	reader->objects += (size_t)elements + 1;
	return reader->objects > reader->objects_max ? NULL : reader->defaults->createArray(task, elements);
}

int redis_reader_init(struct redis_reader *reader, size_t reply_size_max, size_t objects_max)
{
	*reader = (struct redis_reader){.reply_size_max = reply_size_max, .objects_max = objects_max};
	reader->reader = redisReaderCreate();
	if (reader->reader == NULL)
		return -ENOMEM;
	reader->defaults = reader->reader->fn;
	reader->functions = *reader->reader->fn;
	reader->functions.createArray = create_array;
	reader->reader->fn = &reader->functions;
	reader->reader->privdata = reader;
	return 0;
}

void redis_reader_finish(struct redis_reader *reader)
{
	if (reader->reader != NULL)
		redisReaderFree(reader->reader);
	reader->reader = NULL;
}

static int refuse(struct redis_reader *reader, struct redis_error *error)
{
	if (reader->objects > reader->objects_max)
		redis_error_set(error, -EMSGSIZE, "an answer of Redis has too many elements");
	else if (reader->reader->err == REDIS_ERR_OOM)
		redis_error_set(error, -ENOMEM, "out of memory for an answer of Redis");
	else
		redis_error_set(error, -EPROTO, "this is not Redis: %.100s", reader->reader->errstr);
	return error->code;
}

int redis_reader_feed(struct redis_reader *reader, struct bytes input, struct redis_error *error)
{
	reader->reply_size += input.size;
	return redisReaderFeed(reader->reader, input.data, input.size) == REDIS_OK ? 0 : refuse(reader, error);
}

// The reader looks for the end of a line from its beginning whenever something came: long lines cost the square.
static bool is_line_too_long(const redisReader *reader)
{
	const size_t size = reader->len - reader->pos;
	if (size <= REDIS_LINE_MAX || reader->ridx < 0)
		return false;
	const bool is_bulk = current_type(reader) == REDIS_REPLY_STRING;
	return !is_bulk || memchr(reader->buf + reader->pos, '\n', BULK_HEADER_MAX) == NULL;
}

int redis_reader_next(struct redis_reader *reader, redisReply **ret_reply, struct redis_error *error)
{
	void *reply = NULL;
	if (redisReaderGetReply(reader->reader, &reply) != REDIS_OK)
		return refuse(reader, error);
	if (reply != NULL) {
		reader->reply_size = reader->reader->len - reader->reader->pos;
		reader->objects = 0;
	} else if (is_line_too_long(reader->reader)) {
		redis_error_set(error, -EPROTO, "this is not Redis: a line without end");
		return error->code;
	} else if (reader->reply_size > reader->reply_size_max) {
		redis_error_set(error, -EMSGSIZE, "an answer of Redis is too large");
		return error->code;
	}
	*ret_reply = reply;
	return 0;
}
