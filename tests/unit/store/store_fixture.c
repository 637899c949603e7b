// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/store_fixture.h"

#include "tests/unit/unit.h"

#include <stdarg.h>

enum { MAP_SIZE = 256 * 1024 * 1024, ARENA_BUDGET = 16 * 1024 * 1024 };

// Of changes and texts, until the fixture is finished.
static struct arena kept;

void store_fixture_init(struct store_fixture *fixture)
{
	*fixture = (struct store_fixture){0};
	temporary_create(&fixture->directory);
	arena_init(&kept, 4096, ARENA_BUDGET);
	fixture->options = (struct store_options){
		.directory = fixture->directory.path,
		.map_size = MAP_SIZE,
		.readers_max = 8,
		.queue_max = STORE_QUEUE_MAX_DEFAULT,
	};
	store_fixture_open(fixture);
}

void store_fixture_finish(struct store_fixture *fixture)
{
	store_fixture_close(fixture);
	temporary_remove(&fixture->directory);
	arena_finish(&kept);
}

void store_fixture_open(struct store_fixture *fixture)
{
	fixture->fault = (struct fault){0};
	const int result = store_open(&fixture->options, &fixture->store, &fixture->fault);
	ck_assert_msg(result == 0, "%s", fixture->fault.message);
	ck_assert_int_eq(store_reader_create(fixture->store, NULL, NULL, &fixture->reader), 0);
}

void store_fixture_close(struct store_fixture *fixture)
{
	store_reader_destroy(fixture->reader);
	store_close(fixture->store);
	fixture->reader = NULL;
	fixture->store = NULL;
}

// ---------------------------------------------------------------- jobs

static void finish_job(struct store_job *job)
{
	struct test_job *test = job->context;
	pthread_mutex_lock(&test->lock);
	test->is_finished = true;
	pthread_cond_signal(&test->finished);
	pthread_mutex_unlock(&test->lock);
}

void test_job_init(struct test_job *job, struct change *changes, size_t count)
{
	*job = (struct test_job){.set = {.changes = changes, .changes_count = count}};
	job->job.set = &job->set;
	job->job.done = finish_job;
	job->job.context = job;
	arena_init(&job->job.arena, 4096, ARENA_BUDGET);
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->finished, NULL);
}

void test_job_finish(struct test_job *job)
{
	arena_finish(&job->job.arena);
	pthread_cond_destroy(&job->finished);
	pthread_mutex_destroy(&job->lock);
}

int test_job_submit(struct test_job *job, struct store *store)
{
	return store_submit(store, &job->job);
}

int test_job_wait(struct test_job *job)
{
	pthread_mutex_lock(&job->lock);
	while (!job->is_finished)
		pthread_cond_wait(&job->finished, &job->lock);
	pthread_mutex_unlock(&job->lock);
	return job->job.result;
}

