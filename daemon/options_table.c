// SPDX-License-Identifier: Apache-2.0
#include "daemon/options_table.h"

#include "daemon/feed/redis_url.h"
#include "daemon/options_credential.h"
#include "daemon/rpc/access.h"
#include "proto/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECOND 1000ull
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define RATE_MAX 10000000
#define BURST_MAX 1000000000

static const char *check_not_empty(const char *value)
{
	return value[0] == '\0' ? "must not be empty" : NULL;
}

static const char *check_unix_path(const char *value)
{
	return strlen(value) >= sizeof(((struct sockaddr_un *)0)->sun_path) ? "a socket path is at most 107 bytes long"
									    : NULL;
}

static const char *check_listen(const char *value)
{
	const char *colon = strrchr(value, ':');
	return colon == NULL || colon == value || colon[1] == '\0'
		       ? "is not of the form HOST:PORT, for example 127.0.0.1:7420 or [::1]:7420"
		       : NULL;
}

static const char *check_peer(const char *value)
{
	return check_listen(value) != NULL || (strncmp(value, "tls:", 4) == 0 && check_listen(value + 4) != NULL)
		       ? "is not of the form HOST:PORT, tls:HOST:PORT or unix:PATH"
		       : NULL;
}

static const char *check_log_format(const char *value)
{
	return strcmp(value, "text") == 0 || strcmp(value, "json") == 0 ? NULL : "is neither text nor json";
}

#define FIELD(name) offsetof(struct options, name)

