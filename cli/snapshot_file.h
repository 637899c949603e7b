// SPDX-License-Identifier: Apache-2.0
// The file of `evauth snapshot`: everything a daemon has, with what it remembers of idempotency keys.
//
//     "evauthss", version (4 bytes), 0 (4 bytes)
//     each record: its size (4 bytes), a Record
//     0 (4 bytes), the size of the SnapshotEnd (4 bytes), the SnapshotEnd
//     CRC-32C of everything before it (4 bytes)
//
// Numbers are little endian.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdint.h>
#include <stdio.h>

enum {
	SNAPSHOT_FILE_VERSION = 1,
	SNAPSHOT_FILE_BODY_MAX = 16 * 1024 * 1024,
};

struct snapshot_file {
	FILE *file;
	uint32_t crc; // so far
	char *buffer; // of the reader
};

// -EIO: errno says why.
MUST_CHECK int snapshot_file_begin(struct snapshot_file *file, FILE *out);
MUST_CHECK int snapshot_file_put(struct snapshot_file *file, struct bytes record);
MUST_CHECK int snapshot_file_end(struct snapshot_file *file, struct bytes end);

// Reading: -EPROTO: it is no such file; -ENOTSUP: of a later version; -ENODATA: cut short; -EBADMSG: damaged; -EIO;
// -ENOMEM.
MUST_CHECK int snapshot_file_open(struct snapshot_file *file, FILE *in);
// 1: a record; 0: the end, and the file is whole. *ret_body is valid until the next call.
MUST_CHECK int snapshot_file_get(struct snapshot_file *file, struct bytes *ret_body);
void snapshot_file_close(struct snapshot_file *file);
