// SPDX-License-Identifier: Apache-2.0
// Records of one size, addressed by 32-bit handles. Handle 0 names nothing. One owner; a reader may read a slab
// nobody writes.
#pragma once

#include "base/check.h"

#include <stddef.h>
#include <stdint.h>

struct slab {
	char *records; // record h is at records + h * record_size; cache-line aligned
	uint32_t record_size;
	uint32_t limit;      // handles below this are mapped
	uint32_t next;       // first handle never used
	uint32_t first_free; // chain of freed records, linked through their first 4 bytes; 0: none
	uint32_t count;      // in use
};

void slab_init(struct slab *slab, uint32_t record_size);
void slab_finish(struct slab *slab);
// Makes room for one more. -ENOMEM. Afterwards slab_take() cannot fail.
MUST_CHECK int slab_reserve(struct slab *slab);
// A zeroed record.
uint32_t slab_take(struct slab *slab);
void slab_release(struct slab *slab, uint32_t handle);
// Makes `slab` an exact copy. -ENOMEM.
MUST_CHECK int slab_copy(struct slab *slab, const struct slab *source);

static inline void *slab_get(const struct slab *slab, uint32_t handle)
{
	return slab->records + (size_t)handle * slab->record_size;
}
