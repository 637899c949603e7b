// SPDX-License-Identifier: Apache-2.0
// What is decoded directly is what codec_decode() makes of it, whatever bytes come; what is encoded directly is what
// protobuf-c writes.
#include "proto/codec.h"
#include "proto/codec_direct.h"
#include "tests/unit/proto/random_message.h"
#include "tests/unit/unit.h"

static struct arena arena;

static void set_up(void)
{
	arena_init(&arena, 64 * 1024, 64 * 1024 * 1024);
}

static void tear_down(void)
{
	arena_finish(&arena);
}

// The records that are read on start, and one with lists of lists.
static const struct schema *const schemas[] = {&schema_customer,     &schema_token,        &schema_membership,
					       &schema_charge_point, &schema_charge_group, &schema_tariff};

// Whether it was taken; then it is the same message.
static bool agrees(const struct schema *schema, struct bytes body)
{
	struct fault fault = {0};
	void *direct, *message;
	if (!codec_decode_direct(schema, body, &arena, &direct))
		return false;
	ck_assert_int_eq(codec_decode(schema, CODEC_TOLERANT, body, &arena, &message, &fault), 0);
	ck_assert(message_equal(schema, direct, message));
	return true;
}

static struct bytes random_body(struct random *random, const struct schema *schema)
{
	struct bytes body;
	ck_assert_int_eq(codec_encode(schema, random_message(random, schema, &arena), &arena, &body), 0);
	return body;
}

START_TEST(what_the_encoder_writes_is_read_alike)
{
	int taken[ARRAY_SIZE(schemas)] = {0};
	struct random random = {.state = (uint64_t)_i + 1};
	for (int round = 0; round < 400; round++) {
		const size_t which = random_below(&random, ARRAY_SIZE(schemas));
		taken[which] += agrees(schemas[which], random_body(&random, schemas[which]));
		arena_reset(&arena);
	}
	ck_assert_int_gt(taken[0], 10); // it is not all left to codec_decode()
	ck_assert_int_gt(taken[1], 10);
	ck_assert_int_gt(taken[2], 10);
	ck_assert_int_gt(taken[3], 10);
}
END_TEST

START_TEST(damaged_bytes_are_left_alone_or_read_alike)
{
	struct random random = {.state = (uint64_t)_i + 1};
	for (int round = 0; round < 2000; round++) {
		const struct schema *schema = schemas[random_below(&random, ARRAY_SIZE(schemas))];
		const struct bytes body = random_body(&random, schema);
		struct bytes damaged = arena_copy(&arena, body);
		for (uint64_t i = random_below(&random, 3) + 1; damaged.size > 0 && i > 0; i--)
			((char *)damaged.data)[random_below(&random, damaged.size)] ^=
				(char)(1 << random_below(&random, 8));
		if (damaged.size > 0 && random_below(&random, 4) == 0)
			damaged.size = random_below(&random, damaged.size);
		(void)agrees(schema, damaged);
		arena_reset(&arena);
	}
}
END_TEST

