// SPDX-License-Identifier: Apache-2.0
#include "tls/tls.h"

#include "tls/failure.h"
#include "tls/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	SESSION_LIFE_S = 3600, // how long a client may come back without showing its certificate again
	NAME_SIZE = 272,
	// Each costs as much as a thousand bytes of data, and an answer. Libraries change keys after gigabytes.
	KEY_UPDATES_MAX = 32, // by the peer, while it sends KEYS_SIZE of data
	KEYS_SIZE = 1024 * 1024,
	SESSIONS_MAX = 256, // of a client, kept for its next connections
};

struct tls_context {
	pthread_mutex_t lock; // of ssl and sessions; the rest stays
	SSL_CTX *ssl;
	SSL_SESSION *sessions[SESSIONS_MAX]; // of a client that resumes: with its server, none used yet
	size_t sessions_count;
	BIO_METHOD *queues; // what the engines' queues are to OpenSSL
	enum tls_role role;
	bool resumes;
};

struct tls_engine {
	SSL *ssl;
	struct queue in, out;
	uint32_t key_updates; // of the peer, since
	size_t keyed_bytes;   // so many bytes of data
	enum tls_failure failure;
	char why[TLS_WHY_SIZE];
};

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

// OpenSSL's queue of errors is the thread's: it is emptied here, so that nothing of it is taken for a later one's.
static void last_reason(char *text, size_t size)
{
	const char *reason = NULL;
	for (unsigned long error; (error = ERR_get_error()) != 0;) {
		// What the system said comes first, and says more than what is made of it.
		if (ERR_SYSTEM_ERROR(error)) {
			reason = strerrordesc_np(ERR_GET_REASON(error));
			break;
		}
		reason = ERR_reason_error_string(error);
	}
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

static bool is_open_to_others(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && (st.st_mode & S_IRWXO) != 0;
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
	if (is_open_to_others(settings->key_file)) {
		snprintf(why, TLS_WHY_SIZE, "%.128s: others may use the key; chmod o= takes that away",
			 settings->key_file);
		return -EINVAL;
	}
	if (SSL_CTX_use_certificate_chain_file(context->ssl, settings->cert_file) != 1)
		return refuse(why, settings->cert_file, "no certificate");
	if (SSL_CTX_use_PrivateKey_file(context->ssl, settings->key_file, SSL_FILETYPE_PEM) != 1)
		return refuse(why, settings->key_file, "no key of that certificate");
	return 0;
}

// On the thread that reads what the server sends after the handshake. 1: the session is ours now. One of files that
// were replaced since is not kept: the server was looked at with the old ones.
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_context *context = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	pthread_mutex_lock(&context->lock);
	const bool is_kept = context->ssl == SSL_get_SSL_CTX(ssl) && context->sessions_count < SESSIONS_MAX;
	if (is_kept)
		context->sessions[context->sessions_count++] = session;
	pthread_mutex_unlock(&context->lock);
	return is_kept ? 1 : 0;
}

// Each is used once, as TLS 1.3 wants it: nobody can tell by it that two connections are of one client, and one that
// the server does not like is not shown to it again.
static void use_session(struct tls_context *context, SSL *ssl)
{
	if (context->sessions_count == 0)
		return;
	SSL_SESSION *session = context->sessions[--context->sessions_count];
	(void)SSL_set_session(ssl, session); // with a share in it; without, the handshake is a full one
	SSL_SESSION_free(session);
}

static void drop_sessions(struct tls_context *context)
{
	while (context->sessions_count > 0)
		SSL_SESSION_free(context->sessions[--context->sessions_count]);
}

// A server's tickets hold all there is to a session: nothing is kept here, and they end with the context's keys.
static void set_resumption(struct tls_context *context)
{
	static const unsigned char scope[] = "evauthd";
	SSL_CTX_set_app_data(context->ssl, context);
	if (context->role == TLS_SERVER) {
		SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_OFF);
		(void)SSL_CTX_set_session_id_context(context->ssl, scope, sizeof(scope) - 1);
		(void)SSL_CTX_set_num_tickets(context->ssl, 1);
		SSL_CTX_set_timeout(context->ssl, SESSION_LIFE_S);
	} else if (context->resumes) {
		SSL_CTX_set_session_cache_mode(context->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(context->ssl, keep_session);
	}
}

