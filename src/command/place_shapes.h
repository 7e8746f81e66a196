/* SPDX-License-Identifier: Apache-2.0 */
/* place_shapes.h - buffers with gaps and aliases as items with parts
 *
 * A buffer and its aliases are one item, because they move together.  The item's parts are the bytes that any of them takes, at each time
 * once.  An alias lies inside its buffer, so the item has the size of the buffer that is no alias.
 */
#ifndef SRC_COMMAND_PLACE_SHAPES_H
#define SRC_COMMAND_PLACE_SHAPES_H
#include "planner/placement/placement.h"

/* A stretch of a life in which a buffer takes only the bytes [low, high) of its own; low = high: none. */
struct place_gap {
	uint32_t row;
	int64_t lower, upper;
	bytes_t low, high;
};

/* An id and its row. */
struct place_name { const char *id; uint32_t row; };

/* The rows of a list. */
struct place_rows {
	uint32_t count, gap_count;
	struct place_item *items;	/* [count] bytes, align, and fixed */
	int64_t *lowers, *uppers;	/* [count] */
	const char **ids;		/* [count], each once */
	const struct place_name *names;	/* [count] the ids, rising */
	const char **aliases;		/* [count] NULL, or the id of the buffer that it lies in */
	bytes_t *distances;		/* [count] of an alias from that buffer's offset */
	struct place_gap *gaps;		/* [gap_count] rising by row, then by time; those of one row do not overlap */
	bool has_aliases;
};

/* The items of rows. */
struct place_shapes {
	uint32_t *item_of, *row_of;	/* [rows->count] the item of a row; the row of an item that is no alias */
	bytes_t *distance;		/* [rows->count] of a row from its item's offset */
	const int64_t *times;		/* of the ranks in the problem */
};

/* Fills p's items and parts, and s.  An error of a row (ERR_INPUT) is about column *column (enum place_column) of row *row. */
int place_shapes_make(struct place_shapes *s, struct place_problem *p, const struct place_rows *rows, uint32_t *row, unsigned *column,
    struct arena *a, struct err *e) WARN_UNUSED;
#endif
