/* SPDX-License-Identifier: Apache-2.0 */
/* place_csv.h - the text of a list: lines, cells, and the rows in them
 *
 * Private to place_file.c, place_csv.c and place_cells.c.  Cells point into the text.
 */
#ifndef SRC_COMMAND_PLACE_CSV_H
#define SRC_COMMAND_PLACE_CSV_H
#include "src/command/place_file.h"
#include "src/library/place_list.h"

/* One cell, without the blanks around it. */
struct csv_cell { const char *at; size_t length; };

struct csv_reader {
	struct place_file *file;
	struct arena *arena;
	struct err *e;
	const char *line, *end;		/* the line being read: [line, end) without its line end */
	uint64_t number;
	struct csv_cell cells[COLUMN_COUNT];	/* by position */
	uint32_t cell_count;
	struct place_sums sums;
	enum place_ends ends;
	bool last;			/* uppers as read are the last times of lives */
};

/* ---- place_csv.c ---- */

/* Reads the header and all rows. */
int csv_read(struct csv_reader *r, const char *text, size_t size) WARN_UNUSED;

/* Adds the place of a row's column to the error; returns -1. */
int csv_error_in(struct csv_reader *r, const struct place_row *row, enum place_column column);

/* Sets an error at a place of the line, with fmt's %s for `what`; returns -1. */
int csv_error_at(struct csv_reader *r, const char *at, const char *fmt, const char *what);

/* ---- place_cells.c ---- */

extern const char *const csv_column_names[COLUMN_COUNT];

bool csv_is_blank(char c);

/* Returns the cell in quotable form. */
const char *csv_quote(char q[48], const struct csv_cell *c);

/* Sets the error of a cell: "COLUMN: expected EXPECTED, got 'CELL'"; returns -1. */
int csv_cell_error(struct csv_reader *r, const struct csv_cell *c, enum place_column column, const char *expected);

/* Reads a cell into the row, or into the list's gaps. */
int csv_read_cell(struct csv_reader *r, struct place_row *row, enum place_column column, const struct csv_cell *c) WARN_UNUSED;
#endif
