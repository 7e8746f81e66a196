/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_explain.c - layrub explain: what makes a plan's peak, what each move saves and costs, what more would buy */
#include <config.h>
#include "src/command/command.h"

#include <string.h>

#include "planner/schedule/lifetimes.h"
#include "sim/check/check.h"
#include "sim/report/explain.h"
#include "src/command/explain_more.h"
#include "src/command/result.h"
#include "src/documents/origin.h"

enum { LARGEST_AT_PEAK = 10, DEAREST_MOVES = 20 };

static const struct option_row options[] = { OPTION_END };

struct view {
	const struct plan *plan;
	struct sim_result sim;
	struct explain x;
	struct more more;
	const struct origin *origins;	/* [tensor_count] */
	uint32_t *next_use;		/* [buffer_count] first run at or after the peak that uses it; PLAN_NONE: none */
};

/* ---- names ---- */

static void
find_next_uses(struct view *v, struct arena *a)
{
	const struct plan *p = v->plan;

	v->next_use = ARENA_NEW(a, uint32_t, p->buffer_count);
	for (uint32_t b = 0; b < p->buffer_count; b++)
		v->next_use[b] = PLAN_NONE;
	for (uint32_t i = p->instruction_count; i-- > 0 && i + 1 >= v->x.peak;)
		if (p->program[i].queue == QUEUE_COMPUTE)
			FOR_EACH_ACCESS_AT(p, i + 1, x)
				v->next_use[x.buffer] = i;
}

/* Returns a moment in words: "op 3 ('conv1')", "fetch of tensor 7". */
static const char *
moment_name(const struct plan *p, uint32_t moment, struct arena *a)
{
	const struct instruction *in;
	char q[48];

	if (moment == 0 || moment > p->instruction_count)
		return moment == 0 ? "the step's beginning" : "the step's end";
	in = &p->program[moment - 1];
	if (in->queue == QUEUE_COMPUTE)
		return arena_printf(a, "op %" PRIu32 " (%s)", in->op, err_quote(q, p->graph->ops[in->op].name));
	return arena_printf(a, "%s of tensor %" PRIu32, action_names[in->queue], p->buffers[in->device_buffer].tensor);
}

/* Returns the reason why a buffer is on the device at the peak. */
static const char *
why_here(const struct view *v, uint32_t buffer, struct arena *a)
{
	uint32_t i = v->next_use[buffer];

	if (i != PLAN_NONE && i + 1 == v->x.peak)
		return "in use";
	if (i == PLAN_NONE)
		return v->x.ranges[buffer].last > v->plan->instruction_count ? "stays to the end" : "being copied out";
	return arena_printf(a, "waits for %s", moment_name(v->plan, i + 1, a));
}

/* ---- for people ---- */

static void
print_peak(const struct view *v, struct arena *a)
{
	const struct explain *x = &v->x;
	char size[32], time[32], label[48];

	text_row(stdout, "peak", "%s at %s, %s into the step", units_size(size, x->peak_bytes), moment_name(v->plan, x->peak, a),
	    units_time(time, x->peak == 0 ? 0 : x->peak > v->plan->instruction_count ? v->sim.step_time_us : v->sim.spans[x->peak - 1].start_us));
	for (int k = 0; k < SIM_KINDS; k++)
		if (x->peak_kinds[k] > 0) {
			snprintf(label, sizeof(label), "  %s", sim_kind_name(k));
			text_row(stdout, label, "%10s  %4.1f %%", units_size(size, x->peak_kinds[k]),
			    100 * (double)x->peak_kinds[k] / (double)x->peak_bytes);
		}
	if (x->in_place_bytes > 0)
		text_row(stdout, "  shared in place", "%10s less", units_size(size, x->in_place_bytes));
	printf("\nlargest at the peak (%" PRIu32 " buffers)\n", x->at_peak_count);
	for (uint32_t i = 0; i < x->at_peak_count && i < LARGEST_AT_PEAK; i++) {
		const struct buffer *b = &v->plan->buffers[x->at_peak[i]];

		if (b->tensor == PLAN_NONE)
			snprintf(label, sizeof(label), "  workspace");
		else
			snprintf(label, sizeof(label), "  tensor %" PRIu32, b->tensor);
		text_row(stdout, label, "%10s  %s; %s", units_size(size, b->bytes),
		    b->tensor == PLAN_NONE ? "workspace" : tensor_text(v->plan->graph, v->origins, b->tensor, a), why_here(v, x->at_peak[i], a));
	}
}

