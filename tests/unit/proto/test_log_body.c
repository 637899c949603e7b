// SPDX-License-Identifier: Apache-2.0
#include "proto/codec.h"
#include "proto/limits.h"
#include "proto/log_body.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct arena arena;
static struct log_body_writer writer;

static void set_up(void)
{
	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
	writer = (struct log_body_writer){0};
}

static void tear_down(void)
{
	log_body_finish(&writer);
	arena_finish(&arena);
}

static struct bytes written(void)
{
	return (struct bytes){.data = writer.data, .size = writer.size};
}

static struct bytes encode(const struct schema *schema, const void *message)
{
	struct bytes body;
	ck_assert_int_eq(codec_encode(schema, message, &arena, &body), 0);
	return body;
}

// A random body in which every set is there.
static struct log_body *random_body(struct random *random)
{
	struct log_body *body;
	bool is_whole;
	do {
		body = random_message(random, &schema_log_body, &arena);
		is_whole = body->sets_count > 0;
		for (size_t i = 0; i < body->sets_count; i++)
			is_whole = is_whole && body->sets[i].change_set != NULL;
	} while (!is_whole);
	return body;
}

// ---------------------------------------------------------------- the same as the codec

START_TEST(what_is_written_is_what_the_codec_writes)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct random random = {.state = seed, .list_max = 4};
		const struct log_body *body = random_body(&random);
		for (size_t i = 0; i < body->sets_count; i++) {
			const struct bytes set = encode(&schema_change_set, body->sets[i].change_set);
			ck_assert_int_eq(log_body_add(&writer, set, body->sets[i].repeat_window_s), 0);
		}
		ck_assert(bytes_equal(written(), encode(&schema_log_body, body)));
		log_body_finish(&writer);
		arena_reset(&arena);
	}
}
END_TEST

START_TEST(what_the_codec_writes_is_cut_into_the_same_sets)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct random random = {.state = seed, .list_max = 4};
		const struct log_body *body = random_body(&random);
		struct log_body_reader reader = {.rest = encode(&schema_log_body, body)};
		struct log_body_set set;
		for (size_t i = 0; i < body->sets_count; i++) {
			ck_assert_int_eq(log_body_next(&reader, &set), 1);
			ck_assert(bytes_equal(set.set, encode(&schema_change_set, body->sets[i].change_set)));
			ck_assert_uint_eq(set.repeat_window_s, body->sets[i].repeat_window_s);
		}
		ck_assert_int_eq(log_body_next(&reader, &set), 0);
		ck_assert_uint_eq(reader.sets, body->sets_count);
		arena_reset(&arena);
	}
}
END_TEST

// Whatever the bytes: what is accepted here, the codec accepts as well, with as many sets.
START_TEST(damaged_bodies_are_refused_or_read_alike)
{
	size_t accepted = 0;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct random random = {.state = seed, .list_max = 2};
		const struct bytes whole = encode(&schema_log_body, random_body(&random));
		struct bytes body = arena_copy(&arena, whole);
		// Its frame is what is read here: the first bytes.
		((char *)body.data)[random_below(&random, body.size < 8 ? body.size : 8)] = (char)random_next(&random);
		body.size -= random_below(&random, 2);
		struct log_body_reader reader = {.rest = body};
		struct log_body_set set;
		struct fault fault;
		void *message;
		int result;
		bool is_decodable = true;
		while ((result = log_body_next(&reader, &set)) > 0)
			is_decodable = is_decodable && codec_decode(&schema_change_set, CODEC_STRICT, set.set, &arena,
								    &message, &fault) == 0;
		if (result == 0 && is_decodable) {
			accepted++;
			ck_assert_int_eq(codec_decode(&schema_log_body, CODEC_STRICT, body, &arena, &message, &fault),
					 0);
			ck_assert_uint_eq(((struct log_body *)message)->sets_count, reader.sets);
		}
		arena_reset(&arena);
	}
	ck_assert_uint_gt(accepted, 0);
}
END_TEST

// ---------------------------------------------------------------- limits

START_TEST(as_many_sets_as_allowed_and_not_one_more)
{
	for (size_t i = 0; i < ENTRY_SETS_MAX; i++)
		ck_assert_int_eq(log_body_add(&writer, BYTES_LITERAL("\x1a\x01x"), 0), 0);
	const size_t size = writer.size;
	ck_assert_int_eq(log_body_add(&writer, BYTES_LITERAL("\x1a\x01x"), 0), -ENOSPC);
	ck_assert_uint_eq(writer.size, size);
	size_t sets;
	ck_assert_int_eq(log_body_check(written(), &sets), 0);
	ck_assert_uint_eq(sets, ENTRY_SETS_MAX);
}
END_TEST

