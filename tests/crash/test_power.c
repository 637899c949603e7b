// SPDX-License-Identifier: Apache-2.0
// Power losses, simulated: what is written to the data file is recorded, with the syncs and the acknowledgements, and
// replayed up to any moment. What was synced by then is there; of the rest any 512-byte sectors are, or are not. Every
// such file must be a store in which every acknowledged set is there and none is half there, and without a byte of a
// customer whose erasing was acknowledged.
//
// Killing a process cannot show a missing sync, so there is a control: without the syncs, files must be found broken.
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/unit.h"

#include "store/erase.h"
#include "store/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum {
	SECTOR_SIZE = 512,
	SETS = 120,
	SETS_PER_ERASE = 30,
	SETS_TOGETHER = 5,       // every other time these wait together, each as large as a commit
	STATES = 300,            // power losses
	STATES_OF_ERASING = 100, // those in the middle of it
	EVENTS_MAX = 16384,

	STATE_SOUND = 0,
	STATE_REFUSED = 1,
	STATE_LOST = 2,   // an acknowledged set
	STATE_HALF = 3,   // a set is
	STATE_TRACES = 4, // of what was erased
};

enum event_kind {
	EVENT_WRITE,
	EVENT_WRITE_SYNCED, // by a descriptor that syncs each write
	EVENT_SYNC,
	EVENT_ACKNOWLEDGED,
	EVENT_ERASED,
	EVENT_KINDS,
};

struct io_event {
	enum event_kind kind;
	off_t offset;
	size_t size;
	char *data;
	uint32_t set;
};

// Whoever writes records: the writer thread, or the one beside it while the writer does not.
static struct io_event events[EVENTS_MAX];
static size_t events_count;
static atomic_bool is_recording;

static struct store_fixture fixture;
static char *base; // the data file as it was before the first event
static size_t base_size;

// ---------------------------------------------------------------- recording

static bool is_data_file(int fd)
{
	char link[64], target[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	const ssize_t size = readlink(link, target, sizeof(target) - 1);
	if (size < 9)
		return false;
	target[size] = '\0';
	return strcmp(target + size - 9, "/data.mdb") == 0;
}

static struct io_event *record(enum event_kind kind)
{
	ck_assert_uint_lt(events_count, EVENTS_MAX);
	struct io_event *event = &events[events_count++];
	*event = (struct io_event){.kind = kind};
	return event;
}

static void record_write(int fd, const void *data, size_t size, off_t offset)
{
	if (!atomic_load(&is_recording) || !is_data_file(fd))
		return;
	struct io_event *event = record(fcntl(fd, F_GETFL) & O_DSYNC ? EVENT_WRITE_SYNCED : EVENT_WRITE);
	event->offset = offset;
	event->size = size;
	event->data = malloc(size);
	memcpy(event->data, data, size);
}

// These stand in for the C library's, for LMDB as well.
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	record_write(fd, data, size, offset);
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite(fd, data, size, offset);
}

static void record_parts(int fd, const struct iovec *parts, int count, off_t offset)
{
	for (int i = 0; i < count; i++) {
		record_write(fd, parts[i].iov_base, parts[i].iov_len, offset);
		offset += (off_t)parts[i].iov_len;
	}
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
	record_parts(fd, parts, count, offset);
	return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	record_parts(fd, parts, count, lseek(fd, 0, SEEK_CUR));
	return syscall(SYS_writev, fd, parts, count);
}

static void record_sync(int fd)
{
	if (atomic_load(&is_recording) && is_data_file(fd))
		record(EVENT_SYNC);
}

int fdatasync(int fd)
{
	record_sync(fd);
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	record_sync(fd);
	return (int)syscall(SYS_fsync, fd);
}

static void acknowledge(struct store_job *job)
{
	struct test_job *test = job->context;
	ck_assert_int_eq(job->result, 0);
	record(EVENT_ACKNOWLEDGED)->set = (uint32_t)job->set->expected_revision;
	pthread_mutex_lock(&test->lock);
	test->is_finished = true;
	pthread_cond_signal(&test->finished);
	pthread_mutex_unlock(&test->lock);
}

// ---------------------------------------------------------------- the sets

