// SPDX-License-Identifier: Apache-2.0
#include "bench/protocol_postgres.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <unistd.h>

#define STATEMENT_NAME "decide"

enum { TAG_SIZE = 1, LENGTH_SIZE = 4, PARAMETERS = 6 };

// The numbers are the lines of the decision table, DESIGN 1.2. Parameters have the types of what they are compared
// with.
const char postgres_statement[] =
	"SELECT coalesce((SELECT CASE"
	// 3, 4: nobody known
	" WHEN t.uid IS NULL AND NOT g.open_to_roaming THEN 'DENIED'"
	" WHEN t.uid IS NULL AND $2::smallint = 3 AND $3::text = ''"
	"  AND NOT EXISTS (SELECT FROM token WHERE uid = upper($1::text))"
	"  THEN 'ALLOWED ' || coalesce(g.prepaid_tariff, g.tariff)"
	" WHEN t.uid IS NULL THEN 'ASK_ISSUER ' || g.tariff"
	// 17-22: a foreign token
	" WHEN t.customer_id IS NULL AND NOT g.open_to_roaming THEN 'DENIED'"
	" WHEN t.customer_id IS NULL AND t.whitelist IN (1, 2) AND t.valid THEN 'ALLOWED ' || g.tariff"
	" WHEN t.customer_id IS NULL AND t.whitelist = 1 THEN 'DENIED'"
	" WHEN t.customer_id IS NULL THEN 'ASK_ISSUER ' || g.tariff"
	// 5-16: an own one
	" WHEN NOT t.valid OR c.blocked OR c.no_credit THEN 'DENIED'"
	" WHEN m.customer_id IS NULL AND c.user_group = g.user_group AND NOT g.open_to_all AND NOT g.open_to_roaming"
	"  THEN 'DENIED'"
	" WHEN m.customer_id IS NULL AND c.user_group <> g.user_group AND NOT (g.open_to_roaming AND t.roaming)"
	"  THEN 'DENIED'"
	" ELSE 'ALLOWED ' || coalesce(m.tariff, CASE WHEN c.prepaid THEN g.prepaid_tariff END, g.tariff) END"
	" FROM charge_point p JOIN charge_group g ON g.id = p.group_id"
	" LEFT JOIN LATERAL (SELECT *, NOT blocked AND (valid_from IS NULL OR $6::bigint >= valid_from)"
	"   AND (valid_until IS NULL OR $6::bigint < valid_until) AS valid"
	"  FROM token WHERE uid = upper($1::text) AND ($2::smallint = 0 OR type = $2::smallint)"
	"   AND ($3::text = '' OR issuer = $3::text) ORDER BY uid, issuer, type LIMIT 1) t ON true"
	" LEFT JOIN customer c ON c.id = t.customer_id"
	" LEFT JOIN membership m ON m.group_id = g.id AND m.customer_id = t.customer_id"
	" WHERE p.id = CASE WHEN $5::text = '' THEN $4::text ELSE (SELECT point_id FROM evse WHERE id = $5::text) END"
	"  AND ($4::text = '' OR p.id = $4::text)), 'DENIED')"; // 1, 2: no such point, or in no group

// ---------------------------------------------------------------- reading answers

static uint32_t read_u32(const char *at)
{
	uint32_t wire;
	memcpy(&wire, at, sizeof(wire));
	return ntohl(wire);
}

// A row of one column that is not NULL: columns (2), its size (4), its bytes.
static int read_row(struct bytes row, struct bytes *ret_value)
{
	enum { VALUE_OFFSET = 6 };
	if (row.size < VALUE_OFFSET || row.data[0] != 0 || row.data[1] != 1 ||
	    read_u32(row.data + 2) != row.size - VALUE_OFFSET)
		return -EBADMSG;
	*ret_value = (struct bytes){.data = row.data + VALUE_OFFSET, .size = row.size - VALUE_OFFSET};
	return 0;
}

static int read_message(char tag, struct bytes content, struct load_answer *answer)
{
	switch (tag) {
	case 'D': // DataRow
		return read_row(content, &answer->body);
	case 'E': // ErrorResponse
		answer->status = POSTGRES_STATUS_ERROR;
		answer->body = content;
		return 0;
	case '2': // BindComplete
	case 'C': // CommandComplete
	case 'N': // NoticeResponse
	case 'S': // ParameterStatus
	case 'Z': // ReadyForQuery
		return 0;
	default:
		return -EBADMSG;
	}
}

