// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_parse.h"
#include "daemon/feed/redis_reader.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define A "0123456789abcdef0123456789abcdef"
#define B "ffffffffffffffffffffffffffffffff"

static struct redis_error error;

// Builds the RESP of nested lists: words separated by blanks, lists in brackets; `_` is an empty text, `#n` the number
// n,
// `~` nothing (nil).
static size_t build_list(const char **text, char *to, size_t *ret_elements)
{
	size_t used = 0, inner_elements;
	*ret_elements = 0;
	while (**text != '\0' && **text != ']') {
		char inner[8192], word[2048];
		if (**text == ' ') {
			(*text)++;
			continue;
		}
		(*ret_elements)++;
		if (**text == '[') {
			(*text)++;
			const size_t size = build_list(text, inner, &inner_elements);
			(*text)++;
			used += (size_t)sprintf(to + used, "*%zu\r\n", inner_elements);
			memcpy(to + used, inner, size);
			used += size;
			continue;
		}
		const size_t size = strcspn(*text, " ]");
		snprintf(word, sizeof(word), "%.*s", (int)size, *text);
		*text += size;
		if (word[0] == '#')
			used += (size_t)sprintf(to + used, ":%s\r\n", word + 1);
		else if (strcmp(word, "~") == 0)
			used += (size_t)sprintf(to + used, "$-1\r\n");
		else
			used += (size_t)sprintf(to + used, "$%zu\r\n%s\r\n", strcmp(word, "_") ? size : 0,
						strcmp(word, "_") ? word : "");
	}
	return used;
}

// One reply, the caller's.
static redisReply *build(const char *text)
{
	char resp[8192];
	size_t elements;
	struct redis_reader reader;
	redisReply *reply = NULL;
	const size_t size = build_list(&text, resp, &elements);
	ck_assert_uint_eq(elements, 1);
	ck_assert_int_eq(redis_reader_init(&reader, 65536, 1000), 0);
	ck_assert_int_eq(redis_reader_feed(&reader, (struct bytes){resp, size}, &error), 0);
	ck_assert_int_eq(redis_reader_next(&reader, &reply, &error), 0);
	ck_assert_ptr_nonnull(reply);
	redis_reader_finish(&reader);
	return reply;
}

static int parse_entry(const char *text, bool has_body, struct redis_log_entry *entry)
{
	redisReply *reply = build(text);
	memset(entry, 0, sizeof(*entry));
	const int result = redis_parse_entry(reply, has_body, entry, &error);
	freeReplyObject(reply);
	return result;
}

#define COMMON "epoch " A " nonce " B " origin here time 1700000000"

START_TEST(an_entry_is_read_with_fields_it_does_not_know)
{
	struct redis_log_entry entry;
	ck_assert_int_eq(parse_entry("[7-0 [colour blue " COMMON " prev " A " body x size _]]", true, &entry), 0);
	ck_assert_uint_eq(entry.revision, 7);
	ck_assert_int_eq(entry.time, 1700000000);
	ck_assert_uint_eq(entry.body.size, 1);
	ck_assert(!entry.is_base);
	ck_assert_int_eq(entry.nonce.data[15], 0xff);
	ck_assert_int_eq(entry.prev.data[0], 0x01);
	ck_assert_int_eq(parse_entry("[18446744073709551614-0 [" COMMON " prev " A " body x]]", true, &entry), 0);
}
END_TEST

START_TEST(a_base_may_name_what_it_takes_the_place_of)
{
	struct redis_log_entry entry;
	ck_assert_int_eq(parse_entry("[1-0 [" COMMON " prev _ body _]]", true, &entry), 0);
	ck_assert(entry.is_base);
	redisReply *reply = build("[1-0 [" COMMON " prev _ adopted_nonce " A " adopted_from " A "+" B "]]");
	redisReply *list = reply->element[1]->element[reply->element[1]->elements - 1];
	list->str[ID128_TEXT_SIZE] = ' ';
	ck_assert_msg(redis_parse_entry(reply, false, &entry, &error) == 0, "%s", error.text);
	ck_assert_uint_eq(entry.adopted_count, 2);
	ck_assert_int_eq(entry.adopted[1].data[0], 0xff);
	list->str[ID128_TEXT_SIZE] = ',';
	ck_assert_int_eq(redis_parse_entry(reply, false, &entry, &error), -EUCLEAN);
	freeReplyObject(reply);
}
END_TEST

