// SPDX-License-Identifier: Apache-2.0
// evauth: the command line of evauthd.
#include "cli/context.h"

#include <locale.h>
#include <stdlib.h>

// Output that did not reach its file is not done (a full disk, a closed pipe).
static enum exit_code close_output(enum exit_code code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("evauth: cannot write the output");
	return EXIT_ERROR;
}

int main(int argc, char **argv)
{
	// Ids and names are UTF-8 whatever the terminal's language; the width of their characters is asked of libc.
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	struct arguments arguments;
	struct context context;
	options_parse(argc, argv, &arguments);
	enum exit_code code = context_init(&context, &arguments, stdout, stderr);
	if (code == EXIT_DONE)
		code = arguments.command->run(&context, &arguments);
	context_finish(&context);
	options_finish(&arguments);
	return close_output(code);
}
