// SPDX-License-Identifier: Apache-2.0
// What the files of an install share; nobody else includes this.
//
//     install.c         staging, and taking over
//     install_record.c  a record of a snapshot as it is stored
//     install_sweep.c   what is left over: emptied in pieces, the log's orphans kept
#pragma once

#include "store/install.h"
#include "store/store_impl.h"

enum { INSTALL_WRITES_MAX = 2 }; // of one record

// What `record` is in the tables, in `arena`. -EINVAL with the fault: it is no record a store can have; -ENOMEM.
MUST_CHECK int install_write_record(const struct record *record, struct arena *arena,
				    struct db_write ret_writes[INSTALL_WRITES_MAX], size_t *ret_count,
				    struct fault *fault);

// Entries of the log that was live which are to be kept: moves some of them. 1: there are more. Writer thread.
MUST_CHECK int install_keep_orphans(struct store *store);
// Empties the tables that are not live until they are. Any thread but the writer and the workers.
MUST_CHECK int install_wait_for_sweep(struct store *store);
// What a failed transaction means for the store. Writer thread.
MUST_CHECK int install_fail(struct store *store, int error);
