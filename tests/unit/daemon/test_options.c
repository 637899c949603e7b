// SPDX-License-Identifier: Apache-2.0
#include "daemon/options.h"

#include "daemon/options_redis.h"
#include "daemon/options_table.h"
#include "store/log.h"
#include "tests/unit/store/temporary.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>

static struct options options;
static struct options_error error;

enum { ARGUMENTS_MAX = 140 };

// Runs options_load() on words separated by '|'.
static int load(const char *words)
{
	static char program[] = "evauthd", line[4096];
	char *argv[ARGUMENTS_MAX] = {program};
	int argc = 1;
	snprintf(line, sizeof(line), "%s", words);
	for (char *word = strtok(line, "|"); word != NULL; word = strtok(NULL, "|"))
		argv[argc++] = word;
	argv[argc] = NULL;
	memset(&error, 0, sizeof(error));
	return options_load(argc, argv, &options, &error);
}

// ---------------------------------------------------------------- defaults and single values

START_TEST(without_arguments_the_defaults_hold)
{
	ck_assert_int_eq(load(""), 0);
	ck_assert_str_eq(options.store, "./evauthd-data");
	ck_assert_uint_eq(options.map_size, 16ull << 30);
	ck_assert_uint_eq(options.listen.count, 0);
	ck_assert_str_eq(options.unix_path, "");
	ck_assert_uint_eq(options.frame_size_max, 1024 * 1024);
	ck_assert_uint_eq(options.log_entries, LOG_ENTRIES_MAX_DEFAULT);
	ck_assert_uint_eq(options.log_bytes, LOG_BYTES_MAX_DEFAULT);
	ck_assert_uint_eq(options.log_age_ms, LOG_AGE_MAX_DEFAULT_S * 1000ull);
	ck_assert_int_eq(options.log_level, LOG_LEVEL_INFO);
	ck_assert(!options.insecure_listen);
	ck_assert(!options.help);
}
END_TEST

static const struct {
	const char *name, *good, *min, *below, *max, *above;
} numbers[] = {
	{"map-size", "16", "64MiB", "67108863B", "4TiB", "4097"},
	{"workers", "8", "0", NULL, "64", "65"},
	{"max-connections", "1000", "1", "0", "1000000", "1000001"},
	{"frame-size-max", "1MiB", "16384", "16383", "16MiB", "16777217"},
	{"inflight-bytes-max", "128K", "64KiB", "65535", "64M", "67108865"},
	{"tls-handshakes-max", "10", "1", "0", "1000000", "1000001"},
	{"tls-handshake-timeout", "5s", "100", "99", "1h", "3600001ms"},
	{"idle-timeout", "10min", "100ms", "99ms", "168h", "604800001"},
	{"frame-timeout", "5s", "100", "99", "1h", "3600001ms"},
	{"write-timeout", "5 s", "100", "99", "60min", "61min"},
	{"min-revision-wait", "250ms", "0", NULL, "1min", "60001"},
	{"snapshot-timeout", "1h", "1s", "999", "24h", "25h"},
	{"drain-timeout", "10s", "0", NULL, "1h", "3601s"},
	{"redis-log-max", "5000", "1", "0", "1000000000", "1000000001"},
	{"redis-wait-replicas", "2", "0", NULL, "64", "65"},
	{"redis-timeout", "2s", "100ms", "99", "10min", "11min"},
	{"redis-stale", "30s", "0", NULL, "168h", "604800001"},
	{"client-connections-max", "64", "0", NULL, "1000000", "1000001"},
	{"client-requests-per-second", "5000", "0", NULL, "10000000", "10000001"},
	{"client-requests-burst", "10000", "0", NULL, "1000000000", "1000000001"},
	{"client-inflight-bytes-max", "8MiB", "0", NULL, "64GiB", "68719476737"},
	{"client-unknown-tokens-per-second", "5", "0", NULL, "10000000", "10000001"},
	{"client-unknown-tokens-burst", "100", "0", NULL, "1000000000", "1000000001"},
	{"queue-max", "10", "1", "0", "65536", "65537"},
	{"log-entries", "500", "0", NULL, "1000000000", "1000000001"},
	{"log-bytes", "64MiB", "0", NULL, "1024GiB", "1099511627777"},
	{"log-age", "720h", "0", NULL, "87840h", "87841h"},
};

static int load_number(const char *name, const char *value)
{
	char words[128];
	snprintf(words, sizeof(words), "--%s=%s", name, value);
	return load(words);
}

