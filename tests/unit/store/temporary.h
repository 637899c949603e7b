// SPDX-License-Identifier: Apache-2.0
// A directory of its own for each test, gone afterwards.
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct temporary {
	char path[64];
};

static inline void temporary_create(struct temporary *temporary)
{
	snprintf(temporary->path, sizeof(temporary->path), "/tmp/evauth-test-XXXXXX");
	if (mkdtemp(temporary->path) == NULL)
		abort();
}

// The path of a file in it; the buffer is the caller's.
static inline const char *temporary_file(const struct temporary *temporary, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", temporary->path, name);
	return path;
}

// With the files in it, but no folders.
static inline void temporary_remove(struct temporary *temporary)
{
	DIR *directory = opendir(temporary->path);
	for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;)
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory != NULL)
		closedir(directory);
	rmdir(temporary->path);
}
