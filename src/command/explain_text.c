/* SPDX-License-Identifier: Apache-2.0 */
/* explain_text.c - explain's answer for people: the step's time, the peak, the moves by layer, the price of more and of less */
#include <config.h>
#include "src/command/explain_view.h"

#include "src/command/command.h"

enum { PEAK_GROUPS = 10, NEAR_PEAKS = 4, MOVED_GROUPS = 24 };

/* ---- time ---- */

/* Prints a part of the time over the ideal one. */
static void
print_loss(const char *label, const struct view *v, double us, const char *what)
{
	char time[32], share[32];

	if (us >= 0.05 || us <= -0.05)
		text_row(stdout, label, "%10s  %6s  %s", units_time(time, us), units_share(share, us / v->sim.ideal_time_us), what);
}

static void
print_time(const struct view *v)
{
	char step[32], ideal[32], share[32];

	text_row(stdout, "step time", "%s, %s over the ideal %s", units_time(step, v->sim.step_time_us), units_share(share, v->sim.overhead),
	    units_time(ideal, v->sim.ideal_time_us));
	print_loss("  waits", v, v->sim.stall_time_us, "compute waits for copies");
	print_loss("  reruns", v, v->sim.recompute_time_us, "ops that run again");
	print_loss("  contention", v, v->x.contention_us, "ops that copies slow down");
	print_loss("  slower algorithms", v, v->x.slower_us, "ops with less workspace");
}

/* ---- the peak ---- */

static void
print_near(const struct view *v, struct arena *a)
{
	char size[32], time[32];
	uint32_t shown = 0;

	if (v->near_count <= 1)
		return;
	printf("%" PRIu32 " other stretches come within 1 %% of it:", v->near_count - 1);
	for (uint32_t i = 0; i < v->near_count && shown < NEAR_PEAKS; i++) {
		const struct near_peak *n = &v->near[i];

		if (n->first <= v->x.peak && v->x.peak <= n->last)
			continue;
		printf("%s %s at %s, %s", shown == 0 ? "" : ";", units_size(size, n->bytes), moment_name(v->plan, n->moment, a),
		    units_time(time, sim_moment_us(&v->sim, v->plan, n->moment)));
		shown++;
	}
	puts(v->near_count - 1 > shown ? "; ..." : "");
}

static void
print_peak(const struct view *v, struct arena *a)
{
	const struct explain *x = &v->x;
	char size[32], time[32], label[48], share[32];

	text_row(stdout, "peak", "%s at %s, %s into the step", units_size(size, x->peak_bytes), moment_name(v->plan, x->peak, a),
	    units_time(time, sim_moment_us(&v->sim, v->plan, x->peak)));
	for (int k = 0; k < SIM_KINDS; k++)
		if (x->peak_kinds[k] > 0) {
			snprintf(label, sizeof(label), "  %s", sim_kind_name(k));
			text_row(stdout, label, "%10s  %6s", units_size(size, x->peak_kinds[k]),
			    units_share(share, (double)x->peak_kinds[k] / (double)x->peak_bytes));
		}
	if (x->in_place_bytes > 0)
		text_row(stdout, "  shared in place", "%10s less", units_size(size, x->in_place_bytes));
	print_near(v, a);
	printf("\nat the peak (%" PRIu32 " buffers)\n", x->at_peak_count);
	for (uint32_t i = 0; i < v->at_peak_count && i < PEAK_GROUPS; i++) {
		const struct peak_group *g = &v->at_peak[i];

		printf("  %10s  %3" PRIu32 " x %s%s\n", units_size(size, g->bytes), g->count, g->what, g->in_use ? "; in use" : "");
	}
	if (v->at_peak_count > PEAK_GROUPS)
		printf("  and %" PRIu32 " smaller groups\n", v->at_peak_count - PEAK_GROUPS);
}

/* ---- moves ---- */

/* Returns a figure of 0 as a dash. */
static const char *
size_or_dash(char buf[32], bytes_t bytes)
{
	return bytes > 0 ? units_size(buf, bytes) : "-";
}

static const char *
time_or_dash(char buf[32], double us)
{
	return us > 0 ? units_time(buf, us) : "-";
}

