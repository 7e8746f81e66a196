/* SPDX-License-Identifier: Apache-2.0 */
/* place_cells.c - one cell of a list: numbers, times, gaps and names, and what is wrong with it */
#include <config.h>
#include "src/command/place_csv.h"

#include <string.h>

const char *const csv_column_names[COLUMN_COUNT] = { "id", "lower", "upper", "size", "alignment", "offset", "hint", "gaps", "alias", "distance" };

bool
csv_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

const char *
csv_quote(char q[48], const struct csv_cell *c)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)(c->length < 60 ? c->length : 60), c->at);
	return err_quote(q, text);
}

int
csv_cell_error(struct csv_reader *r, const struct csv_cell *c, enum place_column column, const char *expected)
{
	char text[160], q[48];

	snprintf(text, sizeof(text), "%s: expected %s, got '%s'", csv_column_names[column], expected, csv_quote(q, c));
	return csv_error_at(r, c->at, "%s", text);
}

/* ---- numbers and times ---- */

/* Reads a whole number of at most `most` without its sign.  Only with_sign allows a minus. */
static bool
parse_number(const struct csv_cell *c, bool with_sign, uint64_t most, uint64_t *n, bool *negative)
{
	size_t i = 0;

	*n = 0;
	*negative = with_sign && c->length > 0 && c->at[0] == '-';
	for (i = *negative; i < c->length; i++) {
		unsigned digit = (unsigned)(c->at[i] - '0');

		if (digit > 9 || *n > (most - digit) / 10)
			return false;
		*n = *n * 10 + digit;
	}
	return i > *negative;
}

static int
read_time(struct csv_reader *r, enum place_column column, const struct csv_cell *c, int64_t *time)
{
	uint64_t n;
	bool negative;

	if (!parse_number(c, true, (uint64_t)INT64_MAX + 1, &n, &negative) || (!negative && n > INT64_MAX))
		return csv_cell_error(r, c, column, "a whole number of at most 64 bits");
	*time = negative && n > 0 ? -(int64_t)(n - 1) - 1 : (int64_t)n;
	return 0;
}

/* ---- gaps ---- */

/* Reads the number at *at; false: there is none, or it is over `most`. */
static bool
scan_number(const char **at, const char *end, uint64_t most, uint64_t *n)
{
	const char *from = *at;
	bool negative;

	while (*at < end && **at >= '0' && **at <= '9')
		++*at;
	return parse_number(&(struct csv_cell) { from, (size_t)(*at - from) }, false, most, n, &negative);
}

static bool
scan_mark(const char **at, const char *end, char mark)
{
	if (*at == end || **at != mark)
		return false;
	++*at;
	return true;
}

/* Reads one gap at *at: "LOWER-UPPER" or "LOWER-UPPER@LOW:HIGH". */
static bool
scan_gap(const struct csv_reader *r, const char **at, const char *end, struct place_gap *g)
{
	uint64_t lower, upper;

	*g = (struct place_gap) { .row = r->file->rows.count };
	if (!scan_number(at, end, INT64_MAX - 1, &lower) || !scan_mark(at, end, '-') || !scan_number(at, end, INT64_MAX - 1, &upper))
		return false;
	g->lower = (int64_t)lower;
	g->upper = (int64_t)upper + r->last;
	if (!scan_mark(at, end, '@'))
		return g->lower < g->upper;
	return scan_number(at, end, BYTES_MAX, &g->low) && scan_mark(at, end, ':') && scan_number(at, end, BYTES_MAX, &g->high) &&
	    g->low < g->high && g->lower < g->upper;
}

static int
read_gaps(struct csv_reader *r, const struct csv_cell *c)
{
	struct place_rows *rows = &r->file->rows;
	const char *at = c->at, *end = c->at + c->length;

	while (at < end) {
		struct place_gap g;

		if (!scan_gap(r, &at, end, &g) || (at < end && !csv_is_blank(*at)))
			return csv_cell_error(r, c, COLUMN_GAPS, "LOWER-UPPER or LOWER-UPPER@LOW:HIGH, separated by blanks");
		while (at < end && csv_is_blank(*at))
			at++;
		*ARENA_PUSH(r->arena, rows->gaps, rows->gap_count, rows->gap_room) = g;
	}
	return 0;
}

/* ---- cells ---- */

static const char *
copy_cell(struct csv_reader *r, const struct csv_cell *c)
{
	return memcpy(arena_alloc(r->arena, 1, c->length + 1), c->at, c->length);
}

int
csv_read_cell(struct csv_reader *r, struct place_row *row, enum place_column column, const struct csv_cell *c)
{
	struct place_item *it = &row->item;
	bool negative;
	uint64_t n;

	if (c->length == 0 && column >= COLUMN_ALIGNMENT)
		return 0;
	switch (column) {
	case COLUMN_ID:
		if (c->length == 0 || memchr(c->at, '"', c->length) != NULL)
			return csv_cell_error(r, c, column, "a name without quotes");
		row->id = copy_cell(r, c);
		return 0;
	case COLUMN_LOWER:
		return read_time(r, column, c, &row->lower);
	case COLUMN_UPPER:
		if (read_time(r, column, c, &row->upper) < 0)
			return -1;
		if (r->last && row->upper == INT64_MAX)
			return csv_cell_error(r, c, column, "less than 2^63 - 1 for the last time of a life");
		row->upper += r->last;
		return 0;
	case COLUMN_SIZE:
		if (!parse_number(c, false, BYTES_MAX, &it->bytes, &negative) || it->bytes == 0)
			return csv_cell_error(r, c, column, "a whole number from 1 to 2^62");
		return 0;
	case COLUMN_ALIGNMENT:
		if (!parse_number(c, false, PLACE_ALIGN_MAX, &it->align, &negative) || it->align == 0)
			return csv_cell_error(r, c, column, "a whole number from 1 to 2^40");
		return 0;
	case COLUMN_HINT:
		if (!parse_number(c, true, BYTES_MAX, &n, &negative))
			return csv_cell_error(r, c, column, "a whole number of at most 2^62");
		row->hint = negative ? UINT64_MAX : n;
		return 0;
	case COLUMN_GAPS:
		return read_gaps(r, c);
	case COLUMN_ALIAS:
		row->alias = copy_cell(r, c);
		r->file->rows.has_aliases = true;
		return 0;
	case COLUMN_DISTANCE:
		if (!parse_number(c, false, BYTES_MAX, &row->distance, &negative))
			return csv_cell_error(r, c, column, "a whole number from 0 to 2^62");
		return 0;
	default:
		if (!parse_number(c, false, BYTES_MAX, &it->fixed, &negative))
			return csv_cell_error(r, c, column, "a whole number from 0 to 2^62");
		return 0;
	}
}
