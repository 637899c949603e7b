// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_parse.h"

#include <errno.h>

enum field {
	FIELD_EPOCH,
	FIELD_NONCE,
	FIELD_PREV,
	FIELD_ORIGIN,
	FIELD_TIME,
	FIELD_BODY,
	FIELD_ADOPTED_FROM,
	FIELD_ADOPTED_NONCE,
	FIELDS_COUNT,
};

static const char *const field_names[FIELDS_COUNT] = {
	[FIELD_EPOCH] = "epoch",
	[FIELD_NONCE] = "nonce",
	[FIELD_PREV] = "prev",
	[FIELD_ORIGIN] = "origin",
	[FIELD_TIME] = "time",
	[FIELD_BODY] = "body",
	[FIELD_ADOPTED_FROM] = "adopted_from",
	[FIELD_ADOPTED_NONCE] = "adopted_nonce",
};

static bool is_required(enum field field, bool has_body)
{
	return field <= FIELD_TIME || (field == FIELD_BODY && has_body);
}

// ---------------------------------------------------------------- values

static int parse_decimal(struct bytes text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;
	if (text.size == 0 || text.size > 20 || (text.size > 1 && text.data[0] == '0'))
		return -EPROTO;
	for (size_t i = 0; i < text.size; i++) {
		const char digit = text.data[i];
		if (digit < '0' || digit > '9' || __builtin_mul_overflow(number, (uint64_t)10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(digit - '0'), &number))
			return -EPROTO;
	}
	if (number > max)
		return -EPROTO;
	*ret_number = number;
	return 0;
}

static int parse_time(struct bytes text, int64_t *ret_time)
{
	uint64_t number;
	const int result = parse_decimal(text, INT64_MAX, &number);
	if (result == 0)
		*ret_time = (int64_t)number;
	return result;
}

// "<revision>-0"
static int parse_id(const redisReply *reply, uint64_t *ret_revision)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len < 3 || reply->str[reply->len - 2] != '-' ||
	    reply->str[reply->len - 1] != '0')
		return -EPROTO;
	uint64_t revision;
	const int result = parse_decimal((struct bytes){reply->str, reply->len - 2}, UINT64_MAX - 1, &revision);
	if (result != 0 || revision == 0)
		return -EPROTO;
	*ret_revision = revision;
	return 0;
}

// Names of histories, separated by one blank each.
static int parse_adopted(struct bytes text, struct redis_log_entry *entry)
{
	const size_t step = ID128_TEXT_SIZE + 1, count = (text.size + 1) / step;
	if (text.size == 0 || (text.size + 1) % step != 0 || count > REDIS_LOG_ADOPTED_MAX)
		return -EPROTO;
	for (size_t i = 0; i < count; i++) {
		const struct bytes name = {text.data + i * step, ID128_TEXT_SIZE};
		if ((i > 0 && name.data[-1] != ' ') || id128_parse(name, &entry->adopted[i]) != 0)
			return -EPROTO;
	}
	entry->adopted_count = (uint32_t)count;
	return 0;
}

static int parse_prev(struct bytes text, struct redis_log_entry *entry)
{
	entry->is_base = text.size == 0;
	return entry->is_base ? 0 : id128_parse(text, &entry->prev);
}

static int parse_field(enum field field, struct bytes value, struct redis_log_entry *entry)
{
	switch (field) {
	case FIELD_EPOCH:
		return id128_parse(value, &entry->epoch);
	case FIELD_NONCE:
		return id128_parse(value, &entry->nonce);
	case FIELD_PREV:
		return parse_prev(value, entry);
	case FIELD_ORIGIN:
		entry->origin = value;
		return value.size <= REDIS_LOG_ORIGIN_MAX ? 0 : -EPROTO;
	case FIELD_TIME:
		return parse_time(value, &entry->time);
	case FIELD_BODY:
		entry->body = value;
		return 0;
	case FIELD_ADOPTED_FROM:
		return parse_adopted(value, entry);
	case FIELD_ADOPTED_NONCE:
		return id128_parse(value, &entry->adopted_nonce);
	default:
		return -EPROTO;
	}
}

// ---------------------------------------------------------------- entries

static int refuse(struct redis_error *error, const char *what)
{
	redis_error_set(error, -EPROTO, "the log is not as evauthd writes it: %s", what);
	return -EPROTO;
}

static int refuse_entry(struct redis_error *error, const redisReply *id, const char *field, const char *what)
{
	redis_error_set(error, -EUCLEAN, "entry %.32s of " REDIS_LOG_KEY " is not as evauthd writes it: %s%s",
			id->type == REDIS_REPLY_STRING ? id->str : "?", field, what);
	return -EUCLEAN;
}

static bool is_array(const redisReply *reply, size_t elements)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements == elements;
}

// FIELDS_COUNT: a field of somebody else's.
static enum field find_field(const redisReply *name)
{
	enum field field = 0;
	while (field < FIELDS_COUNT &&
	       !bytes_equal((struct bytes){name->str, name->len}, bytes_from(field_names[field])))
		field++;
	return field;
}

// What the fields say together.
static const char *find_contradiction(const struct redis_log_entry *entry)
{
	if (entry->is_base && entry->body.size > 0)
		return "a base with changes";
	if (!entry->is_base && entry->adopted_count > 0)
		return "adopted_from in an entry that is no base";
	if ((entry->adopted_count > 0) == id128_is_zero(&entry->adopted_nonce))
		return "adopted_from and adopted_nonce belong together";
	return NULL;
}

