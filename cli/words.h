// SPDX-License-Identifier: Apache-2.0
// What people write on command lines, and how we write it back: switches, times, issuers, numbers.
#pragma once

#include "base/bytes.h"
#include "base/check.h"
#include "proto/json.h"
#include "proto/messages.h"

#include <stdint.h>

// "on", "yes", "true", "1" and their opposites, in any case. False: none of these.
bool words_parse_switch(const char *word, bool *ret_on);
// RFC 3339 ("2026-12-01T08:00:00Z", "2026-12-01 08:00:00+01:00"), a date alone (its midnight, UTC) or unix seconds.
// Empty: 0. -EINVAL.
MUST_CHECK int words_parse_time(const char *word, int64_t *ret_seconds);
// "NL*ABC", "NL-ABC", "NLABC". Empty: both parts empty. Borrows `word`. -EINVAL.
MUST_CHECK int words_parse_issuer(const char *word, struct issuer *ret_issuer);
// As json_enum_parse(), with '-' for '_' too. Empty: 0 (unspecified). -EINVAL.
MUST_CHECK int words_parse_enum(enum json_enum type, const char *word, int *ret_value);
// "charge-points", "point", "tariffs", ...: a kind of object, singular or plural, any case. -EINVAL.
MUST_CHECK int words_parse_kind(const char *word, enum object_kind *ret_kind);

enum { WORDS_SIZE = 48 }; // enough for any text below

// "2026-12-01T08:00:00Z"; empty for 0. Returns `text`.
const char *words_time(int64_t seconds, char text[static WORDS_SIZE]);
// "1,234,567". Returns `text`.
const char *words_count(uint64_t count, char text[static WORDS_SIZE]);
// "512 B", "1.4 MiB". Returns `text`.
const char *words_size(uint64_t size, char text[static WORDS_SIZE]);
// "1,234,567", "12.3", "0": so much per second. Returns `text`.
const char *words_rate(double rate, char text[static WORDS_SIZE]);
// "250 us", "2.5 ms", "1 s". Returns `text`.
const char *words_ns(uint64_t ns, char text[static WORDS_SIZE]);
// "12.3 s", "04:12:33", "3 d 04:12:33". Returns `text`.
const char *words_duration(uint64_t ms, char text[static WORDS_SIZE]);
// "0.25"; empty for NULL. Returns `text`.
const char *words_decimal(const struct decimal *decimal, char text[static WORDS_SIZE]);
// "charge group", "token", ...
const char *words_kind(enum object_kind kind);