const struct option_row option_table[] = {
	{.name = "config",
	 .type = OPTION_TEXT,
	 .offset = FIELD(config),
	 .argument = "FILE",
	 .check = check_not_empty,
	 .command_line_only = true,
	 .help = "read the configuration file FILE"},
	{.name = "store",
	 .type = OPTION_TEXT,
	 .offset = FIELD(store),
	 .argument = "DIR",
	 .check = check_not_empty,
	 .preset = "./evauthd-data",
	 .help = "keep the database in DIR"},
	{.name = "map-size",
	 .type = OPTION_SIZE_GIB,
	 .offset = FIELD(map_size),
	 .argument = "SIZE",
	 .min = 64 * MIB,
	 .max = 4096 * GIB,
	 .preset = "16GiB",
	 .help = "the largest size the database may grow to; the file is sparse, so a large value costs nothing"},
	{.name = "listen",
	 .type = OPTION_LIST,
	 .offset = FIELD(listen),
	 .argument = "HOST:PORT",
	 .check = check_listen,
	 .max = OPTIONS_LISTEN_MAX,
	 .help = "answer on this address; may be given several times; port 0 takes a free one. "
		 "Without any listen or unix: 127.0.0.1:7420"},
	{.name = "unix",
	 .type = OPTION_TEXT,
	 .offset = FIELD(unix_path),
	 .argument = "PATH",
	 .check = check_unix_path,
	 .help = "answer on this Unix socket as well (mode 0660)"},
	{.name = "insecure-listen",
	 .type = OPTION_FLAG,
	 .offset = FIELD(insecure_listen),
	 .preset = "false",
	 .help = "allow listening beyond loopback although nothing is encrypted and nobody is authenticated"},
	{.name = "tls-listen",
	 .type = OPTION_LIST,
	 .offset = FIELD(tls_listen),
	 .argument = "HOST:PORT",
	 .check = check_listen,
	 .max = OPTIONS_LISTEN_MAX,
	 .help = "answer on this address by TLS 1.3, to clients with a certificate of tls-ca-file that access names; "
		 "may be given several times"},
	{.name = "tls-cert-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(tls_cert_file),
	 .argument = "FILE",
	 .reloadable = true,
	 .help = "the daemon's certificate for tls-listen, PEM, with the chain behind it"},
	{.name = "tls-key-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(tls_key_file),
	 .argument = "FILE",
	 .reloadable = true,
	 .help = "the private key of tls-cert-file, which others must not be able to read"},
	{.name = "tls-ca-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(tls_ca_file),
	 .argument = "FILE",
	 .reloadable = true,
	 .help = "let in clients whose certificate this CA signed"},
	{.name = "tls-handshakes-max",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(tls_handshakes_max),
	 .argument = "N",
	 .min = 1,
	 .max = 1000000,
	 .preset = "256",
	 .reloadable = true,
	 .help = "TLS handshakes under way at once; the oldest of whoever has most makes room for one more"},
	{.name = "tls-handshake-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(tls_handshake_timeout_ms),
	 .argument = "TIME",
	 .min = 100,
	 .max = HOUR,
	 .preset = "5s",
	 .reloadable = true,
	 .help = "close a connection whose TLS handshake takes longer"},
	{.name = "access",
	 .type = OPTION_LIST,
	 .offset = FIELD(access),
	 .argument = "WHO=ROLES",
	 .check_why = access_check,
	 .max = OPTIONS_ACCESS_MAX,
	 .reloadable = true,
	 .help = "let WHO do what ROLES (query, watch, write, admin, or all; joined by commas) can; may be given "
		 "several "
		 "times, and everybody else may do nothing. WHO: uid:USER or gid:GROUP on the Unix socket, cn:NAME, "
		 "dns:NAME or uri:URI of a certificate on tls-listen, tcp for "
		 "listen. Without any: all for root and the own user on the Unix socket, and for everybody on listen"},
	{.name = "http",
	 .type = OPTION_TEXT,
	 .offset = FIELD(http),
	 .argument = "HOST:PORT",
	 .check = check_listen,
	 .help = "tell the operator how it goes, by HTTP on this address, usually 127.0.0.1:7421: /metrics for "
		 "Prometheus, /health, /ready. Without it: not at all"},
	{.name = "insecure-http",
	 .type = OPTION_FLAG,
	 .offset = FIELD(insecure_http),
	 .preset = "false",
	 .help = "allow http beyond loopback although nothing is encrypted and nobody is authenticated"},
	{.name = "port-file",
	 .type = OPTION_TEXT,
	 .offset = FIELD(port_file),
	 .argument = "FILE",
	 .help = "write the addresses taken to FILE, one a line: 'listen HOST:PORT', 'tls HOST:PORT', 'unix PATH' or "
		 "'http HOST:PORT'"},
	{.name = "workers",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(workers),
	 .argument = "N",
	 .max = 64,
	 .preset = "0",
	 .help = "threads that answer requests; 0: one per core. One more has the connections that only write"},
	{.name = "log-level",
	 .type = OPTION_LEVEL,
	 .offset = FIELD(log_level),
	 .argument = "LEVEL",
	 .preset = "info",
	 .reloadable = true,
	 .help = "error, warning, info or debug"},
	{.name = "log-format",
	 .type = OPTION_TEXT,
	 .offset = FIELD(log_format),
	 .argument = "FORMAT",
	 .check = check_log_format,
	 .preset = "text",
	 .reloadable = true,
	 .help = "text, or json: an object with time, level, event and message per line; on stderr, for a journal has "
		 "fields of its own"},
	{.name = "log-denials",
	 .type = OPTION_FLAG,
	 .offset = FIELD(log_denials),
	 .preset = "false",
	 .reloadable = true,
	 .help = "log questions that were denied: reason, charge point, client, and by log-pepper-file the token; at "
		 "most 10 a second"},
	{.name = "log-pepper-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(log_pepper_file),
	 .argument = "FILE",
	 .reloadable = true,
	 .help = "a secret of 16 to 256 bytes, which others must not be able to read: with it log-denials tells tokens "
		 "apart, as t=XXXXXXXX, which evauth token pseudonym makes of a uid. Without it no token is told"},
	{.name = "max-connections",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(max_connections),
	 .argument = "N",
	 .min = 1,
	 .max = 1000000,
	 .preset = "10000",
	 .reloadable = true,
	 .help = "connections open at once; more are closed when they arrive"},
	{.name = "frame-size-max",
	 .type = OPTION_SIZE,
	 .offset = FIELD(frame_size_max),
	 .argument = "SIZE",
	 .min = FRAME_SIZE_MAX_MIN,
	 .max = FRAME_SIZE_MAX_MAX,
	 .preset = "1MiB",
	 .help = "the largest frame, in either direction"},
	{.name = "inflight-bytes-max",
	 .type = OPTION_SIZE,
	 .offset = FIELD(inflight_bytes_max),
	 .argument = "SIZE",
	 .min = 64 * KIB,
	 .max = 64 * MIB,
	 .preset = "1MiB",
	 .reloadable = true,
	 .help = "requests and answers under way per connection; beyond it the connection is not read"},
	{.name = "client-connections-max",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(client_connections_max),
	 .argument = "N",
	 .max = 1000000,
	 .preset = "0",
	 .reloadable = true,
	 .help = "connections of one client open at once; more are told so and closed. A client is a user of the Unix "
		 "socket, a name of a certificate, or an IP address. 0: no limit"},
	{.name = "client-requests-per-second",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(client_requests_per_second),
	 .argument = "N",
	 .max = RATE_MAX,
	 .preset = "0",
	 .reloadable = true,
	 .help = "requests of one client, items of batches included; more are refused with RESOURCE_EXHAUSTED. 0: no "
		 "limit"},
	{.name = "client-requests-burst",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(client_requests_burst),
	 .argument = "N",
	 .max = BURST_MAX,
	 .preset = "0",
	 .reloadable = true,
	 .help = "how many of client-requests-per-second may come at once; 0: what a second brings"},
	{.name = "client-inflight-bytes-max",
	 .type = OPTION_SIZE,
	 .offset = FIELD(client_inflight_bytes_max),
	 .argument = "SIZE",
	 .max = 64 * GIB,
	 .preset = "0",
	 .reloadable = true,
	 .help = "requests and answers under way of one client, all its connections together; beyond it they are not "
		 "read. 0: no limit"},
	{.name = "client-unknown-tokens-per-second",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(client_unknown_tokens_per_second),
	 .argument = "N",
	 .max = RATE_MAX,
	 .preset = "100",
	 .reloadable = true,
	 .help = "answers that a token is unknown which one client gets; whoever asks for more gets no answers about "
		 "tokens (RESOURCE_EXHAUSTED), so that nobody finds out which there are. 0: no limit, for tests and "
		 "measurements"},
	{.name = "client-unknown-tokens-burst",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(client_unknown_tokens_burst),
	 .argument = "N",
	 .max = BURST_MAX,
	 .preset = "10000",
	 .reloadable = true,
	 .help = "how many of client-unknown-tokens-per-second may come at once; 0: what a second brings"},
	{.name = "idle-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(idle_timeout_ms),
	 .argument = "TIME",
	 .min = 100,
	 .max = 7 * 24 * HOUR,
	 .preset = "10min",
	 .reloadable = true,
	 .help = "close a connection that was silent for so long"},
	{.name = "frame-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(frame_timeout_ms),
	 .argument = "TIME",
	 .min = 100,
	 .max = HOUR,
	 .preset = "5s",
	 .reloadable = true,
	 .help = "close a connection that does not complete a frame it began"},
	{.name = "write-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(write_timeout_ms),
	 .argument = "TIME",
	 .min = 100,
	 .max = HOUR,
	 .preset = "5s",
	 .reloadable = true,
	 .help = "close a connection that takes none of its answers for so long"},
	{.name = "min-revision-wait",
	 .type = OPTION_DURATION,
	 .offset = FIELD(min_revision_wait_ms),
	 .argument = "TIME",
	 .max = MINUTE,
	 .preset = "1s",
	 .reloadable = true,
	 .help = "how long a request waits for the min_revision it asks for"},
	{.name = "snapshot-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(snapshot_timeout_ms),
	 .argument = "TIME",
	 .min = SECOND,
	 .max = 24 * HOUR,
	 .preset = "10min",
	 .reloadable = true,
	 .help = "end a Snapshot that takes longer; it keeps the database from reusing space"},
	{.name = "drain-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(drain_timeout_ms),
	 .argument = "TIME",
	 .max = HOUR,
	 .preset = "10s",
	 .reloadable = true,
	 .help = "how long a stop waits for answers under way"},
	{.name = "queue-max",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(queue_max),
	 .argument = "N",
	 .min = 1,
	 .max = 65536,
	 .preset = "4096",
	 .help = "change sets waiting for the writer; more are refused"},
	{.name = "log-entries",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(log_entries),
	 .argument = "N",
	 .max = 1000000000,
	 .preset = "100000",
	 .help = "revisions kept in the log of changes, for watchers, audit and repair; 0: no log"},
	{.name = "log-bytes",
	 .type = OPTION_SIZE,
	 .offset = FIELD(log_bytes),
	 .argument = "SIZE",
	 .max = 1024 * GIB,
	 .preset = "256MiB",
	 .help = "the most the log of changes takes, and never more than an eighth of map-size; its oldest revisions "
		 "are forgotten first; 0: no log"},
	{.name = "log-age",
	 .type = OPTION_DURATION,
	 .offset = FIELD(log_age_ms),
	 .argument = "TIME",
	 .max = 10 * 366 * 24 * HOUR,
	 .preset = "2160h",
	 .help = "forget revisions in the log of changes that are older, as commits are made; below 1s: no log"},
	{.name = "redis",
	 .type = OPTION_URL,
	 .offset = FIELD(redis),
	 .argument = "URL",
	 .help = "share changes through this Redis: redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// with "
		 "TLS, unix:PATH, or redis+sentinel://HOST:PORT,HOST:PORT/MASTER. A password stands in "
		 "redis-password-file, "
		 "or here in a configuration file that others cannot read"},
	{.name = "redis-password-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(redis_password_file),
	 .argument = "FILE",
	 .help = "read the password for Redis from the first line of FILE, which others must not be able to read"},
	{.name = "redis-ca-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(redis_ca_file),
	 .argument = "FILE",
	 .help = "trust the certificate of a rediss:// server if this CA signed it; without it: the system's CAs"},
	{.name = "redis-cert-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(redis_cert_file),
	 .argument = "FILE",
	 .help = "show this certificate to a rediss:// server"},
	{.name = "redis-key-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(redis_key_file),
	 .argument = "FILE",
	 .help = "the private key of redis-cert-file"},
	{.name = "redis-log-max",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(redis_log_max),
	 .argument = "N",
	 .min = 1,
	 .max = 1000000000,
	 .preset = "1000000",
	 .help = "keep about so many entries in Redis; a replica further behind fetches a snapshot from a peer"},
	{.name = "redis-wait-replicas",
	 .type = OPTION_NUMBER,
	 .offset = FIELD(redis_wait_replicas),
	 .argument = "N",
	 .max = 64,
	 .preset = "0",
	 .help = "answer a change only when so many replicas of Redis have it (WAIT)"},
	{.name = "redis-timeout",
	 .type = OPTION_DURATION,
	 .offset = FIELD(redis_timeout_ms),
	 .argument = "TIME",
	 .min = 100,
	 .max = 10 * MINUTE,
	 .preset = "5s",
	 .help = "how long Redis may take for an answer, and a change until it is answered"},
	{.name = "redis-stale",
	 .type = OPTION_DURATION,
	 .offset = FIELD(redis_stale_ms),
	 .argument = "TIME",
	 .max = 7 * 24 * HOUR,
	 .preset = "0",
	 .help = "answer no questions when nothing was heard of Redis for so long; 0: answer however old the data is"},
	{.name = "peer",
	 .type = OPTION_LIST,
	 .offset = FIELD(peers),
	 .argument = "[tls:]HOST:PORT",
	 .check = check_peer,
	 .max = OPTIONS_PEERS_MAX,
	 .help = "another evauthd of the same Redis, for a snapshot when the log does not reach back; may be given "
		 "several times"},
	{.name = "peer-ca-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(peer_ca_file),
	 .argument = "FILE",
	 .help = "trust the certificate of a tls: peer if this CA signed it; without it: the system's CAs"},
	{.name = "peer-cert-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(peer_cert_file),
	 .argument = "FILE",
	 .help = "show this certificate to a tls: peer, whose access rules give it query and watch"},
	{.name = "peer-key-file",
	 .type = OPTION_FILE,
	 .offset = FIELD(peer_key_file),
	 .argument = "FILE",
	 .help = "the private key of peer-cert-file, which others must not be able to read"},
	{.name = "check-config",
	 .type = OPTION_FLAG,
	 .offset = FIELD(check_config),
	 .command_line_only = true,
	 .help = "check the settings, print them as a configuration file, and exit"},
	{.name = "version",
	 .type = OPTION_FLAG,
	 .offset = FIELD(version),
	 .command_line_only = true,
	 .help = "print the version and exit"},
	{.name = "help",
	 .type = OPTION_FLAG,
	 .offset = FIELD(help),
	 .command_line_only = true,
	 .help = "print this text and exit"},
};
const size_t option_table_size = ARRAY_SIZE(option_table);

