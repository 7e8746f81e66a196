/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - what a program settles with the system: standard streams and signals
 *
 * main() calls process_begin() before anything else.  Between interrupt_watch() and interrupt_end() the first Ctrl-C (SIGINT,
 * or SIGTERM, with which batch systems announce the end) only asks for what there is: whoever searches asks
 * interrupt_came() now and then.  A second one ends the program at once.  One search at a time is watched.
 */
#ifndef SRC_BASE_PROCESS_H
#define SRC_BASE_PROCESS_H
#include <stdbool.h>

#include "src/base/err.h"

enum exit_status { EXIT_YES, EXIT_NO, EXIT_BAD, EXIT_SYSTEM };

/* The one place that turns an error into an exit status. */
int exit_status_of(enum err_code code);

void process_begin(void);

/* What was printed goes out.  The exit status to end with: EXIT_SYSTEM when it could not be written, which is said once, unless
 * an error was said that led to this one. */
int process_flush(const char *program, int status);

void interrupt_watch(void);
bool interrupt_came(void);

/* The search is over, and Ctrl-C means again what it does elsewhere.  If one came and there is no answer, the program ends by it,
 * so that whoever waits for us learns why. */
void interrupt_end(bool answered);
#endif