START_TEST(a_number_is_taken_at_its_limits_and_not_one_past)
{
	const char *name = numbers[_i].name;
	char start[64];
	snprintf(start, sizeof(start), "--%s: ", name);
	ck_assert_int_eq(load_number(name, numbers[_i].good), 0);
	ck_assert_int_eq(load_number(name, numbers[_i].min), 0);
	ck_assert_int_eq(load_number(name, numbers[_i].max), 0);
	ck_assert_int_eq(load_number(name, numbers[_i].above), -EINVAL);
	ck_assert_msg(strncmp(error.message, start, strlen(start)) == 0, "%s", error.message);
	ck_assert_ptr_nonnull(strstr(error.message, "is not between"));
	if (numbers[_i].below != NULL)
		ck_assert_int_eq(load_number(name, numbers[_i].below), -EINVAL);
}
END_TEST

static const char *const not_numbers[] = {"",    "x",  "-1",  "1.5", "5 parsecs", "99999999999999999999",
					  "1e3", " 5", "0x10"};

START_TEST(what_is_no_number_is_refused_everywhere)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		ck_assert_msg(load_number(numbers[i].name, not_numbers[_i]) == -EINVAL, "%s", numbers[i].name);
}
END_TEST

START_TEST(every_number_has_a_row_in_this_test)
{
	size_t count = 0;
	for (size_t i = 0; i < option_table_size; i++) {
		const enum option_type type = option_table[i].type;
		count += type == OPTION_NUMBER || type == OPTION_SIZE || type == OPTION_SIZE_GIB ||
			 type == OPTION_DURATION;
	}
	ck_assert_uint_eq(count, ARRAY_SIZE(numbers));
}
END_TEST

static const struct {
	const char *words;
	uint64_t bytes;
} sizes[] = {
	{"--map-size=2", 2ull << 30},      {"--map-size=512MiB", 512ull << 20}, {"--map-size=1T", 1ull << 40},
	{"--map-size=100000K", 102400000}, {"--map-size=1 GiB", 1ull << 30},    {"--map-size=67108864B", 64 << 20},
};

START_TEST(sizes_have_units)
{
	ck_assert_int_eq(load(sizes[_i].words), 0);
	ck_assert_uint_eq(options.map_size, sizes[_i].bytes);
}
END_TEST

START_TEST(texts_are_taken)
{
	ck_assert_int_eq(load("--store|/a b|--unix=/run/x|--port-file|ports"), 0);
	ck_assert_str_eq(options.store, "/a b");
	ck_assert_str_eq(options.unix_path, "/run/x");
	ck_assert_str_eq(options.port_file, "ports");
}
END_TEST

START_TEST(texts_have_a_longest_length)
{
	char words[1200];
	const size_t head = (size_t)snprintf(words, sizeof(words), "--unix=");
	memset(words + head, 'a', 107);
	words[head + 107] = '\0';
	ck_assert_int_eq(load(words), 0);
	words[head + 107] = 'a';
	words[head + 108] = '\0';
	ck_assert_int_eq(load(words), -EINVAL);
	memcpy(words, "--store=", 8);
	memset(words + 8, 'a', OPTIONS_TEXT_MAX - 1);
	words[8 + OPTIONS_TEXT_MAX - 1] = '\0';
	ck_assert_int_eq(load(words), 0);
	words[8 + OPTIONS_TEXT_MAX - 1] = 'a';
	words[8 + OPTIONS_TEXT_MAX] = '\0';
	ck_assert_int_eq(load(words), -EINVAL);
}
END_TEST

static const char *const refused[] = {
	"--http=7421", "--http=host:",     "--redis|http://x", "--no-such-option", "stray",
	"--store=",    "--config=",        "--listen=7420",    "--listen=host:",   "--listen=:7420",
	"-x",          "--log-level=loud", "--workers",
};

START_TEST(what_is_not_an_option_is_refused)
{
	ck_assert_int_eq(load(refused[_i]), -EINVAL);
	ck_assert_str_ne(error.message, "");
}
END_TEST

START_TEST(a_refusal_leaves_the_settings_alone)
{
	ck_assert_int_eq(load("--workers=7"), 0);
	ck_assert_int_eq(load("--workers=8|--queue-max=0"), -EINVAL);
	ck_assert_uint_eq(options.workers, 7);
}
END_TEST

START_TEST(commands_are_flags)
{
	ck_assert_int_eq(load("--help|--version|--check-config|--insecure-listen"), 0);
	ck_assert(options.help && options.version && options.check_config && options.insecure_listen);
}
END_TEST

