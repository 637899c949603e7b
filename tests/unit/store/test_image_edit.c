// SPDX-License-Identifier: Apache-2.0
// Both images are the same after every commit, and a set that is taken back leaves nothing behind.
#include "store/image_edit.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define TEXT(literal) BYTES_LITERAL(literal)

static struct strings *strings;
static struct image images[2];
static struct image_edit *edit;
static int active; // the image readers would have

static void setup(void)
{
	ck_assert_int_eq(strings_create(1 << 24, 7, &strings), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(image_init(&images[i], strings, 7), 0);
		images[i].revision = 1;
	}
	ck_assert_int_eq(image_edit_create(strings, &edit), 0);
	active = 0;
}

static void teardown(void)
{
	image_edit_destroy(edit);
	image_free_bodies(&images[0]);
	for (int i = 0; i < 2; i++)
		image_finish(&images[i]);
	strings_destroy(strings);
}

static struct image *target(void)
{
	return &images[!active];
}

static void begin(void)
{
	image_edit_begin(edit, target(), &images[active]);
}

// ---------------------------------------------------------------- equality

static bool table_has(const struct table *table, const struct table_slot *slot)
{
	struct table_walk walk = table_walk(table, slot->tag);
	uint32_t handle;
	while ((handle = table_next(table, &walk)) != 0)
		if (handle == slot->handle)
			return !table->has_notes || table_note(table, &walk) == slot->note[0];
	return false;
}

static void assert_same_table(const struct table *a, const struct table *b)
{
	ck_assert_uint_eq(a->count, b->count);
	for (uint32_t i = 0; i < a->slots_count; i++)
		if (table_at(a, i)->handle != 0)
			ck_assert(table_has(b, table_at(a, i)));
}

// Marks the free records of a slab, walking the chain.
static char *free_records(const struct slab *slab)
{
	char *is_free = calloc(slab->next, 1);
	for (uint32_t handle = slab->first_free; handle != 0;) {
		ck_assert_uint_lt(handle, slab->next);
		ck_assert_int_eq(is_free[handle], 0);
		is_free[handle] = 1;
		memcpy(&handle, slab_get(slab, handle), sizeof(handle));
	}
	return is_free;
}

static void assert_same_slab(const struct slab *a, const struct slab *b)
{
	ck_assert_uint_eq(a->count, b->count);
	ck_assert_uint_eq(a->next, b->next);
	ck_assert_uint_eq(a->first_free, b->first_free);
	char *free_of_a = free_records(a), *free_of_b = free_records(b);
	uint32_t live = 0;
	for (uint32_t handle = 1; handle < a->next; handle++) {
		ck_assert_int_eq(free_of_a[handle], free_of_b[handle]);
		live += !free_of_a[handle];
		const size_t size = free_of_a[handle] ? sizeof(uint32_t) : a->record_size;
		ck_assert_mem_eq(slab_get(a, handle), slab_get(b, handle), size);
	}
	ck_assert_uint_eq(live, a->count);
	free(free_of_a);
	free(free_of_b);
}

static void assert_same(const struct image *a, const struct image *b)
{
	ck_assert_uint_eq(a->revision, b->revision);
	for (int i = 0; i < IMAGE_SLABS; i++) {
		assert_same_slab(&a->slabs[i], &b->slabs[i]);
		assert_same_table(&a->tables[i], &b->tables[i]);
	}
}

static void commit(void)
{
	image_edit_seal(edit, target()->revision + 1);
	image_edit_repeat(edit);
	image_edit_end(edit);
	active = !active;
	assert_same(&images[0], &images[1]);
}

static void give_up(void)
{
	image_edit_rollback(edit, 0);
	image_edit_end(edit);
	assert_same(&images[0], &images[1]);
}

// ---------------------------------------------------------------- edits

static uint32_t add(enum image_slab slab)
{
	uint32_t handle;
	ck_assert_int_eq(image_edit_add(edit, slab, &handle), 0);
	return handle;
}

static void *modify(enum image_slab slab, uint32_t handle)
{
	void *record;
	ck_assert_int_eq(image_edit_modify(edit, slab, handle, &record), 0);
	ck_assert_ptr_eq(record, slab_get(&target()->slabs[slab], handle));
	return record;
}

