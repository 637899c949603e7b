// SPDX-License-Identifier: Apache-2.0
#include "store/audit.h"

#include "store/audit_index.h"
#include "store/digest.h"
#include "store/key.h"
#include "store/store_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	PIECE_RECORDS = 1024, // compared with the index while the writer waits
	PROBLEM_SIZE = 200,
	KEY_SHOWN_MAX = 80,
	ARENA_CHUNK = 64 * 1024,
	ARENA_BUDGET = 4 * 1024 * 1024, // of one record
};

struct audit {
	struct store *store;
	struct db_read *read;
	struct arena *arena;  // of the response
	struct arena scratch; // of a record
	struct check_response *response;
};

// ---------------------------------------------------------------- problems

static PRINTF_LIKE(2, 3) int note(struct audit *audit, const char *format, ...)
{
	char text[PROBLEM_SIZE];
	va_list arguments;
	struct check_response *response = audit->response;
	if (response->problems_total++ >= AUDIT_PROBLEMS_MAX)
		return 0;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	const struct bytes copy = arena_copy(audit->arena, bytes_from(text));
	if (copy.data == NULL)
		return -ENOMEM;
	response->problems[response->problems_count++] = copy;
	return 0;
}

// Tokens are not named, and neither is what may hold one; bytes that are no text are shown as dots.
static const char *show_key(enum db_table table, struct bytes key, char text[KEY_SHOWN_MAX + 1])
{
	size_t size = key.size < KEY_SHOWN_MAX ? key.size : KEY_SHOWN_MAX;
	if (!db_is_object_table(table) || table == DB_TOKENS)
		size = 0;
	for (size_t i = 0; i < size; i++)
		text[i] = isprint((unsigned char)key.data[i]) ? key.data[i] : '.';
	text[size] = '\0';
	return text;
}

static int note_record(struct audit *audit, enum db_table table, struct bytes key, const char *problem)
{
	char shown[KEY_SHOWN_MAX + 1];
	show_key(table, key, shown);
	return note(audit, "table %s, %s%s: %s", db_table_name(table), shown[0] ? "record " : "a record", shown,
		    problem);
}

static bool is_enough(const struct audit *audit)
{
	return audit->response->problems_total >= AUDIT_PROBLEMS_ENOUGH;
}

// ---------------------------------------------------------------- pages

static int check_pages(struct store *store, void *argument)
{
	struct audit *audit = argument;
	struct fault fault = {0};
	const int result = db_check_pages(store->db, &fault);
	if (result == 0 || result == -ENOMEM)
		return result;
	return note(audit, "%s", fault.message);
}

// ---------------------------------------------------------------- records and digest

static int read_table(struct audit *audit, enum db_table table, struct digest *digest)
{
	struct db_record row = {0};
	int result = db_seek(audit->read, table, (struct bytes){0}, &row);
	while ((result == 0 || result == -EBADMSG) && !is_enough(audit)) {
		audit->response->records++;
		if (result == 0 && db_is_object_table(table))
			digest_add(digest, table, &row);
		if (result != 0 && note_record(audit, table, row.key, "its checksum is wrong") != 0)
			return -ENOMEM;
		result = db_next(audit->read, table, &row);
	}
	return result == -ENOENT || result == -EBADMSG ? 0 : result;
}

static int compare_digest(struct audit *audit, const struct digest *computed)
{
	struct digest kept;
	char text[ID128_TEXT_SIZE + 1];
	const int result = db_read_digest(audit->read, &kept);
	if (result != 0)
		return note(audit, "the record of the digest cannot be read");
	const struct id128 id = digest_id(computed);
	id128_format(&id, text);
	audit->response->digest = arena_copy(audit->arena, (struct bytes){.data = text, .size = ID128_TEXT_SIZE});
	if (audit->response->digest.data == NULL)
		return -ENOMEM;
	if (kept.low == computed->low && kept.high == computed->high)
		return 0;
	return note(audit, "the digest of the records is not the one that is kept");
}

static int read_records(struct audit *audit)
{
	struct digest digest = {0};
	int result = db_read_start(audit->read, &audit->response->revision);
	for (int i = 0; result == 0 && i < DB_TABLES; i++)
		result = read_table(audit, (enum db_table)i, &digest);
	if (result == 0 && !is_enough(audit))
		result = compare_digest(audit, &digest);
	db_read_stop(audit->read);
	return result;
}

