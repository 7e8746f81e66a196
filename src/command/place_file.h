/* SPDX-License-Identifier: Apache-2.0 */
/* place_file.h - a list of buffers as a file, in and out
 *
 * MiniMalloc's CSV: the first line names the columns, in any order: id, lower, upper, size, and optionally alignment, offset, hint, gaps, alias and
 * distance.  buffer and buffer_id stand for id, begin and start for lower, and end for upper, but end is the last time of a life.  An empty
 * alignment means 1.  An empty offset means that the placement chooses it.  Times are whole numbers of 64 bits, and are replaced by their
 * ranks.  Lines end with LF or CRLF; the end of the last line may be missing.
 *
 * gaps: "LOWER-UPPER" or "LOWER-UPPER@LOW:HIGH", separated by blanks: the buffer takes no byte then, or its bytes [LOW, HIGH) alone.  Hints of all
 * buffers are a known placement.  alias: the buffer lies `distance` bytes (empty: 0) inside of another one, and shares its bytes.
 *
 * idealloc's binary lists (place_plc.h) are known by their first byte, and become such a text.
 */
#ifndef SRC_COMMAND_PLACE_FILE_H
#define SRC_COMMAND_PLACE_FILE_H
#include <stdio.h>

#include "src/command/place_shapes.h"

/* Whether a buffer is alive at its upper: only where the column is called `end`, never, always. */
enum place_ends { PLACE_ENDS_BY_NAME, PLACE_ENDS_EXCLUSIVE, PLACE_ENDS_INCLUSIVE };

struct place_file {
	struct place_problem problem;
	struct place_rows rows;		/* the buffers as given, in the arena */
	struct place_shapes shapes;	/* which item each of them is in */
	/* private */
	const char *text;		/* the whole list, in the arena */
	const char *header;		/* its first line */
	enum place_column columns[COLUMN_COUNT];
	uint32_t column_count;
	bool is_binary;			/* text was made of records */
};

/* Reads a list from a file ("-": standard input).  Errors name file, line and column. */
int place_file_read(struct place_file *f, const char *path, enum place_ends ends, struct arena *a, struct err *e) WARN_UNUSED;

/* Writes the lines with their columns as they were, and the offsets; offsets: of the problem's items. */
void place_file_write(const struct place_file *f, const bytes_t *offsets, FILE *out);
#endif
