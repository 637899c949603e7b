// SPDX-License-Identifier: Apache-2.0
// A secret that makes names for tokens which only its owner can make: a uid is short and guessable, and a plain hash of
// it would be undone by trying them all.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

enum {
	PEPPER_SIZE_MIN = 16,
	PEPPER_SIZE_MAX = 256,
	PEPPER_WHY_SIZE = 320,
	PSEUDONYM_TEXT_SIZE = 8, // hexadecimal digits
};

struct pepper {
	char data[PEPPER_SIZE_MAX];
	size_t size;
};

// The file's bytes without a newline at their end. -EINVAL: `ret_why` says what is wrong: it cannot be read, others may
// use it, too short or too long.
MUST_CHECK int pepper_read(struct pepper *ret_pepper, const char *path, char ret_why[PEPPER_WHY_SIZE]);
// Wipes it.
void pepper_finish(struct pepper *pepper);
// The first digits of HMAC-SHA256(pepper, id), terminated. Equal compare forms (proto/ids.h) have equal pseudonyms.
// Empty when OpenSSL fails.
void pepper_pseudonym(const struct pepper *pepper, struct bytes id, char ret_text[PSEUDONYM_TEXT_SIZE + 1]);