// ---------------------------------------------------------------- the index

// A piece of a table, on the writer thread: index and records are of one revision there.
struct piece {
	struct audit *audit;
	enum db_table table;
	struct db_key from;
	bool is_over;
};

static int compare_row(struct piece *piece, const struct image *image, const struct db_record *row)
{
	struct audit *audit = piece->audit;
	const char *problem = NULL;
	arena_reset(&audit->scratch);
	const int result = audit_compare(image, piece->table, row, &audit->scratch, &problem);
	if (result != 0)
		return result;
	audit->response->objects++;
	return problem != NULL ? note_record(audit, piece->table, row->key, problem) : 0;
}

static int compare_rows(struct piece *piece, const struct image *image)
{
	struct db_record row;
	size_t count = 0;
	int result = db_seek(piece->audit->read, piece->table, db_key_bytes(&piece->from), &row);
	for (; result == 0 || result == -EBADMSG; result = db_next(piece->audit->read, piece->table, &row)) {
		if (result == 0 && count++ == PIECE_RECORDS) {
			memcpy(piece->from.data, row.key.data, row.key.size);
			piece->from.size = row.key.size;
			return 0;
		}
		// A damaged record was told of already.
		const int error = result == 0 ? compare_row(piece, image, &row) : 0;
		if (error != 0 || is_enough(piece->audit))
			return error;
	}
	piece->is_over = true;
	return result == -ENOENT ? 0 : result;
}

static int compare_piece(struct store *store, void *argument)
{
	struct piece *piece = argument;
	uint64_t revision;
	int result = db_read_start(piece->audit->read, &revision);
	if (result != 0)
		return result;
	result = compare_rows(piece, store_other_image(store, store->standby));
	db_read_stop(piece->audit->read);
	return result;
}

static int compare_counts(struct store *store, void *argument)
{
	struct audit *audit = argument;
	const struct image *image = store_other_image(store, store->standby);
	uint64_t revision, count, indexed;
	int result = db_read_start(audit->read, &revision);
	if (result != 0)
		return result;
	for (int i = 0; result == 0 && i < DB_TABLES; i++) {
		if (!db_is_object_table((enum db_table)i))
			continue;
		result = db_count(audit->read, (enum db_table)i, &count);
		indexed = audit_count(image, (enum db_table)i);
		if (result == 0 && count != indexed)
			result = note(audit, "table %s has %llu records, and the index %llu of them",
				      db_table_name((enum db_table)i), (unsigned long long)count,
				      (unsigned long long)indexed);
	}
	if (result == 0 && image->revision != revision)
		result = note(audit, "the index is at revision %llu, the records at %llu",
			      (unsigned long long)image->revision, (unsigned long long)revision);
	db_read_stop(audit->read);
	return result;
}

static int compare_index(struct audit *audit)
{
	int result = store_call(audit->store, compare_counts, audit);
	for (int i = 0; result == 0 && i < DB_TABLES; i++) {
		struct piece piece = {.audit = audit, .table = (enum db_table)i};
		while (result == 0 && db_is_object_table(piece.table) && !piece.is_over && !is_enough(audit))
			result = store_call(audit->store, compare_piece, &piece);
	}
	return result;
}

// ---------------------------------------------------------------- all of it

static int run(struct audit *audit)
{
	int result = store_call(audit->store, check_pages, audit);
	if (result == 0 && audit->response->problems_total == 0) // LMDB must not be let near broken pages
		result = read_records(audit);
	if (result == 0 && !is_enough(audit))
		result = compare_index(audit);
	return result;
}

int store_audit(struct store *store, struct arena *arena, struct check_response *ret_response)
{
	struct check_response response = {0};
	struct audit audit = {.store = store, .arena = arena, .response = &response};
	response.problems = arena_calloc(arena, AUDIT_PROBLEMS_MAX, sizeof(*response.problems));
	if (response.problems == NULL)
		return -ENOMEM;
	int result = db_read_create(store->db, &audit.read);
	if (result != 0)
		return result;
	arena_init(&audit.scratch, ARENA_CHUNK, ARENA_BUDGET);
	result = run(&audit);
	arena_finish(&audit.scratch);
	db_read_destroy(audit.read);
	if (result == 0)
		*ret_response = response;
	return result;
}
