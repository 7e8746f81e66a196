/* SPDX-License-Identifier: Apache-2.0 */
/* report_map.c - the address map: one box a buffer
 *
 * Past a limit the smallest boxes are painted into a grid.  Neighbouring cells of one group become one box again.
 */
#include <config.h>
#include "sim/report/report_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/time/simulate_private.h"

enum { GRID_COLUMNS = 400, GRID_ROWS = 200, EMPTY = 255 };

const struct detail detail_picture = { 888, 365, 20000 };
const struct detail detail_narrow = { 300, 180, 4000 };

struct sized { double area; uint32_t range; };

static int
by_area(const void *x, const void *y)
{
	const struct sized *a = x, *b = y;

	if (a->area != b->area)
		return a->area < b->area ? 1 : -1;
	return a->range < b->range ? -1 : 1;
}

static void
push_box(struct address_map *m, int group, unsigned shade, struct box b, struct arena *a)
{
	struct box_list *l = &m->groups[group][shade % MAP_SHADES];

	*ARENA_PUSH(a, l->boxes, l->count, l->capacity) = b;
}

/* Returns the last edge between cells at or before x: 0 .. cells. */
static uint32_t
edge_of(double x, double end, uint32_t cells)
{
	double at = end > 0 ? x * cells / end : 0;

	return at >= cells ? cells : at > 0 ? (uint32_t)at : 0;
}

static void
paint(uint8_t *grid, const struct address_map *m, const struct map_range *s)
{
	uint32_t from = edge_of(s->from, m->end, GRID_COLUMNS), to = edge_of(s->to, m->end, GRID_COLUMNS);
	uint32_t low = edge_of((double)s->offset, (double)m->top, GRID_ROWS);
	uint32_t high = edge_of((double)(s->offset + s->bytes), (double)m->top, GRID_ROWS);

	/* Every box takes at least one cell. */
	from -= from == GRID_COLUMNS;
	low -= low == GRID_ROWS;
	for (uint32_t y = low; y < high || y == low; y++)
		memset(grid + (size_t)y * GRID_COLUMNS + from, s->group, to > from ? to - from : 1);
}

/* Turns the grid into boxes: runs of one group in a row.  A run equal to the one below it makes that one higher. */
static void
push_grid(struct address_map *m, const uint8_t *grid, struct arena *a)
{
	struct { uint32_t end, low; uint8_t group; } open[GRID_COLUMNS];
	static const uint8_t nothing[GRID_COLUMNS];
	const double dx = m->end / GRID_COLUMNS, dy = (double)m->top / GRID_ROWS;

	memset(open, 0, sizeof(open));
	for (uint32_t y = 0; y <= GRID_ROWS; y++) {
		const uint8_t *row = y < GRID_ROWS ? grid + (size_t)y * GRID_COLUMNS : nothing;
		uint32_t next;

		for (uint32_t x = 0, end; x < GRID_COLUMNS; x = end) {
			bool runs = y < GRID_ROWS && row[x] != EMPTY;

			for (end = x + 1; end < GRID_COLUMNS && row[end] == row[x]; end++)
				;
			/* Runs of the row below that begin within this one end here, unless this one is equal. */
			for (next = x; next < end; next++) {
				if (open[next].end == 0 || (runs && next == x && open[x].end == end && open[x].group == row[x]))
					continue;
				push_box(m, open[next].group, 0, (struct box){ next * dx, open[next].end * dx, open[next].low * dy, y * dy }, a);
				open[next].end = 0;
			}
			if (runs && open[x].end == 0) {
				open[x].end = end;
				open[x].low = y;
				open[x].group = row[x];
			}
		}
	}
}

/* True when a box is too thin for a line of its own; a line would hide the boxes beside it. */
static bool
is_thin(const struct address_map *m, const struct map_range *s, const struct detail *d)
{
	return (double)s->bytes * d->memory_rows < 0.75 * (double)m->top || (s->to - s->from) * d->columns < 0.5 * m->end;
}

