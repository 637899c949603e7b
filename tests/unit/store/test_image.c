// SPDX-License-Identifier: Apache-2.0
#include "store/image.h"

#include "tests/unit/store/image_builder.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define TEXT(literal) BYTES_LITERAL(literal)

static struct image_builder builder;

static void setup(void)
{
	image_builder_init(&builder);
	image_builder_add_tariff(&builder, "t-1");
	image_builder_add_group(&builder, &(struct charge_group){.id = TEXT("office"), .tariff_id = TEXT("t-1")});
}

static void teardown(void)
{
	image_builder_finish(&builder);
}

static uint32_t find(enum image_slab slab, const char *id)
{
	return image_builder_find(&builder, slab, bytes_from(id));
}

static void assert_text(struct bytes text, const char *expected)
{
	ck_assert_msg(bytes_equal(text, bytes_from(expected)), "\"%.*s\" is not \"%s\"", BYTES_ARG(text), expected);
}

START_TEST(ids_are_found_in_any_case_and_answered_as_put)
{
	const uint32_t customer = image_builder_add_customer(&builder, &(struct customer){.id = TEXT("Cust-17")});
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "cust-17"), customer);
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "CUST-17"), customer);
	assert_text(image_id(&builder.image, &image_customer(&builder.image, customer)->id), "Cust-17");
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "cust17"), 0);
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "cust-1"), 0);
	ck_assert_uint_eq(find(IMAGE_CUSTOMERS, "cust-170"), 0);
}
END_TEST

START_TEST(long_ids_are_found_as_well)
{
	static const char *const ids[] = {"a-customer-of-15", "A-Customer-Of-16b",
					  "0123456789012345678901234567890123456789012345678901234567890123"};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const uint32_t customer =
			image_builder_add_customer(&builder, &(struct customer){.id = bytes_from(ids[i])});
		ck_assert_uint_eq(find(IMAGE_CUSTOMERS, ids[i]), customer);
		assert_text(image_id(&builder.image, &image_customer(&builder.image, customer)->id), ids[i]);
	}
	ck_assert_uint_ne(find(IMAGE_CUSTOMERS, "a-CUSTOMER-of-16B"), 0);
}
END_TEST

START_TEST(kinds_do_not_see_each_others_ids)
{
	ck_assert_uint_ne(find(IMAGE_GROUPS, "office"), 0);
	ck_assert_uint_eq(find(IMAGE_TARIFFS, "office"), 0);
	ck_assert_uint_eq(find(IMAGE_POINTS, "office"), 0);
	ck_assert_uint_ne(find(IMAGE_TARIFFS, "T-1"), 0);
}
END_TEST

START_TEST(only_evse_ids_fold_their_stars)
{
	struct evse evse = {.evse_id = TEXT("NL*EVC*E1*1")};
	image_builder_add_point(&builder,
				&(struct charge_point){.id = TEXT("NL*EVC*E1"), .evses = &evse, .evses_count = 1});
	ck_assert_uint_ne(find(IMAGE_EVSES, "nlevce11"), 0);
	ck_assert_uint_ne(find(IMAGE_EVSES, "NL*EVCE1*1"), 0);
	ck_assert_uint_eq(find(IMAGE_EVSES, "NL-EVC-E1-1"), 0);
	ck_assert_uint_ne(find(IMAGE_POINTS, "nl*evc*e1"), 0);
	ck_assert_uint_eq(find(IMAGE_POINTS, "NLEVCE1"), 0);
}
END_TEST

START_TEST(an_empty_or_over_long_id_names_nothing)
{
	char id[66];
	memset(id, 'a', sizeof(id));
	struct image_key key;
	image_key_prepare(&builder.image, IMAGE_GROUPS, (struct bytes){id, sizeof(id)}, &key);
	ck_assert_uint_eq(image_key_find(&builder.image, IMAGE_GROUPS, &key), 0);
	ck_assert_uint_eq(find(IMAGE_GROUPS, ""), 0);
	ck_assert_uint_eq(find(IMAGE_EVSES, "***"), 0);
}
END_TEST

START_TEST(a_compare_form_finds_the_same_record)
{
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, TEXT("Office"), &key);
	ck_assert_uint_eq(image_find(&builder.image, IMAGE_GROUPS, &key), find(IMAGE_GROUPS, "office"));
}
END_TEST

// ---------------------------------------------------------------- memberships

