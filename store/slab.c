// SPDX-License-Identifier: Apache-2.0
#include "store/slab.h"

#include <errno.h>
#include <string.h>

int slab_init(struct slab *slab, uint32_t record_size, uint32_t count_max)
{
	ASSERT(record_size >= sizeof(uint32_t) && record_size % sizeof(uint32_t) == 0);
	struct memory memory;
	const int error = memory_reserve(&memory, (size_t)record_size * ((size_t)count_max + 1));
	if (error != 0)
		return error;
	*slab = (struct slab){
		.records = memory.start,
		.record_size = record_size,
		.next = 1,
		.count_max = count_max,
		.memory = memory,
	};
	return 0;
}

void slab_finish(struct slab *slab)
{
	memory_release(&slab->memory);
	*slab = (struct slab){0};
}

int slab_extend(struct slab *slab, uint32_t limit)
{
	if (limit <= slab->limit)
		return 0;
	if (limit - 1 > slab->count_max)
		return -ENOMEM;
	const int error = memory_back(&slab->memory, (size_t)limit * slab->record_size);
	if (error != 0)
		return error;
	const size_t backed = slab->memory.backed / slab->record_size, most = (size_t)slab->count_max + 1;
	slab->limit = (uint32_t)(backed < most ? backed : most);
	return 0;
}

int slab_reserve(struct slab *slab)
{
	return slab->first_free != 0 ? 0 : slab_extend(slab, slab->next + 1);
}

uint32_t slab_take(struct slab *slab)
{
	uint32_t handle = slab->first_free;
	if (handle != 0)
		memcpy(&slab->first_free, slab_get(slab, handle), sizeof(slab->first_free));
	else
		handle = slab->next++;
	ASSERT(handle < slab->limit);
	memset(slab_get(slab, handle), 0, slab->record_size);
	slab->count++;
	return handle;
}

void slab_release(struct slab *slab, uint32_t handle)
{
	ASSERT(handle != 0 && handle < slab->next && slab->count > 0);
	memcpy(slab_get(slab, handle), &slab->first_free, sizeof(slab->first_free));
	slab->first_free = handle;
	slab->count--;
}

int slab_copy(struct slab *slab, const struct slab *source)
{
	ASSERT(slab->record_size == source->record_size);
	const int error = slab_extend(slab, source->next);
	if (error != 0)
		return error;
	const size_t first = source->record_size; // no record has handle 0
	memcpy(slab->records + first, source->records + first, (size_t)(source->next - 1) * source->record_size);
	slab->next = source->next;
	slab->first_free = source->first_free;
	slab->count = source->count;
	return 0;
}

void slab_give_back(const struct slab *slab)
{
	memory_give_back(&slab->memory, (size_t)slab->next * slab->record_size);
}

struct memory_range slab_ahead(struct slab *slab)
{
	const size_t used = (size_t)slab->next * slab->record_size;
	// Whoever needs it is told when there is none.
	if (slab->memory.backed >= MEMORY_HUGE_MIN && slab->memory.backed - used < MEMORY_STEP)
		(void)!slab_extend(slab, slab->limit + 1);
	return memory_behind(&slab->memory, used);
}