static void
print_group(const struct moved_group *g)
{
	char each[32], peak[32], step[32], stall[32], rerun[32];

	printf("%s: %s, %" PRIu32 " x %s%s\n", g->what, explain_fate_names[g->fate], g->count, g->alike ? "" : "up to ", units_size(each, g->bytes));
	printf("    saves %s at the peak (%s at the step's); waits %s, reruns %s; %s\n", size_or_dash(peak, g->sum.peak_saved),
	    size_or_dash(step, g->sum.step_saved), time_or_dash(stall, g->sum.stall_us), time_or_dash(rerun, g->sum.rerun_us), g->why);
}

static void
print_total(const struct view *v, bool copies)
{
	struct explain_tensor sum = { .offloads = 0 };
	char all[32], peak[32], stall[32], rerun[32];
	bytes_t bytes = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < v->moved_count; i++) {
		const struct moved_group *g = &v->moved[i];

		if ((g->fate != FATE_RERUN) != copies)
			continue;
		count += g->count;
		bytes += g->all_bytes;
		sum.peak_saved += g->sum.peak_saved;
		sum.stall_us += g->sum.stall_us;
		sum.rerun_us += g->sum.rerun_us;
	}
	if (count > 0)
		text_row(stdout, copies ? "in all copied" : "in all run again", "%" PRIu32 " tensors of %s: saves %s at the peak; waits %s, reruns %s", count,
		    units_size(all, bytes), size_or_dash(peak, sum.peak_saved), time_or_dash(stall, sum.stall_us), time_or_dash(rerun, sum.rerun_us));
}

static void
print_moves(const struct view *v)
{
	if (v->moved_count == 0) {
		puts("\nno tensor leaves, none is made again");
		return;
	}
	puts("\nwhat leaves the device or is made again, dearest first");
	for (uint32_t i = 0; i < v->moved_count && i < MOVED_GROUPS; i++)
		print_group(&v->moved[i]);
	if (v->moved_count > MOVED_GROUPS)
		printf("(%" PRIu32 " more groups; --json lists all)\n", v->moved_count - MOVED_GROUPS);
	print_total(v, true);
	print_total(v, false);
}

/* ---- more and less ---- */

static void
print_change(const char *label, const struct view *v, double us, const char *what)
{
	char time[32], share[32], change[32];
	double by = us - v->sim.step_time_us;

	units_time(change, by < 0 ? -by : by);
	text_row(stdout, label, "step time %s (%s%s, %s%s), %s", units_time(time, us), by < 0 ? "-" : "+", change, by < 0 ? "" : "+",
	    units_share(share, v->sim.step_time_us > 0 ? by / v->sim.step_time_us : 0), what);
}

static void
print_more(const struct view *v, struct arena *a)
{
	const struct more *m = &v->more;
	char budget[32];

	putchar('\n');
	if (m->memory_us > 0)
		print_change("1 GiB more", v, m->memory_us, arena_printf(a, "%s with a budget of %s", m->policy, units_size(budget, m->budget_bytes)));
	else if (m->reason != NULL)
		text_row(stdout, "1 GiB more", "no plan of %s: %s", m->policy, m->reason);
	if (m->less_us > 0)
		print_change("1 GiB less", v, m->less_us, arena_printf(a, "%s with a budget of %s", m->policy, units_size(budget, m->less_budget_bytes)));
	else if (m->less_reason != NULL)
		text_row(stdout, "1 GiB less", "no plan of %s: %s", m->policy, m->less_reason);
	print_change("1 GB/s more", v, m->link_us, "this plan on a faster link");
	if (m->link_anew_us > 0)
		print_change("", v, m->link_anew_us, arena_printf(a, "%s for the faster link", m->policy));
}

void
explain_print(const struct view *v, struct arena *a)
{
	const struct plan *p = v->plan;
	char text[32];

	text_row(stdout, "graph", "%s", p->graph->name);
	text_row(stdout, "device", "%s", p->device->name);
	text_row(stdout, "policy", "%s", p->policy);
	if (p->configuration != NULL)
		text_row(stdout, "configuration", "%s", p->configuration);
	text_row(stdout, "budget", "%s", units_size(text, p->budget_bytes));
	text_row(stdout, "arena", "%s", units_size(text, p->arena_bytes));
	if (graph_estimated_count(p->graph) > 0)
		text_row(stdout, "estimated op times", "%" PRIu32, graph_estimated_count(p->graph));
	print_time(v);
	print_peak(v, a);
	print_moves(v);
	print_more(v, a);
}
