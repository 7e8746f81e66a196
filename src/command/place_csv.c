/* SPDX-License-Identifier: Apache-2.0 */
/* place_csv.c - lists of buffers as CSV, read and written */
#include <config.h>
#include "src/command/place_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "planner/placement/place_check.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/library/place_list.h"

static const char *const column_names[COLUMN_COUNT] = { "id", "lower", "upper", "size", "alignment", "offset", "hint", "gaps", "alias", "distance" };

/* Other names that MiniMalloc reads.  The times of `end` are the last ones of a life. */
static const struct { const char *name; enum place_column column; bool last; } other_names[] = {
	{ "buffer", COLUMN_ID, false }, { "buffer_id", COLUMN_ID, false }, { "begin", COLUMN_LOWER, false },
	{ "start", COLUMN_LOWER, false }, { "end", COLUMN_UPPER, true }
};

/* One cell, without the blanks around it. */
struct csv_cell { const char *at; size_t length; };

struct csv_reader {
	struct place_csv *csv;
	struct arena *arena;
	struct err *e;
	const char *line, *end;		/* the line being read: [line, end) without its line end */
	uint64_t number;
	struct csv_cell cells[COLUMN_COUNT];	/* by position */
	uint32_t cell_count;
	struct place_sums sums;
	enum place_ends ends;
	bool last;			/* uppers as read are the last times of lives */
	bytes_t *hints;			/* [count] UINT64_MAX: none */
	size_t room, lower_room, upper_room, id_room, line_room, number_room, hint_room, alias_room, distance_room, gap_room;
};

/* ---- errors ---- */

static int
error_at(struct csv_reader *r, const char *at, const char *fmt, const char *what)
{
	err_set(r->e, ERR_INPUT, fmt, what);
	return err_at(r->e, "line %" PRIu64 ", column %zu", r->number, (size_t)(at - r->line) + 1);
}

static const char *
quote_cell(char q[48], const struct csv_cell *c)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)(c->length < 60 ? c->length : 60), c->at);
	return err_quote(q, text);
}

static int
cell_error(struct csv_reader *r, const struct csv_cell *c, enum place_column column, const char *expected)
{
	char text[160], q[48];

	snprintf(text, sizeof(text), "%s: expected %s, got '%s'", column_names[column], expected, quote_cell(q, c));
	return error_at(r, c->at, "%s", text);
}

