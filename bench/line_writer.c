// SPDX-License-Identifier: Apache-2.0
#include "bench/line_writer.h"

#include <errno.h>
#include <unistd.h>

void line_writer_init(struct line_writer *writer, int fd)
{
	writer->fd = fd;
	writer->error = 0;
	writer->used = 0;
	writer->lines = 0;
}

int line_writer_flush(struct line_writer *writer)
{
	size_t done = 0;
	while (done < writer->used && writer->error == 0) {
		const ssize_t count = write(writer->fd, writer->buffer + done, writer->used - done);
		if (count >= 0)
			done += (size_t)count;
		else if (errno != EINTR)
			writer->error = -errno;
	}
	writer->used = 0;
	return writer->error;
}

void line_text_sized(struct line_writer *writer, const char *text, size_t size)
{
	if (size > LINE_WRITER_SIZE - writer->used && line_writer_flush(writer) < 0)
		return;
	ASSERT(size <= LINE_WRITER_SIZE);
	memcpy(writer->buffer + writer->used, text, size);
	writer->used += size;
}

void line_field(struct line_writer *writer, const char *opening, const char *value)
{
	if (*value == '\0')
		return;
	line_text(writer, opening);
	line_text(writer, value);
	line_text_sized(writer, "\"", 1);
}

void line_end(struct line_writer *writer, const char *text)
{
	line_text(writer, text);
	line_text_sized(writer, "\n", 1);
	writer->lines++;
}
