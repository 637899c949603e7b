// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tls_context {
	SSL_CTX *ssl;
	enum tls_role role;
};

struct tls_engine {
	SSL *ssl;
	BIO *in, *out; // owned by ssl
	bool has_failed;
	char why[TLS_WHY_SIZE];
};

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

// OpenSSL's queue of errors is the thread's: it is emptied here, so that nothing of it is taken for a later one's.
static void last_reason(char *text, size_t size)
{
	const unsigned long error = ERR_peek_last_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;
	snprintf(text, size, "%s", reason ? reason : "unknown error of OpenSSL");
	ERR_clear_error();
}

// ---------------------------------------------------------------- contexts

static int refuse(char why[TLS_WHY_SIZE], const char *path, const char *what)
{
	char reason[128];
	last_reason(reason, sizeof(reason));
	snprintf(why, TLS_WHY_SIZE, "%.128s: %s: %s", path, what, reason);
	return -EINVAL;
}

static int load_trust(struct tls_context *context, const struct tls_settings *settings, char why[TLS_WHY_SIZE])
{
	if (is_set(settings->ca_file)) {
		if (SSL_CTX_load_verify_locations(context->ssl, settings->ca_file, NULL) != 1)
			return refuse(why, settings->ca_file, "no certificates of a CA");
	} else if (context->role == TLS_CLIENT && SSL_CTX_set_default_verify_paths(context->ssl) != 1) {
		return refuse(why, "the system's certificates", "cannot be loaded");
	}
	if (context->role == TLS_CLIENT)
		SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
	else if (is_set(settings->ca_file))
		SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int load_own(struct tls_context *context, const struct tls_settings *settings, char why[TLS_WHY_SIZE])
{
	if (is_set(settings->cert_file) != is_set(settings->key_file)) {
		snprintf(why, TLS_WHY_SIZE, "a certificate and its key are given together");
		return -EINVAL;
	}
	if (!is_set(settings->cert_file)) {
		if (context->role == TLS_CLIENT)
			return 0;
		snprintf(why, TLS_WHY_SIZE, "a server needs a certificate and its key");
		return -EINVAL;
	}
	if (SSL_CTX_use_certificate_chain_file(context->ssl, settings->cert_file) != 1)
		return refuse(why, settings->cert_file, "no certificate");
	if (SSL_CTX_use_PrivateKey_file(context->ssl, settings->key_file, SSL_FILETYPE_PEM) != 1)
		return refuse(why, settings->key_file, "no key of that certificate");
	return 0;
}

int tls_context_create(const struct tls_settings *settings, struct tls_context **ret_context, char why[TLS_WHY_SIZE])
{
	struct tls_context *context = calloc(1, sizeof(*context));
	if (context == NULL)
		return -ENOMEM;
	int result = -ENOMEM;
	context->role = settings->role;
	ERR_clear_error();
	context->ssl = SSL_CTX_new(settings->role == TLS_CLIENT ? TLS_client_method() : TLS_server_method());
	if (context->ssl == NULL || SSL_CTX_set_min_proto_version(context->ssl, TLS1_2_VERSION) != 1) {
		snprintf(why, TLS_WHY_SIZE, "out of memory");
		goto fail;
	}
	SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	// Idle connections hold no buffers.
	SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS);
	result = load_trust(context, settings, why);
	if (result == 0)
		result = load_own(context, settings, why);
	if (result != 0)
		goto fail;
	*ret_context = context;
	return 0;
fail:
	tls_context_destroy(context);
	return result;
}

void tls_context_destroy(struct tls_context *context)
{
	if (context == NULL)
		return;
	SSL_CTX_free(context->ssl);
	free(context);
}

// ---------------------------------------------------------------- engines

static int expect_host(struct tls_engine *engine, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	X509_VERIFY_PARAM *rules = SSL_get0_param(engine->ssl);
	if (!is_set(host))
		return -EINVAL;
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1 ? 0 : -EINVAL;
	X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(rules, host, 0) != 1 || SSL_set_tlsext_host_name(engine->ssl, host) != 1)
		return -EINVAL;
	return 0;
}

