// SPDX-License-Identifier: Apache-2.0
#include "daemon/options_redis.h"

#include "tls/tls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

PRINTF_LIKE(2, 3) static int refuse(struct options_error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

// The options that mean nothing without another one.
static int check_together(const struct options *options, struct options_error *error)
{
	const bool has_redis = options->redis[0] != '\0';
	const struct {
		const char *name;
		bool is_set;
	} rows[] = {
		{"redis-password-file", options->redis_password_file[0] != '\0'},
		{"redis-ca-file", options->redis_ca_file[0] != '\0'},
		{"redis-cert-file", options->redis_cert_file[0] != '\0'},
		{"redis-key-file", options->redis_key_file[0] != '\0'},
		{"peer", options->peers.count > 0},
		{"peer-ca-file", options->peer_ca_file[0] != '\0'},
		{"peer-cert-file", options->peer_cert_file[0] != '\0'},
		{"peer-key-file", options->peer_key_file[0] != '\0'},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows) && !has_redis; i++) {
		if (rows[i].is_set)
			return refuse(error, "%s: means nothing without redis", rows[i].name);
	}
	return 0;
}

static int load_url(struct redis_url *url, const struct options *options, struct options_error *error)
{
	char why[REDIS_WHY_SIZE];
	if (redis_url_parse(options->redis, url, why) != 0)
		return refuse(error, "redis: %s", why);
	if (options->redis_password_file[0] != '\0' &&
	    redis_url_read_password(url, options->redis_password_file, why) != 0)
		return refuse(error, "redis-password-file: %s", why);
	if (url->user[0] != '\0' && url->password[0] == '\0')
		return refuse(error, "redis: the URL names a user, but there is no password; see redis-password-file");
	return 0;
}

// `option` is redis or peer, which have the same three files.
static int create_tls(const char *option, const struct tls_settings *settings, struct tls_context **ret_tls,
		      struct options_error *error)
{
	const bool has_cert = settings->cert_file[0] != '\0', has_key = settings->key_file[0] != '\0';
	char why[TLS_WHY_SIZE];
	if (has_cert != has_key)
		return refuse(error, "%s-%s-file: a certificate and its key are given together", option,
			      has_cert ? "key" : "cert");
	const int result = tls_context_create(settings, ret_tls, why);
	return result == 0 ? 0 : refuse(error, "TLS for %s: %s", option, result == -ENOMEM ? "out of memory" : why);
}

static int load_tls(struct redis_settings *settings, const struct options *options, struct options_error *error)
{
	const struct tls_settings tls = {
		.role = TLS_CLIENT,
		.ca_file = options->redis_ca_file,
		.cert_file = options->redis_cert_file,
		.key_file = options->redis_key_file,
	};
	if (!settings->url.is_tls && (tls.ca_file[0] != '\0' || tls.cert_file[0] != '\0' || tls.key_file[0] != '\0'))
		return refuse(error, "redis-ca-file, redis-cert-file, redis-key-file: are for rediss://, and redis is "
				     "not that");
	if (!settings->url.is_tls)
		return 0;
	return create_tls("redis", &tls, &settings->tls, error);
}

static bool has_tls_peer(const struct options *options)
{
	for (size_t i = 0; i < options->peers.count; i++) {
		if (strncmp(options->peers.items[i], "tls:", 4) == 0)
			return true;
	}
	return false;
}

// Every fetch reads the files anew; here is where an operator hears at once that they do not fit.
static int check_peer_files(const struct options *options, struct options_error *error)
{
	const struct tls_settings tls = {
		.role = TLS_CLIENT,
		.ca_file = options->peer_ca_file,
		.cert_file = options->peer_cert_file,
		.key_file = options->peer_key_file,
	};
	struct tls_context *context;
	if (!has_tls_peer(options) && (tls.ca_file[0] != '\0' || tls.cert_file[0] != '\0' || tls.key_file[0] != '\0'))
		return refuse(error, "peer-ca-file, peer-cert-file, peer-key-file: are for a peer tls:HOST:PORT, and "
				     "there is none");
	if (!has_tls_peer(options))
		return 0;
	const int result = create_tls("peer", &tls, &context, error);
	if (result != 0)
		return result;
	tls_context_destroy(context);
	return 0;
}

int redis_settings_init(struct redis_settings *settings, const struct options *options, struct options_error *error)
{
	memset(settings, 0, sizeof(*settings));
	int result = check_together(options, error);
	if (result != 0 || options->redis[0] == '\0')
		return result;
	settings->is_used = true;
	result = load_url(&settings->url, options, error);
	if (result == 0)
		result = load_tls(settings, options, error);
	if (result == 0)
		result = check_peer_files(options, error);
	if (result != 0)
		redis_settings_finish(settings);
	return result;
}

void redis_settings_finish(struct redis_settings *settings)
{
	tls_context_destroy(settings->tls);
	explicit_bzero(settings, sizeof(*settings));
}
