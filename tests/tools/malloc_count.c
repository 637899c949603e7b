// SPDX-License-Identifier: Apache-2.0
// Counts a process's calls of malloc, calloc, realloc, the aligned ones and free, of all its threads:
//
//     EVAUTH_MALLOC_COUNT=FILE LD_PRELOAD=.../malloc_count.so PROGRAM
//
// FILE is 16 bytes, kept up to date by a shared mapping: two 64-bit numbers in the machine's byte order, calls that
// may take memory and calls of free. Reading the file twice tells what was called in between. glibc only.
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

struct counts {
	uint64_t allocations;
	uint64_t frees;
};

// The only state there can be: these functions are called by anybody, from the first moment on.
static struct counts counts_before_the_file;
static struct counts *counts = &counts_before_the_file;

__attribute__((constructor)) static void open_file(void)
{
	const char *path = getenv("EVAUTH_MALLOC_COUNT");
	const int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return;
	if (ftruncate(fd, sizeof(struct counts)) == 0) {
		void *mapped = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (mapped != MAP_FAILED)
			counts = mapped;
	}
	close(fd);
}

static void count_allocation(void)
{
	__atomic_fetch_add(&counts->allocations, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
	count_allocation();
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	count_allocation();
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	count_allocation();
	return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
	count_allocation();
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	count_allocation();
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	count_allocation();
	void *memory = __libc_memalign(alignment, size);
	if (!memory)
		return ENOMEM;
	*ret_memory = memory;
	return 0;
}

void free(void *memory)
{
	__atomic_fetch_add(&counts->frees, 1, __ATOMIC_RELAXED);
	__libc_free(memory);
}
