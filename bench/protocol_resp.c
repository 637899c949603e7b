// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_resp.h"

#include "bench/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	LINE_MAX_SIZE = 512,   // of a first line, with its end
	GET_OPENING_SIZE = 18, // *2 $3 GET $14, with their line ends
	GET_FRAME_SIZE = GET_OPENING_SIZE + RESP_KEY_SIZE + 2,
};

// ---------------------------------------------------------------- reading answers

// The number between `text` and the line's end, as in "150\r\n"; -2 when there is none.
static int64_t read_number(const char *text, const char *line_end)
{
	int64_t number = 0;
	const bool negative = text < line_end && *text == '-';
	if (text + negative == line_end || line_end - text > 12)
		return -2;
	for (const char *at = text + negative; at < line_end; at++) {
		if (*at < '0' || *at > '9')
			return -2;
		number = number * 10 + (*at - '0');
	}
	return negative ? -number : number;
}

static ssize_t parse_bulk(const char *data, size_t size, size_t line_size, struct load_answer *ret_answer)
{
	const int64_t length = read_number(data + 1, data + line_size - 2);
	if (length < -1 || length > LOAD_ANSWER_SIZE_MAX)
		return -EBADMSG;
	if (length == -1) // no such key
		return (ssize_t)line_size;
	const size_t whole = line_size + (size_t)length + 2;
	if (size < whole)
		return 0;
	if (memcmp(data + whole - 2, "\r\n", 2) != 0)
		return -EBADMSG;
	ret_answer->body = (struct bytes){.data = data + line_size, .size = (size_t)length};
	return (ssize_t)whole;
}

static ssize_t parse(const char *data, size_t size, struct load_answer *ret_answer)
{
	const char *end = memchr(data, '\n', size < LINE_MAX_SIZE ? size : LINE_MAX_SIZE);
	if (!end)
		return size < LINE_MAX_SIZE ? 0 : -EBADMSG;
	const size_t line_size = (size_t)(end + 1 - data);
	if (line_size < 3 || end[-1] != '\r')
		return -EBADMSG;
	*ret_answer = (struct load_answer){0};
	switch (data[0]) {
	case '$':
		return parse_bulk(data, size, line_size, ret_answer);
	case '-':
		ret_answer->status = RESP_STATUS_ERROR;
		__attribute__((fallthrough));
	case '+':
	case ':':
		ret_answer->body = (struct bytes){.data = data + 1, .size = line_size - 3};
		return (ssize_t)line_size;
	default:
		return -EBADMSG;
	}
}

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	(void)entry;
	return answer->body.size == *(const uint32_t *)requests->expected;
}

const struct load_protocol protocol_resp = {.parse = parse, .is_right = is_right};

// ---------------------------------------------------------------- making requests

void resp_key(uint32_t index, char *key)
{
	// Multiplying by an odd number permutes the 56-bit numbers.
	const uint64_t number = (uint64_t)(index + 1) * 0x9e3779b97f4a7c15ull;
	for (int i = 0; i < RESP_KEY_SIZE; i++)
		key[i] = "0123456789ABCDEF"[number >> (4 * i) & 15];
}

void resp_key_asked(const struct resp_load_options *options, uint32_t number, char *key)
{
	resp_key((uint32_t)((world_hash(options->seed, 0, number) >> 16) % options->keys), key);
}

size_t resp_put_command(char *at, const struct bytes *words, uint32_t count)
{
	char *end = at + sprintf(at, "*%u\r\n", count);
	for (uint32_t i = 0; i < count; i++) {
		end += sprintf(end, "$%zu\r\n", words[i].size);
		end = mempcpy(end, words[i].data ? words[i].data : "", words[i].size);
		end = mempcpy(end, "\r\n", 2);
	}
	return (size_t)(end - at);
}

int resp_requests_create(const struct resp_load_options *options, struct load_requests *ret_requests)
{
	uint32_t *value_size = malloc(sizeof(*value_size));
	struct load_requests requests = {
		.frames = malloc((size_t)options->count * GET_FRAME_SIZE),
		.ends = calloc(options->count, sizeof(*requests.ends)),
		.count = options->count,
		.expected = value_size,
	};
	if (!requests.frames || !requests.ends || !value_size) {
		resp_requests_destroy(&requests);
		return -ENOMEM;
	}
	*value_size = options->value_size;
	for (uint32_t i = 0; i < options->count; i++) {
		char *frame = requests.frames + (size_t)i * GET_FRAME_SIZE;
		memcpy(frame, "*2\r\n$3\r\nGET\r\n$14\r\n", GET_OPENING_SIZE);
		resp_key_asked(options, i, frame + GET_OPENING_SIZE);
		memcpy(frame + GET_OPENING_SIZE + RESP_KEY_SIZE, "\r\n", 2);
		requests.ends[i] = (uint64_t)(i + 1) * GET_FRAME_SIZE;
	}
	*ret_requests = requests;
	return 0;
}

void resp_requests_destroy(struct load_requests *requests)
{
	free((void *)requests->expected);
	free(requests->ends);
	free(requests->frames);
	*requests = (struct load_requests){0};
}

void resp_explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	const struct load_example *error = &result->error;
	if (error->is_set)
		fprintf(stderr, "FIRST ERROR: %.*s\n", (int)error->size, error->body);
	if (!result->is_wrong)
		return;
	const char *frame = requests->frames + (size_t)result->wrong_entry * GET_FRAME_SIZE;
	fprintf(stderr, "WRONG ANSWER\nrequest: GET %.*s\nexpected: a value of %u bytes\nanswer: %zu bytes: %.*s\n",
		RESP_KEY_SIZE, frame + GET_OPENING_SIZE, *(const uint32_t *)requests->expected, result->wrong_size,
		(int)(result->wrong_size < 200 ? result->wrong_size : 200), result->wrong_body);
}
