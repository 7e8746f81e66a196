/* SPDX-License-Identifier: Apache-2.0 */
/* explain_groups.c - groups of moved tensors with their reasons, groups at the peak, and the moments that come near to it */
#include <config.h>
#include "sim/report/explain_groups.h"

#include <math.h>

#include "sim/check/check.h"
#include "sim/report/layer_groups.h"
#include "src/base/rank.h"

const char *const explain_fate_names[FATE_COUNT + 1] = { "copied", "on the host", "run again", "copied, run again", NULL };

/* ---- moves ---- */

static enum explain_fate
fate_of(const struct explain *x, uint32_t t, const bool *at_host)
{
	const struct explain_tensor *it = &x->tensors[t];

	if (it->offloads + it->fetches == 0)
		return FATE_RERUN;
	if (it->reruns > 0)
		return FATE_COPIED_AND_RERUN;
	return at_host[t] ? FATE_HOST_HOME : FATE_COPIED;
}

/* Returns the time of a copy out and back, alone on the link. */
static double
copy_us(const struct explain *x, uint32_t t)
{
	bytes_t bytes = x->plan->graph->tensors[t].bytes;

	return device_transfer_us(x->plan->device, D2H, bytes) + device_transfer_us(x->plan->device, H2D, bytes);
}

/* Returns the tensor's part of one run of the op that writes it; NAN: the op cannot run again. */
static double
rerun_us(const struct explain *x, const struct origin *o, uint32_t t)
{
	const struct graph *g = x->plan->graph;
	const struct op *op = &g->ops[o->op];
	double bytes = 0;

	if (o->how != ORIGIN_WRITTEN || kind_is_persistent(g->tensors[t].kind) || !op->recomputable)
		return NAN;
	for (uint32_t j = 0; j < op->output_count; j++)
		bytes += (double)g->tensors[op->outputs[j]].bytes;
	return bytes > 0 ? op->time_us * ((double)g->tensors[t].bytes / bytes) : op->time_us;
}

/* Returns the reason for a group's fate. */
static const char *
reason(const struct explain *x, const struct moved_group *g, const struct origin *o, struct arena *a)
{
	const struct graph *graph = x->plan->graph;
	double step = x->sim->step_time_us, busy = fmax(x->sim->busy_us[QUEUE_OUT], x->sim->busy_us[QUEUE_IN]);
	char time[32], share[32], q[48];

	units_time(time, g->alternative_us);
	switch (g->fate) {
	case FATE_RERUN:
		return arena_printf(a, "copies out and back would take %s, on a link that is busy for %s of the step", time,
		    units_share(share, step > 0 ? busy / step : 0));
	case FATE_COPIED_AND_RERUN:
		return "neither alone frees it for long enough at this price";
	default:
		if (kind_is_persistent(graph->tensors[g->tensors[0]].kind))
			return "no op makes it again";
		if (isnan(g->alternative_us))
			return o->how == ORIGIN_WRITTEN && graph->ops[o->op].phase == PHASE_FORWARD ?
			    arena_printf(a, "'%s' cannot run again", err_quote(q, graph->ops[o->op].name)) : "only forward ops run again";
		return arena_printf(a, "reruns would take at least %s%s", time,
		    g->sum.stall_us > 0 ? "" : "; the copies hide behind compute");
	}
}

static struct moved_group
sum_up(const struct explain *x, const struct origin *origins, const struct name_group *l, struct arena *a)
{
	uint32_t *tensors = ARENA_NEW(a, uint32_t, l->count);
	struct moved_group g = { .what = l->what, .layers = l->layers, .fate = (enum explain_fate)l->class, .tensors = tensors, .count = l->count };

	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t t = tensors[i] = x->moved[l->members[i]];
		const struct explain_tensor *it = &x->tensors[t];
		bytes_t bytes = x->plan->graph->tensors[t].bytes;

		g.alike = i == 0 || (g.alike && bytes == g.bytes);
		g.bytes = bytes > g.bytes ? bytes : g.bytes;
		g.all_bytes += bytes;
		g.alternative_us += g.fate == FATE_RERUN ? copy_us(x, t) : rerun_us(x, &origins[t], t);
		g.sum.offloads += it->offloads;
		g.sum.fetches += it->fetches;
		g.sum.reruns += it->reruns;
		g.sum.offload_bytes += it->offload_bytes;
		g.sum.fetch_bytes += it->fetch_bytes;
		g.sum.stall_us += it->stall_us;
		g.sum.rerun_us += it->rerun_us;
		g.sum.away_us += it->away_us / l->count;
		g.sum.peak_saved += it->peak_saved;
		g.sum.step_saved += it->step_saved;
	}
	g.why = reason(x, &g, &origins[tensors[0]], a);
	return g;
}

