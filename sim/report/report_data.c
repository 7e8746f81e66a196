/* SPDX-License-Identifier: Apache-2.0 */
/* report_data.c - a plan's simulation as curves and boxes: memory, queues, link, peak */
#include <config.h>
#include "sim/report/report_private.h"

#include <string.h>

#include "sim/check/check.h"
#include "sim/time/simulate_private.h"
#include "src/documents/plan_access.h"

/* Columns; a narrower box is gathered with its neighbours. */
#define NARROW 1.5
/* Columns; where the spans of a queue are this wide on average, each ends HAIR columns early, so that neighbours can be
 * told apart. */
#define WIDE 6.0
#define HAIR 0.6
enum { MARK_NONE = MARK_COUNT, SHARES };

/* One queue's row while its time is cut into boxes. */
struct strip {
	struct picture *pic;
	struct arena *arena;
	double column_us, bottom, hair_us;
	double from_us, to_us;		/* of the narrow ones gathered so far */
	double share_us[SHARES];
};

static double
column_us(const struct picture *pic)
{
	return pic->result->step_time_us / pic->detail.columns;
}

static void
push_box(struct strip *s, int mark, struct box b)
{
	struct box_list *l = &s->pic->marks[mark];
	struct box *last = l->count > 0 ? &l->boxes[l->count - 1] : NULL;

	if (last != NULL && last->to_us == b.from_us && last->low == b.low && last->high == b.high)
		last->to_us = b.to_us;
	else
		*ARENA_PUSH(s->arena, l->boxes, l->count, l->capacity) = b;
}

static void
strip_flush(struct strip *s)
{
	double width = s->to_us - s->from_us, low = s->bottom;

	for (int m = 0; m < MARK_NONE && width > 0; m++) {
		double high = low + BOX_HEIGHT * s->share_us[m] / width;

		if (s->share_us[m] > 0)
			push_box(s, m, (struct box){ s->from_us, s->to_us, low, high });
		if (s->share_us[m] > 0 && s->share_us[m] < width)
			s->pic->gathered++;
		low = high;
	}
	memset(s->share_us, 0, sizeof(s->share_us));
	s->from_us = s->to_us;
}

static void
strip_add(struct strip *s, double from, double to, int mark)
{
	if (mark != MARK_NONE)
		s->pic->mark_us[mark] += to - from;
	if (to - from >= NARROW * s->column_us) {
		strip_flush(s);
		if (mark != MARK_NONE) {
			double hair = mark == MARK_STALL ? 0 : s->hair_us;

			push_box(s, mark, (struct box){ from, to - hair, s->bottom, s->bottom + BOX_HEIGHT });
		}
		s->from_us = s->to_us = to;
		return;
	}
	s->share_us[mark] += to - from;
	s->to_us = to;
	if (s->to_us - s->from_us >= NARROW * s->column_us)
		strip_flush(s);
}

static int
mark_of(const struct plan *p, const struct instruction *in, bool *ran)
{
	static const enum mark of_phase[PHASE_COUNT] = { MARK_FORWARD, MARK_BACKWARD, MARK_UPDATE };
	bool again;

	if (in->queue != QUEUE_COMPUTE)
		return in->queue == QUEUE_OUT ? MARK_OFFLOAD : MARK_FETCH;
	again = ran[in->op];
	ran[in->op] = true;
	return again ? MARK_RERUN : of_phase[p->graph->ops[in->op].phase];
}

static void
cut_queue(struct picture *pic, const struct sim_queues *q, enum queue k, struct arena *a)
{
	struct strip s = { .pic = pic, .arena = a, .column_us = column_us(pic), .bottom = queue_row(k) - BOX_HEIGHT / 2 };
	/* Compute waits for transfers only, so all of its idle time is stall. */
	int idle = k == QUEUE_COMPUTE ? (int)MARK_STALL : (int)MARK_NONE;
	bool *ran = ARENA_NEW(a, bool, pic->plan->graph->op_count);
	double t = 0;

	if (q->count[k] * WIDE <= pic->detail.columns)
		s.hair_us = HAIR * s.column_us;
	for (uint32_t i = 0; i < q->count[k]; i++) {
		const struct sim_span *span = &pic->result->spans[q->ids[k][i]];

		strip_add(&s, t, span->start_us, idle);
		strip_add(&s, span->start_us, span->end_us, mark_of(pic->plan, &pic->plan->program[q->ids[k][i]], ran));
		t = span->end_us;
	}
	strip_add(&s, t, pic->result->step_time_us, idle);
	strip_flush(&s);
}

