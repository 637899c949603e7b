// SPDX-License-Identifier: Apache-2.0
// evauthd's decision in PostgreSQL: a prepared statement over indexed tables. libpq connects and prepares; then the
// client loop of every comparison has the socket and sends Bind, Execute and Sync (the frontend/backend protocol 3.0).
#pragma once

#include "bench/load.h"
#include "bench/questions.h"

enum { POSTGRES_STATUS_ERROR = 2 }; // how an ErrorResponse counts: gRPC's UNKNOWN

// The statement; parameters: uid, token type, issuer, charge point id, EVSE id, unix seconds. One row of one column.
extern const char postgres_statement[];

// An answer ends with ReadyForQuery; its body is the one column of the row. The server's name is a connection string of
// libpq. is_right is NULL: whoever uses it says what is right.
extern const struct load_protocol protocol_postgres;

// For struct brief_options; `now` is an int64_t, the time of every decision.
size_t postgres_encode(const struct question *question, const void *now, char *frame);
