/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - output files that are written whole or not at all
 *
 * A file has no name while it is written, where the system has such files (O_TMPFILE), so that nothing of it is left
 * however the writer ends; else it is PATH.layrub-N.tmp, and a later writer of PATH removes what a killed one
 * left.  When every byte has reached the disk it takes PATH's place at once: until then an older file of that name stands.
 * "-" is standard output.
 */
#ifndef SRC_FILE_H
#define SRC_FILE_H
#include <stdio.h>

#include "src/err.h"

/* Call write(out, arg) on a new stream and put what it wrote at path; write
 * returns 0, or -1 with e filled, and may be called once more.  On any error nothing is left behind, and e
 * names path (ERR_SYSTEM, or what write said). */
int file_write(const char *path, int (*write)(FILE *out, void *arg, struct err *e), void *arg, struct err *e) WARN_UNUSED;
#endif
