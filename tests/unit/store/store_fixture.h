// SPDX-License-Identifier: Apache-2.0
// A store in a directory of its own, and change sets put through it one by one or many at once.
#pragma once

#include "store/store.h"
#include "tests/unit/store/temporary.h"

#include <pthread.h>

struct store_fixture {
	struct temporary directory;
	struct store_options options;
	struct store *store;
	struct store_reader *reader;
	struct fault fault;
};

// Opens an empty store.
void store_fixture_init(struct store_fixture *fixture);
void store_fixture_finish(struct store_fixture *fixture);
void store_fixture_open(struct store_fixture *fixture);
void store_fixture_close(struct store_fixture *fixture);

// A job whose result can be waited for.
struct test_job {
	struct store_job job;
	struct change_set set;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	bool is_finished;
};

// The changes are borrowed until the job is finished. Change `set` before submitting.
void test_job_init(struct test_job *job, struct change *changes, size_t count);
void test_job_finish(struct test_job *job);
int test_job_submit(struct test_job *job, struct store *store);
int test_job_wait(struct test_job *job);

// Stops the writer in the done() of an empty set, so that what is submitted meanwhile goes into one commit.
struct test_gate {
	struct test_job job;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_reached;
	bool is_open;
};
// On return the writer stands still.
void test_gate_close(struct test_gate *gate, struct store *store);
void test_gate_open(struct test_gate *gate);

// Submits a set of one change and waits; the result. The fault stays in the fixture.
int store_fixture_apply(struct store_fixture *fixture, struct change change);

// Changes, from texts that outlive them; each call has memory of its own, until the fixture is finished.
struct change change_put_tariff(const char *id);
struct change change_delete_tariff(const char *id);
struct change change_put_group(const char *id, const char *tariff_id);
struct change change_put_customer(const char *id, const char *name);
struct change change_delete_customer(const char *id);
struct change change_put_token(const char *uid, const char *customer_id);
struct change change_put_foreign_token(const char *uid, const char *country_code, const char *party_id);
struct change change_put_point(const char *id, const char *evse_id);
struct change change_attach_point(const char *group_id, const char *point_id);
struct change change_attach_customer(const char *group_id, const char *customer_id, const char *tariff_id);

// A text of at most 255 bytes, likewise.
char *store_fixture_text(const char *format, ...) PRINTF_LIKE(1, 2);

// Whether the object is in the published image.
bool store_fixture_has(struct store_fixture *fixture, enum image_slab slab, const char *id);
uint64_t store_fixture_revision(struct store_fixture *fixture);