static uint64_t hash_of(enum image_slab slab, uint32_t handle)
{
	const struct image *image = image_edit_image(edit);
	if (slab == IMAGE_MEMBERSHIPS) {
		const struct membership_record *membership = image_membership(image, handle);
		return image_membership_hash(image, membership->group, membership->customer);
	}
	const struct short_id *id = slab_get(&image->slabs[slab], handle);
	if (slab == IMAGE_TOKENS)
		return image_token_hash(image, image_token(image, handle)->type, image_id(image, id));
	struct image_key key;
	image_key_prepare(image, slab, image_id(image, id), &key);
	return key.hash;
}

static void link_record(enum image_slab slab, uint32_t handle)
{
	ck_assert_int_eq(image_edit_link(edit, slab, hash_of(slab, handle), handle), 0);
}

static void unlink_record(enum image_slab slab, uint32_t handle)
{
	ck_assert_int_eq(image_edit_unlink(edit, slab, hash_of(slab, handle), handle), 0);
}

static void set_id(enum image_slab slab, uint32_t handle, const char *id)
{
	struct short_id *record = modify(slab, handle);
	ck_assert_int_eq(short_id_set(strings, bytes_from(id), record), 0);
}

static uint32_t add_with_id(enum image_slab slab, const char *id)
{
	const uint32_t handle = add(slab);
	set_id(slab, handle, id);
	link_record(slab, handle);
	return handle;
}

static int try_membership(uint32_t number)
{
	const uint32_t handle = add(IMAGE_MEMBERSHIPS);
	struct membership_record *membership = modify(IMAGE_MEMBERSHIPS, handle);
	membership->group = number % 100 + 1;
	membership->customer = number + 1;
	return image_edit_link(edit, IMAGE_MEMBERSHIPS, hash_of(IMAGE_MEMBERSHIPS, handle), handle);
}

static void add_memberships(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		ck_assert_int_eq(try_membership(i), 0);
}

// ---------------------------------------------------------------- random edits

enum { LIVE_MAX = 400 };

// What is in the target: of each slab the handles that are linked.
struct live {
	uint32_t counts[IMAGE_SLABS];
	uint32_t handles[IMAGE_SLABS][LIVE_MAX];
};

static void write_random(enum image_slab slab, uint32_t handle)
{
	char *record = modify(slab, handle);
	const uint32_t size = images[0].slabs[slab].record_size;
	for (uint32_t i = sizeof(struct short_id); i < size && slab != IMAGE_TARIFFS; i++)
		record[i] = (char)rand();
}

static void add_random(struct live *live, enum image_slab slab)
{
	char id[40];
	if (live->counts[slab] == LIVE_MAX)
		return;
	const uint32_t handle = add(slab);
	if (slab == IMAGE_MEMBERSHIPS) {
		struct membership_record *membership = modify(slab, handle);
		membership->group = (uint32_t)rand() % 1000 + 1;
		membership->customer = (uint32_t)rand() % 100000 + 1;
	} else {
		snprintf(id, sizeof(id), "%s%d", rand() % 8 ? "id-" : "an-id-too-long-to-be-kept-in-place-", rand());
		set_id(slab, handle, id);
		write_random(slab, handle);
	}
	if (slab == IMAGE_TARIFFS)
		ck_assert_int_eq(image_edit_set_tariff_body(edit, handle, TEXT("body")), 0);
	link_record(slab, handle);
	live->handles[slab][live->counts[slab]++] = handle;
}

static void edit_random(struct live *live, enum image_slab slab)
{
	const uint32_t handle = live->handles[slab][(uint32_t)rand() % live->counts[slab]];
	if (slab == IMAGE_MEMBERSHIPS) {
		struct membership_record *membership = modify(slab, handle);
		membership->tariff = (uint32_t)rand() % 2;
	} else if (slab == IMAGE_TOKENS) { // what is part of the hash stays
		struct token_record *token = modify(slab, handle);
		token->owner = (uint32_t)rand();
		token->flags = (uint8_t)rand();
	} else if (slab == IMAGE_TARIFFS) {
		ck_assert_int_eq(image_edit_set_tariff_body(edit, handle, TEXT("another")), 0);
	} else {
		write_random(slab, handle);
	}
}

static void remove_random(struct live *live, enum image_slab slab)
{
	uint32_t *victim = &live->handles[slab][(uint32_t)rand() % live->counts[slab]];
	unlink_record(slab, *victim);
	ck_assert_int_eq(image_edit_remove(edit, slab, *victim), 0);
	*victim = live->handles[slab][--live->counts[slab]];
}