static void stop_at_gate(struct store_job *job)
{
	struct test_gate *gate = job->context;
	pthread_mutex_lock(&gate->lock);
	gate->is_reached = true;
	pthread_cond_broadcast(&gate->changed);
	while (!gate->is_open)
		pthread_cond_wait(&gate->changed, &gate->lock);
	gate->is_reached = false;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void test_gate_close(struct test_gate *gate, struct store *store)
{
	*gate = (struct test_gate){0};
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->changed, NULL);
	test_job_init(&gate->job, NULL, 0); // refused: there is nothing in it
	gate->job.job.done = stop_at_gate;
	gate->job.job.context = gate;
	ck_assert_int_eq(test_job_submit(&gate->job, store), 0);
	pthread_mutex_lock(&gate->lock);
	while (!gate->is_reached)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

void test_gate_open(struct test_gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->is_open = true;
	pthread_cond_broadcast(&gate->changed);
	while (gate->is_reached)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
	test_job_finish(&gate->job);
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
}

int store_fixture_apply(struct store_fixture *fixture, struct change change)
{
	struct test_job job;
	test_job_init(&job, &change, 1);
	int result = test_job_submit(&job, fixture->store);
	if (result == 0)
		result = test_job_wait(&job);
	fixture->fault = job.job.fault;
	test_job_finish(&job);
	return result;
}

// ---------------------------------------------------------------- changes

static void *keep(const void *source, size_t size)
{
	void *copy = arena_alloc(&kept, size);
	ck_assert_ptr_nonnull(copy);
	return memcpy(copy, source, size);
}

char *store_fixture_text(const char *format, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	const int size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ck_assert_int_lt(size, (int)sizeof(text));
	return keep(text, (size_t)size + 1);
}

#define KEEP(type, ...) keep(&(const struct type){__VA_ARGS__}, sizeof(struct type))

struct change change_put_tariff(const char *id)
{
	static struct decimal rate = {.units = 25, .scale = 2};
	static struct price_component component = {
		.type = TARIFF_DIMENSION_TYPE_ENERGY, .step_size = 1, .price = &rate};
	static struct tariff_element element = {.price_components = &component, .price_components_count = 1};
	return (struct change){.kind = CHANGE_PUT_TARIFF,
			       .change = KEEP(tariff, .id = bytes_from(id), .currency = BYTES_LITERAL("EUR"),
					      .elements = &element, .elements_count = 1)};
}

struct change change_delete_tariff(const char *id)
{
	return (struct change){.kind = CHANGE_DELETE_TARIFF, .change = KEEP(delete_object, .id = bytes_from(id))};
}

struct change change_put_group(const char *id, const char *tariff_id)
{
	return (struct change){.kind = CHANGE_PUT_CHARGE_GROUP,
			       .change = KEEP(charge_group, .id = bytes_from(id), .name = BYTES_LITERAL("Group"),
					      .type = CHARGE_GROUP_TYPE_OTHER, .tariff_id = bytes_from(tariff_id),
					      .open_to_roaming = true, .user_group = BYTES_LITERAL("ug"))};
}

struct change change_put_customer(const char *id, const char *name)
{
	return (struct change){.kind = CHANGE_PUT_CUSTOMER,
			       .change = KEEP(customer, .id = bytes_from(id), .name = bytes_from(name),
					      .payment = PAYMENT_PREPAID, .no_credit = true)};
}

struct change change_delete_customer(const char *id)
{
	return (struct change){.kind = CHANGE_DELETE_CUSTOMER, .change = KEEP(delete_object, .id = bytes_from(id))};
}

struct change change_put_token(const char *uid, const char *customer_id)
{
	return (struct change){.kind = CHANGE_PUT_TOKEN,
			       .change = KEEP(token, .uid = bytes_from(uid), .type = TOKEN_TYPE_RFID,
					      .customer_id = bytes_from(customer_id),
					      .contract_id = BYTES_LITERAL("NL-EVC-C1234567-X"),
					      .parent_id = BYTES_LITERAL("parent"), .valid_from = 5, .valid_until = 7,
					      .blocked = true, .whitelist = WHITELIST_ALWAYS)};
}

struct change change_put_foreign_token(const char *uid, const char *country_code, const char *party_id)
{
	struct issuer *issuer =
		KEEP(issuer, .country_code = bytes_from(country_code), .party_id = bytes_from(party_id));
	return (struct change){.kind = CHANGE_PUT_TOKEN,
			       .change = KEEP(token, .uid = bytes_from(uid), .type = TOKEN_TYPE_EMAID, .issuer = issuer,
					      .roaming_allowed = true)};
}

struct change change_put_point(const char *id, const char *evse_id)
{
	struct evse *evse = KEEP(evse, .evse_id = bytes_from(evse_id));
	return (struct change){.kind = CHANGE_PUT_CHARGE_POINT,
			       .change = KEEP(charge_point, .id = bytes_from(id), .location_id = BYTES_LITERAL("loc"),
					      .home_charger = true, .evses = evse, .evses_count = 1)};
}

struct change change_attach_point(const char *group_id, const char *point_id)
{
	struct bytes *id = KEEP(bytes, .data = point_id, .size = strlen(point_id));
	return (struct change){.kind = CHANGE_ATTACH_CHARGE_POINTS,
			       .change = KEEP(attach_charge_points, .charge_group_id = bytes_from(group_id),
					      .charge_point_ids = id, .charge_point_ids_count = 1)};
}

struct change change_attach_customer(const char *group_id, const char *customer_id, const char *tariff_id)
{
	struct bytes *id = KEEP(bytes, .data = customer_id, .size = strlen(customer_id));
	return (struct change){.kind = CHANGE_ATTACH_CUSTOMERS,
			       .change = KEEP(attach_customers, .charge_group_id = bytes_from(group_id),
					      .customer_ids = id, .customer_ids_count = 1,
					      .tariff_id = bytes_from(tariff_id))};
}

// ---------------------------------------------------------------- what is published

bool store_fixture_has(struct store_fixture *fixture, enum image_slab slab, const char *id)
{
	struct id_key key;
	id_fold(slab == IMAGE_EVSES ? ID_FOLD_EVSE : ID_FOLD_PLAIN, bytes_from(id), &key);
	const struct image *image = store_pin(fixture->reader);
	const bool found = image_find(image, slab, &key) != 0;
	store_unpin(fixture->reader);
	return found;
}

uint64_t store_fixture_revision(struct store_fixture *fixture)
{
	const struct image *image = store_pin(fixture->reader);
	const uint64_t revision = image->revision;
	store_unpin(fixture->reader);
	return revision;
}
