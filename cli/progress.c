// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include "base/clock.h"
#include "cli/words.h"

#include <unistd.h>

enum { PROGRESS_INTERVAL_MS = 100, PROGRESS_BAR_WIDTH = 30 };

void progress_init(struct progress *progress, FILE *out, bool quiet, const char *unit)
{
	const bool is_terminal = fileno(out) >= 0 && isatty(fileno(out));
	*progress = (struct progress){.out = is_terminal && !quiet ? out : NULL, .unit = unit};
	progress->started_ms = progress->shown_ms = clock_monotonic_ms();
}

double progress_seconds(const struct progress *progress)
{
	return (double)(clock_monotonic_ms() - progress->started_ms) / 1000;
}

void progress_format(char *text, size_t size, uint64_t count, const char *unit, double seconds, double share)
{
	char count_text[WORDS_SIZE], rate_text[WORDS_SIZE], bar[PROGRESS_BAR_WIDTH + 1];
	const double rate = seconds > 0 ? (double)count / seconds : 0;
	words_count(count, count_text);
	words_count((uint64_t)rate, rate_text);
	if (share <= 0) {
		snprintf(text, size, "%s %s, %s/s", count_text, unit, rate_text);
		return;
	}
	for (int i = 0; i < PROGRESS_BAR_WIDTH; i++)
		bar[i] = i < share * PROGRESS_BAR_WIDTH ? '#' : '.';
	bar[PROGRESS_BAR_WIDTH] = '\0';
	snprintf(text, size, "[%s] %3.0f %%  %s %s, %s/s, %.0f s left", bar, share * 100, count_text, unit, rate_text,
		 seconds / share - seconds);
}

void progress_show(struct progress *progress, uint64_t count, uint64_t done, uint64_t all)
{
	char text[160];
	if (progress->out == NULL)
		return;
	const uint64_t now_ms = clock_monotonic_ms();
	if (now_ms - progress->shown_ms < PROGRESS_INTERVAL_MS)
		return;
	progress->shown_ms = now_ms;
	progress_format(text, sizeof(text), count, progress->unit, progress_seconds(progress),
			all ? (double)done / (double)all : 0);
	fprintf(progress->out, "\r%s\033[K", text);
	fflush(progress->out);
}

void progress_end(struct progress *progress)
{
	if (progress->out == NULL)
		return;
	fputs("\r\033[K", progress->out);
	fflush(progress->out);
	progress->out = NULL;
}
