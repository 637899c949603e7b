// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_bars.h"

#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

static struct plot_bars bars;
static struct plot_error error;
static char script[16 * 1024];

static int parse(enum plot_bars_kind kind, const char *text)
{
	bars = (struct plot_bars){.name = "in", .kind = kind};
	return plot_bars_parse_json(&bars, text, strlen(text), &error);
}

static void assert_has(const char *part)
{
	ck_assert_msg(strstr(script, part) != NULL, "'%s' is missing in:\n%s", part, script);
}

static void write_bars(const char *title)
{
	FILE *stream = fmemopen(script, sizeof(script), "w");
	plot_bars_write(&bars, title, stream);
	fclose(stream);
}

static const char *const report =
	"{\"cores\":2,\"runs\":["
	"{\"peer\":\"evauthd\",\"depth\":1,\"per_second\":{\"min\":1,\"median\":2,\"max\":3}},"
	"{\"peer\":\"get\",\"depth\":1,\"per_second\":{\"min\":10,\"median\":20,\"max\":30},"
	"\"throughput_ratio\":{\"min\":0.5,\"median\":0.75,\"max\":1.5}},"
	"{\"peer\":\"evauthd\",\"depth\":16,\"per_second\":{\"min\":1,\"median\":2,\"max\":12345}},"
	"{\"peer\":\"get\",\"depth\":16,\"per_second\":{\"min\":1,\"median\":2,\"max\":3},"
	"\"throughput_ratio\":{\"min\":2,\"median\":2.345,\"max\":3}}]}";

START_TEST(ratios_are_of_the_peers_only)
{
	ck_assert_msg(parse(PLOT_BARS_RATIOS, report) == 0, "%s", error.text);
	ck_assert_uint_eq(bars.group_count, 1);
	ck_assert_str_eq(bars.groups[0], "get");
	ck_assert_uint_eq(bars.depth_count, 2);
	ck_assert_double_eq(bars.bars[0][1].median, 2.345);
	write_bars(NULL);
	assert_has("set title 'evauthd''s throughput over that of its peers'");
	assert_has("$depth1 << END\n-0.2 0.75 0.5 1.5 0.368 0.75\nEND\n");
	assert_has("$depth16 << END\n0.2 2.345 2 3 0.368 2.35\nEND\n");
	assert_has("set logscale y 10\nset yrange [0.5:5]\n");
	assert_has("set xtics ('get' 0) scale 0\n");
	assert_has("title 'depth 16'");
}
END_TEST

START_TEST(throughput_is_everybodys)
{
	ck_assert_int_eq(parse(PLOT_BARS_PEERS, report), 0);
	ck_assert_uint_eq(bars.group_count, 2);
	write_bars("Tom's");
	assert_has("set title 'Tom''s'");
	assert_has("$depth1 << END\n-0.2 2 1 3 0.368 2.00\n0.8 20 10 30 0.368 20.0\nEND\n");
	assert_has("set yrange [0:14000]\n");
	assert_has("set xtics ('evauthd' 0, 'get' 1) scale 0\n");
}
END_TEST

START_TEST(a_run_that_is_missing_has_no_bar)
{
	ck_assert_int_eq(
		parse(PLOT_BARS_PEERS,
		      "{\"runs\":[{\"peer\":\"a\",\"depth\":1,\"per_second\":{\"min\":1,\"median\":1,\"max\":1}},"
		      "{\"peer\":\"b\",\"depth\":2,\"per_second\":{\"min\":1,\"median\":1,\"max\":1}}]}"),
		0);
	ck_assert(isnan(bars.bars[0][1].median));
	ck_assert(isnan(bars.bars[1][0].median));
	write_bars(NULL);
	assert_has("$depth1 << END\n-0.2 1 1 1 0.368 1.00\nEND\n");
}
END_TEST

#define SPREAD "\"per_second\":{\"min\":1,\"median\":2,\"max\":3}"

static const struct bad {
	const char *text, *error;
} bad[] = {
	{"{\"runs\":[]}", "in: no report of compare --json: no runs with per_second"},
	{"{\"runs\":7}", "in: no report of compare --json: no runs with per_second"},
	{"[]", "in: no report of compare --json: no runs with per_second"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":1}]}", "in: no report of compare --json: no runs with per_second"},
	{"{\"runs\":\n[}", "in:2:2: unexpected token near '}'"},
	{"{\"runs\":[{\"depth\":1," SPREAD "}]}", "in: run 1: no peer and depth"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":0," SPREAD "}]}", "in: run 1: no peer and depth"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":1," SPREAD "},{\"peer\":\"a\",\"depth\":2,\"per_second\":7}]}",
	 "in: run 2: per_second has no min, median and max"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":2,\"per_second\":{\"min\":1,\"median\":\"2\",\"max\":3}}]}",
	 "in: run 1: per_second has no min, median and max"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":2,\"per_second\":{\"min\":0,\"median\":2,\"max\":3}}]}",
	 "in: per_second of a at depth 2: 0 < min <= median <= max does not hold"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":2,\"per_second\":{\"min\":1,\"median\":4,\"max\":3}}]}",
	 "in: per_second of a at depth 2: 0 < min <= median <= max does not hold"},
	{"{\"runs\":[{\"peer\":\"a\",\"depth\":1," SPREAD "},{\"peer\":\"a\",\"depth\":1," SPREAD "}]}",
	 "in: a at depth 1 is there twice"},
	{"{\"runs\":[{\"peer\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"depth\":1," SPREAD "}]}",
	 "in: the name of the peer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa is too long"},
};

START_TEST(bad_reports_are_refused)
{
	ck_assert_int_lt(parse(PLOT_BARS_PEERS, bad[_i].text), 0);
	ck_assert_str_eq(error.text, bad[_i].error);
}
END_TEST

START_TEST(peers_and_depths_have_their_limits)
{
	const struct plot_bar bar = {1, 1, 1};
	char group[] = "a";
	bars = (struct plot_bars){.name = "in"};
	for (int i = 0; i < PLOT_BAR_GROUPS_MAX; i++) {
		group[0] = (char)('a' + i);
		ck_assert_int_eq(plot_bars_add(&bars, group, 1, &bar, &error), 0);
	}
	ck_assert_int_lt(plot_bars_add(&bars, "z", 1, &bar, &error), 0);
	for (uint32_t depth = 2; depth <= PLOT_BAR_DEPTHS_MAX; depth++)
		ck_assert_int_eq(plot_bars_add(&bars, "a", depth, &bar, &error), 0);
	ck_assert_int_lt(plot_bars_add(&bars, "a", 100, &bar, &error), 0);
	ck_assert_str_eq(error.text, "in: more than 16 peers or 8 depths");
	write_bars(NULL);
	assert_has("$depth8 << END\n0.35 1 1 1 0.092 1.00\nEND\n");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
	ck_assert_int_lt(plot_bars_read("/nowhere/at/all", PLOT_BARS_PEERS, &bars, &error), 0);
	ck_assert_str_eq(error.text, "/nowhere/at/all: No such file or directory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bench/plot_bars");
	TCase *tcase = tcase_create("bars");
	tcase_add_test(tcase, ratios_are_of_the_peers_only);
	tcase_add_test(tcase, throughput_is_everybodys);
	tcase_add_test(tcase, a_run_that_is_missing_has_no_bar);
	tcase_add_loop_test(tcase, bad_reports_are_refused, 0, (int)ARRAY_SIZE(bad));
	tcase_add_test(tcase, peers_and_depths_have_their_limits);
	tcase_add_test(tcase, a_file_that_is_not_there_is_named);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