static ssize_t parse(const char *data, size_t size, struct load_answer *ret_answer)
{
	struct load_answer answer = {0};
	size_t used = 0;
	char tag = '\0';
	while (tag != 'Z') {
		if (size - used < TAG_SIZE + LENGTH_SIZE)
			return 0;
		const char *message = data + used;
		const uint32_t length = read_u32(message + TAG_SIZE); // its own four bytes included
		tag = message[0];
		if (length < LENGTH_SIZE || length > LOAD_ANSWER_SIZE_MAX)
			return -EBADMSG;
		if (size - used < TAG_SIZE + (size_t)length)
			return 0;
		const struct bytes content = {message + TAG_SIZE + LENGTH_SIZE, length - LENGTH_SIZE};
		if (read_message(tag, content, &answer) < 0)
			return -EBADMSG;
		used += TAG_SIZE + length;
	}
	*ret_answer = answer;
	return (ssize_t)used;
}

// ---------------------------------------------------------------- connections

// libpq's socket for ourselves. libpq keeps a dead end in its place, into which it says good-bye when it is closed: the
// session goes on.
static int take_socket(PGconn *connection)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC), socket = PQsocket(connection);
	const int ours = null < 0 ? -1 : fcntl(socket, F_DUPFD_CLOEXEC, 0);
	const int error = ours < 0 || dup3(null, socket, O_CLOEXEC) < 0 ? -errno : 0;
	if (null >= 0)
		close(null);
	if (error < 0 && ours >= 0)
		close(ours);
	return error < 0 ? error : ours;
}

static int connect_prepared(const char *server, int *ret_fd)
{
	PGconn *connection = PQconnectdb(server);
	int error = -ECONNREFUSED;
	if (connection && PQstatus(connection) == CONNECTION_OK) {
		PGresult *result = PQprepare(connection, STATEMENT_NAME, postgres_statement, PARAMETERS, NULL);
		error = PQresultStatus(result) == PGRES_COMMAND_OK ? take_socket(connection) : -EPROTO;
		PQclear(result);
	}
	PQfinish(connection);
	if (error < 0)
		return error;
	*ret_fd = error;
	return 0;
}

const struct load_protocol protocol_postgres = {.parse = parse, .connect = connect_prepared};

// ---------------------------------------------------------------- making requests

static char *put_u16(char *at, uint16_t number)
{
	const uint16_t wire = htons(number);
	return mempcpy(at, &wire, sizeof(wire));
}

static char *put_u32(char *at, uint32_t number)
{
	const uint32_t wire = htonl(number);
	return mempcpy(at, &wire, sizeof(wire));
}

static char *put_text(char *at, struct bytes text)
{
	at = put_u32(at, (uint32_t)text.size);
	return mempcpy(at, text.data ? text.data : "", text.size);
}

// Writes the length of the message whose tag is at `message`.
static void end_message(char *message, const char *end)
{
	put_u32(message + TAG_SIZE, (uint32_t)(end - message) - TAG_SIZE);
}

static char *put_bind(char *message, const struct bytes *parameters)
{
	static const char opening[] = "B\0\0\0\0\0" STATEMENT_NAME; // the length comes later; the unnamed portal
	char *at = mempcpy(message, opening, sizeof(opening));
	at = put_u16(at, 0); // parameters are texts
	at = put_u16(at, PARAMETERS);
	for (int i = 0; i < PARAMETERS; i++)
		at = put_text(at, parameters[i]);
	at = put_u16(at, 0); // as are results
	end_message(message, at);
	return at;
}

size_t postgres_encode(const struct question *question, const void *now, char *frame)
{
	static const char execute_and_sync[] = "E\0\0\0\x09\0\0\0\0\0S\0\0\0"; // all rows of the unnamed portal
	const struct authorize_request *request = &question->request;
	char type[16], issuer[32] = "", now_text[24];
	snprintf(type, sizeof(type), "%d", (int)request->token_type);
	snprintf(now_text, sizeof(now_text), "%" PRId64, *(const int64_t *)now);
	if (request->issuer)
		snprintf(issuer, sizeof(issuer), "%.*s*%.*s", BYTES_ARG(request->issuer->country_code),
			 BYTES_ARG(request->issuer->party_id));
	const struct bytes parameters[PARAMETERS] = {
		request->token_uid,       bytes_from(type), bytes_from(issuer),
		request->charge_point_id, request->evse_id, bytes_from(now_text),
	};
	char *at = put_bind(frame, parameters);
	at = mempcpy(at, execute_and_sync, sizeof(execute_and_sync) - 1);
	*at++ = 4;
	return (size_t)(at - frame);
}
