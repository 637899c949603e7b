// SPDX-License-Identifier: Apache-2.0
// A fake daemon that speaks TLS: what a test serves goes through a server's engine.
#pragma once

#include "tests/unit/client/fake_server.h"
#include "tls/tls.h"

struct fake_tls {
	struct tls_context *context; // the test's, of TLS_SERVER
	fake_serve *serve;           // what is served behind it
	atomic_int resumed;          // handshakes that took up a session
	atomic_bool forges;          // what is served arrives as records that nobody sealed
};

// Give it to fake_server_start() with a struct fake_tls as context.
void fake_tls_serve(struct fake_server *server, int fd, int number);
