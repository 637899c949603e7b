// SPDX-License-Identifier: Apache-2.0
// Certificates made for one test by openssl(1), in a folder of its own.
#pragma once

#include <stdio.h>

struct certificates {
	char folder[64];
};

enum { CERTIFICATES_PATH_SIZE = 128 };

// ca.pem; server.pem and server.key for localhost, *.redis.example and 127.0.0.1; expired.pem and expired.key for the
// same, of yesterday; client.pem and client.key; other-ca.pem, which signed nothing.
void certificates_create(struct certificates *certificates);
void certificates_destroy(struct certificates *certificates);
const char *certificates_path(const struct certificates *certificates, const char *name,
			      char path[CERTIFICATES_PATH_SIZE]);
