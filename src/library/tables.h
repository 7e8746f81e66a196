/* SPDX-License-Identifier: Apache-2.0 */
/* tables.h - the program's tables of named rows, all walked in one way
 *
 * Options that take a row's name, `layrub list` and the tests walk these functions, so a new row is known everywhere at once.
 */
#ifndef SRC_LIBRARY_TABLES_H
#define SRC_LIBRARY_TABLES_H
#include "src/base/option.h"

table_row_fn table_policies, table_placements, table_lowerings, table_layers;
table_row_fn table_times;	/* the values of --times */
table_row_fn table_reorders;
table_row_fn table_budget_searches;	/* the values of --minimise */
/* Tables of the command. */
table_row_fn table_commands;	/* the subcommands of layrub */
table_row_fn table_options;	/* planning options, and which commands take them */
#endif