static const struct {
	const char *text, *names;
} bad[] = {
	{"x", "none"},
	{"[]", "none"},
	{"[1-0]", "none"},
	{"[1-0 x]", "none"},
	{"[1-0 [epoch]]", "none"},
	{"[1-0 [#1 x]]", "no text"},
	{"[1-0 [epoch #1]]", "no text"},
	{"[#1 [" COMMON " prev _ body _]]", "entry ? "},
	{"[0-0 [" COMMON " prev _ body _]]", "its id"},
	{"[1-1 [" COMMON " prev _ body _]]", "its id"},
	{"[01-0 [" COMMON " prev _ body _]]", "its id"},
	{"[-0 [" COMMON " prev _ body _]]", "its id"},
	{"[1 [" COMMON " prev _ body _]]", "its id"},
	{"[1x-0 [" COMMON " prev _ body _]]", "its id"},
	{"[18446744073709551615-0 [" COMMON " prev _ body _]]", "its id"},
	{"[99999999999999999999-0 [" COMMON " prev _ body _]]", "its id"},
	{"[1-0 [" COMMON " prev _]]", "body is missing"},
	{"[1-0 [" COMMON " body _]]", "prev is missing"},
	{"[1-0 [nonce " A " origin _ time 1 prev _ body _]]", "epoch is missing"},
	{"[1-0 [epoch " A " origin _ time 1 prev _ body _]]", "nonce is missing"},
	{"[1-0 [epoch " A " nonce " A " time 1 prev _ body _]]", "origin is missing"},
	{"[1-0 [epoch " A " nonce " A " origin _ prev _ body _]]", "time is missing"},
	{"[1-0 [" COMMON " prev _ body _ epoch " A "]]", "epoch is there twice"},
	{"[1-0 [" COMMON " prev abc body _]]", "prev is malformed"},
	{"[1-0 [" COMMON " prev " A "0 body _]]", "prev is malformed"},
	{"[1-0 [epoch x nonce " A "]]", "epoch is malformed"},
	{"[1-0 [time -1]]", "time is malformed"},
	{"[1-0 [time 9223372036854775808]]", "time is malformed"},
	{"[1-0 [time 1s]]", "time is malformed"},
	{"[1-0 [" COMMON " prev _ body x]]", "a base with changes"},
	{"[1-0 [" COMMON " prev " A " body x adopted_from " A " adopted_nonce " A "]]", "no base"},
	{"[1-0 [" COMMON " prev _ body _ adopted_from " A "]]", "belong together"},
	{"[1-0 [" COMMON " prev _ body _ adopted_nonce " A "]]", "belong together"},
	{"[1-0 [" COMMON " prev _ body _ adopted_from _]]", "adopted_from is malformed"},
};

START_TEST(an_entry_that_is_not_right_is_refused_and_says_why)
{
	struct redis_log_entry entry;
	const int result = strcmp(bad[_i].names, "none") == 0 ? -EPROTO : -EUCLEAN;
	ck_assert_int_eq(parse_entry(bad[_i].text, true, &entry), result);
	ck_assert_int_eq(error.code, result);
	ck_assert_msg(strstr(error.text, bad[_i].names) != NULL, "%s: %s", bad[_i].text, error.text);
	ck_assert_uint_eq(entry.revision, 0);
}
END_TEST

START_TEST(origins_and_lists_have_a_longest_length)
{
	char text[4096], origin[REDIS_LOG_ORIGIN_MAX + 2];
	struct redis_log_entry entry;
	memset(origin, 'o', sizeof(origin));
	origin[REDIS_LOG_ORIGIN_MAX] = '\0';
	snprintf(text, sizeof(text), "[1-0 [epoch " A " nonce " A " prev _ body _ time 0 origin %s]]", origin);
	ck_assert_int_eq(parse_entry(text, true, &entry), 0);
	origin[REDIS_LOG_ORIGIN_MAX] = 'o';
	origin[REDIS_LOG_ORIGIN_MAX + 1] = '\0';
	snprintf(text, sizeof(text), "[1-0 [epoch " A " nonce " A " prev _ body _ time 0 origin %s]]", origin);
	ck_assert_int_eq(parse_entry(text, true, &entry), -EUCLEAN);
	for (uint32_t count = REDIS_LOG_ADOPTED_MAX; count <= REDIS_LOG_ADOPTED_MAX + 1; count++) {
		strcpy(text, "[1-0 [" COMMON " prev _ adopted_nonce " A " adopted_from " A);
		for (uint32_t i = 1; i < count; i++)
			strcat(text, "+" B);
		strcat(text, "]]");
		redisReply *reply = build(text);
		redisReply *list = reply->element[1]->element[reply->element[1]->elements - 1];
		for (char *plus; (plus = strchr(list->str, '+')) != NULL;)
			*plus = ' ';
		ck_assert_int_eq(redis_parse_entry(reply, false, &entry, &error),
				 count > REDIS_LOG_ADOPTED_MAX ? -EUCLEAN : 0);
		freeReplyObject(reply);
	}
}
END_TEST

