// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/admin.h"

#include "daemon/admin/metrics.h"
#include "daemon/admin/readiness.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	REQUEST_MEMORY_MAX = 16 * 1024, // of a request's head
	ARENA_CHUNK = 4 * 1024,
	ARENA_BUDGET = 64 * 1024,
};

struct admin {
	struct MHD_Daemon *listeners[ADMIN_LISTENERS_MAX];
	size_t listeners_count;
	_Atomic uint64_t load_done, load_total;
	pthread_mutex_t lock; // of what follows; held while the source is asked
	enum figures_phase phase;
	struct admin_source source;
	struct arena arena;
	struct figures figures;
};

// ---------------------------------------------------------------- the pages

static unsigned write_metrics(const struct figures *figures, struct text *text)
{
	metrics_write(figures, text);
	return MHD_HTTP_OK;
}

static unsigned write_health(const struct figures *figures, struct text *text)
{
	return health_write(figures, text) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned write_ready(const struct figures *figures, struct text *text)
{
	return readiness_write(figures, text) ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static const struct page {
	const char *path;
	const char *type;
	unsigned (*write)(const struct figures *figures, struct text *text); // gives the status
} pages[] = {
	{"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
	{"/health", "application/json", write_health},
	{"/ready", "application/json", write_ready},
};

static const struct page *find_page(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	}
	return NULL;
}

// With the lock.
static int collect(struct admin *admin)
{
	admin->figures = (struct figures){
		.phase = admin->phase,
		.load_done = atomic_load(&admin->load_done),
		.load_total = atomic_load(&admin->load_total),
	};
	arena_reset(&admin->arena);
	return admin->source.collect ? admin->source.collect(admin->source.context, &admin->arena, &admin->figures) : 0;
}

static unsigned write_page(struct admin *admin, const struct page *page, struct text *text)
{
	pthread_mutex_lock(&admin->lock);
	const int result = collect(admin);
	const unsigned status = result == 0 ? page->write(&admin->figures, text) : MHD_HTTP_INTERNAL_SERVER_ERROR;
	pthread_mutex_unlock(&admin->lock);
	return text->has_failed ? MHD_HTTP_INTERNAL_SERVER_ERROR : status;
}

// ---------------------------------------------------------------- HTTP

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, struct text *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(text->size, text->data, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		text_finish(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	const enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
				  const char *method, const char *version, const char *body, size_t *body_size,
				  void **state)
{
	(void)version;
	(void)body;
	// Called first when the head is there, then for each piece of a body, which is thrown away, then once more.
	if (*state == NULL || *body_size > 0) {
		*state = context;
		*body_size = 0;
		return MHD_YES;
	}
	const struct page *page = find_page(path);
	const bool is_read = strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	unsigned status = MHD_HTTP_NOT_FOUND;
	struct text text = {0};
	if (page != NULL && is_read) {
		status = write_page(context, page, &text);
		return answer(connection, status, page->type, &text);
	}
	if (page != NULL)
		status = MHD_HTTP_METHOD_NOT_ALLOWED;
	text_add(&text, page ? "only GET and HEAD\n" : "there are /metrics, /health and /ready\n");
	return answer(connection, status, "text/plain; charset=utf-8", &text);
}

// What a peer does wrong is not worth a line of log.
static void ignore(void *context, const char *format, va_list arguments)
{
	(void)context;
	(void)format;
	(void)arguments;
}

int admin_listen(struct admin *admin, int fd)
{
	ASSERT(admin->listeners_count < ADMIN_LISTENERS_MAX);
	struct MHD_Daemon *listener = MHD_start_daemon(
		MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, admin,
		MHD_OPTION_EXTERNAL_LOGGER, ignore, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)ADMIN_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ADMIN_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_MEMORY_MAX, MHD_OPTION_END);
	if (listener == NULL) {
		const int error = errno;
		close(fd);
		return error ? -error : -EIO;
	}
	admin->listeners[admin->listeners_count++] = listener;
	return 0;
}

// ---------------------------------------------------------------- life

int admin_create(struct admin **ret_admin)
{
	struct admin *admin = calloc(1, sizeof(*admin));
	if (admin == NULL)
		return -ENOMEM;
	pthread_mutex_init(&admin->lock, NULL);
	arena_init(&admin->arena, ARENA_CHUNK, ARENA_BUDGET);
	*ret_admin = admin;
	return 0;
}

void admin_set_load(struct admin *admin, uint64_t done, uint64_t total)
{
	if (admin == NULL)
		return;
	atomic_store(&admin->load_done, done);
	atomic_store(&admin->load_total, total);
}

void admin_set_phase(struct admin *admin, enum figures_phase phase, const struct admin_source *source)
{
	if (admin == NULL)
		return;
	pthread_mutex_lock(&admin->lock);
	admin->phase = phase;
	admin->source = source ? *source : (struct admin_source){0};
	pthread_mutex_unlock(&admin->lock);
}

void admin_destroy(struct admin *admin)
{
	if (admin == NULL)
		return;
	while (admin->listeners_count > 0)
		MHD_stop_daemon(admin->listeners[--admin->listeners_count]);
	arena_finish(&admin->arena);
	pthread_mutex_destroy(&admin->lock);
	free(admin);
}
