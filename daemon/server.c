// SPDX-License-Identifier: Apache-2.0
#include "daemon/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "daemon/net/listener.h"
#include "daemon/notify/notifier.h"
#include "daemon/options_redis.h"
#include "daemon/rpc/lister.h"
#include "daemon/rpc/restores.h"
#include "daemon/rpc/snapshots.h"
#include "daemon/rpc/worker.h"
#include "daemon/server_access.h"
#include "daemon/server_admin.h"
#include "daemon/server_denials.h"
#include "daemon/server_feed.h"
#include "daemon/server_listen.h"
#include "daemon/server_notify.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	WORKERS_MAX = 64,
	FILES_RESERVE = 256, // descriptors for everything but connections
	// The lister and the notifier have a reader of the store and one of the log. Snapshots that were cancelled end
	// a little later.
	READERS_MAX = WORKERS_MAX + 1 + 4 + 4 * SNAPSHOTS_MAX,
	STOP_GRACE_MS = 5000, // after drain-timeout, for what cannot be cut: the writer's commit
	JOIN_SLICE_MS = 200,
	LOADING_QUIET_MS = 1000, // a load that takes longer says how far it is
};

// Parts in the order they are started; what is NULL or 0 is not there.
struct server {
	int argc;
	char **argv;
	struct options options;
	int signals;     // signalfd
	int fatal_event; // eventfd, written when the store failed
	_Atomic int fatal_error;
	struct service service;
	// Those of service.workers_count, and behind them the one for writes.
	struct worker *workers[WORKERS_MAX + 1];
	uint32_t workers_count;
	struct watchdog *watchdog;
	struct server_figures_parts figures; // once there are workers
	struct server_admin *admin;          // NULL: no HTTP
	struct server_feed *feed;            // NULL: no Redis
	struct server_denials *denials;
	struct server_addresses addresses;
	uint64_t unix_inode;  // of the socket file we made, 0: none
	uint32_t next_worker; // for connections that worker 0 accepts for all; its thread
	pthread_t threads[WORKERS_MAX + 1];
	uint32_t threads_count;
	uint64_t refused_seen, handshakes_displaced_seen;
	uint64_t loading_since_ms;
	uint64_t loading_said_ms;
};

// ---------------------------------------------------------------- settings

int server_check(const struct options *options, struct options_error *error)
{
	struct server_addresses addresses;
	struct redis_settings redis;
	int result = redis_settings_init(&redis, options, error);
	if (result != 0)
		return result;
	redis_settings_finish(&redis);
	result = server_denials_check(options, error);
	if (result == 0)
		result = server_access_check(options, error);
	return result ? result : server_addresses_resolve(options, &addresses, error);
}

// A core dump holds uids. Whoever may can raise the limit again: prlimit(1).
static void forbid_core_dumps(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		return;
	limit.rlim_cur = 0;
	(void)setrlimit(RLIMIT_CORE, &limit);
}

// As many connections as there can be descriptors for.
static uint32_t fit_connections(uint64_t wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return (uint32_t)wanted;
	const rlim_t needed = wanted + FILES_RESERVE;
	if (limit.rlim_cur < needed) {
		limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= needed)
		return (uint32_t)wanted;
	const uint64_t fits = limit.rlim_cur > 2 * FILES_RESERVE ? limit.rlim_cur - FILES_RESERVE : limit.rlim_cur / 2;
	log_warning("max_connections", "max-connections is %llu, but the limit of open files (%llu) allows %llu",
		    (unsigned long long)wanted, (unsigned long long)limit.rlim_cur, (unsigned long long)fits);
	return (uint32_t)fits;
}

