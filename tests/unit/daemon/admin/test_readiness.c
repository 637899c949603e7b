// SPDX-License-Identifier: Apache-2.0
#include "daemon/admin/readiness.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct figures figures;
static struct replication replication;
static struct text text;

static void setup(void)
{
	replication = (struct replication){.state = REPLICATION_STATE_FOLLOWING};
	figures = (struct figures){
		.phase = FIGURES_SERVING,
		.store = {.accepts_writes = true, .bytes_used = 10, .bytes_max = 1000, .revision = 7},
	};
	figures.store.objects[OBJECT_KIND_TARIFF] = 1;
}

static void teardown(void)
{
	text_finish(&text);
}

// "" when ready; else the text must name this reason.
static void expect(const char *code)
{
	char wanted[64];
	text_finish(&text);
	snprintf(wanted, sizeof(wanted), "\"code\":\"%s\"", code);
	ck_assert_int_eq(readiness_write(&figures, &text), code[0] == '\0');
	ck_assert_int_eq(readiness_is_ready(&figures), code[0] == '\0');
	if (code[0] != '\0')
		ck_assert_msg(strstr(text.data, wanted) != NULL, "%s", text.data);
}

START_TEST(who_serves_is_ready)
{
	expect("");
	ck_assert_str_eq(text.data, "{\"ready\":true,\"reasons\":[],\"revision\":7}\n");
	figures.replication = &replication;
	expect("");
}
END_TEST

START_TEST(who_loads_or_stops_is_alive_and_not_ready)
{
	figures = (struct figures){.phase = FIGURES_LOADING, .load_done = 3, .load_total = 9};
	expect("loading");
	ck_assert_ptr_nonnull(strstr(text.data, "\"records\":3,\"records_total\":9"));
	text_finish(&text);
	ck_assert(health_write(&figures, &text));
	figures.phase = FIGURES_STOPPING;
	figures.is_stuck = true; // nobody looks any more
	expect("stopping");
	ck_assert(health_write(&figures, &text));
}
END_TEST

START_TEST(who_is_stuck_is_neither_alive_nor_ready)
{
	figures.is_stuck = true;
	expect("stuck");
	text_finish(&text);
	ck_assert(!health_write(&figures, &text));
	ck_assert_ptr_nonnull(strstr(text.data, "\"alive\":false"));
}
END_TEST

START_TEST(a_store_that_takes_no_writes_is_full_or_failed)
{
	figures.store.accepts_writes = false;
	expect("store_failed");
	figures.store.bytes_used = 800;
	expect("store_full");
}
END_TEST

START_TEST(replication_has_its_reasons)
{
	figures.replication = &replication;
	replication.state = REPLICATION_STATE_DIVERGED;
	expect("diverged");
	replication.state = REPLICATION_STATE_STALLED;
	expect("stalled");
	replication.state = REPLICATION_STATE_CATCHING_UP;
	replication.stale_ms = 5;
	expect("");
	replication.stale_ms = UINT64_MAX;
	expect("behind");
	replication.state = REPLICATION_STATE_CONNECTING; // Redis is away: questions go on
	expect("");
	figures.store.objects[OBJECT_KIND_TARIFF] = 0; // but not without data
	expect("behind");
	figures.store.objects[OBJECT_KIND_TARIFF] = 1;
	figures.is_stale = true;
	expect("stale");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("readiness");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, who_serves_is_ready);
	tcase_add_test(tcase, who_loads_or_stops_is_alive_and_not_ready);
	tcase_add_test(tcase, who_is_stuck_is_neither_alive_nor_ready);
	tcase_add_test(tcase, a_store_that_takes_no_writes_is_full_or_failed);
	tcase_add_test(tcase, replication_has_its_reasons);
	Suite *suite = suite_create("daemon/admin/readiness");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
