// SPDX-License-Identifier: Apache-2.0
// Encrypted bytes on their way into or out of an engine, as a BIO of OpenSSL's. Has memory only while there are some,
// so that a connection that is quiet has none: the library's own BIOs keep what they once grew to.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>

// Zeroed: empty.
struct queue {
	char *memory;
	size_t capacity, start, size;
	bool is_shut; // OpenSSL finds nothing in it any more
};

// NULL: no memory.
BIO_METHOD *queue_method_create(void);
// The queue has to outlive the BIO. NULL: no memory.
BIO *queue_bio_create(const BIO_METHOD *method, struct queue *queue);
// -ENOMEM.
MUST_CHECK int queue_put(struct queue *queue, struct bytes bytes);
// How many there were, at most `size`.
size_t queue_take(struct queue *queue, char *ret_bytes, size_t size);
void queue_finish(struct queue *queue);