int tls_context_create(const struct tls_settings *settings, struct tls_context **ret_context, char why[TLS_WHY_SIZE])
{
	struct tls_context *context = calloc(1, sizeof(*context));
	if (context == NULL)
		return -ENOMEM;
	int result = -ENOMEM;
	context->role = settings->role;
	context->resumes = settings->resumes;
	pthread_mutex_init(&context->lock, NULL);
	ERR_clear_error();
	context->queues = queue_method_create();
	context->ssl = SSL_CTX_new(settings->role == TLS_CLIENT ? TLS_client_method() : TLS_server_method());
	const int lowest = settings->role == TLS_CLIENT ? TLS1_2_VERSION : TLS1_3_VERSION;
	if (context->queues == NULL || context->ssl == NULL ||
	    SSL_CTX_set_min_proto_version(context->ssl, lowest) != 1) {
		snprintf(why, TLS_WHY_SIZE, "out of memory");
		goto fail;
	}
	set_resumption(context);
	SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	// Idle connections hold no buffers of OpenSSL's; ours are queues, which hold none either.
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
	drop_sessions(context);
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->queues);
	pthread_mutex_destroy(&context->lock);
	free(context);
}

void tls_context_replace(struct tls_context *context, struct tls_context **from)
{
	ASSERT((*from)->role == context->role);
	pthread_mutex_lock(&context->lock);
	SSL_CTX *former = context->ssl;
	context->ssl = (*from)->ssl;
	(*from)->ssl = former;
	SSL_CTX_set_app_data(context->ssl, context);
	drop_sessions(context);
	pthread_mutex_unlock(&context->lock);
	tls_context_destroy(*from);
	*from = NULL;
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

// A peer may change its keys, and ask for ours to be, whenever it likes. OpenSSL would do so as long as it finds input.
static void on_message(int is_ours, int version, int type, const void *message, size_t size, SSL *ssl, void *context)
{
	struct tls_engine *engine = context;
	(void)version;
	(void)ssl;
	if (is_ours || type != SSL3_RT_HANDSHAKE || size == 0 || *(const unsigned char *)message != SSL3_MT_KEY_UPDATE)
		return;
	engine->in.is_shut = ++engine->key_updates > KEY_UPDATES_MAX;
}

static void note_data(struct tls_engine *engine, size_t size)
{
	engine->keyed_bytes += size;
	if (engine->keyed_bytes < KEYS_SIZE)
		return;
	engine->keyed_bytes = 0;
	engine->key_updates = 0;
}

static int make_bios(struct tls_engine *engine, const BIO_METHOD *method)
{
	BIO *in = queue_bio_create(method, &engine->in), *out = queue_bio_create(method, &engine->out);
	if (in == NULL || out == NULL) {
		BIO_free(in);
		BIO_free(out);
		return -ENOMEM;
	}
	SSL_set_bio(engine->ssl, in, out);
	SSL_set_msg_callback(engine->ssl, on_message);
	SSL_set_msg_callback_arg(engine->ssl, engine);
	return 0;
}

static int fail(struct tls_engine *engine)
{
	engine->failure = failure_find(engine->ssl, engine->why, sizeof(engine->why));
	return -EBADMSG;
}

// A session taken up again brings the peer's certificate along, but nobody looked at its dates since.
static bool has_expired(const struct tls_engine *engine)
{
	X509 *certificate = SSL_get0_peer_certificate(engine->ssl);
	return certificate != NULL && SSL_session_reused(engine->ssl) &&
	       X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

static int shake_hands(struct tls_engine *engine)
{
	ERR_clear_error();
	const int result = SSL_do_handshake(engine->ssl);
	if (result == 1 && has_expired(engine)) {
		engine->failure = TLS_FAILURE_EXPIRED;
		snprintf(engine->why, sizeof(engine->why), "the certificate is not accepted: it has expired");
		return -EBADMSG;
	}
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
	pthread_mutex_lock(&context->lock);
	engine->ssl = SSL_new(context->ssl); // with a share in it
	if (engine->ssl != NULL)
		use_session(context, engine->ssl);
	pthread_mutex_unlock(&context->lock);
	if (engine->ssl == NULL)
		goto fail;
	result = make_bios(engine, context->queues);
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
	queue_finish(&engine->in);
	queue_finish(&engine->out);
	free(engine);
}

int tls_engine_receive(struct tls_engine *engine, struct bytes encrypted)
{
	if (engine->failure != TLS_FAILURE_NONE)
		return -EBADMSG;
	const int result = queue_put(&engine->in, encrypted);
	if (result != 0)
		return result;
	return SSL_is_init_finished(engine->ssl) ? 0 : shake_hands(engine);
}

bool tls_engine_is_open(const struct tls_engine *engine)
{
	return engine->failure == TLS_FAILURE_NONE && SSL_is_init_finished(engine->ssl);
}

// One with a zero byte is made to be taken for another name, one with a line's end for another line of a log.
static bool is_printable(const unsigned char *utf8, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (utf8[i] < 0x20 || utf8[i] == 0x7f)
			return false;
	}
	return true;
}

static void tell_name(const char *kind, const ASN1_STRING *text, void (*each)(void *context, const char *name),
		      void *context)
{
	char name[NAME_SIZE];
	unsigned char *utf8;
	const int size = ASN1_STRING_to_UTF8(&utf8, text);
	if (size < 0)
		return;
	if (is_printable(utf8, (size_t)size) && strlen(kind) + (size_t)size < sizeof(name)) {
		snprintf(name, sizeof(name), "%s%s", kind, (const char *)utf8);
		each(context, name);
	}
	OPENSSL_free(utf8);
}

static void tell_common_names(X509 *certificate, void (*each)(void *context, const char *name), void *context)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;)
		tell_name("cn:", X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)), each, context);
}

