/* SPDX-License-Identifier: Apache-2.0 */
/* report_answer.c - the words of a plan's page: does it fit, what it costs, what limits it, what would help; the peak and the moves by layer */
#include <config.h>
#include "sim/report/report_draw.h"

#include <inttypes.h>

enum { ROWS_MOST = 12 };

/* ---- the answer ---- */

static void
put_cost(FILE *out, const struct explain *x, struct arena *a)
{
	const struct sim_result *r = x->sim;
	const struct { double us; const char *what; } parts[] = {
		{ r->stall_time_us, "waits for copies" }, { r->recompute_time_us, "reruns" }, { x->contention_us, "contention with copies" },
		{ x->slower_us, "algorithms with less workspace" }
	};
	const char *text = "";
	char b1[32], b2[32], share[32];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].us >= 0.05)
			text = arena_printf(a, "%s%s%s of %s", text, *text == '\0' ? ": " : ", ", units_time(b1, parts[i].us), parts[i].what);
	page_row(out, "It is slower by", units_share(share, r->overhead), "%s a step instead of %s%s", units_time(b1, r->step_time_us),
	    units_time(b2, r->ideal_time_us), text);
}

/* Says which part of the lost time is the largest. */
static void
put_limit(FILE *out, const struct page_groups *g, struct arena *a)
{
	const struct explain *x = g->explain;
	const struct instruction *in = moment_instruction(x->plan, x->peak);
	const char *at = in == NULL ? "the step's end" : in->queue == QUEUE_COMPUTE ? op_text(&x->plan->graph->ops[in->op], a) : "a copy";
	const char *limit = x->sim->overhead < 0.001 ? "nothing" : x->sim->stall_time_us > x->sim->recompute_time_us ? "the link" : "memory";
	char b1[32], b2[32];

	page_row(out, "Its limit is", limit, "the peak of %s is at %s; %s of it is %s", units_size(b1, x->peak_bytes), at,
	    g->peak_count > 0 ? units_size(b2, g->peak[0].bytes) : "0 B", g->peak_count > 0 ? g->peak[0].what : "nothing");
}

static void
put_help(FILE *out, const struct moved_group *moved, uint32_t count)
{
	const struct moved_group *g = count > 0 ? &moved[0] : NULL;
	char b1[32], b2[32];

	if (g == NULL || g->sum.stall_us + g->sum.rerun_us <= 0) {
		page_row(out, "What would help", "nothing", "no move of this plan costs time of its own");
		return;
	}
	if (g->sum.stall_us > g->sum.rerun_us)
		page_row(out, "What would help", "a faster link", "or %s more memory, which would keep %s (%" PRIu32 " tensors): their copies cost %s a step",
		    units_size(b1, g->all_bytes), g->what, g->count, units_time(b2, g->sum.stall_us));
	else
		page_row(out, "What would help", "more memory", "%s more would keep %s (%" PRIu32 " tensors), whose reruns cost %s a step",
		    units_size(b1, g->all_bytes), g->what, g->count, units_time(b2, g->sum.rerun_us));
}

static void
put_fit(FILE *out, const struct plan *p)
{
	char b1[32], b2[32], b3[32];

	page_row(out, "Does it fit?", p->arena_bytes <= p->budget_bytes ? "yes" : "no", "%s of a budget of %s%s", units_size(b1, p->arena_bytes),
	    units_size(b2, p->budget_bytes), p->host_bytes == 0 ? "; no host memory" : "");
	if (p->host_bytes > 0)
		page_row(out, "Host memory", units_size(b3, p->host_bytes), "pinned, for what is offloaded");
}

void
page_answer(FILE *out, const struct page_groups *g, struct arena *a)
{
	page_table_begin(out, "The answer");
	put_fit(out, g->explain->plan);
	put_cost(out, g->explain, a);
	put_limit(out, g, a);
	put_help(out, g->moved, g->moved_count);
	page_table_end(out);
}

/* ---- the peak ---- */

static void
put_peak_row(FILE *out, const struct peak_group *g, bytes_t most)
{
	char b1[32];

	fprintf(out, "<tr><th scope=\"row\">%" PRIu32 " × ", g->count);
	page_text(out, g->what);
	fprintf(out, "%s</th><td>%s</td><td class=\"bars\"><span class=\"bar\" style=\"width:%.1f%%;background:%s\"></span></td></tr>\n",
	    g->in_use ? " <span class=\"sub\">(in use)</span>" : "", units_size(b1, g->bytes), 100 * (double)g->bytes / (double)most,
	    kind_colours[g->kind]);
}

void
page_peak(FILE *out, const struct page_groups *g)
{
	const struct explain *x = g->explain;
	uint32_t others = 0;
	bytes_t rest = 0;
	char b1[32], b2[32];

	fprintf(out, "<h2>What the peak is made of</h2>\n<p class=\"sub\">%s, %s into the step; layers that differ in their number only are one row</p>\n"
	    "<table>\n<tbody>\n", units_size(b2, x->peak_bytes),
	    units_time(b1, sim_moment_us(x->sim, x->plan, x->peak)));
	for (uint32_t i = 0; i < g->peak_count; i++) {
		if (i < ROWS_MOST) {
			put_peak_row(out, &g->peak[i], g->peak[0].bytes);
			continue;
		}
		others += g->peak[i].count;
		rest += g->peak[i].bytes;
	}
	if (others > 0)
		fprintf(out, "<tr><th scope=\"row\">%" PRIu32 " others</th><td>%s</td><td></td></tr>\n", others, units_size(b1, rest));
	if (x->in_place_bytes > 0)
		fprintf(out, "<tr><th scope=\"row\">shared in place</th><td>-%s</td><td></td></tr>\n", units_size(b1, x->in_place_bytes));
	fputs("</tbody>\n</table>\n", out);
}

/* ---- the moves ---- */

void
page_moves(FILE *out, const struct page_groups *all, struct arena *a)
{
	char b1[32], b2[32], b3[32];

	if (all->moved_count == 0)
		return;
	page_table_begin(out, "What leaves or is made again, and why");
	for (uint32_t i = 0; i < all->moved_count && i < ROWS_MOST; i++) {
		const struct moved_group *g = &all->moved[i];
		const char *cost = g->sum.stall_us + g->sum.rerun_us > 0 ? arena_printf(a, "costs %s", units_time(b1, g->sum.stall_us + g->sum.rerun_us)) :
		    "costs no time of its own";

		fputs("<tr><th scope=\"row\">", out);
		page_text(out, g->what);
		fprintf(out, "</th><td>%s, %" PRIu32 " × %s%s</td><td>", explain_fate_names[g->fate], g->count, g->alike ? "" : "up to ",
		    units_size(b2, g->bytes));
		page_text(out, arena_printf(a, "saves %s at the peak, %s; %s", units_size(b3, g->sum.peak_saved), cost, g->why));
		fputs("</td></tr>\n", out);
	}
	if (all->moved_count > ROWS_MOST)
		fprintf(out, "<tr><th scope=\"row\">%" PRIu32 " more groups</th><td></td><td>layrub explain lists them</td></tr>\n", all->moved_count - ROWS_MOST);
	page_table_end(out);
}
