/* SPDX-License-Identifier: Apache-2.0 */
/* explain_layer.c - the ops of a layer and the tensors that they make or read first: what stays, what leaves, and why */
#include <config.h>
#include "src/command/explain_view.h"

#include <string.h>

#include "sim/report/layer_groups.h"
#include "src/base/nearest.h"
#include "src/command/command.h"
#include "src/command/result.h"

/* Returns the group of a moved tensor; NULL: it stays. */
static const struct moved_group *
group_of(const struct view *v, uint32_t tensor)
{
	for (uint32_t i = 0; i < v->moved_count; i++)
		for (uint32_t k = 0; k < v->moved[i].count; k++)
			if (v->moved[i].tensors[k] == tensor)
				return &v->moved[i];
	return NULL;
}

/* The runs of each op: their number and their time. */
struct op_runs { uint32_t *count; double *us; };

static struct op_runs
count_runs(const struct view *v, struct arena *a)
{
	const struct plan *p = v->plan;
	struct op_runs r = { ARENA_NEW(a, uint32_t, p->graph->op_count), ARENA_NEW(a, double, p->graph->op_count) };

	for (uint32_t i = 0; i < p->instruction_count; i++)
		if (p->program[i].queue == QUEUE_COMPUTE) {
			r.count[p->program[i].op]++;
			r.us[p->program[i].op] += v->sim.spans[i].end_us - v->sim.spans[i].start_us;
		}
	return r;
}

static bool
is_of(const struct view *v, uint32_t tensor, const char *layer)
{
	const struct origin *o = &v->origins[tensor];

	return o->how != ORIGIN_NONE && layer_matches(&v->plan->graph->ops[o->op], layer);
}

static int
no_layer(const struct graph *g, const char *layer, struct err *e)
{
	char q[48], near[NEAREST_TEXT];
	struct nearest typed;
	const char *before = "";

	nearest_init(&typed, layer);
	for (uint32_t k = 0; k < g->op_count; k++)
		if (g->ops[k].layer != NULL && strcmp(g->ops[k].layer, before) != 0) {
			before = g->ops[k].layer;
			nearest_add(&typed, before);
		}
	err_set(e, ERR_INPUT, "expected a tensor's id, or the name of a layer of the plan or a pattern for names, got '%s'%s", err_quote(q, layer),
	    nearest_text(near, &typed, ""));
	return -1;
}

static void
print_tensor(const struct view *v, uint32_t t, struct arena *a)
{
	const struct moved_group *g = group_of(v, t);
	const struct explain_tensor *it = &v->x.tensors[t];
	char size[32], away[32], wait[32], rerun[32];

	printf("  %-8" PRIu32 " %10s  %s: ", t, units_size(size, v->plan->graph->tensors[t].bytes), tensor_text(v->plan->graph, v->origins, t, a));
	if (g == NULL) {
		puts("stays");
		return;
	}
	printf("%s; away %s, waits %s, reruns %s; one of %" PRIu32 ", for all of which %s\n", explain_fate_names[g->fate], units_time(away, it->away_us),
	    it->stall_us > 0 ? units_time(wait, it->stall_us) : "-", it->rerun_us > 0 ? units_time(rerun, it->rerun_us) : "-", g->count, g->why);
}

static void
print_layer(const struct view *v, const char *layer, const struct op_runs *runs, struct arena *a)
{
	const struct graph *g = v->plan->graph;
	char time[32];

	text_row(stdout, "layer", "%s", layer);
	puts("\nops");
	for (uint32_t k = 0; k < g->op_count; k++)
		if (layer_matches(&g->ops[k], layer))
			printf("  %-8" PRIu32 " %10s  %s, %s%s\n", k, units_time(time, runs->us[k]), op_text(&g->ops[k], a), phase_names[g->ops[k].phase],
			    runs->count[k] > 1 ? arena_printf(a, ", run %" PRIu32 " times", runs->count[k]) : "");
	puts("\ntensors");
	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (is_of(v, t, layer))
			print_tensor(v, t, a);
}

static void
layer_to_json(const struct view *v, const char *layer, const struct op_runs *runs)
{
	const struct graph *g = v->plan->graph;
	struct json_out o;

	result_begin(&o, "explain", stdout);
	json_out_string(&o, "layer", layer);
	json_out_array(&o, "ops", true);
	for (uint32_t k = 0; k < g->op_count; k++) {
		if (!layer_matches(&g->ops[k], layer))
			continue;
		json_out_object(&o, NULL, false);
		json_out_uint(&o, "op", k);
		json_out_string(&o, "name", g->ops[k].name);
		json_out_string(&o, "layer", g->ops[k].layer);
		json_out_string(&o, "phase", phase_names[g->ops[k].phase]);
		json_out_uint(&o, "runs", runs->count[k]);
		json_out_real(&o, "time_us", runs->us[k]);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_array(&o, "tensors", true);
	for (uint32_t t = 0; t < g->tensor_count; t++) {
		const struct moved_group *of;

		if (!is_of(v, t, layer))
			continue;
		of = group_of(v, t);
		json_out_object(&o, NULL, false);
		explain_figures_to_json(&o, v, t);
		json_out_string(&o, "fate", of == NULL ? "stays" : explain_fate_names[of->fate]);
		if (of != NULL)
			json_out_string(&o, "why", of->why);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end(&o);
}

int
explain_layer(const struct view *v, const char *layer, bool json, struct arena *a, struct err *e)
{
	const struct graph *g = v->plan->graph;
	struct op_runs runs = count_runs(v, a);
	bool any = false;

	for (uint32_t k = 0; k < g->op_count && !any; k++)
		any = layer_matches(&g->ops[k], layer);
	if (!any)
		return no_layer(g, layer, e);
	if (json)
		layer_to_json(v, layer, &runs);
	else
		print_layer(v, layer, &runs, a);
	return 0;
}