static void run_random(struct live *live, int edits)
{
	for (int i = 0; i < edits; i++) {
		const enum image_slab slab = (enum image_slab)(rand() % IMAGE_SLABS);
		const int what = rand() % 10;
		if (live->counts[slab] == 0 || what < 5)
			add_random(live, slab);
		else if (what < 8)
			edit_random(live, slab);
		else
			remove_random(live, slab);
	}
}

// A set that is refused half the time, and then leaves the target as it was.
static void run_set(struct live *live)
{
	struct image before;
	const struct live live_before = *live;
	const size_t mark = image_edit_mark(edit);
	ck_assert_int_eq(image_init(&before, strings, 7), 0);
	ck_assert_int_eq(image_copy(&before, target()), 0);
	run_random(live, rand() % 60);
	if (rand() % 2) {
		image_edit_rollback(edit, mark);
		ck_assert_uint_eq(image_edit_mark(edit), mark);
		assert_same(target(), &before);
		*live = live_before;
	}
	image_finish(&before);
}

START_TEST(random_commits_leave_both_images_the_same)
{
	static struct live live;
	memset(&live, 0, sizeof(live));
	srand((unsigned)_i + 1);
	for (int i = 0; i < 40; i++) {
		const struct live live_before = live;
		begin();
		for (int sets = rand() % 5; sets >= 0; sets--)
			run_set(&live);
		if (rand() % 4 == 0) {
			give_up();
			live = live_before;
		} else {
			commit();
		}
	}
}
END_TEST

START_TEST(random_commits_keep_the_notes_right)
{
	static struct live live;
	memset(&live, 0, sizeof(live));
	srand((unsigned)_i + 100);
	for (int i = 0; i < 20; i++) {
		begin();
		run_set(&live);
		commit();
		const struct image *image = &images[active];
		for (int slab = 0; slab < IMAGE_SLABS; slab++) {
			const struct table *table = &image->tables[slab];
			for (uint32_t k = 0; table->has_notes && k < table->slots_count; k++)
				if (table_at(table, k)->handle != 0)
					ck_assert_uint_eq(
						table_at(table, k)->note[0],
						image_note(image, (enum image_slab)slab, table_at(table, k)->handle));
		}
	}
}
END_TEST

// ---------------------------------------------------------------- records

START_TEST(handles_do_not_depend_on_what_was_refused)
{
	begin();
	const size_t mark = image_edit_mark(edit);
	const uint32_t first = add_with_id(IMAGE_GROUPS, "a");
	(void)add_with_id(IMAGE_GROUPS, "b");
	image_edit_rollback(edit, mark);
	ck_assert_uint_eq(add_with_id(IMAGE_GROUPS, "c"), first);
	commit();
	ck_assert_uint_eq(images[active].slabs[IMAGE_GROUPS].count, 1);
}
END_TEST

START_TEST(a_removed_record_comes_back_with_a_rollback)
{
	begin();
	const uint32_t handle = add_with_id(IMAGE_CUSTOMERS, "cust-17");
	commit();
	begin();
	unlink_record(IMAGE_CUSTOMERS, handle);
	ck_assert_int_eq(image_edit_remove(edit, IMAGE_CUSTOMERS, handle), 0);
	ck_assert_uint_eq(add_with_id(IMAGE_CUSTOMERS, "cust-18"), handle); // the same record again
	give_up();
	const struct bytes id = image_id(target(), &image_customer(target(), handle)->id);
	ck_assert(bytes_equal(id, TEXT("cust-17")));
}
END_TEST

START_TEST(readers_of_the_other_image_see_nothing_before_it_is_repeated)
{
	begin();
	const uint32_t handle = add_with_id(IMAGE_CUSTOMERS, "cust-17");
	commit();
	struct image *other = &images[active];
	struct image before;
	ck_assert_int_eq(image_init(&before, strings, 7), 0);
	ck_assert_int_eq(image_copy(&before, other), 0);
	begin();
	struct customer_record *customer = modify(IMAGE_CUSTOMERS, handle);
	customer->flags = CUSTOMER_BLOCKED;
	for (int i = 0; i < 100000; i++) // more than fits the memory there is
		(void)add(IMAGE_CUSTOMERS);
	image_edit_seal(edit, 3);
	assert_same(other, &before);
	image_edit_repeat(edit);
	image_edit_end(edit);
	assert_same(&images[0], &images[1]);
	ck_assert_int_eq(image_customer(other, handle)->flags, CUSTOMER_BLOCKED);
	image_finish(&before);
}
END_TEST

struct reader {
	const struct image *image;
	atomic_bool stop;
	uint64_t found;
};

