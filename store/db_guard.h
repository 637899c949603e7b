// SPDX-License-Identifier: Apache-2.0
// The last word when the store's file gives way under us: a disk that fails to read a mapped page is a SIGBUS. (What a
// damaged file can do otherwise is refused before, see db_check.c.) One line to stderr, then the signal as ever.
#pragma once

// For the whole process; `directory` is copied. A second call changes the name in the line only.
void db_guard_install(const char *directory);
// The line, for other last words. Async-signal-safe.
void db_guard_report(void);
