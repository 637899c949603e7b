// SPDX-License-Identifier: Apache-2.0
// PostgreSQL with the world in indexed tables that fit into its buffers.
#include "bench/brief.h"
#include "bench/peer.h"
#include "bench/protocol_postgres.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_SIZE_MAX = 256, COPY_SIZE = 64 * 1024, SPARE_CONNECTIONS = 10 };

static const char server_user[] = "postgres"; // who runs it when we are root, whom it refuses

// ---------------------------------------------------------------- the server

static bool answers(void *context)
{
	const struct peer *peer = context;
	return PQping(peer->address) == PQPING_OK;
}

static int give_away(const char *folder)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(server_user) : NULL;
	if (geteuid() == 0 && !user)
		return -ENOENT;
	return user && chown(folder, user->pw_uid, user->pw_gid) < 0 ? -errno : 0;
}

static int make_cluster(const struct peer_setup *setup, const char *program, const char *folder, struct fault *fault)
{
	char initdb[PROCESS_PATH_SIZE];
	const int error = mkdir(folder, 0700) < 0 ? -errno : give_away(folder);
	if (error < 0) {
		fault_set(fault, STATUS_INTERNAL, NULL, "%s for %s: %s", folder, server_user, strerror(-error));
		return error;
	}
	snprintf(initdb, sizeof(initdb), "%.*s/initdb", (int)(strrchr(program, '/') - program), program);
	const char *const arguments[] = {
		initdb, "-D", folder, "-U", "evauth", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8",
		NULL};
	const struct process_plan plan = {.name = "initdb", .arguments = arguments, .user = server_user};
	return process_run(setup->processes, &plan, fault);
}

static int start(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	char folder[PROCESS_PATH_SIZE], port_text[8], connections[32];
	uint16_t port = 0;
	process_path(setup->processes, "postgresql", folder);
	process_version(setup->processes, program, peer->version);
	int error = make_cluster(setup, program, folder, fault);
	if (error == 0 && (error = process_free_port(&port)) < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "postgresql: %s", strerror(-error));
	if (error < 0)
		return error;
	snprintf(port_text, sizeof(port_text), "%u", port);
	snprintf(connections, sizeof(connections), "max_connections=%u", setup->connections + SPARE_CONNECTIONS);
	snprintf(peer->address, sizeof(peer->address),
		 "host=127.0.0.1 port=%u user=evauth dbname=postgres sslmode=disable gssencmode=disable", port);
	// For reading as fast as it can, without housekeeping meanwhile; what it holds is thrown away.
	const char *const arguments[] = {program,
					 "-D",
					 folder,
					 "-p",
					 port_text,
					 "-c",
					 "listen_addresses=127.0.0.1",
					 "-c",
					 "unix_socket_directories=",
					 "-c",
					 connections,
					 "-c",
					 "shared_buffers=1GB",
					 "-c",
					 "fsync=off",
					 "-c",
					 "synchronous_commit=off",
					 "-c",
					 "max_wal_size=4GB",
					 "-c",
					 "autovacuum=off",
					 "-c",
					 "jit=off",
					 "-c",
					 "plan_cache_mode=force_generic_plan",
					 NULL};
	const struct process_plan plan = {
		.name = "postgresql",
		.arguments = arguments,
		.cpus = &setup->server_cpus,
		.user = server_user,
		.stop_signal = SIGQUIT, // at once, with all its processes
	};
	error = process_start(setup->processes, &plan, &peer->pid, fault);
	return error < 0 ? error : process_await(setup->processes, &plan, peer->pid, answers, peer, fault);
}

// ---------------------------------------------------------------- the world

// One COPY. Errors stick.
struct copy {
	PGconn *connection;
	bool has_failed;
	size_t used;
	char buffer[COPY_SIZE];
};

static void flush(struct copy *copy)
{
	if (copy->used > 0 && PQputCopyData(copy->connection, copy->buffer, (int)copy->used) != 1)
		copy->has_failed = true;
	copy->used = 0;
}

static void PRINTF_LIKE(2, 3) add_line(struct copy *copy, const char *format, ...)
{
	if (copy->used > COPY_SIZE - LINE_SIZE_MAX)
		flush(copy);
	va_list arguments;
	va_start(arguments, format);
	copy->used += (size_t)vsnprintf(copy->buffer + copy->used, LINE_SIZE_MAX, format, arguments);
	va_end(arguments);
}