static void *read_memberships(void *context)
{
	struct reader *reader = context;
	while (!atomic_load(&reader->stop) || reader->found == 0) {
		for (uint32_t i = 0; i < 1000; i++) {
			bool has_tariff;
			const uint32_t handle = image_find_member(reader->image, i % 100 + 1, i + 1, &has_tariff);
			reader->found += handle != 0 && image_membership(reader->image, handle)->customer == i + 1;
		}
	}
	return NULL;
}

// What the thread sanitizer is for: growing the other image's slabs while it is read.
START_TEST(a_reader_of_the_other_image_is_not_disturbed)
{
	begin();
	add_memberships(0, 1000);
	commit();
	pthread_t thread;
	struct reader reader = {.image = &images[active]};
	ck_assert_int_eq(pthread_create(&thread, NULL, read_memberships, &reader), 0);
	begin();
	add_memberships(1000, 200000); // past the memory there is, of slab and table
	image_edit_seal(edit, 3);
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	image_edit_repeat(edit);
	image_edit_end(edit);
	ck_assert_uint_gt(reader.found, 0);
	ck_assert_uint_eq(reader.found % 1000, 0); // it found each of them every time
	assert_same(&images[0], &images[1]);
}
END_TEST

static uint32_t note_of(const struct image *image, uint32_t membership)
{
	const struct membership_record *record = image_membership(image, membership);
	const struct table *table = &image->tables[IMAGE_MEMBERSHIPS];
	struct table_walk walk =
		table_walk(table, table_tag(image_membership_hash(image, record->group, record->customer)));
	ck_assert_uint_eq(table_next(table, &walk), membership);
	return table_note(table, &walk);
}

static void *repeat_records(void *context)
{
	image_edit_repeat_records(context);
	return NULL;
}

static void commit_by_two_threads(void)
{
	pthread_t thread;
	image_edit_seal(edit, target()->revision + 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, repeat_records, edit), 0);
	image_edit_repeat_slots(edit);
	pthread_join(thread, NULL);
	image_edit_end(edit);
	active = !active;
	assert_same(&images[0], &images[1]);
}

START_TEST(both_halves_of_a_repeat_may_run_side_by_side)
{
	begin();
	add_memberships(0, 20000); // the tables grow
	commit_by_two_threads();
	begin();
	for (uint32_t handle = 1; handle <= 20000; handle++) {
		if (handle % 3 == 0) {
			unlink_record(IMAGE_MEMBERSHIPS, handle);
			ck_assert_int_eq(image_edit_remove(edit, IMAGE_MEMBERSHIPS, handle), 0);
		} else {
			((struct membership_record *)modify(IMAGE_MEMBERSHIPS, handle))->tariff = handle % 2;
		}
	}
	(void)add_with_id(IMAGE_CUSTOMERS, "cust-17");
	commit_by_two_threads();
	ck_assert_uint_eq(note_of(&images[active], 1), 1 | NOTE_HAS_TARIFF);
	ck_assert_uint_eq(note_of(&images[active], 2), 2);
}
END_TEST

START_TEST(an_image_that_is_full_says_so_and_can_be_taken_back)
{
	begin();
	uint32_t handle;
	int error = 0;
	for (uint32_t i = 0; error == 0 && i <= IMAGE_TARIFFS_MAX; i++)
		error = image_edit_add(edit, IMAGE_TARIFFS, &handle);
	ck_assert_int_eq(error, -ENOMEM);
	ck_assert_uint_eq(image_edit_image(edit)->slabs[IMAGE_TARIFFS].count, IMAGE_TARIFFS_MAX);
	give_up();
	ck_assert_uint_eq(images[0].slabs[IMAGE_TARIFFS].count, 0);
}
END_TEST

// ---------------------------------------------------------------- tables

START_TEST(a_table_that_grew_is_adopted_by_the_other_image_when_it_is_repeated)
{
	const struct table *other = &images[active].tables[IMAGE_MEMBERSHIPS];
	const char *start = other->memory.start;
	begin();
	add_memberships(0, 5000);
	ck_assert_uint_gt(target()->tables[IMAGE_MEMBERSHIPS].slots_count, other->slots_count);
	ck_assert_ptr_eq(other->memory.start, start);
	ck_assert_uint_eq(other->count, 0);
	commit();
	ck_assert_uint_eq(images[0].tables[IMAGE_MEMBERSHIPS].slots_count,
			  images[1].tables[IMAGE_MEMBERSHIPS].slots_count);
	ck_assert_uint_eq(images[0].tables[IMAGE_MEMBERSHIPS].count, 5000);
}
END_TEST

