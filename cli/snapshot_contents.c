// SPDX-License-Identifier: Apache-2.0
#include "cli/snapshot_contents.h"

#include "cli/snapshot_file.h"
#include "client/evauth.h"
#include "proto/codec.h"

#include <errno.h>

static int decode(const struct schema *schema, struct bytes body, struct arena *arena, void *ret_message)
{
	struct fault fault = {0};
	const int result = codec_decode(schema, CODEC_TOLERANT, body, arena, ret_message, &fault);
	return result == 0 || result == -ENOMEM ? result : -EBADMSG;
}

static int count_record(struct snapshot_contents *contents, struct bytes body)
{
	struct record *record;
	arena_reset(&contents->record);
	const int result = decode(&schema_record, body, &contents->record, &record);
	if (result != 0)
		return result;
	if (record->kind == RECORD_NONE || (unsigned)record->kind >= SNAPSHOT_RECORD_KINDS)
		return -EBADMSG;
	contents->counts[record->kind]++;
	contents->records++;
	return 0;
}

static int read_records(struct snapshot_contents *contents, struct snapshot_file *file)
{
	struct bytes body;
	int result;
	while ((result = snapshot_file_get(file, &body)) > 0) {
		result = count_record(contents, body);
		if (result != 0)
			return result;
	}
	if (result == 0)
		result = decode(&schema_snapshot_end, body, &contents->arena, &contents->end);
	return result == 0 && contents->end->records != contents->records ? -EBADMSG : result;
}

int snapshot_contents_read(struct snapshot_contents *contents, FILE *in)
{
	struct snapshot_file file;
	*contents = (struct snapshot_contents){0};
	arena_init(&contents->arena, SNAPSHOT_ARENA_CHUNK, EVAUTH_ARENA_BUDGET);
	arena_init(&contents->record, SNAPSHOT_ARENA_CHUNK, EVAUTH_ARENA_BUDGET);
	int result = snapshot_file_open(&file, in);
	if (result == 0)
		result = read_records(contents, &file);
	snapshot_file_close(&file);
	return result;
}

void snapshot_contents_finish(struct snapshot_contents *contents)
{
	arena_finish(&contents->arena);
	arena_finish(&contents->record);
}

const char *snapshot_contents_problem(int error)
{
	static const struct {
		int error;
		const char *text;
	} rows[] = {
		{-EPROTO, "it is no file of evauth snapshot"},
		{-ENOTSUP, "it was written by a later evauth; use that version"},
		{-ENODATA, "it is cut short: it was not written, or not copied, to its end"},
		{-EBADMSG, "it is damaged: its checksum or its contents are not what was written"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].error == error)
			return rows[i].text;
	return NULL;
}
