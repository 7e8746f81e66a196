/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the checker's passes in order, and the words of their messages */
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
	plan_order_init(&c.order, p, a);
	if (check_space(&c) < 0 || check_values(&c) < 0)
		return -1;
	return compare_figures(p, a, e);
}

/* Gives the estimated ops of g the times of the same ops of another graph.  g gets ops of its own. */
static void
take_estimates(struct graph *g, const struct graph *from, struct arena *a)
{
	struct op *ops = ARENA_NEW(a, struct op, g->op_count);

	for (uint32_t i = 0; i < g->op_count; i++) {
		ops[i] = g->ops[i];
		if (ops[i].estimated)
			ops[i].time_us = from->ops[i].time_us;
	}
	g->ops = ops;
}

int
check_graph(const struct plan *p, const struct graph *g, struct arena *a, struct err *e)
{
	struct graph timed = *g;
	char want[33], got[33];

	if (g->op_count == p->graph->op_count)
		take_estimates(&timed, p->graph, a);
	graph_digest(&timed, want, a);
	graph_digest(p->graph, got, a);
	if (strcmp(want, got) == 0)
		return 0;
	err_set(e, ERR_NO, "made for another graph: expected digest %s, got %s", want, got);
	return err_at(e, "graph");
}
