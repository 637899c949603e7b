// SPDX-License-Identifier: Apache-2.0
// What is remembered of an idempotency key, as a record of a snapshot and as it is stored.
#pragma once

#include "base/arena.h"
#include "proto/messages.h"
#include "store/db.h"

enum { REMEMBERED_WRITES = 2 };

// The record for a row of DB_IDEMPOTENCY_AGE. It lives in `arena`, its texts in the snapshot. -ENOENT: the row names a
// key that is not remembered; -EBADMSG; -ENOMEM.
MUST_CHECK int remembered_read(struct db_read *read, const struct db_record *age, struct arena *arena,
			       struct record *ret_record);
// The writes that make a store remember it; they live in `arena`. -EINVAL with the fault; -ENOMEM.
MUST_CHECK int remembered_write(const struct record *record, struct arena *arena,
				struct db_write ret_writes[REMEMBERED_WRITES], struct fault *fault);
