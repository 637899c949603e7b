// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_apply.h"

#include "base/arena.h"
#include "bench/frames.h"
#include "bench/show.h"
#include "bench/varint.h"
#include "proto/codec.h"
#include "proto/messages.h"

#include <inttypes.h>
#include <stdio.h>

enum { VARIANTS = 2, TEXT_SIZE = 64, ARENA_BUDGET = 64 * 1024, FIELD_REVISION_KEY = 1 << 3 };

// An ApplyResponse begins with the revision of its commit.
static bool is_right(const struct load_requests *requests, uint32_t entry, const struct load_answer *answer)
{
	const uint8_t *at = (const uint8_t *)answer->body.data, *end = at + answer->body.size;
	uint64_t key, revision;
	(void)requests;
	(void)entry;
	return varint_read(&at, end, &key) && key == FIELD_REVISION_KEY && varint_read(&at, end, &revision) &&
	       revision > 0;
}

const struct load_protocol protocol_apply = {.parse = frames_parse_answer, .stamp = frames_stamp, .is_right = is_right};

static int append_change(struct frames *frames, struct arena *arena, struct change change)
{
	const struct change_set set = {.changes = &change, .changes_count = 1, .actor = BYTES_LITERAL("evauth-bench")};
	struct bytes body;
	arena_reset(arena);
	const int error = codec_encode(&schema_change_set, &set, arena, &body);
	return error < 0 ? error : frames_append(frames, METHOD_APPLY, body);
}

static int append_customer(struct frames *frames, struct arena *arena, uint32_t number, const char *text)
{
	char id[TEXT_SIZE];
	snprintf(id, sizeof(id), "evauth-bench-%04u", number);
	struct customer customer = {.id = bytes_from(id), .name = bytes_from(text), .payment = PAYMENT_CONTRACT};
	return append_change(frames, arena, (struct change){.kind = CHANGE_PUT_CUSTOMER, .put_customer = &customer});
}

static int append_token(struct frames *frames, struct arena *arena, uint32_t number, const char *text)
{
	char uid[TEXT_SIZE];
	// The uids of worlds begin with 04.
	snprintf(uid, sizeof(uid), "0EBE%010X", number);
	struct issuer issuer = {.country_code = BYTES_LITERAL("ZZ"), .party_id = BYTES_LITERAL("BEN")};
	struct token token = {
		.uid = bytes_from(uid),
		.type = TOKEN_TYPE_RFID,
		.issuer = &issuer,
		.visual_number = bytes_from(text),
		.whitelist = WHITELIST_ALLOWED,
	};
	return append_change(frames, arena, (struct change){.kind = CHANGE_PUT_TOKEN, .put_token = &token});
}

int apply_requests_create(int64_t run, struct load_requests *ret_requests)
{
	struct load_requests requests = {0};
	struct frames frames;
	struct arena arena;
	arena_init(&arena, 4096, ARENA_BUDGET);
	int error = frames_init(&frames, &requests, APPLY_OBJECTS * VARIANTS);
	for (uint32_t i = 0; i < requests.count && error == 0; i++) {
		const uint32_t object = i % APPLY_OBJECTS, number = object / 2;
		char text[TEXT_SIZE];
		snprintf(text, sizeof(text), "written %" PRId64 "-%u", run, i / APPLY_OBJECTS);
		error = object % 2 == 0 ? append_customer(&frames, &arena, number, text)
					: append_token(&frames, &arena, number, text);
	}
	arena_finish(&arena);
	if (error < 0)
		apply_requests_destroy(&requests);
	else
		*ret_requests = requests;
	return error;
}

void apply_requests_destroy(struct load_requests *requests)
{
	frames_destroy(requests);
}

void apply_explain_wrong(const struct load_requests *requests, const struct load_result *result)
{
	if (result->error.is_beside)
		show_error(requests, &schema_change_set, result);
	if (!result->is_wrong || !result->is_wrong_beside)
		return;
	fprintf(stderr, "WRONG ANSWER\n");
	show_message("request", &schema_change_set, frames_body(requests, result->wrong_entry));
	fprintf(stderr, "expected: a revision\n");
	show_message("answer", &schema_apply_response,
		     (struct bytes){.data = result->wrong_body, .size = result->wrong_size});
}