// As COPY reads them: NULL is \N.
static const char *tariff_or_null(uint32_t tariff, char text[WORLD_TEXT_SIZE])
{
	strcpy(text, "\\N");
	if (tariff != WORLD_NONE)
		world_tariff_id(tariff, text);
	return text;
}

static const char *time_or_null(int64_t time, char text[WORLD_TEXT_SIZE])
{
	snprintf(text, WORLD_TEXT_SIZE, "%" PRId64, time);
	return time == 0 ? "\\N" : text;
}

static void copy_group(const struct world *world, uint32_t index, struct copy *copy)
{
	struct world_group facts;
	char id[WORLD_TEXT_SIZE], tariff[WORLD_TEXT_SIZE], prepaid[WORLD_TEXT_SIZE];
	world_get_group(world, index, &facts);
	world_group_id(index, id);
	add_line(copy, "%s\t%s\t%s\t%d\t%d\t%s\n", id, tariff_or_null(facts.tariff, tariff),
		 tariff_or_null(facts.prepaid_tariff, prepaid), facts.open_to_all_customers, facts.open_to_roaming,
		 facts.user_group);
}

static void copy_point(const struct world *world, uint32_t index, struct copy *copy)
{
	struct world_point facts;
	char id[WORLD_TEXT_SIZE], group[WORLD_TEXT_SIZE] = "\\N";
	world_get_point(world, index, &facts);
	world_point_id(index, id);
	if (facts.group != WORLD_NONE)
		world_group_id(facts.group, group);
	add_line(copy, "%s\t%s\n", id, group);
}

static void copy_evse(const struct world *world, uint32_t index, struct copy *copy)
{
	char id[WORLD_TEXT_SIZE], point[WORLD_TEXT_SIZE];
	(void)world;
	world_evse_id(index, id);
	world_point_id(index, point);
	add_line(copy, "%s\t%s\n", id, point);
}

static void copy_customer(const struct world *world, uint32_t index, struct copy *copy)
{
	struct world_customer facts;
	char id[WORLD_TEXT_SIZE];
	world_get_customer(world, index, &facts);
	world_customer_id(index, id);
	add_line(copy, "%s\t%s\t%d\t%d\t%d\n", id, facts.user_group, facts.prepaid, facts.blocked, facts.no_credit);
}

static void copy_token(const struct world *world, uint32_t index, struct copy *copy)
{
	struct world_token facts;
	char uid[WORLD_TEXT_SIZE], issuer[WORLD_TEXT_SIZE] = "", customer[WORLD_TEXT_SIZE] = "\\N";
	char from[WORLD_TEXT_SIZE], until[WORLD_TEXT_SIZE];
	world_get_token(world, index, &facts);
	world_token_uid(world, index, uid);
	if (facts.customer != WORLD_NONE)
		world_customer_id(facts.customer, customer);
	if (facts.issuer != WORLD_NONE)
		snprintf(issuer, sizeof(issuer), "%s*%s", world_issuer_country(facts.issuer),
			 world_issuer_party(facts.issuer));
	add_line(copy, "%s\t%s\t%d\t%s\t%d\t%s\t%s\t%d\t%d\n", uid, issuer, (int)facts.type, customer, facts.blocked,
		 time_or_null(facts.valid_from, from), time_or_null(facts.valid_until, until), facts.roaming_allowed,
		 (int)facts.whitelist);
}

static void copy_members(const struct world *world, uint32_t group, struct copy *copy)
{
	char id[WORLD_TEXT_SIZE];
	world_group_id(group, id);
	for (uint32_t i = 0; i < world_member_count(world, group); i++) {
		char customer[WORLD_TEXT_SIZE], tariff[WORLD_TEXT_SIZE];
		const uint32_t index = world_member(world, group, i);
		world_customer_id(index, customer);
		add_line(copy, "%s\t%s\t%s\n", id, customer,
			 tariff_or_null(world_override(world, group, index), tariff));
	}
}

static const struct table {
	const char *name, *columns, *key;
	void (*copy)(const struct world *world, uint32_t index, struct copy *copy);
} tables[] = {
	{"charge_group",
	 "id text, tariff text, prepaid_tariff text, open_to_all boolean, open_to_roaming boolean, user_group text",
	 "id", copy_group},
	{"charge_point", "id text, group_id text", "id", copy_point},
	{"evse", "id text, point_id text", "id", copy_evse},
	{"customer", "id text, user_group text, prepaid boolean, blocked boolean, no_credit boolean", "id",
	 copy_customer},
	{"token",
	 "uid text, issuer text, type smallint, customer_id text, blocked boolean, valid_from bigint, "
	 "valid_until bigint, roaming boolean, whitelist smallint",
	 "uid, issuer, type", copy_token},
	{"membership", "group_id text, customer_id text, tariff text", "group_id, customer_id", copy_members},
};