static const char *
how_moved(const struct explain_tensor *t, struct arena *a)
{
	if (t->offloads + t->fetches == 0)
		return arena_printf(a, "run %" PRIu32 "x", t->reruns);
	if (t->reruns == 0)
		return arena_printf(a, "out %" PRIu32 "x in %" PRIu32 "x", t->offloads, t->fetches);
	return arena_printf(a, "out %" PRIu32 "x in %" PRIu32 "x run %" PRIu32 "x", t->offloads, t->fetches, t->reruns);
}

/* Prints one row of figures; a figure of 0 is a dash. */
static void
print_move(const char *name, const char *how, bytes_t bytes, const struct explain_tensor *t, const char *what)
{
	char size[32], away[32], peak[32] = "-", step[32] = "-", stall[32] = "-", rerun[32] = "-";

	if (t->peak_saved > 0)
		units_size(peak, t->peak_saved);
	if (t->step_saved > 0)
		units_size(step, t->step_saved);
	if (t->stall_us > 0)
		units_time(stall, t->stall_us);
	if (t->rerun_us > 0)
		units_time(rerun, t->rerun_us);
	printf("%-14s %-20s %10s %9s %11s %11s %9s %9s  %s\n", name, how, units_size(size, bytes),
	    t->away_us > 0 ? units_time(away, t->away_us) : "-", peak, step, stall, rerun, what);
}

static void
add_figures(struct explain_tensor *to, const struct explain_tensor *t)
{
	to->peak_saved += t->peak_saved;
	to->step_saved += t->step_saved;
	to->stall_us += t->stall_us;
	to->rerun_us += t->rerun_us;
}

static void
print_moves(const struct view *v, struct arena *a)
{
	const struct explain *x = &v->x;
	struct explain_tensor copied = { .offloads = 0 }, rerun = { .offloads = 0 };
	bytes_t copied_bytes = 0, rerun_bytes = 0;
	uint32_t copies = 0;

	if (x->moved_count == 0) {
		printf("\nno tensor leaves, none is made again\n");
		return;
	}
	printf("\n%-14s %-20s %10s %9s %11s %11s %9s %9s\n%-14s %-20s %10s %9s %11s %11s %9s %9s\n", "", "", "", "", "saves at", "saves at",
	    "waits", "reruns", "tensor", "how", "bytes", "away", "plan's peak", "step's peak", "cost", "cost");
	for (uint32_t i = 0; i < x->moved_count; i++) {
		uint32_t id = x->moved[i];
		const struct explain_tensor *t = &x->tensors[id];
		bytes_t bytes = v->plan->graph->tensors[id].bytes;
		bool copy = t->offloads + t->fetches > 0;

		if (i < DEAREST_MOVES)
			print_move(arena_printf(a, "%" PRIu32, id), how_moved(t, a), bytes, t, tensor_text(v->plan->graph, v->origins, id, a));
		add_figures(copy ? &copied : &rerun, t);
		*(copy ? &copied_bytes : &rerun_bytes) += bytes;
		copies += copy;
	}
	if (x->moved_count > DEAREST_MOVES)
		printf("(%" PRIu32 " more; --json lists all)\n", x->moved_count - DEAREST_MOVES);
	if (copies > 0)
		print_move("in all", arena_printf(a, "%" PRIu32 " copied", copies), copied_bytes, &copied, "");
	if (x->moved_count > copies)
		print_move("in all", arena_printf(a, "%" PRIu32 " run again", x->moved_count - copies), rerun_bytes, &rerun, "");
}