static void
push_step(struct curve *c, double t, double value, struct arena *a)
{
	if (c->count == 0 || c->steps[c->count - 1].value != value)
		*ARENA_PUSH(a, c->steps, c->count, c->capacity) = (struct curve_step){ t, value };
}

/* Adds a last point, so that the curve reaches the picture's right end. */
static void
end_curve(const struct picture *pic, struct curve *c, struct arena *a)
{
	double value = c->count > 0 ? c->steps[c->count - 1].value : 0;

	*ARENA_PUSH(a, c->steps, c->count, c->capacity) = (struct curve_step){ pic->result->step_time_us, value };
}

/* Fills c with a direction's rate over time: the mean of each transfer, latency included.  Stretches too narrow to be
 * seen are gathered into their common mean. */
static void
rate_curve(struct picture *pic, const struct sim_queues *q, enum queue k, struct curve *c, struct arena *a)
{
	double narrow = NARROW * column_us(pic), from = 0, moved = 0, t = 0;

	for (uint32_t i = 0; i <= q->count[k]; i++) {
		const struct sim_span end = { pic->result->step_time_us, pic->result->step_time_us };
		const struct sim_span *s = i < q->count[k] ? &pic->result->spans[q->ids[k][i]] : &end;
		double bytes = i < q->count[k] ? (double)pic->plan->program[q->ids[k][i]].bytes : 0;

		if (s->start_us - t >= narrow || s->end_us - s->start_us >= narrow || i == q->count[k]) {
			if (t > from)
				push_step(c, from, moved / (t - from), a);
			if (s->start_us > t)
				push_step(c, t, 0, a);
			from = s->start_us;
			moved = 0;
		}
		moved += bytes;
		t = s->end_us;
		if (t - from >= narrow) {
			push_step(c, from, moved / (t - from), a);
			from = t;
			moved = 0;
		}
	}
	end_curve(pic, c, a);
}

static bytes_t
device_bytes(const struct sim_memory *m, uint32_t row)
{
	bytes_t sum = 0;

	for (int k = 0; k < SIM_KINDS; k++)
		sum += m->bytes[row][k];
	return sum;
}

/* Adds a row of the memory table as one step of each kind's curve.  Changes below a pixel are left out. */
static void
push_row(struct picture *pic, const struct sim_memory *m, uint32_t row, struct arena *a)
{
	double sum = 0, seen = (double)pic->top_bytes / pic->detail.memory_rows / 4;

	for (int k = 0; k < SIM_KINDS; k++) {
		struct curve *c = &pic->kinds[k];
		double change;

		sum += (double)m->bytes[row][k];
		change = c->count == 0 ? seen : sum - c->steps[c->count - 1].value;
		if (change >= seen || -change >= seen)
			push_step(c, m->time_us[row], sum, a);
	}
}

/* Adds, of the rows first .. last of one column, the least, the largest and the last, in order. */
static void
push_column(struct picture *pic, const struct sim_memory *m, uint32_t first, uint32_t last, struct arena *a)
{
	uint32_t least = first, most = first;

	for (uint32_t i = first; i <= last; i++) {
		if (device_bytes(m, i) < device_bytes(m, least))
			least = i;
		if (device_bytes(m, i) > device_bytes(m, most))
			most = i;
	}
	for (uint32_t i = first; i <= last; i++)
		if (i == least || i == most || i == last)
			push_row(pic, m, i, a);
}

/* True when row i of the table is the last one in its column. */
static bool
ends_column(const struct sim_memory *m, uint32_t i, double column)
{
	return i + 1 == m->count || !(column > 0)
	    || (uint64_t)(m->time_us[i + 1] / column) != (uint64_t)(m->time_us[i] / column);
}

