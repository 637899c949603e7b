// SPDX-License-Identifier: Apache-2.0
// LMDB trusts its file: a truncated one is a SIGBUS, a wrong number in a page a SIGSEGV or worse, a wrong free list
// overwrites data (reference/reliability.md 1.5). So the whole structure is walked, by read() and with bounds, before
// LMDB maps it: every page of every tree, who owns which page, the order of keys. What the records say is not looked
// at here: they have their checksums.
//
// The layout is LMDB's data format 1 (0.9.x, 64 bit), fixed for as long as that version number.
#include "store/db_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LMDB_VERSION = 1,
	LMDB_PAGE_SIZE_MIN = 512,
	LMDB_PAGE_SIZE_MAX = 65536,
	LMDB_DEPTH_MAX = 32,
	LMDB_KEY_SIZE_MAX = 511,
	LMDB_INTEGER_KEYS = 8,   // flag of a tree: keys are numbers; the free list alone
	LMDB_NO_FOLDER = 0x4000, // there, too: how the file was created

	LMDB_PAGE_BRANCH = 1, // flags of a page
	LMDB_PAGE_LEAF = 2,
	LMDB_PAGE_OVERFLOW = 4,
	LMDB_PAGE_META = 8,
	LMDB_PAGE_KIND = 0x2f, // the others are of no meaning on disk

	LMDB_NODE_BIG = 1,  // flags of a node in a leaf: the data is the number of an overflow page
	LMDB_NODE_TREE = 2, // the data is a struct lmdb_tree

	// The last page number counts pages that were taken and given back within one transaction; they may never
	// have been written.
	LMDB_UNWRITTEN_PAGES_MAX = 65536,
};
static const uint32_t LMDB_MAGIC = 0xbeefc0de;
static const uint64_t LMDB_NO_PAGE = UINT64_MAX;

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
static_assert(sizeof(struct lmdb_tree) == 48, "on disk");

struct lmdb_page {
	uint64_t number;
	uint16_t pad;
	uint16_t flags;
	union {
		struct {
			uint16_t lower; // end of the offsets, which start behind this header
			uint16_t upper; // start of the nodes
		};
		uint32_t overflow_pages;
	};
};
static_assert(sizeof(struct lmdb_page) == 16, "on disk");

struct lmdb_meta {
	struct lmdb_page page;
	uint32_t magic;
	uint32_t version;
	uint64_t address;
	uint64_t map_size;
	struct lmdb_tree free_list;
	struct lmdb_tree main;
	uint64_t last_page;
	uint64_t txn;
};
static_assert(sizeof(struct lmdb_meta) == 152, "on disk");

// In a branch, low, high and flags are the 48 bits of the child's number.
struct lmdb_node {
	uint16_t low;
	uint16_t high;
	uint16_t flags;
	uint16_t key_size;
};
static_assert(sizeof(struct lmdb_node) == 8, "on disk");

struct check {
	int fd;
	uint32_t page_size;
	uint64_t pages;     // in the file
	uint64_t last_page; // that has an owner
	uint64_t txn;
	unsigned char *owned; // a bit per page
	const char *problem;
	uint64_t problem_page;
	// For db_wipe_file(): what holds nothing is made zero.
	bool wipes;
	uint64_t wipe_txn; // pages that were freed by it, or earlier
	uint64_t wiped;    // bytes
};

enum check_kind {
	CHECK_FREE_LIST,
	CHECK_MAIN,
	CHECK_TABLE,
};

// One tree being walked.
struct check_walk {
	struct check *check;
	enum check_kind kind;
	struct lmdb_tree tree;    // as claimed
	struct lmdb_tree counted; // as found
	char *pages;              // one per level
	char last_key[LMDB_KEY_SIZE_MAX];
	size_t last_key_size;
	bool may_repeat; // the last key was a separator; the first one below it may be the same
};

static int check_fail(struct check *check, uint64_t page, const char *problem)
{
	check->problem = problem;
	check->problem_page = page;
	return -EBADMSG;
}

// ---------------------------------------------------------------- pages

static int check_read(struct check *check, uint64_t page, void *buffer, size_t size)
{
	const ssize_t got = pread(check->fd, buffer, size, (off_t)(page * check->page_size));
	if (got < 0)
		return -errno;
	return got == (ssize_t)size ? 0 : check_fail(check, page, "it is not there");
}