int option_find(const char *name)
{
	for (size_t i = 0; i < option_table_size; i++) {
		if (strcmp(option_table[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

// ---------------------------------------------------------------- values

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"KiB", KIB}, {"MiB", MIB},      {"GiB", GIB}, {"TiB", 1024 * GIB}, {"K", KIB}, {"M", MIB},
	{"G", GIB},   {"T", 1024 * GIB}, {"B", 1},     {NULL, 0},
};
static const struct unit duration_units[] = {
	{"ms", 1}, {"s", SECOND}, {"min", MINUTE}, {"h", HOUR}, {NULL, 0},
};
static const struct unit no_units[] = {{NULL, 0}};

// How a number of each type is written.
struct number_form {
	const struct unit *units;
	uint64_t bare_factor; // of a number without unit
	const char *expected;
};

static const struct number_form number_forms[] = {
	[OPTION_NUMBER] = {no_units, 1, "is not a whole number"},
	[OPTION_SIZE] = {size_units, 1, "is not a size such as 65536, 512KiB or 1MiB"},
	[OPTION_SIZE_GIB] = {size_units, GIB, "is not a size such as 16 (GiB), 512MiB or 1TiB"},
	[OPTION_DURATION] = {duration_units, 1, "is not a duration such as 500ms, 5s, 10min or 1h"},
};

static uint64_t unit_factor(const struct number_form *form, const char *suffix)
{
	if (suffix[0] == '\0')
		return form->bare_factor;
	for (const struct unit *unit = form->units; unit->name != NULL; unit++) {
		if (strcmp(suffix, unit->name) == 0)
			return unit->factor;
	}
	return 0;
}

static int number_parse(const struct number_form *form, const char *text, uint64_t *ret_value)
{
	char *suffix;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	const unsigned long long number = strtoull(text, &suffix, 10);
	if (errno != 0)
		return -EINVAL;
	while (*suffix == ' ')
		suffix++;
	const uint64_t factor = unit_factor(form, suffix);
	return factor == 0 || __builtin_mul_overflow(number, factor, ret_value) ? -EINVAL : 0;
}

// The largest unit that divides the value, so that what is printed reads back as the same.
static void number_format(enum option_type type, uint64_t value, char *text, size_t size)
{
	const struct unit *best = NULL;
	for (const struct unit *unit = number_forms[type].units; unit->name != NULL; unit++) {
		if (value != 0 && value % unit->factor == 0 && (best == NULL || unit->factor > best->factor))
			best = unit;
	}
	if (best != NULL)
		snprintf(text, size, "%llu%s", (unsigned long long)(value / best->factor), best->name);
	else
		snprintf(text, size, "%llu", (unsigned long long)value);
}

// ---------------------------------------------------------------- fields

static void *field_of(const struct option_row *row, struct options *options)
{
	return (char *)options + row->offset;
}

static const void *const_field_of(const struct option_row *row, const struct options *options)
{
	return (const char *)options + row->offset;
}

static size_t field_size(const struct option_row *row)
{
	static const size_t sizes[] = {
		[OPTION_TEXT] = OPTIONS_TEXT_MAX,     [OPTION_LIST] = sizeof(struct options_list),
		[OPTION_FLAG] = sizeof(bool),         [OPTION_NUMBER] = sizeof(uint64_t),
		[OPTION_SIZE] = sizeof(uint64_t),     [OPTION_SIZE_GIB] = sizeof(uint64_t),
		[OPTION_DURATION] = sizeof(uint64_t), [OPTION_LEVEL] = sizeof(enum log_level),
		[OPTION_URL] = OPTIONS_TEXT_MAX,      [OPTION_FILE] = OPTIONS_TEXT_MAX,
	};
	return sizes[row->type];
}

static int set_text(char *field, const char *text, char *why, size_t why_size)
{
	const size_t size = strlen(text) + 1;
	if (size > OPTIONS_TEXT_MAX) {
		snprintf(why, why_size, "is longer than %d bytes", OPTIONS_TEXT_MAX - 1);
		return -EINVAL;
	}
	memcpy(field, text, size);
	return 0;
}

// What is wrong is told without quoting: there may be a password in it.
static int set_url(char *field, const char *text, char *why, size_t why_size)
{
	struct redis_url url;
	char wrong[REDIS_WHY_SIZE];
	if (text[0] != '\0' && redis_url_parse(text, &url, wrong) != 0) {
		snprintf(why, why_size, "%s", wrong);
		return -EINVAL;
	}
	return set_text(field, text, why, why_size);
}

static int set_list(struct options_list *list, size_t max, const char *text, char *why, size_t why_size)
{
	if (list->count == max) {
		snprintf(why, why_size, "is given more than %zu times", max);
		return -EINVAL;
	}
	const int result = set_text(list->items[list->count], text, why, why_size);
	list->count += result == 0;
	return result;
}

static int set_flag(bool *field, const char *text, char *why, size_t why_size)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false}, {"off", false}};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i].word) == 0) {
			*field = words[i].value;
			return 0;
		}
	}
	snprintf(why, why_size, "'%.64s' is neither true nor false", text);
	return -EINVAL;
}

