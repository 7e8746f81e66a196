/* SPDX-License-Identifier: Apache-2.0 */
/* place_csv.c - the header and the lines of a list, and the checks of a row */
#include <config.h>
#include "src/command/place_csv.h"

#include <string.h>

/* Other names that MiniMalloc reads.  The times of `end` are the last ones of a life. */
static const struct { const char *name; enum place_column column; bool last; } other_names[] = {
	{ "buffer", COLUMN_ID, false }, { "buffer_id", COLUMN_ID, false }, { "begin", COLUMN_LOWER, false },
	{ "start", COLUMN_LOWER, false }, { "end", COLUMN_UPPER, true }
};

/* ---- lines ---- */

/* Adds the place to the error.  The text of a binary list was made here, so its columns tell the user nothing. */
static int
error_place(struct csv_reader *r, const char *at)
{
	if (r->file->is_binary)
		return err_at(r->e, "record %" PRIu64, r->number);
	return err_at(r->e, "line %" PRIu64 ", column %zu", r->number, (size_t)(at - r->line) + 1);
}

int
csv_error_at(struct csv_reader *r, const char *at, const char *fmt, const char *what)
{
	err_set(r->e, ERR_INPUT, fmt, what);
	return error_place(r, at);
}

/* Splits the line at its commas; -1 when there are more cells than columns can be. */
static int
split_line(struct csv_reader *r)
{
	const char *at = r->line;

	r->cell_count = 0;
	for (;;) {
		const char *comma = memchr(at, ',', (size_t)(r->end - at)), *to = comma == NULL ? r->end : comma;
		struct csv_cell c = { at, (size_t)(to - at) };

		if (r->cell_count == COLUMN_COUNT)
			return -1;
		while (c.length > 0 && csv_is_blank(*c.at)) {
			c.at++;
			c.length--;
		}
		while (c.length > 0 && csv_is_blank(c.at[c.length - 1]))
			c.length--;
		r->cells[r->cell_count++] = c;
		if (comma == NULL)
			return 0;
		at = comma + 1;
	}
}

static bool
is_name(const struct csv_cell *c, const char *name)
{
	return strlen(name) == c->length && memcmp(name, c->at, c->length) == 0;
}

/* Returns the column of that name; COLUMN_COUNT: none. */
static unsigned
find_column(struct csv_reader *r, const struct csv_cell *c)
{
	for (unsigned k = 0; k < COLUMN_COUNT; k++)
		if (is_name(c, csv_column_names[k]))
			return k;
	for (size_t i = 0; i < sizeof(other_names) / sizeof(*other_names); i++)
		if (is_name(c, other_names[i].name)) {
			r->last |= other_names[i].last && r->ends == PLACE_ENDS_BY_NAME;
			return other_names[i].column;
		}
	return COLUMN_COUNT;
}

static int
read_header(struct csv_reader *r)
{
	struct place_file *file = r->file;
	bool seen[COLUMN_COUNT] = { false };
	char q[48];

	file->header = r->line;
	r->last = r->ends == PLACE_ENDS_INCLUSIVE;
	if (split_line(r) < 0)
		return csv_error_at(r, r->line, "%s", "expected at most the columns id, lower, upper, size, alignment, offset, hint, gaps, alias and distance, got more");
	for (uint32_t i = 0; i < r->cell_count; i++) {
		const struct csv_cell *c = &r->cells[i];
		unsigned k = find_column(r, c);

		if (k == COLUMN_COUNT)
			return csv_error_at(r, c->at, "expected a header of id, lower, upper, size, alignment, offset, hint, gaps, alias and distance, got '%s'", csv_quote(q, c));
		if (seen[k])
			return csv_error_at(r, c->at, "column '%s' stands twice", csv_column_names[k]);
		seen[k] = true;
		file->columns[file->column_count++] = (enum place_column)k;
	}
	for (unsigned k = 0; k < COLUMN_ALIGNMENT; k++)
		if (!seen[k])
			return csv_error_at(r, r->end, "expected a column '%s', got none", csv_column_names[k]);
	return 0;
}

/* ---- rows ---- */

static const struct csv_cell *
cell_of(const struct csv_reader *r, enum place_column column)
{
	for (uint32_t k = 0; k < r->file->column_count; k++)
		if (r->file->columns[k] == column)
			return &r->cells[k];
	return &r->cells[0];
}

