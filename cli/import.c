// SPDX-License-Identifier: Apache-2.0
#include "cli/import.h"

#include "cli/apply.h"
#include "proto/codec.h"
#include "proto/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IMPORT_CHUNK_SIZE = 64 * 1024, IMPORT_LINES_PER_LOOK = 512, IMPORT_IDS_PER_BATCH = 5000 };

// ---------------------------------------------------------------- ranges

uint64_t line_ranges_total(const struct line_ranges *ranges)
{
	uint64_t total = 0;
	for (size_t i = 0; i < ranges->count; i++)
		total += ranges->ranges[i].last - ranges->ranges[i].first + 1;
	return total;
}

// Answers come nearly in order, so that there is one range, or few.
void line_ranges_add(struct line_ranges *ranges, struct line_range range)
{
	size_t at = ranges->count;
	while (at > 0 && ranges->ranges[at - 1].first > range.first)
		at--;
	const bool joins_left = at > 0 && ranges->ranges[at - 1].last + 1 == range.first;
	const bool joins_right = at < ranges->count && range.last + 1 == ranges->ranges[at].first;
	if (joins_left && joins_right) {
		ranges->ranges[at - 1].last = ranges->ranges[at].last;
		ranges->count--;
		memmove(&ranges->ranges[at], &ranges->ranges[at + 1], (ranges->count - at) * sizeof(range));
	} else if (joins_left) {
		ranges->ranges[at - 1].last = range.last;
	} else if (joins_right) {
		ranges->ranges[at].first = range.first;
	} else {
		ASSERT(ranges->count < ARRAY_SIZE(ranges->ranges));
		memmove(&ranges->ranges[at + 1], &ranges->ranges[at], (ranges->count - at) * sizeof(range));
		ranges->ranges[at] = range;
		ranges->count++;
	}
}

static struct line_range range_of(const struct batch_lines *lines)
{
	return (struct line_range){.first = lines->first, .last = lines->last};
}

// ---------------------------------------------------------------- life

int import_create(struct context *context, const char *file, bool dry_run, struct import **ret_import)
{
	char actor[ACTOR_SIZE];
	struct import *import = calloc(1, sizeof(*import));
	if (import == NULL)
		return -ENOMEM;
	import->client = context->client;
	import->dry_run = dry_run;
	import->batch_number = 1;
	arena_init(&import->line_arena, IMPORT_CHUNK_SIZE, EVAUTH_ARENA_BUDGET);
	arena_init(&import->answer_arena, IMPORT_CHUNK_SIZE, EVAUTH_ARENA_BUDGET);
	const struct change_set frame = {.actor = bytes_from(apply_actor(actor)), .dry_run = dry_run};
	int result = batch_init(&import->batch, &frame, &import->line_arena);
	if (result == 0)
		result = lines_open(&import->lines, file);
	if (result < 0) {
		import->lines.fd = -1;
		import_destroy(import);
		return result;
	}
	progress_init(&import->progress, context->err, context->quiet, "lines");
	*ret_import = import;
	return 0;
}

void import_destroy(struct import *import)
{
	if (import == NULL)
		return;
	lines_close(&import->lines);
	arena_finish(&import->line_arena);
	arena_finish(&import->answer_arena);
	closed_groups_finish(&import->closed);
	free(import);
}

static void import_stop(struct import *import, enum import_stop stop, const struct fault *fault)
{
	if (import->stop != IMPORT_STOP_NONE)
		return;
	import->stop = stop;
	import->fault = *fault;
}

static void import_stop_memory(struct import *import)
{
	const struct fault fault = {.code = STATUS_RESOURCE_EXHAUSTED, .message = "out of memory"};
	import_stop(import, IMPORT_STOP_MEMORY, &fault);
}

static void import_stop_connection(struct import *import, int result)
{
	import->result = result;
	import_stop(import, IMPORT_STOP_CONNECTION, evauth_fault(import->client));
	for (size_t i = 0; i < IMPORT_IN_FLIGHT; i++) {
		if (import->sent[i].waiting)
			line_ranges_add(&import->unknown, range_of(&import->sent[i].lines));
		import->sent[i].waiting = false;
	}
}

// ---------------------------------------------------------------- answers

// In a dry run later batches stand on earlier ones that did not take effect. What does not depend on them is certain:
// a malformed change, and anything in the first batch.
static bool refusal_is_certain(const struct import *import, const struct import_sent *sent, const struct fault *fault)
{
	return !import->dry_run || sent->number == 1 || fault->code == STATUS_INVALID_ARGUMENT;
}

