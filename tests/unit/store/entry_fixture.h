// SPDX-License-Identifier: Apache-2.0
// Entries as a replica gets them from the log, with change sets that live as long as they do.
#pragma once

#include "store/entry.h"
#include "tests/unit/store/store_fixture.h"

enum { TEST_ENTRY_SETS_MAX = 4 };

struct test_entry {
	struct store_entry entry;
	struct test_job jobs[TEST_ENTRY_SETS_MAX];
	size_t jobs_count;
	pthread_mutex_t lock;
	pthread_cond_t finished;
	bool is_finished;
};

// Without sets; the one to come after `position`, with the nonce `nonce` all over.
void test_entry_init(struct test_entry *entry, const struct store_position *position, uint8_t nonce, int64_t time);
// The changes are borrowed until the entry is finished. Returns its job, to be changed before it is submitted.
struct test_job *test_entry_add(struct test_entry *entry, struct change *changes, size_t count);
int test_entry_submit(struct test_entry *entry, struct store *store);
int test_entry_wait(struct test_entry *entry);
void test_entry_finish(struct test_entry *entry);

// Where the store stands once the entry is applied.
struct store_position test_entry_position(const struct test_entry *entry);
// An entry of one set of one change, submitted and waited for; after it *position is the store's. The result of the
// entry; that of the set in *ret_set_result, which may be NULL.
int test_entry_apply(struct store *store, struct store_position *position, uint8_t nonce, int64_t time,
		     struct change change, int *ret_set_result);
