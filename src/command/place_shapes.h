/* SPDX-License-Identifier: Apache-2.0 */
/* place_shapes.h - buffers with gaps and aliases as items with parts
 *
 * A buffer and its aliases are one item, because they move together.  The item's parts are the bytes that any of them takes, at each time
 * once.  An alias lies inside its buffer, so the item has the size of the buffer that is no alias.
 */
#ifndef SRC_COMMAND_PLACE_SHAPES_H
#define SRC_COMMAND_PLACE_SHAPES_H
#include "src/command/place_rows.h"

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
