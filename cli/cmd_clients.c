// SPDX-License-Identifier: Apache-2.0
// clients: who uses the daemon.
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

#include <string.h>

enum { ROLE_SIZE_MAX = 12, ROLES_TEXT_SIZE = 128 };

// As many as fit; a later daemon may have more.
static struct bytes roles_text(const struct client_info *client, char text[ROLES_TEXT_SIZE])
{
	size_t size = 0;
	for (size_t i = 0; i < client->roles_count && size + ROLE_SIZE_MAX + 2 < ROLES_TEXT_SIZE; i++) {
		const struct bytes *role = &client->roles[i];
		const size_t shown = role->size < ROLE_SIZE_MAX ? role->size : ROLE_SIZE_MAX;
		if (i > 0)
			text[size++] = ',';
		memcpy(text + size, role->data, shown);
		size += shown;
	}
	return size > 0 ? (struct bytes){.data = text, .size = size} : bytes_from("none");
}

static int add_client(struct table *table, const struct client_info *client)
{
	char roles[ROLES_TEXT_SIZE], counts[6][WORDS_SIZE], in[WORDS_SIZE], out[WORDS_SIZE], seen[WORDS_SIZE];
	const uint64_t numbers[] = {client->connections, client->requests,       client->allowed,
				    client->denied,      client->unknown_tokens, client->refused};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		words_count(numbers[i], counts[i]);
	const struct bytes cells[] = {
		client->name,
		roles_text(client, roles),
		bytes_from(counts[0]),
		bytes_from(counts[1]),
		bytes_from(counts[2]),
		bytes_from(counts[3]),
		bytes_from(counts[4]),
		bytes_from(counts[5]),
		bytes_from(words_size(client->bytes_in, in)),
		bytes_from(words_size(client->bytes_out, out)),
		bytes_from(words_time(client->last_seen_at, seen)),
	};
	return table_add(table, cells);
}

static bool gets_no_answers(const struct clients_response *response, const struct client_info *client)
{
	return response->unknown_tokens_max > 0 && client->unknown_tokens_left == 0;
}

enum exit_code command_clients(struct context *context, const struct arguments *arguments)
{
	static const char *const titles[] = {"CLIENT",   "ROLES",  "CONNECTIONS",    "REQUESTS",
					     "ALLOWED",  "DENIED", "UNKNOWN TOKENS", "REFUSED",
					     "RECEIVED", "SENT",   "LAST SEEN",      NULL};
	const struct clients_request request = {0};
	struct clients_response *response;
	struct table table;
	(void)arguments;
	int result = evauth_clients(context->client, &request, &context->arena, &response);
	if (result < 0)
		return context_fail(context, result);
	if (context->json)
		return output_json(context, &schema_clients_response, response);
	table_init(&table, context->out, context->color, titles);
	for (size_t i = 0; result == 0 && i < response->clients_count; i++)
		result = add_client(&table, &response->clients[i]);
	table_finish(&table);
	if (result < 0)
		return context_no_memory(context);
	for (size_t i = 0; i < response->clients_count; i++) {
		if (!gets_no_answers(response, &response->clients[i]))
			continue;
		text_print(context->err, response->clients[i].name);
		context_warn(context, " asked for too many unknown tokens and gets no answers about tokens at the "
				      "moment: docs/access.md, Budgets\n");
	}
	return EXIT_DONE;
}
