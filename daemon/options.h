// SPDX-License-Identifier: Apache-2.0
// The settings of evauthd, from one table (options_table.c): each row is a command line option, a key of the
// configuration file, a line of --help, a check and a default. The command line beats the file.
//
// To add an option: a field below and a row in options_table.c.
#pragma once

#include "base/check.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTIONS_TEXT_MAX = 1024, // bytes with the terminator
	OPTIONS_LISTEN_MAX = 16,
	OPTIONS_PEERS_MAX = 8,
	OPTIONS_ACCESS_MAX = 64,
	OPTIONS_LIST_MAX = 64, // of any list
	OPTIONS_FILE_MAX = 64 * 1024,
};

struct options_list {
	size_t count;
	char items[OPTIONS_LIST_MAX][OPTIONS_TEXT_MAX];
};

struct options {
	char config[OPTIONS_TEXT_MAX];    // empty: none
	char store[OPTIONS_TEXT_MAX];     // directory
	char unix_path[OPTIONS_TEXT_MAX]; // empty: none
	char port_file[OPTIONS_TEXT_MAX]; // empty: none
	char http[OPTIONS_TEXT_MAX];      // HOST:PORT; empty: none
	struct options_list listen;       // HOST:PORT
	enum log_level log_level;
	char log_format[OPTIONS_TEXT_MAX]; // text or json
	bool log_denials;
	char log_pepper_file[OPTIONS_TEXT_MAX]; // empty: none
	bool insecure_listen;
	struct options_list tls_listen; // HOST:PORT
	char tls_cert_file[OPTIONS_TEXT_MAX];
	char tls_key_file[OPTIONS_TEXT_MAX];
	char tls_ca_file[OPTIONS_TEXT_MAX];
	uint64_t tls_handshakes_max;
	uint64_t tls_handshake_timeout_ms;
	struct options_list access; // WHO=ROLE[,ROLE...]; empty: the default of daemon/rpc/access.h
	bool insecure_http;
	bool check_config;
	bool version;
	bool help;
	uint64_t map_size;               // bytes
	uint64_t workers;                // 0: one per core
	uint64_t max_connections;        // open at once
	uint64_t frame_size_max;         // bytes
	uint64_t inflight_bytes_max;     // per connection
	uint64_t client_connections_max; // these six are per client; 0: no limit, of a burst: a second's worth
	uint64_t client_requests_per_second;
	uint64_t client_requests_burst;
	uint64_t client_inflight_bytes_max;
	uint64_t client_unknown_tokens_per_second;
	uint64_t client_unknown_tokens_burst;
	uint64_t queue_max;   // change sets waiting for the writer
	uint64_t log_entries; // of the log of changes that are kept; 0: none
	uint64_t log_bytes;   // likewise
	uint64_t log_age_ms;  // likewise
	uint64_t idle_timeout_ms;
	uint64_t frame_timeout_ms;
	uint64_t write_timeout_ms;
	uint64_t min_revision_wait_ms;
	uint64_t snapshot_timeout_ms;
	uint64_t drain_timeout_ms;
	char redis[OPTIONS_TEXT_MAX];               // a URL, perhaps with a password; empty: none
	char redis_password_file[OPTIONS_TEXT_MAX]; // these four: empty: none
	char redis_ca_file[OPTIONS_TEXT_MAX];
	char redis_cert_file[OPTIONS_TEXT_MAX];
	char redis_key_file[OPTIONS_TEXT_MAX];
	uint64_t redis_log_max;       // entries
	uint64_t redis_wait_replicas; // 0: WAIT is not used
	uint64_t redis_timeout_ms;
	uint64_t redis_stale_ms;   // 0: serve however old
	struct options_list peers; // [tls:]HOST:PORT or unix:PATH
	char peer_ca_file[OPTIONS_TEXT_MAX];
	char peer_cert_file[OPTIONS_TEXT_MAX];
	char peer_key_file[OPTIONS_TEXT_MAX];
};

// Why the settings were refused: one line, naming the option or FILE:LINE and the key.
struct options_error {
	char message[OPTIONS_TEXT_MAX + 512];
};

// Reads the command line and the file it names. -EINVAL and an error for what is refused; *ret_options is
// untouched then. A file that cannot be read is refused as well.
MUST_CHECK int options_load(int argc, char **argv, struct options *ret_options, struct options_error *error);

// The effective settings, as a configuration file. `write_line` gets them line by line, without newline.
void options_print(const struct options *options, void (*write_line)(void *context, const char *line), void *context);

// Names of settings that differ between `old` and `new` and count only after a restart, separated by ", ". Those that
// can be changed in a running daemon are taken over from `new` into `old`.
void options_reload(struct options *old, const struct options *new, char *ret_names, size_t names_size);

// Writes the help to standard output.
void options_print_help(void);
