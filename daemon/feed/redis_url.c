// SPDX-License-Identifier: Apache-2.0
#include "daemon/feed/redis_url.h"

#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORM_TCP, FORM_UNIX, FORM_SENTINEL };

static const struct {
	const char *prefix;
	int form;
	bool is_tls;
} schemes[] = {
	{"redis://", FORM_TCP, false},
	{"rediss://", FORM_TCP, true},
	{"unix://", FORM_UNIX, false},
	{"unix:", FORM_UNIX, false},
	{"redis+sentinel://", FORM_SENTINEL, false},
	{"rediss+sentinel://", FORM_SENTINEL, true},
};

PRINTF_LIKE(2, 3) static int refuse(char why[REDIS_WHY_SIZE], const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, REDIS_WHY_SIZE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

// ---------------------------------------------------------------- pieces

// Cuts what stands before the first `mark` off the text; all of it when there is none.
static struct bytes cut(struct bytes *text, char mark, bool *ret_found)
{
	const char *at = text->size ? memchr(text->data, mark, text->size) : NULL;
	const struct bytes head = {text->data, at ? (size_t)(at - text->data) : text->size};
	*ret_found = at != NULL;
	text->data += head.size + (at != NULL);
	text->size -= head.size + (at != NULL);
	return head;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int take_escape(struct bytes text, size_t at)
{
	const int high = at + 1 < text.size ? hex_digit(text.data[at + 1]) : -1;
	const int low = at + 2 < text.size ? hex_digit(text.data[at + 2]) : -1;
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Percent-decodes. `what` names it in errors, which never quote it.
static int take_text(struct bytes text, char *to, size_t size, const char *what, char why[REDIS_WHY_SIZE])
{
	size_t used = 0;
	for (size_t i = 0; i < text.size; i++) {
		int c = (unsigned char)text.data[i];
		if (c == '%') {
			c = take_escape(text, i);
			if (c < 0)
				return refuse(why,
					      "%s: %% is not followed by two hexadecimal digits; write %%25 for %%",
					      what);
			i += 2;
		}
		if (c < ' ' || c == 0x7f)
			return refuse(why, "%s has a control character", what);
		if (used + 1 >= size)
			return refuse(why, "%s is longer than %zu bytes", what, size - 1);
		to[used++] = (char)c;
	}
	to[used] = '\0';
	return 0;
}

static int take_number(struct bytes text, uint32_t min, uint32_t max, const char *what, uint32_t *ret_number,
		       char why[REDIS_WHY_SIZE])
{
	uint32_t number = 0;
	bool is_number = text.size > 0 && text.size < 8;
	for (size_t i = 0; is_number && i < text.size; i++) {
		is_number = text.data[i] >= '0' && text.data[i] <= '9';
		number = number * 10 + (uint32_t)(text.data[i] - '0');
	}
	if (!is_number || number < min || number > max)
		return refuse(why, "%s is not a number from %u to %u", what, min, max);
	*ret_number = number;
	return 0;
}

// ---------------------------------------------------------------- parts

static int take_credentials(struct bytes text, struct redis_url *url, char why[REDIS_WHY_SIZE])
{
	bool has_password;
	const struct bytes user = cut(&text, ':', &has_password);
	if (user.size > 0 && !has_password)
		return refuse(why, "a user without a password: write USER:PASSWORD@ or, with a password file, USER:@");
	int result = take_text(user, url->user, sizeof(url->user), "the user", why);
	if (result == 0)
		result = take_text(text, url->password, sizeof(url->password), "the password", why);
	return result;
}

static bool is_host_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
	       c == '_' || c == ':';
}

static int take_host(struct bytes host, struct redis_endpoint *endpoint, char why[REDIS_WHY_SIZE])
{
	if (host.size == 0)
		return refuse(why, "has no host");
	if (host.size >= sizeof(endpoint->host))
		return refuse(why, "the host is longer than %zu bytes", sizeof(endpoint->host) - 1);
	for (size_t i = 0; i < host.size; i++) {
		if (!is_host_character(host.data[i]))
			return refuse(why, "the host has a character that no host name has");
	}
	memcpy(endpoint->host, host.data, host.size);
	endpoint->host[host.size] = '\0';
	return 0;
}

// HOST, HOST:PORT, [IPv6], [IPv6]:PORT
static int take_endpoint(struct bytes text, uint16_t preset, struct redis_endpoint *endpoint, char why[REDIS_WHY_SIZE])
{
	bool has_port, is_closed = true;
	struct bytes host;
	uint32_t port = preset;
	if (text.size > 0 && text.data[0] == '[') {
		text.data++;
		text.size--;
		host = cut(&text, ']', &is_closed);
		if (!is_closed || (text.size > 0 && text.data[0] != ':'))
			return refuse(why, "an IPv6 address stands in brackets: [::1]:6379");
		has_port = text.size > 0;
		text.data += has_port;
		text.size -= has_port;
	} else {
		host = cut(&text, ':', &has_port);
	}
	int result = take_host(host, endpoint, why);
	if (result == 0 && has_port)
		result = take_number(text, 1, 65535, "the port", &port, why);
	endpoint->port = (uint16_t)port;
	return result;
}

static int take_database(struct bytes text, struct redis_url *url, char why[REDIS_WHY_SIZE])
{
	if (text.size == 0)
		return 0;
	return take_number(text, 0, REDIS_DATABASE_MAX, "the database", &url->database, why);
}

static int take_master(struct bytes path, struct redis_url *url, char why[REDIS_WHY_SIZE])
{
	bool has_database;
	const struct bytes master = cut(&path, '/', &has_database);
	if (master.size == 0)
		return refuse(why, "names no master: redis+sentinel://HOST:PORT,HOST:PORT/MASTER");
	const int result = take_text(master, url->master, sizeof(url->master), "the master's name", why);
	return result != 0 ? result : take_database(path, url, why);
}

// [CREDENTIALS@]ENDPOINT[,ENDPOINT]...[/...]
static int take_servers(struct bytes text, bool is_sentinel, struct redis_url *url, char why[REDIS_WHY_SIZE])
{
	bool has_path, has_more = true;
	const char *at = text.size ? memrchr(text.data, '@', text.size) : NULL;
	int result = 0;
	if (at != NULL) {
		const size_t size = (size_t)(at - text.data);
		result = take_credentials((struct bytes){text.data, size}, url, why);
		text.data += size + 1;
		text.size -= size + 1;
	}
	struct bytes servers = cut(&text, '/', &has_path);
	while (result == 0 && has_more) {
		const struct bytes server = cut(&servers, ',', &has_more);
		if (has_more && !is_sentinel)
			return refuse(why, "has several hosts; only redis+sentinel:// takes them");
		if (url->endpoints_count == REDIS_SENTINELS_MAX)
			return refuse(why, "has more than %d sentinels", REDIS_SENTINELS_MAX);
		result = take_endpoint(server, is_sentinel ? REDIS_SENTINEL_PORT_DEFAULT : REDIS_PORT_DEFAULT,
				       &url->endpoints[url->endpoints_count++], why);
	}
	if (result != 0)
		return result;
	return is_sentinel ? take_master(text, url, why) : take_database(text, url, why);
}

static int take_parameter(struct bytes parameter, struct redis_url *url, char why[REDIS_WHY_SIZE])
{
	bool has_value;
	const struct bytes name = cut(&parameter, '=', &has_value);
	if (has_value && bytes_equal(name, BYTES_LITERAL("user")))
		return take_text(parameter, url->user, sizeof(url->user), "the user", why);
	if (has_value && bytes_equal(name, BYTES_LITERAL("password")))
		return take_text(parameter, url->password, sizeof(url->password), "the password", why);
	if (has_value && bytes_equal(name, BYTES_LITERAL("database")))
		return take_database(parameter, url, why);
	return refuse(why, "behind the ? of a socket's path stand user=, password= and database=, joined by &");
}

static int take_unix(struct bytes text, struct redis_url *url, char why[REDIS_WHY_SIZE])
{
	bool has_more;
	const struct bytes path = cut(&text, '?', &has_more);
	if (path.size == 0)
		return refuse(why, "has no path: unix:///run/redis/redis.sock");
	int result = take_text(path, url->unix_path, sizeof(url->unix_path), "the socket's path", why);
	while (result == 0 && has_more)
		result = take_parameter(cut(&text, '&', &has_more), url, why);
	return result;
}

int redis_url_parse(const char *text, struct redis_url *ret_url, char why[REDIS_WHY_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		const size_t size = strlen(schemes[i].prefix);
		if (strncmp(text, schemes[i].prefix, size) != 0)
			continue;
		struct redis_url url = {.is_tls = schemes[i].is_tls};
		const struct bytes rest = bytes_from(text + size);
		const int result = schemes[i].form == FORM_UNIX
					   ? take_unix(rest, &url, why)
					   : take_servers(rest, schemes[i].form == FORM_SENTINEL, &url, why);
		if (result == 0)
			*ret_url = url;
		return result;
	}
	return refuse(why, "does not begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://");
}

// ---------------------------------------------------------------- the printed form

struct printer {
	char *text;
	size_t used;
};

PRINTF_LIKE(2, 3) static void print(struct printer *printer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const int size =
		vsnprintf(printer->text + printer->used, REDIS_URL_TEXT_SIZE - printer->used, format, arguments);
	va_end(arguments);
	if (size > 0 && (size_t)size < REDIS_URL_TEXT_SIZE - printer->used)
		printer->used += (size_t)size;
}

static void print_encoded(struct printer *printer, const char *text)
{
	static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	for (; *text != '\0'; text++)
		print(printer, strchr(kept, *text) != NULL ? "%c" : "%%%02X", (unsigned char)*text);
}

static void print_unix(struct printer *printer, const struct redis_url *url)
{
	char mark = '?';
	print(printer, "unix:");
	print_encoded(printer, url->unix_path);
	if (url->user[0] != '\0') {
		print(printer, "%cuser=", mark);
		print_encoded(printer, url->user);
		mark = '&';
	}
	if (url->password[0] != '\0') {
		print(printer, "%cpassword=***", mark);
		mark = '&';
	}
	if (url->database != 0)
		print(printer, "%cdatabase=%u", mark, url->database);
}

void redis_url_format(const struct redis_url *url, char text[REDIS_URL_TEXT_SIZE])
{
	struct printer printer = {.text = text};
	text[0] = '\0';
	if (url->unix_path[0] != '\0') {
		print_unix(&printer, url);
		return;
	}
	print(&printer, "redis%s%s://", url->is_tls ? "s" : "", url->master[0] ? "+sentinel" : "");
	if (url->user[0] != '\0' || url->password[0] != '\0') {
		print_encoded(&printer, url->user);
		print(&printer, ":%s@", url->password[0] ? "***" : "");
	}
	for (uint32_t i = 0; i < url->endpoints_count; i++) {
		const struct redis_endpoint *endpoint = &url->endpoints[i];
		const bool is_v6 = strchr(endpoint->host, ':') != NULL;
		print(&printer, is_v6 ? "%s[%s]:%u" : "%s%s:%u", i ? "," : "", endpoint->host, endpoint->port);
	}
	if (url->master[0] != '\0') {
		print(&printer, "/");
		print_encoded(&printer, url->master);
	}
	if (url->database != 0)
		print(&printer, "/%u", url->database);
}

// ---------------------------------------------------------------- the password file

static int read_line(int fd, char *line, size_t size, const char *path, char why[REDIS_WHY_SIZE])
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return refuse(why, "%.128s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(why, "%.128s: is not a file", path);
	if (st.st_mode & S_IRWXO)
		return refuse(why, "%.128s: others may use it; chmod o= takes that away", path);
	const ssize_t got = read(fd, line, size);
	if (got < 0)
		return refuse(why, "%.128s: %s", path, strerror(errno));
	const char *newline = memchr(line, '\n', (size_t)got);
	const size_t length = newline ? (size_t)(newline - line) : (size_t)got;
	if (length >= size)
		return refuse(why, "%.128s: the password is longer than %zu bytes", path, size - 1);
	if (length == 0 || memchr(line, '\0', length) != NULL)
		return refuse(why, "%.128s: its first line is no password", path);
	line[length] = '\0';
	return 0;
}

int redis_url_read_password(struct redis_url *url, const char *path, char why[REDIS_WHY_SIZE])
{
	char password[REDIS_PASSWORD_SIZE];
	if (url->password[0] != '\0')
		return refuse(why, "there is a password in the URL and a password file: only one can count");
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return refuse(why, "%.128s: %s", path, strerror(errno));
	const int result = read_line(fd, password, sizeof(password), path, why);
	close(fd);
	if (result == 0)
		memcpy(url->password, password, sizeof(password));
	explicit_bzero(password, sizeof(password));
	return result;
}
