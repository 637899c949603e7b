// SPDX-License-Identifier: Apache-2.0
#include "client/client_tls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_CA, FILE_CERT, FILE_KEY, FILES_COUNT };

struct file {
	char *path; // NULL: none
	struct stat seen;
};

struct client_tls {
	struct file files[FILES_COUNT];
	char *host;   // whose certificate is wanted
	char *server; // for messages
	bool resumes;
	struct tls_context *context;
};

static const char *const file_fields[FILES_COUNT] = {"tls.ca_file", "tls.cert_file", "tls.key_file"};

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

// ---------------------------------------------------------------- files

static int load(const struct client_tls *tls, struct tls_context **ret_context, struct fault *fault)
{
	const struct tls_settings settings = {
		.role = TLS_CLIENT,
		.ca_file = tls->files[FILE_CA].path,
		.cert_file = tls->files[FILE_CERT].path,
		.key_file = tls->files[FILE_KEY].path,
		.resumes = tls->resumes,
	};
	char why[TLS_WHY_SIZE] = "no memory for TLS";
	const int result = tls_context_create(&settings, ret_context, why);
	if (result < 0)
		fault_set(fault, result == -EINVAL ? STATUS_INVALID_ARGUMENT : STATUS_RESOURCE_EXHAUSTED, "tls", "%s",
			  why);
	return result;
}

static struct stat look_at(const char *path)
{
	struct stat now = {0};
	if (path != NULL && stat(path, &now) < 0)
		now = (struct stat){0};
	return now;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// Certificates live for days, clients for months. Files that do not fit (yet) change nothing, and are looked at again
// before the next connection.
static void refresh(struct client_tls *tls)
{
	struct stat now[FILES_COUNT];
	bool has_changed = false;
	for (int i = 0; i < FILES_COUNT; i++) {
		now[i] = look_at(tls->files[i].path);
		has_changed = has_changed || !is_same(&now[i], &tls->files[i].seen);
	}
	struct tls_context *context;
	struct fault ignored = {0};
	if (!has_changed || load(tls, &context, &ignored) < 0)
		return;
	tls_context_replace(tls->context, &context);
	for (int i = 0; i < FILES_COUNT; i++)
		tls->files[i].seen = now[i];
}

// ---------------------------------------------------------------- lifetime

static int copy(const char *text, char **ret_copy)
{
	if (!is_given(text))
		return 0;
	*ret_copy = strdup(text);
	return *ret_copy != NULL ? 0 : -ENOMEM;
}

static int copy_settings(struct client_tls *tls, const struct evauth_tls *settings, const struct address *address)
{
	const char *paths[FILES_COUNT] = {settings->ca_file, settings->cert_file, settings->key_file};
	int result = copy(is_given(settings->server_name) ? settings->server_name : address->host, &tls->host);
	if (result == 0)
		result = copy(address->text, &tls->server);
	for (int i = 0; i < FILES_COUNT && result == 0; i++) {
		result = copy(paths[i], &tls->files[i].path);
		tls->files[i].seen = look_at(tls->files[i].path);
	}
	return result;
}

static int check_pair(const struct client_tls *tls, struct fault *fault)
{
	const bool has_cert = tls->files[FILE_CERT].path != NULL, has_key = tls->files[FILE_KEY].path != NULL;
	if (has_cert == has_key)
		return 0;
	fault_set(fault, STATUS_INVALID_ARGUMENT, file_fields[has_cert ? FILE_KEY : FILE_CERT],
		  "a certificate and its key are given together");
	return -EINVAL;
}

int client_tls_create(const struct evauth_tls *settings, const struct address *address, bool resumes,
		      struct client_tls **ret_tls, struct fault *fault)
{
	struct client_tls *tls = calloc(1, sizeof(*tls));
	int result = tls != NULL ? copy_settings(tls, settings, address) : -ENOMEM;
	if (result < 0)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "no memory for a client");
	if (result == 0) {
		tls->resumes = resumes;
		result = check_pair(tls, fault);
	}
	if (result == 0)
		result = load(tls, &tls->context, fault);
	if (result < 0) {
		client_tls_destroy(tls);
		return result;
	}
	*ret_tls = tls;
	return 0;
}

