// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *word;
	int code;
} codes[] = {
	{"LOADING", -EAGAIN},     {"BUSY", -EBUSY},      {"NOAUTH", -ENOKEY},        {"WRONGPASS", -EKEYREJECTED},
	{"NOPERM", -EPERM},       {"READONLY", -EROFS},  {"OOM", -ENOSPC},           {"MISCONF", -EIO},
	{"NOREPLICAS", -ENOLINK}, {"NOSCRIPT", -ESRCH},  {"MOVED", -EXDEV},          {"ASK", -EXDEV},
	{"CLUSTERDOWN", -EXDEV},  {"CROSSSLOT", -EXDEV}, {"MASTERDOWN", -EHOSTDOWN}, {"WRONGTYPE", -EMEDIUMTYPE},
};

// A right that is missing within a script, in the words of 7.0 and of later ones.
static const char *const script_refusals[] = {"ERR The user executing the script can't", "ERR ACL failure in script"};

// Text of a server reaches logs and terminals.
static void make_printable(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

void redis_error_set(struct redis_error *error, int code, const char *format, ...)
{
	va_list arguments;
	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	make_printable(error->text);
}

void redis_error_from_reply(struct redis_error *error, struct bytes line)
{
	const char *space = line.size ? memchr(line.data, ' ', line.size) : NULL;
	const struct bytes word = {line.data, space ? (size_t)(space - line.data) : line.size};
	int code = -EREMOTEIO;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (bytes_equal(word, bytes_from(codes[i].word)))
			code = codes[i].code;
	}
	for (size_t i = 0; i < ARRAY_SIZE(script_refusals); i++) {
		const struct bytes start = bytes_from(script_refusals[i]);
		if (line.size >= start.size && memcmp(line.data, start.data, start.size) == 0)
			code = -EPERM;
	}
	const size_t shown = line.size < REDIS_ERROR_TEXT_SIZE ? line.size : REDIS_ERROR_TEXT_SIZE - 1;
	redis_error_set(error, code, "%.*s", (int)shown, line.size ? line.data : "");
}
