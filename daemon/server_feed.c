// SPDX-License-Identifier: Apache-2.0
#include "daemon/server_feed.h"

#include "daemon/feed/feed.h"
#include "daemon/options_redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct server_feed {
	struct feed *feed;
	struct redis_settings redis; // its TLS context is used as long as the feed is there
};

// ---------------------------------------------------------------- hooks

static int submit(void *context, struct store_job *job)
{
	return feed_submit(context, job);
}

static int get_replication(void *context, struct arena *arena, struct replication *ret_replication)
{
	return feed_get_replication(context, arena, ret_replication);
}

static int adopt(void *context, const struct id128 *epoch,
		 void (*done)(void *done_context, int result, const struct store_position *position,
			      const struct fault *fault),
		 void *done_context)
{
	return feed_adopt(context, epoch, done, done_context);
}

static void on_restored(void *context)
{
	feed_look_again(context);
}

static void set_hooks(struct service *service, struct feed *feed)
{
	service->feed.context = feed;
	service->feed.submit = submit;
	service->feed.get_replication = get_replication;
	service->feed.adopt = adopt;
	service->feed.on_restored = on_restored;
}

// ---------------------------------------------------------------- life

static int create_feed(struct server_feed *server_feed, const struct options *options, struct service *service)
{
	const char *peers[OPTIONS_PEERS_MAX];
	static_assert((int)OPTIONS_PEERS_MAX <= (int)FEED_PEERS_MAX, "all are taken");
	for (size_t i = 0; i < options->peers.count; i++)
		peers[i] = options->peers.items[i];
	const struct feed_options feed_options = {
		.store = service->store,
		.redis = &server_feed->redis.url,
		.tls = server_feed->redis.tls,
		.peers = peers,
		.peers_count = options->peers.count,
		.peer_ca_file = options->peer_ca_file,
		.peer_cert_file = options->peer_cert_file,
		.peer_key_file = options->peer_key_file,
		.log_entries_max = options->redis_log_max,
		.wait_replicas = (uint32_t)options->redis_wait_replicas,
		.timeout_ms = (uint32_t)options->redis_timeout_ms,
		.stale_ms = (uint32_t)options->redis_stale_ms,
		.sets_max = (uint32_t)options->queue_max,
		.is_stale = &service->feed.is_stale,
	};
	const int result = feed_create(&feed_options, &server_feed->feed);
	if (result == 0)
		set_hooks(service, server_feed->feed);
	return result;
}

int server_feed_create(const struct options *options, struct service *service, struct server_feed **ret_feed,
		       struct options_error *error)
{
	*ret_feed = NULL;
	if (options->redis[0] == '\0')
		return 0;
	struct server_feed *server_feed = calloc(1, sizeof(*server_feed));
	if (server_feed == NULL) {
		snprintf(error->message, sizeof(error->message), "out of memory");
		return -ENOMEM;
	}
	int result = redis_settings_init(&server_feed->redis, options, error);
	if (result == 0) {
		result = create_feed(server_feed, options, service);
		if (result != 0)
			snprintf(error->message, sizeof(error->message), "cannot make the feed of Redis: %s",
				 strerror(-result));
	}
	if (result != 0) {
		server_feed_destroy(server_feed);
		return result;
	}
	*ret_feed = server_feed;
	return 0;
}

int server_feed_start(struct server_feed *feed)
{
	return feed == NULL ? 0 : feed_start(feed->feed);
}

void server_feed_drain(struct server_feed *feed, uint64_t timeout_ms)
{
	if (feed != NULL)
		feed_drain(feed->feed, timeout_ms);
}

void server_feed_stop(struct server_feed *feed)
{
	if (feed != NULL)
		feed_stop(feed->feed);
}

void server_feed_destroy(struct server_feed *feed)
{
	if (feed == NULL)
		return;
	feed_destroy(feed->feed);
	redis_settings_finish(&feed->redis);
	free(feed);
}
