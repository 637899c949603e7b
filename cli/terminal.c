// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80, ROWS_DEFAULT = 24 };

bool terminal_is_usable(FILE *out)
{
	const char *name = getenv("TERM");
	return name != NULL && strcmp(name, "dumb") != 0 && fileno(out) >= 0 && isatty(fileno(out));
}

// The alternate screen without a cursor. The signals of keys go on working.
static void take(struct terminal *terminal)
{
	fputs("\033[?1049h\033[?25l\033[2J", terminal->out);
	fflush(terminal->out);
	if (terminal->keys < 0)
		return;
	struct termios mode = terminal->mode_before;
	mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	(void)tcsetattr(terminal->keys, TCSAFLUSH, &mode);
}

static void give_back(struct terminal *terminal)
{
	fputs("\033[?25h\033[?1049l", terminal->out);
	fflush(terminal->out);
	if (terminal->keys >= 0)
		(void)tcsetattr(terminal->keys, TCSAFLUSH, &terminal->mode_before);
}

int terminal_open(struct terminal *terminal, FILE *out)
{
	sigset_t signals;
	*terminal = (struct terminal){.out = out, .keys = -1};
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGTSTP);
	sigaddset(&signals, SIGWINCH);
	terminal->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal->signals < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &signals, &terminal->mask_before);
	if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal->mode_before) == 0)
		terminal->keys = STDIN_FILENO;
	take(terminal);
	return 0;
}

void terminal_close(struct terminal *terminal)
{
	give_back(terminal);
	sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
	close(terminal->signals);
}

struct screen_size terminal_size(const struct terminal *terminal)
{
	struct winsize size;
	if (ioctl(fileno(terminal->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
		return (struct screen_size){.columns = COLUMNS_DEFAULT, .rows = ROWS_DEFAULT};
	return (struct screen_size){.columns = size.ws_col, .rows = size.ws_row};
}

// Stopped here, as whoever pressed Ctrl-Z wants it; the shell has a sound terminal meanwhile.
static void sleep_in_background(struct terminal *terminal)
{
	give_back(terminal);
	raise(SIGSTOP);
	take(terminal);
}

static enum terminal_event on_signal(struct terminal *terminal)
{
	struct signalfd_siginfo info;
	if (read(terminal->signals, &info, sizeof(info)) != sizeof(info))
		return TERMINAL_TIME_OVER;
	if (info.ssi_signo == SIGTSTP)
		sleep_in_background(terminal);
	return info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH ? TERMINAL_REDRAW : TERMINAL_QUIT;
}

static enum terminal_event on_key(const struct terminal *terminal)
{
	char key;
	const ssize_t size = read(terminal->keys, &key, sizeof(key));
	return size <= 0 || key == 'q' || key == 'Q' ? TERMINAL_QUIT : TERMINAL_REDRAW;
}

enum terminal_event terminal_wait(struct terminal *terminal, uint64_t deadline_ms)
{
	for (;;) {
		const uint64_t now_ms = clock_monotonic_ms();
		struct pollfd events[] = {{.fd = terminal->signals, .events = POLLIN},
					  {.fd = terminal->keys, .events = POLLIN}};
		const int left_ms = deadline_ms > now_ms ? (int)(deadline_ms - now_ms) : 0;
		const int ready = poll(events, ARRAY_SIZE(events), left_ms);
		if (ready < 0 && errno != EINTR)
			return TERMINAL_QUIT;
		if (ready > 0)
			return events[0].revents != 0 ? on_signal(terminal) : on_key(terminal);
		if (ready == 0 && clock_monotonic_ms() >= deadline_ms)
			return TERMINAL_TIME_OVER;
	}
}
