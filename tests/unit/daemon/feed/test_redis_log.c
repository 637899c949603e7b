// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_log.h"
#include "tests/unit/daemon/feed/redis_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// What the last callback was told.
struct told {
	struct redis_server server;
	struct redis_client client;
	struct redis_log *log;
	int calls;
	int error;
	char text[REDIS_ERROR_TEXT_SIZE];
	struct redis_log_head head;
	struct redis_log_written written;
	size_t entries_count;
	struct redis_log_entry entries[REDIS_LOG_RANGE_MAX];
	char bodies[REDIS_LOG_RANGE_MAX][32];
};

static void take_error(struct told *told, const struct redis_error *error)
{
	told->calls++;
	told->error = error ? error->code : 0;
	snprintf(told->text, sizeof(told->text), "%s", error ? error->text : "");
}

static void on_head(void *context, const struct redis_error *error, const struct redis_log_head *head)
{
	struct told *told = context;
	take_error(told, error);
	if (head != NULL)
		told->head = *head;
}

static void on_written(void *context, const struct redis_error *error, const struct redis_log_written *written)
{
	struct told *told = context;
	take_error(told, error);
	if (written != NULL)
		told->written = *written;
}

static void on_range(void *context, const struct redis_error *error, const struct redis_log_entry *entries,
		     size_t count)
{
	struct told *told = context;
	take_error(told, error);
	told->entries_count = count;
	for (size_t i = 0; i < count; i++) {
		told->entries[i] = entries[i];
		snprintf(told->bodies[i], sizeof(told->bodies[i]), "%.*s", BYTES_ARG(entries[i].body));
	}
}