/* Checks that the row's gaps, the last of all so far, rise inside of its life and its size. */
static bool
are_gaps_inside(const struct csv_reader *r, const struct place_row *row)
{
	const struct place_rows *rows = &r->file->rows;
	int64_t end = row->upper;

	for (uint32_t k = rows->gap_count; k > 0 && rows->gaps[k - 1].row == rows->count; k--) {
		const struct place_gap *g = &rows->gaps[k - 1];

		if (g->upper > end || g->lower < row->lower || g->high > row->item.bytes)
			return false;
		end = g->lower;
	}
	return true;
}

static int
check_row(struct csv_reader *r, const struct place_row *row)
{
	const struct place_item *it = &row->item;

	if (row->lower >= row->upper)
		return csv_cell_error(r, cell_of(r, COLUMN_UPPER), COLUMN_UPPER, r->last ? "'lower' or more" :
		    "more than 'lower', because a life ends just before 'upper' (with --ends inclusive or in a column 'end': with it)");
	if (it->fixed != PLACE_FREE && it->align > 0 && it->fixed % it->align != 0)
		return csv_cell_error(r, cell_of(r, COLUMN_OFFSET), COLUMN_OFFSET, "a multiple of the alignment");
	if (!are_gaps_inside(r, row))
		return csv_cell_error(r, cell_of(r, COLUMN_GAPS), COLUMN_GAPS, "rising gaps inside of the life, with bytes inside of the size");
	if (row->distance > 0 && row->alias == NULL)
		return csv_cell_error(r, cell_of(r, COLUMN_DISTANCE), COLUMN_DISTANCE, "an alias beside it");
	if (!place_sums_add(&r->sums, it))
		return csv_cell_error(r, cell_of(r, COLUMN_SIZE), COLUMN_SIZE, "sizes and offsets that add up to at most 2^62");
	return 0;
}

static int
read_row(struct csv_reader *r)
{
	struct place_file *file = r->file;
	struct place_rows *rows = &file->rows;
	struct place_row row = { .item.fixed = PLACE_FREE, .hint = UINT64_MAX, .line = r->line, .number = r->number };
	char text[96];
	int over = split_line(r);

	if (over < 0 || r->cell_count != file->column_count) {
		snprintf(text, sizeof(text), "expected %" PRIu32 " cells as in the header, got %s", file->column_count,
		    over < 0 || r->cell_count > file->column_count ? "more" : "fewer");
		return csv_error_at(r, r->cell_count > file->column_count ? r->cells[file->column_count].at : r->end, "%s", text);
	}
	if (rows->count == COUNT_MAX)
		return csv_error_at(r, r->line, "%s", "too many buffers");
	for (uint32_t k = 0; k < r->cell_count; k++)
		if (csv_read_cell(r, &row, file->columns[k], &r->cells[k]) < 0)
			return -1;
	if (check_row(r, &row) < 0)
		return -1;
	*ARENA_PUSH(r->arena, rows->all, rows->count, rows->room) = row;
	return 0;
}

int
csv_error_in(struct csv_reader *r, const struct place_row *row, enum place_column column)
{
	r->line = row->line;
	r->end = r->line + strcspn(r->line, "\r\n");
	r->number = row->number;
	split_line(r);
	return error_place(r, cell_of(r, column)->at);
}

/* ---- the text ---- */

/* Blank lines are skipped. */
static bool
is_empty(const struct csv_reader *r)
{
	for (const char *c = r->line; c < r->end; c++)
		if (!csv_is_blank(*c))
			return false;
	return true;
}

int
csv_read(struct csv_reader *r, const char *text, size_t size)
{
	const char *at = text, *end = text + size;
	bool header = false;

	if (size >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)	/* a byte order mark */
		at += 3;
	for (; at < end; r->number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		r->line = at;
		r->end = newline == NULL ? end : newline;
		at = newline == NULL ? end : newline + 1;
		if (r->end > r->line && r->end[-1] == '\r')
			r->end--;
		if (is_empty(r))
			continue;
		if (memchr(r->line, '\0', (size_t)(r->end - r->line)) != NULL)
			return csv_error_at(r, memchr(r->line, '\0', (size_t)(r->end - r->line)), "%s", "expected text, got a NUL byte");
		/* A reader of the written line would take this byte for the line's end. */
		if (memchr(r->line, '\r', (size_t)(r->end - r->line)) != NULL)
			return csv_error_at(r, memchr(r->line, '\r', (size_t)(r->end - r->line)), "%s",
			    "expected lines that end in LF or CRLF, got a CR inside one");
		if ((header ? read_row(r) : read_header(r)) < 0)
			return -1;
		header = true;
	}
	return header ? 0 : err_set(r->e, ERR_INPUT, "expected a header of id, lower, upper and size, got an empty file");
}
