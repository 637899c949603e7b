// SPDX-License-Identifier: Apache-2.0
// evauthd itself, its world imported by `evauth import`.
#include "bench/generate.h"
#include "bench/peer.h"
#include "bench/protocol_authorize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int write_world(const struct peer_setup *setup, const char *path)
{
	struct generate_counts counts;
	struct line_writer *writer = malloc(sizeof(*writer));
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int error = fd < 0 ? -errno : !writer ? -ENOMEM : 0;
	if (error == 0) {
		line_writer_init(writer, fd);
		error = generate_world(setup->world, writer, &counts);
	}
	if (fd >= 0)
		close(fd);
	free(writer);
	return error;
}

// The port file has one line, "HOST:PORT", when the daemon serves.
struct port_file {
	char path[PROCESS_PATH_SIZE];
	unsigned port;
};

static bool read_port(void *context)
{
	struct port_file *file = context;
	char line[PROCESS_PATH_SIZE] = "";
	FILE *stream = fopen(file->path, "re");
	const bool has_line = stream && fgets(line, sizeof(line), stream) && strchr(line, '\n');
	if (stream)
		fclose(stream);
	const char *colon = has_line ? strrchr(line, ':') : NULL;
	return sscanf(colon ? colon + 1 : line, "%u", &file->port) == 1 && has_line;
}

static int start(const struct peer_setup *setup, struct peer *peer, struct fault *fault)
{
	char store[PROCESS_PATH_SIZE], workers[16];
	struct port_file file = {.port = 0};
	process_path(setup->processes, "store", store);
	process_path(setup->processes, "port", file.path);
	snprintf(workers, sizeof(workers), "%u", setup->workers);
	const char *const arguments[] = {setup->evauthd,
					 "--store",
					 store,
					 "--listen",
					 "127.0.0.1:0",
					 "--port-file",
					 file.path,
					 "--log-level",
					 "warning",
					 "--workers",
					 workers,
					 "--client-unknown-tokens-per-second",
					 "0",
					 NULL};
	const struct process_plan plan = {.name = "evauthd", .arguments = arguments, .cpus = &setup->server_cpus};
	int error = process_start(setup->processes, &plan, &peer->pid, fault);
	if (error == 0)
		error = process_await(setup->processes, &plan, peer->pid, read_port, &file, fault);
	snprintf(peer->address, sizeof(peer->address), "127.0.0.1:%u", file.port);
	return error;
}

static int import_world(const struct peer_setup *setup, const struct peer *peer, struct fault *fault)
{
	char path[PROCESS_PATH_SIZE];
	process_path(setup->processes, "world.jsonl", path);
	int error = write_world(setup, path);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "writing %s: %s", path, strerror(-error));
		return error;
	}
	const char *const arguments[] = {setup->evauth, "--server", peer->address, "import", path, NULL};
	error = process_run(setup->processes, &(struct process_plan){.name = "import", .arguments = arguments}, fault);
	unlink(path);
	return error;
}

static int open_evauthd(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	(void)program;
	const struct authorize_load_options options = {
		.mix = setup->mix,
		.seed = setup->seed,
		.count = setup->requests,
		.batch = setup->batch,
	};
	process_version(setup->processes, setup->evauthd, peer->version);
	int error = start(setup, peer, fault);
	if (error == 0)
		error = import_world(setup, peer, fault);
	if (error < 0)
		return error;
	error = authorize_requests_create(setup->world, &options, &peer->requests);
	if (error < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "preparing requests: %s", strerror(-error));
	peer->protocol = protocol_authorize;
	peer->batch = setup->batch == 0 ? 1 : setup->batch;
	return error;
}

static void close_evauthd(struct peer *peer)
{
	authorize_requests_destroy(&peer->requests);
}

const struct peer_class peer_class_evauthd = {
	.name = "evauthd",
	.what = "Authorize",
	.open = open_evauthd,
	.close = close_evauthd,
	.explain_wrong = authorize_explain_wrong,
};