/* ---- lines and cells ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
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
		while (c.length > 0 && is_blank(*c.at)) {
			c.at++;
			c.length--;
		}
		while (c.length > 0 && is_blank(c.at[c.length - 1]))
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
		if (is_name(c, column_names[k]))
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
	struct place_csv *csv = r->csv;
	bool seen[COLUMN_COUNT] = { false };
	char q[48];

	csv->header = r->line;
	r->last = r->ends == PLACE_ENDS_INCLUSIVE;
	if (split_line(r) < 0)
		return error_at(r, r->line, "%s", "expected at most the columns id, lower, upper, size, alignment, offset, hint, gaps, alias and distance, got more");
	for (uint32_t i = 0; i < r->cell_count; i++) {
		const struct csv_cell *c = &r->cells[i];
		unsigned k = find_column(r, c);

		if (k == COLUMN_COUNT)
			return error_at(r, c->at, "expected a header of id, lower, upper, size, alignment, offset, hint, gaps, alias and distance, got '%s'", quote_cell(q, c));
		if (seen[k])
			return error_at(r, c->at, "column '%s' stands twice", column_names[k]);
		seen[k] = true;
		csv->columns[csv->column_count++] = (enum place_column)k;
	}
	for (unsigned k = 0; k < COLUMN_ALIGNMENT; k++)
		if (!seen[k])
			return error_at(r, r->end, "expected a column '%s', got none", column_names[k]);
	return 0;
}

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
		return cell_error(r, c, column, "a whole number of at most 64 bits");
	*time = negative && n > 0 ? -(int64_t)(n - 1) - 1 : (int64_t)n;
	return 0;
}

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
scan_gap(struct csv_reader *r, const char **at, const char *end, struct place_gap *g)
{
	uint64_t lower, upper;

	*g = (struct place_gap) { .row = r->csv->rows.count };
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
	struct place_rows *rows = &r->csv->rows;
	const char *at = c->at, *end = c->at + c->length;

	while (at < end) {
		struct place_gap g;

		if (!scan_gap(r, &at, end, &g) || (at < end && !is_blank(*at)))
			return cell_error(r, c, COLUMN_GAPS, "LOWER-UPPER or LOWER-UPPER@LOW:HIGH, separated by blanks");
		while (at < end && is_blank(*at))
			at++;
		*ARENA_PUSH(r->arena, rows->gaps, rows->gap_count, r->gap_room) = g;
	}
	return 0;
}

static const char *
copy_cell(struct csv_reader *r, const struct csv_cell *c)
{
	return memcpy(arena_alloc(r->arena, 1, c->length + 1), c->at, c->length);
}

static int
read_cell(struct csv_reader *r, enum place_column column, const struct csv_cell *c)
{
	struct place_rows *rows = &r->csv->rows;
	uint32_t i = rows->count;
	struct place_item *it = &rows->items[i];
	bool negative;
	uint64_t n;

	if (c->length == 0 && column >= COLUMN_ALIGNMENT)
		return 0;
	switch (column) {
	case COLUMN_ID:
		if (c->length == 0 || memchr(c->at, '"', c->length) != NULL)
			return cell_error(r, c, column, "a name without quotes");
		rows->ids[i] = copy_cell(r, c);
		return 0;
	case COLUMN_LOWER:
		return read_time(r, column, c, &rows->lowers[i]);
	case COLUMN_UPPER:
		if (read_time(r, column, c, &rows->uppers[i]) < 0)
			return -1;
		if (r->last && rows->uppers[i] == INT64_MAX)
			return cell_error(r, c, column, "less than 2^63 - 1 for the last time of a life");
		rows->uppers[i] += r->last;
		return 0;
	case COLUMN_SIZE:
		if (!parse_number(c, false, BYTES_MAX, &it->bytes, &negative) || it->bytes == 0)
			return cell_error(r, c, column, "a whole number from 1 to 2^62");
		return 0;
	case COLUMN_ALIGNMENT:
		if (!parse_number(c, false, PLACE_ALIGN_MAX, &it->align, &negative) || it->align == 0)
			return cell_error(r, c, column, "a whole number from 1 to 2^40");
		return 0;
	case COLUMN_HINT:
		if (!parse_number(c, true, BYTES_MAX, &n, &negative))
			return cell_error(r, c, column, "a whole number of at most 2^62");
		r->hints[i] = negative ? UINT64_MAX : n;
		return 0;
	case COLUMN_GAPS:
		return read_gaps(r, c);
	case COLUMN_ALIAS:
		rows->aliases[i] = copy_cell(r, c);
		rows->has_aliases = true;
		return 0;
	case COLUMN_DISTANCE:
		if (!parse_number(c, false, BYTES_MAX, &rows->distances[i], &negative))
			return cell_error(r, c, column, "a whole number from 0 to 2^62");
		return 0;
	default:
		if (!parse_number(c, false, BYTES_MAX, &it->fixed, &negative))
			return cell_error(r, c, column, "a whole number from 0 to 2^62");
		return 0;
	}
}

static const struct csv_cell *
cell_of(const struct csv_reader *r, enum place_column column)
{
	for (uint32_t k = 0; k < r->csv->column_count; k++)
		if (r->csv->columns[k] == column)
			return &r->cells[k];
	return &r->cells[0];
}

/* Checks that the row's gaps rise, inside of its life and its size. */
static bool
are_gaps_inside(const struct csv_reader *r)
{
	const struct place_rows *rows = &r->csv->rows;
	uint32_t i = rows->count, k = rows->gap_count;
	int64_t end = rows->uppers[i];

	for (; k > 0 && rows->gaps[k - 1].row == i; k--) {
		const struct place_gap *g = &rows->gaps[k - 1];

		if (g->upper > end || g->lower < rows->lowers[i] || g->high > rows->items[i].bytes)
			return false;
		end = g->lower;
	}
	return true;
}

static int
check_row(struct csv_reader *r)
{
	const struct place_rows *rows = &r->csv->rows;
	uint32_t i = rows->count;
	const struct place_item *it = &rows->items[i];

	if (rows->lowers[i] >= rows->uppers[i])
		return cell_error(r, cell_of(r, COLUMN_UPPER), COLUMN_UPPER, r->last ? "'lower' or more" :
		    "more than 'lower', because a life ends just before 'upper' (with --ends inclusive or in a column 'end': with it)");
	if (it->fixed != PLACE_FREE && it->align > 0 && it->fixed % it->align != 0)
		return cell_error(r, cell_of(r, COLUMN_OFFSET), COLUMN_OFFSET, "a multiple of the alignment");
	if (!are_gaps_inside(r))
		return cell_error(r, cell_of(r, COLUMN_GAPS), COLUMN_GAPS, "rising gaps inside of the life, with bytes inside of the size");
	if (rows->distances[i] > 0 && rows->aliases[i] == NULL)
		return cell_error(r, cell_of(r, COLUMN_DISTANCE), COLUMN_DISTANCE, "an alias beside it");
	if (!place_sums_add(&r->sums, it))
		return cell_error(r, cell_of(r, COLUMN_SIZE), COLUMN_SIZE, "sizes and offsets that add up to at most 2^62");
	return 0;
}

