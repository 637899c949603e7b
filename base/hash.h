// SPDX-License-Identifier: Apache-2.0
// The hash of every table: XXH3, seeded per process, because ids come from the network.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, size, seed);
}

// The same of 16 bytes, for which it takes no branch.
static inline uint64_t hash_16_bytes(const void *data, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, 16, seed);
}

// From the kernel's random source.
uint64_t hash_random_seed(void);
