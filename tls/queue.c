// SPDX-License-Identifier: Apache-2.0
#include "tls/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void queue_finish(struct queue *queue)
{
	free(queue->memory);
	*queue = (struct queue){.is_shut = queue->is_shut};
}

static int extend(struct queue *queue, size_t room)
{
	if (queue->capacity - queue->start - queue->size >= room)
		return 0;
	// At least doubled, so that appending stays linear.
	const size_t doubled = 2 * queue->capacity, needed = queue->size + room;
	const size_t capacity = needed > doubled ? needed : doubled;
	char *memory = malloc(capacity);
	if (memory == NULL)
		return -ENOMEM;
	if (queue->size > 0)
		memcpy(memory, queue->memory + queue->start, queue->size);
	free(queue->memory);
	queue->memory = memory;
	queue->capacity = capacity;
	queue->start = 0;
	return 0;
}

int queue_put(struct queue *queue, struct bytes bytes)
{
	if (bytes.size == 0)
		return 0;
	const int result = extend(queue, bytes.size);
	if (result != 0)
		return result;
	memcpy(queue->memory + queue->start + queue->size, bytes.data, bytes.size);
	queue->size += bytes.size;
	return 0;
}

size_t queue_take(struct queue *queue, char *bytes, size_t size)
{
	const size_t taken = size < queue->size ? size : queue->size;
	if (taken == 0)
		return 0;
	memcpy(bytes, queue->memory + queue->start, taken);
	queue->start += taken;
	queue->size -= taken;
	if (queue->size == 0)
		queue_finish(queue);
	return taken;
}

// ---------------------------------------------------------------- as a BIO

static int on_write(BIO *bio, const char *data, size_t size, size_t *ret_written)
{
	BIO_clear_retry_flags(bio);
	if (queue_put(BIO_get_data(bio), (struct bytes){.data = data, .size = size}) != 0)
		return 0;
	*ret_written = size;
	return 1;
}

// Empty means "not yet", not the end.
static int on_read(BIO *bio, char *data, size_t size, size_t *ret_read)
{
	struct queue *queue = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	*ret_read = queue->is_shut ? 0 : queue_take(queue, data, size);
	if (*ret_read > 0)
		return 1;
	BIO_set_retry_read(bio);
	return 0;
}

static long on_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *queue_method_create(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_MEM, "queue");
	if (method == NULL)
		return NULL;
	// These cannot fail.
	(void)BIO_meth_set_write_ex(method, on_write);
	(void)BIO_meth_set_read_ex(method, on_read);
	(void)BIO_meth_set_ctrl(method, on_ctrl);
	return method;
}

BIO *queue_bio_create(const BIO_METHOD *method, struct queue *queue)
{
	BIO *bio = BIO_new(method);
	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, queue);
	BIO_set_init(bio, 1);
	return bio;
}
