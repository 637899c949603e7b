// SPDX-License-Identifier: Apache-2.0
// Address space that is reserved once and backed as it is needed, so that what lives in it never moves: the memory
// of slabs, tables and strings. Growing disturbs no thread that reads the part already there.
#pragma once

#include "base/check.h"

#include <stddef.h>

enum {
	MEMORY_STEP = 2 * 1024 * 1024,     // huge pages are this big; backed memory grows by at least as much
	MEMORY_HUGE_MIN = 8 * 1024 * 1024, // from here on huge pages pay for what they round up
};

struct memory {
	char *start;   // zeroed where it was never written; aligned to MEMORY_STEP when that big, else to a page
	size_t size;   // bytes reserved
	size_t backed; // bytes at the start that may be touched
};

// Reserves `size` bytes of address space, none of them backed. -ENOMEM.
MUST_CHECK int memory_reserve(struct memory *memory, size_t size);
// Everything back to the system. Harmless on a zeroed or released one.
void memory_release(struct memory *memory);
// At least the first `size` bytes may be touched afterwards. -ENOMEM, also past what is reserved.
MUST_CHECK int memory_back(struct memory *memory, size_t size);
// A part of some memory.
struct memory_range {
	char *start;
	size_t size; // bytes; 0: nothing
};

// What is backed behind the first `used` bytes and its huge page, where there are huge pages.
struct memory_range memory_behind(const struct memory *memory, size_t used);
// Has the kernel prepare these pages as if they were written, so that whoever writes them first does not wait for that:
// clearing a huge page takes 0.1 ms, and on a virtual machine several. Any thread, also while others write them. Where
// the kernel cannot, nothing happens.
void memory_prepare(const struct memory_range *range);
// Gives what is backed beyond the first `used` bytes back to the kernel; it stays backed and reads as zero.
void memory_give_back(const struct memory *memory, size_t used);
