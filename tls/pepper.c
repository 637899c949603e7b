// SPDX-License-Identifier: Apache-2.0
#include "tls/pepper.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char why[PEPPER_WHY_SIZE], const char *path, const char *problem)
{
	snprintf(why, PEPPER_WHY_SIZE, "%.200s: %s", path, problem);
	return -EINVAL;
}

// One byte more than there may be tells that there are too many.
static int read_all(int fd, char *data, size_t size, size_t *ret_size)
{
	size_t done = 0;
	ssize_t got;
	while (done < size && (got = read(fd, data + done, size - done)) != 0) {
		if (got < 0 && errno != EINTR)
			return -errno;
		done += got > 0 ? (size_t)got : 0;
	}
	*ret_size = done;
	return 0;
}

static int read_pepper(int fd, const char *path, struct pepper *pepper, char why[PEPPER_WHY_SIZE])
{
	char data[PEPPER_SIZE_MAX + 2];
	struct stat st;
	size_t size = 0; // gcc cannot tell that it is set
	if (fstat(fd, &st) != 0)
		return refuse(why, path, strerrordesc_np(errno));
	if ((st.st_mode & S_IRWXO) != 0)
		return refuse(why, path, "others may use it; chmod o= takes that away");
	int result = read_all(fd, data, sizeof(data), &size);
	if (size > 0 && data[size - 1] == '\n')
		size--;
	if (result != 0)
		result = refuse(why, path, strerrordesc_np(-result));
	else if (size > PEPPER_SIZE_MAX)
		result = refuse(why, path, "a pepper is at most 256 bytes long");
	else if (size < PEPPER_SIZE_MIN)
		result = refuse(why, path, "a pepper is at least 16 bytes long; openssl rand -hex 32 makes one");
	if (result == 0) {
		memcpy(pepper->data, data, size);
		pepper->size = size;
	}
	explicit_bzero(data, sizeof(data));
	return result;
}

int pepper_read(struct pepper *ret_pepper, const char *path, char ret_why[PEPPER_WHY_SIZE])
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse(ret_why, path, strerrordesc_np(errno));
	const int result = read_pepper(fd, path, ret_pepper, ret_why);
	close(fd);
	return result;
}

void pepper_finish(struct pepper *pepper)
{
	explicit_bzero(pepper, sizeof(*pepper));
}

void pepper_pseudonym(const struct pepper *pepper, struct bytes id, char ret_text[PSEUDONYM_TEXT_SIZE + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	ret_text[0] = '\0';
	if (HMAC(EVP_sha256(), pepper->data, (int)pepper->size, (const unsigned char *)id.data, id.size, digest,
		 NULL) == NULL)
		return;
	snprintf(ret_text, PSEUDONYM_TEXT_SIZE + 1, "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}