static void
print_more(const struct view *v)
{
	const struct more *m = &v->more;
	double us = v->sim.step_time_us;
	char time[32], budget[32];

	putchar('\n');
	text_row(stdout, "1 GB/s more", "step time %s (%+.1f %%), this plan on a faster link", units_time(time, m->link_us),
	    us > 0 ? 100 * (m->link_us / us - 1) : 0);
	if (m->link_anew_us > 0)
		text_row(stdout, "", "step time %s (%+.1f %%), %s for the faster link", units_time(time, m->link_anew_us),
		    us > 0 ? 100 * (m->link_anew_us / us - 1) : 0, m->policy);
	if (m->memory_us > 0)
		text_row(stdout, "1 GiB more", "step time %s (%+.1f %%), %s with a budget of %s", units_time(time, m->memory_us),
		    us > 0 ? 100 * (m->memory_us / us - 1) : 0, m->policy, units_size(budget, m->budget_bytes));
	else if (m->reason != NULL)
		text_row(stdout, "1 GiB more", "no plan of %s: %s", m->policy, m->reason);
}

static void
print_all(const struct view *v, struct arena *a)
{
	const struct plan *p = v->plan;
	char text[32], ideal[32];

	text_row(stdout, "graph", "%s", p->graph->name);
	text_row(stdout, "device", "%s", p->device->name);
	text_row(stdout, "policy", "%s", p->policy);
	if (p->configuration != NULL)
		text_row(stdout, "configuration", "%s", p->configuration);
	text_row(stdout, "budget", "%s", units_size(text, p->budget_bytes));
	text_row(stdout, "arena", "%s", units_size(text, p->arena_bytes));
	text_row(stdout, "step time", "%s (ideal %s, waits and reruns %+.1f %%)", units_time(text, v->sim.step_time_us),
	    units_time(ideal, v->sim.ideal_time_us), 100 * v->sim.overhead);
	if (graph_estimated_count(p->graph) > 0)
		text_row(stdout, "estimated op times", "%" PRIu32, graph_estimated_count(p->graph));
	print_peak(v, a);
	print_moves(v, a);
	print_more(v);
}

/* ---- for programs ---- */

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
}

/* Writes one tensor's figures as members of the open object. */
static void
figures_to_json(struct json_out *o, const struct view *v, uint32_t id)
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