START_TEST(a_table_that_grew_in_a_commit_given_up_serves_the_next_one)
{
	begin();
	add_memberships(0, 100);
	commit();
	begin();
	add_memberships(100, 3000);
	give_up();
	begin(); // needs no growing: the target has grown already, the other image has not
	add_memberships(100, 2900);
	commit();
	begin();
	add_memberships(3000, 4000);
	commit();
	ck_assert_uint_eq(images[0].tables[IMAGE_MEMBERSHIPS].count, 7000);
}
END_TEST

// Repeating cannot fail, so whatever the target grew to must have been made ready in the other image before.
START_TEST(a_change_refused_for_want_of_memory_does_not_harm_the_next_commit)
{
	begin();
	add_memberships(0, 100);
	commit();
	struct memory *memory = &images[active].tables[IMAGE_MEMBERSHIPS].memory;
	const size_t size = memory->size;
	memory->size = memory->backed; // as if the system gave no more
	begin();
	int error = 0;
	for (uint32_t i = 100; error == 0 && i < IMAGE_MEMBERSHIPS_MAX; i++)
		error = try_membership(i);
	ck_assert_int_eq(error, -ENOMEM);
	give_up();
	begin(); // of a record whose table is not touched
	add_with_id(IMAGE_CUSTOMERS, "cust-17");
	commit();
	images[!active].tables[IMAGE_MEMBERSHIPS].memory.size = size;
	begin();
	add_memberships(100, 150000);
	commit();
}
END_TEST

// ---------------------------------------------------------------- tariff bodies (leaks are found by the sanitizer)

static const struct tariff_body *body_of(uint32_t tariff)
{
	return image_tariff(target(), tariff)->body;
}

static void assert_body(uint32_t tariff, const char *expected)
{
	const struct tariff_body *body = body_of(tariff);
	ck_assert(bytes_equal((struct bytes){body->data, body->size}, bytes_from(expected)));
}

static void set_body(uint32_t tariff, const char *encoded)
{
	ck_assert_int_eq(image_edit_set_tariff_body(edit, tariff, bytes_from(encoded)), 0);
}

START_TEST(a_replaced_body_lives_until_nobody_can_see_it)
{
	begin();
	const uint32_t tariff = add_with_id(IMAGE_TARIFFS, "t");
	set_body(tariff, "one");
	commit();
	begin();
	const struct tariff_body *one = image_tariff(&images[active], tariff)->body;
	set_body(tariff, "two");
	set_body(tariff, "three");
	image_edit_seal(edit, 3);
	assert_body(tariff, "three");
	ck_assert(bytes_equal((struct bytes){one->data, one->size}, TEXT("one"))); // readers still have it
	image_edit_repeat(edit);
	image_edit_end(edit);
	ck_assert_ptr_eq(image_tariff(&images[0], tariff)->body, image_tariff(&images[1], tariff)->body);
}
END_TEST

START_TEST(a_new_body_goes_with_the_rollback)
{
	begin();
	const uint32_t tariff = add_with_id(IMAGE_TARIFFS, "t");
	set_body(tariff, "one");
	commit();
	begin();
	set_body(tariff, "two");
	const size_t mark = image_edit_mark(edit);
	set_body(tariff, "three");
	image_edit_rollback(edit, mark);
	assert_body(tariff, "two");
	give_up();
	assert_body(tariff, "one");
}
END_TEST

START_TEST(a_removed_tariff_takes_its_body_along)
{
	begin();
	const uint32_t tariff = add_with_id(IMAGE_TARIFFS, "t");
	set_body(tariff, "one");
	commit();
	begin();
	unlink_record(IMAGE_TARIFFS, tariff);
	ck_assert_int_eq(image_edit_remove(edit, IMAGE_TARIFFS, tariff), 0);
	give_up();
	assert_body(tariff, "one");
	begin();
	unlink_record(IMAGE_TARIFFS, tariff);
	ck_assert_int_eq(image_edit_remove(edit, IMAGE_TARIFFS, tariff), 0);
	commit();
	ck_assert_uint_eq(images[active].slabs[IMAGE_TARIFFS].count, 0);
}
END_TEST

START_TEST(a_tariff_may_come_and_go_in_one_commit)
{
	begin();
	const uint32_t tariff = add_with_id(IMAGE_TARIFFS, "t");
	set_body(tariff, "one");
	unlink_record(IMAGE_TARIFFS, tariff);
	ck_assert_int_eq(image_edit_remove(edit, IMAGE_TARIFFS, tariff), 0);
	commit();
}
END_TEST