static int make_bios(struct tls_engine *engine)
{
	engine->in = BIO_new(BIO_s_mem());
	engine->out = BIO_new(BIO_s_mem());
	if (engine->in == NULL || engine->out == NULL) {
		BIO_free(engine->in);
		BIO_free(engine->out);
		return -ENOMEM;
	}
	// Empty means "not yet", not the end.
	BIO_set_mem_eof_return(engine->in, -1);
	BIO_set_mem_eof_return(engine->out, -1);
	SSL_set_bio(engine->ssl, engine->in, engine->out);
	return 0;
}

static int fail(struct tls_engine *engine)
{
	const long verdict = SSL_get_verify_result(engine->ssl);
	engine->has_failed = true;
	if (verdict != X509_V_OK) {
		ERR_clear_error();
		snprintf(engine->why, sizeof(engine->why), "the certificate is not accepted: %s",
			 X509_verify_cert_error_string(verdict));
	} else {
		last_reason(engine->why, sizeof(engine->why));
	}
	return -EBADMSG;
}

static int shake_hands(struct tls_engine *engine)
{
	ERR_clear_error();
	const int result = SSL_do_handshake(engine->ssl);
	if (result == 1)
		return 0;
	const int error = SSL_get_error(engine->ssl, result);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : fail(engine);
}

int tls_engine_create(struct tls_context *context, const char *host, struct tls_engine **ret_engine)
{
	struct tls_engine *engine = calloc(1, sizeof(*engine));
	if (engine == NULL)
		return -ENOMEM;
	int result = -ENOMEM;
	engine->ssl = SSL_new(context->ssl);
	if (engine->ssl == NULL)
		goto fail;
	result = make_bios(engine);
	if (result == 0 && context->role == TLS_CLIENT)
		result = expect_host(engine, host);
	if (result != 0)
		goto fail;
	if (context->role == TLS_CLIENT) {
		SSL_set_connect_state(engine->ssl);
		result = shake_hands(engine);
	} else {
		SSL_set_accept_state(engine->ssl);
	}
	if (result != 0)
		goto fail;
	*ret_engine = engine;
	return 0;
fail:
	tls_engine_destroy(engine);
	return result;
}

void tls_engine_destroy(struct tls_engine *engine)
{
	if (engine == NULL)
		return;
	SSL_free(engine->ssl);
	free(engine);
}

int tls_engine_receive(struct tls_engine *engine, struct bytes encrypted)
{
	if (engine->has_failed)
		return -EBADMSG;
	while (encrypted.size > 0) {
		const int part = encrypted.size > INT_MAX ? INT_MAX : (int)encrypted.size;
		const int taken = BIO_write(engine->in, encrypted.data, part);
		if (taken <= 0)
			return -ENOMEM;
		encrypted.data += taken;
		encrypted.size -= (size_t)taken;
	}
	return SSL_is_init_finished(engine->ssl) ? 0 : shake_hands(engine);
}

bool tls_engine_is_open(const struct tls_engine *engine)
{
	return !engine->has_failed && SSL_is_init_finished(engine->ssl);
}

ssize_t tls_engine_read(struct tls_engine *engine, char *plain, size_t size)
{
	size_t got;
	if (engine->has_failed)
		return -EBADMSG;
	ERR_clear_error();
	const int result = SSL_read_ex(engine->ssl, plain, size, &got);
	if (result == 1)
		return (ssize_t)got;
	switch (SSL_get_error(engine->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return fail(engine);
	}
}

int tls_engine_write(struct tls_engine *engine, struct bytes plain)
{
	size_t taken;
	if (engine->has_failed)
		return -EBADMSG;
	if (!SSL_is_init_finished(engine->ssl))
		return -ENOTCONN;
	if (plain.size == 0)
		return 0;
	ERR_clear_error();
	// The memory behind takes everything: all or nothing.
	return SSL_write_ex(engine->ssl, plain.data, plain.size, &taken) == 1 ? 0 : fail(engine);
}

size_t tls_engine_send(struct tls_engine *engine, char *encrypted, size_t size)
{
	const int got = BIO_read(engine->out, encrypted, size > INT_MAX ? INT_MAX : (int)size);
	return got > 0 ? (size_t)got : 0;
}

void tls_engine_close(struct tls_engine *engine)
{
	if (!engine->has_failed && SSL_is_init_finished(engine->ssl))
		(void)SSL_shutdown(engine->ssl); // its answer is not waited for
	ERR_clear_error();
}

const char *tls_engine_why(const struct tls_engine *engine)
{
	return engine->why;
}
