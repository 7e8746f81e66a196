/* SPDX-License-Identifier: Apache-2.0 */
/* place_file.c - a list of buffers as a file: read, checked as a whole, and written with offsets */
#include <config.h>
#include "src/command/place_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "planner/placement/place_check.h"
#include "src/base/file.h"
#include "src/base/json.h"
#include "src/command/place_csv.h"
#include "src/command/place_plc.h"

/* ---- checks of the whole list ---- */

static int
by_name(const void *x, const void *y)
{
	const struct place_name *p = x, *q = y;
	int c = strcmp(p->id, q->id);

	return c != 0 ? c : p->row < q->row ? -1 : p->row > q->row;
}

static const char *
unit_of(const struct place_file *f)
{
	return f->is_binary ? "record" : "line";
}

static int
check_ids(struct csv_reader *r)
{
	struct place_rows *rows = &r->file->rows;
	struct place_name *names = ARENA_NEW(r->arena, struct place_name, rows->count);
	char q[48];

	for (uint32_t i = 0; i < rows->count; i++)
		names[i] = (struct place_name) { rows->all[i].id, i };
	qsort(names, rows->count, sizeof(*names), by_name);
	for (uint32_t i = 1; i < rows->count; i++)
		if (strcmp(names[i].id, names[i - 1].id) == 0) {
			err_set(r->e, ERR_INPUT, "id: '%s' stands in %s %" PRIu64 ", too", err_quote(q, names[i].id), unit_of(r->file),
			    rows->all[names[i - 1].row].number);
			return csv_error_in(r, &rows->all[names[i].row], COLUMN_ID);
		}
	rows->names = names;
	return 0;
}

static int
check_given(struct csv_reader *r)
{
	struct place_file *file = r->file;
	const struct place_row *row, *other;
	struct place_fault fault;
	struct err clash = ERR_INIT;
	char q[48];

	if (place_check_fixed(&file->problem, &fault, r->arena, &clash) == 0)
		return 0;
	row = &file->rows.all[file->shapes.row_of[fault.item]];
	other = &file->rows.all[file->shapes.row_of[fault.other]];
	err_set(r->e, ERR_INPUT, "offset: shares bytes with '%s' in line %" PRIu64 ", which is alive at the same time", err_quote(q, other->id),
	    other->number);
	return csv_error_in(r, row, COLUMN_OFFSET);
}

/* Makes the problem of the rows.  Hints of all items are a known placement. */
static int
make_problem(struct csv_reader *r)
{
	struct place_file *file = r->file;
	struct place_problem *p = &file->problem;
	bytes_t *known;
	unsigned column;
	uint32_t row;

	if (place_shapes_make(&file->shapes, p, &file->rows, &row, &column, r->arena, r->e) < 0)
		return csv_error_in(r, &file->rows.all[row], (enum place_column)column);
	known = ARENA_NEW(r->arena, bytes_t, p->count);
	for (uint32_t i = 0; i < p->count; i++) {
		known[i] = file->rows.all[file->shapes.row_of[i]].hint;
		if (known[i] == UINT64_MAX)
			return 0;
	}
	p->known = known;
	return 0;
}

/* ---- the file ---- */

struct file_reading {
	FILE *in;
	struct arena *arena;
	struct err *e;
	char *text;
	size_t size, room;
};

static int
read_all(void *arg)
{
	struct file_reading *f = arg;
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
	struct file_reading f = { .in = file_open(path, json_max_input, e), .arena = a, .e = e };
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
place_file_read(struct place_file *f, const char *path, enum place_ends ends, struct arena *a, struct err *e)
{
	struct csv_reader r = { .file = f, .arena = a, .e = e, .number = 1, .ends = ends };
	size_t size = 0;

	*f = (struct place_file) { .problem.align = 1 };
	if (read_file(&f->text, &size, path, a, e) < 0)
		return err_in_file(e, path);
	f->is_binary = plc_is(f->text, size);
	r.number -= f->is_binary;	/* the first record has number 1, and stands after a header */
	if (f->is_binary && plc_to_csv(&f->text, &size, a, e) < 0)
		return err_in_file(e, path);
	if (csv_read(&r, f->text, size) < 0 || check_ids(&r) < 0 || make_problem(&r) < 0 || check_given(&r) < 0)
		return err_in_file(e, path);
	return 0;
}

/* ---- writing ---- */

/* Writes the cells as they were, with the new offset. */
static void
write_row(const struct place_file *f, const char *line, bytes_t offset, bool has_offset, FILE *out)
{
	for (uint32_t k = 0; k < f->column_count; k++) {
		size_t n = strcspn(line, ",\r\n");

		if (k > 0)
			putc(',', out);
		if (f->columns[k] == COLUMN_OFFSET)
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
place_file_write(const struct place_file *f, const bytes_t *offsets, FILE *out)
{
	const char *name = f->header;
	bool has_offset = false;

	for (uint32_t k = 0; k < f->column_count; k++) {
		size_t n = strcspn(name, ",\r\n"), from = strspn(name, " \t"), to = n;

		while (to > from && csv_is_blank(name[to - 1]))
			to--;
		fprintf(out, "%s%.*s", k == 0 ? "" : ",", (int)(to - from), name + from);
		has_offset |= f->columns[k] == COLUMN_OFFSET;
		name += n + 1;
	}
	fprintf(out, "%s\n", has_offset ? "" : ",offset");
	for (uint32_t i = 0; i < f->rows.count; i++)
		write_row(f, f->rows.all[i].line, offsets[f->shapes.item_of[i]] + f->shapes.distance[i], has_offset, out);
}
