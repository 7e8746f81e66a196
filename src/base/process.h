/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - standard streams, exit status and interrupts of a program
 *
 * main() calls process_begin() first.  Between interrupt_watch() and interrupt_end() the first interrupt only asks a search for its best
 * result so far; searches poll interrupt_came().  An interrupt is SIGINT (Ctrl-C) or SIGTERM, with which batch systems announce the
 * end.  A second one ends the program at once.  One search at a time is watched.
 */
#ifndef SRC_BASE_PROCESS_H
#define SRC_BASE_PROCESS_H
#include <stdbool.h>

#include "src/base/err.h"

enum exit_status { EXIT_YES, EXIT_NO, EXIT_BAD, EXIT_SYSTEM };

/* Returns the exit status of an error. */
int exit_status_of(enum err_code code);

/* Opens missing standard streams and sets the signals that every program needs. */
void process_begin(void);

/* Marks the end that the program itself wants, and returns the status.  Any other end, of a library that calls exit(), has status
 * EXIT_SYSTEM. */
int process_end(int status);

/* Flushes standard output and returns the exit status of process_end(): status, or EXIT_SYSTEM when writing failed.  Reports that failure unless
 * status is EXIT_SYSTEM already: its error has been printed. */
int process_flush(const char *program, int status);

/* Begins to count interrupts; those that the parent ignores (background jobs, nohup) stay ignored. */
void interrupt_watch(void);
bool interrupt_came(void);

/* Restores the default effect of interrupts.  Without an answer, an interrupt that came ends the program by its signal, so that the
 * parent sees the reason. */
void interrupt_end(bool answered);
#endif