// The first line refused counts, whichever answer came first.
static void import_refused(struct import *import, const struct import_sent *sent, const struct fault *fault)
{
	if (!refusal_is_certain(import, sent, fault)) {
		line_ranges_add(&import->unchecked, range_of(&sent->lines));
		return;
	}
	if (import->stop == IMPORT_STOP_REFUSED && import->stop_batch < sent->number)
		return;
	if (import->stop == IMPORT_STOP_LINE || import->stop == IMPORT_STOP_REFUSED)
		import->stop = IMPORT_STOP_NONE;
	import_stop(import, IMPORT_STOP_REFUSED, fault);
	if (import->stop != IMPORT_STOP_REFUSED)
		return;
	import->stop_batch = sent->number;
	import->refused = range_of(&sent->lines);
	const uint32_t change = fault->change_number;
	import->stop_line = change > 0 && change <= sent->lines.count ? sent->lines.numbers[change - 1] : 0;
}

static void import_committed(struct import *import, const struct import_sent *sent,
			     const struct apply_response *response)
{
	line_ranges_add(&import->committed, range_of(&sent->lines));
	import->sets++;
	import->revision = response->revision > import->revision ? response->revision : import->revision;
	for (size_t i = 0; i < response->closed_charge_group_ids_count; i++) {
		const struct bytes id = response->closed_charge_group_ids[i];
		if (closed_groups_note_closed(&import->closed, id, sent->number) < 0)
			import_stop_memory(import);
	}
}

static struct import_sent *import_find(struct import *import, uint32_t request_id)
{
	for (size_t i = 0; i < IMPORT_IN_FLIGHT; i++) {
		if (import->sent[i].waiting && import->sent[i].request_id == request_id)
			return &import->sent[i];
	}
	return NULL;
}

// Waits for one answer. False: nothing more will come.
static bool import_receive(struct import *import)
{
	struct evauth_answer answer;
	if (evauth_in_flight(import->client) == 0)
		return false;
	arena_reset(&import->answer_arena);
	const int result = evauth_receive(import->client, &import->answer_arena, &answer);
	if (result < 0) {
		import_stop_connection(import, result);
		return false;
	}
	struct import_sent *sent = import_find(import, answer.request_id);
	ASSERT(sent != NULL);
	sent->waiting = false;
	if (answer.fault.code != STATUS_OK)
		import_refused(import, sent, &answer.fault);
	else
		import_committed(import, sent, answer.response);
	return true;
}

// ---------------------------------------------------------------- lines

static struct import_sent *import_free_slot(struct import *import)
{
	for (;;) {
		for (size_t i = 0; i < IMPORT_IN_FLIGHT; i++) {
			if (!import->sent[i].waiting)
				return &import->sent[i];
		}
		if (!import_receive(import))
			return NULL;
	}
}

static void import_send_batch(struct import *import)
{
	if (import->batch.lines.count == 0)
		return;
	struct import_sent *sent = import_free_slot(import);
	if (sent == NULL || import->stop != IMPORT_STOP_NONE)
		return;
	const int result =
		evauth_send_body(import->client, METHOD_APPLY, batch_body(&import->batch), &sent->request_id);
	if (result < 0) {
		import_stop_connection(import, result);
		return;
	}
	sent->waiting = true;
	sent->number = import->batch_number++;
	sent->lines.first = import->batch.lines.first;
	sent->lines.last = import->batch.lines.last;
	sent->lines.count = import->batch.lines.count;
	memcpy(sent->lines.numbers, import->batch.lines.numbers, sent->lines.count * sizeof(sent->lines.numbers[0]));
	batch_clear(&import->batch);
	import->batch_ids = 0;
}

static void import_stop_at_line(struct import *import, uint64_t line, const struct fault *fault)
{
	if (import->stop == IMPORT_STOP_NONE)
		import->stop_line = line;
	import_stop(import, IMPORT_STOP_LINE, fault);
}

static size_t ids_of(const struct change *change)
{
	if (change->kind == CHANGE_ATTACH_CUSTOMERS)
		return change->attach_customers->customer_ids_count;
	return change->kind == CHANGE_ATTACH_CHARGE_POINTS ? change->attach_charge_points->charge_point_ids_count : 0;
}

