// SPDX-License-Identifier: Apache-2.0
#include "bench/brief.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

uint32_t brief_text(const struct world_answer *answer, char text[BRIEF_TEXT_SIZE])
{
	static const char *const verdicts[] = {
		[VERDICT_ALLOWED] = "ALLOWED", [VERDICT_DENIED] = "DENIED", [VERDICT_ASK_ISSUER] = "ASK_ISSUER"};
	char *at = stpcpy(text, verdicts[answer->verdict]);
	if (answer->tariff == WORLD_NONE)
		return (uint32_t)(at - text);
	*at++ = ' ';
	return (uint32_t)(at - text) + world_tariff_id(answer->tariff, at);
}

static int append(struct load_requests *requests, uint32_t entry, struct bytes frame, size_t *capacity)
{
	const uint64_t begin = entry == 0 ? 0 : requests->ends[entry - 1];
	if (begin + frame.size > *capacity) {
		const size_t larger = 2 * *capacity + 64 * BRIEF_FRAME_SIZE_MAX;
		char *frames = realloc(requests->frames, larger);
		if (!frames)
			return -ENOMEM;
		requests->frames = frames;
		*capacity = larger;
	}
	memcpy(requests->frames + begin, frame.data, frame.size);
	requests->ends[entry] = begin + frame.size;
	return 0;
}

int brief_requests_create(const struct brief_options *options, struct load_requests *ret_requests)
{
	struct world_answer *expected = calloc(options->count, sizeof(*expected));
	struct load_requests requests = {.count = options->count, .expected = expected, .body_size_min = UINT32_MAX};
	size_t capacity = 0;
	requests.ends = calloc(options->count, sizeof(*requests.ends));
	int error = expected && requests.ends ? 0 : -ENOMEM;
	for (uint32_t entry = 0; entry < options->count && error == 0; entry++) {
		struct question question;
		char frame[BRIEF_FRAME_SIZE_MAX], text[BRIEF_TEXT_SIZE];
		question_make(options->world, &options->mix, options->seed, entry, &question);
		expected[entry] = question.answer;
		const uint32_t size = brief_text(&question.answer, text);
		requests.body_size_min = size < requests.body_size_min ? size : requests.body_size_min;
		requests.body_size_max = size > requests.body_size_max ? size : requests.body_size_max;
		const struct bytes bytes = {frame, options->encode(&question, options->context, frame)};
		error = append(&requests, entry, bytes, &capacity);
	}
	if (error < 0)
		brief_requests_destroy(&requests);
	else
		*ret_requests = requests;
	return error;
}

void brief_requests_destroy(struct load_requests *requests)
{
	free((void *)requests->expected);
	free(requests->ends);
	free(requests->frames);
	*requests = (struct load_requests){0};
}

bool brief_is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	const struct world_answer *expected = requests->expected;
	char text[BRIEF_TEXT_SIZE];
	const uint32_t size = brief_text(&expected[entry], text);
	return bytes_equal(answer->body, (struct bytes){.data = text, .size = size});
}

// With dots for what cannot be shown.
static void print_shown(const char *title, struct bytes bytes)
{
	fprintf(stderr, "%s: ", title);
	for (size_t i = 0; i < bytes.size; i++)
		fputc(isprint((unsigned char)bytes.data[i]) ? bytes.data[i] : '.', stderr);
	fputc('\n', stderr);
}

void brief_explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	const struct world_answer *expected = requests->expected;
	const uint32_t entry = result->wrong_entry;
	const uint64_t begin = entry == 0 ? 0 : requests->ends[entry - 1];
	char text[BRIEF_TEXT_SIZE];
	brief_text(&expected[entry], text);
	fprintf(stderr, "WRONG ANSWER\n");
	print_shown("request", (struct bytes){requests->frames + begin, requests->ends[entry] - begin});
	fprintf(stderr, "expected: %s\n", text);
	print_shown("answer", (struct bytes){result->wrong_body, result->wrong_size});
}
