// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_log.h"

#include "daemon/feed/redis_parse.h"
#include "daemon/feed/redis_scripts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SHA_SIZE = 41,
	ARGUMENTS_MAX = 26,
	NUMBER_SIZE = 24,
	WAIT_SLACK_MS = 500,
	ADOPTED_TEXT_SIZE = REDIS_LOG_ADOPTED_MAX * (ID128_TEXT_SIZE + 1),
};

enum script { SCRIPT_HEAD, SCRIPT_APPEND, SCRIPT_BEGIN, SCRIPTS_COUNT };

static const char *const script_texts[SCRIPTS_COUNT] = {
	[SCRIPT_HEAD] = redis_script_head,
	[SCRIPT_APPEND] = redis_script_append,
	[SCRIPT_BEGIN] = redis_script_begin,
};

// What Redis calls a script; empty: not known, its text is sent.
struct loaded {
	char sha[SHA_SIZE];
};

struct redis_log {
	struct redis_connection *connection;
	struct redis_log_settings settings;
	struct loaded loaded[SCRIPTS_COUNT];
	struct operation *operations; // under way
};

// Something asked and not answered, with all that is needed to ask it again.
struct operation {
	struct redis_log *log;
	struct operation *next, **link;
	enum script script;
	bool is_whole; // the script's text was sent
	size_t arguments_count;
	struct bytes arguments[ARGUMENTS_MAX]; // of the script; in `text`
	uint64_t revision;                     // of a head; the one before a range
	uint32_t count;                        // of a range
	struct redis_log_written written;
	void (*on_head)(void *context, const struct redis_error *error, const struct redis_log_head *head);
	void (*on_range)(void *context, const struct redis_error *error, const struct redis_log_entry *entries,
			 size_t entries_count);
	void (*on_written)(void *context, const struct redis_error *error, const struct redis_log_written *written);
	void *context;
	size_t text_used, text_size;
	char text[];
};

// ---------------------------------------------------------------- operations

static struct operation *operation_create(struct redis_log *log, size_t text_size)
{
	struct operation *operation = calloc(1, sizeof(*operation) + text_size);
	if (operation == NULL)
		return NULL;
	operation->log = log;
	operation->text_size = text_size;
	operation->next = log->operations;
	operation->link = &log->operations;
	if (operation->next != NULL)
		operation->next->link = &operation->next;
	log->operations = operation;
	return operation;
}

static void operation_destroy(struct operation *operation)
{
	*operation->link = operation->next;
	if (operation->next != NULL)
		operation->next->link = operation->link;
	free(operation);
}

static void add_bytes(struct operation *operation, struct bytes value)
{
	char *copy = operation->text + operation->text_used;
	ASSERT(operation->arguments_count < ARGUMENTS_MAX);
	ASSERT(value.size <= operation->text_size - operation->text_used);
	if (value.size > 0)
		memcpy(copy, value.data, value.size);
	operation->text_used += value.size;
	operation->arguments[operation->arguments_count++] = (struct bytes){copy, value.size};
}

static void add_text(struct operation *operation, const char *text)
{
	add_bytes(operation, bytes_from(text));
}

static void add_number(struct operation *operation, uint64_t number)
{
	char text[NUMBER_SIZE];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	add_text(operation, text);
}

static void add_id(struct operation *operation, const struct id128 *id)
{
	char text[ID128_TEXT_SIZE + 1];
	id128_format(id, text);
	add_text(operation, text);
}

// Tells an error and is done.
static void end_with(struct operation *operation, const struct redis_error *error)
{
	const struct operation end = *operation;
	operation_destroy(operation);
	if (end.on_head != NULL)
		end.on_head(end.context, error, NULL);
	else if (end.on_range != NULL)
		end.on_range(end.context, error, NULL, 0);
	else
		end.on_written(end.context, error, NULL);
}

static void end_with_code(struct operation *operation, int code)
{
	struct redis_error error;
	redis_error_set(&error, code, "%s", strerror(-code));
	end_with(operation, &error);
}

// An answer that means nothing: whatever comes behind it cannot be trusted either.
static void end_with_nonsense(struct operation *operation, const struct redis_error *error)
{
	redis_connection_fail(operation->log->connection, error);
	end_with(operation, error);
}