static struct id128 id_of(uint8_t number)
{
	return (struct id128){{number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
}

enum { EPOCH = 100 };

// Entry of revision n: nonce n, made to follow nonce n - 1.
static struct redis_log_entry entry_of(uint64_t revision)
{
	return (struct redis_log_entry){
		.revision = revision,
		.epoch = id_of(EPOCH),
		.nonce = id_of((uint8_t)revision),
		.prev = id_of((uint8_t)(revision - 1)),
		.time = 1700000000 + (int64_t)revision,
		.origin = BYTES_LITERAL("here"),
		.body = BYTES_LITERAL("body \0 of it"),
	};
}

static struct redis_log_entry base_of(uint64_t revision)
{
	struct redis_log_entry base = entry_of(revision);
	base.is_base = true;
	base.body = (struct bytes){0};
	base.prev = (struct id128){{0}};
	return base;
}

static void open_log(struct told *told, const struct redis_log_settings *settings)
{
	redis_client_open_socket(&told->client, &told->server);
	ck_assert_int_eq(redis_log_create(told->client.connection, settings, &told->log), 0);
}

static void start_with(struct told *told, const struct redis_log_settings *settings)
{
	memset(told, 0, sizeof(*told));
	redis_server_start(&told->server, NULL);
	open_log(told, settings);
}

static void start(struct told *told)
{
	start_with(told, &(struct redis_log_settings){.entries_max = 1000});
}

static void stop(struct told *told)
{
	redis_client_close(&told->client);
	redis_log_destroy(told->log);
	redis_server_stop(&told->server);
}

static void await(struct told *told, int result)
{
	ck_assert_int_eq(result, 0);
	run_until_count(told->client.loop, &told->calls, told->calls + 1);
}

static bool append(struct told *told, const struct redis_log_entry *entry)
{
	await(told, redis_log_append(told->log, entry, on_written, told));
	ck_assert_msg(told->error == 0, "%s", told->text);
	return told->written.is_written;
}

static bool begin(struct told *told, const struct redis_log_entry *entry, const struct redis_log_entry *expected)
{
	await(told, redis_log_begin(told->log, entry, expected, on_written, told));
	ck_assert_msg(told->error == 0, "%s", told->text);
	return told->written.is_written;
}

static void fill(struct told *told, uint64_t first, uint64_t last)
{
	const struct redis_log_entry base = base_of(first);
	ck_assert(begin(told, &base, NULL));
	for (uint64_t revision = first + 1; revision <= last; revision++) {
		const struct redis_log_entry entry = entry_of(revision);
		ck_assert(append(told, &entry));
	}
}

static void read_head(struct told *told, uint64_t revision)
{
	await(told, redis_log_read_head(told->log, revision, on_head, told));
}

static void assert_same(const struct redis_log_entry *a, const struct redis_log_entry *b)
{
	ck_assert_uint_eq(a->revision, b->revision);
	ck_assert(id128_equal(&a->epoch, &b->epoch));
	ck_assert(id128_equal(&a->nonce, &b->nonce));
	ck_assert(id128_equal(&a->prev, &b->prev));
	ck_assert_int_eq(a->is_base, b->is_base);
	ck_assert_int_eq(a->time, b->time);
	ck_assert_uint_eq(a->adopted_count, b->adopted_count);
	ck_assert_mem_eq(a->adopted, b->adopted, a->adopted_count * sizeof(a->adopted[0]));
	ck_assert(id128_equal(&a->adopted_nonce, &b->adopted_nonce));
}

START_TEST(a_log_that_is_not_there_is_empty)
{
	struct told told;
	start(&told);
	read_head(&told, 1);
	ck_assert_int_eq(told.error, 0);
	ck_assert(told.head.is_empty && !told.head.has_mine);
	// Nor is one from which all entries were deleted.
	redis_server_do(&told.server, "XADD {evauth}:log 9-0 a b");
	redis_server_do(&told.server, "XDEL {evauth}:log 9-0");
	read_head(&told, 9);
	ck_assert(told.head.is_empty && !told.head.has_mine);
	const struct redis_log_entry base = base_of(3);
	ck_assert(begin(&told, &base, NULL));
	stop(&told);
}
END_TEST

START_TEST(the_head_names_first_last_and_mine)
{
	struct told told;
	start(&told);
	fill(&told, 5, 9);
	read_head(&told, 7);
	ck_assert(!told.head.is_empty && told.head.has_mine);
	const struct redis_log_entry first = base_of(5), mine = entry_of(7), last = entry_of(9);
	assert_same(&told.head.first, &first);
	assert_same(&told.head.mine, &mine);
	assert_same(&told.head.last, &last);
	ck_assert_uint_eq(told.head.last.body.size, 0);
	read_head(&told, 10);
	ck_assert(!told.head.has_mine);
	read_head(&told, 4);
	ck_assert(!told.head.has_mine);
	stop(&told);
}
END_TEST

START_TEST(a_range_starts_behind_the_revision_and_has_bodies)
{
	struct told told;
	start(&told);
	fill(&told, 1, 9);
	await(&told, redis_log_read_range(told.log, 0, 3, on_range, &told));
	ck_assert_uint_eq(told.entries_count, 3);
	ck_assert(told.entries[0].is_base);
	ck_assert_uint_eq(told.entries[2].revision, 3);
	ck_assert_uint_eq(told.entries[2].body.size, sizeof("body \0 of it") - 1);
	await(&told, redis_log_read_range(told.log, 7, REDIS_LOG_RANGE_MAX, on_range, &told));
	ck_assert_uint_eq(told.entries_count, 2);
	const struct redis_log_entry eight = entry_of(8);
	assert_same(&told.entries[0], &eight);
	await(&told, redis_log_read_range(told.log, 9, 1, on_range, &told));
	ck_assert_uint_eq(told.entries_count, 0);
	stop(&told);
}
END_TEST

START_TEST(an_append_that_does_not_follow_the_head_is_not_done)
{
	struct told told;
	struct redis_log_entry entry = entry_of(2);
	start(&told);
	ck_assert(!append(&told, &entry));
	ck_assert(told.written.is_empty);
	fill(&told, 1, 3);
	ck_assert(!append(&told, &entry)); // the past
	ck_assert(!told.written.is_empty);
	const struct redis_log_entry three = entry_of(3);
	assert_same(&told.written.last, &three);
	entry = entry_of(5); // a gap
	ck_assert(!append(&told, &entry));
	entry = entry_of(4);
	entry.prev = id_of(77);
	ck_assert(!append(&told, &entry));
	entry = entry_of(4);
	entry.epoch = id_of(78);
	ck_assert(!append(&told, &entry));
	entry = entry_of(4);
	ck_assert(append(&told, &entry));
	ck_assert(!append(&told, &entry)); // the same again
	read_head(&told, 4);
	ck_assert_uint_eq(told.head.last.revision, 4);
	stop(&told);
}
END_TEST

START_TEST(begin_opens_only_what_is_empty)
{
	struct told told;
	const struct redis_log_entry base = base_of(1), later = base_of(2);
	start(&told);
	ck_assert(begin(&told, &base, NULL));
	ck_assert(!begin(&told, &later, NULL));
	assert_same(&told.written.last, &base);
	stop(&told);
}
END_TEST

START_TEST(adopt_takes_the_place_of_the_head_it_has_seen)
{
	struct told told;
	struct redis_log_entry base = base_of(8);
	const struct redis_log_entry old = entry_of(4), seen = entry_of(5);
	start(&told);
	ck_assert(!begin(&told, &base, &old));
	ck_assert(told.written.is_empty);
	fill(&told, 1, 5);
	base.epoch = id_of(EPOCH + 1);
	base.adopted_nonce = id_of(3);
	base.adopted_count = REDIS_LOG_ADOPTED_MAX;
	for (uint8_t i = 0; i < REDIS_LOG_ADOPTED_MAX; i++)
		base.adopted[i] = id_of((uint8_t)(EPOCH - i));
	ck_assert(!begin(&told, &base, &old));
	assert_same(&told.written.last, &seen);
	struct redis_log_entry other = seen;
	other.nonce = id_of(200);
	ck_assert(!begin(&told, &base, &other));
	other = seen;
	other.epoch = id_of(200);
	ck_assert(!begin(&told, &base, &other));
	ck_assert(begin(&told, &base, &seen));
	read_head(&told, 8);
	assert_same(&told.head.first, &base);
	assert_same(&told.head.mine, &base);
	ck_assert_int_eq(redis_server_do(&told.server, "XLEN {evauth}:log"), 1);
	stop(&told);
}
END_TEST

START_TEST(every_write_is_published)
{
	const struct bytes channels[] = {BYTES_LITERAL(REDIS_LOG_CHANGES)};
	struct told told;
	struct redis_client listener;
	start(&told);
	redis_client_open_socket(&listener, &told.server);
	redis_client_subscribe(&listener, channels, 1);
	fill(&told, 1, 3);
	run_until_count(listener.loop, &listener.messages, 3);
	ck_assert_str_eq(listener.message, "3");
	redis_client_close(&listener);
	stop(&told);
}
END_TEST

START_TEST(flushed_scripts_are_sent_again)
{
	struct told told;
	start(&told);
	fill(&told, 1, 2);
	redis_server_do(&told.server, "SCRIPT FLUSH");
	struct redis_log_entry entry = entry_of(3);
	ck_assert(append(&told, &entry));
	entry = entry_of(4);
	ck_assert(append(&told, &entry));
	redis_server_do(&told.server, "SCRIPT FLUSH");
	read_head(&told, 4);
	ck_assert(told.head.has_mine);
	stop(&told);
}
END_TEST

START_TEST(the_stream_is_trimmed)
{
	struct told told;
	start_with(&told, &(struct redis_log_settings){.entries_max = 10});
	redis_server_do(&told.server, "CONFIG SET stream-node-max-entries 5");
	fill(&told, 1, 100);
	ck_assert_int_le(redis_server_do(&told.server, "XLEN {evauth}:log"), 20);
	read_head(&told, 3);
	ck_assert(!told.head.has_mine && !told.head.first.is_base);
	ck_assert_uint_gt(told.head.first.revision, 80);
	stop(&told);
}
END_TEST

START_TEST(replicas_that_do_not_confirm_are_counted)
{
	struct told told;
	start_with(&told, &(struct redis_log_settings){.entries_max = 10, .wait_replicas = 1, .timeout_ms = 100});
	const struct redis_log_entry base = base_of(1);
	ck_assert(begin(&told, &base, NULL));
	ck_assert_uint_eq(told.written.replicas, 0);
	stop(&told);
}
END_TEST

START_TEST(replicas_that_confirm_are_counted)
{
	struct told told;
	struct redis_server replica = {0};
	char port[8];
	start_with(&told, &(struct redis_log_settings){.entries_max = 10, .wait_replicas = 1});
	redis_server_do(&told.server, "CONFIG SET repl-diskless-sync-delay 0");
	snprintf(port, sizeof(port), "%u", told.server.port);
	redis_server_start(&replica, (const char *const[]){"--replicaof", "127.0.0.1", port, NULL});
	redis_server_await(&replica, "INFO replication", "master_link_status:up");
	const struct redis_log_entry base = base_of(1), next = entry_of(2);
	ck_assert(begin(&told, &base, NULL));
	ck_assert(append(&told, &next));
	ck_assert_uint_eq(told.written.replicas, 1);
	redis_server_stop(&replica);
	stop(&told);
}
END_TEST

// The connection stays, and an operator can go on from elsewhere.
START_TEST(entries_of_somebody_else_are_told_and_can_be_replaced)
{
	struct told told;
	start(&told);
	fill(&told, 1, 4);
	redis_server_do(&told.server, "XADD {evauth}:log 5-0 colour blue");
	await(&told, redis_log_read_range(told.log, 3, 10, on_range, &told));
	ck_assert_uint_eq(told.entries_count, 1); // up to the damage
	await(&told, redis_log_read_range(told.log, 4, 10, on_range, &told));
	ck_assert_int_eq(told.error, -EUCLEAN);
	ck_assert_msg(strstr(told.text, "epoch is missing") != NULL, "%s", told.text);
	struct redis_log_entry entry = entry_of(6);
	ck_assert(!append(&told, &entry));
	ck_assert(!told.written.is_empty);
	read_head(&told, 4);
	ck_assert(told.head.has_mine);
	ck_assert_msg(strstr(told.head.damage, "entry 5-0") != NULL, "%s", told.head.damage);
	const struct redis_log_entry seen = told.head.last, base = base_of(6);
	ck_assert_uint_eq(seen.revision, 5);
	redis_server_do(&told.server, "XADD {evauth}:log 6-0 colour blue");
	ck_assert(!begin(&told, &base, &seen)); // another one by now
	read_head(&told, 4);
	const struct redis_log_entry last = told.head.last;
	ck_assert(begin(&told, &base, &last));
	read_head(&told, 6);
	ck_assert_str_eq(told.head.damage, "");
	assert_same(&told.head.mine, &base);
	stop(&told);
}
END_TEST

START_TEST(a_key_of_another_kind_is_told)
{
	struct told told;
	start(&told);
	redis_server_do(&told.server, "SET {evauth}:log x");
	read_head(&told, 5);
	ck_assert_int_eq(told.error, -EMEDIUMTYPE);
	ck_assert(redis_connection_is_ready(told.client.connection));
	stop(&told);
}
END_TEST

START_TEST(what_was_asked_is_told_when_the_connection_ends)
{
	struct told told;
	start(&told);
	const struct redis_log_entry entry = entry_of(6);
	ck_assert_int_eq(redis_log_append(told.log, &entry, on_written, &told), 0);
	ck_assert_int_eq(redis_log_read_head(told.log, 1, on_head, &told), 0);
	ck_assert_int_eq(redis_log_read_range(told.log, 1, 1, on_range, &told), 0);
	redis_server_kill(&told.server);
	redis_client_await_end(&told.client);
	ck_assert_int_eq(told.calls, 3);
	ck_assert_int_ne(told.error, 0);
	ck_assert_int_eq(redis_log_read_head(told.log, 1, on_head, &told), -ENOTCONN);
	stop(&told);
}
END_TEST

START_TEST(what_was_asked_is_forgotten_when_the_owner_closes)
{
	struct told told;
	start(&told);
	ck_assert_int_eq(redis_log_read_head(told.log, 1, on_head, &told), 0);
	stop(&told);
	ck_assert_int_eq(told.calls, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_log");
	TCase *tcase = tcase_create("redis_log");
	tcase_add_test(tcase, a_log_that_is_not_there_is_empty);
	tcase_add_test(tcase, the_head_names_first_last_and_mine);
	tcase_add_test(tcase, a_range_starts_behind_the_revision_and_has_bodies);
	tcase_add_test(tcase, an_append_that_does_not_follow_the_head_is_not_done);
	tcase_add_test(tcase, begin_opens_only_what_is_empty);
	tcase_add_test(tcase, adopt_takes_the_place_of_the_head_it_has_seen);
	tcase_add_test(tcase, every_write_is_published);
	tcase_add_test(tcase, flushed_scripts_are_sent_again);
	tcase_add_test(tcase, the_stream_is_trimmed);
	tcase_add_test(tcase, replicas_that_do_not_confirm_are_counted);
	tcase_add_test(tcase, replicas_that_confirm_are_counted);
	tcase_add_test(tcase, entries_of_somebody_else_are_told_and_can_be_replaced);
	tcase_add_test(tcase, a_key_of_another_kind_is_told);
	tcase_add_test(tcase, what_was_asked_is_told_when_the_connection_ends);
	tcase_add_test(tcase, what_was_asked_is_forgotten_when_the_owner_closes);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