START_TEST(listen_is_repeatable_up_to_its_maximum)
{
	char words[1024] = "";
	for (int i = 0; i < OPTIONS_LISTEN_MAX; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "|--listen=h:%d", i);
	ck_assert_int_eq(load(words), 0);
	ck_assert_uint_eq(options.listen.count, OPTIONS_LISTEN_MAX);
	ck_assert_str_eq(options.listen.items[15], "h:15");
	strcat(words, "|--listen=h:16");
	ck_assert_int_eq(load(words), -EINVAL);
}
END_TEST

START_TEST(too_many_words_are_refused)
{
	char words[4096] = "";
	for (int i = 0; i < 129; i++)
		strcat(words, "|--workers=1");
	ck_assert_int_eq(load(words), -EINVAL);
}
END_TEST

// ---------------------------------------------------------------- the file

static struct temporary folder;
static char path[128];

static void setup_folder(void)
{
	temporary_create(&folder);
	temporary_file(&folder, "evauthd.conf", path);
}

static void teardown_folder(void)
{
	temporary_remove(&folder);
}

static void write_file(const char *text, size_t size)
{
	FILE *file = fopen(path, "w");
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	fclose(file);
}

static int load_file(const char *text, const char *more_words)
{
	char words[512];
	write_file(text, strlen(text));
	snprintf(words, sizeof(words), "--config=%s%s", path, more_words);
	return load(words);
}

START_TEST(a_file_sets_every_kind_of_value)
{
	ck_assert_int_eq(load_file("# comment\n"
				   "store = \"/var/lib/evauthd\"\n"
				   "map-size = 2\n"
				   "listen = {\"127.0.0.1:1\", \"[::1]:2\"}\n"
				   "insecure-listen = true\n"
				   "log-level = debug // more\n"
				   "idle-timeout = 90s\n"
				   "max-connections = 17\n",
				   ""),
			 0);
	ck_assert_str_eq(options.store, "/var/lib/evauthd");
	ck_assert_uint_eq(options.map_size, 2ull << 30);
	ck_assert_uint_eq(options.listen.count, 2);
	ck_assert_str_eq(options.listen.items[1], "[::1]:2");
	ck_assert(options.insecure_listen);
	ck_assert_int_eq(options.log_level, LOG_LEVEL_DEBUG);
	ck_assert_uint_eq(options.idle_timeout_ms, 90000);
	ck_assert_uint_eq(options.max_connections, 17);
}
END_TEST

START_TEST(the_command_line_beats_the_file)
{
	ck_assert_int_eq(
		load_file("workers = 3\nqueue-max = 9\nlisten = {\"a:1\", \"b:2\"}\n", "|--workers=5|--listen=c:3"), 0);
	ck_assert_uint_eq(options.workers, 5);
	ck_assert_uint_eq(options.queue_max, 9);
	ck_assert_uint_eq(options.listen.count, 1);
	ck_assert_str_eq(options.listen.items[0], "c:3");
}
END_TEST

START_TEST(an_empty_file_changes_nothing)
{
	ck_assert_int_eq(load_file("", ""), 0);
	ck_assert_int_eq(load_file("\n\n# nothing\n", ""), 0);
	ck_assert_uint_eq(options.workers, 0);
}
END_TEST

// Where the line of the message must be, and what it must name.
static const struct {
	const char *text;
	int line;
	const char *names;
} wrong_files[] = {
	{"workers = 1\nworks = 1\n", 2, "works"},
	{"\n\nworkers = 65\n", 3, "workers: 65"},
	{"workers = 1\nworkers = 2\n", 2, "workers: is set twice"},
	{"log-level = loud\n", 1, "log-level: 'loud'"},
	{"insecure-listen = maybe\n", 1, "insecure-listen: 'maybe'"},
	{"idle-timeout = 5y\n", 1, "idle-timeout: '5y'"},
	{"listen = {\"127.0.0.1:1\",\n\"7420\"}\n", 2, "listen: '7420'"},
	{"help = true\n", 1, "help"},
	{"version = true\n", 1, "version"},
	{"check-config = true\n", 1, "check-config"},
	{"config = \"x\"\n", 1, "config"},
	{"workers = \n", 2, ""},
	{"workers = \"1\n", 2, ""},
	{"workers 1\n", 1, ""},
	{"= 1\n", 1, ""},
	{"store = \"\"\n", 1, "store: '' must not be empty"},
};

