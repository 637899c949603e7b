// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <isa-l.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
	// libisal neither inverts nor writes; its prototype lacks the const.
	return ~crc32_iscsi((unsigned char *)(uintptr_t)data, (int)size, ~crc);
}