#define BASE(id) "[" id " [" COMMON " prev _]]"
#define MARK "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define ENTRY(id) "[" id " [" COMMON " prev " A " body x]]"

static const struct {
	const char *text;
	int result;
	bool is_empty, has_mine;
} heads[] = {
	{"[~ ~ ~ ~]", 0, true, false},
	{"[" BASE("1-0") " " ENTRY("9-0") " " ENTRY("5-0") " " MARK "]", 0, false, true},
	{"[" BASE("1-0") " " ENTRY("9-0") " ~ " MARK "]", 0, false, false},
	{"[" BASE("5-0") " " BASE("5-0") " " BASE("5-0") " " MARK "]", 0, false, true},
	{"[" BASE("1-0") " ~ ~ " MARK "]", -EPROTO, false, false},
	{"[~ " BASE("1-0") " ~ " MARK "]", -EPROTO, false, false},
	{"[~ ~ " BASE("5-0") " " MARK "]", -EPROTO, false, false},
	{"[" BASE("1-0") " " ENTRY("9-0") " " ENTRY("6-0") " " MARK "]", -EPROTO, false, false},
	{"[" BASE("9-0") " " ENTRY("1-0") " ~ " MARK "]", -EPROTO, false, false},
	{"[" BASE("1-0") " " ENTRY("9-0") " ~]", -EPROTO, false, false}, // no mark
	{"[" BASE("1-0") " " ENTRY("9-0") " ~ ~]", -EPROTO, false, false},
	{"[~ ~]", -EPROTO, false, false},
	{"x", -EPROTO, false, false},
	{"[#1 #1 #1]", -EPROTO, false, false},
};

START_TEST(a_head_fits_together)
{
	struct redis_log_head head;
	redisReply *reply = build(heads[_i].text);
	ck_assert_int_eq(redis_parse_head(reply, 5, &head, &error), heads[_i].result);
	if (heads[_i].result == 0) {
		ck_assert_str_eq(head.damage, "");
		ck_assert_str_eq(head.last.mark, "");
		ck_assert_int_eq(head.is_empty, heads[_i].is_empty);
		ck_assert_int_eq(head.has_mine, heads[_i].has_mine);
	}
	freeReplyObject(reply);
}
END_TEST

#define DAMAGED(id) "[" id " [foo bar]]"

static const struct {
	const char *text;
	uint64_t last;
	bool has_mine, has_mark;
	const char *names;
} damaged_heads[] = {
	{"[" BASE("1-0") " " DAMAGED("9-0") " " ENTRY("5-0") " " MARK "]", 9, true, true, "entry 9-0"},
	{"[" BASE("1-0") " " DAMAGED("9-1") " " ENTRY("5-0") " " MARK "]", 0, true, true, "entry 9-1"},
	{"[" BASE("1-0") " " ENTRY("9-0") " " DAMAGED("5-0") " " MARK "]", 9, false, false, "entry 5-0"},
	{"[" DAMAGED("1-0") " " ENTRY("9-0") " " ENTRY("5-0") " " MARK "]", 9, true, false, "entry 1-0"},
	{"[" DAMAGED("1-0") " " DAMAGED("1-0") " ~ " MARK "]", 1, false, true, "entry 1-0"},
};

START_TEST(a_damaged_head_is_told_as_far_as_it_can_be_read)
{
	struct redis_log_head head;
	redisReply *reply = build(damaged_heads[_i].text);
	ck_assert_int_eq(redis_parse_head(reply, 5, &head, &error), 0);
	ck_assert(!head.is_empty);
	ck_assert_uint_eq(head.last.revision, damaged_heads[_i].last);
	ck_assert_int_eq(head.has_mine, damaged_heads[_i].has_mine);
	ck_assert_str_eq(head.last.mark, damaged_heads[_i].has_mark ? MARK : "");
	ck_assert_msg(strstr(head.damage, damaged_heads[_i].names) != NULL, "%s", head.damage);
	freeReplyObject(reply);
}
END_TEST