// ---------------------------------------------------------------- notes

START_TEST(a_note_follows_its_record_with_the_seal)
{
	begin();
	add_memberships(0, 1);
	const uint32_t handle = 1;
	ck_assert_uint_eq(note_of(target(), handle), 0);
	image_edit_seal(edit, 2);
	ck_assert_uint_eq(note_of(target(), handle), 1);
	image_edit_repeat(edit);
	image_edit_end(edit);
	active = !active;
	begin();
	struct membership_record *membership = modify(IMAGE_MEMBERSHIPS, handle);
	membership->tariff = 9;
	commit();
	ck_assert_uint_eq(note_of(&images[0], handle), 1 | NOTE_HAS_TARIFF);
	ck_assert_uint_eq(note_of(&images[1], handle), 1 | NOTE_HAS_TARIFF);
}
END_TEST

START_TEST(a_note_comes_back_with_a_rollback)
{
	begin();
	add_memberships(0, 1);
	commit();
	begin();
	const size_t mark = image_edit_mark(edit);
	unlink_record(IMAGE_MEMBERSHIPS, 1);
	image_edit_rollback(edit, mark);
	ck_assert_uint_eq(note_of(target(), 1), 1);
	commit();
}
END_TEST

// ---------------------------------------------------------------- the life of a commit

START_TEST(an_image_can_be_built_without_another_one)
{
	struct image copy;
	active = 1;
	image_edit_begin(edit, target(), NULL);
	const uint32_t tariff = add_with_id(IMAGE_TARIFFS, "t");
	ck_assert_int_eq(image_edit_set_tariff_body(edit, tariff, TEXT("one")), 0);
	ck_assert_int_eq(image_edit_set_tariff_body(edit, tariff, TEXT("two")), 0);
	image_edit_seal(edit, 5);
	image_edit_end(edit);
	ck_assert_int_eq(image_init(&copy, strings, 7), 0);
	ck_assert_int_eq(image_copy(&copy, &images[0]), 0);
	assert_same(&images[0], &copy);
	ck_assert_uint_eq(copy.revision, 5);
	image_finish(&copy);
}
END_TEST

START_TEST(an_empty_commit_only_moves_the_revision)
{
	begin();
	commit();
	ck_assert_uint_eq(images[0].revision, 2);
	ck_assert_uint_eq(images[1].revision, 2);
}
END_TEST

START_TEST(destroying_nothing_is_harmless)
{
	image_edit_destroy(NULL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("image_edit");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, random_commits_leave_both_images_the_same, 0, 10);
	tcase_add_loop_test(tcase, random_commits_keep_the_notes_right, 0, 5);
	tcase_add_test(tcase, handles_do_not_depend_on_what_was_refused);
	tcase_add_test(tcase, a_removed_record_comes_back_with_a_rollback);
	tcase_add_test(tcase, readers_of_the_other_image_see_nothing_before_it_is_repeated);
	tcase_add_test(tcase, a_reader_of_the_other_image_is_not_disturbed);
	tcase_add_test(tcase, both_halves_of_a_repeat_may_run_side_by_side);
	tcase_add_test(tcase, an_image_that_is_full_says_so_and_can_be_taken_back);
	tcase_add_test(tcase, a_table_that_grew_is_adopted_by_the_other_image_when_it_is_repeated);
	tcase_add_test(tcase, a_table_that_grew_in_a_commit_given_up_serves_the_next_one);
	tcase_add_test(tcase, a_change_refused_for_want_of_memory_does_not_harm_the_next_commit);
	tcase_add_test(tcase, a_replaced_body_lives_until_nobody_can_see_it);
	tcase_add_test(tcase, a_new_body_goes_with_the_rollback);
	tcase_add_test(tcase, a_removed_tariff_takes_its_body_along);
	tcase_add_test(tcase, a_tariff_may_come_and_go_in_one_commit);
	tcase_add_test(tcase, a_note_follows_its_record_with_the_seal);
	tcase_add_test(tcase, a_note_comes_back_with_a_rollback);
	tcase_add_test(tcase, an_image_can_be_built_without_another_one);
	tcase_add_test(tcase, an_empty_commit_only_moves_the_revision);
	tcase_add_test(tcase, destroying_nothing_is_harmless);
	Suite *suite = suite_create("store/image_edit");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
