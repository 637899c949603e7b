// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_requests.h"

#include "bench/frames.h"
#include "bench/request_file.h"
#include "bench/show.h"
#include "bench/varint.h"
#include "proto/codec.h"

#include <errno.h>
#include <stdlib.h>

enum { LINES_MAX = 10000000, ARENA_BUDGET = 4 * 1024 * 1024, ANSWER_KEY = 1 << 3 | 2 };

// What is expected of the answer to one line; offsets into `texts`.
struct expectation {
	uint64_t line_begin, expected_begin; // the encoded answer is behind the line
	uint32_t line_size, expected_size;
	uint32_t fields;
	uint32_t line; // its number
};

struct expected {
	char *name;
	uint32_t per_frame;
	bool is_batch;
	uint32_t count;
	size_t capacity; // of lines
	struct expectation *lines;
	char *texts;
	size_t texts_size, texts_capacity;
};

static struct bytes text_at(const struct expected *expected, uint64_t begin, uint32_t size)
{
	return (struct bytes){.data = expected->texts + begin, .size = size};
}

// ---------------------------------------------------------------- answers

static bool is_answered(const struct expected *expected, uint32_t line, struct bytes answer)
{
	const struct expectation *expectation = &expected->lines[line];
	return request_line_is_answered(text_at(expected, expectation->expected_begin, expectation->expected_size),
					expectation->fields, answer);
}

static uint32_t last_line(const struct expected *expected, uint32_t entry)
{
	const uint64_t end = (uint64_t)(entry + 1) * expected->per_frame;
	return end < expected->count ? (uint32_t)end : expected->count;
}

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	const struct expected *expected = requests->expected;
	const uint8_t *at = (const uint8_t *)answer->body.data, *end = at + answer->body.size;
	uint32_t line = entry * expected->per_frame;
	if (!expected->is_batch)
		return is_answered(expected, line, answer->body);
	for (; line < last_line(expected, entry); line++) {
		uint64_t size;
		if (at == end || *at++ != ANSWER_KEY || !varint_read(&at, end, &size) || size > (uint64_t)(end - at) ||
		    !is_answered(expected, line, (struct bytes){.data = (const char *)at, .size = size}))
			return false;
		at += size;
	}
	return at == end;
}

const struct load_protocol protocol_requests = {
	.parse = frames_parse_answer, .stamp = frames_stamp, .is_right = is_right};

// ---------------------------------------------------------------- reading the file

static int keep_text(struct expected *expected, struct bytes text, uint64_t *ret_begin)
{
	if (expected->texts_size + text.size > expected->texts_capacity) {
		const size_t capacity = 2 * expected->texts_capacity + text.size + REQUEST_LINE_SIZE_MAX;
		char *grown = realloc(expected->texts, capacity);
		if (!grown)
			return -ENOMEM;
		expected->texts = grown;
		expected->texts_capacity = capacity;
	}
	*ret_begin = expected->texts_size;
	if (text.size > 0)
		memcpy(expected->texts + expected->texts_size, text.data, text.size);
	expected->texts_size += text.size;
	return 0;
}

// A line as it was read.
struct kept_line {
	struct bytes text;
	uint32_t number;
	const struct request_line *read;
};

