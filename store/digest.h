// SPDX-License-Identifier: Apache-2.0
// The digest of all objects (DESIGN 3.3): the sum, modulo 2^128, of a 128-bit hash of each record of the object tables,
// over table, key, modified_revision and value. The order of the records does not matter, so that it is kept up to date
// by subtracting what goes and adding what comes. Equal objects with equal revisions: equal digests, on every machine.
// What is remembered of idempotency keys, the log and the meta records are not in it.
#pragma once

#include "base/id128.h"
#include "store/db.h"

struct digest {
	uint64_t low, high;
};

void digest_add(struct digest *digest, enum db_table table, const struct db_record *record);
void digest_subtract(struct digest *digest, enum db_table table, const struct db_record *record);
// As text it reads from the highest digit to the lowest.
struct id128 digest_id(const struct digest *digest);
struct digest digest_from_id(const struct id128 *id);