struct moved_group *
explain_moved_groups(const struct explain *x, const struct origin *origins, uint32_t *count, struct arena *a)
{
	const struct plan *p = x->plan;
	bool *at_host = ARENA_NEW(a, bool, p->graph->tensor_count);
	uint32_t *classes = ARENA_NEW(a, uint32_t, x->moved_count);
	struct name_group *layers;
	struct moved_group *sums, *sorted;
	struct ranked *rows;

	for (uint32_t i = 0; i < p->initial_count; i++)
		at_host[p->initial[i].tensor] |= p->initial[i].on_host;
	for (uint32_t i = 0; i < p->final_count; i++)
		at_host[p->final[i].tensor] |= p->final[i].on_host;
	for (uint32_t i = 0; i < x->moved_count; i++)
		classes[i] = fate_of(x, x->moved[i], at_host);
	layers = layer_groups(p->graph, origins, x->moved, classes, x->moved_count, count, a);
	sums = ARENA_NEW(a, struct moved_group, *count);
	sorted = ARENA_NEW(a, struct moved_group, *count);
	rows = ARENA_NEW(a, struct ranked, *count);
	for (uint32_t i = 0; i < *count; i++) {
		const struct explain_tensor *s;

		sums[i] = sum_up(x, origins, &layers[i], a);
		s = &sums[i].sum;
		rows[i] = (struct ranked) { s->stall_us + s->rerun_us, (double)(s->step_saved + s->peak_saved), i };
	}
	rank_falling(rows, *count);
	for (uint32_t i = 0; i < *count; i++)
		sorted[i] = sums[rows[i].id];
	return sorted;
}

/* ---- the peak ---- */

struct peak_group *
explain_peak_groups(const struct explain *x, const struct origin *origins, uint32_t *count, struct arena *a)
{
	const struct plan *p = x->plan;
	bool *used = ARENA_NEW(a, bool, p->buffer_count);
	uint32_t *tensors = ARENA_NEW(a, uint32_t, x->at_peak_count), *classes = ARENA_NEW(a, uint32_t, x->at_peak_count);
	uint32_t *buffers = ARENA_NEW(a, uint32_t, x->at_peak_count), n = 0, groups;
	struct peak_group *all, *sorted, workspace = { .what = "workspace", .kind = SIM_WORKSPACE, .in_use = true };
	struct name_group *layers;
	struct ranked *rows;

	if (moment_instruction(p, x->peak) != NULL)
		FOR_EACH_ACCESS_AT(p, x->peak, acc)
			if (!acc.host)
				used[acc.buffer] = true;
	for (uint32_t i = 0; i < x->at_peak_count; i++) {
		uint32_t b = x->at_peak[i];

		if (p->buffers[b].tensor == PLAN_NONE) {
			workspace.bytes += bytes_align(p->buffers[b].bytes, DEVICE_ALIGN);
			workspace.count++;
			continue;
		}
		buffers[n] = b;
		tensors[n] = p->buffers[b].tensor;
		classes[n++] = used[b];
	}
	layers = layer_groups(p->graph, origins, tensors, classes, n, &groups, a);
	all = ARENA_NEW(a, struct peak_group, groups + 1);
	sorted = ARENA_NEW(a, struct peak_group, groups + 1);
	rows = ARENA_NEW(a, struct ranked, groups + 1);
	for (uint32_t i = 0; i < groups; i++) {
		const struct name_group *l = &layers[i];

		all[i] = (struct peak_group) { .what = l->what, .count = l->count, .kind = sim_kind(p, buffers[l->members[0]]), .in_use = l->class };
		for (uint32_t k = 0; k < l->count; k++)
			all[i].bytes += bytes_align(p->buffers[buffers[l->members[k]]].bytes, DEVICE_ALIGN);
	}
	if (workspace.count > 0)
		all[groups++] = workspace;
	for (uint32_t i = 0; i < groups; i++)
		rows[i] = (struct ranked) { (double)all[i].bytes, 0, i };
	rank_falling(rows, groups);
	for (uint32_t i = 0; i < groups; i++)
		sorted[i] = all[rows[i].id];
	*count = groups;
	return sorted;
}

struct near_peak *
explain_near_peaks(const struct explain *x, double part, uint32_t *count, struct arena *a)
{
	const bytes_t *live = check_live(x->plan, a);
	double least = part * (double)x->peak_bytes;
	struct near_peak *peaks = NULL;
	size_t n = 0, room = 0;
	bool inside = false;

	for (uint32_t m = MOMENT_BEGIN; m <= moment_end(x->plan); m++) {
		bool near = (double)live[m] >= least;

		if (near && !inside)
			*ARENA_PUSH(a, peaks, n, room) = (struct near_peak) { .moment = m, .bytes = live[m], .first = m };
		if (near) {
			struct near_peak *now = &peaks[n - 1];

			now->last = m;
			if (live[m] > now->bytes) {
				now->bytes = live[m];
				now->moment = m;
			}
		}
		inside = near;
	}
	*count = (uint32_t)n;
	return peaks;
}
