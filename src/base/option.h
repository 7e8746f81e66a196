/* SPDX-License-Identifier: Apache-2.0 */
/* option.h - options as rows of a table that both the parser and --help walk, so that they cannot disagree
 *
 * A row without help is an option for tests: it is parsed and not shown.  Shell completion reads the output of --help, so its form
 * is fixed: a line "  -x, --name VALUE  help", more lines of help, and at the end the names that the option takes after "one of: "
 * (or "any of: ", separated by commas).  A word in single quotes within the help is another value of the option.
 */
#ifndef SRC_BASE_OPTION_H
#define SRC_BASE_OPTION_H
#include "src/base/err.h"

/* Returns the name of row i of a table, NULL past the last row, and fills *summary unless it is NULL. */
typedef const char *table_row_fn(unsigned i, const char **summary);

enum option_type {
	OPTION_FLAG,	/* bool */
	OPTION_TEXT,	/* const char * */
	OPTION_TEXTS,	/* struct option_texts: may be given several times */
	OPTION_COUNT,	/* uint32_t, 1..INT32_MAX */
	OPTION_SIZE,	/* bytes_t */
	OPTION_RATE,	/* double, bytes per second, over 0 */
	OPTION_TIME,	/* double, microseconds */
	OPTION_FACTOR,	/* double, over 0 */
	OPTION_CHOICE,	/* const char *: the name of one row of a table */
	OPTION_LIST	/* const char *: as typed, values separated by commas */
};

enum { OPTION_TEXTS_MAX = 64 };
struct option_texts {
	const char *texts[OPTION_TEXTS_MAX];	/* [count] in the order of the command line */
	uint32_t count;
};

struct option_row {
	const char *name;	/* the long option; NULL ends the table */
	char letter;		/* the short one; 0: none */
	enum option_type type;
	const char *value;	/* name of the value in --help; NULL: none */
	void *to;		/* unchanged when the option is absent */
	const char *help;	/* a newline starts another line of help */
	table_row_fn *choices;	/* for OPTION_CHOICE; other types only show them */
};
#define OPTION_END { .name = NULL }

/* Prints the rows on stdout. */
void options_print(const struct option_row *rows);

/* Returns the message for a long option that is in no table; NULL: the option is unknown. */
typedef const char *option_refusal_fn(const char *name, const void *user);

/* Stores the values of argv; afterwards argv[optind] is the first operand.  tables ends with NULL.  refusal may be NULL.  Errors are
 * errors of usage. */
int options_parse(const struct option_row *const *tables, int argc, char **argv, option_refusal_fn *refusal, const void *user,
    struct err *e) WARN_UNUSED;
#endif
