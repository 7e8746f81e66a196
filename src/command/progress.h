/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - the last line of a terminal, which says what runs now
 *
 * One command runs at a time, so there is one line.  Without a terminal on standard error nothing is shown.
 */
#ifndef SRC_COMMAND_PROGRESS_H
#define SRC_COMMAND_PROGRESS_H
#include "src/base/err.h"

/* The callback `progress` of plan requests, placements and fits. */
typedef void progress_fn(void *user, const char *line);

/* Begins the line.  Returns a callback whose `user` is not read; NULL: no terminal. */
progress_fn *progress_begin(void);

/* Shows a stage of the work at once, and puts it before the lines of its searches. */
void progress_stage(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Empties the line, before the result. */
void progress_end(void);
#endif
