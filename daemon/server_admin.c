// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_admin.h"

#include "daemon/admin/admin.h"
#include "daemon/net/listener.h"
#include "daemon/rpc/worker.h"
#include "daemon/server_notify.h"

#include <errno.h>
#include <stdlib.h>

struct server_admin {
	struct admin *admin;
	struct server_figures_parts parts; // zero: never served
};

static int collect(void *context, struct arena *arena, struct figures *figures)
{
	const struct server_admin *admin = context;
	return server_figures_collect(&admin->parts, arena, figures);
}

// ---------------------------------------------------------------- life

static int listen_on(struct server_admin *admin, struct address *address)
{
	int fd;
	const int result = listener_bind_tcp(address, true, &fd);
	return result ? result : admin_listen(admin->admin, fd);
}

int server_admin_create(struct server_addresses *addresses, struct server_admin **ret_admin,
			char where[ADDRESS_TEXT_MAX])
{
	*ret_admin = NULL;
	if (addresses->http_count == 0)
		return 0;
	struct server_admin *admin = calloc(1, sizeof(*admin));
	if (admin == NULL)
		return -ENOMEM;
	int result = admin_create(&admin->admin);
	for (size_t i = 0; i < addresses->http_count && result == 0; i++) {
		address_format(&addresses->http[i], where);
		result = listen_on(admin, &addresses->http[i]);
	}
	if (result != 0)
		server_admin_destroy(admin);
	else
		*ret_admin = admin;
	return result;
}

void server_admin_set_load(struct server_admin *admin, uint64_t done, uint64_t total)
{
	if (admin != NULL)
		admin_set_load(admin->admin, done, total);
}

static void set_phase(struct server_admin *admin, enum figures_phase phase)
{
	const struct admin_source source = {.collect = collect, .context = admin};
	admin_set_phase(admin->admin, phase, &source);
}

void server_admin_serving(struct server_admin *admin, const struct server_figures_parts *parts)
{
	if (admin == NULL)
		return;
	watchdog_watch_writer(parts->watchdog);
	admin->parts = *parts;
	set_phase(admin, FIGURES_SERVING);
}

void server_admin_stopping(struct server_admin *admin)
{
	if (admin != NULL && admin->parts.service != NULL)
		set_phase(admin, FIGURES_STOPPING);
}

void server_admin_stopped(struct server_admin *admin)
{
	if (admin != NULL)
		admin_set_phase(admin->admin, FIGURES_STOPPED, NULL);
}

void server_admin_destroy(struct server_admin *admin)
{
	if (admin == NULL)
		return;
	admin_destroy(admin->admin);
	free(admin);
}
