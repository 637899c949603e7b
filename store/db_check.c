// SPDX-License-Identifier: Apache-2.0
#include "store/db_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// What LMDB 0.9 writes into its first two pages; the second is at the page size given in the first.
struct lmdb_tree {
	uint32_t page_size; // in the free list's; 0 elsewhere
	uint16_t flags;
	uint16_t depth;
	uint64_t branch_pages;
	uint64_t leaf_pages;
	uint64_t overflow_pages;
	uint64_t entries;
	uint64_t root;
};

struct lmdb_meta_page {
	uint64_t number;
	uint16_t pad;
	uint16_t flags;
	uint32_t unused;
	uint32_t magic;
	uint32_t version;
	uint64_t address;
	uint64_t map_size;
	struct lmdb_tree free_list;
	struct lmdb_tree main;
	uint64_t last_page;
	uint64_t txn;
};
static_assert(sizeof(struct lmdb_meta_page) == 152, "on disk");

enum {
	LMDB_META_FLAG = 8,
	LMDB_PAGE_SIZE_MIN = 512,
	LMDB_PAGE_SIZE_MAX = 65536,
};
static const uint32_t LMDB_MAGIC = 0xbeefc0de;

int db_check_file(const char *path, struct fault *fault)
{
	struct lmdb_meta_page metas[2];
	struct stat status;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0 || (status.st_mode & 077) != 0) {
		close(fd);
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "%s can be read by others than its owner: chmod 600 it", path);
		return -EPERM;
	}
	bool ok = pread(fd, &metas[0], sizeof(metas[0]), 0) == sizeof(metas[0]);
	const uint32_t page_size = ok ? metas[0].free_list.page_size : 0;
	ok = ok && page_size >= LMDB_PAGE_SIZE_MIN && page_size <= LMDB_PAGE_SIZE_MAX &&
	     pread(fd, &metas[1], sizeof(metas[1]), page_size) == sizeof(metas[1]);
	for (int i = 0; ok && i < 2; i++)
		ok = metas[i].magic == LMDB_MAGIC && metas[i].version == 1 && (metas[i].flags & LMDB_META_FLAG) &&
		     metas[i].last_page < (uint64_t)status.st_size / page_size;
	close(fd);
	if (ok)
		return 0;
	db_fault_damaged(fault, path, "not whole");
	return -EBADMSG;
}