// Zeroes in the file from `offset` on, where there are none.
static int check_wipe(struct check *check, uint64_t offset, uint64_t size)
{
	static const char zeroes[LMDB_PAGE_SIZE_MAX];
	char found[4096];
	while (check->wipes && size > 0) {
		const size_t piece = size < sizeof(found) ? size : sizeof(found);
		const ssize_t got = pread(check->fd, found, piece, (off_t)offset);
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0; // it was never written
		if (memcmp(found, zeroes, (size_t)got) != 0) {
			if (pwrite(check->fd, zeroes, (size_t)got, (off_t)offset) != got)
				return -EIO;
			check->wiped += (uint64_t)got;
		}
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return 0;
}

// Makes `count` pages from `page` on the caller's. Every page has one owner.
static int check_own(struct check *check, uint64_t page, uint64_t count)
{
	if (page > check->last_page || count > check->last_page - page + 1)
		return check_fail(check, page, "it is beyond the end");
	for (uint64_t i = page; i < page + count; i++) {
		if (check->owned[i / 8] & (1u << i % 8))
			return check_fail(check, i, "it is in use twice");
		check->owned[i / 8] |= (unsigned char)(1u << i % 8);
	}
	return 0;
}

static const struct lmdb_page *check_page_of(const struct check_walk *walk, unsigned level)
{
	return (const struct lmdb_page *)(walk->pages + (size_t)level * walk->check->page_size);
}

static unsigned check_nodes_count(const struct lmdb_page *page)
{
	return (page->lower - sizeof(*page)) / sizeof(uint16_t);
}

static const struct lmdb_node *check_node(const struct lmdb_page *page, unsigned index)
{
	const uint16_t *offsets = (const uint16_t *)(page + 1);
	return (const struct lmdb_node *)((const char *)page + offsets[index]);
}

static uint32_t check_data_size(const struct lmdb_node *node)
{
	return node->low | (uint32_t)node->high << 16;
}

static const char *check_data(const struct lmdb_node *node)
{
	return (const char *)(node + 1) + node->key_size;
}

// What a node takes of its page.
static size_t check_node_size(const struct lmdb_page *page, const struct lmdb_node *node)
{
	size_t size = sizeof(*node) + node->key_size;
	if (page->flags & LMDB_PAGE_LEAF)
		size += node->flags & LMDB_NODE_BIG ? sizeof(uint64_t) : check_data_size(node);
	return (size + 1) & ~(size_t)1;
}

// The nodes fill the page from `upper` to its end, without gaps.
static bool check_nodes(const struct check *check, const struct lmdb_page *page)
{
	size_t total = page->upper;
	const uint16_t *offsets = (const uint16_t *)(page + 1);
	if (page->lower < sizeof(*page) || page->lower % 2 || page->lower > page->upper ||
	    page->upper > check->page_size)
		return false;
	for (unsigned i = 0; i < check_nodes_count(page); i++) {
		if (offsets[i] < page->upper || offsets[i] % 2 ||
		    offsets[i] + sizeof(struct lmdb_node) > check->page_size)
			return false;
		const size_t size = check_node_size(page, check_node(page, i));
		if (size > check->page_size - offsets[i])
			return false;
		total += size;
	}
	return total == check->page_size;
}

// Reads a page of a tree into the walk's place for its level.
static int check_load(struct check_walk *walk, uint64_t number, unsigned level)
{
	struct check *check = walk->check;
	const struct lmdb_page *page = check_page_of(walk, level);
	int result = check_own(check, number, 1);
	if (result == 0)
		result = check_read(check, number, (void *)page, check->page_size);
	if (result != 0)
		return result;
	const unsigned kind = page->flags & LMDB_PAGE_KIND;
	const bool is_leaf = level + 1 == walk->tree.depth;
	// LMDB leaves a branch of one in the free list at times, and asserts that there is none elsewhere.
	const unsigned nodes_min = is_leaf || walk->kind == CHECK_FREE_LIST ? 1 : 2;
	if (page->number != number)
		return check_fail(check, number, "it says it is another page");
	if (kind != (is_leaf ? LMDB_PAGE_LEAF : LMDB_PAGE_BRANCH))
		return check_fail(check, number, "it is of the wrong kind");
	if (!check_nodes(check, page) || check_nodes_count(page) < nodes_min)
		return check_fail(check, number, "its contents make no sense");
	return check_wipe(check, number * check->page_size + page->lower, page->upper - page->lower);
}

// ---------------------------------------------------------------- keys

static int check_compare(const struct check_walk *walk, const char *key, size_t size)
{
	uint64_t left, right;
	if (walk->kind != CHECK_FREE_LIST)
		return bytes_compare((struct bytes){.data = key, .size = size},
				     (struct bytes){.data = walk->last_key, .size = walk->last_key_size});
	memcpy(&left, key, sizeof(left));
	memcpy(&right, walk->last_key, sizeof(right));
	return (left > right) - (left < right);
}

// Keys ascend through the whole tree, separators included.
static bool check_key(struct check_walk *walk, const struct lmdb_node *node, bool is_separator)
{
	const char *key = (const char *)(node + 1);
	if (node->key_size == 0 || node->key_size > LMDB_KEY_SIZE_MAX)
		return false;
	if (walk->kind == CHECK_FREE_LIST && node->key_size != sizeof(uint64_t))
		return false;
	if (walk->last_key_size > 0) {
		const int order = check_compare(walk, key, node->key_size);
		if (order < 0 || (order == 0 && !walk->may_repeat))
			return false;
	}
	memcpy(walk->last_key, key, node->key_size);
	walk->last_key_size = node->key_size;
	walk->may_repeat = is_separator;
	return true;
}

// ---------------------------------------------------------------- data

static int check_overflow(struct check_walk *walk, const struct lmdb_node *node, uint64_t *ret_number)
{
	struct check *check = walk->check;
	struct lmdb_page page;
	uint64_t number;
	memcpy(&number, check_data(node), sizeof(number));
	const uint64_t needed = (sizeof(page) + check_data_size(node) + check->page_size - 1) / check->page_size;
	if (number >= check->pages || needed > check->pages - number)
		return check_fail(check, number, "it is beyond the end");
	int result = check_read(check, number, &page, sizeof(page));
	if (result != 0)
		return result;
	if (page.number != number || (page.flags & LMDB_PAGE_KIND) != LMDB_PAGE_OVERFLOW ||
	    page.overflow_pages < needed || page.overflow_pages > check->pages - number)
		return check_fail(check, number, "it is no such overflow page");
	walk->counted.overflow_pages += page.overflow_pages;
	*ret_number = number;
	result = check_own(check, number, page.overflow_pages);
	const uint64_t used = sizeof(page) + check_data_size(node);
	return result == 0 ? check_wipe(check, number * check->page_size + used,
					(uint64_t)page.overflow_pages * check->page_size - used)
			   : result;
}

// A record of the free list: a count, then page numbers in descending order.
static int check_free_pages(struct check_walk *walk, const char *data, size_t size, uint64_t page)
{
	uint64_t count, number, freed_by, above = LMDB_NO_PAGE;
	memcpy(&freed_by, walk->last_key, sizeof(freed_by));
	if (size < sizeof(count))
		return check_fail(walk->check, page, "its free list makes no sense");
	memcpy(&count, data, sizeof(count));
	if (count > size / sizeof(count) - 1)
		return check_fail(walk->check, page, "its free list makes no sense");
	for (uint64_t i = 1; i <= count; i++) {
		memcpy(&number, data + i * sizeof(number), sizeof(number));
		if (number >= above)
			return check_fail(walk->check, page, "its free list makes no sense");
		int result = check_own(walk->check, number, 1);
		if (result == 0 && freed_by <= walk->check->wipe_txn)
			result = check_wipe(walk->check, number * walk->check->page_size, walk->check->page_size);
		if (result != 0)
			return result;
		above = number;
	}
	return 0;
}

static int check_big_free_pages(struct check_walk *walk, const struct lmdb_node *node, uint64_t number)
{
	const size_t size = sizeof(struct lmdb_page) + check_data_size(node);
	char *buffer = malloc(size);
	if (buffer == NULL)
		return -ENOMEM;
	int result = check_read(walk->check, number, buffer, size);
	if (result == 0)
		result = check_free_pages(walk, buffer + sizeof(struct lmdb_page), check_data_size(node), number);
	free(buffer);
	return result;
}

static int check_tree(struct check *check, enum check_kind kind, const struct lmdb_tree *tree);

static int check_leaf_node(struct check_walk *walk, const struct lmdb_page *page, const struct lmdb_node *node)
{
	struct lmdb_tree tree;
	uint64_t number;
	if (!check_key(walk, node, false))
		return check_fail(walk->check, page->number, "its keys are out of order");
	if (node->flags & LMDB_NODE_BIG) {
		const int result = check_overflow(walk, node, &number);
		return result != 0 || walk->kind != CHECK_FREE_LIST ? result : check_big_free_pages(walk, node, number);
	}
	if (walk->kind == CHECK_FREE_LIST)
		return check_free_pages(walk, check_data(node), check_data_size(node), page->number);
	if (node->flags == 0)
		return 0;
	if (walk->kind != CHECK_MAIN || node->flags != LMDB_NODE_TREE || check_data_size(node) != sizeof(tree))
		return check_fail(walk->check, page->number, "it holds what no store has");
	memcpy(&tree, check_data(node), sizeof(tree));
	return check_tree(walk->check, CHECK_TABLE, &tree);
}

// ---------------------------------------------------------------- trees

static int check_leaf(struct check_walk *walk, const struct lmdb_page *page)
{
	int result = 0;
	for (unsigned i = 0; result == 0 && i < check_nodes_count(page); i++)
		result = check_leaf_node(walk, page, check_node(page, i));
	walk->counted.leaf_pages++;
	walk->counted.entries += check_nodes_count(page);
	return result;
}

// Recursive: LMDB_DEPTH_MAX deep at most.
static int check_subtree(struct check_walk *walk, uint64_t number, unsigned level)
{
	int result = check_load(walk, number, level);
	if (result != 0)
		return result;
	const struct lmdb_page *page = check_page_of(walk, level);
	if (level + 1 == walk->tree.depth)
		return check_leaf(walk, page);
	walk->counted.branch_pages++;
	for (unsigned i = 0; result == 0 && i < check_nodes_count(page); i++) {
		const struct lmdb_node *node = check_node(page, i);
		// The first has no separator, or an outdated one: everything below the second goes there.
		if (i > 0 && !check_key(walk, node, true))
			return check_fail(walk->check, number, "its keys are out of order");
		result = check_subtree(walk, check_data_size(node) | (uint64_t)node->flags << 32, level + 1);
	}
	return result;
}

static bool check_counts(const struct lmdb_tree *claimed, const struct lmdb_tree *counted)
{
	return claimed->branch_pages == counted->branch_pages && claimed->leaf_pages == counted->leaf_pages &&
	       claimed->overflow_pages == counted->overflow_pages && claimed->entries == counted->entries;
}

static int check_tree(struct check *check, enum check_kind kind, const struct lmdb_tree *tree)
{
	struct check_walk walk = {.check = check, .kind = kind, .tree = *tree};
	const uint16_t flags = kind == CHECK_FREE_LIST ? tree->flags & ~LMDB_NO_FOLDER : tree->flags;
	if (flags != (kind == CHECK_FREE_LIST ? LMDB_INTEGER_KEYS : 0))
		return check_fail(check, 0, "it has tables that no store has");
	if (tree->depth > LMDB_DEPTH_MAX || (tree->depth == 0) != (tree->root == LMDB_NO_PAGE))
		return check_fail(check, tree->root, "a table starts nowhere");
	walk.pages = malloc((size_t)tree->depth * check->page_size + 1);
	if (walk.pages == NULL)
		return -ENOMEM;
	int result = tree->depth > 0 ? check_subtree(&walk, tree->root, 0) : 0;
	if (result == 0 && !check_counts(tree, &walk.counted))
		result = check_fail(check, tree->root, "its table is not of the size it was");
	free(walk.pages);
	return result;
}

// ---------------------------------------------------------------- the file

// The newer of the two, which alternate: the older one is of the transaction before.
static int check_metas(struct check *check, struct lmdb_meta *ret_meta)
{
	struct lmdb_meta metas[2];
	for (unsigned i = 0; i < ARRAY_SIZE(metas); i++) {
		const int result = check_read(check, i, &metas[i], sizeof(metas[i]));
		if (result != 0)
			return result;
		if (metas[i].magic != LMDB_MAGIC || metas[i].version != LMDB_VERSION || metas[i].page.number != i ||
		    !(metas[i].page.flags & LMDB_PAGE_META) || metas[i].free_list.page_size != check->page_size)
			return check_fail(check, i, "it is no header");
	}
	const unsigned newer = metas[1].txn > metas[0].txn;
	if (metas[newer].txn % 2 != newer || metas[newer].txn - metas[!newer].txn != 1)
		return check_fail(check, newer, "a header is not the one that was written last");
	*ret_meta = metas[newer];
	return 0;
}

static int check_structure(struct check *check)
{
	struct lmdb_meta meta;
	int result = check_metas(check, &meta);
	if (result != 0)
		return result;
	if (meta.last_page >= check->pages + LMDB_UNWRITTEN_PAGES_MAX)
		return check_fail(check, meta.last_page, "it is not there: the file is cut short");
	check->last_page = meta.last_page;
	check->txn = meta.txn;
	check->owned = calloc(meta.last_page / 8 + 1, 1);
	if (check->owned == NULL)
		return -ENOMEM;
	result = check_own(check, 0, 2);
	if (result == 0)
		result = check_tree(check, CHECK_MAIN, &meta.main);
	if (result == 0)
		result = check_tree(check, CHECK_FREE_LIST, &meta.free_list);
	return result;
}

// Whose file is it, by its first page?
static int check_start(struct check *check, const char *path, struct fault *fault)
{
	struct lmdb_meta meta = {0};
	struct stat status;
	if (fstat(check->fd, &status) != 0 || pread(check->fd, &meta, sizeof(meta), 0) < 0)
		return -errno;
	if (status.st_mode & 077) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "%s can be read by others than its owner: chmod 600 it", path);
		return -EPERM;
	}
	if (status.st_size < (off_t)sizeof(meta))
		return check_fail(check, 0, "it is not there: the file is cut short");
	if (meta.magic != LMDB_MAGIC || meta.version != LMDB_VERSION) {
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL,
			  "%s is not a store of this evauthd, or its first page is damaged: use another directory, or "
			  "put a backup in its place",
			  path);
		return -EBADMSG;
	}
	check->page_size = meta.free_list.page_size;
	if (check->page_size < LMDB_PAGE_SIZE_MIN || check->page_size > LMDB_PAGE_SIZE_MAX ||
	    (check->page_size & (check->page_size - 1)) != 0)
		return check_fail(check, 0, "it is no header");
	check->pages = (uint64_t)status.st_size / check->page_size;
	return 0;
}