/* Makes room for one more row in every array. */
static void
grow(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	struct place_rows *rows = &csv->rows;
	uint32_t n = rows->count;

	rows->items = arena_grow(r->arena, rows->items, sizeof(*rows->items), n, &r->room);
	rows->lowers = arena_grow(r->arena, rows->lowers, sizeof(*rows->lowers), n, &r->lower_room);
	rows->uppers = arena_grow(r->arena, rows->uppers, sizeof(*rows->uppers), n, &r->upper_room);
	rows->ids = arena_grow(r->arena, rows->ids, sizeof(*rows->ids), n, &r->id_room);
	rows->aliases = arena_grow(r->arena, rows->aliases, sizeof(*rows->aliases), n, &r->alias_room);
	rows->distances = arena_grow(r->arena, rows->distances, sizeof(*rows->distances), n, &r->distance_room);
	r->hints = arena_grow(r->arena, r->hints, sizeof(*r->hints), n, &r->hint_room);
	csv->lines = arena_grow(r->arena, csv->lines, sizeof(*csv->lines), n, &r->line_room);
	csv->numbers = arena_grow(r->arena, csv->numbers, sizeof(*csv->numbers), n, &r->number_room);
	rows->items[n] = (struct place_item) { .fixed = PLACE_FREE };
	rows->aliases[n] = NULL;
	rows->distances[n] = 0;
	r->hints[n] = UINT64_MAX;
	csv->lines[n] = r->line;
	csv->numbers[n] = r->number;
}

static int
read_row(struct csv_reader *r)
{
	char text[96];
	int over = split_line(r);

	if (over < 0 || r->cell_count != r->csv->column_count) {
		snprintf(text, sizeof(text), "expected %" PRIu32 " cells as in the header, got %s", r->csv->column_count,
		    over < 0 || r->cell_count > r->csv->column_count ? "more" : "fewer");
		return error_at(r, r->cell_count > r->csv->column_count ? r->cells[r->csv->column_count].at : r->end, "%s", text);
	}
	if (r->csv->rows.count == COUNT_MAX)
		return error_at(r, r->line, "%s", "too many buffers");
	grow(r);
	for (uint32_t k = 0; k < r->cell_count; k++)
		if (read_cell(r, r->csv->columns[k], &r->cells[k]) < 0)
			return -1;
	if (check_row(r) < 0)
		return -1;
	r->csv->rows.count++;
	return 0;
}

/* Blank lines are skipped. */
static bool
is_empty(const struct csv_reader *r)
{
	for (const char *c = r->line; c < r->end; c++)
		if (!is_blank(*c))
			return false;
	return true;
}

static int
read_lines(struct csv_reader *r, const char *text, size_t size)
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
			return error_at(r, memchr(r->line, '\0', (size_t)(r->end - r->line)), "%s", "expected text, got a NUL byte");
		/* A reader of the written line would take this byte for the line's end. */
		if (memchr(r->line, '\r', (size_t)(r->end - r->line)) != NULL)
			return error_at(r, memchr(r->line, '\r', (size_t)(r->end - r->line)), "%s",
			    "expected lines that end in LF or CRLF, got a CR inside one");
		if ((header ? read_row(r) : read_header(r)) < 0)
			return -1;
		header = true;
	}
	return header ? 0 : err_set(r->e, ERR_INPUT, "expected a header of id, lower, upper and size, got an empty file");
}

/* ---- checks of the whole file ---- */

static int
by_name(const void *x, const void *y)
{
	const struct place_name *p = x, *q = y;
	int c = strcmp(p->id, q->id);

	return c != 0 ? c : p->row < q->row ? -1 : p->row > q->row;
}

/* Adds the place of a row's column to the error; the line is split again. */
static int
error_in(struct csv_reader *r, uint32_t row, enum place_column column)
{
	r->line = r->csv->lines[row];
	r->end = r->line + strcspn(r->line, "\r\n");
	split_line(r);
	return err_at(r->e, "line %" PRIu64 ", column %zu", r->csv->numbers[row], (size_t)(cell_of(r, column)->at - r->line) + 1);
}

static int
check_ids(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	uint32_t n = csv->rows.count;
	struct place_name *names = ARENA_NEW(r->arena, struct place_name, n);
	char q[48];

	for (uint32_t i = 0; i < n; i++)
		names[i] = (struct place_name) { csv->rows.ids[i], i };
	qsort(names, n, sizeof(*names), by_name);
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(names[i].id, names[i - 1].id) == 0) {
			err_set(r->e, ERR_INPUT, "id: '%s' stands in line %" PRIu64 ", too", err_quote(q, names[i].id),
			    csv->numbers[names[i - 1].row]);
			return error_in(r, names[i].row, COLUMN_ID);
		}
	csv->rows.names = names;
	return 0;
}