static char *name_of(uint32_t number)
{
	return store_fixture_text("Somebody named %06u", number);
}

// Set n puts customer n, a token and a tariff of hers; every third deletes those of set n - 2.
struct power_set {
	struct test_job job;
	struct change changes[5];
};

static void submit_set(struct power_set *set, uint32_t number)
{
	char *id = store_fixture_text("s-%u", number);
	char *former = store_fixture_text("s-%u", number - 2);
	set->changes[0] = change_put_customer(id, name_of(number));
	set->changes[1] = change_put_token(id, id);
	set->changes[2] = change_put_tariff(id);
	set->changes[3] = change_delete_customer(former);
	set->changes[4] = change_delete_tariff(former);
	test_job_init(&set->job, set->changes, number % 3 == 0 ? 5 : 3);
	set->job.set.idempotency_key = bytes_from(id);
	set->job.set.expected_revision = number; // the revision is the set's number
	set->job.job.done = acknowledge;
	set->job.job.body_size = COMMIT_BODIES_MAX;
	ck_assert_int_eq(test_job_submit(&set->job, fixture.store), 0);
}

static void finish_set(struct power_set *set)
{
	test_job_wait(&set->job);
	test_job_finish(&set->job);
}

// One after the other, or as the parts of a commit.
static void apply_sets(uint32_t first, uint32_t count, bool is_together)
{
	struct power_set sets[SETS_TOGETHER];
	struct test_gate gate;
	if (is_together)
		test_gate_close(&gate, fixture.store);
	for (uint32_t i = 0; i < count; i++) {
		submit_set(&sets[i], first + i);
		if (!is_together)
			finish_set(&sets[i]);
	}
	if (is_together)
		test_gate_open(&gate);
	for (uint32_t i = 0; is_together && i < count; i++)
		finish_set(&sets[i]);
}

static bool is_erased_after(uint32_t number)
{
	return number % SETS_PER_ERASE == 0;
}

// The customer that set n deleted.
static void erase_former(uint32_t number)
{
	const struct erase_request request = {.customer_id = bytes_from(store_fixture_text("s-%u", number - 2))};
	struct erase_response response;
	struct fault fault = {0};
	ck_assert_msg(store_erase(fixture.store, &request, &response, &fault) == 0, "%s", fault.message);
	ck_assert_uint_gt(response.entries, 0);
	ck_assert_uint_gt(response.bytes_wiped, 0);
	record(EVENT_ERASED)->set = number;
}

static char *read_data_file(size_t *ret_size)
{
	char path[128];
	struct stat status;
	const int fd = open(temporary_file(&fixture.directory, "data.mdb", path), O_RDONLY);
	ck_assert_int_eq(fstat(fd, &status), 0);
	char *data = malloc((size_t)status.st_size);
	ck_assert_int_eq(read(fd, data, (size_t)status.st_size), status.st_size);
	close(fd);
	*ret_size = (size_t)status.st_size;
	return data;
}

static void setup(void)
{
	store_fixture_init(&fixture);
	store_fixture_close(&fixture);
	fixture.options.log_entries_max = LOG_ENTRIES_MAX_DEFAULT;
	fixture.options.log_bytes_max = LOG_BYTES_MAX_DEFAULT;
	fixture.options.log_age_max_s = LOG_AGE_MAX_DEFAULT_S;
	store_fixture_open(&fixture);
	base = read_data_file(&base_size);
	atomic_store(&is_recording, true);
	for (uint32_t number = 1; number <= SETS; number += SETS_TOGETHER) {
		const uint32_t last = number + SETS_TOGETHER - 1;
		apply_sets(number, SETS_TOGETHER, number / SETS_TOGETHER % 2 == 1);
		if (is_erased_after(last))
			erase_former(last);
	}
	atomic_store(&is_recording, false);
	store_fixture_close(&fixture);
	srand(13);
}

static void teardown(void)
{
	for (size_t i = 0; i < events_count; i++)
		free(events[i].data);
	free(base);
	store_fixture_finish(&fixture);
}

// ---------------------------------------------------------------- the file after a power loss

struct disk {
	char *data;
	size_t size;
	size_t limit;
};

