// SPDX-License-Identifier: Apache-2.0
// What OpenSSL's errors mean. Private to tls/.
#pragma once

#include "tls/tls.h"

#include <openssl/ssl.h>

// Of a connection on which OpenSSL has just failed; empties the thread's queue of errors.
enum tls_failure failure_find(const SSL *ssl, char *ret_why, size_t why_size);
