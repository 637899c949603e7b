// SPDX-License-Identifier: Apache-2.0
#include "bench/plot_gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

// noenhanced: labels may hold _ and ^, which would mean something otherwise.
static const struct {
	const char *extension, *terminal;
} formats[] = {
	{".png",
	 "set terminal pngcairo noenhanced size 1280,720 fontscale 1.2 font 'DejaVu Sans,12' background '#FFFFFF'"},
	{".svg", "set terminal svg noenhanced size 960,540 dynamic font 'sans-serif,15' background '#FFFFFF'"},
};

int plot_gnuplot_begin(const char *path, FILE *script, struct plot_error *error)
{
	const size_t size = strlen(path);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		const size_t extension = strlen(formats[i].extension);
		if (size > extension && strcasecmp(path + size - extension, formats[i].extension) == 0) {
			fprintf(script, "%s\n", formats[i].terminal);
			return 0;
		}
	}
	plot_fail(error, "%s: neither .png nor .svg", path);
	return -EINVAL;
}

// gnuplot with the script as its input and the picture as its output.
static int run(FILE *script, int picture, struct plot_error *error)
{
	// -d: without the user's own settings.
	char program[] = "gnuplot", defaults[] = "-d", input[] = "-";
	char *const arguments[] = {program, defaults, input, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = 0;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, picture, STDOUT_FILENO);
	const int result = -posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result == -ENOENT)
		plot_fail(error, "gnuplot is not installed (Debian: apt-get install gnuplot-nox)");
	else if (result < 0)
		plot_fail(error, "gnuplot: %s", strerror(-result));
	if (result < 0)
		return result;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return plot_fail(error, "gnuplot: %s", strerror(errno));
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return plot_fail(error, "gnuplot could not draw this");
	return 0;
}

static int rewind_script(FILE *script, struct plot_error *error)
{
	// The child reads the same open file: its position is the one of the descriptor.
	if (fflush(script) == 0 && lseek(fileno(script), 0, SEEK_SET) == 0)
		return 0;
	return plot_fail(error, "writing the script: %s", strerror(errno));
}

int plot_gnuplot_run(FILE *script, const char *path, struct plot_error *error)
{
	char part[PATH_MAX];
	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return plot_fail(error, "%s: %s", path, strerror(ENAMETOOLONG));
	int result = rewind_script(script, error);
	if (result < 0)
		return result;
	const int picture = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (picture < 0)
		return plot_fail(error, "%s: %s", part, strerror(errno));
	result = run(script, picture, error);
	if (close(picture) < 0 && result == 0)
		result = plot_fail(error, "%s: %s", part, strerror(errno));
	if (result == 0 && rename(part, path) < 0)
		result = plot_fail(error, "%s: %s", path, strerror(errno));
	if (result < 0)
		unlink(part);
	return result;
}
