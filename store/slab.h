// SPDX-License-Identifier: Apache-2.0
// Records of one size, addressed by 32-bit handles. Handle 0 names nothing. Records never move: one owner may add
// records while readers read others. A reader may read a slab nobody writes.
#pragma once

#include "base/check.h"
#include "store/memory.h"

#include <stddef.h>
#include <stdint.h>

struct slab {
	char *records; // record h is at records + h * record_size; cache-line aligned
	uint32_t record_size;
	uint32_t limit;      // handles below this are backed by memory
	uint32_t next;       // first handle never used
	uint32_t first_free; // chain of freed records, linked through their first 4 bytes; 0: none
	uint32_t count;      // in use
	uint32_t count_max;
	struct memory memory;
};

// Reserves address space for `count_max` records of `record_size` bytes, a multiple of 4. -ENOMEM.
MUST_CHECK int slab_init(struct slab *slab, uint32_t record_size, uint32_t count_max);
// Harmless on a zeroed one.
void slab_finish(struct slab *slab);
// Makes room for one more. -ENOMEM, also past count_max. Afterwards slab_take() cannot fail.
MUST_CHECK int slab_reserve(struct slab *slab);
// Makes the handles below `limit` usable. -ENOMEM, also past count_max. Readers of the slab are not disturbed.
MUST_CHECK int slab_extend(struct slab *slab, uint32_t limit);
// A zeroed record.
uint32_t slab_take(struct slab *slab);
// The record's first 4 bytes become the link to the next free one; the last one released is taken first.
void slab_release(struct slab *slab, uint32_t handle);
// Makes `slab`, which is empty or an older copy, an exact copy. -ENOMEM.
MUST_CHECK int slab_copy(struct slab *slab, const struct slab *source);
// Gives memory no record was ever in back to the kernel: huge pages round up. Also while others read the slab.
void slab_give_back(const struct slab *slab);

// Backs the next huge page when the one at hand is being filled, if there is memory, and gives what is backed and was
// never used: it will be soon.
struct memory_range slab_ahead(struct slab *slab);

static inline void *slab_get(const struct slab *slab, uint32_t handle)
{
	return slab->records + (size_t)handle * slab->record_size;
}