static int set_level(enum log_level *field, const char *text, char *why, size_t why_size)
{
	if (log_level_parse(text, field) == 0)
		return 0;
	snprintf(why, why_size, "'%.64s' is none of error, warning, info, debug", text);
	return -EINVAL;
}

static int set_number(const struct option_row *row, uint64_t *field, const char *text, char *why, size_t why_size)
{
	uint64_t value;
	if (number_parse(&number_forms[row->type], text, &value) != 0) {
		snprintf(why, why_size, "'%.64s' %s", text, number_forms[row->type].expected);
		return -EINVAL;
	}
	if (value < row->min || value > row->max) {
		char min[32], max[32];
		number_format(row->type, row->min, min, sizeof(min));
		number_format(row->type, row->max, max, sizeof(max));
		snprintf(why, why_size, "%.64s is not between %s and %s", text, min, max);
		return -EINVAL;
	}
	*field = value;
	return 0;
}

int option_set(const struct option_row *row, struct options *options, const char *text, char *why, size_t why_size)
{
	const char *wrong = row->check ? row->check(text) : NULL;
	if (wrong != NULL) {
		snprintf(why, why_size, "'%.128s' %s", text, wrong);
		return -EINVAL;
	}
	char reason[256];
	if (row->check_why != NULL && row->check_why(text, reason, sizeof(reason)) != 0) {
		snprintf(why, why_size, "'%.100s' %s", text, reason);
		return -EINVAL;
	}
	void *field = field_of(row, options);
	switch (row->type) {
	case OPTION_TEXT:
		return set_text(field, text, why, why_size);
	case OPTION_FILE:
		return option_find_file(text, field, OPTIONS_TEXT_MAX, why, why_size);
	case OPTION_LIST:
		return set_list(field, row->max, text, why, why_size);
	case OPTION_URL:
		return set_url(field, text, why, why_size);
	case OPTION_FLAG:
		return set_flag(field, text, why, why_size);
	case OPTION_LEVEL:
		return set_level(field, text, why, why_size);
	default:
		return set_number(row, field, text, why, why_size);
	}
}