void client_tls_destroy(struct client_tls *tls)
{
	if (tls == NULL)
		return;
	tls_context_destroy(tls->context);
	for (int i = 0; i < FILES_COUNT; i++)
		free(tls->files[i].path);
	free(tls->host);
	free(tls->server);
	free(tls);
}

// ---------------------------------------------------------------- handshakes

static const char *path_or(const struct client_tls *tls, int file, const char *otherwise)
{
	return tls->files[file].path != NULL ? tls->files[file].path : otherwise;
}

// What the engine does not know: which setting it is about.
static void tell_failure(const struct client_tls *tls, const struct tls_engine *engine, struct fault *fault)
{
	const char *why = tls_engine_why(engine), *field = NULL, *about = "", *what = "";
	switch (tls_engine_failure(engine)) {
	case TLS_FAILURE_UNTRUSTED:
		field = file_fields[FILE_CA];
		about = "; trusted is ";
		what = path_or(tls, FILE_CA, "the system's store");
		break;
	case TLS_FAILURE_HOST:
		field = "tls.server_name";
		about = "; it is not of ";
		what = tls->host;
		break;
	case TLS_FAILURE_REFUSED:
		field = file_fields[FILE_CERT];
		about = "; shown was ";
		what = path_or(tls, FILE_CERT, "no certificate");
		break;
	default:
		break;
	}
	fault_set(fault, STATUS_UNAUTHENTICATED, field, "no TLS with evauthd at %.80s: %s%s%.80s", tls->server, why,
		  about, what);
}

int client_tls_fail(const struct client_tls *tls, const struct tls_stream *stream, int error, struct fault *fault)
{
	const struct tls_engine *engine = tls_stream_engine(stream);
	if (error == -EBADMSG && tls_engine_failure(engine) != TLS_FAILURE_NOT_TLS) {
		tell_failure(tls, engine, fault);
		return -EKEYREJECTED;
	}
	if (error == -EBADMSG) {
		fault_set(fault, STATUS_INTERNAL, NULL, "no TLS with evauthd at %.80s: what answers does not speak it",
			  tls->server);
		return -EPROTO;
	}
	const char *why = error == -ECONNRESET  ? "the connection was closed during the handshake"
			  : error == -ETIMEDOUT ? "the handshake took too long"
						: strerrordesc_np(-error);
	fault_set(fault, error == -ETIMEDOUT ? STATUS_DEADLINE_EXCEEDED : STATUS_UNAVAILABLE, NULL,
		  "no TLS with evauthd at %.80s: %s", tls->server, why);
	return error == -ECONNRESET ? -ECONNABORTED : error;
}

int client_tls_begin(struct client_tls *tls, int fd, struct tls_stream **ret_stream, struct fault *fault)
{
	const int result = tls_stream_create(tls->context, tls->host, fd, ret_stream);
	if (result == -EINVAL)
		fault_set(fault, STATUS_INVALID_ARGUMENT, "tls.server_name", "'%.200s' names no host", tls->host);
	else if (result < 0)
		fault_set(fault, STATUS_RESOURCE_EXHAUSTED, NULL, "no memory for TLS");
	return result;
}

static int shake_until(struct tls_stream *stream, int fd, uint64_t deadline_ms)
{
	for (;;) {
		const int result = tls_stream_shake(stream);
		if (result != -EAGAIN)
			return result;
		const short out = tls_stream_has_output(stream) ? POLLOUT : 0;
		struct pollfd pollfd = {.fd = fd, .events = (short)(POLLIN | out)};
		const int ready = poll(&pollfd, 1, deadline_left_ms(deadline_ms));
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

int client_tls_open(struct client_tls *tls, int fd, uint64_t deadline_ms, struct tls_stream **ret_stream,
		    struct fault *fault)
{
	struct tls_stream *stream;
	refresh(tls);
	int result = client_tls_begin(tls, fd, &stream, fault);
	if (result < 0)
		return result;
	result = shake_until(stream, fd, deadline_ms);
	if (result < 0) {
		result = client_tls_fail(tls, stream, result, fault);
		tls_stream_destroy(stream);
		return result;
	}
	*ret_stream = stream;
	return 0;
}