static void
all_to_json(const struct view *v, struct arena *a)
{
	const struct more *m = &v->more;
	struct json_out o;
	struct figures f;

	figures_of_plan(&f, v->plan);
	result_begin(&o, cmd_explain.name, stdout);
	result_to_json(&f, &o);
	peak_to_json(&o, v, a);
	json_out_array(&o, "moved", true);
	for (uint32_t i = 0; i < v->x.moved_count; i++) {
		json_out_object(&o, NULL, false);
		figures_to_json(&o, v, v->x.moved[i]);
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_object(&o, "more", true);
	json_out_real(&o, "link_step_time_us", m->link_us);
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

/* ---- one tensor ---- */

static void
print_event(const struct view *v, const struct explain_event *e, struct arena *a)
{
	const struct plan *p = v->plan;
	bool copy = e->what == EXPLAIN_OFFLOAD || e->what == EXPLAIN_FETCH;
	const struct buffer *b = e->on_host ? &p->host[e->buffer] : &p->buffers[e->buffer];
	char from[32], to[32], size[32], wait[32];
	const char *text;

	if (copy)
		text = arena_printf(a, "%s until %s", units_size(size, e->bytes), units_time(to, e->end_us));
	else
		text = e->what == EXPLAIN_BEGIN || e->what == EXPLAIN_END ? "" : arena_printf(a, "by %s", moment_name(p, e->moment, a));
	text = arena_printf(a, "%-10s %s%s%s buffer %" PRIu32 " at %" PRI_BYTES, explain_what_names[e->what], text,
	    *text == '\0' ? "" : ",", e->on_host ? " host" : "", e->buffer, b->offset_bytes);
	if (e->wait_us > 0)
		text = arena_printf(a, "%s; compute waits %s for it", text, units_time(wait, e->wait_us));
	text_row(stdout, units_time(from, e->start_us), "%s%s", text, e->last && e->what != EXPLAIN_END ? "; then gone" : "");
}

static void
print_story(const struct view *v, uint32_t id, struct arena *a)
{
	const struct explain_tensor *t = &v->x.tensors[id];
	struct explain_event *events;
	char text[32], more[32];
	uint32_t count;

	events = explain_story(&v->x, id, &count, a);
	text_row(stdout, "tensor", "%" PRIu32 ", %s", id, tensor_text(v->plan->graph, v->origins, id, a));
	text_row(stdout, "bytes", "%s", units_size(text, v->plan->graph->tensors[id].bytes));
	text_row(stdout, "away", "%s of %s", units_time(text, t->away_us), units_time(more, v->sim.step_time_us));
	text_row(stdout, "saves", "%s at the plan's peak, %s at the step's", units_size(text, t->peak_saved), units_size(more, t->step_saved));
	text_row(stdout, "costs", "%s of waiting, %s of running again", units_time(text, t->stall_us), units_time(more, t->rerun_us));
	putchar('\n');
	for (uint32_t i = 0; i < count; i++)
		print_event(v, &events[i], a);
}

static void
story_to_json(const struct view *v, uint32_t id, struct arena *a)
{
	struct explain_event *events;
	struct json_out o;
	uint32_t count;

	events = explain_story(&v->x, id, &count, a);
	result_begin(&o, cmd_explain.name, stdout);
	figures_to_json(&o, v, id);
	json_out_array(&o, "events", true);
	for (uint32_t i = 0; i < count; i++) {
		const struct explain_event *e = &events[i];

		json_out_object(&o, NULL, false);
		json_out_string(&o, "what", explain_what_names[e->what]);
		json_out_string(&o, "by", moment_name(v->plan, e->moment, a));
		json_out_uint(&o, e->on_host ? "host_buffer" : "buffer", e->buffer);
		json_out_real(&o, "start_us", e->start_us);
		json_out_real(&o, "end_us", e->end_us);
		if (e->what == EXPLAIN_OFFLOAD || e->what == EXPLAIN_FETCH) {
			json_out_uint(&o, "bytes", e->bytes);
			json_out_real(&o, "stall_time_us", e->wait_us);
		}
		json_out_end_object(&o);
	}
	json_out_end_array(&o);
	json_out_end(&o);
}

static int
read_tensor(uint32_t *id, const struct plan *p, const char *text, struct err *e)
{
	uint64_t n;

	if (units_parse_count(text, 0, p->graph->tensor_count == 0 ? 0 : p->graph->tensor_count - 1, &n, e) < 0)
		return usage_at(e, "TENSOR");
	*id = (uint32_t)n;
	return 0;
}

static int
run(struct cli *c, struct err *e)
{
	const char *path = c->operands[0];
	struct lifetimes l;
	struct view v;
	struct plan p;
	uint32_t tensor = PLAN_NONE;

	if (plan_request_check(&plan_given, e) < 0 || plan_read(&p, path, &c->arena, e) < 0)
		return -1;
	if (check_plan(&p, &c->arena, e) < 0)
		return err_in_file(e, path);
	if (c->operands[1] != NULL && read_tensor(&tensor, &p, c->operands[1], e) < 0)
		return -1;
	v = (struct view) { .plan = &p };
	if (simulate(&v.sim, &p, p.device, &c->arena, e) < 0)
		return err_in_file(e, path);
	lifetimes_init(&l, p.graph, &c->arena);
	explain_init(&v.x, &p, &v.sim, l.peak_op, &c->arena);
	v.origins = graph_origins(p.graph, &c->arena);
	find_next_uses(&v, &c->arena);
	if (tensor != PLAN_NONE) {
		c->json ? story_to_json(&v, tensor, &c->arena) : print_story(&v, tensor, &c->arena);
		return 0;
	}
	if (explain_more(&v.more, &p, &plan_given, &c->arena, e) < 0)
		return err_in_file(e, path);
	c->json ? all_to_json(&v, &c->arena) : print_all(&v, &c->arena);
	return 0;
}

const struct command cmd_explain = {
	"explain", "PLAN [TENSOR]", 1, 2, "Say what makes a plan's peak, and what moves cost", options, run, FOR_EXPLAIN
};
