// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_bars.h"

#include "bench/plot_axis.h"
#include "bench/plot_script.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *member, *title, *label;
} kinds[] = {
	[PLOT_BARS_RATIOS] = {"throughput_ratio", "evauthd's throughput over that of its peers",
			      "times the throughput, logarithmic"},
	[PLOT_BARS_PEERS] = {"per_second", "Throughput side by side", "decisions per second"},
};

static const double group_width = 0.8; // of the distance between two groups

const char *plot_bars_member(enum plot_bars_kind kind)
{
	return kinds[kind].member;
}

// ---------------------------------------------------------------- what there is

static uint32_t find_group(const struct plot_bars *bars, const char *group)
{
	uint32_t i = 0;
	while (i < bars->group_count && strcmp(bars->groups[i], group) != 0)
		i++;
	return i;
}

static uint32_t find_depth(const struct plot_bars *bars, uint32_t depth)
{
	uint32_t i = 0;
	while (i < bars->depth_count && bars->depths[i] != depth)
		i++;
	return i;
}

static void add_group(struct plot_bars *bars, const char *group)
{
	for (uint32_t i = 0; i < PLOT_BAR_DEPTHS_MAX; i++)
		bars->bars[bars->group_count][i].median = NAN;
	snprintf(bars->groups[bars->group_count++], PLOT_BAR_NAME_SIZE, "%s", group);
}

int plot_bars_add(struct plot_bars *bars, const char *group, uint32_t depth, const struct plot_bar *bar,
		  struct plot_error *error)
{
	const uint32_t g = find_group(bars, group), d = find_depth(bars, depth);
	if (strlen(group) >= PLOT_BAR_NAME_SIZE)
		return plot_fail(error, "%s: the name of the peer %s is too long", bars->name, group);
	if (g == PLOT_BAR_GROUPS_MAX || d == PLOT_BAR_DEPTHS_MAX)
		return plot_fail(error, "%s: more than %d peers or %d depths", bars->name, PLOT_BAR_GROUPS_MAX,
				 PLOT_BAR_DEPTHS_MAX);
	if (!(bar->min > 0 && bar->median >= bar->min && bar->max >= bar->median))
		return plot_fail(error, "%s: %s of %s at depth %u: 0 < min <= median <= max does not hold", bars->name,
				 plot_bars_member(bars->kind), group, depth);
	if (g == bars->group_count)
		add_group(bars, group);
	if (d == bars->depth_count)
		bars->depths[bars->depth_count++] = depth;
	if (!isnan(bars->bars[g][d].median))
		return plot_fail(error, "%s: %s at depth %u is there twice", bars->name, group, depth);
	bars->bars[g][d] = *bar;
	return 0;
}

int plot_bars_read(const char *name, enum plot_bars_kind kind, struct plot_bars *ret_bars, struct plot_error *error)
{
	char *text = NULL;
	size_t size = 0;
	*ret_bars = (struct plot_bars){.name = name, .kind = kind};
	int result = plot_file_read(name, &text, &size, error);
	if (result == 0)
		result = plot_bars_parse_json(ret_bars, text, size, error);
	free(text);
	return result;
}

// ---------------------------------------------------------------- the script

static void write_data(const struct plot_bars *bars, uint32_t depth, struct plot_range *range, FILE *script)
{
	char text[PLOT_NUMBER_SIZE];
	const double width = group_width / bars->depth_count;
	const double first = -group_width / 2 + width / 2;
	fprintf(script, "$depth%u << END\n", bars->depths[depth]);
	for (uint32_t group = 0; group < bars->group_count; group++) {
		const struct plot_bar *bar = &bars->bars[group][depth];
		if (isnan(bar->median))
			continue;
		plot_range_add(range, bar->min);
		plot_range_add(range, bar->max);
		fprintf(script, "%.9g %.9g %.9g %.9g %.9g %s\n", group + first + depth * width, bar->median, bar->min,
			bar->max, 0.92 * width, plot_rounded_text(bar->median, text));
	}
	fprintf(script, "END\n");
}

static void write_axes(const struct plot_bars *bars, struct plot_range *range, FILE *script)
{
	if (bars->kind == PLOT_BARS_RATIOS) {
		// 1 is where both are equal: always in sight.
		plot_range_add(range, 1);
		range->max *= 1.3; // room for the values above the bars
		plot_axis_logarithmic('y', range, plot_number_text, script);
		fprintf(script, "set arrow from graph 0, first 1 to graph 1, first 1 nohead linewidth 1.5 dashtype 2 "
				"linecolor rgb "
				"'#444444' back\n");
	} else {
		plot_axis_linear('y', range, script);
	}
	fprintf(script, "set xrange [-0.6:%.9g]\nset xtics (", bars->group_count - 0.4);
	for (uint32_t i = 0; i < bars->group_count; i++) {
		fprintf(script, "%s", i == 0 ? "" : ", ");
		plot_script_text(bars->groups[i], script);
		fprintf(script, " %u", i);
	}
	fprintf(script, ") scale 0\nset grid noxtics\n");
}

void plot_bars_write(const struct plot_bars *bars, const char *title, FILE *script)
{
	struct plot_range range = {0};
	plot_script_begin(title ? title : kinds[bars->kind].title, "", kinds[bars->kind].label, script);
	fprintf(script, "set key outside right center Left reverse samplen 1 spacing 1.2\n"
			"set style fill solid 0.85 noborder\n");
	for (uint32_t i = 0; i < bars->depth_count; i++)
		write_data(bars, i, &range, script);
	write_axes(bars, &range, script);
	for (uint32_t i = 0; i < bars->depth_count; i++) {
		const uint32_t depth = bars->depths[i];
		fprintf(script, "%s$depth%u using 1:2:5 with boxes linecolor rgb '%s' title 'depth %u'",
			i == 0 ? "plot " : ", \\\n     ", depth, plot_script_colour(i), depth);
		fprintf(script,
			", \\\n     $depth%u using 1:3:(0):($4-$3) with vectors nohead linewidth 1.2 linecolor rgb "
			"'#333333' notitle",
			depth);
		fprintf(script, ", \\\n     $depth%u using 1:4:6 with labels offset 0,0.6 font ',11' notitle", depth);
	}
	fprintf(script, "\n");
}