START_TEST(unusual_bodies_are_left_alone)
{
	static const struct {
		const char *what;
		struct bytes body;
	} rows[] = {
		{"out of order", BYTES_LITERAL("\x12\x01\x61\x0a\x01\x62")},
		{"twice", BYTES_LITERAL("\x0a\x01\x61\x0a\x01\x62")},
		{"unknown", BYTES_LITERAL("\x0a\x01\x61\x7a\x01\x62")},
		{"cut off", BYTES_LITERAL("\x0a\x02\x61")},
		{"of the wrong type", BYTES_LITERAL("\x08\x01")},
		{"no text", BYTES_LITERAL("\x0a\x01\xff")},
		{"a bool of two", BYTES_LITERAL("\x28\x02")},
		{"a negative enum", BYTES_LITERAL("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
	};
	void *message = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(!codec_decode_direct(&schema_customer, rows[i].body, &arena, &message), "%s",
			      rows[i].what);
	ck_assert_ptr_null(message);
	ck_assert(agrees(&schema_customer, (struct bytes){0}));
}
END_TEST

START_TEST(strings_borrow_from_the_body)
{
	static const char body[] = "\x0a\x02\x63\x31";
	const struct customer *customer;
	ck_assert(codec_decode_direct(&schema_customer, (struct bytes){body, 4}, &arena, &customer));
	ck_assert_ptr_eq(customer->id.data, body + 2);
	ck_assert_uint_eq(customer->id.size, 2);
}
END_TEST

START_TEST(without_memory_nothing_is_decoded)
{
	struct arena small;
	void *message = NULL;
	arena_init(&small, 64, 64);
	ck_assert(!codec_decode_direct(&schema_token, (struct bytes){0}, &small, &message));
	arena_finish(&small);
}
END_TEST

// ---------------------------------------------------------------- encoding

// Whether it was taken; then it is what protobuf-c writes.
static bool is_written_alike(const struct schema *schema, const void *message)
{
	struct bytes direct;
	if (!codec_encode_direct(schema, message, &arena, &direct))
		return false;
	const struct bytes packed = pack_by_protobuf_c(schema, message, &arena);
	ck_assert_uint_eq(direct.size, packed.size);
	ck_assert(direct.size == 0 || memcmp(direct.data, packed.data, direct.size) == 0);
	return true;
}

START_TEST(every_message_is_written_as_protobuf_c_does)
{
	const struct schema *schema = all_schemas[_i].schema;
	struct random random = {.state = (uint64_t)_i + 1, .list_max = 1};
	int taken = is_written_alike(schema, random_message(&random, schema, &arena)) +
		    is_written_alike(schema, arena_calloc(&arena, 1, schema->size));
	for (int round = 0; round < 400; round++) {
		random.list_max = (unsigned)round % 3 + 1;
		taken += is_written_alike(schema, random_message(&random, schema, &arena));
		arena_reset(&arena);
	}
	ck_assert_msg(taken > 10, "%s: %d of 402", all_schemas[_i].name, taken);
}
END_TEST

START_TEST(unusual_messages_are_left_to_protobuf_c)
{
	char text[1100];
	struct bytes body = {0};
	struct customer customer = {.id = BYTES_LITERAL("a\0b")};
	ck_assert(!codec_encode_direct(&schema_customer, &customer, &arena, &body));
	customer.id = BYTES_LITERAL("a");
	customer.payment = (enum payment) - 1;
	ck_assert(!codec_encode_direct(&schema_customer, &customer, &arena, &body));
	customer.payment = PAYMENT_PREPAID;
	ck_assert(is_written_alike(&schema_customer, &customer));
	memset(text, 'x', sizeof(text));
	customer.name = (struct bytes){.data = text, .size = sizeof(text)};
	ck_assert(!codec_encode_direct(&schema_customer, &customer, &arena, &body));
	ck_assert_ptr_null(body.data);
}
END_TEST

// The largest that fits, and one byte more.
START_TEST(the_room_is_used_to_its_last_byte)
{
	enum { HEAD = 3, ROOM = 1024 };
	char text[ROOM] = "";
	struct bytes body;
	memset(text, 'x', sizeof(text));
	struct customer customer = {.id = {.data = text, .size = ROOM - HEAD}};
	ck_assert(is_written_alike(&schema_customer, &customer));
	customer.id.size++;
	ck_assert(!codec_encode_direct(&schema_customer, &customer, &arena, &body));
}
END_TEST

START_TEST(without_memory_nothing_is_encoded)
{
	struct arena small;
	struct bytes body = {0};
	const struct customer customer = {
		.id = BYTES_LITERAL("0123456789012345678901234567890123456789012345678901234567")};
	arena_init(&small, 16, 16);
	ck_assert(!codec_encode_direct(&schema_customer, &customer, &small, &body));
	ck_assert_ptr_null(body.data);
	arena_finish(&small);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("codec_direct");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, what_the_encoder_writes_is_read_alike, 0, 10);
	tcase_add_loop_test(tcase, damaged_bytes_are_left_alone_or_read_alike, 0, 10);
	tcase_add_test(tcase, unusual_bodies_are_left_alone);
	tcase_add_test(tcase, strings_borrow_from_the_body);
	tcase_add_test(tcase, without_memory_nothing_is_decoded);
	tcase_add_loop_test(tcase, every_message_is_written_as_protobuf_c_does, 0, ALL_SCHEMAS);
	tcase_add_test(tcase, unusual_messages_are_left_to_protobuf_c);
	tcase_add_test(tcase, the_room_is_used_to_its_last_byte);
	tcase_add_test(tcase, without_memory_nothing_is_encoded);
	Suite *suite = suite_create("proto/codec_direct");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