enum { CUSTOMERS = 300, GROUPS = 20 };

static void add_many(void)
{
	char id[32];
	image_builder_add_tariff(&builder, "t-2");
	for (int i = 0; i < GROUPS; i++) {
		snprintf(id, sizeof(id), "g%d", i);
		image_builder_add_group(&builder,
					&(struct charge_group){.id = bytes_from(id), .tariff_id = TEXT("t-1")});
	}
	for (int i = 0; i < CUSTOMERS; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		image_builder_add_customer(&builder, &(struct customer){.id = bytes_from(id)});
	}
}

// Customer i is in group k when that is 0; with a tariff when 7 divides their sum.
static bool is_member(int customer, int group)
{
	return (customer * 31 + group * 17) % 5 == 0;
}

START_TEST(memberships_are_found_with_and_without_their_records)
{
	char customer_id[32], group_id[32];
	add_many();
	for (int i = 0; i < CUSTOMERS * GROUPS; i++) {
		snprintf(customer_id, sizeof(customer_id), "c%d", i % CUSTOMERS);
		snprintf(group_id, sizeof(group_id), "g%d", i / CUSTOMERS);
		if (is_member(i % CUSTOMERS, i / CUSTOMERS))
			image_builder_add_membership(&builder, &(struct membership){
								       .customer_id = bytes_from(customer_id),
								       .charge_group_id = bytes_from(group_id),
								       .tariff_id = i % 7 == 0 ? TEXT("t-2") : TEXT(""),
							       });
	}
	for (int i = 0; i < CUSTOMERS * GROUPS; i++) {
		snprintf(customer_id, sizeof(customer_id), "c%d", i % CUSTOMERS);
		snprintf(group_id, sizeof(group_id), "g%d", i / CUSTOMERS);
		const uint32_t customer = find(IMAGE_CUSTOMERS, customer_id), group = find(IMAGE_GROUPS, group_id);
		bool has_tariff = false;
		const uint32_t membership = image_find_membership(&builder.image, group, customer);
		ck_assert_int_eq(membership != 0, is_member(i % CUSTOMERS, i / CUSTOMERS));
		ck_assert_uint_eq(image_find_member(&builder.image, group, customer, &has_tariff), membership);
		if (membership != 0)
			ck_assert_int_eq(has_tariff, i % 7 == 0);
	}
}
END_TEST

