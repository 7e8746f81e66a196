/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - input files of a size that we take, and output files that are written whole or not at all
 *
 * A file has no name while it is written, where the system has such files (O_TMPFILE), so that nothing of it is left
 * however the writer ends; else it is PATH.layrub-N.tmp, and a later writer of PATH removes what a killed one
 * left.  When every byte has reached the disk it takes PATH's place at once: until then an older file of that name stands.
 * "-" is standard output.
 */
#ifndef SRC_BASE_FILE_H
#define SRC_BASE_FILE_H
#include <stdio.h>
#include <sys/types.h>

#include "src/base/err.h"
#include "src/base/units.h"

/* Call write(out, arg) on a new stream and put what it wrote at path; write
 * returns 0, or -1 with e filled, and may be called once more.  On any error nothing is left behind, and e
 * names path (ERR_SYSTEM, or what write said). */
int file_write(const char *path, int (*write)(FILE *out, void *arg, struct err *e), void *arg, struct err *e) WARN_UNUSED;

/* Open path ("-": standard input) to read at most so many bytes of it; a larger file is refused unread.  NULL: e is
 * filled; it does not name path.  ERR_SYSTEM when it is the machine that lacks something. */
FILE *file_open(const char *path, bytes_t most, struct err *e) WARN_UNUSED;

/* No line of results is as long. */
enum { FILE_LINE_MOST = 1 << 20 };

/* The next line, its end included, into line[room], which a NUL ends; its length, 0 at the end of the file. -1:
 * it cannot be read, or does not fit.  Nothing is allocated. */
ssize_t file_line(FILE *in, char *line, size_t room, struct err *e) WARN_UNUSED;
#endif
