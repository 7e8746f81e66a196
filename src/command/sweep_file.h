/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_file.h - a file of results to which lines are appended, one whole line at a time
 *
 * Lines stay in the file.  They name the points that need not run again.
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

/* Opens path ("-" or NULL: standard output) for appending, and reads the names of its points.  A last line without a line end is
 * removed.  ERR_INPUT: the file holds other lines than a sweep's results.  ERR_SYSTEM: another sweep is writing the file. */
int sweep_file_open(struct sweep_file *f, const char *path, struct arena *a, struct err *e) WARN_UNUSED;

/* Returns the point with that key; NULL: the file has none. */
const struct found_point *sweep_file_find(const struct sweep_file *f, const char *key);

/* Appends a line, which includes its line end. */
int sweep_file_write(const struct sweep_file *f, const char *line, size_t length, struct err *e) WARN_UNUSED;

/* Closes the file, and reports write errors that the system has delayed. */
int sweep_file_close(struct sweep_file *f, struct err *e) WARN_UNUSED;
#endif