// ---------------------------------------------------------------- scripts

static void on_script_reply(void *context, const struct redisReply *reply, const struct redis_error *error);

static int send_script(struct operation *operation)
{
	struct redis_log *log = operation->log;
	const char *sha = log->loaded[operation->script].sha;
	struct bytes arguments[4 + ARGUMENTS_MAX];
	if (sha[0] == '\0')
		operation->is_whole = true;
	arguments[0] = operation->is_whole ? BYTES_LITERAL("EVAL") : BYTES_LITERAL("EVALSHA");
	arguments[1] = bytes_from(operation->is_whole ? script_texts[operation->script] : sha);
	arguments[2] = BYTES_LITERAL("1");
	arguments[3] = BYTES_LITERAL(REDIS_LOG_KEY);
	memcpy(&arguments[4], operation->arguments, operation->arguments_count * sizeof(arguments[0]));
	const struct redis_command command = {
		.arguments = arguments,
		.arguments_count = 4 + operation->arguments_count,
		.on_reply = on_script_reply,
		.context = operation,
		.timeout_ms = log->settings.timeout_ms,
	};
	return redis_connection_send(log->connection, &command);
}

static int start_script(struct operation *operation)
{
	const int result = send_script(operation);
	if (result != 0)
		operation_destroy(operation);
	return result;
}

static void on_loaded(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct loaded *loaded = context;
	// Who may not load scripts sends their text.
	if (error == NULL && reply->type == REDIS_REPLY_STRING && reply->len == SHA_SIZE - 1)
		memcpy(loaded->sha, reply->str, SHA_SIZE);
}

static int load_script(struct redis_log *log, enum script script)
{
	const struct bytes arguments[] = {BYTES_LITERAL("SCRIPT"), BYTES_LITERAL("LOAD"),
					  bytes_from(script_texts[script])};
	const struct redis_command command = {
		.arguments = arguments,
		.arguments_count = ARRAY_SIZE(arguments),
		.on_reply = on_loaded,
		.context = &log->loaded[script],
	};
	return redis_connection_send(log->connection, &command);
}

// ---------------------------------------------------------------- answers of scripts

static void on_head_reply(struct operation *operation, const struct redisReply *reply)
{
	struct redis_log_head head;
	struct redis_error error;
	if (redis_parse_head(reply, operation->revision, &head, &error) != 0) {
		end_with_nonsense(operation, &error);
		return;
	}
	const struct operation end = *operation;
	operation_destroy(operation);
	end.on_head(end.context, NULL, &head);
}

static void end_written(struct operation *operation)
{
	const struct operation end = *operation;
	operation_destroy(operation);
	end.on_written(end.context, NULL, &end.written);
}

static void on_waited(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct operation *operation = context;
	struct redis_error nonsense;
	if (error != NULL)
		end_with(operation, error);
	else if (redis_parse_count(reply, &operation->written.replicas, &nonsense) != 0)
		end_with_nonsense(operation, &nonsense);
	else
		end_written(operation);
}

// Redis looks at the clock ten times a second: its answer with too few must come before the time-out of the connection.
static int send_wait(struct operation *operation)
{
	const struct redis_log_settings *settings = &operation->log->settings;
	char replicas[NUMBER_SIZE], timeout[NUMBER_SIZE];
	snprintf(replicas, sizeof(replicas), "%u", settings->wait_replicas);
	snprintf(timeout, sizeof(timeout), "%u", settings->timeout_ms / 2 + 1);
	const struct bytes arguments[] = {BYTES_LITERAL("WAIT"), bytes_from(replicas), bytes_from(timeout)};
	const struct redis_command command = {
		.arguments = arguments,
		.arguments_count = ARRAY_SIZE(arguments),
		.on_reply = on_waited,
		.context = operation,
		.timeout_ms = settings->timeout_ms + WAIT_SLACK_MS,
	};
	return redis_connection_send(operation->log->connection, &command);
}

