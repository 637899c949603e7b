// SPDX-License-Identifier: Apache-2.0
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by libisal.
#pragma once

#include <stddef.h>
#include <stdint.h>

// `crc` is 0 to start, or the value so far to continue over more bytes.
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
