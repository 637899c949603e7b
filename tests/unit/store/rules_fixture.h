// SPDX-License-Identifier: Apache-2.0
// A state for the change rules to work on: a database in a temporary directory and two images, without the writer
// thread. Everything that fails without being asked to fails the test. After every commit both images must be equal;
// when the fixture is closed, the index built from the database must be the one the rules left.
#pragma once

#include "proto/schema.h"
#include "store/rules.h"
#include "tests/unit/store/temporary.h"

struct rules_fixture {
	struct temporary directory;
	struct db *db;
	struct db_read *read;
	struct strings *strings;
	struct image_edit *edit;
	struct image images[2];
	int active; // the index of the image that is as the database
	struct arena arena;
	struct arena response_arena; // reset by the next set
	struct arena json_arena;     // of rules_fixture_parse()
	struct rules_commit commit;
	struct apply_response response; // of the last set that was accepted
	struct fault fault;             // of the last set
};

void rules_fixture_open(struct rules_fixture *fixture);
void rules_fixture_close(struct rules_fixture *fixture);

// The state after the last commit.
const struct image *rules_fixture_image(const struct rules_fixture *fixture);
uint64_t rules_fixture_revision(const struct rules_fixture *fixture);

// One commit: begin, any number of sets, then end. It is given up when no set was accepted.
void rules_fixture_begin(struct rules_fixture *fixture);
int rules_fixture_try(struct rules_fixture *fixture, const struct change_set *set);
void rules_fixture_end(struct rules_fixture *fixture);
// All of that for one set.
int rules_fixture_apply(struct rules_fixture *fixture, const struct change_set *set);

// A change set from JSON with ' for ", such as "{'changes':[{'put_customer':{'id':'c'}}]}"; it lives until the
// fixture is closed.
struct change_set *rules_fixture_parse(struct rules_fixture *fixture, const char *json);

// Changes, without the brackets around them: "{'put_customer':{'id':'c'}},{'delete_tariff':{'id':'t'}}".
// Applies them as one set, which must be accepted.
void rules_fixture_accept(struct rules_fixture *fixture, const char *changes);
// Applies them as one set, which must be refused: with this code, field and a message that has these words.
void rules_fixture_refuse(struct rules_fixture *fixture, enum status_code code, const char *field, const char *words,
			  const char *changes);
// rules_check_change() of one change must refuse it so.
void rules_fixture_refuse_check(struct rules_fixture *fixture, enum status_code code, const char *field,
				const char *change);
void rules_fixture_accept_check(struct rules_fixture *fixture, const char *change);

// The object stored under `key` as JSON with ' for ", "" for none; and the revision of its last change. Until the next
// call.
const char *rules_fixture_stored(struct rules_fixture *fixture, enum db_table table, struct bytes key);
uint64_t rules_fixture_modified(struct rules_fixture *fixture, enum db_table table, struct bytes key);
