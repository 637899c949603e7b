// SPDX-License-Identifier: Apache-2.0
// Messages of any schema for tests: made up from a seed, compared member by member, listed.
#pragma once

#include "base/arena.h"
#include "proto/schema_impl.h"

#include <stdint.h>

// Every schema that schema.h names, with its name; ends with a NULL schema.
struct named_schema {
	const char *name;
	const struct schema *schema;
};
enum { ALL_SCHEMAS = 47 };
extern const struct named_schema all_schemas[ALL_SCHEMAS + 1];

struct random {
	uint64_t state;
	unsigned list_max; // elements; 0: 3
	bool is_ascii;     // strings; else UTF-8
};

uint64_t random_next(struct random *random);
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return random_next(random) % limit;
}
struct bytes random_text(struct random *random, struct arena *arena);

// A plain struct of the schema in `arena`, about half of its fields set. Oneofs have a member, enums known values,
// decimals at most 4 decimals: codec (strict) and JSON take it both ways.
void *random_message(struct random *random, const struct schema *schema, struct arena *arena);

// What protobuf-c makes of the message: its own copy of it, packed. In `arena`.
struct bytes pack_by_protobuf_c(const struct schema *schema, const void *message, struct arena *arena);

bool message_equal(const struct schema *schema, const void *a, const void *b);
