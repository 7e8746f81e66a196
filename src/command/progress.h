/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - the last line of a terminal, which says what runs now
 *
 * One command runs at a time, so there is one line.  Without a terminal on standard error nothing is shown.
 */
#ifndef SRC_COMMAND_PROGRESS_H
#define SRC_COMMAND_PROGRESS_H
#include "src/base/err.h"

/* Begins the line.  Returns the callback `progress` of plan requests, placements and fits, whose `user` is not read; NULL: no terminal. */
void (*progress_begin(void))(void *user, const char *line);

/* Shows a stage of the work at once, and puts it before the lines of its searches. */
void progress_stage(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Empties the line, before the result. */
void progress_end(void);
#endif