static void on_written_reply(struct operation *operation, const struct redisReply *reply)
{
	struct redis_error error;
	if (redis_parse_written(reply, &operation->written, &error) != 0) {
		end_with_nonsense(operation, &error);
		return;
	}
	if (!operation->written.is_written || operation->log->settings.wait_replicas == 0) {
		end_written(operation);
		return;
	}
	const int result = send_wait(operation);
	if (result != 0)
		end_with_code(operation, result);
}

static void on_script_reply(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct operation *operation = context;
	// Somebody flushed the scripts, or this is another server: with the text it is loaded there as well.
	if (error != NULL && error->code == -ESRCH && !operation->is_whole) {
		operation->is_whole = true;
		const int result = send_script(operation);
		if (result != 0)
			end_with_code(operation, result);
		return;
	}
	if (error != NULL)
		end_with(operation, error);
	else if (operation->script == SCRIPT_HEAD)
		on_head_reply(operation, reply);
	else
		on_written_reply(operation, reply);
}

// ---------------------------------------------------------------- the log

int redis_log_create(struct redis_connection *connection, const struct redis_log_settings *settings,
		     struct redis_log **ret_log)
{
	struct redis_log *log = calloc(1, sizeof(*log));
	if (log == NULL)
		return -ENOMEM;
	log->connection = connection;
	log->settings = *settings;
	if (log->settings.timeout_ms == 0)
		log->settings.timeout_ms = REDIS_TIMEOUT_DEFAULT_MS;
	int result = 0;
	for (enum script script = 0; script < SCRIPTS_COUNT && result == 0; script++)
		result = load_script(log, script);
	if (result != 0) {
		// What was sent still points here: the connection is of no use without its log.
		struct redis_error error;
		redis_error_set(&error, result, "the scripts could not be sent: %s", strerror(-result));
		redis_connection_fail(connection, &error);
		free(log);
		return result;
	}
	*ret_log = log;
	return 0;
}

void redis_log_destroy(struct redis_log *log)
{
	if (log == NULL)
		return;
	while (log->operations != NULL)
		operation_destroy(log->operations);
	free(log);
}

int redis_log_read_head(struct redis_log *log, uint64_t revision,
			void (*on_head)(void *context, const struct redis_error *error,
					const struct redis_log_head *head),
			void *context)
{
	struct operation *operation = operation_create(log, NUMBER_SIZE);
	if (operation == NULL)
		return -ENOMEM;
	operation->script = SCRIPT_HEAD;
	operation->revision = revision;
	operation->on_head = on_head;
	operation->context = context;
	add_number(operation, revision);
	return start_script(operation);
}

static void add_fields(struct operation *operation, const struct redis_log_entry *entry)
{
	char adopted[ADOPTED_TEXT_SIZE];
	add_text(operation, "epoch");
	add_id(operation, &entry->epoch);
	add_text(operation, "nonce");
	add_id(operation, &entry->nonce);
	add_text(operation, "prev");
	if (entry->is_base)
		add_text(operation, "");
	else
		add_id(operation, &entry->prev);
	add_text(operation, "origin");
	add_bytes(operation, entry->origin);
	add_text(operation, "time");
	add_number(operation, entry->time > 0 ? (uint64_t)entry->time : 0);
	add_text(operation, "body");
	add_bytes(operation, entry->body);
	if (entry->adopted_count == 0)
		return;
	for (uint32_t i = 0; i < entry->adopted_count; i++) {
		id128_format(&entry->adopted[i], adopted + i * (ID128_TEXT_SIZE + 1));
		adopted[i * (ID128_TEXT_SIZE + 1) + ID128_TEXT_SIZE] = ' ';
	}
	add_text(operation, "adopted_from");
	add_bytes(operation, (struct bytes){adopted, entry->adopted_count * (ID128_TEXT_SIZE + 1) - 1});
	add_text(operation, "adopted_nonce");
	add_id(operation, &entry->adopted_nonce);
}

static struct operation *create_write(struct redis_log *log, enum script script, const struct redis_log_entry *entry,
				      void (*on_written)(void *context, const struct redis_error *error,
							 const struct redis_log_written *written),
				      void *context)
{
	ASSERT(entry->origin.size <= REDIS_LOG_ORIGIN_MAX && entry->adopted_count <= REDIS_LOG_ADOPTED_MAX);
	struct operation *operation = operation_create(log, 1024 + ADOPTED_TEXT_SIZE + entry->body.size);
	if (operation == NULL)
		return NULL;
	operation->script = script;
	operation->on_written = on_written;
	operation->context = context;
	add_text(operation, REDIS_LOG_CHANGES);
	add_number(operation, entry->revision);
	return operation;
}

