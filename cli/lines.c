// SPDX-License-Identifier: Apache-2.0
#include "cli/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES_READ_SIZE = 256 * 1024 };

int lines_open(struct lines *lines, const char *name)
{
	struct stat st;
	*lines = (struct lines){.is_stdin = strcmp(name, "-") == 0};
	lines->fd = lines->is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (lines->fd < 0)
		return -errno;
	if (fstat(lines->fd, &st) == 0 && S_ISREG(st.st_mode))
		lines->bytes_all = (uint64_t)st.st_size;
	return 0;
}

void lines_close(struct lines *lines)
{
	if (!lines->is_stdin && lines->fd >= 0)
		close(lines->fd);
	buffer_finish(&lines->buffer);
	lines->fd = -1;
}

static int lines_fill(struct lines *lines)
{
	if (buffer_size(&lines->buffer) > LINE_SIZE_MAX)
		return -EFBIG;
	const int result = buffer_reserve(&lines->buffer, LINES_READ_SIZE);
	if (result < 0)
		return result;
	ssize_t got;
	do
		got = read(lines->fd, lines->buffer.data + lines->buffer.end, LINES_READ_SIZE);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	lines->buffer.end += (size_t)got;
	lines->at_end = got == 0;
	return 0;
}

static int lines_take(struct lines *lines, struct bytes line, size_t with_end, struct bytes *ret_line)
{
	buffer_consume(&lines->buffer, with_end);
	lines->searched = 0;
	lines->number++;
	lines->bytes_read += with_end;
	if (line.size > 0 && line.data[line.size - 1] == '\r')
		line.size--;
	*ret_line = line;
	return 1;
}

int lines_next(struct lines *lines, struct bytes *ret_line)
{
	for (;;) {
		const struct bytes rest = buffer_bytes(&lines->buffer);
		const size_t left = rest.size - lines->searched;
		const char *end = left > 0 ? memchr(rest.data + lines->searched, '\n', left) : NULL;
		if (end != NULL) {
			const size_t size = (size_t)(end - rest.data);
			return lines_take(lines, (struct bytes){.data = rest.data, .size = size}, size + 1, ret_line);
		}
		lines->searched = rest.size;
		if (lines->at_end)
			return rest.size > 0 ? lines_take(lines, rest, rest.size, ret_line) : 0;
		const int result = lines_fill(lines);
		if (result < 0)
			return result;
	}
}
