// SPDX-License-Identifier: Apache-2.0
// token pseudonym: what the daemon's log calls a token, made here from its uid and the pepper. Nobody is asked.
#include "cli/output.h"
#include "cli/words.h"
#include "proto/ids.h"
#include "tls/pepper.h"

enum exit_code command_pseudonym(struct context *context, const struct arguments *arguments)
{
	const char *path = arguments->values[OPTION_PEPPER_FILE], *type_word = arguments->values[OPTION_TOKEN_TYPE];
	const struct bytes uid = bytes_from(arguments->words[0]);
	char text[PSEUDONYM_TEXT_SIZE + 1], why[PEPPER_WHY_SIZE];
	struct pepper pepper;
	struct fault fault = {0};
	struct id_key key;
	int type = TOKEN_TYPE_UNSPECIFIED;
	if (path == NULL)
		return context_refuse(context, "--pepper-file: name the file of the daemon's log-pepper-file");
	if (type_word != NULL && words_parse_enum(JSON_ENUM_TOKEN_TYPE, type_word, &type) < 0)
		return context_refuse(context, "--type: '%s' is no type of token", type_word);
	// As the daemon does: but for an eMAID all fold as cards.
	const enum id_fold fold = type == TOKEN_TYPE_EMAID ? ID_FOLD_EMAID : ID_FOLD_RFID;
	if (id_check(fold, uid, "UID", &fault) < 0)
		return context_fail_with(context, &fault);
	if (pepper_read(&pepper, path, why) < 0)
		return context_refuse(context, "--pepper-file: %s", why);
	id_fold(fold, uid, &key);
	pepper_pseudonym(&pepper, id_key_bytes(&key), text);
	pepper_finish(&pepper);
	if (text[0] == '\0')
		return context_no_memory(context);
	fprintf(context->out, context->json ? "{\"pseudonym\":\"%s\"}\n" : "t=%s\n", text);
	return EXIT_DONE;
}