// Each id writes a record: a batch full of nothing else would make a commit several times the usual size, and the
// daemon keeps the memory of its largest one.
static void import_bound_ids(struct import *import, const struct change *change)
{
	const size_t count = ids_of(change);
	if (import->batch_ids > 0 && import->batch_ids + count > IMPORT_IDS_PER_BATCH)
		import_send_batch(import);
	import->batch_ids += count;
}

// Whether the change, once stored, may be refused when it comes again, or let a line before it be refused. Other
// changes put what is there as it is.
static bool counts_once(const struct change *change)
{
	switch (change->kind) {
	case CHANGE_DELETE_TARIFF:
	case CHANGE_DELETE_CHARGE_GROUP:
	case CHANGE_DELETE_CHARGE_POINT:
	case CHANGE_DELETE_CUSTOMER:
	case CHANGE_DELETE_TOKEN:
	case CHANGE_DETACH_CHARGE_POINTS:
	case CHANGE_DETACH_CUSTOMERS:
		return true;
	case CHANGE_ATTACH_CHARGE_POINTS:
		return change->attach_charge_points->move;
	default:
		return change->create_only || change->expected_object_revision != 0;
	}
}

static void import_add(struct import *import, const struct change *change, struct bytes encoded)
{
	import_bound_ids(import, change);
	if (!batch_add(&import->batch, encoded, import->lines.number)) {
		import_send_batch(import);
		if (import->stop == IMPORT_STOP_NONE && !batch_add(&import->batch, encoded, import->lines.number)) {
			struct fault fault = {.code = STATUS_RESOURCE_EXHAUSTED};
			snprintf(fault.message, sizeof(fault.message),
				 "the change exceeds what one set may hold (%d KiB); split its list",
				 BODY_APPLY_MAX / 1024);
			import_stop_at_line(import, import->lines.number, &fault);
		}
	}
	import->changes++;
	if (import->once_line == 0 && counts_once(change))
		import->once_line = import->lines.number;
	if (change->kind == CHANGE_ATTACH_CUSTOMERS && change->attach_customers->customer_ids_count > 0 &&
	    closed_groups_note_attached(&import->closed, change->attach_customers->charge_group_id,
					import->batch_number) < 0)
		import_stop_memory(import);
}

// A line of a file is the JSON text's first one: its number there would only mislead.
static void drop_line_number(struct fault *fault)
{
	static const char number[] = "line 1, ";
	char *at = strstr(fault->message, number);
	if (at != NULL)
		memmove(at, at + strlen(number), strlen(at + strlen(number)) + 1);
}

static void import_line(struct import *import, struct bytes line)
{
	struct fault fault = {0};
	struct change *change;
	struct bytes encoded;
	arena_reset(&import->line_arena);
	if (json_decode(&schema_change, line, &import->line_arena, &change, &fault) < 0) {
		drop_line_number(&fault);
		import_stop_at_line(import, import->lines.number, &fault);
	} else if (codec_encode(&schema_change, change, &import->line_arena, &encoded) < 0) {
		import_stop_memory(import);
	} else {
		import_add(import, change, encoded);
	}
}

static bool is_blank(struct bytes line)
{
	for (size_t i = 0; i < line.size; i++) {
		if (line.data[i] != ' ' && line.data[i] != '\t')
			return false;
	}
	return true;
}

static void import_unreadable(struct import *import, int result)
{
	struct fault fault = {.code = STATUS_INVALID_ARGUMENT};
	snprintf(fault.message, sizeof(fault.message), "cannot read it: %s",
		 result == -EFBIG ? "the line is too long" : strerrordesc_np(-result));
	import_stop_at_line(import, import->lines.number + 1, &fault);
}

void import_run(struct import *import)
{
	struct bytes line;
	int more = 1;
	while (import->stop == IMPORT_STOP_NONE && (more = lines_next(&import->lines, &line)) > 0) {
		if (!is_blank(line))
			import_line(import, line);
		if (import->lines.number % IMPORT_LINES_PER_LOOK == 0)
			progress_show(&import->progress, import->lines.number, import->lines.bytes_read,
				      import->lines.bytes_all);
	}
	if (more < 0)
		import_unreadable(import, more);
	if (import->stop == IMPORT_STOP_NONE)
		import_send_batch(import);
	while (import_receive(import))
		progress_show(&import->progress, import->lines.number, import->lines.bytes_read,
			      import->lines.bytes_all);
	progress_end(&import->progress);
}