static int compare_tags(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

// The note says which customer; that it cannot be another group is up to the hash.
START_TEST(no_two_groups_of_a_customer_have_the_same_tag)
{
	enum { HANDLES = 200000 };
	static uint32_t tags[HANDLES];
	for (uint32_t i = 0; i < HANDLES; i++)
		tags[i] = table_tag(image_membership_hash(&builder.image, i + 1, 12345));
	qsort(tags, HANDLES, sizeof(tags[0]), compare_tags);
	for (uint32_t i = 1; i < HANDLES; i++)
		ck_assert_uint_ne(tags[i - 1], tags[i]);
}
END_TEST

START_TEST(nobody_is_a_member_of_an_empty_image)
{
	bool has_tariff;
	ck_assert_uint_eq(image_find_membership(&builder.image, 1, 1), 0);
	ck_assert_uint_eq(image_find_member(&builder.image, 1, 1, &has_tariff), 0);
}
END_TEST

// ---------------------------------------------------------------- notes and copies

static void assert_notes(const struct image *image)
{
	for (int slab = 0; slab < IMAGE_SLABS; slab++) {
		const struct table *table = &image->tables[slab];
		for (uint32_t i = 0; table->has_notes && i < table->slots_count; i++) {
			const struct table_slot *slot = table_at(table, i);
			if (slot->handle != 0)
				ck_assert_uint_eq(slot->note[0],
						  image_note(image, (enum image_slab)slab, slot->handle));
		}
	}
}

static void fill(void)
{
	struct issuer issuer = {TEXT("NL"), TEXT("TNM")};
	struct evse evse = {.evse_id = TEXT("E1*1")};
	image_builder_add_point(&builder, &(struct charge_point){.id = TEXT("E1"),
								 .evses = &evse,
								 .evses_count = 1,
								 .charge_group_id = TEXT("office")});
	image_builder_add_customer(&builder, &(struct customer){.id = TEXT("c")});
	image_builder_add_token(
		&builder, &(struct token){.uid = TEXT("04A1"), .type = TOKEN_TYPE_RFID, .customer_id = TEXT("c")});
	image_builder_add_token(&builder,
				&(struct token){.uid = TEXT("04A1"), .type = TOKEN_TYPE_RFID, .issuer = &issuer});
	image_builder_add_membership(&builder, &(struct membership){.charge_group_id = TEXT("office"),
								    .customer_id = TEXT("c"),
								    .tariff_id = TEXT("t-1")});
}

START_TEST(notes_say_what_the_records_say)
{
	const struct image *image = &builder.image;
	fill();
	const uint32_t group = find(IMAGE_GROUPS, "office"), point = find(IMAGE_POINTS, "E1");
	const uint32_t customer = find(IMAGE_CUSTOMERS, "c");
	const uint32_t own = image_find_token(image, NULL, TOKEN_TYPE_RFID, TEXT("04A1"));
	const uint32_t foreign =
		image_find_token(image, &(struct issuer){TEXT("NL"), TEXT("TNM")}, TOKEN_TYPE_RFID, TEXT("04A1"));
	ck_assert_uint_eq(image_note(image, IMAGE_POINTS, point), group);
	ck_assert_uint_eq(image_note(image, IMAGE_EVSES, find(IMAGE_EVSES, "E1*1")), point);
	ck_assert_uint_eq(image_note(image, IMAGE_TOKENS, own), customer);
	ck_assert_uint_eq(image_note(image, IMAGE_TOKENS, foreign), 0);
	const uint32_t membership = image_find_membership(image, group, customer);
	ck_assert_uint_eq(image_note(image, IMAGE_MEMBERSHIPS, membership), customer | NOTE_HAS_TARIFF);
	ck_assert_uint_eq(image_note(image, IMAGE_CUSTOMERS, customer), 0);
	assert_notes(image);
}
END_TEST

START_TEST(sealing_writes_all_notes)
{
	fill();
	for (int slab = 0; slab < IMAGE_SLABS; slab++) {
		struct table *table = &builder.image.tables[slab];
		for (uint32_t i = 0; table->has_notes && i < table->slots_count; i++)
			table_at(table, i)->note[0] = 0;
	}
	image_seal(&builder.image);
	assert_notes(&builder.image);
}
END_TEST

START_TEST(a_copy_answers_the_same)
{
	struct image copy;
	fill();
	ck_assert_int_eq(image_init(&copy, builder.strings, builder.image.seed), 0);
	ck_assert_int_eq(image_copy(&copy, &builder.image), 0);
	ck_assert_uint_eq(copy.revision, builder.image.revision);
	struct id_key key;
	id_fold(ID_FOLD_PLAIN, TEXT("t-1"), &key);
	const uint32_t tariff = image_find(&copy, IMAGE_TARIFFS, &key);
	ck_assert_uint_eq(tariff, find(IMAGE_TARIFFS, "t-1"));
	ck_assert_ptr_eq(image_tariff(&copy, tariff)->body, image_tariff(&builder.image, tariff)->body);
	ck_assert_uint_eq(image_lookup_token(&copy, TEXT("04a1"), 0, NULL),
			  image_lookup_token(&builder.image, TEXT("04a1"), 0, NULL));
	assert_notes(&copy);
	image_finish(&copy);
}
END_TEST

START_TEST(finishing_a_zeroed_image_is_harmless)
{
	struct image image = {0};
	image_free_bodies(&image);
	image_finish(&image);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("image");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, ids_are_found_in_any_case_and_answered_as_put);
	tcase_add_test(tcase, long_ids_are_found_as_well);
	tcase_add_test(tcase, kinds_do_not_see_each_others_ids);
	tcase_add_test(tcase, only_evse_ids_fold_their_stars);
	tcase_add_test(tcase, an_empty_or_over_long_id_names_nothing);
	tcase_add_test(tcase, a_compare_form_finds_the_same_record);
	tcase_add_test(tcase, memberships_are_found_with_and_without_their_records);
	tcase_add_test(tcase, no_two_groups_of_a_customer_have_the_same_tag);
	tcase_add_test(tcase, nobody_is_a_member_of_an_empty_image);
	tcase_add_test(tcase, notes_say_what_the_records_say);
	tcase_add_test(tcase, sealing_writes_all_notes);
	tcase_add_test(tcase, a_copy_answers_the_same);
	tcase_add_test(tcase, finishing_a_zeroed_image_is_harmless);
	Suite *suite = suite_create("store/image");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
