/* SPDX-License-Identifier: Apache-2.0 */
/* place_csv.h - buffers in MiniMalloc's CSV, in and out
 *
 * The first line names the columns, in any order: id, lower, upper, size, and optionally alignment, offset, hint and gaps.  buffer and
 * buffer_id stand for id, begin and start for lower, and end for upper, but end is the last time of a life.  An empty alignment means 1.
 * An empty offset means that the placement chooses it.  A hint is read over.  Gaps in a life are refused.  Times are whole numbers of 64 bits, and are
 * replaced by their ranks.  Lines end with LF or CRLF; the end of the last line may be missing.
 */
#ifndef SRC_COMMAND_PLACE_CSV_H
#define SRC_COMMAND_PLACE_CSV_H
#include <stdio.h>

#include "planner/placement/placement.h"

enum place_column { COLUMN_ID, COLUMN_LOWER, COLUMN_UPPER, COLUMN_SIZE, COLUMN_ALIGNMENT, COLUMN_OFFSET, COLUMN_HINT, COLUMN_GAPS, COLUMN_COUNT };

struct place_csv {
	struct place_problem problem;
	const char **ids;		/* [problem.count] as given, in the arena */
	const int64_t *lowers;		/* [problem.count] the times as given */
	/* private */
	const char *text;		/* the whole file, in the arena */
	const char *header;		/* its first line */
	const char **lines;		/* [problem.count] */
	uint64_t *numbers;		/* [problem.count] of the lines */
	enum place_column columns[COLUMN_COUNT];
	uint32_t column_count;
};

/* Reads a list from a file ("-": standard input).  Errors name file, line and column. */
int place_csv_read(struct place_csv *c, const char *path, struct arena *a, struct err *e) WARN_UNUSED;

/* Writes the lines with their columns as they were, and the offsets. */
void place_csv_write(const struct place_csv *c, const bytes_t *offsets, FILE *out);
#endif
