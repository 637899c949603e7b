// SPDX-License-Identifier: Apache-2.0
#include "bench/environment.h"

#include "base/clock.h"
#include "client/evauth.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void read_cpu(char *text)
{
	char line[512];
	FILE *file = fopen("/proc/cpuinfo", "re");
	while (file && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) == 0 && colon) {
			snprintf(text, ENVIRONMENT_TEXT_SIZE, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
			break;
		}
	}
	if (file)
		fclose(file);
}

static void ask_version(const char *server, const struct evauth_tls *tls, char *text)
{
	const struct evauth_options options = {.server = server, .tls = tls ? *tls : (struct evauth_tls){0}};
	struct evauth_client *client;
	struct fault fault = {0};
	struct status_response *status;
	struct arena arena;
	if (evauth_client_create(&options, &client, &fault) < 0)
		return;
	arena_init(&arena, 4096, EVAUTH_ARENA_BUDGET);
	if (evauth_status(client, &arena, &status) == 0)
		snprintf(text, ENVIRONMENT_TEXT_SIZE, "%.*s", BYTES_ARG(status->version));
	arena_finish(&arena);
	evauth_client_destroy(client);
}

void environment_read(const char *server, const struct evauth_tls *tls, struct environment *ret_environment)
{
	struct environment environment = {.cpu = "unknown", .kernel = "unknown", .started_at = clock_wall_s()};
	struct utsname name;
	read_cpu(environment.cpu);
	if (uname(&name) == 0)
		snprintf(environment.kernel, sizeof(environment.kernel), "%.30s %.60s", name.sysname, name.release);
	environment.cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	if (server)
		ask_version(server, tls, environment.server_version);
	*ret_environment = environment;
}
