// SPDX-License-Identifier: Apache-2.0
// Two stores and a snapshot between them, for the tests of store/install.h.
#pragma once

#include "base/check.h"
#include "store/install.h"
#include "tests/unit/store/store_fixture.h"

#include <stddef.h>
#include <stdint.h>

enum { ARENA_BUDGET = 256 * 1024 * 1024 };

// A snapshot in memory.
struct copy {
	struct arena arena;
	struct record *records;
	size_t count, limit;
	struct snapshot_end end;
};

extern struct store_fixture source, target;
extern struct copy copy;

void setup(void);
void teardown(void);
// Must succeed.
void apply(struct store_fixture *fixture, struct change change);
// Some objects of every kind.
void fill(struct store_fixture *fixture);
// So many customers.
void fill_much(struct store_fixture *fixture, int count);
void reopen(struct store_fixture *fixture);

void take_copy(struct store_fixture *fixture);
// Puts the copy into the target. stage(): everything but the commit, one record at a time, each gone after its call.
MUST_CHECK int stage(struct store_install **ret_install);
MUST_CHECK int install_after(uint64_t orphans_after);
MUST_CHECK int install(void);
void install_well(void);

void expect_same_state(void);
void expect_digest_is_right(struct store_fixture *fixture);
void remember_target(void);
void expect_target_unchanged(void);
