// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include "base/check.h"

#include <sys/random.h>

uint64_t hash_random_seed(void)
{
	uint64_t seed = 0;
	// 8 bytes are never cut short nor interrupted (getrandom(2), "256 bytes").
	const ssize_t got = getrandom(&seed, sizeof(seed), 0);
	ASSERT(got == (ssize_t)sizeof(seed));
	return seed;
}
