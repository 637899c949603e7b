// SPDX-License-Identifier: Apache-2.0
#include "bench/frames.h"
#include "bench/protocol_apply.h"
#include "bench/world.h"
#include "proto/codec.h"
#include "proto/messages.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct load_requests requests;

static void setup(void)
{
	arena_init(&arena, 4096, 64 * 1024 * 1024);
	ck_assert_int_eq(apply_requests_create(1000, &requests), 0);
}

static void teardown(void)
{
	apply_requests_destroy(&requests);
	arena_finish(&arena);
}

static const struct change *change_at(const struct load_requests *of, uint32_t entry)
{
	struct change_set *set;
	struct fault fault = {0};
	ck_assert_int_eq(codec_decode(&schema_change_set, CODEC_STRICT, frames_body(of, entry), &arena, &set, &fault),
			 0);
	ck_assert_uint_eq(set->changes_count, 1);
	return &set->changes[0];
}

START_TEST(customers_and_tokens_are_written_by_turns_and_never_the_same_twice_in_a_row)
{
	struct load_requests later;
	ck_assert_int_eq(apply_requests_create(1001, &later), 0);
	ck_assert_uint_eq(requests.count, 2 * APPLY_OBJECTS);
	for (uint32_t i = 0; i < APPLY_OBJECTS; i++) {
		const struct change *first = change_at(&requests, i), *second = change_at(&requests, i + APPLY_OBJECTS);
		const struct change *next_run = change_at(&later, i);
		ck_assert_int_eq(first->kind, i % 2 == 0 ? CHANGE_PUT_CUSTOMER : CHANGE_PUT_TOKEN);
		ck_assert_int_eq(second->kind, first->kind);
		if (first->kind == CHANGE_PUT_CUSTOMER) {
			ck_assert(bytes_equal(first->put_customer->id, second->put_customer->id));
			ck_assert(!bytes_equal(first->put_customer->name, second->put_customer->name));
			ck_assert(!bytes_equal(second->put_customer->name, next_run->put_customer->name));
		} else {
			ck_assert(bytes_equal(first->put_token->uid, second->put_token->uid));
			ck_assert(!bytes_equal(first->put_token->visual_number, second->put_token->visual_number));
			ck_assert(!bytes_equal(second->put_token->visual_number, next_run->put_token->visual_number));
		}
	}
	apply_requests_destroy(&later);
}
END_TEST

START_TEST(nothing_of_a_world_is_written)
{
	// Uids of a world, and those that are asked about as unknown, begin with 04; its customers are called cust-.
	for (uint32_t i = 0; i < APPLY_OBJECTS; i++) {
		const struct change *change = change_at(&requests, i);
		if (change->kind == CHANGE_PUT_TOKEN)
			ck_assert_int_ne(memcmp(change->put_token->uid.data, "04", 2), 0);
		else
			ck_assert_int_ne(memcmp(change->put_customer->id.data, "cust-", 5), 0);
	}
}
END_TEST

START_TEST(an_answer_is_right_when_it_has_a_revision)
{
	const struct apply_response done = {.revision = 300}, nothing = {.replayed = true};
	struct load_answer answer = {0};
	ck_assert_int_eq(codec_encode(&schema_apply_response, &done, &arena, &answer.body), 0);
	ck_assert(protocol_apply.is_right(&requests, 0, &answer));
	answer.body.size = 2; // in the middle of the number
	ck_assert(!protocol_apply.is_right(&requests, 0, &answer));
	ck_assert_int_eq(codec_encode(&schema_apply_response, &nothing, &arena, &answer.body), 0);
	ck_assert(!protocol_apply.is_right(&requests, 0, &answer));
	ck_assert(!protocol_apply.is_right(&requests, 0, &(struct load_answer){0}));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("protocol_apply");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, customers_and_tokens_are_written_by_turns_and_never_the_same_twice_in_a_row);
	tcase_add_test(tcase, nothing_of_a_world_is_written);
	tcase_add_test(tcase, an_answer_is_right_when_it_has_a_revision);
	Suite *suite = suite_create("bench/protocol_apply");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
