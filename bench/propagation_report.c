// SPDX-License-Identifier: Apache-2.0
#include "bench/propagation_report.h"

#include <inttypes.h>
#include <stdlib.h>

struct row {
	const char *text, *json;
	const struct propagation_times *times;
};

enum { ROWS = 3 };

static int compare_times(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return (left > right) - (left < right);
}

static void get_rows(const struct propagation_result *result, struct row rows[ROWS])
{
	rows[0] = (struct row){"sent to acknowledged", "sent_to_acknowledged_us", &result->sent_to_acknowledged};
	rows[1] = (struct row){"sent to visible", "sent_to_visible_us", &result->sent_to_visible};
	rows[2] =
		(struct row){"acknowledged to visible", "acknowledged_to_visible_us", &result->acknowledged_to_visible};
	for (int i = 0; i < ROWS; i++) {
		if (rows[i].times->count > 0)
			qsort(rows[i].times->ns, rows[i].times->count, sizeof(int64_t), compare_times);
	}
}

// The smallest time that at least percent/100 of all do not exceed.
static double quantile_us(const struct propagation_times *times, size_t percent)
{
	if (times->count == 0)
		return 0;
	const size_t rank = (times->count * percent + 99) / 100;
	return (double)times->ns[rank - 1] / 1e3;
}

void propagation_report_text(const struct propagation_options *options, struct propagation_result *result, FILE *stream)
{
	struct row rows[ROWS];
	get_rows(result, rows);
	fprintf(stream, "%u changes, one at a time, %u pollers, %" PRIu64 " answers looked at\n", result->count,
		options->pollers, result->answers);
	for (int i = 0; i < ROWS; i++)
		fprintf(stream, "%-24s p50 %.1f us, p99 %.1f us, max %.1f us\n", rows[i].text,
			quantile_us(rows[i].times, 50), quantile_us(rows[i].times, 99),
			quantile_us(rows[i].times, 100));
}

void propagation_report_json(const struct propagation_options *options, struct propagation_result *result, FILE *stream)
{
	struct row rows[ROWS];
	get_rows(result, rows);
	fprintf(stream, "{\"changes\":%u,\"pollers\":%u,\"answers\":%" PRIu64, result->count, options->pollers,
		result->answers);
	for (int i = 0; i < ROWS; i++)
		fprintf(stream, ",\"%s\":{\"count\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f}", rows[i].json,
			rows[i].times->count, quantile_us(rows[i].times, 50), quantile_us(rows[i].times, 99),
			quantile_us(rows[i].times, 100));
	fprintf(stream, ",\"stale\":%" PRIu64 ",\"wrong\":%s}\n", result->stale, result->is_wrong ? "true" : "false");
}
