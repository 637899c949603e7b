// SPDX-License-Identifier: Apache-2.0
#include "cli/hints.h"

#include <errno.h>
#include <string.h>

static const struct {
	int result;
	const char *hint;
} connection_hints[] = {
	{-ECONNREFUSED, "is it running? Start it with: evauthd, or name another one with --server or EVAUTH_SERVER"},
	{-ENOENT, "is it running, with --unix? Name another socket with --server unix:PATH"},
	{-EACCES, "this user may not open the socket: ask for access, or use another --server"},
	{-EPERM, "this user may not open the socket: ask for access, or use another --server"},
	{-EHOSTUNREACH, "check the name and the port given with --server or EVAUTH_SERVER"},
	{-ENETUNREACH, "check the name and the port given with --server or EVAUTH_SERVER"},
	{-ETIMEDOUT, "try again, or wait longer with --timeout MS"},
	{-ECONNRESET, "try again in a moment; a port that speaks TLS (tls-listen) wants --server tls:HOST:PORT"},
	{-EKEYREJECTED, "the files are those of --tls-ca-file, --tls-cert-file and --tls-key-file, or EVAUTH_TLS_..."},
	{-ECONNABORTED, "does it speak TLS at that port (tls-listen)? Its log says more"},
	{-EPROTO, "check that evauthd listens there, of the same version: evauth status, evauth --version"},
};

// The first row that fits. NULL: any noun, any verb.
static const struct {
	const char *noun;
	const char *verb;
	enum status_code code;
	const char *hint;
} refusal_hints[] = {
	{"group", "attach-points", STATUS_FAILED_PRECONDITION, "--move takes it out of the group it is in"},
	{"group", "set-tariff", STATUS_FAILED_PRECONDITION,
	 "attach first: evauth group attach-customers GROUP CUSTOMER --tariff TARIFF"},
	{"group", "detach-points", STATUS_FAILED_PRECONDITION, "name the group it is in: evauth point show POINT"},
	{"tariff", "delete", STATUS_FAILED_PRECONDITION,
	 "who uses it: evauth search groups --tariff TARIFF, evauth search memberships --tariff TARIFF"},
	{"tariff", "show", STATUS_FAILED_PRECONDITION,
	 "attach the point first: evauth group attach-points GROUP POINT"},
	{NULL, "create", STATUS_ALREADY_EXISTS, "to change it: 'set'; to replace it: 'put'"},
	{"group", NULL, STATUS_NOT_FOUND,
	 "look for it: evauth search groups|charge-points|customers|tariffs TEXT; or create it first"},
	{"token", NULL, STATUS_NOT_FOUND, "look for it: evauth search tokens|customers TEXT; or create it first"},
	{"import", NULL, STATUS_NOT_FOUND, "what a line refers to must be stored or come before it"},
	{"watch", NULL, STATUS_OUT_OF_RANGE, "export has everything, status the revision to watch after"},
	{"log", "adopt", STATUS_FAILED_PRECONDITION, "evauth status tells how this replica is"},
	{NULL, NULL, STATUS_NOT_FOUND, "look for it: evauth search KIND TEXT"},
	{NULL, NULL, STATUS_ABORTED, "somebody changed it meanwhile: look at it and try again"},
	{NULL, NULL, STATUS_UNIMPLEMENTED, "the daemon is older than this command: evauth status, evauth --version"},
	{NULL, NULL, STATUS_UNAVAILABLE, "try again in a moment; evauth status tells how the daemon is"},
	{NULL, NULL, STATUS_RESOURCE_EXHAUSTED, "a limit was reached: evauth status lists them"},
	{NULL, NULL, STATUS_INTERNAL, "the daemon's log says more"},
};

static bool word_fits(const char *row, const char *word)
{
	return row == NULL || (word != NULL && strcmp(row, word) == 0);
}

static const char *hint_for_refusal(const struct command *command, enum status_code code)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusal_hints); i++) {
		if (refusal_hints[i].code == code && word_fits(refusal_hints[i].noun, command->noun) &&
		    word_fits(refusal_hints[i].verb, command->verb))
			return refusal_hints[i].hint;
	}
	return NULL;
}

const char *hint_find(const struct command *command, int result, enum status_code code)
{
	for (size_t i = 0; i < ARRAY_SIZE(connection_hints); i++) {
		if (connection_hints[i].result == result)
			return connection_hints[i].hint;
	}
	return hint_for_refusal(command, code);
}
