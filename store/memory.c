// SPDX-License-Identifier: Apache-2.0
#include "store/memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

// Huge pages need the alignment; the system gives that of a page, so reserve more and return what sticks out.
static char *trim_to_step(char *start, size_t size)
{
	char *aligned = (char *)round_up((uintptr_t)start, MEMORY_STEP);
	const size_t before = (size_t)(aligned - start);
	if (before > 0)
		munmap(start, before);
	if (before < MEMORY_STEP)
		munmap(aligned + size, MEMORY_STEP - before);
	return aligned;
}

int memory_reserve(struct memory *memory, size_t size)
{
	size = round_up(size, (size_t)sysconf(_SC_PAGESIZE));
	const size_t extra = size >= MEMORY_STEP ? MEMORY_STEP : 0;
	char *start = mmap(NULL, size + extra, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return -ENOMEM;
	*memory = (struct memory){.start = extra ? trim_to_step(start, size) : start, .size = size};
	// What is kept here is personal data. Advice on all of it keeps it one mapping.
	(void)madvise(memory->start, memory->size, MADV_DONTDUMP);
	return 0;
}

void memory_release(struct memory *memory)
{
	if (memory->start != NULL)
		munmap(memory->start, memory->size);
	*memory = (struct memory){0};
}

int memory_back(struct memory *memory, size_t size)
{
	if (size <= memory->backed)
		return 0;
	if (size > memory->size)
		return -ENOMEM;
	size = round_up(size, MEMORY_STEP);
	if (size > memory->size)
		size = memory->size;
	if (mprotect(memory->start + memory->backed, size - memory->backed, PROT_READ | PROT_WRITE) != 0)
		return -ENOMEM;
	// Advice on the whole reservation keeps it one mapping. It is only advice: without huge pages it works too.
	if (memory->backed < MEMORY_HUGE_MIN && size >= MEMORY_HUGE_MIN)
		(void)madvise(memory->start, memory->size, MADV_HUGEPAGE);
	memory->backed = size;
	return 0;
}

struct memory_range memory_behind(const struct memory *memory, size_t used)
{
	const size_t from = round_up(used, MEMORY_STEP);
	if (memory->backed < MEMORY_HUGE_MIN || from >= memory->backed)
		return (struct memory_range){0};
	return (struct memory_range){.start = memory->start + from, .size = memory->backed - from};
}

void memory_prepare(const struct memory_range *range)
{
	if (range->size > 0)
		(void)madvise(range->start, range->size, MADV_POPULATE_WRITE);
}

void memory_give_back(const struct memory *memory, size_t used)
{
	const size_t from = round_up(used, (size_t)sysconf(_SC_PAGESIZE));
	if (from < memory->backed)
		(void)madvise(memory->start + from, memory->backed - from, MADV_DONTNEED);
}
