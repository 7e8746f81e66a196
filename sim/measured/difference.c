/* SPDX-License-Identifier: Apache-2.0 */
/* difference.c - two timelines of a plan, part by part */
#include <config.h>
#include "sim/measured/difference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const part_names[PART_COUNT + 1] = { "ops", "ops run again", "waits for copies", "between ops", "after the last op", NULL };

/* The time before a run: until the copies that it needs have ended, and the rest. */
struct idle { double wait_us, gap_us; uint32_t cause; };

static struct idle
idle_before(const struct plan *p, const struct sim_span *spans, uint32_t id, double free_us)
{
	const struct instruction *in = &p->program[id];
	struct idle idle = { .cause = PLAN_NONE };
	double ends = free_us, all = fmax(0, spans[id].start_us - free_us);

	for (uint32_t k = 0; k < in->after_count; k++)
		if (p->program[in->after[k]].queue != QUEUE_COMPUTE && spans[in->after[k]].end_us > ends) {
			ends = spans[in->after[k]].end_us;
			idle.cause = in->after[k];
		}
	idle.wait_us = fmin(all, ends - free_us);
	idle.gap_us = all - idle.wait_us;
	return idle;
}

static void
add(struct both_us *to, double predicted, double measured)
{
	to->predicted += predicted;
	to->measured += measured;
}

static double
larger(const struct both_us *us)
{
	return fabs(us->measured - us->predicted);
}

static int
compare_sizes(const struct both_us *x, const struct both_us *y)
{
	return (larger(x) < larger(y)) - (larger(x) > larger(y));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct op_difference *)a)->name, ((const struct op_difference *)b)->name);
}

static int
compare_ops(const void *a, const void *b)
{
	int by_size = compare_sizes(&((const struct op_difference *)a)->us, &((const struct op_difference *)b)->us);

	return by_size != 0 ? by_size : compare_names(a, b);
}

static int
compare_waits(const void *a, const void *b)
{
	const struct wait_difference *x = a, *y = b;
	int by_size = compare_sizes(&x->us, &y->us);

	return by_size != 0 ? by_size : (x->waiting > y->waiting) - (x->waiting < y->waiting);
}

/* Adds up the rows of each name, and sorts. */
static void
gather_ops(struct difference *d)
{
	uint32_t count = 0;

	if (d->op_count == 0)
		return;
	qsort(d->ops, d->op_count, sizeof(*d->ops), compare_names);
	for (uint32_t i = 1; i < d->op_count; i++) {
		if (strcmp(d->ops[count].name, d->ops[i].name) != 0) {
			d->ops[++count] = d->ops[i];
			continue;
		}
		d->ops[count].runs++;
		add(&d->ops[count].us, d->ops[i].us.predicted, d->ops[i].us.measured);
	}
	d->op_count = count + 1;
	qsort(d->ops, d->op_count, sizeof(*d->ops), compare_ops);
}

static void
add_copy(struct difference *d, const struct instruction *in, double predicted, double measured)
{
	struct copy_difference *c = &d->copies[in->queue == QUEUE_OUT ? D2H : H2D];

	c->count++;
	c->bytes += in->bytes;
	add(&c->us, predicted, measured);
}

static double
length(const struct sim_span *s)
{
	return s->end_us - s->start_us;
}

void
difference_init(struct difference *d, const struct plan *p, const struct sim_result *predicted, const struct sim_result *measured,
    struct arena *a)
{
	bool *ran = ARENA_NEW(a, bool, p->graph->op_count);
	size_t ops = 0, op_capacity = 0, waits = 0, wait_capacity = 0;
	double free_p = 0, free_m = 0;

	*d = (struct difference) { .step = { predicted->step_time_us, measured->step_time_us } };
	for (uint32_t id = 0; id < p->instruction_count; id++) {
		const struct instruction *in = &p->program[id];
		const struct sim_span *sp = &predicted->spans[id], *sm = &measured->spans[id];
		struct idle ip, im;

		if (in->queue != QUEUE_COMPUTE) {
			add_copy(d, in, length(sp), length(sm));
			continue;
		}
		ip = idle_before(p, predicted->spans, id, free_p);
		im = idle_before(p, measured->spans, id, free_m);
		add(&d->parts[ran[in->op] ? PART_RERUNS : PART_OPS], length(sp), length(sm));
		add(&d->parts[PART_WAITS], ip.wait_us, im.wait_us);
		add(&d->parts[PART_GAPS], ip.gap_us, im.gap_us);
		*ARENA_PUSH(a, d->ops, ops, op_capacity) = (struct op_difference) { p->graph->ops[in->op].name, 1, { length(sp), length(sm) } };
		if (ip.wait_us > 0 || im.wait_us > 0)
			*ARENA_PUSH(a, d->waits, waits, wait_capacity) = (struct wait_difference) { id,
			    im.wait_us > 0 ? im.cause : ip.cause, { ip.wait_us, im.wait_us } };
		ran[in->op] = true;
		free_p = sp->end_us;
		free_m = sm->end_us;
	}
	add(&d->parts[PART_END], predicted->step_time_us - free_p, measured->step_time_us - free_m);
	d->op_count = (uint32_t)ops;
	d->wait_count = (uint32_t)waits;
	gather_ops(d);
	if (waits > 0)
		qsort(d->waits, waits, sizeof(*d->waits), compare_waits);
}
