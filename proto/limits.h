// SPDX-License-Identifier: Apache-2.0
// Everything has a maximum (DESIGN 4). What is configurable has its default, smallest and largest value here.
#pragma once

enum {
	// Frames (DESIGN 2). The length field counts what follows it.
	FRAME_HEADER_SIZE = 12,
	FRAME_LENGTH_MIN = 8,
	FRAME_SIZE_MAX_DEFAULT = 1024 * 1024,
	FRAME_SIZE_MAX_MIN = 16 * 1024,
	FRAME_SIZE_MAX_MAX = 16 * 1024 * 1024,

	// Request bodies, per kind of method (DESIGN 3.4).
	BODY_QUERY_MAX = 4 * 1024,
	BODY_BATCH_MAX = 64 * 1024,
	BODY_APPLY_MAX = 256 * 1024,
	BODY_RESTORE_MAX = 1000 * 1024, // any record fits
	COMMIT_BODIES_MAX = 768 * 1024, // the sets of one commit together

	// What the guard lets through (DESIGN 3.4).
	GUARD_NESTING_MAX = 8,
	GUARD_UNKNOWN_FIELDS_MAX = 8, // per message

	ID_SIZE_MAX = 64,
	TEXT_SIZE_MAX = 1024, // names, notes: UTF-8, no control characters but newline and tab
	BATCH_REQUESTS_MAX = 256,
	BATCH_EXPLAIN_MAX = 16,
	CHANGES_PER_SET_MAX = 10000,
	IDS_PER_CHANGE_MAX = 10000,
	EVSES_PER_POINT_MAX = 64,
	TARIFF_ELEMENTS_MAX = 128,
	PRICE_COMPONENTS_MAX = 8, // per element
	TARIFF_TEXTS_MAX = 64,    // alternative texts, energy sources, environmental impacts: of each
	DECIMAL_SCALE_MAX = 4,
	PAGE_SIZE_DEFAULT = 100,
	PAGE_SIZE_MAX = 1000,
	PAGE_BYTES_MAX = 512 * 1024,
	SEARCH_TEXT_MAX = 64,
	WATCHERS_MAX = 256,
	ENTRY_SETS_MAX = 512,       // change sets of one revision
	RESTORE_RECORDS_MAX = 5000, // of one part

	// What the change rules write: records, and the bytes of their keys and values. Of one change set with its
	// cascades; and of all sets of one revision, those included that were refused half-way. The same on every
	// replica, whatever its memory: a log entry that one of them cannot apply is one that none of them gets past.
	SET_WRITES_MAX = 250000,
	SET_WRITE_BYTES_MAX = 64 * 1024 * 1024,
	REVISION_WRITES_MAX = 2 * SET_WRITES_MAX,
	REVISION_WRITE_BYTES_MAX = 2 * SET_WRITE_BYTES_MAX,
};
