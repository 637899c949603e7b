// SPDX-License-Identifier: Apache-2.0
// TLS without sockets: encrypted bytes in, plain bytes out, and the reverse. Who owns the engine moves the bytes.
//
// A context holds certificates and rules; any number of engines use it, each for one connection on one thread.
#pragma once

#include "base/bytes.h"
#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_context;
struct tls_engine;

enum { TLS_WHY_SIZE = 320 };

enum tls_role {
	TLS_CLIENT, // the peer's certificate must be valid and of the host it is asked for
	TLS_SERVER, // TLS 1.3; with ca_file: the peer must show a certificate of that CA, that holds now
};

// Why a connection is of no use, for counting and for advice; the words are tls_engine_why()'s.
enum tls_failure {
	TLS_FAILURE_NONE,
	TLS_FAILURE_NOT_TLS,        // what came is something else
	TLS_FAILURE_VERSION,        // no version, or no algorithm, that both sides speak
	TLS_FAILURE_NO_CERTIFICATE, // the peer shows none
	TLS_FAILURE_EXPIRED,        // its certificate does not hold any more, or not yet
	TLS_FAILURE_UNTRUSTED,      // it leads to no CA of ours
	TLS_FAILURE_HOST,           // it is of another host
	TLS_FAILURE_CERTIFICATE,    // something else about it
	TLS_FAILURE_REFUSED,        // the peer has refused us: an alert
	TLS_FAILURE_OTHER,
	TLS_FAILURES_COUNT,
};

// "not_tls"; of TLS_FAILURE_NONE "none".
const char *tls_failure_name(enum tls_failure failure);

// NULL and empty mean the same.
struct tls_settings {
	enum tls_role role;
	const char *ca_file;   // whom to trust; client: empty means the system's store
	const char *cert_file; // ours, with the chain behind it; a server needs one
	const char *key_file;  // not for others: -EINVAL when anybody on the machine may read it
	bool resumes; // client: sessions with its one server are taken up again, each once (all engines are for that
		      // host)
};

// Client: at least TLS 1.2. -EINVAL with ret_why: a file cannot be read or does not fit; -ENOMEM.
MUST_CHECK int tls_context_create(const struct tls_settings *settings, struct tls_context **ret_context,
				  char ret_why[TLS_WHY_SIZE]);
// Takes over what `*from`, of the same role, has loaded, and destroys and clears that one. Engines that are there go on
// with what they began with. Any thread.
void tls_context_replace(struct tls_context *context, struct tls_context **from);
// NULL is fine. After its engines.
void tls_context_destroy(struct tls_context *context);

// Any thread.
// `host`: whom a client wants to speak to, a name (sent as SNI and verified) or an IP address (verified); a server
// gives NULL. A client has something to send at once. -ENOMEM, -EINVAL.
MUST_CHECK int tls_engine_create(struct tls_context *context, const char *host, struct tls_engine **ret_engine);
void tls_engine_destroy(struct tls_engine *engine);

// Takes what the socket received. 0, or -EBADMSG: the connection is of no use any more, tls_engine_why() says why; what
// is to be sent (an alert) should be. -ENOMEM.
MUST_CHECK int tls_engine_receive(struct tls_engine *engine, struct bytes encrypted);
// The handshake is complete: plain bytes may be written.
bool tls_engine_is_open(const struct tls_engine *engine);
// The names in the peer's certificate, which has been verified: "cn:...", "dns:...", "uri:...", in no order, but for
// those with control characters. None before it is open, or without a certificate.
void tls_engine_each_name(const struct tls_engine *engine, void (*each)(void *context, const char *name),
			  void *context);
// Unix seconds from which on the peer's certificate holds no more; INT64_MAX without one. When it is open.
int64_t tls_engine_expires_s(const struct tls_engine *engine);
// Whether a session was taken up again, without a look at certificates by the peer.
bool tls_engine_is_resumed(const struct tls_engine *engine);
// Received plain bytes: how many, 0 when there are none now, -EPIPE when the peer ended the connection in order,
// -EBADMSG; also when the peer changes its keys over and over. There may be something to send afterwards.
MUST_CHECK ssize_t tls_engine_read(struct tls_engine *engine, char *ret_plain, size_t size);
// The same, with as many as fit, so that who has room rarely asks in vain. *ret_has_more: the next call finds
// something, more or the end, without tls_engine_receive().
MUST_CHECK ssize_t tls_engine_fill(struct tls_engine *engine, char *ret_plain, size_t size, bool *ret_has_more);
// Encrypts all of it. -EBADMSG, -ENOMEM, -ENOTCONN before it is open.
MUST_CHECK int tls_engine_write(struct tls_engine *engine, struct bytes plain);
bool tls_engine_has_output(const struct tls_engine *engine);
// Encrypted bytes for the socket: how many, 0 when there are none.
size_t tls_engine_send(struct tls_engine *engine, char *ret_encrypted, size_t size);
// Says goodbye: one more tls_engine_send().
void tls_engine_close(struct tls_engine *engine);
// What went wrong, for people, and of which kind it was.
const char *tls_engine_why(const struct tls_engine *engine);
enum tls_failure tls_engine_failure(const struct tls_engine *engine);
