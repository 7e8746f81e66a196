/* SPDX-License-Identifier: Apache-2.0 */
/* figures.c - the table of figures, and the functions that fill them */
#include <config.h>
#include "src/library/figures.h"

#include <math.h>
#include <stddef.h>

#define ROW(type, member, label) { #member, label, type, offsetof(struct figures, member) }
const struct figure_row figure_rows[] = {
	ROW(FIGURE_TEXT, graph, "graph"),
	ROW(FIGURE_TEXT, device, "device"),
	ROW(FIGURE_COUNT, batch, "batch"),
	ROW(FIGURE_TEXT, policy, "policy"),
	ROW(FIGURE_TEXT, found_by, "found by"),
	ROW(FIGURE_TEXT, configuration, NULL),
	ROW(FIGURE_TEXT, placement, "placement"),
	ROW(FIGURE_BYTES, budget_bytes, "budget"),
	ROW(FIGURE_BYTES, peak_bytes, "peak"),
	ROW(FIGURE_BYTES, arena_bytes, "arena"),
	ROW(FIGURE_RATIO, fragmentation, "fragmentation"),
	ROW(FIGURE_BYTES, process_bytes, "process"),
	ROW(FIGURE_BYTES, host_bytes, "pinned host memory"),
	ROW(FIGURE_BYTES, occupancy_bytes, "in use, most"),
	ROW(FIGURE_BYTES, host_occupancy_bytes, "pinned in use, most"),
	ROW(FIGURE_COUNT, estimated_ops, "estimated op times"),
	ROW(FIGURE_TIME, ideal_time_us, "ideal time"),
	ROW(FIGURE_TIME, step_time_us, "step time"),
	ROW(FIGURE_PERCENT, overhead, "overhead"),
	ROW(FIGURE_TIME, stall_time_us, "stalled"),
	ROW(FIGURE_TIME, recompute_time_us, "recomputing"),
	ROW(FIGURE_BYTES, offload_bytes, "offloaded"),
	ROW(FIGURE_BYTES, fetch_bytes, "fetched"),
	ROW(FIGURE_BYTES, bound_bytes, "bound"),
	ROW(FIGURE_BYTES, resident_bound_bytes, "resident bound"),
	ROW(FIGURE_TIME, bound_time_us, "bound on time"),
	ROW(FIGURE_PERCENT, gap, "gap in time"),
	ROW(FIGURE_PERCENT, bytes_gap, "gap in bytes"),
	ROW(FIGURE_SECONDS, plan_time_s, "planned in"),
	ROW(FIGURE_TEXT, status, "status"),
	ROW(FIGURE_TEXT, reason, "reason"),
	{ .name = NULL }
};
#undef ROW

const char *
figure_text(const struct figures *f, const struct figure_row *row)
{
	return *(const char *const *)((const char *)f + row->at);
}

uint64_t
figure_count(const struct figures *f, const struct figure_row *row)
{
	return *(const uint64_t *)((const char *)f + row->at);
}

double
figure_real(const struct figures *f, const struct figure_row *row)
{
	return *(const double *)((const char *)f + row->at);
}

bool
figure_is_known(const struct figures *f, const struct figure_row *row)
{
	switch (row->type) {
	case FIGURE_TEXT:
		return figure_text(f, row) != NULL;
	case FIGURE_COUNT:
	case FIGURE_BYTES:
		return figure_count(f, row) != FIGURE_UNKNOWN;
	default:
		return !isnan(figure_real(f, row));
	}
}

void
figures_init(struct figures *f)
{
	for (const struct figure_row *row = figure_rows; row->name != NULL; row++) {
		void *to = (char *)f + row->at;

		switch (row->type) {
		case FIGURE_TEXT:
			*(const char **)to = NULL;
			break;
		case FIGURE_COUNT:
		case FIGURE_BYTES:
			*(uint64_t *)to = FIGURE_UNKNOWN;
			break;
		default:
			*(double *)to = NAN;
		}
	}
}

/* Fills the figures that follow from others. */
static void
derive(struct figures *f)
{
	if (f->ideal_time_us > 0)
		f->overhead = f->step_time_us / f->ideal_time_us - 1;
	if (f->bound_time_us > 0)
		f->gap = f->step_time_us / f->bound_time_us - 1;
}

void
figures_of_plan(struct figures *f, const struct plan *p)
{
	figures_init(f);
	f->graph = p->graph->name;
	f->device = p->device->name;
	if (p->batch > 0)
		f->batch = p->batch;
	f->policy = p->policy;
	f->found_by = p->found_by;
	f->configuration = p->configuration;
	f->placement = p->placement;
	f->status = p->status;
	f->budget_bytes = p->budget_bytes;
	f->peak_bytes = p->figures.peak_bytes;
	f->arena_bytes = p->arena_bytes;
	if (p->device->process_bytes > 0)
		f->process_bytes = p->arena_bytes + p->device->process_bytes;
	f->host_bytes = p->host_bytes;
	f->offload_bytes = p->figures.offload_bytes;
	f->fetch_bytes = p->figures.fetch_bytes;
	f->bound_bytes = p->figures.bound_bytes;
	f->resident_bound_bytes = p->figures.resident_bound_bytes;
	if (f->peak_bytes > 0)
		f->fragmentation = (double)f->arena_bytes / (double)f->peak_bytes;
	if (f->bound_bytes > 0)
		f->bytes_gap = (double)f->arena_bytes / (double)f->bound_bytes - 1;
	if (graph_estimated_count(p->graph) > 0)
		f->estimated_ops = graph_estimated_count(p->graph);
	f->ideal_time_us = p->predicted.ideal_time_us;
	f->step_time_us = p->predicted.step_time_us;
	f->stall_time_us = p->predicted.stall_time_us;
	f->recompute_time_us = p->predicted.recompute_time_us;
	if (p->bound_time_us > 0)
		f->bound_time_us = p->bound_time_us;
	derive(f);
}

void
figures_simulate(struct figures *f, const struct sim_result *r, bool other_machine)
{
	f->ideal_time_us = r->ideal_time_us;
	f->step_time_us = r->step_time_us;
	f->stall_time_us = r->stall_time_us;
	f->recompute_time_us = r->recompute_time_us;
	f->offload_bytes = r->offload_bytes;
	f->fetch_bytes = r->fetch_bytes;
	f->occupancy_bytes = r->device_peak_bytes;
	f->host_occupancy_bytes = r->host_peak_bytes;
	if (other_machine)
		f->bound_time_us = f->gap = NAN;
	derive(f);
}
