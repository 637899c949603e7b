// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/daemon/net/certificates.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char make[] =
	"set -e; cd '%s'; exec 2>openssl.log\n"
	"ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj \"/CN=$1\" "
	"-keyout $1.key -out $1.pem; }\n"
	"sign() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj \"/CN=$1\" -keyout $1.key "
	"-out $1.csr; openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names "
	"-days $2 -out $1.pem; }\n"
	"echo 'subjectAltName=DNS:localhost,DNS:*.redis.example,IP:127.0.0.1' > names\n"
	"ca ca; ca other-ca; sign server 2; sign client 2; sign expired -1\n";

void certificates_create(struct certificates *certificates)
{
	char command[sizeof(make) + sizeof(certificates->folder)];
	strcpy(certificates->folder, "/tmp/evauth-tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(certificates->folder));
	snprintf(command, sizeof(command), make, certificates->folder);
	ck_assert_int_eq(system(command), 0);
}

void certificates_destroy(struct certificates *certificates)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", certificates->folder);
	ck_assert_int_eq(system(command), 0);
}

const char *certificates_path(const struct certificates *certificates, const char *name,
			      char path[CERTIFICATES_PATH_SIZE])
{
	snprintf(path, CERTIFICATES_PATH_SIZE, "%s/%s", certificates->folder, name);
	return path;
}