static void put_sector(struct disk *disk, off_t offset, const char *data, size_t size)
{
	ck_assert_uint_le((size_t)offset + size, disk->limit);
	memcpy(disk->data + offset, data, size);
	if ((size_t)offset + size > disk->size)
		disk->size = (size_t)offset + size;
}

// Each sector of the write gets to the disk with a probability of `percent`.
static void put_some(struct disk *disk, const struct io_event *event, int percent)
{
	for (size_t done = 0; done < event->size;) {
		const size_t room = SECTOR_SIZE - (size_t)(event->offset + (off_t)done) % SECTOR_SIZE;
		const size_t size = event->size - done < room ? event->size - done : room;
		if (rand() % 100 < percent)
			put_sector(disk, event->offset + (off_t)done, event->data + done, size);
		done += size;
	}
}

// Whether what event `i` wrote is on disk for certain when the power goes before event `end`.
static bool is_durable(size_t i, size_t end, bool has_syncs)
{
	if (events[i].kind == EVENT_WRITE_SYNCED)
		return true;
	for (size_t k = i + 1; has_syncs && k < end; k++)
		if (events[k].kind == EVENT_SYNC)
			return true;
	return false;
}

static void lose_power(struct disk *disk, size_t end, bool has_syncs)
{
	const int percent = rand() % 3 * 50; // none, half, all of what was under way
	memset(disk->data, 0, disk->limit);
	memcpy(disk->data, base, base_size);
	disk->size = base_size;
	for (size_t i = 0; i < end; i++)
		if (events[i].data != NULL)
			put_some(disk, &events[i], is_durable(i, end, has_syncs) ? 100 : percent);
	if (end < events_count && events[end].data != NULL)
		put_some(disk, &events[end], percent); // in the middle of it
}

// ---------------------------------------------------------------- what is left

// 0: nothing of the set is there, 1: all, -1: some.
static int find_set(const struct image *image, uint32_t number)
{
	char id[16];
	struct id_key key;
	snprintf(id, sizeof(id), "S-%u", number);
	id_fold(ID_FOLD_PLAIN, bytes_from(id), &key);
	const int found = (image_find(image, IMAGE_CUSTOMERS, &key) != 0) +
			  (image_find(image, IMAGE_TARIFFS, &key) != 0) +
			  (image_find_token(image, NULL, TOKEN_TYPE_RFID, bytes_from(id)) != 0);
	return found == 0 ? 0 : found == 3 ? 1 : -1;
}

// Sets were carried out one after the other: at revision r, exactly sets 1 to r - 1.
static int check_image(const struct image *image, uint32_t acknowledged)
{
	if (image->revision < acknowledged + 1)
		return STATE_LOST;
	for (uint32_t number = 1; number <= SETS; number++) {
		const bool was_deleted = (number + 2) % 3 == 0 && number + 2 < image->revision;
		const bool is_expected = number < image->revision && !was_deleted;
		const int found = find_set(image, number);
		if (found < 0)
			return STATE_HALF;
		if (found != is_expected)
			return STATE_LOST;
	}
	return STATE_SOUND;
}

static int open_left_over(uint32_t acknowledged)
{
	fixture.fault = (struct fault){0};
	if (store_open(&fixture.options, &fixture.store, &fixture.fault) != 0)
		return STATE_REFUSED;
	ck_assert_int_eq(store_reader_create(fixture.store, NULL, NULL, &fixture.reader), 0);
	const int result = check_image(store_pin(fixture.reader), acknowledged);
	store_unpin(fixture.reader);
	store_fixture_close(&fixture);
	return result;
}

static uint32_t last_before(size_t end, enum event_kind kind)
{
	uint32_t last = 0;
	for (size_t i = 0; i < end; i++)
		if (events[i].kind == kind)
			last = events[i].set;
	return last;
}

static bool has_traces(const struct disk *disk, uint32_t erased)
{
	bool has = false;
	for (uint32_t number = SETS_PER_ERASE; number <= erased; number += SETS_PER_ERASE) {
		const char *name = name_of(number - 2);
		has |= memmem(disk->data, disk->size, name, strlen(name)) != NULL;
	}
	return has;
}

