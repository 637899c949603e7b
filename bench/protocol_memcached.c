// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_memcached.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	LINE_SIZE_MAX = 512, // of a first line, with its end
	GET_OPENING_SIZE = 3,
	GET_FRAME_SIZE = GET_OPENING_SIZE + RESP_KEY_SIZE + 4, // mg, the key, " v", the line's end
	SIZE_DIGITS_MAX = 8,
};

// VA SIZE [flags]
static ssize_t parse_value(const char *data, size_t size, size_t line_size, struct load_answer *ret_answer)
{
	size_t length = 0, digits = 0;
	const char *at = data + 3;
	for (; *at >= '0' && *at <= '9' && digits < SIZE_DIGITS_MAX; at++, digits++)
		length = length * 10 + (size_t)(*at - '0');
	if (digits == 0 || (*at != '\r' && *at != ' ') || length > LOAD_ANSWER_SIZE_MAX)
		return -EBADMSG;
	const size_t whole = line_size + length + 2;
	if (size < whole)
		return 0;
	if (memcmp(data + whole - 2, "\r\n", 2) != 0)
		return -EBADMSG;
	ret_answer->body = (struct bytes){.data = data + line_size, .size = length};
	return (ssize_t)whole;
}

static bool starts_with(struct bytes line, const char *word)
{
	return line.size >= strlen(word) && memcmp(line.data, word, strlen(word)) == 0;
}

static ssize_t parse(const char *data, size_t size, struct load_answer *ret_answer)
{
	const char *end = memchr(data, '\n', size < LINE_SIZE_MAX ? size : LINE_SIZE_MAX);
	if (!end)
		return size < LINE_SIZE_MAX ? 0 : -EBADMSG;
	const size_t line_size = (size_t)(end + 1 - data);
	if (line_size < 4 || end[-1] != '\r')
		return -EBADMSG;
	const struct bytes line = {.data = data, .size = line_size - 2};
	*ret_answer = (struct load_answer){0};
	if (starts_with(line, "VA "))
		return parse_value(data, size, line_size, ret_answer);
	if (starts_with(line, "EN")) // no such key
		return (ssize_t)line_size;
	ret_answer->body = line;
	if (starts_with(line, "HD") || starts_with(line, "MN"))
		return (ssize_t)line_size;
	if (!starts_with(line, "ERROR") && !starts_with(line, "CLIENT_ERROR") && !starts_with(line, "SERVER_ERROR") &&
	    !starts_with(line, "NS"))
		return -EBADMSG;
	ret_answer->status = MEMCACHED_STATUS_ERROR;
	return (ssize_t)line_size;
}

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	(void)entry;
	return answer->body.size == *(const uint32_t *)requests->expected;
}

const struct load_protocol protocol_memcached = {.parse = parse, .is_right = is_right};

size_t memcached_put_set(char *at, uint32_t index, uint32_t value_size)
{
	char key[RESP_KEY_SIZE];
	resp_key(index, key);
	const int head = sprintf(at, "ms %.*s %u\r\n", RESP_KEY_SIZE, key, value_size);
	memset(at + head, 'v', value_size);
	memcpy(at + head + value_size, "\r\n", 2);
	return (size_t)head + value_size + 2;
}

int memcached_requests_create(const struct resp_load_options *options, struct load_requests *ret_requests)
{
	uint32_t *value_size = malloc(sizeof(*value_size));
	struct load_requests requests = {
		.frames = malloc((size_t)options->count * GET_FRAME_SIZE),
		.ends = calloc(options->count, sizeof(*requests.ends)),
		.count = options->count,
		.expected = value_size,
		.body_size_min = options->value_size,
		.body_size_max = options->value_size,
	};
	if (!requests.frames || !requests.ends || !value_size) {
		resp_requests_destroy(&requests);
		return -ENOMEM;
	}
	*value_size = options->value_size;
	for (uint32_t i = 0; i < options->count; i++) {
		char *frame = requests.frames + (size_t)i * GET_FRAME_SIZE;
		memcpy(frame, "mg ", GET_OPENING_SIZE);
		resp_key_asked(options, i, frame + GET_OPENING_SIZE);
		memcpy(frame + GET_OPENING_SIZE + RESP_KEY_SIZE, " v\r\n", 4);
		requests.ends[i] = (uint64_t)(i + 1) * GET_FRAME_SIZE;
	}
	*ret_requests = requests;
	return 0;
}

void memcached_explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	const char *frame = requests->frames + (size_t)result->wrong_entry * GET_FRAME_SIZE;
	fprintf(stderr, "WRONG ANSWER\nrequest: %.*s\nexpected: a value of %u bytes\nanswer: %zu bytes: %.*s\n",
		GET_FRAME_SIZE - 2, frame, *(const uint32_t *)requests->expected, result->wrong_size,
		(int)(result->wrong_size < 200 ? result->wrong_size : 200), result->wrong_body);
}
