/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "sim/check/check.h"

#include <string.h>

#include "sim/check/check_private.h"

int
check_at(const struct access *x, struct err *e)
{
	switch (x->operand) {
	case OPERAND_INITIAL:
		return err_at(e, "initial[%" PRIu32 "]", x->index);
	case OPERAND_FINAL:
		return err_at(e, "final[%" PRIu32 "]", x->index);
	case OPERAND_READ:
		err_at(e, "reads[%" PRIu32 "]", x->index);
		break;
	case OPERAND_WRITE:
		err_at(e, "writes[%" PRIu32 "]", x->index);
		break;
	case OPERAND_WORKSPACE:
		err_at(e, "workspace");
		break;
	case OPERAND_FROM:
	case OPERAND_TO:
		err_at(e, x->operand == OPERAND_FROM ? "from" : "to");
		break;
	}
	return err_at(e, "program[%" PRIu32 "]", x->moment - 1);
}

const char *
say_buffer(struct words *w, const struct plan *p, bool host, uint32_t id)
{
	uint32_t tensor = host ? p->host[id].tensor : p->buffers[id].tensor;

	if (tensor == PLAN_NONE)
		snprintf(w->text, sizeof(w->text), "buffer %" PRIu32 " (workspace)", id);
	else
		snprintf(w->text, sizeof(w->text), "%sbuffer %" PRIu32 " (tensor %" PRIu32 ")", host ? "host " : "", id, tensor);
	return w->text;
}

const char *
say_moment(struct words *w, const struct plan *p, uint32_t moment)
{
	const struct instruction *in;
	char name[48];

	if (moment == MOMENT_BEGIN || moment == moment_end(p)) {
		snprintf(w->text, sizeof(w->text), "the step's %s", moment == MOMENT_BEGIN ? "beginning" : "end");
		return w->text;
	}
	in = &p->program[moment - 1];
	if (in->queue == QUEUE_COMPUTE)
		snprintf(w->text, sizeof(w->text), "program[%" PRIu32 "] (run of '%s')", moment - 1,
		    err_quote(name, p->graph->ops[in->op].name));
	else
		snprintf(w->text, sizeof(w->text), "program[%" PRIu32 "] (%s)", moment - 1, action_names[in->queue]);
	return w->text;
}

static inline void
join(uint32_t done[LANE_COUNT], const struct order *o, uint32_t before)
{
	for (int q = 0; q < LANE_COUNT; q++)
		if (o->done[before][q] > done[q])
			done[q] = o->done[before][q];
	if (o->position[before] + 1 > done[o->lane[before]])
		done[o->lane[before]] = o->position[before] + 1;
}

/* Each moment knows all that the moment before it in its lane knows, and all that the
 * moments it waits for know. */
static void
find_order(struct order *o, const struct plan *p, struct arena *a)
{
	const uint32_t count = p->instruction_count, end = moment_end(p);
	uint32_t latest[QUEUE_COUNT] = { MOMENT_BEGIN, MOMENT_BEGIN, MOMENT_BEGIN }, length[QUEUE_COUNT] = { 0 };

	o->lane = ARENA_NEW(a, uint8_t, (size_t)count + 2);
	o->position = ARENA_NEW(a, uint32_t, (size_t)count + 2);
	o->done = arena_alloc(a, sizeof(*o->done), (size_t)count + 2);
	o->lane[MOMENT_BEGIN] = o->lane[end] = LANE_STEP;
	o->position[end] = 1;
	for (uint32_t m = 1; m <= count; m++) {
		const struct instruction *in = &p->program[m - 1];

		o->lane[m] = (uint8_t)in->queue;
		o->position[m] = length[in->queue]++;
		join(o->done[m], o, latest[in->queue]);
		for (uint32_t k = 0; k < in->after_count; k++)
			join(o->done[m], o, in->after[k] + 1);
		latest[in->queue] = m;
	}
	for (int q = 0; q < QUEUE_COUNT; q++)
		o->done[end][q] = length[q];
	o->done[end][LANE_STEP] = 1;
}

static int
check_figure(const char *name, bytes_t got, bytes_t want, struct err *e)
{
	if (got == want)
		return 0;
	err_set(e, ERR_NO, "expected %" PRI_BYTES ", which follows from the graph and the program, got %" PRI_BYTES, want, got);
	return err_at(e, "%s", name);
}

static int
compare_figures(const struct plan *p, struct arena *a, struct err *e)
{
	const struct plan_figures *got = &p->figures;
	struct plan_figures want;

	check_figures(&want, p, a);
	if (check_figure("figures.peak_bytes", got->peak_bytes, want.peak_bytes, e) < 0 ||
	    check_figure("figures.offload_bytes", got->offload_bytes, want.offload_bytes, e) < 0 ||
	    check_figure("figures.fetch_bytes", got->fetch_bytes, want.fetch_bytes, e) < 0 ||
	    check_figure("bounds.bound_bytes", got->bound_bytes, want.bound_bytes, e) < 0)
		return -1;
	return check_figure("bounds.resident_bound_bytes", got->resident_bound_bytes, want.resident_bound_bytes, e);
}

int
check_plan(const struct plan *p, struct arena *a, struct err *e)
{
	struct checker c = { .plan = p, .graph = p->graph, .arena = a, .err = e };

	if (check_structure(&c) < 0)
		return -1;
	find_order(&c.order, p, a);
	if (check_space(&c) < 0 || check_values(&c) < 0)
		return -1;
	return compare_figures(p, a, e);
}

int
check_graph(const struct plan *p, const struct graph *g, struct arena *a, struct err *e)
{
	char want[33], got[33];

	graph_digest(g, want, a);
	graph_digest(p->graph, got, a);
	if (strcmp(want, got) == 0)
		return 0;
	err_set(e, ERR_NO, "made for another graph: expected digest %s, got %s", want, got);
	return err_at(e, "graph");
}