static void tell_alternative_names(X509 *certificate, void (*each)(void *context, const char *name), void *context)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			tell_name("dns:", name->d.dNSName, each, context);
		else if (name->type == GEN_URI)
			tell_name("uri:", name->d.uniformResourceIdentifier, each, context);
	}
	GENERAL_NAMES_free(names);
}

void tls_engine_each_name(const struct tls_engine *engine, void (*each)(void *context, const char *name), void *context)
{
	X509 *certificate = SSL_get0_peer_certificate(engine->ssl);
	if (certificate == NULL || !tls_engine_is_open(engine) || SSL_get_verify_result(engine->ssl) != X509_V_OK)
		return;
	tell_common_names(certificate, each, context);
	tell_alternative_names(certificate, each, context);
	ERR_clear_error();
}

int64_t tls_engine_expires_s(const struct tls_engine *engine)
{
	struct tm date;
	X509 *certificate = SSL_get0_peer_certificate(engine->ssl);
	if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &date) != 1)
		return INT64_MAX;
	return timegm(&date);
}

bool tls_engine_is_resumed(const struct tls_engine *engine)
{
	return SSL_session_reused(engine->ssl) == 1;
}

ssize_t tls_engine_read(struct tls_engine *engine, char *plain, size_t size)
{
	size_t got;
	if (engine->failure != TLS_FAILURE_NONE)
		return -EBADMSG;
	ERR_clear_error();
	const int result = SSL_read_ex(engine->ssl, plain, size, &got);
	if (result == 1) {
		note_data(engine, got);
		return (ssize_t)got;
	}
	if (engine->in.is_shut) {
		engine->failure = TLS_FAILURE_OTHER;
		snprintf(engine->why, sizeof(engine->why), "the peer changes its keys too often");
		return -EBADMSG;
	}
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

ssize_t tls_engine_fill(struct tls_engine *engine, char *plain, size_t size, bool *ret_has_more)
{
	size_t got = 0;
	ssize_t part;
	do {
		part = tls_engine_read(engine, plain + got, size - got);
		got += part > 0 ? (size_t)part : 0;
	} while (part > 0 && got < size);
	*ret_has_more = got > 0 && part != 0;
	return got > 0 ? (ssize_t)got : part;
}

int tls_engine_write(struct tls_engine *engine, struct bytes plain)
{
	size_t taken;
	if (engine->failure != TLS_FAILURE_NONE)
		return -EBADMSG;
	if (!SSL_is_init_finished(engine->ssl))
		return -ENOTCONN;
	if (plain.size == 0)
		return 0;
	ERR_clear_error();
	// The memory behind takes everything: all or nothing.
	return SSL_write_ex(engine->ssl, plain.data, plain.size, &taken) == 1 ? 0 : fail(engine);
}

bool tls_engine_has_output(const struct tls_engine *engine)
{
	return engine->out.size > 0;
}

size_t tls_engine_send(struct tls_engine *engine, char *encrypted, size_t size)
{
	return queue_take(&engine->out, encrypted, size);
}

void tls_engine_close(struct tls_engine *engine)
{
	if (engine->failure == TLS_FAILURE_NONE && SSL_is_init_finished(engine->ssl))
		(void)SSL_shutdown(engine->ssl); // its answer is not waited for
	ERR_clear_error();
}

const char *tls_engine_why(const struct tls_engine *engine)
{
	return engine->why;
}

enum tls_failure tls_engine_failure(const struct tls_engine *engine)
{
	return engine->failure;
}