START_TEST(a_mistake_in_a_file_is_named_with_its_line)
{
	char start[160];
	snprintf(start, sizeof(start), "%s:%d: ", path, wrong_files[_i].line);
	ck_assert_int_eq(load_file(wrong_files[_i].text, ""), -EINVAL);
	ck_assert_msg(strncmp(error.message, start, strlen(start)) == 0, "%s", error.message);
	ck_assert_msg(strstr(error.message, wrong_files[_i].names) != NULL, "%s", error.message);
}
END_TEST

START_TEST(a_file_that_is_not_there_or_not_a_text_is_refused)
{
	char *large = malloc(OPTIONS_FILE_MAX + 1), words[256];
	ck_assert_int_eq(load("--config=/nonexistent/evauthd.conf"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "/nonexistent/evauthd.conf"));
	ck_assert_int_eq(load("--config=/tmp"), -EINVAL);
	snprintf(words, sizeof(words), "--config=%s", path);
	memset(large, '\n', OPTIONS_FILE_MAX + 1);
	write_file(large, OPTIONS_FILE_MAX);
	ck_assert_int_eq(load(words), 0);
	write_file(large, OPTIONS_FILE_MAX + 1);
	ck_assert_int_eq(load(words), -EINVAL);
	write_file("workers = 1\n\0workers", 20);
	ck_assert_int_eq(load(words), -EINVAL);
	free(large);
}
END_TEST

START_TEST(every_option_is_a_key_but_the_commands)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		char text[128];
		const char *value = row->type == OPTION_LEVEL                         ? "info"
				    : row->type == OPTION_FLAG                        ? "true"
				    : row->check_why != NULL                          ? "{\"tcp=query\"}"
				    : row->preset != NULL && row->type == OPTION_TEXT ? row->preset
				    : row->type == OPTION_LIST                        ? "{\"h:1\"}"
				    : row->type == OPTION_TEXT                        ? "\"x:1\""
				    : row->type == OPTION_URL                         ? "\"redis://h\""
				    : row->type == OPTION_SIZE_GIB                    ? "1"
				    : row->type == OPTION_NUMBER                      ? "1"
				    : row->type == OPTION_SIZE                        ? "64KiB"
										      : "1s";
		snprintf(text, sizeof(text), "%s = %s\n", row->name, value);
		ck_assert_msg(load_file(text, "") == (row->command_line_only ? -EINVAL : 0), "%s: %s", row->name,
			      error.message);
	}
}
END_TEST

// ---------------------------------------------------------------- Redis

START_TEST(a_password_in_the_url_is_refused_on_the_command_line)
{
	ck_assert_int_eq(load("--redis=redis://:secret@h"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "redis-password-file"));
	ck_assert_ptr_null(strstr(error.message, "secret"));
	ck_assert_int_eq(load("--redis=redis://:secret@h:port"), -EINVAL);
	ck_assert_ptr_null(strstr(error.message, "secret"));
	ck_assert_int_eq(load("--redis=redis://h"), 0);
	ck_assert_str_eq(options.redis, "redis://h");
	ck_assert_int_eq(load("--redis="), 0);
}
END_TEST

START_TEST(a_file_with_a_password_must_not_be_readable_by_others)
{
	const char *text = "redis = \"redis://u:secret@h\"\n";
	char words[256];
	ck_assert_int_eq(load_file(text, ""), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.message, "others"));
	ck_assert_ptr_null(strstr(error.message, "secret"));
	ck_assert_int_eq(chmod(path, 0640), 0);
	snprintf(words, sizeof(words), "--config=%s", path);
	ck_assert_int_eq(load(words), 0);
	ck_assert_str_eq(options.redis, "redis://u:secret@h");
}
END_TEST

START_TEST(peers_are_repeatable_up_to_their_maximum)
{
	char words[1024] = "";
	for (int i = 0; i < OPTIONS_PEERS_MAX; i++)
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "|--peer=h:%d", i);
	ck_assert_int_eq(load(words), 0);
	ck_assert_uint_eq(options.peers.count, OPTIONS_PEERS_MAX);
	ck_assert_uint_eq(options.listen.count, 0);
	strcat(words, "|--peer=h:9");
	ck_assert_int_eq(load(words), -EINVAL);
	ck_assert_int_eq(load("--peer=h"), -EINVAL);
	ck_assert_int_eq(load("--peer=tls:h"), -EINVAL);
	ck_assert_int_eq(load("--peer=tls:h:1|--peer=unix:/x"), 0);
}
END_TEST