static void use_settings(struct server *server)
{
	const struct options *options = &server->options;
	struct service *service = &server->service;
	log_set_level(options->log_level);
	log_set_format(strcmp(options->log_format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
	atomic_store(&service->limits.connections_max, fit_connections(options->max_connections));
	atomic_store(&service->limits.inflight_bytes_max, (uint32_t)options->inflight_bytes_max);
	atomic_store(&service->limits.idle_timeout_ms, (uint32_t)options->idle_timeout_ms);
	atomic_store(&service->limits.frame_timeout_ms, (uint32_t)options->frame_timeout_ms);
	atomic_store(&service->limits.write_timeout_ms, (uint32_t)options->write_timeout_ms);
	atomic_store(&service->limits.handshakes_max, (uint32_t)options->tls_handshakes_max);
	atomic_store(&service->limits.handshake_timeout_ms, (uint32_t)options->tls_handshake_timeout_ms);
	atomic_store(&service->limits.client_inflight_bytes_max, options->client_inflight_bytes_max);
	atomic_store(&service->budgets.connections_max, (uint32_t)options->client_connections_max);
	bucket_rate_set(&service->budgets.requests, options->client_requests_per_second,
			options->client_requests_burst);
	bucket_rate_set(&service->budgets.unknown_tokens, options->client_unknown_tokens_per_second,
			options->client_unknown_tokens_burst);
	atomic_store(&service->min_revision_wait_ms, (uint32_t)options->min_revision_wait_ms);
	atomic_store(&service->snapshot_timeout_ms, (uint32_t)options->snapshot_timeout_ms);
}

static int use_access(struct server *server)
{
	struct options_error error;
	const int result = server_access_use(&server->options, &server->service, &error);
	if (result != 0)
		log_error("access", "%s", error.message);
	return result;
}

static int reload_access(struct server *server)
{
	struct options_error error;
	const int result = server_access_reload(&server->options, &server->service, &error);
	if (result != 0)
		log_error("access", "%s; who may do what stays as it is", error.message);
	for (uint32_t i = 0; i < server->workers_count; i++)
		worker_look_at_access(server->workers[i]);
	return result;
}

static int use_denials(struct server *server)
{
	struct options_error error = {.message = "out of memory"};
	int result = server->denials ? 0 : server_denials_create(&server->service, &server->denials);
	if (result == 0)
		result = server_denials_use(server->denials, &server->options, &error);
	if (result != 0)
		log_error("options", "%s", error.message);
	return result;
}

// A file that is wrong changes nothing.
static void reload(struct server *server)
{
	struct options_error error;
	char restart[512];
	struct options *options = malloc(sizeof(*options));
	if (options == NULL)
		return;
	notify_reloading();
	if (options_load(server->argc, server->argv, options, &error) != 0 || server_check(options, &error) != 0) {
		log_error("reload_refused", "%s; the settings stay as they are", error.message);
	} else {
		options_reload(&server->options, options, restart, sizeof(restart));
		use_settings(server);
		const bool has_access = reload_access(server) == 0, has_denials = use_denials(server) == 0;
		if (has_access && has_denials)
			log_info("reloaded", "%s%s",
				 restart[0] ? "after a restart only: " : "the settings are in force", restart);
	}
	free(options);
	notify_ready("Serving");
}

// ---------------------------------------------------------------- store

static void on_load_progress(void *context, uint64_t done, uint64_t total)
{
	struct server *server = context;
	const uint64_t now = clock_monotonic_ms();
	server_admin_set_load(server->admin, done, total);
	if (now - server->loading_since_ms < LOADING_QUIET_MS || now - server->loading_said_ms < LOADING_QUIET_MS)
		return;
	server->loading_said_ms = now;
	notify_loading(done, total);
	log_info("loading", "%llu of %llu records", (unsigned long long)done, (unsigned long long)total);
}

// On the writer's thread. Nothing more is acknowledged; the main thread stops the rest.
static void on_store_fatal(void *context, int error)
{
	struct server *server = context;
	const uint64_t one = 1;
	atomic_store(&server->fatal_error, error);
	const ssize_t written = write(server->fatal_event, &one, sizeof(one));
	ASSERT(written == sizeof(one));
}

static int open_store(struct server *server)
{
	const struct options *options = &server->options;
	const struct store_options store_options = {
		.directory = options->store,
		.map_size = options->map_size,
		.readers_max = READERS_MAX,
		.queue_max = (uint32_t)options->queue_max,
		.log_entries_max = options->log_entries,
		.log_bytes_max = options->log_bytes,
		.log_age_max_s = (int64_t)(options->log_age_ms / 1000),
		.on_progress = on_load_progress,
		.on_fatal = on_store_fatal,
		.context = server,
	};
	struct fault fault = {0};
	server->loading_since_ms = clock_monotonic_ms();
	const int result = store_open(&store_options, &server->service.store, &fault);
	if (result != 0)
		log_error("store", "%s", fault.message[0] ? fault.message : strerror(-result));
	return result;
}

static int create_feed(struct server *server)
{
	struct options_error error;
	const int result = server_feed_create(&server->options, &server->service, &server->feed, &error);
	if (result != 0)
		log_error("redis", "%s", error.message);
	return result;
}

// ---------------------------------------------------------------- workers and listeners

static uint32_t count_cores(void)
{
	cpu_set_t cores;
	const int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
	return count < WORKERS_MAX ? (uint32_t)count : WORKERS_MAX;
}

static int create_workers(struct server *server)
{
	struct service *service = &server->service;
	service->frame_size_max = (uint32_t)server->options.frame_size_max;
	service->queue_max = (uint32_t)server->options.queue_max;
	service->workers_count = server->options.workers ? (uint32_t)server->options.workers : count_cores();
	service->started_at = clock_wall_s();
	int result = clients_create(&service->budgets, service->workers_count + 1, &service->clients);
	if (result == 0)
		result = lister_create(service, &service->lister);
	if (result == 0)
		result = notifier_create(service->store, service->frame_size_max, &service->notifier);
	if (result == 0)
		result = snapshots_create(service->store, &service->snapshots);
	if (result == 0)
		result = restores_create(service, &service->restores);
	while (result == 0 && server->workers_count < service->workers_count + 1) {
		result = worker_create(service, &server->workers[server->workers_count]);
		server->workers_count += result == 0;
	}
	if (result == 0)
		worker_take_writes(server->workers[service->workers_count]);
	if (result == 0)
		result = watchdog_create(service->store, server->workers, server->workers_count, &server->watchdog);
	if (result != 0)
		log_error("start", "cannot start the workers: %s", strerror(-result));
	server->figures = (struct server_figures_parts){
		.service = service,
		.workers = server->workers,
		.workers_count = server->workers_count,
		.watchdog = server->watchdog,
		.started_ms = clock_monotonic_ms(),
	};
	service->figures = (struct service_figures){.context = &server->figures, .get = server_figures_answer};
	return result;
}

// On the thread of worker 0, which accepts for all.
static void on_accept_for_all(void *context, int fd)
{
	struct server *server = context;
	worker_take_connection(server->workers[server->next_worker], fd);
	server->next_worker = (server->next_worker + 1) % server->service.workers_count;
}

// One socket for all workers: a Unix socket, or one the service manager made.
static int listen_for_all(struct server *server, int fd)
{
	const struct listener_handler handler = {.on_accept = on_accept_for_all, .context = server};
	return worker_listen(server->workers[0], fd, &handler);
}

static int listen_tcp(struct server *server, struct address *address, int inherited_fd, bool is_tls)
{
	int result = 0;
	// Of TLS worker 0 keeps them all: handing one over is for plain connections.
	if (inherited_fd >= 0)
		return is_tls ? worker_listen_tls(server->workers[0], inherited_fd)
			      : listen_for_all(server, inherited_fd);
	for (uint32_t i = 0; i < server->service.workers_count && result == 0; i++) {
		int fd;
		result = listener_bind_tcp(address, i == 0, &fd);
		if (result == 0)
			result = is_tls ? worker_listen_tls(server->workers[i], fd)
					: worker_listen(server->workers[i], fd, NULL);
	}
	return result;
}

static int listen_unix(struct server *server)
{
	int fd = server->addresses.unix_fd, result = 0;
	if (fd < 0)
		result = listener_bind_unix(server->addresses.unix_path, &fd, &server->unix_inode);
	return result ? result : listen_for_all(server, fd);
}

static int refuse_listen(const char *where, int error)
{
	const char *hint = error == -EADDRINUSE ? ": is another evauthd running? Stop it, or choose another address"
			   : error == -EEXIST   ? ": the file there is not a socket; remove it or choose another path"
						: "";
	log_error("listen", "cannot listen on %s: %s%s", where, strerror(-error), hint);
	return error;
}

static int start_listening(struct server *server)
{
	struct server_addresses *addresses = &server->addresses;
	char text[ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < addresses->tcp_count; i++) {
		const int result = listen_tcp(server, &addresses->tcp[i], addresses->tcp_fds[i], addresses->is_tls[i]);
		address_format(&addresses->tcp[i], text);
		if (result != 0)
			return refuse_listen(text, result);
	}
	const int result = addresses->unix_path[0] != '\0' ? listen_unix(server) : 0;
	return result ? refuse_listen(addresses->unix_path, result) : 0;
}

// Before the store is opened: who asks hears that it is being loaded.
static int start_admin(struct server *server)
{
	char where[ADDRESS_TEXT_MAX] = "";
	const int result = server_admin_create(&server->addresses, &server->admin, where);
	return result ? refuse_listen(where, result) : 0;
}

static void *run_worker(void *worker)
{
	worker_run(worker);
	return NULL;
}

static int start_threads(struct server *server)
{
	while (server->threads_count < server->workers_count) {
		char name[16]; // with its NUL, the longest name Linux takes
		const uint32_t i = server->threads_count;
		if (i < server->service.workers_count)
			snprintf(name, sizeof(name), "worker-%hu", (unsigned short)i);
		else
			snprintf(name, sizeof(name), "worker-writes");
		const int error = thread_start(&server->threads[i], name, run_worker, server->workers[i]);
		if (error != 0) {
			log_error("start", "cannot start a thread: %s", strerror(-error));
			return error;
		}
		server->threads_count++;
	}
	return 0;
}

// ---------------------------------------------------------------- start, serve, stop

// Blocked in all threads, read by the main thread alone.
static int take_signals(struct server *server)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	server->fatal_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return server->signals < 0 || server->fatal_event < 0 ? -errno : 0;
}

static int announce(struct server *server)
{
	char text[OPTIONS_TEXT_MAX + SERVER_ADDRESSES_MAX * ADDRESS_TEXT_MAX];
	const char *port_file = server->options.port_file;
	struct store_status status;
	const int result = port_file[0] ? server_addresses_write(&server->addresses, port_file) : 0;
	if (result != 0) {
		log_error("port_file", "cannot write %s: %s", port_file, strerror(-result));
		return result;
	}
	store_get_status(server->service.store, &status);
	server_addresses_format(&server->addresses, text, sizeof(text));
	log_info("ready", "evauthd %s serves %s from %s: revision %llu, %u workers", EVAUTH_VERSION, text,
		 server->options.store, (unsigned long long)status.revision, server->service.workers_count);
	notify_ready("Serving");
	return 0;
}

static int start(struct server *server)
{
	struct options_error error;
	int result = server_addresses_resolve(&server->options, &server->addresses, &error);
	if (result == 0)
		result = server_addresses_inherit(&server->options, &server->addresses, &error);
	if (result != 0) {
		log_error("options", "%s", error.message);
		return result;
	}
	result = take_signals(server);
	if (result == 0)
		result = use_access(server);
	if (result == 0)
		result = use_denials(server);
	if (result == 0)
		result = start_admin(server);
	if (result == 0)
		result = open_store(server);
	if (result == 0)
		result = create_feed(server);
	if (result == 0)
		result = create_workers(server);
	if (result == 0)
		result = start_listening(server);
	if (result == 0)
		result = start_threads(server);
	if (result == 0)
		result = server_feed_start(server->feed);
	if (result != 0)
		return result;
	server_admin_serving(server->admin, &server->figures);
	return announce(server);
}

static void look_around(struct server *server)
{
	const uint64_t refused = atomic_load(&server->service.limits.refused);
	watchdog_look(server->watchdog);
	if (refused != server->refused_seen)
		log_warning("connections_refused", "%llu since the last such line: max-connections (%u) are open",
			    (unsigned long long)(refused - server->refused_seen),
			    atomic_load(&server->service.limits.connections_max));
	server->refused_seen = refused;
	const uint64_t displaced = atomic_load(&server->service.limits.handshakes_displaced);
	if (displaced != server->handshakes_displaced_seen)
		log_warning("handshakes_displaced",
			    "%llu made room for others since the last such line: tls-handshakes-max (%u) are under way",
			    (unsigned long long)(displaced - server->handshakes_displaced_seen),
			    atomic_load(&server->service.limits.handshakes_max));
	server->handshakes_displaced_seen = displaced;
}

// The next signal, 0: none.
static int next_signal(const struct server *server)
{
	struct signalfd_siginfo info;
	return read(server->signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

// Everything is logged, or what the settings say: of a daemon whose settings nobody can or wants to touch.
static void change_log_level(const struct server *server, bool is_all)
{
	log_set_level(LOG_LEVEL_INFO); // so that this is said either way
	log_info("log_level", "%s",
		 is_all ? "debug, until SIGUSR2 or SIGHUP" : log_level_name(server->options.log_level));
	log_set_level(is_all ? LOG_LEVEL_DEBUG : server->options.log_level);
}

// A signal that does not end it.
static void obey(struct server *server, int number)
{
	if (number == SIGHUP)
		reload(server);
	else
		change_log_level(server, number == SIGUSR1);
}

// Until it is time to stop.
static void serve(struct server *server)
{
	struct pollfd events[] = {{.fd = server->signals, .events = POLLIN},
				  {.fd = server->fatal_event, .events = POLLIN}};
	const uint32_t period_ms = watchdog_period_ms(server->watchdog);
	uint64_t next_look_ms = 0;
	while (atomic_load(&server->fatal_error) == 0) {
		const uint64_t now = clock_monotonic_ms();
		if (now >= next_look_ms) {
			look_around(server);
			next_look_ms = now + period_ms;
		}
		(void)poll(events, ARRAY_SIZE(events),
			   (int)(next_look_ms - now < period_ms ? next_look_ms - now : period_ms));
		const int number = next_signal(server);
		if (number == SIGTERM || number == SIGINT)
			return;
		if (number != 0)
			obey(server, number);
	}
	log_error("store_failed",
		  "a commit failed for good: %s; stopping. Nothing was acknowledged that is not on disk",
		  strerror(-atomic_load(&server->fatal_error)));
}

// Within JOIN_SLICE_MS, by the wall clock: the thread sanitizer knows no join by the monotonic one.
static bool has_ended(pthread_t thread)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += JOIN_SLICE_MS * 1000000L;
	deadline.tv_sec += deadline.tv_nsec / 1000000000L;
	deadline.tv_nsec %= 1000000000L;
	return pthread_timedjoin_np(thread, NULL, &deadline) == 0;
}

// A worker that does not come back (a disk that hangs under the writer) must not keep the process for ever; a wall
// clock that is set meanwhile must not end it.
static void join_workers(struct server *server, uint64_t timeout_ms)
{
	const uint64_t deadline_ms = clock_monotonic_ms() + timeout_ms + STOP_GRACE_MS;
	while (server->threads_count > 0) {
		if (has_ended(server->threads[server->threads_count - 1])) {
			server->threads_count--;
		} else if (clock_monotonic_ms() >= deadline_ms) {
			log_error("stop_forced", "a worker did not end in time; what it had not answered is lost");
			_exit(EXIT_FAILURE);
		}
	}
}

// The exact reverse of start(). Applies that were accepted are answered before their workers end.
static void stop(struct server *server)
{
	struct service *service = &server->service;
	const uint64_t timeout_ms = server->options.drain_timeout_ms;
	notify_stopping();
	server_admin_stopping(server->admin);
	atomic_store(&service->stopping, true);
	if (service->notifier != NULL)
		notifier_stop(service->notifier);
	// The first one accepts for all (Unix socket, sockets of the service manager): the others stop behind it.
	if (server->threads_count > 0)
		worker_stop(server->workers[0], (uint32_t)timeout_ms, server->workers + 1, server->threads_count - 1);
	server_feed_drain(server->feed, timeout_ms - timeout_ms / 4); // the workers still have to send the answers
	join_workers(server, timeout_ms);
	server_admin_stopped(server->admin);
	server_feed_stop(server->feed);
	if (server->unix_inode != 0)
		listener_unlink_unix(server->addresses.unix_path, server->unix_inode);
	while (server->workers_count > 0)
		worker_destroy(server->workers[--server->workers_count]);
	restores_destroy(service->restores);
	snapshots_destroy(service->snapshots);
	notifier_destroy(service->notifier);
	lister_destroy(service->lister);
	clients_destroy(service->clients);
	server_feed_destroy(server->feed);
	store_close(service->store);
	server_access_finish(service);
	watchdog_destroy(server->watchdog);
	server_denials_destroy(server->denials);
	server_admin_destroy(server->admin);
	if (server->fatal_event >= 0)
		close(server->fatal_event);
	if (server->signals >= 0)
		close(server->signals);
}

int server_run(int argc, char **argv, const struct options *options)
{
	struct server *server = calloc(1, sizeof(*server));
	if (server == NULL)
		return EXIT_FAILURE;
	server->argc = argc;
	server->argv = argv;
	server->options = *options;
	server->signals = server->fatal_event = -1;
	forbid_core_dumps();
	use_settings(server);
	const int result = start(server);
	if (result == 0) {
		serve(server);
		log_info("stopping", "answering what was accepted");
	}
	stop(server);
	const bool has_failed = result != 0 || atomic_load(&server->fatal_error) != 0;
	if (!has_failed)
		log_info("stopped", "good bye");
	free(server);
	return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
