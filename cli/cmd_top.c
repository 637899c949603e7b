// SPDX-License-Identifier: Apache-2.0
// top: what the daemon does now, from two readings of its figures; drawn over the terminal again and again, or as plain
// blocks. A daemon that goes away is waited for.
#include "base/clock.h"
#include "cli/number.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/top_view.h"
#include "cli/words.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum {
	INTERVAL_MS = 1000,
	INTERVAL_MIN_MS = 100,
	INTERVAL_MAX_MS = 3600 * 1000,
	RESTART_SHOWN_MS = 30 * 1000, // of the daemon's life
	CLIENTS_MAX = 100,            // asked for
	CLIENTS_REST = 10,            // readings without them after they could not be had
	READING_CHUNK_SIZE = 64 * 1024,
};

struct reading {
	struct arena arena;
	struct figures_response *figures; // NULL: none yet
	struct clients_response *clients; // NULL: not known
};

struct top {
	struct context *context;
	struct reading readings[3];
	struct reading *before, *now, *spare;
	uint64_t interval_ms;
	uint64_t count; // 0: until it is stopped
	uint64_t next_ms;
	bool is_away; // the last reading failed
	bool was_restarted;
	bool may_not_see_clients; // they take another role than figures, or a later daemon
	uint32_t clients_rest;    // readings to come without them
};

// ---------------------------------------------------------------- options

static bool parse_interval(const char *word, uint64_t *ret_ms)
{
	char *end;
	errno = 0;
	const double seconds = strtod(word, &end);
	if (errno != 0 || end == word || *end != '\0' || !(seconds * 1000 >= INTERVAL_MIN_MS) ||
	    seconds * 1000 > INTERVAL_MAX_MS)
		return false;
	*ret_ms = (uint64_t)(seconds * 1000 + 0.5);
	return true;
}

static enum exit_code parse_options(struct top *top, const struct arguments *arguments)
{
	const char *interval = arguments->values[OPTION_INTERVAL];
	if (interval != NULL && !parse_interval(interval, &top->interval_ms))
		return context_refuse(top->context, "--interval: '%s' is not between 0.1 and 3600 seconds", interval);
	if (!number_option(arguments, OPTION_TIMES, &top->count) ||
	    (option_given(arguments, OPTION_TIMES) && top->count == 0))
		return context_refuse(top->context, "--count: '%s' is no number above 0",
				      arguments->values[OPTION_TIMES]);
	if (option_is_on(arguments, OPTION_ONCE))
		top->count = 1;
	return EXIT_DONE;
}

// ---------------------------------------------------------------- readings

// Beside the figures, if they are to be had: another thread of the daemon answers, which may be at something long.
static void read_clients(struct top *top, struct reading *reading)
{
	const struct clients_request request = {.count_max = CLIENTS_MAX};
	reading->clients = NULL;
	if (top->context->json || top->may_not_see_clients)
		return;
	if (top->clients_rest > 0) {
		top->clients_rest--;
		return;
	}
	const int result = evauth_clients(top->context->client, &request, &reading->arena, &reading->clients);
	if (result == 0)
		return;
	const enum status_code code = evauth_fault(top->context->client)->code;
	top->may_not_see_clients =
		result == -EREMOTEIO && (code == STATUS_PERMISSION_DENIED || code == STATUS_UNIMPLEMENTED);
	top->clients_rest = CLIENTS_REST;
}

// On failure what is shown stays.
static int read_figures(struct top *top)
{
	struct reading *next = top->spare;
	arena_reset(&next->arena);
	const int result = evauth_figures(top->context->client, &next->arena, &next->figures);
	if (result < 0)
		return result;
	read_clients(top, next);
	top->spare = top->before;
	top->before = top->now;
	top->now = next;
	if (top->before->figures != NULL && span_is_restart(top->before->figures, next->figures))
		top->was_restarted = true;
	top->was_restarted = top->was_restarted && next->figures->uptime_ms < RESTART_SHOWN_MS;
	return 0;
}

// Whether it may be otherwise in a moment: the connection, not what was asked.
static bool is_passing(const struct top *top, int result)
{
	if (top->now->figures == NULL || result == -EPROTO || result == -ENOMEM)
		return false;
	return result != -EREMOTEIO || evauth_fault(top->context->client)->code == STATUS_UNAVAILABLE;
}

static void say_that_it_is_away(const struct top *top)
{
	if (top->context->quiet)
		return;
	fputs("evauth: ", top->context->err);
	context_print_fault(top->context, evauth_fault(top->context->client));
}

// False: it ends with *ret_code.
static bool next_reading(struct top *top, bool is_told, enum exit_code *ret_code)
{
	const int result = read_figures(top);
	if (result < 0 && !is_passing(top, result)) {
		*ret_code = result == -ENOMEM ? context_no_memory(top->context) : context_fail(top->context, result);
		return false;
	}
	if (is_told && result < 0 && !top->is_away)
		say_that_it_is_away(top);
	if (is_told && result == 0 && top->is_away && !top->context->quiet)
		context_warn(top->context, "evauth: connected again%s\n",
			     top->was_restarted ? "; the daemon was restarted" : "");
	top->is_away = result < 0;
	return true;
}

// The next moment of the beat; those that have passed are left out.
static uint64_t next_beat(struct top *top)
{
	const uint64_t now_ms = clock_monotonic_ms();
	top->next_ms += top->interval_ms;
	if (top->next_ms < now_ms)
		top->next_ms = now_ms;
	return top->next_ms;
}

