/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the common part of all subcommands: options, output, exit statuses
 *
 * A subcommand is one struct command in one cmd_NAME.c.  run() gets parsed
 * options and operands, returns 0 or -1 with e filled, and never prints an error
 * or exits: command_run() does both, in one place.
 */
#ifndef SRC_COMMAND_COMMAND_H
#define SRC_COMMAND_COMMAND_H
#include <jansson.h>
#include <stdbool.h>

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/base/json.h"
#include "src/base/option.h"
#include "src/command/plan_options.h"
#include "src/command/progress.h"
#include "src/library/usage.h"

/* One run of the program.  It owns everything that has to be released at its end. */
struct cli {
	const struct command *command;
	struct arena arena;
	json_t *document;	/* being read; released after the arena's jump target */
	const char *const *operands;
	int argc;		/* the command line as given, options and operands in any order */
	char *const *argv;
	bool json;		/* --json */
};

struct command {
	const char *name;
	const char *operands;		/* "NETWORK|GRAPH", for --help */
	int operand_min, operand_max;
	const char *summary;		/* one line */
	const struct option_row *options;
	int (*run)(struct cli *c, struct err *e);
	enum plan_command plans;	/* its column in the table of planning options */
};

extern const struct command cmd_info, cmd_plan, cmd_compare, cmd_fit, cmd_sweep, cmd_check, cmd_explain, cmd_simulate, cmd_report, cmd_place, cmd_list;

/* main.c's list, ended by NULL. */
extern const struct command *const commands[];

/* Parses, runs, prints an error and releases everything.  Returns the exit status. */
int command_run(const struct command *command, int argc, char **argv);

/* Flushes stdout; output that cannot be written is an error.  Returns the exit status to use. */
int command_finish(int status);

/* True after Ctrl-C: the callback `stopped` of plan requests and placements. */
bool interrupted(void *user);

/* A search begins: Ctrl-C counts (process.h).  Returns its callback `progress`, or NULL. */
progress_fn *watch_begin(void);
/* The search ends, with an answer or without. */
void watch_end(bool answered);

/* Fails with ERR_USAGE if device is NULL. */
int need_device(const char *device, struct err *e) WARN_UNUSED;

/* Prints "layrub: warning: ..." on stderr. */
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Begins plan, compare and fit: checks the given options, reads the task of the first operand, resolves the request for it.  Warns of op
 * times of another device. */
int begin_planning(struct planning *n, struct task *t, struct cli *c, struct err *e) WARN_UNUSED;

/* Reads the plan of the first operand.  Who names a network is told how to make a plan. */
int begin_plan(struct plan *p, struct cli *c, struct err *e) WARN_UNUSED;

/* Prints one "label   value" line of a table for people; control bytes of a document's text become '?'. */
void text_row(FILE *out, const char *label, const char *fmt, ...) PRINTF_LIKE(3, 4);
#endif
