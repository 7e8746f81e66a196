/* SPDX-License-Identifier: Apache-2.0 */
/* explain_json.c - explain's answer for programs */
#include <config.h>
#include "src/command/explain_view.h"

#include <math.h>

#include "src/command/command.h"
#include "src/command/result.h"

static void
peak_to_json(struct json_out *o, const struct view *v, struct arena *a)
{
	const struct explain *x = &v->x;

	json_out_object(o, "peak", false);
	json_out_uint(o, "moment", x->peak);
	json_out_string(o, "at", moment_name(v->plan, x->peak, a));
	json_out_uint(o, "bytes", x->peak_bytes);
	json_out_uint(o, "in_place_bytes", x->in_place_bytes);
	for (int k = 0; k < SIM_KINDS; k++)
		json_out_uint(o, arena_printf(a, "%s_bytes", sim_kind_name(k)), x->peak_kinds[k]);
	json_out_end_object(o);
	json_out_array(o, "at_peak", true);
	for (uint32_t i = 0; i < x->at_peak_count; i++) {
		const struct buffer *b = &v->plan->buffers[x->at_peak[i]];

		json_out_object(o, NULL, false);
		json_out_uint(o, "buffer", x->at_peak[i]);
		if (b->tensor != PLAN_NONE)
			json_out_uint(o, "tensor", b->tensor);
		json_out_uint(o, "bytes", b->bytes);
		json_out_string(o, "kind", sim_kind_name(sim_kind(v->plan, x->at_peak[i])));
		json_out_string(o, "why", why_here(v, x->at_peak[i], a));
		json_out_end_object(o);
	}
	json_out_end_array(o);
	json_out_array(o, "at_peak_groups", true);
	for (uint32_t i = 0; i < v->at_peak_count; i++) {
		json_out_object(o, NULL, false);
		json_out_string(o, "what", v->at_peak[i].what);
		json_out_uint(o, "buffers", v->at_peak[i].count);
		json_out_uint(o, "bytes", v->at_peak[i].bytes);
		json_out_string(o, "kind", sim_kind_name(v->at_peak[i].kind));
		json_out_bool(o, "in_use", v->at_peak[i].in_use);
		json_out_end_object(o);
	}
	json_out_end_array(o);
	json_out_array(o, "near_peaks", true);
	for (uint32_t i = 0; i < v->near_count; i++) {
		json_out_object(o, NULL, false);
		json_out_uint(o, "moment", v->near[i].moment);
		json_out_string(o, "at", moment_name(v->plan, v->near[i].moment, a));
		json_out_uint(o, "bytes", v->near[i].bytes);
		json_out_real(o, "time_us", sim_moment_us(&v->sim, v->plan, v->near[i].moment));
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

static void
groups_to_json(struct json_out *o, const struct view *v)
{
	json_out_array(o, "groups", true);
	for (uint32_t i = 0; i < v->moved_count; i++) {
		const struct moved_group *g = &v->moved[i];

		json_out_object(o, NULL, false);
		json_out_string(o, "what", g->what);
		json_out_string(o, "fate", explain_fate_names[g->fate]);
		json_out_uint(o, "count", g->count);
		json_out_uint(o, "bytes", g->all_bytes);
		json_out_uint(o, "saved_at_peak_bytes", g->sum.peak_saved);
		json_out_uint(o, "saved_at_step_peak_bytes", g->sum.step_saved);
		json_out_real(o, "stall_time_us", g->sum.stall_us);
		json_out_real(o, "recompute_time_us", g->sum.rerun_us);
		if (!isnan(g->alternative_us))
			json_out_real(o, "alternative_time_us", g->alternative_us);
		json_out_string(o, "why", g->why);
		json_out_ids(o, "tensors", g->tensors, g->count);
		json_out_end_object(o);
	}
	json_out_end_array(o);
}

void
explain_figures_to_json(struct json_out *o, const struct view *v, uint32_t id)
{
	const struct explain_tensor *t = &v->x.tensors[id];

	json_out_uint(o, "tensor", id);
	json_out_uint(o, "bytes", v->plan->graph->tensors[id].bytes);
	json_out_string(o, "kind", kind_names[v->plan->graph->tensors[id].kind]);
	json_out_uint(o, "offload_bytes", t->offload_bytes);
	json_out_uint(o, "fetch_bytes", t->fetch_bytes);
	json_out_uint(o, "reruns", t->reruns);
	json_out_real(o, "away_us", t->away_us);
	json_out_uint(o, "saved_at_peak_bytes", t->peak_saved);
	json_out_uint(o, "saved_at_step_peak_bytes", t->step_saved);
	json_out_real(o, "stall_time_us", t->stall_us);
	json_out_real(o, "recompute_time_us", t->rerun_us);
}

void
explain_to_json(const struct view *v, struct arena *a)
{
	const struct more *m = &v->more;
	struct json_out o;
	struct figures f;

	figures_of_plan(&f, v->plan);
	result_begin(&o, "explain", stdout);
	result_to_json(&f, &o);
	json_out_real(&o, "contention_time_us", v->x.contention_us);
	json_out_real(&o, "slower_algorithms_time_us", v->x.slower_us);
	peak_to_json(&o, v, a);
	groups_to_json(&o, v);
	json_out_array(&o, "moved", true);
	for (uint32_t i = 0; i < v->x.moved_count; i++) {
		json_out_object(&o, NULL, false);
		explain_figures_to_json(&o, v, v->x.moved[i]);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_object(&o, "more", true);
	json_out_real(&o, "link_step_time_us", m->link_us);
	if (m->less_us > 0)
		json_out_real(&o, "less_memory_step_time_us", m->less_us);
	if (m->link_anew_us > 0)
		json_out_real(&o, "link_anew_step_time_us", m->link_anew_us);
	json_out_uint(&o, "memory_budget_bytes", m->budget_bytes);
	if (m->memory_us > 0)
		json_out_real(&o, "memory_step_time_us", m->memory_us);
	if (m->reason != NULL)
		json_out_string(&o, "memory_reason", m->reason);
	json_out_end_object(&o);
	json_out_end(&o);
}
