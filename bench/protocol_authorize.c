// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_authorize.h"

#include "base/arena.h"
#include "bench/frames.h"
#include "bench/show.h"
#include "bench/varint.h"
#include "proto/codec.h"
#include "proto/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// The right answers: per_frame of them for every entry.
struct expected {
	uint32_t per_frame;
	bool is_batch;
	struct answer_facts *facts;
};

// ---------------------------------------------------------------- reading answers

enum { TARIFF_OTHER = UINT32_MAX - 1 };

static uint32_t tariff_number(const uint8_t *id, uint64_t size)
{
	uint32_t number = 0;
	if (size != 11 || memcmp(id, "tariff-", 7) != 0)
		return TARIFF_OTHER;
	for (int i = 7; i < 11; i++)
		number = number * 10 + (uint32_t)(id[i] - '0');
	return number - 1;
}

enum { WIRE_VARINT = 0, WIRE_SIZED = 2, FIELD_OFFLINE_VERDICT = 4, FIELD_TARIFF_ID = 9 };

// protobuf-c writes fields in the order of their numbers, so nothing after tariff_id has to be looked at.
bool answer_facts_read(struct bytes body, struct answer_facts *ret_facts)
{
	const uint8_t *at = (const uint8_t *)body.data, *end = at + body.size;
	uint64_t enums[FIELD_OFFLINE_VERDICT + 1] = {0};
	uint32_t tariff = WORLD_NONE;
	while (at < end) {
		uint64_t key, value;
		if (!varint_read(&at, end, &key) || !varint_read(&at, end, &value))
			return false;
		const uint64_t field = key >> 3;
		if ((key & 7) == WIRE_VARINT && field >= 1 && field <= FIELD_OFFLINE_VERDICT)
			enums[field] = value;
		if (field > FIELD_TARIFF_ID)
			break;
		if ((key & 7) == WIRE_VARINT)
			continue;
		if ((key & 7) != WIRE_SIZED || value > (uint64_t)(end - at))
			return false;
		if (field == FIELD_TARIFF_ID)
			tariff = tariff_number(at, value);
		at += value;
	}
	*ret_facts = (struct answer_facts){(uint8_t)enums[1], (uint8_t)enums[2], (uint8_t)enums[3], (uint8_t)enums[4],
					   tariff};
	return true;
}

static bool facts_equal(const struct answer_facts *a, const struct answer_facts *b)
{
	return a->verdict == b->verdict && a->reason == b->reason && a->access == b->access &&
	       a->offline_verdict == b->offline_verdict && a->tariff == b->tariff;
}

static bool answer_is_right(struct bytes body, const struct answer_facts *expected)
{
	struct answer_facts facts;
	return answer_facts_read(body, &facts) && facts_equal(&facts, expected);
}

// AuthorizeBatchResponse: its only field is the repeated answer.
static bool batch_is_right(struct bytes body, const struct answer_facts *expected, uint32_t count)
{
	const uint8_t *at = (const uint8_t *)body.data, *end = at + body.size;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t size;
		if (at == end || *at++ != (1 << 3 | WIRE_SIZED) || !varint_read(&at, end, &size))
			return false;
		if (size > (uint64_t)(end - at) ||
		    !answer_is_right((struct bytes){.data = (const char *)at, .size = size}, &expected[i]))
			return false;
		at += size;
	}
	return at == end;
}

static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	const struct expected *expected = requests->expected;
	const struct answer_facts *facts = &expected->facts[(size_t)entry * expected->per_frame];
	return expected->is_batch ? batch_is_right(answer->body, facts, expected->per_frame)
				  : answer_is_right(answer->body, facts);
}

const struct load_protocol protocol_authorize = {
	.parse = frames_parse_answer, .stamp = frames_stamp, .is_right = is_right};

// ---------------------------------------------------------------- making requests

struct builder {
	const struct world *world;
	const struct authorize_load_options *options;
	struct load_requests *requests;
	struct expected *expected;
	struct question *questions; // per_frame of them
	struct authorize_request *batch;
	struct arena arena;
	struct frames frames;
};

enum { ARENA_BUDGET = 1024 * 1024 };