static int keep_line(struct expected *expected, const struct kept_line *line)
{
	if (expected->count == LINES_MAX)
		return -EFBIG;
	if (expected->count == expected->capacity) {
		const size_t capacity = 2 * expected->capacity + 1024;
		struct expectation *grown = realloc(expected->lines, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		expected->lines = grown;
		expected->capacity = capacity;
	}
	struct expectation expectation = {
		.line_size = (uint32_t)line->text.size,
		.expected_size = (uint32_t)line->read->expected.size,
		.fields = line->read->fields,
		.line = line->number,
	};
	int error = keep_text(expected, line->text, &expectation.line_begin);
	if (error == 0)
		error = keep_text(expected, line->read->expected, &expectation.expected_begin);
	if (error == 0)
		expected->lines[expected->count++] = expectation;
	return error;
}

static int say_refused(const struct expected *expected, const struct request_file_fault *fault)
{
	if (fault->column > 0)
		fprintf(stderr, "%s:%u:%u: %s\n", expected->name, fault->line, fault->column, fault->message);
	else
		fprintf(stderr, "%s:%u: %s\n", expected->name, fault->line, fault->message);
	return -EINVAL;
}

static int read_line(struct expected *expected, struct bytes text, uint32_t number, struct arena *arena)
{
	struct request_file_fault fault;
	struct request_line read;
	arena_reset(arena);
	const int error = request_line_read(text, number, arena, &read, &fault);
	if (error == -EINVAL)
		return say_refused(expected, &fault);
	return error < 0 ? error
			 : keep_line(expected, &(struct kept_line){.text = text, .number = number, .read = &read});
}

static int read_lines(FILE *stream, struct expected *expected, struct arena *arena)
{
	char *line = NULL;
	size_t capacity = 0;
	uint32_t number = 0;
	int error = 0;
	for (ssize_t size; error == 0 && (size = getline(&line, &capacity, stream)) >= 0;) {
		struct bytes text = {.data = line, .size = (size_t)size};
		while (text.size > 0 && strchr("\r\n \t", text.data[text.size - 1]))
			text.size--;
		number++;
		if (text.size > 0)
			error = read_line(expected, text, number, arena);
	}
	free(line);
	if (error == 0 && ferror(stream))
		error = -EIO;
	return error == 0 && expected->count == 0 ? -ENODATA : error;
}

// The lines are read once more, so that the requests of a batch are at hand together.
static int append_entry(struct frames *frames, const struct expected *expected, uint32_t entry, struct arena *arena)
{
	const uint32_t first = entry * expected->per_frame, count = last_line(expected, entry) - first;
	struct request_file_fault fault;
	struct bytes body;
	arena_reset(arena);
	struct authorize_request *requests = arena_calloc(arena, count, sizeof(*requests));
	int error = requests ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < count && error == 0; i++) {
		const struct expectation *line = &expected->lines[first + i];
		struct request_line read;
		error = request_line_read(text_at(expected, line->line_begin, line->line_size), line->line, arena,
					  &read, &fault);
		if (error == 0)
			requests[i] = *read.request;
	}
	const struct authorize_batch_request batch = {.requests = requests, .requests_count = count};
	if (error == 0)
		error = expected->is_batch ? codec_encode(&schema_authorize_batch_request, &batch, arena, &body)
					   : codec_encode(&schema_authorize_request, requests, arena, &body);
	const enum method method = expected->is_batch ? METHOD_AUTHORIZE_BATCH : METHOD_AUTHORIZE;
	return error < 0 ? error : frames_append(frames, method, body);
}

static int append_entries(struct load_requests *requests, const struct expected *expected, struct arena *arena)
{
	struct frames frames;
	const uint32_t count = (expected->count + expected->per_frame - 1) / expected->per_frame;
	int error = frames_init(&frames, requests, count);
	for (uint32_t entry = 0; entry < count && error == 0; entry++)
		error = append_entry(&frames, expected, entry, arena);
	return error;
}

int file_requests_create(FILE *stream, const struct file_load_options *options, struct load_requests *ret_requests)
{
	struct load_requests requests = {.timeout_ms = options->timeout_ms};
	struct arena arena;
	struct expected *expected = calloc(1, sizeof(*expected));
	if (!expected)
		return -ENOMEM;
	requests.expected = expected;
	expected->name = strdup(options->name);
	expected->per_frame = options->batch == 0 ? 1 : options->batch;
	expected->is_batch = options->batch != 0;
	arena_init(&arena, 64 * 1024, (size_t)ARENA_BUDGET * expected->per_frame);
	int error = expected->name ? read_lines(stream, expected, &arena) : -ENOMEM;
	if (error == 0)
		error = append_entries(&requests, expected, &arena);
	arena_finish(&arena);
	if (error < 0)
		file_requests_destroy(&requests);
	else
		*ret_requests = requests;
	return error;
}

void file_requests_destroy(struct load_requests *requests)
{
	struct expected *expected = (struct expected *)requests->expected;
	if (expected) {
		free(expected->name);
		free(expected->lines);
		free(expected->texts);
	}
	free(expected);
	frames_destroy(requests);
}

// ---------------------------------------------------------------- a wrong answer

static void print_lines(const struct expected *expected, uint32_t entry)
{
	for (uint32_t i = entry * expected->per_frame; i < last_line(expected, entry); i++) {
		const struct expectation *line = &expected->lines[i];
		fprintf(stderr, "%s:%u: %.*s\n", expected->name, line->line,
			BYTES_ARG(text_at(expected, line->line_begin, line->line_size)));
	}
}

void file_explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	const struct expected *expected = requests->expected;
	const bool is_batch = expected->is_batch;
	const struct schema *request = is_batch ? &schema_authorize_batch_request : &schema_authorize_request;
	const struct schema *response = is_batch ? &schema_authorize_batch_response : &schema_authorize_response;
	if (result->error.is_set && !result->error.is_beside) {
		show_error(requests, request, result);
		print_lines(expected, result->error.entry);
	}
	if (!result->is_wrong || result->is_wrong_beside)
		return;
	fprintf(stderr, "WRONG ANSWER\n");
	show_message("request", request, frames_body(requests, result->wrong_entry));
	fprintf(stderr, "expected:\n");
	print_lines(expected, result->wrong_entry);
	show_message("answer", response, (struct bytes){.data = result->wrong_body, .size = result->wrong_size});
}