int db_check_file(const char *path, struct fault *fault)
{
	struct check check = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
	if (check.fd < 0)
		return -errno;
	int result = check_start(&check, path, fault);
	if (result == 0)
		result = check_structure(&check);
	if (check.problem != NULL)
		db_fault_damaged(fault, path, "page %llu: %s", (unsigned long long)check.problem_page, check.problem);
	else if (result != 0)
		fault_set(fault, STATUS_FAILED_PRECONDITION, NULL, "cannot read %s: %s", path, strerror(-result));
	free(check.owned);
	close(check.fd);
	return result;
}

int db_wipe_file(const char *path, uint64_t txn, uint64_t *ret_bytes)
{
	struct fault fault = {0};
	struct check check = {.fd = open(path, O_RDWR | O_CLOEXEC), .wipes = true, .wipe_txn = txn};
	if (check.fd < 0)
		return -errno;
	int result = check_start(&check, path, &fault);
	if (result == 0)
		result = check_structure(&check);
	if (result == 0 && check.pages > check.last_page + 1) // of transactions that were given up
		result = check_wipe(&check, (check.last_page + 1) * check.page_size,
				    (check.pages - check.last_page - 1) * check.page_size);
	if (result == 0 && fsync(check.fd) != 0)
		result = -errno;
	*ret_bytes += check.wiped;
	free(check.owned);
	close(check.fd);
	return result;
}

int db_check_pages(const struct db *db, struct fault *fault)
{
	return db_check_file(db->path, fault);
}