START_TEST(one_set_more_than_allowed_is_not_read)
{
	static char body[(ENTRY_SETS_MAX + 1) * 4];
	for (size_t i = 0; i < ENTRY_SETS_MAX + 1; i++)
		memcpy(body + 4 * i, "\x0a\x02\x0a\x00", 4);
	size_t sets = 7;
	ck_assert_int_eq(log_body_check((struct bytes){body, sizeof(body)}, &sets), -EINVAL);
	ck_assert_uint_eq(sets, 7);
	ck_assert_int_eq(log_body_check((struct bytes){body, sizeof(body) - 4}, &sets), 0);
}
END_TEST

START_TEST(a_body_is_filled_to_its_last_byte_and_no_further)
{
	static char zeros[COMMIT_BODIES_MAX + 1];
	// 2 tags, and 3 bytes for each of the two lengths.
	ck_assert_int_eq(log_body_add(&writer, (struct bytes){zeros, COMMIT_BODIES_MAX - 7}, 0), -ENOSPC);
	ck_assert_int_eq(log_body_add(&writer, (struct bytes){zeros, sizeof(zeros)}, 0), -ENOSPC);
	ck_assert_uint_eq(writer.size, 0);
	ck_assert_int_eq(log_body_add(&writer, (struct bytes){zeros, COMMIT_BODIES_MAX - 8}, 0), 0);
	ck_assert_uint_eq(writer.size, COMMIT_BODIES_MAX);
	ck_assert_int_eq(log_body_add(&writer, (struct bytes){0}, 0), -ENOSPC);
	size_t sets;
	ck_assert_int_eq(log_body_check(written(), &sets), 0);
}
END_TEST

START_TEST(a_body_too_large_is_not_read)
{
	static char body[COMMIT_BODIES_MAX + 4];
	for (size_t at = 0; at < sizeof(body); at += 4)
		memcpy(body + at, "\x0a\x02\x0a\x00", 4);
	struct log_body_reader reader = {.rest = {body, sizeof(body)}};
	struct log_body_set set;
	ck_assert_int_eq(log_body_next(&reader, &set), -EINVAL);
}
END_TEST

// ---------------------------------------------------------------- malformed

static const struct {
	const char *what;
	struct bytes body;
} malformed[] = {
	{"nothing at all", BYTES_LITERAL("")},
	{"a tag alone", BYTES_LITERAL("\x0a")},
	{"a set cut off", BYTES_LITERAL("\x0a\x04\x0a\x03x")},
	{"a logged set without a set", BYTES_LITERAL("\x0a\x02\x10\x05")},
	{"an empty logged set", BYTES_LITERAL("\x0a\x00")},
	{"two sets in one", BYTES_LITERAL("\x0a\x04\x0a\x00\x0a\x00")},
	{"two windows", BYTES_LITERAL("\x0a\x06\x0a\x00\x10\x05\x10\x06")},
	{"a window beyond 32 bits", BYTES_LITERAL("\x0a\x08\x0a\x00\x10\x80\x80\x80\x80\x10")},
	{"a window of another type", BYTES_LITERAL("\x0a\x04\x0a\x00\x12\x00")},
	{"a field of a later version in a set", BYTES_LITERAL("\x0a\x04\x0a\x00\x18\x01")},
	{"a field of a later version", BYTES_LITERAL("\x0a\x02\x0a\x00\x10\x01")},
	{"a group", BYTES_LITERAL("\x0b\x0c")},
	{"field number 0", BYTES_LITERAL("\x02\x00")},
};

START_TEST(malformed_bodies_are_refused)
{
	size_t sets = 7;
	const int result = log_body_check(malformed[_i].body, &sets);
	ck_assert_msg(result == -EINVAL, "%s: %d", malformed[_i].what, result);
	ck_assert_uint_eq(sets, 7);
}
END_TEST

START_TEST(a_body_that_was_taken_leaves_the_writer_empty)
{
	ck_assert_int_eq(log_body_add(&writer, (struct bytes){0}, 60), 0);
	struct bytes body = log_body_take(&writer);
	ck_assert(bytes_equal(body, BYTES_LITERAL("\x0a\x04\x0a\x00\x10\x3c")));
	ck_assert_ptr_null(writer.data);
	free((char *)body.data);
	ck_assert_int_eq(log_body_add(&writer, (struct bytes){0}, 0), 0);
	ck_assert(bytes_equal(written(), BYTES_LITERAL("\x0a\x02\x0a\x00")));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("log_body");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, what_is_written_is_what_the_codec_writes);
	tcase_add_test(tcase, what_the_codec_writes_is_cut_into_the_same_sets);
	tcase_add_test(tcase, damaged_bodies_are_refused_or_read_alike);
	tcase_add_test(tcase, as_many_sets_as_allowed_and_not_one_more);
	tcase_add_test(tcase, one_set_more_than_allowed_is_not_read);
	tcase_add_test(tcase, a_body_is_filled_to_its_last_byte_and_no_further);
	tcase_add_test(tcase, a_body_too_large_is_not_read);
	tcase_add_loop_test(tcase, malformed_bodies_are_refused, 0, (int)ARRAY_SIZE(malformed));
	tcase_add_test(tcase, a_body_that_was_taken_leaves_the_writer_empty);
	Suite *suite = suite_create("log_body");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
