// SPDX-License-Identifier: Apache-2.0
#include "proto/json.h"

#include <errno.h>

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

// Days from 1970-01-01 to a date of the proleptic Gregorian calendar: years counted from March, so that the leap day is
// the last one.
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	const int64_t era = (year >= 0 ? year : year - 399) / 400;
	const int64_t year_of_era = year - era * 400;
	const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (month == 2 && is_leap);
}

// Matches `text` against `pattern`: 'd' a digit, whose values are kept in order, 'T' also in lower case, anything else
// itself.
static bool match(const char *text, const char *pattern, unsigned *ret_digits)
{
	for (; *pattern != '\0'; pattern++, text++) {
		if (*pattern != 'd') {
			if (*text != *pattern && !(*pattern == 'T' && *text == 't'))
				return false;
			continue;
		}
		if (!is_digit(*text))
			return false;
		*ret_digits++ = (unsigned)(*text - '0');
	}
	return true;
}

// "Z" or "+02:00": seconds east of UTC.
static bool parse_offset(struct bytes text, int64_t *ret_offset_s)
{
	unsigned d[4];
	*ret_offset_s = 0;
	if (text.size == 1)
		return text.data[0] == 'Z' || text.data[0] == 'z';
	if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || !match(text.data + 1, "dd:dd", d))
		return false;
	const unsigned hours = d[0] * 10 + d[1], minutes = d[2] * 10 + d[3];
	*ret_offset_s = (int64_t)(hours * 3600 + minutes * 60) * (text.data[0] == '-' ? -1 : 1);
	return hours < 24 && minutes < 60;
}

// What follows the seconds, without a fraction.
static struct bytes skip_fraction(struct bytes text)
{
	size_t i = 0;
	if (text.size > 0 && text.data[0] == '.') {
		for (i = 1; i < text.size && is_digit(text.data[i]);)
			i++;
		if (i == 1) // a point alone
			return (struct bytes){0};
	}
	return (struct bytes){.data = text.data + i, .size = text.size - i};
}

int json_time_parse(struct bytes text, int64_t *ret_unix_s)
{
	enum { SECONDS_END = 19 }; // of "2026-12-01T08:00:00"
	unsigned d[14];
	int64_t offset_s;
	if (text.size <= SECONDS_END || !match(text.data, "dddd-dd-ddTdd:dd:dd", d))
		return -EINVAL;
	const struct bytes rest = {.data = text.data + SECONDS_END, .size = text.size - SECONDS_END};
	if (!parse_offset(skip_fraction(rest), &offset_s))
		return -EINVAL;
	const unsigned year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3];
	const unsigned month = d[4] * 10 + d[5], day = d[6] * 10 + d[7];
	const unsigned hour = d[8] * 10 + d[9], minute = d[10] * 10 + d[11], second = d[12] * 10 + d[13];
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return -EINVAL;
	if (hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	*ret_unix_s = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset_s;
	return 0;
}
