// SPDX-License-Identifier: Apache-2.0
// The fields of every object, in one table each: how create and set take them from options, how show prints them.
#pragma once

#include "base/arena.h"
#include "cli/context.h"
#include "proto/fault.h"
#include "proto/schema.h"

enum field_type {
	FIELD_TEXT,   // struct bytes
	FIELD_SWITCH, // bool
	FIELD_TIME,   // int64_t, unix seconds
	FIELD_ENUM,
	FIELD_ISSUER, // struct issuer *
	FIELD_EVSES,  // struct evse * and its count
};

struct field {
	const char *label; // as show prints it
	size_t offset;     // in the object
	enum field_type type;
	int enumeration;       // FIELD_ENUM: enum json_enum
	enum option_id option; // OPTION_COUNT: shown only
	bool identity;         // part of what names the object: create takes it, set does not change it
};

struct object_row {
	const struct schema *schema;
	size_t size;
	enum change_kind put_kind;
	enum change_kind delete_kind;
	const struct field *fields; // the first one is the id
	size_t fields_count;
};

// Tariff, charge group, charge point, customer or token; membership can only be shown.
const struct object_row *object_row(enum object_kind kind);
struct bytes object_id(enum object_kind kind, const void *object);

// Takes the options given into `object` (lists into `arena`). `creating`: also the parts of its identity.
// *ret_given: options taken. -EINVAL with the option and what is wrong with it, -ENOMEM.
MUST_CHECK int fields_take(const struct object_row *row, const struct arguments *arguments, bool creating, void *object,
			   struct arena *arena, size_t *ret_given, struct fault *fault);
// Prints labelled lines: every switch, the rest where it is not empty.
void fields_print(struct context *context, enum object_kind kind, const void *object);