static const struct {
	const char *text;
	int result;
	bool is_written, is_empty;
} writes[] = {
	{"[#1]", 0, true, false},
	{"[#0 ~]", 0, false, true},
	{"[#0 " BASE("5-0") "]", 0, false, false},
	{"[#0 " DAMAGED("5-0") "]", 0, false, false},
	{"[#0]", -EPROTO, false, false},
	{"[]", -EPROTO, false, false},
	{"[x]", -EPROTO, false, false},
	{"#1", -EPROTO, false, false},
	{"[#0 x]", -EPROTO, false, false},
};

START_TEST(what_a_write_came_to_is_read)
{
	struct redis_log_written written;
	redisReply *reply = build(writes[_i].text);
	ck_assert_int_eq(redis_parse_written(reply, &written, &error), writes[_i].result);
	if (writes[_i].result == 0) {
		ck_assert_int_eq(written.is_written, writes[_i].is_written);
		ck_assert_int_eq(written.is_empty, writes[_i].is_empty);
	}
	freeReplyObject(reply);
}
END_TEST

static const struct {
	const char *text;
	int result;
} ranges[] = {
	{"[]", 0},
	{"[" ENTRY("5-0") " " ENTRY("6-0") "]", 2},
	{"[" ENTRY("5-0") " " ENTRY("9-0") "]", 2}, // a gap is the reader's business
	{"[" ENTRY("4-0") "]", -EPROTO},
	{"[" ENTRY("6-0") " " ENTRY("6-0") "]", -EPROTO},
	{"[" ENTRY("6-0") " " ENTRY("5-0") "]", -EPROTO},
	{"[" ENTRY("5-0") " " DAMAGED("6-0") " " ENTRY("7-0") "]", 1},
	{"[" DAMAGED("6-0") "]", -EUCLEAN},
	{"[" BASE("6-0") "]", -EUCLEAN},                                                    // no body
	{"[" ENTRY("5-0") " " ENTRY("6-0") " " ENTRY("7-0") " " ENTRY("8-0") "]", -EPROTO}, // too many
	{"~", -EPROTO},
	{"x", -EPROTO},
};

START_TEST(a_range_ascends)
{
	struct redis_log_entry entries[3];
	redisReply *reply = build(ranges[_i].text);
	ck_assert_int_eq(redis_parse_range(reply, 4, entries, 3, &error), ranges[_i].result);
	freeReplyObject(reply);
}
END_TEST

START_TEST(a_count_is_a_number)
{
	static const char *const bad_counts[] = {"#-1", "#4294967296", "x", "~", "[]"};
	uint32_t count;
	redisReply *reply = build("#3");
	ck_assert_int_eq(redis_parse_count(reply, &count, &error), 0);
	ck_assert_uint_eq(count, 3);
	freeReplyObject(reply);
	for (size_t i = 0; i < ARRAY_SIZE(bad_counts); i++) {
		reply = build(bad_counts[i]);
		ck_assert_int_eq(redis_parse_count(reply, &count, &error), -EPROTO);
		freeReplyObject(reply);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("redis_parse");
	TCase *tcase = tcase_create("redis_parse");
	tcase_add_test(tcase, an_entry_is_read_with_fields_it_does_not_know);
	tcase_add_test(tcase, a_base_may_name_what_it_takes_the_place_of);
	tcase_add_loop_test(tcase, an_entry_that_is_not_right_is_refused_and_says_why, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, origins_and_lists_have_a_longest_length);
	tcase_add_loop_test(tcase, a_head_fits_together, 0, ARRAY_SIZE(heads));
	tcase_add_loop_test(tcase, a_damaged_head_is_told_as_far_as_it_can_be_read, 0, ARRAY_SIZE(damaged_heads));
	tcase_add_loop_test(tcase, what_a_write_came_to_is_read, 0, ARRAY_SIZE(writes));
	tcase_add_loop_test(tcase, a_range_ascends, 0, ARRAY_SIZE(ranges));
	tcase_add_test(tcase, a_count_is_a_number);
	suite_add_tcase(suite, tcase);
	return unit_main(suite);
}
