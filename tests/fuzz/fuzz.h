// SPDX-License-Identifier: Apache-2.0
// What every fuzz target is: one function, given any bytes; what must not happen is an ASSERT.
//
// With EVAUTH_FUZZ (preset fuzz, clang) libFuzzer calls it: build/fuzz/tests/fuzz_codec CORPUS. Else replay.c does, as
// an ordinary test: every file of the corpus, and mutations of it from a fixed seed.
// To add one: fuzz_NAME.c, its corpus in corpus/NAME/, a line in tests.cmake.
#pragma once

#include "base/check.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