static void
memory_curves(struct picture *pic, const struct sim_memory *m, struct arena *a)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		for (int k = 0; k < SIM_KINDS; k++)
			if (m->bytes[i][k] > pic->kind_most[k])
				pic->kind_most[k] = m->bytes[i][k];
		if (ends_column(m, i, column_us(pic))) {
			push_column(pic, m, first, i, a);
			first = i + 1;
		}
	}
	for (int k = 0; k < SIM_KINDS; k++)
		end_curve(pic, &pic->kinds[k], a);
}

/* Fills the pool's curve: the largest value of each column and the last. */
static void
host_curve(struct picture *pic, const struct sim_memory *m, struct arena *a)
{
	double most = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		double now = (double)m->host_bytes[i];

		most = now > most ? now : most;
		if (ends_column(m, i, column_us(pic))) {
			push_step(&pic->host, m->time_us[i], most, a);
			push_step(&pic->host, m->time_us[i], now, a);
			most = 0;
		}
	}
	end_curve(pic, &pic->host, a);
}

/* Returns the top of the memory panel: its highest line.  A budget over twice all else is left out, because it would
 * flatten the panel. */
static bytes_t
memory_top(const struct plan *p, const struct sim_result *r)
{
	bytes_t lines[] = { p->arena_bytes, p->figures.peak_bytes, p->figures.resident_bound_bytes }, top = r->device_peak_bytes;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i] > top)
			top = lines[i];
	return p->budget_bytes > top && p->budget_bytes / 2 <= top ? p->budget_bytes : top;
}

/* Finds the plan's peak, which is the explained one, and the buffers alive there, the largest first. */
static void
find_peak(struct picture *pic, struct arena *a)
{
	const struct plan *p = pic->plan;
	const struct moment_range *live = plan_live_ranges(p, a);
	struct peak *k = &pic->peak;
	uint32_t moment, i;

	k->bytes = check_peak(&moment, p, a);
	k->time_us = sim_moment_us(pic->result, p, moment);
	for (uint32_t b = 0; b < p->buffer_count; b++) {
		bytes_t bytes = bytes_align(p->buffers[b].bytes, DEVICE_ALIGN);

		if (live[b].first == PLAN_NONE || live[b].first > moment || live[b].last < moment)
			continue;
		if (k->count == PEAK_MOST && k->top[PEAK_MOST - 1].bytes >= bytes) {
			k->others += bytes;
			k->other_count++;
			continue;
		}
		if (k->count == PEAK_MOST) {
			k->others += k->top[PEAK_MOST - 1].bytes;
			k->other_count++;
		} else
			k->count++;
		for (i = k->count - 1; i > 0 && k->top[i - 1].bytes < bytes; i--)
			k->top[i] = k->top[i - 1];
		k->top[i] = (struct peak_tensor){ .buffer = b, .bytes = bytes };
	}
}

void
picture_init(struct picture *pic, const struct plan *p, const struct sim_result *r, const struct detail *d, struct arena *a)
{
	struct sim_memory m;
	struct sim_queues q;

	*pic = (struct picture){ .plan = p, .result = r, .top_bytes = memory_top(p, r), .detail = *d };
	sim_memory(&m, r, p, a);
	sim_queues_init(&q, p, a);
	memory_curves(pic, &m, a);
	host_curve(pic, &m, a);
	for (int k = 0; k < QUEUE_COUNT; k++)
		cut_queue(pic, &q, (enum queue)k, a);
	rate_curve(pic, &q, QUEUE_OUT, &pic->rate[D2H], a);
	rate_curve(pic, &q, QUEUE_IN, &pic->rate[H2D], a);
	pic->origins = graph_origins(p->graph, a);
	pic->ranges = plan_map_ranges(p, r, a);
	pic->map = (struct address_map){ .unit = "time (ms)", .end = r->step_time_us, .top = p->arena_bytes };
	for (int k = 0; k < SIM_KINDS; k++) {
		pic->map.names[k] = sim_kind_name(k);
		pic->map.colours[k] = kind_colours[k];
	}
	address_map_init(&pic->map, pic->ranges, p->buffer_count, d, a);
	find_peak(pic, a);
}