void option_clear(const struct option_row *row, struct options *options)
{
	memset(field_of(row, options), 0, field_size(row));
}

const struct options_list *option_items(const struct option_row *row, const struct options *options)
{
	ASSERT(row->type == OPTION_LIST);
	return const_field_of(row, options);
}

bool option_has_password(const struct option_row *row, const struct options *options)
{
	struct redis_url url;
	char why[REDIS_WHY_SIZE];
	return row->type == OPTION_URL && redis_url_parse(const_field_of(row, options), &url, why) == 0 &&
	       url.password[0] != '\0';
}

static void format_url(const char *field, char *text, size_t size)
{
	struct redis_url url;
	char why[REDIS_WHY_SIZE], shown[REDIS_URL_TEXT_SIZE];
	if (redis_url_parse(field, &url, why) != 0 || url.password[0] == '\0')
		snprintf(shown, sizeof(shown), "%s", field);
	else
		redis_url_format(&url, shown);
	snprintf(text, size, "%.*s", (int)size - 1, shown);
}

void option_format(const struct option_row *row, const struct options *options, char *text, size_t size)
{
	const void *field = const_field_of(row, options);
	switch (row->type) {
	case OPTION_TEXT:
	case OPTION_FILE:
		snprintf(text, size, "%s", (const char *)field);
		break;
	case OPTION_FLAG:
		snprintf(text, size, "%s", *(const bool *)field ? "true" : "false");
		break;
	case OPTION_LEVEL:
		snprintf(text, size, "%s", log_level_name(*(const enum log_level *)field));
		break;
	case OPTION_URL:
		format_url(field, text, size);
		break;
	case OPTION_LIST:
		ASSERT(row->type != OPTION_LIST);
		break;
	default:
		number_format(row->type, *(const uint64_t *)field, text, size);
		break;
	}
}

bool option_equals(const struct option_row *row, const struct options *a, const struct options *b)
{
	return memcmp(const_field_of(row, a), const_field_of(row, b), field_size(row)) == 0;
}

void option_copy(const struct option_row *row, struct options *to, const struct options *from)
{
	memcpy(field_of(row, to), const_field_of(row, from), field_size(row));
}
