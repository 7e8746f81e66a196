/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - input files up to a size limit, and output files that are written whole or not at all
 *
 * Where the system has O_TMPFILE, an output file has no name while it is written, and the system removes it however the writer
 * ends.  Elsewhere its name is PATH.layrub-N.tmp, and a later writer of PATH removes the file that a killed writer left.  The
 * file takes PATH's place in one step, after every byte has reached the disk.  Until then an older file of that name stays.
 * "-" is standard output.
 */
#ifndef SRC_BASE_FILE_H
#define SRC_BASE_FILE_H
#include <stdio.h>
#include <sys/types.h>

#include "src/base/err.h"
#include "src/base/units.h"

/* Calls write(out, arg) on a new stream and puts the text at path.  write returns 0, or -1 with e filled; it may be called a
 * second time.  After an error no new file is left, and e names path (ERR_SYSTEM, or the error of write). */
int file_write(const char *path, int (*write)(FILE *out, void *arg, struct err *e), void *arg, struct err *e) WARN_UNUSED;

/* Fails as file_write() to path would now, before the work whose result goes there: no folder, no permission, a folder of that name.
 * Writes nothing. */
int file_check_output(const char *path, struct err *e) WARN_UNUSED;

/* Opens path ("-": standard input) for reading; a regular file of more than `most` bytes is refused unread.  NULL: e is filled
 * and does not name path.  ERR_SYSTEM when the machine lacks a resource. */
FILE *file_open(const char *path, bytes_t most, struct err *e) WARN_UNUSED;

/* Longer than any line of results, in bytes. */
enum { FILE_LINE_MOST = 1 << 20 };

/* Reads the next line, its newline included, into line[room] and ends it with a NUL.  Returns its length, 0 at the end of the
 * file, -1 when reading fails or the line does not fit.  Allocates nothing. */
ssize_t file_line(FILE *in, char *line, size_t room, struct err *e) WARN_UNUSED;
#endif
