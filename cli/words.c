// SPDX-License-Identifier: Apache-2.0
#include "cli/words.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

bool words_parse_switch(const char *word, bool *ret_on)
{
	static const struct {
		const char *word;
		bool on;
	} rows[] = {{"on", true},   {"yes", true}, {"true", true},   {"1", true},
		    {"off", false}, {"no", false}, {"false", false}, {"0", false}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcasecmp(word, rows[i].word) == 0) {
			*ret_on = rows[i].on;
			return true;
		}
	}
	return false;
}

// ---------------------------------------------------------------- times

// A date alone is its midnight, and a space may stand for the T.
static int parse_timestamp(const char *word, int64_t *ret_seconds)
{
	enum { DATE_SIZE = 10 }; // 2026-12-01
	char text[WORDS_SIZE];
	const size_t size = strlen(word);
	if (size >= sizeof(text) - DATE_SIZE)
		return -EINVAL;
	snprintf(text, sizeof(text), "%s%s", word, size == DATE_SIZE ? "T00:00:00Z" : "");
	if (size > DATE_SIZE && text[DATE_SIZE] == ' ')
		text[DATE_SIZE] = 'T';
	return json_time_parse(bytes_from(text), ret_seconds);
}

int words_parse_time(const char *word, int64_t *ret_seconds)
{
	if (word[0] == '\0') {
		*ret_seconds = 0;
		return 0;
	}
	if (word[strspn(word, "0123456789")] != '\0')
		return parse_timestamp(word, ret_seconds);
	errno = 0;
	const long long seconds = strtoll(word, NULL, 10);
	if (errno != 0)
		return -EINVAL;
	*ret_seconds = seconds;
	return 0;
}

const char *words_time(int64_t seconds, char text[static WORDS_SIZE])
{
	const time_t at = (time_t)seconds;
	struct tm tm;
	text[0] = '\0';
	if (seconds != 0 && gmtime_r(&at, &tm) != NULL)
		strftime(text, WORDS_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

// ---------------------------------------------------------------- names

int words_parse_issuer(const char *word, struct issuer *ret_issuer)
{
	const size_t size = strlen(word);
	if (size == 0) {
		*ret_issuer = (struct issuer){0};
		return 0;
	}
	const size_t separator = size > 2 && (word[2] == '*' || word[2] == '-') ? 1 : 0;
	if (size < 3 + separator || size > 5 + separator)
		return -EINVAL;
	ret_issuer->country_code = (struct bytes){.data = word, .size = 2};
	ret_issuer->party_id = bytes_from(word + 2 + separator);
	return 0;
}

int words_parse_enum(enum json_enum type, const char *word, int *ret_value)
{
	char name[WORDS_SIZE];
	const size_t size = strlen(word);
	if (size == 0) {
		*ret_value = 0;
		return 0;
	}
	if (size >= sizeof(name))
		return -EINVAL;
	for (size_t i = 0; i <= size; i++)
		name[i] = word[i] == '-' ? '_' : word[i];
	return json_enum_parse(type, bytes_from(name), ret_value);
}

static const struct {
	const char *words; // as people read it
	const char *names[2];
} kind_rows[OBJECT_KINDS] = {
	[OBJECT_KIND_UNSPECIFIED] = {"object", {"", ""}},
	[OBJECT_KIND_TARIFF] = {"tariff", {"tariff", "tariff"}},
	[OBJECT_KIND_CHARGE_GROUP] = {"charge group", {"group", "charge_group"}},
	[OBJECT_KIND_CHARGE_POINT] = {"charge point", {"point", "charge_point"}},
	[OBJECT_KIND_CUSTOMER] = {"customer", {"customer", "customer"}},
	[OBJECT_KIND_TOKEN] = {"token", {"token", "token"}},
	[OBJECT_KIND_MEMBERSHIP] = {"membership", {"membership", "attachment"}},
};

const char *words_kind(enum object_kind kind)
{
	return kind < OBJECT_KINDS ? kind_rows[kind].words : "object";
}

int words_parse_kind(const char *word, enum object_kind *ret_kind)
{
	char name[WORDS_SIZE];
	size_t size = strlen(word);
	if (size >= sizeof(name))
		return -EINVAL;
	for (size_t i = 0; i <= size; i++)
		name[i] = word[i] == '-' ? '_' : word[i];
	if (size > 1 && tolower((unsigned char)name[size - 1]) == 's')
		name[--size] = '\0';
	for (int kind = OBJECT_KIND_TARIFF; kind < OBJECT_KINDS; kind++) {
		if (strcasecmp(name, kind_rows[kind].names[0]) == 0 ||
		    strcasecmp(name, kind_rows[kind].names[1]) == 0) {
			*ret_kind = (enum object_kind)kind;
			return 0;
		}
	}
	return -EINVAL;
}

// ---------------------------------------------------------------- numbers

const char *words_count(uint64_t count, char text[static WORDS_SIZE])
{
	char digits[24];
	const int size = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t at = 0;
	for (int i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

const char *words_size(uint64_t size, char text[static WORDS_SIZE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)size;
	size_t unit = 0;
	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, WORDS_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

const char *words_rate(double rate, char text[static WORDS_SIZE])
{
	if (rate >= 99.95)
		return words_count((uint64_t)(rate + 0.5), text);
	snprintf(text, WORDS_SIZE, "%.*f", rate > 0 ? 1 : 0, rate);
	return text;
}

const char *words_ns(uint64_t ns, char text[static WORDS_SIZE])
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t unit = 0;
	while (value >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(text, WORDS_SIZE, "%.4g %s", value, units[unit]);
	return text;
}

const char *words_duration(uint64_t ms, char text[static WORDS_SIZE])
{
	const uint64_t s = ms / 1000, days = s / 86400;
	const unsigned hours = (unsigned)(s / 3600 % 24), minutes = (unsigned)(s / 60 % 60);
	const unsigned seconds = (unsigned)(s % 60);
	if (s < 60)
		snprintf(text, WORDS_SIZE, "%.1f s", (double)ms / 1000);
	else if (days == 0)
		snprintf(text, WORDS_SIZE, "%02u:%02u:%02u", hours, minutes, seconds);
	else
		snprintf(text, WORDS_SIZE, "%" PRIu64 " d %02u:%02u:%02u", days, hours, minutes, seconds);
	return text;
}

const char *words_decimal(const struct decimal *decimal, char text[static WORDS_SIZE])
{
	text[0] = '\0';
	if (decimal == NULL)
		return text;
	if (decimal->scale == 0 || decimal->scale > 18) {
		snprintf(text, WORDS_SIZE, "%" PRId64, decimal->units);
		return text;
	}
	uint64_t power = 1;
	for (uint32_t i = 0; i < decimal->scale; i++)
		power *= 10;
	const uint64_t units = decimal->units < 0 ? -(uint64_t)decimal->units : (uint64_t)decimal->units;
	snprintf(text, WORDS_SIZE, "%s%" PRIu64 ".%0*" PRIu64, decimal->units < 0 ? "-" : "", units / power,
		 (int)decimal->scale, units % power);
	return text;
}
