// SPDX-License-Identifier: Apache-2.0
// The one table of options and how a value of each type is read and written. Private to daemon/options*.c.
#pragma once

#include "daemon/options.h"

enum option_type {
	OPTION_TEXT,
	OPTION_FILE, // a path, or credential:NAME; a path from then on
	OPTION_LIST, // of texts
	OPTION_FLAG,
	OPTION_NUMBER,
	OPTION_SIZE,     // bytes; a bare number counts in bytes
	OPTION_SIZE_GIB, // the same, but a bare number counts in GiB
	OPTION_DURATION, // milliseconds; a bare number counts in milliseconds
	OPTION_LEVEL,
	OPTION_URL, // of Redis; a password in it is never shown
};

struct option_row {
	const char *name;
	enum option_type type;
	size_t offset;        // of the field in struct options
	uint64_t min, max;    // of a number, size or duration; max: of the items of a list
	const char *preset;   // the default as a user would write it; NULL: empty
	const char *argument; // what --help calls the value; NULL for flags
	const char *help;
	// A further check of one value; NULL: none. Returns what is wrong, or NULL.
	const char *(*check)(const char *value);
	// Likewise, for what is wrong in more ways. -EINVAL.
	int (*check_why)(const char *value, char *ret_why, size_t why_size);
	bool reloadable;
	bool command_line_only;
};

extern const struct option_row option_table[];
extern const size_t option_table_size;

// -1 when there is none.
int option_find(const char *name);
// Reads `text` into the row's field (for a list: appends). -EINVAL: `ret_why` says what is wrong, without the name.
MUST_CHECK int option_set(const struct option_row *row, struct options *options, const char *text, char *ret_why,
			  size_t why_size);
// Empties the field, so that a list can be replaced.
void option_clear(const struct option_row *row, struct options *options);
// The items of a row that is a list.
const struct options_list *option_items(const struct option_row *row, const struct options *options);
// Whether the row's value has a password in it.
bool option_has_password(const struct option_row *row, const struct options *options);
// The value of a row that is no list, as a user would write it, but for a password.
void option_format(const struct option_row *row, const struct options *options, char *ret_text, size_t text_size);
bool option_equals(const struct option_row *row, const struct options *a, const struct options *b);
void option_copy(const struct option_row *row, struct options *to, const struct options *from);

// Sets in `options` what the file says. -EINVAL with an error naming FILE:LINE and the key.
MUST_CHECK int options_file_read(const char *path, struct options *options, struct options_error *error);
// The same for text already in memory; `path` is for messages.
MUST_CHECK int options_file_parse(const char *path, const char *text, struct options *options,
				  struct options_error *error);
