/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_file.h - a file of results to which lines are appended, one whole line at a time
 *
 * What is in the file stays: it says which points need not be run again.
 */
#ifndef SRC_COMMAND_SWEEP_FILE_H
#define SRC_COMMAND_SWEEP_FILE_H
#include <stdbool.h>
#include <stdint.h>

#include "src/base/arena.h"
#include "src/base/err.h"

/* A point that is in the file already, by the digest of its key. */
struct found_point { uint64_t digest; bool failed; };

struct sweep_file {
	const char *path;
	int fd;
	struct found_point *found;	/* [found_count] by digest */
	size_t found_count, found_capacity;
	size_t dropped_bytes;		/* of a last line that was half written */
};

/* Open path ("-" or NULL: standard output) for appending and read which points it holds.  A last line without an end is
 * removed.  ERR_INPUT when it holds anything but results of a sweep, ERR_SYSTEM when another
 * sweep is writing it. */
int sweep_file_open(struct sweep_file *f, const char *path, struct arena *a, struct err *e) WARN_UNUSED;

const struct found_point *sweep_file_find(const struct sweep_file *f, const char *key);

/* Append a line with its end. */
int sweep_file_write(const struct sweep_file *f, const char *line, size_t length, struct err *e) WARN_UNUSED;

/* Close; an error that the system kept back is reported. */
int sweep_file_close(struct sweep_file *f, struct err *e) WARN_UNUSED;
#endif
