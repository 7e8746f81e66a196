/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the layrub command: dispatches to its subcommands */
#include <config.h>

#include <string.h>

#include "src/command/command.h"

#include "src/base/nearest.h"
#include "src/base/process.h"
#include "src/library/tables.h"

const struct command *const commands[] = {
	&cmd_info, &cmd_plan, &cmd_compare, &cmd_fit, &cmd_sweep, &cmd_check, &cmd_explain, &cmd_simulate, &cmd_report, &cmd_place, &cmd_list, NULL
};

const char *
table_commands(unsigned i, const char **summary)
{
	if (commands[i] == NULL)
		return NULL;
	if (summary != NULL)
		*summary = commands[i]->summary;
	return commands[i]->name;
}

static void
print_help(void)
{
	fputs("Usage: layrub COMMAND [OPTION]...\n"
	    "Plan, check and simulate the GPU memory of neural-network training.\n\n", stdout);
	for (const struct command *const *c = commands; *c != NULL; c++)
		printf("  %-10s %-16s %s\n", (*c)->name, (*c)->operands, (*c)->summary);
	fputs("\n  -h, --help     print this help; 'layrub COMMAND --help' says more about one\n"
	    "      --version  print the version\n", stdout);
}

static void
print_version(void)
{
	fputs("layrub " PACKAGE_VERSION "\n", stdout);
}

static void
print_unknown(const char *name)
{
	char q[48], near[NEAREST_TEXT];
	struct nearest typed;

	nearest_init(&typed, name);
	for (const struct command *const *c = commands; *c != NULL; c++)
		nearest_add(&typed, (*c)->name);
	fprintf(stderr, "layrub: unknown command '%s'%s\n", err_quote(q, name), nearest_text(near, &typed, ""));
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	process_begin();
	for (const struct command *const *c = commands; name != NULL && *c != NULL; c++)
		if (strcmp((*c)->name, name) == 0)
			return command_run(*c, argc - 1, argv + 1);
	if (name != NULL && strcmp(name, "--version") == 0) {
		print_version();
		return command_finish(0);
	}
	if (name != NULL && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
		print_help();
		return command_finish(0);
	}
	if (name == NULL)
		fputs("layrub: expected a command, got nothing\n", stderr);
	else
		print_unknown(name);
	fputs("Try 'layrub --help'.\n", stderr);
	return command_finish(EXIT_BAD);
}