static int parse_fields(const redisReply *id, const redisReply *fields, bool has_body, struct redis_log_entry *entry,
			struct redis_error *error)
{
	bool seen[FIELDS_COUNT] = {false};
	for (size_t i = 0; i < fields->elements; i += 2) {
		const redisReply *name = fields->element[i], *value = fields->element[i + 1];
		if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
			return refuse_entry(error, id, "", "a field that is no text");
		const enum field field = find_field(name);
		if (field == FIELDS_COUNT)
			continue;
		if (seen[field])
			return refuse_entry(error, id, field_names[field], " is there twice");
		seen[field] = true;
		if (parse_field(field, (struct bytes){value->str, value->len}, entry) != 0)
			return refuse_entry(error, id, field_names[field], " is malformed");
	}
	for (enum field field = 0; field < FIELDS_COUNT; field++) {
		if (!seen[field] && is_required(field, has_body))
			return refuse_entry(error, id, field_names[field], " is missing");
	}
	return 0;
}

int redis_parse_entry(const redisReply *reply, bool has_body, struct redis_log_entry *ret_entry,
		      struct redis_error *error)
{
	struct redis_log_entry entry = {0};
	if (!is_array(reply, 2) || reply->element[1]->type != REDIS_REPLY_ARRAY || reply->element[1]->elements % 2 != 0)
		return refuse(error, "an entry that is none");
	const redisReply *id = reply->element[0];
	if (parse_id(id, &entry.revision) != 0)
		return refuse_entry(error, id, "its id", " is not a revision and -0");
	const int result = parse_fields(id, reply->element[1], has_body, &entry, error);
	if (result != 0)
		return result;
	const char *contradiction = find_contradiction(&entry);
	if (contradiction != NULL)
		return refuse_entry(error, id, "", contradiction);
	*ret_entry = entry;
	return 0;
}

// ---------------------------------------------------------------- answers

// Without it, *ret_is_there is false. An entry that is damaged is zero but for its revision, if that can be read.
static int parse_optional(const redisReply *reply, bool *ret_is_there, struct redis_log_entry *entry,
			  struct redis_error *error)
{
	*ret_is_there = reply->type != REDIS_REPLY_NIL;
	if (!*ret_is_there)
		return 0;
	const int result = redis_parse_entry(reply, false, entry, error);
	if (result == -EUCLEAN) {
		*entry = (struct redis_log_entry){0};
		(void)parse_id(reply->element[0], &entry->revision);
	}
	return result;
}

static int parse_part(const redisReply *reply, bool *ret_is_there, struct redis_log_entry *entry,
		      struct redis_log_head *head, struct redis_error *error)
{
	const int result = parse_optional(reply, ret_is_there, entry, error);
	if (result != -EUCLEAN)
		return result;
	memcpy(head->damage, error->text, sizeof(head->damage));
	return 0;
}

static bool is_mark(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING && reply->len == REDIS_LOG_MARK_SIZE - 1;
}

static int check_head(const struct redis_log_head *head, uint64_t revision, bool has_last, struct redis_error *error)
{
	const bool is_whole = head->damage[0] == '\0';
	if (head->is_empty == has_last || (head->has_mine && (head->is_empty || head->mine.revision != revision)) ||
	    (is_whole && head->first.revision > head->last.revision))
		return refuse(error, "first and last entry do not fit");
	return 0;
}

int redis_parse_head(const redisReply *reply, uint64_t revision, struct redis_log_head *ret_head,
		     struct redis_error *error)
{
	struct redis_log_head head = {0};
	bool has_first, has_last;
	if (!is_array(reply, 4) || (reply->element[1]->type != REDIS_REPLY_NIL && !is_mark(reply->element[3])))
		return refuse(error, "a head that is none");
	int result = parse_part(reply->element[0], &has_first, &head.first, &head, error);
	if (result == 0)
		result = parse_part(reply->element[2], &head.has_mine, &head.mine, &head, error);
	if (result == 0)
		result = parse_part(reply->element[1], &has_last, &head.last, &head, error);
	if (result != 0)
		return result;
	head.is_empty = !has_first;
	head.has_mine = head.has_mine && !id128_is_zero(&head.mine.nonce);
	if (has_last && id128_is_zero(&head.last.nonce))
		memcpy(head.last.mark, reply->element[3]->str, REDIS_LOG_MARK_SIZE);
	result = check_head(&head, revision, has_last, error);
	if (result == 0)
		*ret_head = head;
	return result;
}

int redis_parse_written(const redisReply *reply, struct redis_log_written *ret_written, struct redis_error *error)
{
	struct redis_log_written written = {.is_written = true};
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || reply->element[0]->type != REDIS_REPLY_INTEGER)
		return refuse(error, "an answer of a script that is none");
	if (reply->element[0]->integer == 0) {
		bool is_there;
		written.is_written = false;
		if (reply->elements != 2)
			return refuse(error, "an answer of a script without a head");
		// A damaged head is another one than expected.
		const int result = parse_optional(reply->element[1], &is_there, &written.last, error);
		if (result != 0 && result != -EUCLEAN)
			return result;
		written.is_empty = !is_there;
	}
	*ret_written = written;
	return 0;
}

int redis_parse_range(const redisReply *reply, uint64_t after, struct redis_log_entry *entries, size_t max,
		      struct redis_error *error)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements > max)
		return refuse(error, "a range that is none");
	for (size_t i = 0; i < reply->elements; i++) {
		const int result = redis_parse_entry(reply->element[i], true, &entries[i], error);
		if (result == -EUCLEAN && i > 0)
			return (int)i;
		if (result != 0)
			return result;
		if (entries[i].revision <= after)
			return refuse(error, "a range that is not in order");
		after = entries[i].revision;
	}
	return (int)reply->elements;
}

int redis_parse_count(const redisReply *reply, uint32_t *ret_count, struct redis_error *error)
{
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 || reply->integer > UINT32_MAX)
		return refuse(error, "a count that is none");
	*ret_count = (uint32_t)reply->integer;
	return 0;
}
