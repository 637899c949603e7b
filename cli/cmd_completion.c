// SPDX-License-Identifier: Apache-2.0
// completion bash: a script made from the tables of commands and options, so that it never lags behind them.
#include "cli/context.h"

#include <string.h>

// bash has cut the line into words at '=' and ':' as well (COMP_WORDBREAKS), hence the rules for these two.
static const char completion_function[] =
	"_evauth()\n"
	"{\n"
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal noun='' verb='' verbs='' options='' files='' valued='' word i\n"
	"\t_evauth_command '' ''\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t= | :) ((i++)) ;;\n"
	"\t\t-*)\n"
	"\t\t\t[[ \" $valued \" == *\" $word \"* && ${COMP_WORDS[i + 1]} != = ]] && ((i++))\n"
	"\t\t\t;;\n"
	"\t\t*)\n"
	"\t\t\tif [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then verb=$word; fi\n"
	"\t\t\t_evauth_command \"$noun\" \"$verb\"\n"
	"\t\t\t;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\tlocal IFS=$' \\t\\n'\n"
	"\tif [[ $current == = || $previous == [=:] || \" $valued \" == *\" $previous \"* ]]; then\n"
	"\t\treturn\n"
	"\telif [[ $current == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
	"\telif [[ -z $noun || -z $verb && -n $verbs ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$current\")\n"
	"\telif [[ -n $files ]]; then\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	"\tfi\n"
	"}\n"
	"complete -F _evauth evauth\n";

static bool is_first_of_noun(size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(commands[i].noun, commands[index].noun) == 0)
			return false;
	}
	return true;
}

static void print_nouns(FILE *out)
{
	const char *separator = "";
	fputs("\t'') verbs='", out);
	for (size_t i = 0; i < commands_count; i++) {
		if (!is_first_of_noun(i))
			continue;
		fprintf(out, "%s%s", separator, commands[i].noun);
		separator = " ";
	}
	fputs("' ;;\n", out);
}

static void print_verbs(FILE *out, const char *noun)
{
	const char *separator = "";
	fprintf(out, "\t%s) verbs='", noun);
	for (size_t i = 0; i < commands_count; i++) {
		if (strcmp(commands[i].noun, noun) != 0 || commands[i].verb == NULL)
			continue;
		fprintf(out, "%s%s", separator, commands[i].verb);
		separator = " ";
	}
	fputs("' ;;\n", out);
}

// Those that take a value: the word after one is nothing of ours.
static void print_options(FILE *out, uint64_t set, bool only_with_value)
{
	const char *separator = "";
	for (int id = 0; id < OPTION_COUNT; id++) {
		if ((set & OPTION_BIT(id)) == 0 || (only_with_value && option_rows[id].argument == NULL))
			continue;
		fprintf(out, "%s--%s", separator, option_rows[id].name);
		separator = " ";
	}
	if (!only_with_value)
		fprintf(out, "%s--help", separator);
}

static void print_row(FILE *out, const struct command *command)
{
	const uint64_t set = command->options | OPTIONS_GLOBAL;
	const bool takes_file = command->arguments != NULL && strncmp(command->arguments, "FILE", 4) == 0;
	if (command->verb != NULL)
		fprintf(out, "\t'%s %s') options='", command->noun, command->verb);
	else
		fprintf(out, "\t'%s '*) options='", command->noun);
	print_options(out, set, false);
	fputs("' valued='", out);
	print_options(out, set, true);
	fprintf(out, "' files=%s ;;\n", takes_file ? "yes" : "");
}

// 'log orphans' comes before 'log '*, which stands for everything else that begins so.
static void print_rows(FILE *out)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < commands_count; i++) {
			if ((commands[i].verb == NULL) == (pass == 1))
				print_row(out, &commands[i]);
		}
	}
	fputs("\t*) options='", out);
	print_options(out, OPTIONS_GLOBAL, false);
	fputs(" --version' valued='", out);
	print_options(out, OPTIONS_GLOBAL, true);
	fputs("' files= ;;\n", out);
}

enum exit_code command_completion(struct context *context, const struct arguments *arguments)
{
	FILE *out = context->out;
	(void)arguments;
	fputs("# shellcheck shell=bash disable=SC2034\n"
	      "# Completion of evauth, made by `evauth completion bash` from its table of commands.\n"
	      "_evauth_command() # NOUN VERB\n"
	      "{\n"
	      "\tcase $1 in\n",
	      out);
	print_nouns(out);
	for (size_t i = 0; i < commands_count; i++) {
		if (is_first_of_noun(i))
			print_verbs(out, commands[i].noun);
	}
	fputs("\t*) verbs='' ;;\n\tesac\n\tcase \"$1 $2\" in\n", out);
	print_rows(out);
	fputs("\tesac\n}\n", out);
	fputs(completion_function, out);
	return EXIT_DONE;
}