static void sleep_until(uint64_t deadline_ms)
{
	for (uint64_t now_ms = clock_monotonic_ms(); now_ms < deadline_ms; now_ms = clock_monotonic_ms())
		(void)poll(NULL, 0, (int)(deadline_ms - now_ms));
}

// ---------------------------------------------------------------- what is shown

static int draw(const struct top *top, struct screen *screen)
{
	struct context *context = top->context;
	struct span span;
	char note[sizeof(((struct fault *)NULL)->message) + 64];
	span_init(&span, top->before->figures, top->now->figures);
	const struct top_view view = {
		.span = &span,
		.server = evauth_server(context->client),
		.now_s = clock_wall_s(),
		.clients_before = top->before->clients,
		.clients = top->now->clients,
		.note = top->is_away || top->was_restarted ? note : NULL,
	};
	if (top->is_away)
		snprintf(note, sizeof(note), "NO ANSWER, trying again; what follows is old: %s",
			 evauth_fault(context->client)->message);
	else
		snprintf(note, sizeof(note), "the daemon was restarted");
	arena_reset(&context->arena);
	return top_view_draw(&view, &context->arena, screen);
}

static enum exit_code print_block(struct top *top)
{
	struct screen screen;
	int result = screen_begin(&screen);
	if (result == 0)
		result = draw(top, &screen);
	if (result == 0) {
		screen_print(&screen, top->context->out);
		fputc('\n', top->context->out);
		result = fflush(top->context->out) == 0 ? 0 : -EIO;
	}
	screen_finish(&screen);
	return result == -ENOMEM ? context_no_memory(top->context) : result < 0 ? EXIT_ERROR : EXIT_DONE;
}

static enum exit_code print_json(struct top *top)
{
	struct context *context = top->context;
	struct bytes text;
	arena_reset(&context->arena);
	if (json_encode(&schema_figures_response, top->now->figures, JSON_COMPACT, &context->arena, &text) < 0)
		return context_no_memory(context);
	fprintf(context->out, "%.*s\n", BYTES_ARG(text));
	return fflush(context->out) == 0 ? EXIT_DONE : EXIT_ERROR;
}

// Plain blocks, each of what lies between two readings; with --json the readings themselves.
static enum exit_code run_plain(struct top *top)
{
	enum exit_code code = EXIT_DONE;
	uint64_t shown = 0;
	if (top->context->json) {
		code = print_json(top);
		shown++;
	}
	while (code == EXIT_DONE && (top->count == 0 || shown < top->count)) {
		sleep_until(next_beat(top));
		if (!next_reading(top, true, &code))
			break;
		if (top->is_away)
			continue;
		code = top->context->json ? print_json(top) : print_block(top);
		shown++;
	}
	return code;
}

static int show(struct top *top, struct terminal *terminal)
{
	struct screen screen;
	const struct screen_size size = terminal_size(terminal);
	int result = screen_begin(&screen);
	if (result == 0)
		result = draw(top, &screen);
	if (result == 0)
		screen_show(&screen, top->context->out, &size, top->context->color);
	screen_finish(&screen);
	return result;
}

// Waits for the next beat and reads; 0, negative errno for what ends it, or 1 when somebody wants to.
static int next_on_terminal(struct top *top, struct terminal *terminal)
{
	const uint64_t deadline_ms = next_beat(top);
	enum terminal_event event;
	while ((event = terminal_wait(terminal, deadline_ms)) == TERMINAL_REDRAW) {
		const int result = show(top, terminal);
		if (result < 0)
			return result;
	}
	if (event == TERMINAL_QUIT)
		return 1;
	const int result = read_figures(top);
	if (result < 0 && !is_passing(top, result))
		return result;
	top->is_away = result < 0;
	return show(top, terminal);
}

// What ended it is said when the terminal is as it was.
static enum exit_code run_on_terminal(struct top *top)
{
	struct terminal terminal;
	int result = terminal_open(&terminal, top->context->out);
	if (result < 0)
		return run_plain(top);
	result = show(top, &terminal);
	for (uint64_t shown = 1; result == 0 && shown != top->count; shown++)
		result = next_on_terminal(top, &terminal);
	terminal_close(&terminal);
	if (result == -ENOMEM)
		return context_no_memory(top->context);
	return result < 0 ? context_fail(top->context, result) : EXIT_DONE;
}

enum exit_code command_top(struct context *context, const struct arguments *arguments)
{
	struct top top = {.context = context, .interval_ms = INTERVAL_MS, .next_ms = clock_monotonic_ms()};
	const bool is_plain = context->json || option_is_on(arguments, OPTION_BATCH) ||
			      option_is_on(arguments, OPTION_ONCE) || !terminal_is_usable(context->out);
	enum exit_code code = parse_options(&top, arguments);
	if (code != EXIT_DONE)
		return code;
	top.now = &top.readings[0];
	top.before = &top.readings[1];
	top.spare = &top.readings[2];
	for (size_t i = 0; i < ARRAY_SIZE(top.readings); i++)
		arena_init(&top.readings[i].arena, READING_CHUNK_SIZE, EVAUTH_ARENA_BUDGET);
	if (next_reading(&top, false, &code))
		code = is_plain ? run_plain(&top) : run_on_terminal(&top);
	for (size_t i = 0; i < ARRAY_SIZE(top.readings); i++)
		arena_finish(&top.readings[i].arena);
	return code;
}
