/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h - mistakes of usage: ERR_USAGE, with the option's name on the command line ("--budget") as the path */
#ifndef SRC_LIBRARY_USAGE_H
#define SRC_LIBRARY_USAGE_H
#include "src/base/err.h"

/* Sets the error; option may be NULL.  Returns -1. */
int usage_error(struct err *e, const char *option, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Sets the error of an option that names no row of its table.  Returns -1. */
int usage_unknown(struct err *e, const char *option, const char *name);

/* Turns the error in e, which a reader of values has set, into an error of usage; option may be NULL.  Returns -1. */
int usage_at(struct err *e, const char *option);
#endif