void
address_map_init(struct address_map *m, const struct map_range *ranges, uint32_t count, const struct detail *d, struct arena *a)
{
	struct sized *order = ARENA_NEW(a, struct sized, count);
	uint8_t *grid = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		if (ranges[i].to > ranges[i].from && ranges[i].bytes > 0)
			order[n++] = (struct sized){ (ranges[i].to - ranges[i].from) * (double)ranges[i].bytes, i };
	m->count = n;
	m->merged = 0;
	if (n > d->boxes) {
		qsort(order, n, sizeof(*order), by_area);
		grid = ARENA_NEW(a, uint8_t, (size_t)GRID_ROWS * GRID_COLUMNS);
		memset(grid, EMPTY, (size_t)GRID_ROWS * GRID_COLUMNS);
	}
	/* The smallest first: of several in one cell the largest is seen. */
	for (uint32_t i = n; i-- > 0;) {
		const struct map_range *s = &ranges[order[i].range];
		double low = (double)s->offset;

		if (grid != NULL && (i >= d->boxes || is_thin(m, s, d))) {
			paint(grid, m, s);
			m->merged++;
		} else
			push_box(m, s->group, order[i].range, (struct box){ s->from, s->to, low, low + (double)s->bytes }, a);
	}
	if (grid != NULL)
		push_grid(m, grid, a);
}

struct map_range *
plan_map_ranges(const struct plan *p, const struct sim_result *r, struct arena *a)
{
	struct map_range *to = ARENA_NEW(a, struct map_range, p->buffer_count);
	const struct sim_range *in_use = sim_live_ranges(r, p, a);

	for (uint32_t b = 0; b < p->buffer_count; b++) {
		const struct buffer *f = &p->buffers[b];
		const struct sim_range *x = &in_use[b];

		to[b] = (struct map_range){ r->step_time_us, -1, f->offset_bytes, bytes_align(f->bytes, DEVICE_ALIGN), sim_kind(p, b) };
		if (x->initial || x->first != PLAN_NONE)
			to[b].from = x->initial ? 0 : r->spans[x->first].start_us;
		if (x->final || x->last != PLAN_NONE)
			to[b].to = x->final ? r->step_time_us : r->spans[x->last].end_us;
	}
	return to;
}

/* ---- drawn ---- */

void
address_map_data(FILE *out, const struct address_map *m, double x_unit, double y_unit)
{
	for (int g = 0; g < MAP_GROUPS; g++)
		for (int k = 0; k < MAP_SHADES; k++) {
			const struct box_list *l = &m->groups[g][k];

			fprintf(out, "$map%d_%d << EOD\n", g, k);
			for (size_t i = 0; i < l->count; i++) {
				const struct box *b = &l->boxes[i];

				fprintf(out, "%.7g %.7g %.7g %.7g %.7g %.7g\n", (b->from_us + b->to_us) / 2 / x_unit, (b->low + b->high) / 2 / y_unit,
				    b->from_us / x_unit, b->to_us / x_unit, b->low / y_unit, b->high / y_unit);
			}
			fputs("EOD\n", out);
		}
}

/* Writes a shade of "#RRGGBB" nearer to grey, so that neighbours can be told apart. */
static void
paler(char to[8], const char *colour)
{
	unsigned part[3];
	unsigned long rgb;

	assert(colour != NULL);
	rgb = strtoul(colour + 1, NULL, 16);

	for (int k = 0; k < 3; k++) {
		unsigned long x = (rgb >> (16 - 8 * k)) & 0xff;

		part[k] = (unsigned)((x * 2 + 0xc8) / 3);
	}
	snprintf(to, 8, "#%02X%02X%02X", part[0] & 0xffU, part[1] & 0xffU, part[2] & 0xffU);
}

void
address_map_plot(FILE *out, const struct address_map *m, bool key)
{
	fputs("plot NaN notitle", out);
	for (int g = 0; g < MAP_GROUPS; g++)
		for (int k = 0; k < MAP_SHADES; k++) {
			bool titled = key && k == 0 && m->groups[g][0].count + m->groups[g][1].count > 0;
			char colour[8];

			snprintf(colour, sizeof(colour), "%s", m->colours[g] != NULL ? m->colours[g] : "#000000");
			if (titled)
				fprintf(out, ", \\\n NaN with boxes fs solid noborder lc rgb '%s' title '%s'", colour, m->names[g]);
			if (m->groups[g][k].count == 0)
				continue;
			if (k > 0)
				paler(colour, m->colours[g]);
			fprintf(out, ", \\\n $map%d_%d using 1:2:3:4:5:6 with boxxyerror lc rgb '%s' fs solid noborder notitle", g, k, colour);
		}
	fputc('\n', out);
}