static int
check_given(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	struct place_fault fault;
	struct err clash = ERR_INIT;
	uint32_t other;
	char q[48];

	if (place_check_fixed(&csv->problem, &fault, r->arena, &clash) == 0)
		return 0;
	other = csv->shapes.row_of[fault.other];
	err_set(r->e, ERR_INPUT, "offset: shares bytes with '%s' in line %" PRIu64 ", which is alive at the same time",
	    err_quote(q, csv->rows.ids[other]), csv->numbers[other]);
	return error_in(r, csv->shapes.row_of[fault.item], COLUMN_OFFSET);
}

/* Makes the problem of the rows.  Hints of all items are a known placement. */
static int
make_problem(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	struct place_problem *p = &csv->problem;
	bytes_t *known;
	unsigned column;
	uint32_t row;

	if (place_shapes_make(&csv->shapes, p, &csv->rows, &row, &column, r->arena, r->e) < 0)
		return error_in(r, row, (enum place_column)column);
	known = ARENA_NEW(r->arena, bytes_t, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		known[i] = r->hints[csv->shapes.row_of[i]];
		if (known[i] == UINT64_MAX)
			return 0;
	}
	p->known = known;
	return 0;
}

/* ---- the file ---- */

struct csv_reading {
	FILE *in;
	struct arena *arena;
	struct err *e;
	char *text;
	size_t size, room;
};

static int
read_all(void *arg)
{
	struct csv_reading *f = arg;
	size_t got;

	do {
		f->text = arena_grow(f->arena, f->text, 1, f->size, &f->room);
		got = fread(f->text + f->size, 1, f->room - f->size, f->in);
		f->size += got;
		if (f->size > json_max_input)
			return err_set(f->e, ERR_INPUT, "expected at most %" PRI_BYTES " bytes (--max-input), got more", json_max_input);
	} while (got > 0);
	if (ferror(f->in))
		return err_set(f->e, errno == EISDIR ? ERR_INPUT : ERR_SYSTEM, "cannot read: %s", strerror(errno));
	return 0;
}

/* Reads the file in an arena_run() of its own, so that the stream is closed even when memory runs out. */
static int
read_file(const char **text, size_t *size, const char *path, struct arena *a, struct err *e)
{
	struct csv_reading f = { .in = file_open(path, json_max_input, e), .arena = a, .e = e };
	int rc;

	if (f.in == NULL)
		return -1;
	rc = arena_run(a, read_all, &f, e);
	if (f.in != stdin)
		fclose(f.in);
	*text = f.text;
	*size = f.size;
	return rc;
}

int
place_csv_read(struct place_csv *c, const char *path, enum place_ends ends, struct arena *a, struct err *e)
{
	struct csv_reader r = { .csv = c, .arena = a, .e = e, .number = 1, .ends = ends };
	size_t size = 0;

	*c = (struct place_csv) { .problem.align = 1 };
	if (read_file(&c->text, &size, path, a, e) < 0 || read_lines(&r, c->text, size) < 0 || check_ids(&r) < 0 || make_problem(&r) < 0 ||
	    check_given(&r) < 0)
		return err_in_file(e, path);
	return 0;
}

/* ---- writing ---- */

/* Writes the cells as they were, with the new offset. */
static void
write_row(const struct place_csv *c, const char *line, bytes_t offset, bool has_offset, FILE *out)
{
	for (uint32_t k = 0; k < c->column_count; k++) {
		size_t n = strcspn(line, ",\r\n");

		if (k > 0)
			putc(',', out);
		if (c->columns[k] == COLUMN_OFFSET)
			fprintf(out, "%" PRI_BYTES, offset);
		else
			fwrite(line, 1, n, out);
		line += n + 1;
	}
	if (!has_offset)
		fprintf(out, ",%" PRI_BYTES, offset);
	putc('\n', out);
}

void
place_csv_write(const struct place_csv *c, const bytes_t *offsets, FILE *out)
{
	const char *name = c->header;
	bool has_offset = false;

	for (uint32_t k = 0; k < c->column_count; k++) {
		size_t n = strcspn(name, ",\r\n"), from = strspn(name, " \t"), to = n;

		while (to > from && is_blank(name[to - 1]))
			to--;
		fprintf(out, "%s%.*s", k == 0 ? "" : ",", (int)(to - from), name + from);
		has_offset |= c->columns[k] == COLUMN_OFFSET;
		name += n + 1;
	}
	fprintf(out, "%s\n", has_offset ? "" : ",offset");
	for (uint32_t i = 0; i < c->rows.count; i++)
		write_row(c, c->lines[i], offsets[c->shapes.item_of[i]] + c->shapes.distance[i], has_offset, out);
}
