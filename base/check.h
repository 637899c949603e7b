// SPDX-License-Identifier: Apache-2.0
// Marks and checks. ASSERT is for programmer errors only and stays on in release; bad input and failing
// system calls are errors, never asserted.
#pragma once

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(string, first) __attribute__((format(printf, string, first)))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ASSERT(condition) \
	((condition) ? (void)0 : assert_failed(__FILE__, __LINE__, #condition)) // NOLINT: no return, no jump

// Writes one line to stderr and aborts.
__attribute__((noreturn, cold)) void assert_failed(const char *file, int line, const char *condition);