static int explain(PGconn *connection, struct fault *fault)
{
	fault_set(fault, STATUS_INTERNAL, NULL, "postgresql: %.200s", PQerrorMessage(connection));
	return -EREMOTEIO;
}

static int execute(PGconn *connection, ExecStatusType expected, struct fault *fault, const char *statement)
{
	PGresult *result = PQexec(connection, statement);
	const bool is_done = PQresultStatus(result) == expected;
	const int error = is_done ? 0 : explain(connection, fault);
	PQclear(result);
	return error;
}

static int end_copy(struct copy *copy, struct fault *fault)
{
	flush(copy);
	bool is_done = PQputCopyEnd(copy->connection, NULL) == 1 && !copy->has_failed;
	PGresult *result;
	while ((result = PQgetResult(copy->connection))) {
		is_done = is_done && PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
	}
	return is_done ? 0 : explain(copy->connection, fault);
}

static int fill_table(const struct table *table, uint32_t count, const struct world *world, struct copy *copy,
		      struct fault *fault)
{
	char statement[512];
	snprintf(statement, sizeof(statement), "CREATE TABLE %s (%s)", table->name, table->columns);
	int error = execute(copy->connection, PGRES_COMMAND_OK, fault, statement);
	snprintf(statement, sizeof(statement), "COPY %s FROM STDIN", table->name);
	if (error == 0)
		error = execute(copy->connection, PGRES_COPY_IN, fault, statement);
	if (error < 0)
		return error;
	for (uint32_t index = 0; index < count && !copy->has_failed; index++)
		table->copy(world, index, copy);
	error = end_copy(copy, fault);
	snprintf(statement, sizeof(statement), "ALTER TABLE %s ADD PRIMARY KEY (%s)", table->name, table->key);
	return error < 0 ? error : execute(copy->connection, PGRES_COMMAND_OK, fault, statement);
}

static int fill_server(const struct world *world, const char *address, struct fault *fault)
{
	const uint32_t counts[ARRAY_SIZE(tables)] = {world->groups,    world->points, world->points,
						     world->customers, world->tokens, world->groups};
	struct copy *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	copy->connection = PQconnectdb(address);
	int error = PQstatus(copy->connection) == CONNECTION_OK ? 0 : explain(copy->connection, fault);
	for (size_t i = 0; i < ARRAY_SIZE(tables) && error == 0; i++)
		error = fill_table(&tables[i], counts[i], world, copy, fault);
	if (error == 0)
		error = execute(copy->connection, PGRES_COMMAND_OK, fault, "VACUUM ANALYZE");
	if (error == 0)
		error = execute(copy->connection, PGRES_COMMAND_OK, fault, "CHECKPOINT");
	PQfinish(copy->connection);
	free(copy);
	return error;
}

// ---------------------------------------------------------------- the peer

static int open_postgres(const struct peer_setup *setup, const char *program, struct peer *peer, struct fault *fault)
{
	const int64_t now = clock_wall_s();
	const struct brief_options options = {
		.world = setup->world,
		.mix = setup->mix,
		.seed = setup->seed,
		.count = setup->requests,
		.encode = postgres_encode,
		.context = &now,
	};
	int error = start(setup, program, peer, fault);
	if (error == 0)
		error = fill_server(setup->world, peer->address, fault);
	if (error < 0)
		return error;
	error = brief_requests_create(&options, &peer->requests);
	if (error < 0)
		fault_set(fault, STATUS_INTERNAL, NULL, "preparing requests: %s", strerror(-error));
	peer->protocol = protocol_postgres;
	peer->protocol.is_right = brief_is_right;
	return error;
}

static void close_postgres(struct peer *peer)
{
	brief_requests_destroy(&peer->requests);
}

const struct peer_class peer_class_postgres = {
	.name = "postgres",
	.what = "PostgreSQL, the same decision in a prepared statement",
	.package = "postgresql",
	.program = "postgres",
	.pattern = "/usr/lib/postgresql/*/bin/postgres",
	.open = open_postgres,
	.close = close_postgres,
	.explain_wrong = brief_explain_wrong,
};
