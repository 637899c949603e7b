// SPDX-License-Identifier: Apache-2.0
#include "bench/tls_options.h"

#include "client/address.h"
#include "client/client_tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum option_key {
	KEY_CA_FILE = 256,
	KEY_CERT_FILE,
	KEY_KEY_FILE,
	KEY_SERVER_NAME,
};

static const struct argp_option option_rows[] = {
	{NULL, 0, NULL, 0, "For a server tls:HOST:PORT:", 9},
	{"tls-ca-file", KEY_CA_FILE, "FILE", 0,
	 "The CA of the server's certificate (default: the system's, or EVAUTH_TLS_CA_FILE)", 9},
	{"tls-cert-file", KEY_CERT_FILE, "FILE", 0, "The certificate to show (or EVAUTH_TLS_CERT_FILE)", 9},
	{"tls-key-file", KEY_KEY_FILE, "FILE", 0, "Its key (or EVAUTH_TLS_KEY_FILE)", 9},
	{"tls-server-name", KEY_SERVER_NAME, "NAME", 0,
	 "Of whom the server's certificate must be, unless of HOST (or EVAUTH_TLS_SERVER_NAME)", 9},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct tls_options *options = state->input;
	const char **values[] = {&options->tls.ca_file, &options->tls.cert_file, &options->tls.key_file,
				 &options->tls.server_name};
	if (key < KEY_CA_FILE || key > KEY_SERVER_NAME)
		return ARGP_ERR_UNKNOWN;
	*values[key - KEY_CA_FILE] = value;
	options->given = option_rows[key - KEY_CA_FILE + 1].name;
	return 0;
}

const struct argp tls_options_argp = {option_rows, parse_option, NULL, NULL, NULL, NULL, NULL};

struct tls_options tls_options_default(void)
{
	return (struct tls_options){.tls = {.ca_file = getenv("EVAUTH_TLS_CA_FILE"),
					    .cert_file = getenv("EVAUTH_TLS_CERT_FILE"),
					    .key_file = getenv("EVAUTH_TLS_KEY_FILE"),
					    .server_name = getenv("EVAUTH_TLS_SERVER_NAME")}};
}

void tls_options_check(struct argp_state *state, const struct tls_options *options, const char *server)
{
	if (options->given != NULL && !address_names_tls(server))
		argp_error(state, "--%s: the server '%s' does not speak TLS: tls:HOST:PORT", options->given, server);
}

static int ask_status(const struct tls_options *options, const char *server, struct fault *fault)
{
	const struct evauth_options client_options = {.server = server, .tls = options->tls};
	struct evauth_client *client;
	struct status_response *status;
	struct arena arena;
	int error = evauth_client_create(&client_options, &client, fault);
	if (error < 0)
		return error;
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
	error = evauth_status(client, &arena, &status);
	if (error < 0)
		*fault = *evauth_fault(client);
	arena_finish(&arena);
	evauth_client_destroy(client);
	// Who may not ask for it is let in.
	return error == -EREMOTEIO ? 0 : error;
}

int tls_options_open(const struct tls_options *options, const char *server, bool resumes, struct client_tls **ret_tls)
{
	struct fault fault = {0};
	struct address address;
	*ret_tls = NULL;
	if (!address_names_tls(server))
		return 0;
	int error = ask_status(options, server, &fault);
	if (error == 0)
		error = address_parse(server, &address, &fault);
	if (error == 0)
		error = client_tls_create(&options->tls, &address, resumes, ret_tls, &fault);
	if (error < 0)
		fprintf(stderr, "evauth-bench: %s\n", fault.message);
	return error;
}