static int load_settings(const char *words, struct redis_settings *settings)
{
	ck_assert_msg(load(words) == 0, "%s", error.message);
	return redis_settings_init(settings, &options, &error);
}

START_TEST(settings_of_redis_are_put_together)
{
	struct redis_settings settings;
	char words[512];
	ck_assert_int_eq(load_settings("", &settings), 0);
	ck_assert(!settings.is_used);
	write_file("secret\n", 7);
	ck_assert_int_eq(chmod(path, 0600), 0);
	snprintf(words, sizeof(words), "--redis=redis://u:@h:1/2|--redis-password-file=%s", path);
	ck_assert_int_eq(load_settings(words, &settings), 0);
	ck_assert(settings.is_used && settings.tls == NULL);
	ck_assert_str_eq(settings.url.password, "secret");
	redis_settings_finish(&settings);
	ck_assert_int_eq(load_settings("--redis=rediss://h", &settings), 0);
	ck_assert_ptr_nonnull(settings.tls);
	redis_settings_finish(&settings);
}
END_TEST

static const struct {
	const char *words, *names;
} misfits[] = {
	{"--redis-password-file=/x", "redis-password-file: means nothing without redis"},
	{"--redis-ca-file=/x", "redis-ca-file: means nothing without redis"},
	{"--peer=h:1", "peer: means nothing without redis"},
	{"--peer-ca-file=/x", "peer-ca-file: means nothing without redis"},
	{"--redis=redis://h|--peer=h:1|--peer-cert-file=/x", "peer-ca-file, peer-cert-file, peer-key-file: are for"},
	{"--redis=redis://h|--peer=h:1|--peer=tls:h:1|--peer-ca-file=/nonexistent/ca", "peer: /nonexistent/ca"},
	{"--redis=redis://h|--redis-password-file=/nonexistent/p", "redis-password-file: /nonexistent/p: No such file"},
	{"--redis=redis://u:@h", "names a user"},
	{"--redis=redis://h|--redis-ca-file=/x", "for rediss://"},
	{"--redis=rediss://h|--redis-ca-file=/nonexistent/ca", "/nonexistent/ca"},
	{"--redis=rediss://h|--redis-cert-file=/nonexistent/c", "together"},
	{"--redis=rediss://h|--redis-cert-file=/nonexistent/c|--redis-key-file=/nonexistent/k", "/nonexistent/c"},
};

START_TEST(settings_of_redis_that_do_not_fit_are_refused)
{
	struct redis_settings settings;
	ck_assert_int_eq(load_settings(misfits[_i].words, &settings), -EINVAL);
	ck_assert_msg(strstr(error.message, misfits[_i].names) != NULL, "%s", error.message);
}
END_TEST

// ---------------------------------------------------------------- printing and reloading

struct text {
	char data[8192];
};

static void append_line(void *context, const char *line)
{
	struct text *text = context;
	strcat(text->data, line);
	strcat(text->data, "\n");
}

START_TEST(what_is_printed_reads_back_as_the_same)
{
	struct text first = {""}, second = {""};
	ck_assert_int_eq(
		load("--store|a \"quoted\" \\ $HOME ${HOME} 'x'|--listen=h:1|--listen=[::1]:2|--map-size=100000000B|"
		     "--idle-timeout=1234|--insecure-listen|--log-level=error|--unix=/u|--min-revision-wait=0"),
		0);
	options_print(&options, append_line, &first);
	ck_assert_int_eq(load_file(first.data, ""), 0);
	ck_assert_str_eq(options.store, "a \"quoted\" \\ $HOME ${HOME} 'x'");
	ck_assert_uint_eq(options.map_size, 100000000);
	ck_assert_uint_eq(options.idle_timeout_ms, 1234);
	options_print(&options, append_line, &second);
	ck_assert_str_eq(first.data, second.data);
}
END_TEST

START_TEST(a_password_is_not_printed)
{
	struct text text = {""};
	const char *file = "redis = \"redis://u:secret@h\"\npeer = {\"h:1\"}\n";
	write_file(file, strlen(file));
	ck_assert_int_eq(chmod(path, 0600), 0);
	char words[256];
	snprintf(words, sizeof(words), "--config=%s", path);
	ck_assert_msg(load(words) == 0, "%s", error.message);
	options_print(&options, append_line, &text);
	ck_assert_ptr_null(strstr(text.data, "secret"));
	ck_assert_ptr_nonnull(strstr(text.data, "# redis = \"redis://u:***@h:6379\""));
	ck_assert_ptr_nonnull(strstr(text.data, "peer = {\n\t\"h:1\"\n}"));
}
END_TEST