static int try_state(const struct disk *disk, size_t end)
{
	char path[128];
	int status;
	const uint32_t acknowledged = last_before(end, EVENT_ACKNOWLEDGED);
	if (has_traces(disk, last_before(end, EVENT_ERASED)))
		return STATE_TRACES;
	const int fd = open(temporary_file(&fixture.directory, "data.mdb", path), O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, disk->data, disk->size), (ssize_t)disk->size);
	close(fd);
	const pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		alarm(60);
		_exit(open_left_over(acknowledged));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status), "before event %zu: signal %d", end, WTERMSIG(status));
	return WEXITSTATUS(status);
}

static size_t disk_limit(void)
{
	size_t limit = base_size;
	for (size_t i = 0; i < events_count; i++)
		if ((size_t)events[i].offset + events[i].size > limit)
			limit = (size_t)events[i].offset + events[i].size;
	return limit;
}

// After a set that is followed by an erasing, and at the latest when that has been acknowledged.
static bool is_while_erasing(size_t end)
{
	const uint32_t set = last_before(end, EVENT_ACKNOWLEDGED);
	return set > 0 && is_erased_after(set) &&
	       (last_before(end, EVENT_ERASED) < set || events[end - 1].kind == EVENT_ERASED);
}

static size_t moment_of_erasing(void)
{
	size_t end;
	do
		end = (size_t)rand() % (events_count + 1);
	while (!is_while_erasing(end));
	return end;
}

// How many of STATES power losses left something else than a sound store behind.
static int count_broken(bool has_syncs)
{
	struct disk disk = {.limit = disk_limit()};
	int broken = 0;
	disk.data = malloc(disk.limit);
	for (int i = 0; i < STATES; i++) {
		const size_t end = (size_t)rand() % (events_count + 1);
		lose_power(&disk, end, has_syncs);
		const int state = try_state(&disk, end);
		ck_assert_msg(!has_syncs || state == STATE_SOUND, "before event %zu of %zu: state %d", end,
			      events_count, state);
		broken += state != STATE_SOUND;
	}
	free(disk.data);
	return broken;
}

START_TEST(the_recording_is_of_whole_commits)
{
	size_t kinds[EVENT_KINDS] = {0};
	for (size_t i = 0; i < events_count; i++)
		kinds[events[i].kind]++;
	ck_assert_uint_eq(kinds[EVENT_ACKNOWLEDGED], SETS);
	ck_assert_uint_eq(kinds[EVENT_ERASED], SETS / SETS_PER_ERASE);
	ck_assert_uint_ge(kinds[EVENT_SYNC], SETS + 2 * kinds[EVENT_ERASED]);
	ck_assert_uint_ge(kinds[EVENT_WRITE_SYNCED], SETS + kinds[EVENT_ERASED]);
	ck_assert_uint_gt(kinds[EVENT_WRITE], SETS);
}
END_TEST

START_TEST(a_power_loss_takes_nothing_that_was_acknowledged)
{
	ck_assert_int_eq(count_broken(true), 0);
}
END_TEST

START_TEST(a_power_loss_in_the_middle_of_erasing_leaves_a_sound_store)
{
	struct disk disk = {.limit = disk_limit()};
	disk.data = malloc(disk.limit);
	for (int i = 0; i < STATES_OF_ERASING; i++) {
		const size_t end = moment_of_erasing();
		lose_power(&disk, end, true);
		const int state = try_state(&disk, end);
		ck_assert_msg(state == STATE_SOUND, "before event %zu of %zu: state %d", end, events_count, state);
	}
	free(disk.data);
}
END_TEST

START_TEST(without_syncs_it_would)
{
	ck_assert_int_gt(count_broken(false), STATES / 10);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("power");
	tcase_add_unchecked_fixture(tcase, setup, teardown); // once: what it made stays in memory
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, the_recording_is_of_whole_commits);
	tcase_add_test(tcase, a_power_loss_takes_nothing_that_was_acknowledged);
	tcase_add_test(tcase, a_power_loss_in_the_middle_of_erasing_leaves_a_sound_store);
	tcase_add_test(tcase, without_syncs_it_would);
	Suite *suite = suite_create("crash/power");
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
