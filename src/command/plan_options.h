/* SPDX-License-Identifier: Apache-2.0 */
/* plan_options.h - the options of every command that plans, in one table
 *
 * A command that plans takes every row, unless the row has a reason why not.  Given values are in plan_given; lists, which sweep
 * takes, are in plan_given_lists.  `layrub list options` shows the table.
 */
#ifndef SRC_COMMAND_PLAN_OPTIONS_H
#define SRC_COMMAND_PLAN_OPTIONS_H
#include "src/base/option.h"
#include "src/command/sweep_grid.h"
#include "src/library/plan_request.h"

enum plan_command { FOR_NONE, FOR_PLAN, FOR_COMPARE, FOR_FIT, FOR_SWEEP, FOR_EXPLAIN, FOR_COUNT };

extern struct plan_request plan_given;
extern const char *plan_given_lists[AXIS_COUNT];	/* as typed; NULL: not given */

enum { PLAN_OPTIONS_MAX = 30 };

/* Completes plan_given after the command line was parsed.  ERR_USAGE: options contradict each other. */
int plan_options_parsed(struct err *e) WARN_UNUSED;

/* Fills rows with those that the command takes, ended by OPTION_END. */
void plan_options(struct option_row rows[PLAN_OPTIONS_MAX + 1], enum plan_command command);

/* Why the command does not take the option; NULL: the command takes it, or the table has no such option. */
const char *plan_option_refusal(const char *name, enum plan_command command);
#endif
