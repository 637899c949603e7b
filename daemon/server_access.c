// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_access.h"

#include "daemon/rpc/access.h"
#include "tls/tls.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static_assert((int)OPTIONS_ACCESS_MAX <= (int)ACCESS_RULES_MAX, "all are taken");

PRINTF_LIKE(3, 4) static int refuse(struct options_error *error, int result, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return result;
}

static int create_rules(const struct options *options, struct access_rules **ret_access, struct options_error *error)
{
	const char *rules[OPTIONS_ACCESS_MAX];
	char why[ACCESS_WHY_SIZE];
	for (size_t i = 0; i < options->access.count; i++)
		rules[i] = options->access.items[i];
	const int result = access_create(rules, options->access.count, ret_access, why);
	return result ? refuse(error, result, "access: %s", result == -ENOMEM ? "out of memory" : why) : 0;
}

// ---------------------------------------------------------------- TLS

static bool names_a_certificate(const struct options *options)
{
	for (size_t i = 0; i < options->access.count; i++) {
		if (access_is_of_certificate(options->access.items[i]))
			return true;
	}
	return false;
}

// A client without a certificate would be nobody, and one that no rule names can do nothing: neither is meant.
static int check_together(const struct options *options, struct options_error *error)
{
	const struct {
		const char *name, *value;
	} files[] = {
		{"tls-cert-file", options->tls_cert_file},
		{"tls-key-file", options->tls_key_file},
		{"tls-ca-file", options->tls_ca_file},
	};
	const bool is_used = options->tls_listen.count > 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const bool is_set = files[i].value[0] != '\0';
		if (is_set && !is_used)
			return refuse(error, -EINVAL, "%s: means nothing without tls-listen", files[i].name);
		if (!is_set && is_used)
			return refuse(error, -EINVAL, "tls-listen: needs %s", files[i].name);
	}
	if (is_used && !names_a_certificate(options))
		return refuse(
			error, -EINVAL,
			"tls-listen: no rule of access names a certificate, so nobody could do anything there; add "
			"one, for example access = {\"cn:NAME=query\"}");
	if (!is_used && names_a_certificate(options))
		return refuse(error, -EINVAL, "access: names a certificate, but there is no tls-listen");
	return 0;
}

static int create_tls(const struct options *options, struct tls_context **ret_tls, struct options_error *error)
{
	const struct tls_settings settings = {
		.role = TLS_SERVER,
		.ca_file = options->tls_ca_file,
		.cert_file = options->tls_cert_file,
		.key_file = options->tls_key_file,
	};
	char why[TLS_WHY_SIZE];
	const int result = tls_context_create(&settings, ret_tls, why);
	return result ? refuse(error, result, "tls-listen: %s", result == -ENOMEM ? "out of memory" : why) : 0;
}

// ---------------------------------------------------------------- both

// *ret_tls is NULL without `with_tls`.
static int create(const struct options *options, bool with_tls, struct access_rules **ret_access,
		  struct tls_context **ret_tls, struct options_error *error)
{
	*ret_tls = NULL;
	const int result = create_rules(options, ret_access, error);
	if (result != 0 || !with_tls)
		return result;
	const int tls_result = create_tls(options, ret_tls, error);
	if (tls_result != 0)
		access_destroy(*ret_access);
	return tls_result;
}

static int create_checked(const struct options *options, struct access_rules **ret_access, struct tls_context **ret_tls,
			  struct options_error *error)
{
	const int result = check_together(options, error);
	return result ? result : create(options, options->tls_listen.count > 0, ret_access, ret_tls, error);
}

int server_access_check(const struct options *options, struct options_error *error)
{
	struct access_rules *access;
	struct tls_context *tls;
	const int result = create_checked(options, &access, &tls, error);
	if (result != 0)
		return result;
	access_destroy(access);
	tls_context_destroy(tls);
	return 0;
}

int server_access_use(const struct options *options, struct service *service, struct options_error *error)
{
	struct access_rules *access;
	struct tls_context *tls;
	const int result = create_checked(options, &access, &tls, error);
	if (result != 0)
		return result;
	service->access = access;
	service->tls = tls;
	return 0;
}

// Whether there is TLS at all does not change without a restart (tls-listen): files that come or go with it wait for
// that as well. The rules do not.
int server_access_reload(const struct options *options, struct service *service, struct options_error *error)
{
	struct access_rules *access;
	struct tls_context *tls;
	const bool has_new_files = service->tls != NULL && options->tls_cert_file[0] != '\0';
	const int result = create(options, has_new_files, &access, &tls, error);
	if (result != 0)
		return result;
	access_replace(service->access, &access);
	if (tls != NULL)
		tls_context_replace(service->tls, &tls);
	return 0;
}

void server_access_finish(struct service *service)
{
	access_destroy(service->access);
	tls_context_destroy(service->tls);
}