static int build_entry(struct builder *builder, uint32_t entry)
{
	const uint32_t count = builder->expected->per_frame;
	for (uint32_t i = 0; i < count; i++) {
		struct question *question = &builder->questions[i];
		const uint64_t number = (uint64_t)entry * count + i;
		question_make(builder->world, &builder->options->mix, builder->options->seed, number, question);
		builder->batch[i] = question->request;
		const struct world_answer *answer = &question->answer;
		builder->expected->facts[number] = (struct answer_facts){
			.verdict = (uint8_t)answer->verdict,
			.reason = (uint8_t)answer->reason,
			.access = (uint8_t)answer->access,
			.offline_verdict = (uint8_t)answer->offline_verdict,
			.tariff = answer->tariff,
		};
	}
	const struct authorize_batch_request batch = {.requests = builder->batch, .requests_count = count};
	const bool is_batch = builder->expected->is_batch;
	struct bytes body;
	arena_reset(&builder->arena);
	const int error = is_batch ? codec_encode(&schema_authorize_batch_request, &batch, &builder->arena, &body)
				   : codec_encode(&schema_authorize_request, builder->batch, &builder->arena, &body);
	return error < 0 ? error
			 : frames_append(&builder->frames, is_batch ? METHOD_AUTHORIZE_BATCH : METHOD_AUTHORIZE, body);
}

static int builder_init(struct builder *builder)
{
	const struct authorize_load_options *options = builder->options;
	const uint32_t per_frame = options->batch == 0 ? 1 : options->batch;
	arena_init(&builder->arena, 64 * 1024, ARENA_BUDGET);
	builder->expected = calloc(1, sizeof(*builder->expected));
	builder->questions = calloc(per_frame, sizeof(*builder->questions));
	builder->batch = calloc(per_frame, sizeof(*builder->batch));
	builder->requests->expected = builder->expected;
	if (!builder->expected || !builder->questions || !builder->batch)
		return -ENOMEM;
	builder->expected->per_frame = per_frame;
	builder->expected->is_batch = options->batch != 0;
	builder->expected->facts = calloc((size_t)options->count * per_frame, sizeof(struct answer_facts));
	return builder->expected->facts ? frames_init(&builder->frames, builder->requests, options->count) : -ENOMEM;
}

int authorize_requests_create(const struct world *world, const struct authorize_load_options *options,
			      struct load_requests *ret_requests)
{
	struct load_requests requests = {.timeout_ms = options->timeout_ms};
	struct builder builder = {.world = world, .options = options, .requests = &requests};
	int error = builder_init(&builder);
	for (uint32_t entry = 0; entry < options->count && error == 0; entry++)
		error = build_entry(&builder, entry);
	arena_finish(&builder.arena);
	free(builder.questions);
	free(builder.batch);
	if (error < 0)
		authorize_requests_destroy(&requests);
	else
		*ret_requests = requests;
	return error;
}

void authorize_requests_destroy(struct load_requests *requests)
{
	struct expected *expected = (struct expected *)requests->expected;
	if (expected)
		free(expected->facts);
	free(expected);
	frames_destroy(requests);
}

// ---------------------------------------------------------------- a wrong answer

static void print_facts(const struct answer_facts *facts)
{
	char tariff[WORLD_TEXT_SIZE] = "none";
	if (facts->tariff != WORLD_NONE)
		world_tariff_id(facts->tariff, tariff);
	fprintf(stderr, "expected: verdict %s, reason %s, access %s, offline verdict %s, tariff %s\n",
		json_enum_name(JSON_ENUM_VERDICT, facts->verdict), json_enum_name(JSON_ENUM_REASON, facts->reason),
		json_enum_name(JSON_ENUM_ACCESS, facts->access),
		json_enum_name(JSON_ENUM_VERDICT, facts->offline_verdict), tariff);
}

void authorize_explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	const struct expected *expected = requests->expected;
	const bool is_batch = expected->is_batch;
	const struct schema *request = is_batch ? &schema_authorize_batch_request : &schema_authorize_request;
	const struct schema *response = is_batch ? &schema_authorize_batch_response : &schema_authorize_response;
	if (!result->error.is_beside)
		show_error(requests, request, result);
	if (!result->is_wrong || result->is_wrong_beside)
		return;
	const uint32_t entry = result->wrong_entry;
	fprintf(stderr, "WRONG ANSWER\n");
	show_message("request", request, frames_body(requests, entry));
	for (uint32_t i = 0; i < expected->per_frame; i++)
		print_facts(&expected->facts[(size_t)entry * expected->per_frame + i]);
	show_message("answer", response, (struct bytes){.data = result->wrong_body, .size = result->wrong_size});
}
