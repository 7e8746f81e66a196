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

static const char *const column_names[COLUMN_COUNT] = { "id", "lower", "upper", "size", "alignment", "offset", "hint", "gaps" };

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
	bool last;			/* the column `end`: uppers as read are the last times of lives */
	int64_t *lowers, *uppers;	/* [count] */
	struct place_item *items;	/* [count] */
	size_t room, lower_room, upper_room, id_room, line_room, number_room;
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
			r->last |= other_names[i].last;
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
	if (split_line(r) < 0)
		return error_at(r, r->line, "%s", "expected at most the columns id, lower, upper, size, alignment, offset, hint and gaps, got more");
	for (uint32_t i = 0; i < r->cell_count; i++) {
		const struct csv_cell *c = &r->cells[i];
		unsigned k = find_column(r, c);

		if (k == COLUMN_COUNT)
			return error_at(r, c->at, "expected a header of id, lower, upper, size, alignment, offset, hint and gaps, got '%s'", quote_cell(q, c));
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

static int
read_cell(struct csv_reader *r, enum place_column column, const struct csv_cell *c)
{
	uint32_t i = r->csv->problem.count;
	struct place_item *it = &r->items[i];
	bool negative;
	uint64_t n;
	char *id;

	switch (column) {
	case COLUMN_ID:
		if (c->length == 0 || memchr(c->at, '"', c->length) != NULL)
			return cell_error(r, c, column, "a name without quotes");
		id = arena_alloc(r->arena, 1, c->length + 1);
		r->csv->ids[i] = memcpy(id, c->at, c->length);
		return 0;
	case COLUMN_LOWER:
		return read_time(r, column, c, &r->lowers[i]);
	case COLUMN_UPPER:
		if (read_time(r, column, c, &r->uppers[i]) < 0)
			return -1;
		if (r->last && r->uppers[i] == INT64_MAX)
			return cell_error(r, c, column, "less than 2^63 - 1 for the last time of a life");
		r->uppers[i] += r->last;
		return 0;
	case COLUMN_SIZE:
		if (!parse_number(c, false, BYTES_MAX, &it->bytes, &negative) || it->bytes == 0)
			return cell_error(r, c, column, "a whole number from 1 to 2^62");
		return 0;
	case COLUMN_ALIGNMENT:
		if (c->length > 0 && (!parse_number(c, false, PLACE_ALIGN_MAX, &it->align, &negative) || it->align == 0))
			return cell_error(r, c, column, "a whole number from 1 to 2^40");
		return 0;
	case COLUMN_HINT:	/* where another allocator would begin to look: no placement needs it */
		if (c->length > 0 && !parse_number(c, true, BYTES_MAX, &n, &negative))
			return cell_error(r, c, column, "a whole number of at most 2^62");
		return 0;
	case COLUMN_GAPS:
		if (c->length > 0)
			return cell_error(r, c, column, "no gaps: a buffer is alive from lower to upper");
		return 0;
	default:
		if (c->length > 0 && !parse_number(c, false, BYTES_MAX, &it->fixed, &negative))
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

static int
check_row(struct csv_reader *r)
{
	uint32_t i = r->csv->problem.count;
	const struct place_item *it = &r->items[i];

	if (r->lowers[i] >= r->uppers[i])
		return cell_error(r, cell_of(r, COLUMN_UPPER), COLUMN_UPPER, r->last ? "'lower' or more" :
		    "more than 'lower', because a life ends just before 'upper' (in a column 'end': with it)");
	if (it->fixed != PLACE_FREE && it->align > 0 && it->fixed % it->align != 0)
		return cell_error(r, cell_of(r, COLUMN_OFFSET), COLUMN_OFFSET, "a multiple of the alignment");
	if (!place_sums_add(&r->sums, it))
		return cell_error(r, cell_of(r, COLUMN_SIZE), COLUMN_SIZE, "sizes and offsets that add up to at most 2^62");
	return 0;
}

/* Makes room for one more row in every array. */
static void
grow(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	uint32_t n = csv->problem.count;

	r->items = arena_grow(r->arena, r->items, sizeof(*r->items), n, &r->room);
	r->lowers = arena_grow(r->arena, r->lowers, sizeof(*r->lowers), n, &r->lower_room);
	r->uppers = arena_grow(r->arena, r->uppers, sizeof(*r->uppers), n, &r->upper_room);
	csv->ids = arena_grow(r->arena, csv->ids, sizeof(*csv->ids), n, &r->id_room);
	csv->lines = arena_grow(r->arena, csv->lines, sizeof(*csv->lines), n, &r->line_room);
	csv->numbers = arena_grow(r->arena, csv->numbers, sizeof(*csv->numbers), n, &r->number_room);
	r->items[n] = (struct place_item) { .fixed = PLACE_FREE };
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
	if (r->csv->problem.count == COUNT_MAX)
		return error_at(r, r->line, "%s", "too many buffers");
	grow(r);
	for (uint32_t k = 0; k < r->cell_count; k++)
		if (read_cell(r, r->csv->columns[k], &r->cells[k]) < 0)
			return -1;
	if (check_row(r) < 0)
		return -1;
	r->csv->problem.count++;
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

struct name { const char *id; uint32_t row; };

static int
by_name(const void *x, const void *y)
{
	const struct name *p = x, *q = y;
	int c = strcmp(p->id, q->id);

	return c != 0 ? c : p->row < q->row ? -1 : p->row > q->row;
}

static int
check_ids(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	uint32_t n = csv->problem.count;
	struct name *names = ARENA_NEW(r->arena, struct name, n);
	char q[48];

	for (uint32_t i = 0; i < n; i++)
		names[i] = (struct name) { csv->ids[i], i };
	qsort(names, n, sizeof(*names), by_name);
	for (uint32_t i = 1; i < n; i++)
		if (strcmp(names[i].id, names[i - 1].id) == 0) {
			err_set(r->e, ERR_INPUT, "id: '%s' stands in line %" PRIu64 ", too", err_quote(q, names[i].id),
			    csv->numbers[names[i - 1].row]);
			/* The error names the column of the id, so the line is split again. */
			r->line = csv->lines[names[i].row];
			r->end = r->line + strcspn(r->line, "\r\n");
			split_line(r);
			return err_at(r->e, "line %" PRIu64 ", column %zu", csv->numbers[names[i].row],
			    (size_t)(cell_of(r, COLUMN_ID)->at - r->line) + 1);
		}
	return 0;
}

static int
check_given(struct csv_reader *r)
{
	struct place_csv *csv = r->csv;
	struct place_fault fault;
	struct err clash = ERR_INIT;
	char q[48];

	if (place_check_fixed(&csv->problem, &fault, r->arena, &clash) == 0)
		return 0;
	r->line = csv->lines[fault.item];
	r->end = r->line + strcspn(r->line, "\r\n");
	split_line(r);
	err_set(r->e, ERR_INPUT, "offset: shares bytes with '%s' in line %" PRIu64 ", which is alive at the same time",
	    err_quote(q, csv->ids[fault.other]), csv->numbers[fault.other]);
	return err_at(r->e, "line %" PRIu64 ", column %zu", csv->numbers[fault.item],
	    (size_t)(cell_of(r, COLUMN_OFFSET)->at - r->line) + 1);
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
place_csv_read(struct place_csv *c, const char *path, struct arena *a, struct err *e)
{
	struct csv_reader r = { .csv = c, .arena = a, .e = e, .number = 1 };
	size_t size = 0;

	*c = (struct place_csv) { .problem.align = 1 };
	if (read_file(&c->text, &size, path, a, e) < 0)
		return err_in_file(e, path);
	if (read_lines(&r, c->text, size) < 0 || check_ids(&r) < 0)
		return err_in_file(e, path);
	place_rank_times(r.items, r.lowers, r.uppers, c->problem.count, a);
	c->problem.items = r.items;
	c->lowers = r.lowers;
	if (check_given(&r) < 0)
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
	for (uint32_t i = 0; i < c->problem.count; i++)
		write_row(c, c->lines[i], offsets[i], has_offset, out);
}
