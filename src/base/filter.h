/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - runs a shell command as a filter: one text to its standard input, one text from its standard output
 *
 * Both directions go on together, so that neither side waits for the other.  The command and all that it starts are one process group,
 * which is killed when the caller's search has to end.  No process is left behind, and the caller's signals stay as they were.
 */
#ifndef SRC_BASE_FILTER_H
#define SRC_BASE_FILTER_H
#include <stdbool.h>
#include <stddef.h>

#include "src/base/err.h"
#include "src/base/units.h"

struct filter {
	const char *command;		/* for /bin/sh -c */
	const char *input;		/* [input_size] */
	size_t input_size;
	bytes_t most;			/* bytes of output; more is an error */
	bool (*stopped)(void *arg);	/* NULL, or true: kill the command.  Asked ten times a second */
	void *arg;
};

/* Fills *output, [*size] bytes for the caller to free(), and NULL after an error.  ERR_INPUT: the command failed; the text has its exit status or signal and the last line of
 * its standard error.  ERR_NO: `stopped` ended it.  ERR_SYSTEM: it could not be started, or
 * memory is exhausted. */
int filter_run(const struct filter *f, char **output, size_t *size, struct err *e) WARN_UNUSED;
#endif
