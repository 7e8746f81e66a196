/* SPDX-License-Identifier: Apache-2.0 */
/* place_csv.h - buffers in MiniMalloc's CSV, in and out
 *
 * The first line names the columns, in any order: id, lower, upper, size, and optionally alignment, offset, hint, gaps, alias and distance.
 * buffer and buffer_id stand for id, begin and start for lower, and end for upper, but end is the last time of a life.  An empty alignment
 * means 1.  An empty offset means that the placement chooses it.  Times are whole numbers of 64 bits, and are replaced by their ranks.
 * Lines end with LF or CRLF; the end of the last line may be missing.
 *
 * gaps: "LOWER-UPPER" or "LOWER-UPPER@LOW:HIGH", separated by blanks: the buffer takes no byte then, or its bytes [LOW, HIGH) alone.  Hints of all
 * buffers are a known placement.  alias: the buffer lies `distance` bytes (empty: 0) inside of another one, and shares its bytes.
 */
#ifndef SRC_COMMAND_PLACE_CSV_H
#define SRC_COMMAND_PLACE_CSV_H
#include <stdio.h>

#include "src/command/place_shapes.h"

enum place_column {
	COLUMN_ID, COLUMN_LOWER, COLUMN_UPPER, COLUMN_SIZE, COLUMN_ALIGNMENT, COLUMN_OFFSET, COLUMN_HINT, COLUMN_GAPS, COLUMN_ALIAS, COLUMN_DISTANCE,
	COLUMN_COUNT
};

/* Whether a buffer is alive at its upper: only where the column is called `end`, never, always. */
enum place_ends { PLACE_ENDS_BY_NAME, PLACE_ENDS_EXCLUSIVE, PLACE_ENDS_INCLUSIVE };

struct place_csv {
	struct place_problem problem;
	struct place_rows rows;		/* the buffers as given, in the arena */
	struct place_shapes shapes;	/* which item each of them is in */
	/* private */
	const char *text;		/* the whole file, in the arena */
	const char *header;		/* its first line */
	const char **lines;		/* [rows.count] */
	uint64_t *numbers;		/* [rows.count] of the lines */
	enum place_column columns[COLUMN_COUNT];
	uint32_t column_count;
};

/* Reads a list from a file ("-": standard input).  Errors name file, line and column. */
int place_csv_read(struct place_csv *c, const char *path, enum place_ends ends, struct arena *a, struct err *e) WARN_UNUSED;

/* Writes the lines with their columns as they were, and the offsets; offsets: of the problem's items. */
void place_csv_write(const struct place_csv *c, const bytes_t *offsets, FILE *out);
#endif
