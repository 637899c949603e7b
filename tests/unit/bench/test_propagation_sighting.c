// SPDX-License-Identifier: Apache-2.0
#include "bench/propagation_sighting.h"

#include "base/check.h"
#include "tests/unit/unit.h"

// A change sent at 1000 and acknowledged at 2000 as revision 7.
static const struct sighting_change change = {.sent_ns = 1000, .acknowledged_ns = 2000, .revision = 7};

static const struct row {
	const char *name;
	struct sight sights[4];
	uint64_t visible_ns;
	bool is_settled;
	enum sighting_verdict verdict, verdict_elsewhere; // on the same daemon, on another one
} rows[] = {
	{"nothing", {{0}}, 0, false, SIGHTING_RIGHT, SIGHTING_RIGHT},
	{"old, then new before the acknowledgement",
	 {{false, 900, 1100, 6}, {true, 1100, 1300, 7}},
	 1300,
	 false,
	 SIGHTING_RIGHT,
	 SIGHTING_RIGHT},
	{"and once more after it",
	 {{false, 900, 1100, 6}, {true, 1100, 1300, 7}, {true, 2001, 2200, 8}},
	 1300,
	 true,
	 SIGHTING_RIGHT,
	 SIGHTING_RIGHT},
	{"an old answer that comes late to a request sent before",
	 {{false, 2000, 5000, 6}, {true, 5000, 5100, 7}},
	 5100,
	 true,
	 SIGHTING_RIGHT,
	 SIGHTING_RIGHT},
	{"an old answer to a request sent after the acknowledgement",
	 {{false, 2001, 2100, 6}, {true, 2100, 2200, 7}},
	 2200,
	 true,
	 SIGHTING_STALE,
	 SIGHTING_RIGHT},
	{"new, then old again: not visible before it stays",
	 {{true, 1100, 1300, 7}, {false, 1300, 1400, 6}, {true, 2100, 2300, 7}},
	 2300,
	 true,
	 SIGHTING_RIGHT,
	 SIGHTING_RIGHT},
	{"old again at the end",
	 {{true, 2100, 2300, 7}, {false, 2300, 2400, 6}},
	 0,
	 false,
	 SIGHTING_STALE,
	 SIGHTING_RIGHT},
	{"the old state under the new revision",
	 {{false, 900, 1100, 7}, {true, 2100, 2300, 7}},
	 2300,
	 true,
	 SIGHTING_CONTRADICTS,
	 SIGHTING_CONTRADICTS},
	{"the new state under an old revision",
	 {{true, 1100, 1300, 6}, {true, 2100, 2300, 7}},
	 1300,
	 true,
	 SIGHTING_CONTRADICTS,
	 SIGHTING_CONTRADICTS},
};

START_TEST(sightings_are_judged_by_when_the_requests_were_sent)
{
	const struct row *row = &rows[_i];
	struct sighting sighting = {0};
	for (size_t i = 0; i < ARRAY_SIZE(row->sights) && row->sights[i].sent_ns != 0; i++)
		sighting_add(&sighting, &row->sights[i]);
	ck_assert_msg(sighting.visible_ns == row->visible_ns, "%s", row->name);
	ck_assert_msg(sighting_is_settled(&sighting, change.acknowledged_ns) == row->is_settled, "%s", row->name);
	ck_assert_msg(sighting_judge(&sighting, &change, true) == row->verdict, "%s", row->name);
	ck_assert_msg(sighting_judge(&sighting, &change, false) == row->verdict_elsewhere, "%s", row->name);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/propagation_sighting");
	TCase *tcase = tcase_create("sighting");
	tcase_add_loop_test(tcase, sightings_are_judged_by_when_the_requests_were_sent, 0, (int)ARRAY_SIZE(rows));
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
