// SPDX-License-Identifier: Apache-2.0
#include "cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int file_fail(const char *name, int error, struct fault *fault)
{
	fault_set(fault, STATUS_INVALID_ARGUMENT, NULL, "cannot read %.128s: %s", name, strerrordesc_np(error));
	return -error;
}

int file_read(const char *name, struct arena *arena, struct bytes *ret_text, struct fault *fault)
{
	const bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "re");
	if (file == NULL)
		return file_fail(name, errno, fault);
	char *text = arena_alloc(arena, FILE_SIZE_MAX + 1);
	const size_t size = text ? fread(text, 1, FILE_SIZE_MAX + 1, file) : 0;
	const int error = text == NULL ? ENOMEM : ferror(file) ? errno : size > FILE_SIZE_MAX ? EFBIG : 0;
	if (!is_stdin)
		fclose(file);
	if (error != 0)
		return file_fail(name, error, fault);
	*ret_text = (struct bytes){.data = text, .size = size};
	return 0;
}
