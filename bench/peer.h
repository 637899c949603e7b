// SPDX-License-Identifier: Apache-2.0
// What `evauth-bench compare` compares: evauthd and its peers. A peer is a row of peer_classes with a file of its own
// that starts the server, fills it with the same world and prepares the same questions in the server's own protocol.
// To add one: peer_NAME.c, protocol_NAME.c, a row in peer.c.
#pragma once

#include "bench/load.h"
#include "bench/process.h"
#include "bench/questions.h"

enum { PEER_ADDRESS_SIZE = 128, PEERS_MAX = 8 };

// What is the same for all.
struct peer_setup {
	struct processes *processes;
	const struct world *world;
	struct question_mix mix;
	uint64_t seed;     // of the questions
	uint32_t requests; // to prepare
	uint32_t batch;    // 0: Authorize; else AuthorizeBatch of so many, where the server knows batches
	uint32_t value_size;
	uint32_t workers;     // of evauthd
	uint32_t connections; // at most, at once
	cpu_set_t server_cpus;
	const char *evauthd; // paths
	const char *evauth;
	// Of evauthd's answers, headers included, per entry: what echo has to send. Measured before echo is opened.
	const uint32_t *answer_sizes;
};

struct peer {
	const struct peer_class *class;
	pid_t pid;
	char address[PEER_ADDRESS_SIZE]; // for load_options.server
	char version[PROCESS_LINE_SIZE];
	struct load_protocol protocol;
	struct load_requests requests;
	uint32_t batch; // decisions in a request; at least 1
};

struct peer_class {
	const char *name;              // on the command line
	const char *what;              // in a report
	const char *package;           // of Debian, that brings `program`; NULL: comes with evauthd
	const char *program, *pattern; // as for process_find_program()
	// Starts the server, fills it, prepares the questions: all of struct peer. A failure leaves nothing prepared;
	// the process is stopped by whoever closes `setup->processes`.
	int (*open)(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault);
	void (*close)(struct peer *peer); // frees the requests
	// On stderr: the request, the answer expected and the one that came.
	void (*explain_wrong)(const struct load_requests *requests, const struct load_result *result);
};

// In the order of reports; evauthd is the first.
extern const struct peer_class *const peer_classes[];
extern const uint32_t peer_class_count;

extern const struct peer_class peer_class_evauthd, peer_class_redis_lua, peer_class_redis_get, peer_class_memcached,
	peer_class_postgres, peer_class_echo;

// NULL when there is none of that name.
const struct peer_class *peer_class_find(struct bytes name);
// Finds its program and opens it. -ENOENT when the program is not installed: the fault names the package.
MUST_CHECK int peer_open(const struct peer_class *class, const struct peer_setup *setup, struct peer *peer,
			 struct fault *fault);