int redis_log_append(struct redis_log *log, const struct redis_log_entry *entry,
		     void (*on_written)(void *context, const struct redis_error *error,
					const struct redis_log_written *written),
		     void *context)
{
	struct operation *operation = create_write(log, SCRIPT_APPEND, entry, on_written, context);
	if (operation == NULL)
		return -ENOMEM;
	ASSERT(!entry->is_base && entry->revision > 1);
	add_number(operation, log->settings.entries_max);
	add_number(operation, entry->revision - 1);
	add_id(operation, &entry->epoch);
	add_id(operation, &entry->prev);
	add_fields(operation, entry);
	return start_script(operation);
}

int redis_log_begin(struct redis_log *log, const struct redis_log_entry *entry, const struct redis_log_entry *expected,
		    void (*on_written)(void *context, const struct redis_error *error,
				       const struct redis_log_written *written),
		    void *context)
{
	struct operation *operation = create_write(log, SCRIPT_BEGIN, entry, on_written, context);
	if (operation == NULL)
		return -ENOMEM;
	ASSERT(entry->is_base);
	if (expected != NULL && expected->mark[0] != '\0') {
		add_text(operation, "damaged");
		add_text(operation, expected->mark);
		add_text(operation, "");
	} else if (expected != NULL) {
		add_number(operation, expected->revision);
		add_id(operation, &expected->epoch);
		add_id(operation, &expected->nonce);
	} else {
		add_text(operation, "");
		add_text(operation, "");
		add_text(operation, "");
	}
	add_fields(operation, entry);
	return start_script(operation);
}

// ---------------------------------------------------------------- ranges

static void on_range_reply(void *context, const struct redisReply *reply, const struct redis_error *error)
{
	struct operation *operation = context;
	struct redis_error nonsense;
	if (error != NULL) {
		end_with(operation, error);
		return;
	}
	struct redis_log_entry *entries = calloc(operation->count, sizeof(*entries));
	if (entries == NULL) {
		end_with_code(operation, -ENOMEM);
		return;
	}
	const int count = redis_parse_range(reply, operation->revision, entries, operation->count, &nonsense);
	if (count == -EUCLEAN) {
		end_with(operation, &nonsense);
	} else if (count < 0) {
		end_with_nonsense(operation, &nonsense);
	} else {
		const struct operation end = *operation;
		operation_destroy(operation);
		end.on_range(end.context, NULL, entries, (size_t)count);
	}
	free(entries);
}

int redis_log_read_range(struct redis_log *log, uint64_t after, uint32_t count,
			 void (*on_range)(void *context, const struct redis_error *error,
					  const struct redis_log_entry *entries, size_t entries_count),
			 void *context)
{
	char from[NUMBER_SIZE + 4], counted[NUMBER_SIZE];
	ASSERT(count > 0 && count <= REDIS_LOG_RANGE_MAX && after < UINT64_MAX);
	struct operation *operation = operation_create(log, 0);
	if (operation == NULL)
		return -ENOMEM;
	operation->revision = after;
	operation->count = count;
	operation->on_range = on_range;
	operation->context = context;
	snprintf(from, sizeof(from), "%llu-0", (unsigned long long)(after + 1));
	snprintf(counted, sizeof(counted), "%u", count);
	const struct bytes arguments[] = {BYTES_LITERAL("XRANGE"), BYTES_LITERAL(REDIS_LOG_KEY), bytes_from(from),
					  BYTES_LITERAL("+"),      BYTES_LITERAL("COUNT"),       bytes_from(counted)};
	const struct redis_command command = {
		.arguments = arguments,
		.arguments_count = ARRAY_SIZE(arguments),
		.on_reply = on_range_reply,
		.context = operation,
		.timeout_ms = log->settings.timeout_ms,
	};
	const int result = redis_connection_send(log->connection, &command);
	if (result != 0)
		operation_destroy(operation);
	return result;
}
