/* SPDX-License-Identifier: Apache-2.0 */
/* sweep_jobs.h - job scripts that run a sweep's grid in parts on several machines, and join the results */
#ifndef SRC_COMMAND_SWEEP_JOBS_H
#define SRC_COMMAND_SWEEP_JOBS_H
#include "src/base/arena.h"
#include "src/library/tables.h"

table_row_fn table_jobs;	/* the values of --jobs */

/* Prints the script of a row of table_jobs.  arguments: those of the sweep, quoted for a shell, without --jobs, --parts, --shard and
 * --output; parts: at least 1; output: the joined results, "NAME.jsonl". */
void sweep_jobs_print(const char *row, const char *arguments, uint32_t parts, const char *output, struct arena *a);

/* Returns the arguments argv[1..argc) of a sweep that each part has, quoted for a shell. */
const char *sweep_jobs_arguments(int argc, char *const *argv, struct arena *a);
#endif
