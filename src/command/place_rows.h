/* SPDX-License-Identifier: Apache-2.0 */
/* place_rows.h - the lines of a list of buffers, as they were read */
#ifndef SRC_COMMAND_PLACE_ROWS_H
#define SRC_COMMAND_PLACE_ROWS_H
#include "planner/placement/placement.h"

enum place_column {
	COLUMN_ID, COLUMN_LOWER, COLUMN_UPPER, COLUMN_SIZE, COLUMN_ALIGNMENT, COLUMN_OFFSET, COLUMN_HINT, COLUMN_GAPS, COLUMN_ALIAS, COLUMN_DISTANCE,
	COLUMN_COUNT
};

struct place_row {
	const char *id;			/* once in a list */
	int64_t lower, upper;
	struct place_item item;		/* bytes, align, and fixed */
	bytes_t hint;			/* UINT64_MAX: none */
	const char *alias;		/* NULL, or the id of the buffer that it lies in */
	bytes_t distance;		/* of an alias from that buffer's offset */
	const char *line;		/* in the text of the list */
	uint64_t number;		/* of the line */
};

/* A stretch of a life in which a buffer takes only the bytes [low, high) of its own; low = high: none. */
struct place_gap {
	uint32_t row;
	int64_t lower, upper;
	bytes_t low, high;
};

/* An id and its row. */
struct place_name { const char *id; uint32_t row; };

struct place_rows {
	uint32_t count, gap_count;
	struct place_row *all;		/* [count] */
	struct place_gap *gaps;		/* [gap_count] rising by row, then by time; those of one row do not overlap */
	const struct place_name *names;	/* [count] the ids, rising */
	bool has_aliases;
	size_t room, gap_room;
};
#endif
