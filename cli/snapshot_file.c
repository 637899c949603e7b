// SPDX-License-Identifier: Apache-2.0
#include "cli/snapshot_file.h"

#include "base/crc32c.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[8] = "evauthss";

struct header {
	char magic[sizeof(MAGIC)];
	uint32_t version;
	uint32_t reserved;
};

// ---------------------------------------------------------------- writing

static int put_bytes(struct snapshot_file *file, const void *data, size_t size)
{
	file->crc = crc32c(file->crc, data, size);
	return fwrite(data, 1, size, file->file) == size ? 0 : -EIO;
}

static int put_number(struct snapshot_file *file, uint32_t number)
{
	const uint32_t little = htole32(number);
	return put_bytes(file, &little, sizeof(little));
}

int snapshot_file_begin(struct snapshot_file *file, FILE *out)
{
	struct header header = {.version = htole32(SNAPSHOT_FILE_VERSION)};
	memcpy(header.magic, MAGIC, sizeof(MAGIC));
	*file = (struct snapshot_file){.file = out};
	return put_bytes(file, &header, sizeof(header));
}

int snapshot_file_put(struct snapshot_file *file, struct bytes record)
{
	const int result = put_number(file, (uint32_t)record.size);
	return result == 0 ? put_bytes(file, record.data, record.size) : result;
}

int snapshot_file_end(struct snapshot_file *file, struct bytes end)
{
	int result = put_number(file, 0);
	if (result == 0)
		result = snapshot_file_put(file, end);
	if (result == 0)
		result = put_number(file, file->crc);
	return result == 0 && fflush(file->file) != 0 ? -EIO : result;
}

// ---------------------------------------------------------------- reading

static int get_bytes(struct snapshot_file *file, void *data, size_t size)
{
	if (fread(data, 1, size, file->file) != size)
		return ferror(file->file) ? -EIO : -ENODATA;
	file->crc = crc32c(file->crc, data, size);
	return 0;
}

static int get_number(struct snapshot_file *file, uint32_t *ret_number)
{
	uint32_t little;
	const int result = get_bytes(file, &little, sizeof(little));
	if (result == 0)
		*ret_number = le32toh(little);
	return result;
}

int snapshot_file_open(struct snapshot_file *file, FILE *in)
{
	struct header header;
	*file = (struct snapshot_file){.file = in};
	const int result = get_bytes(file, &header, sizeof(header));
	if (result != 0)
		return result == -ENODATA ? -EPROTO : result;
	if (memcmp(header.magic, MAGIC, sizeof(MAGIC)) != 0)
		return -EPROTO;
	if (le32toh(header.version) != SNAPSHOT_FILE_VERSION)
		return -ENOTSUP;
	file->buffer = malloc(SNAPSHOT_FILE_BODY_MAX);
	return file->buffer != NULL ? 0 : -ENOMEM;
}

static int get_body(struct snapshot_file *file, uint32_t size, struct bytes *ret_body)
{
	if (size == 0 || size > SNAPSHOT_FILE_BODY_MAX)
		return -EBADMSG;
	const int result = get_bytes(file, file->buffer, size);
	if (result == 0)
		*ret_body = (struct bytes){.data = file->buffer, .size = size};
	return result;
}

// Nothing may follow.
static int get_end(struct snapshot_file *file, struct bytes *ret_body)
{
	uint32_t size, crc, crc_found;
	struct bytes body;
	int result = get_number(file, &size);
	if (result == 0)
		result = get_body(file, size, &body);
	crc = file->crc;
	if (result == 0)
		result = get_number(file, &crc_found);
	if (result != 0)
		return result;
	if (crc != crc_found || fgetc(file->file) != EOF)
		return -EBADMSG;
	*ret_body = body;
	return 0;
}

int snapshot_file_get(struct snapshot_file *file, struct bytes *ret_body)
{
	uint32_t size;
	int result = get_number(file, &size);
	if (result != 0)
		return result;
	if (size == 0)
		return get_end(file, ret_body);
	result = get_body(file, size, ret_body);
	return result == 0 ? 1 : result;
}

void snapshot_file_close(struct snapshot_file *file)
{
	free(file->buffer);
	file->buffer = NULL;
}
