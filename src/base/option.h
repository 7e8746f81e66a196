/* SPDX-License-Identifier: Apache-2.0 */
/* option.h - options as rows of a table that both the parser and --help walk, so that they cannot disagree
 *
 * A row without help is an option for tests: parsed, and not shown.  What --help prints is also what shell
 * completion reads, so its form is fixed: a line "  -x, --name VALUE  help", more lines of help, then the names
 * that an option takes after "one of: " (or "any of: ", separated by commas), the last thing of an option.  A word in single
 * quotes within the help is a value that the option takes besides.
 */
#ifndef SRC_BASE_OPTION_H
#define SRC_BASE_OPTION_H
#include "src/base/err.h"

/* The name of row i of a table, NULL past the last one; its summary in *summary unless that is NULL. */
typedef const char *table_row_fn(unsigned i, const char **summary);

enum option_type {
	OPTION_FLAG,	/* bool */
	OPTION_TEXT,	/* const char * */
	OPTION_COUNT,	/* uint32_t, 1..INT32_MAX */
	OPTION_SIZE,	/* bytes_t */
	OPTION_RATE,	/* double, bytes per second, over 0 */
	OPTION_TIME,	/* double, microseconds */
	OPTION_FACTOR,	/* double, over 0 */
	OPTION_CHOICE,	/* const char *: the name of one row of a table */
	OPTION_LIST	/* const char *: as typed, values separated by commas */
};

struct option_row {
	const char *name;	/* the long option; NULL ends the table */
	char letter;		/* the short one; 0: none */
	enum option_type type;
	const char *value;	/* what --help calls the value */
	void *to;		/* unchanged when the option is absent */
	const char *help;	/* a newline starts another line of help */
	table_row_fn *choices;	/* for OPTION_CHOICE; of others only shown */
};
#define OPTION_END { .name = NULL }

/* The rows on stdout. */
void options_print(const struct option_row *rows);

/* Store what argv gives; the first operand is argv[optind] then.  tables ends with NULL.  An error is one of usage. */
int options_parse(const struct option_row *const *tables, int argc, char **argv, struct err *e) WARN_UNUSED;
#endif
