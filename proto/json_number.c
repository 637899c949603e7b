// SPDX-License-Identifier: Apache-2.0
#include "proto/json_number.h"

#include "proto/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

// Appends a digit. False when that does not fit.
static bool add_digit(uint64_t *value, unsigned digit)
{
	return !__builtin_mul_overflow(*value, 10u, value) && !__builtin_add_overflow(*value, digit, value);
}

int json_parse_uint64(struct bytes text, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool fits = true;
	for (size_t i = 0; i < text.size; i++) {
		if (!is_digit(text.data[i]))
			return -EINVAL;
		fits = fits && add_digit(&value, (unsigned)(text.data[i] - '0'));
	}
	if (text.size == 0)
		return -EINVAL;
	if (!fits)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

// The signed value of a sign and a magnitude.
static int apply_sign(bool is_negative, uint64_t magnitude, int64_t *ret_value)
{
	if (magnitude > (uint64_t)INT64_MAX + is_negative)
		return -ERANGE;
	*ret_value = (int64_t)(is_negative ? 0 - magnitude : magnitude);
	return 0;
}

int json_parse_int64(struct bytes text, int64_t *ret_value)
{
	const bool is_negative = text.size > 0 && text.data[0] == '-';
	uint64_t magnitude;
	text.data += is_negative;
	text.size -= is_negative;
	const int result = json_parse_uint64(text, &magnitude);
	return result ? result : apply_sign(is_negative, magnitude, ret_value);
}

// ---------------------------------------------------------------- decimals

// digits * 10^-scale, while it is being read.
struct mantissa {
	uint64_t digits;
	int scale;
	int zeros; // of the fraction, not in `digits` yet: they only count when a digit follows
	bool fits;
};

static void take_zeros(struct mantissa *mantissa)
{
	for (; mantissa->zeros > 0 && mantissa->fits; mantissa->zeros--) {
		mantissa->fits = add_digit(&mantissa->digits, 0);
		mantissa->scale++;
	}
}

static void take_fraction_digit(struct mantissa *mantissa, char digit)
{
	if (digit == '0' && mantissa->scale + mantissa->zeros >= DECIMAL_SCALE_MAX) {
		mantissa->zeros += mantissa->zeros < 100;
		return;
	}
	take_zeros(mantissa);
	mantissa->fits = mantissa->fits && add_digit(&mantissa->digits, (unsigned)(digit - '0'));
	mantissa->scale++;
}

// The digits before and behind the point. Returns what comes after them, NULL for what is no number.
static const char *read_mantissa(const char *next, const char *end, struct mantissa *mantissa)
{
	const char *start = next;
	for (; next < end && is_digit(*next); next++)
		mantissa->fits = mantissa->fits && add_digit(&mantissa->digits, (unsigned)(*next - '0'));
	if (next == start)
		return NULL;
	if (next == end || *next != '.')
		return next;
	start = ++next;
	for (; next < end && is_digit(*next); next++)
		take_fraction_digit(mantissa, *next);
	return next == start ? NULL : next;
}

// "e-2". Beyond 1000 the exact value does not matter: nothing fits any more.
static const char *read_exponent(const char *next, const char *end, int *ret_exponent)
{
	int exponent = 0;
	const bool is_negative = ++next < end && *next == '-';
	if (next < end && (*next == '-' || *next == '+'))
		next++;
	const char *start = next;
	for (; next < end && is_digit(*next); next++)
		exponent = exponent > 1000 ? exponent : exponent * 10 + (*next - '0');
	*ret_exponent = is_negative ? -exponent : exponent;
	return next == start ? NULL : next;
}

// Brings the scale into 0 .. DECIMAL_SCALE_MAX, if the value allows it.
static bool normalize(struct mantissa *mantissa)
{
	if (mantissa->digits == 0 && (mantissa->scale < 0 || mantissa->scale > DECIMAL_SCALE_MAX))
		mantissa->scale = 0;
	for (; mantissa->scale < 0; mantissa->scale++) {
		if (!add_digit(&mantissa->digits, 0))
			return false;
	}
	for (; mantissa->scale > DECIMAL_SCALE_MAX && mantissa->digits % 10 == 0; mantissa->scale--)
		mantissa->digits /= 10;
	return mantissa->scale <= DECIMAL_SCALE_MAX;
}

int json_parse_decimal(struct bytes text, struct decimal *ret_value)
{
	struct mantissa mantissa = {.fits = true};
	const bool is_negative = text.size > 0 && text.data[0] == '-';
	const char *end = text.data + text.size;
	int exponent = 0;
	const char *next = read_mantissa(text.data + is_negative, end, &mantissa);
	if (next != NULL && next < end && (*next == 'e' || *next == 'E'))
		next = read_exponent(next, end, &exponent);
	if (next != end)
		return -EINVAL;
	mantissa.scale -= exponent;
	struct decimal value = {0};
	if (!mantissa.fits || !normalize(&mantissa) || apply_sign(is_negative, mantissa.digits, &value.units) != 0)
		return -ERANGE;
	value.scale = (uint32_t)mantissa.scale;
	*ret_value = value;
	return 0;
}

size_t json_format_decimal(const struct decimal *value, char text[JSON_DECIMAL_SIZE])
{
	enum { SCALE_PLAIN_MAX = 18 }; // beyond it, which no rule lets in, with an exponent
	const char *sign = value->units < 0 ? "-" : "";
	const uint64_t magnitude = value->units < 0 ? 0 - (uint64_t)value->units : (uint64_t)value->units;
	if (value->scale == 0)
		return (size_t)snprintf(text, JSON_DECIMAL_SIZE, "%s%" PRIu64, sign, magnitude);
	if (value->scale > SCALE_PLAIN_MAX)
		return (size_t)snprintf(text, JSON_DECIMAL_SIZE, "%s%" PRIu64 "e-%" PRIu32, sign, magnitude,
					value->scale);
	uint64_t one = 1;
	for (uint32_t i = 0; i < value->scale; i++)
		one *= 10;
	return (size_t)snprintf(text, JSON_DECIMAL_SIZE, "%s%" PRIu64 ".%0*" PRIu64, sign, magnitude / one,
				(int)value->scale, magnitude % one);
}