START_TEST(a_reload_takes_over_what_can_be_changed_and_names_the_rest)
{
	char names[256];
	struct options old;
	ck_assert_int_eq(load("--workers=1|--store=a|--idle-timeout=1s|--log-level=info"), 0);
	old = options;
	ck_assert_int_eq(load("--workers=2|--store=b|--idle-timeout=2s|--log-level=debug"), 0);
	options_reload(&old, &options, names, sizeof(names));
	ck_assert_str_eq(names, "store, workers");
	ck_assert_uint_eq(old.workers, 1);
	ck_assert_str_eq(old.store, "a");
	ck_assert_uint_eq(old.idle_timeout_ms, 2000);
	ck_assert_int_eq(old.log_level, LOG_LEVEL_DEBUG);
	options_reload(&old, &old, names, sizeof(names));
	ck_assert_str_eq(names, "");
}
END_TEST

START_TEST(the_names_of_a_reload_fit_their_buffer)
{
	char names[8];
	struct options old;
	ck_assert_int_eq(load("--workers=1|--store=a|--queue-max=1"), 0);
	old = options;
	ck_assert_int_eq(load("--workers=2|--store=b|--queue-max=2"), 0);
	options_reload(&old, &options, names, sizeof(names));
	ck_assert_str_eq(names, "store, ");
}
END_TEST

START_TEST(every_row_is_whole)
{
	for (size_t i = 0; i < option_table_size; i++) {
		const struct option_row *row = &option_table[i];
		ck_assert_int_eq(option_find(row->name), (int)i);
		ck_assert_msg(row->help != NULL, "%s", row->name);
		ck_assert_msg((row->argument == NULL) == (row->type == OPTION_FLAG), "%s", row->name);
	}
	ck_assert_int_eq(option_find("nothing"), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon/options");
	TCase *words = tcase_create("command line"), *files = tcase_create("file");
	tcase_add_test(words, without_arguments_the_defaults_hold);
	tcase_add_loop_test(words, a_number_is_taken_at_its_limits_and_not_one_past, 0, ARRAY_SIZE(numbers));
	tcase_add_loop_test(words, what_is_no_number_is_refused_everywhere, 0, ARRAY_SIZE(not_numbers));
	tcase_add_test(words, every_number_has_a_row_in_this_test);
	tcase_add_loop_test(words, sizes_have_units, 0, ARRAY_SIZE(sizes));
	tcase_add_test(words, texts_are_taken);
	tcase_add_test(words, texts_have_a_longest_length);
	tcase_add_loop_test(words, what_is_not_an_option_is_refused, 0, ARRAY_SIZE(refused));
	tcase_add_test(words, a_refusal_leaves_the_settings_alone);
	tcase_add_test(words, commands_are_flags);
	tcase_add_test(words, listen_is_repeatable_up_to_its_maximum);
	tcase_add_test(words, too_many_words_are_refused);
	tcase_add_test(words, a_password_in_the_url_is_refused_on_the_command_line);
	tcase_add_test(words, peers_are_repeatable_up_to_their_maximum);
	tcase_add_loop_test(words, settings_of_redis_that_do_not_fit_are_refused, 0, ARRAY_SIZE(misfits));
	tcase_add_test(words, a_reload_takes_over_what_can_be_changed_and_names_the_rest);
	tcase_add_test(words, the_names_of_a_reload_fit_their_buffer);
	tcase_add_test(words, every_row_is_whole);
	tcase_add_checked_fixture(files, setup_folder, teardown_folder);
	tcase_add_test(files, a_file_sets_every_kind_of_value);
	tcase_add_test(files, the_command_line_beats_the_file);
	tcase_add_test(files, an_empty_file_changes_nothing);
	tcase_add_loop_test(files, a_mistake_in_a_file_is_named_with_its_line, 0, ARRAY_SIZE(wrong_files));
	tcase_add_test(files, a_file_that_is_not_there_or_not_a_text_is_refused);
	tcase_add_test(files, every_option_is_a_key_but_the_commands);
	tcase_add_test(files, what_is_printed_reads_back_as_the_same);
	tcase_add_test(files, a_file_with_a_password_must_not_be_readable_by_others);
	tcase_add_test(files, settings_of_redis_are_put_together);
	tcase_add_test(files, a_password_is_not_printed);
	suite_add_tcase(suite, words);
	suite_add_tcase(suite, files);
	return unit_main(suite);
}
