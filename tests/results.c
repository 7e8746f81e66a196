/* SPDX-License-Identifier: Apache-2.0 */
/* A result of a small step, with figures worked out by hand: where it is live, and the three ways in which it may end. */
#include <config.h>
#include "planner/schedule/decisions.h"

#include <string.h>

#include "planner/schedule/idle.h"
#include "planner/schedule/occupancy.h"
#include "planner/schedule/program.h"
#include "sim/check/check.h"
#include "sim/time/simulate.h"
#include "tests/tap.h"

enum { UNIT = 256, BATCH = 0, WEIGHT, MAP, LOGITS, WIDE, GRADIENT, TENSORS, HEAD = 1, UPDATE = 4, OPS };

#define IDS(...) (const uint32_t[]) { __VA_ARGS__ }
#define OP(label, us, in, out) { .name = label, .recomputable = true, .inputs = in, .input_count = sizeof(in) / 4, \
	.outputs = out, .output_count = sizeof(out) / 4, .time_us = us }

/* Sizes in units: 1, 1, 1, 4, 4, 1. */
static struct tensor tensors[TENSORS] = {
	[BATCH] = { UNIT, KIND_INPUT }, [WEIGHT] = { UNIT, KIND_PARAMETER }, [MAP] = { UNIT, KIND_ACTIVATION },
	[LOGITS] = { 4 * UNIT, KIND_RESULT }, [WIDE] = { 4 * UNIT, KIND_ACTIVATION }, [GRADIENT] = { UNIT, KIND_GRADIENT }
};
static struct op ops[OPS] = {
	OP("linear", 10, IDS(BATCH, WEIGHT), IDS(MAP)),
	OP("head", 20, IDS(MAP), IDS(LOGITS)),
	OP("gelu", 30, IDS(MAP), IDS(WIDE)),
	OP("gelu_backward", 40, IDS(MAP, WIDE), IDS(GRADIENT)),
	OP("sgd", 50, IDS(WEIGHT, GRADIENT), IDS(WEIGHT)),
};

/* The step with its update, or without. */
static struct graph
step(bool updates)
{
	return (struct graph) { .name = "step", .tensor_count = TENSORS, .op_count = updates ? OPS : UPDATE, .tensors = tensors, .ops = ops };
}

static void
test_lifetimes(void)
{
	static const bytes_t live[OPS] = { 3, 7, 11, 12, 7 };	/* units: batch and weight, then the ops' own and the result from op 1 on */
	struct graph g = step(true);
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct lifetimes l;
	const struct idle_interval *x;
	uint32_t count, found = 0;

	ok(graph_check(&g, &e) == 0, "the step is a graph");
	is_uint(graph_version(&g), 2, "a result needs version 2");
	lifetimes_init(&l, &g, &a);
	for (uint32_t k = 0; k < OPS; k++)
		is_uint(l.live[k], UNIT * live[k], "live at op %u", k);
	ok(l.first[LOGITS] == HEAD && l.last[LOGITS] == OPS - 1, "a result is live from its first write to the last op");
	is_uint(l.persistent_bytes, 2 * UNIT, "persistent bytes leave it out");
	is_uint(l.peak_bytes, 12 * UNIT, "peak");
	is_uint(l.bound_bytes, 6 * UNIT, "bound: the operands of op 3");
	is_uint(l.resident_bound_bytes, 12 * UNIT, "resident bound: the persistent tensors and the result, too");
	ok(lifetimes_needs(&l, LOGITS, OPS) && !lifetimes_needs(&l, MAP, OPS), "after the step the result is needed, a map is not");
	x = idle_intervals(&l, &count, &a);
	for (uint32_t i = 0; i < count; i++)
		if (x[i].tensor == LOGITS) {
			found++;
			ok(x[i].from == 2 && x[i].to == OPS && !x[i].read && !idle_returns(&g, &x[i]), "a result is idle after its last use");
		} else {
			ok(idle_returns(&g, &x[i]), "tensor %u returns", x[i].tensor);
		}
	is_uint(found, 1, "idle intervals of the result");
	/* A result that is larger than all is counted only from op 1 on. */
	tensors[LOGITS].bytes = 100 * UNIT;
	g.op_count = 1;
	lifetimes_init(&l, &g, &a);
	is_uint(l.resident_bound_bytes, 3 * UNIT, "before its first write the resident bound leaves it out");
	tensors[LOGITS].bytes = 4 * UNIT;
	arena_free(&a);
}

/* Plans the step with one fate for the result after its last use, and checks and times the plan; false: refused. */
static bool
plan_with(struct plan *p, struct sim_result *r, bytes_t *peak, const struct graph *g, const struct device *d, enum fate fate, struct arena *a, struct err *e)
{
	struct lifetimes l;
	struct decisions x;
	struct schedule s;

	lifetimes_init(&l, g, a);
	decisions_init(&x, &l, a);
	is_uint(x.fate[l.use_start[LOGITS]], FATE_KEEP, "a result is kept by default");
	x.fate[l.use_start[LOGITS]] = (uint8_t)fate;
	x.gone[l.use_start[LOGITS]] = 2;
	x.back[l.use_start[LOGITS]] = g->op_count;
	if (decisions_schedule(&s, &x, a, e) < 0)
		return false;
	*peak = occupancy_peak(&s, g, NULL, a);
	*p = (struct plan) { .graph = g, .device = d, .policy = "", .placement = "", .budget_bytes = device_budget(d) };
	if (program_build(p, &s, NULL, placement_find("by-size"), 0, a, e) < 0)
		return ok(false, "program: %s", e->text);
	check_figures(&p->figures, p, a);
	if (!ok(check_plan(p, a, e) == 0, "sound %s %s", e->path, e->text) || simulate(r, p, d, a, e) < 0)
		return false;
	return true;
}

static void
test_fates(void)
{
	struct graph g = step(true), without = step(false);
	struct device d = { .name = "toy", .memory_bytes = 1 << 20, .pinned_bytes = 1 << 20, .copy_engines = 2, .duplex_bytes_per_s = 2e9,
	    .link = { { .bytes_per_s = 1e9 }, { .bytes_per_s = 1e9 } } };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct sim_result r;
	struct plan p;
	bytes_t peak;

	for (int c = 0; c < CLASS_COUNT; c++)
		d.contention[c] = 1;
	if (ok(plan_with(&p, &r, &peak, &g, &d, FATE_KEEP, &a, &e), "kept: a plan")) {
		is_uint(peak, 12 * UNIT, "kept: peak");
		is_uint(p.figures.peak_bytes, 12 * UNIT, "kept: the plan's peak");
		ok(p.initial_count == 2 && p.final_count == 3 && p.final[2].tensor == LOGITS && !p.final[2].on_host, "kept: it ends on the device");
		is_near(r.step_time_us, 150, 1e-9, "kept: the ops' times");
	}
	if (ok(plan_with(&p, &r, &peak, &g, &d, FATE_OFFLOAD, &a, &e), "offloaded: a plan")) {
		is_uint(peak, 8 * UNIT, "offloaded: peak, at op 3 without the result");
		ok(p.final[2].tensor == LOGITS && p.final[2].on_host, "offloaded: it ends on the host");
		ok(p.figures.offload_bytes == 4 * UNIT && p.figures.fetch_bytes == 0, "offloaded: it is not fetched");
		is_uint(p.host_bytes, 4 * UNIT, "offloaded: the pool holds it");
		is_near(r.step_time_us, 150 + 1.024, 1e-9, "offloaded: op 2 waits for 1024 bytes");
	}
	ok(!plan_with(&p, &r, &peak, &g, &d, FATE_DROP, &a, &e), "dropped: refused where the weight has been updated");
	is_string(e.text, "op 0 'linear' would have to run again for a result, but a persistent tensor that it reads has been updated since",
	    "dropped: the reason");
	e = (struct err) ERR_INIT;
	if (ok(plan_with(&p, &r, &peak, &without, &d, FATE_DROP, &a, &e), "dropped: a plan without the update")) {
		is_uint(peak, 8 * UNIT, "dropped: peak, at op 3 without the result");
		is_uint(p.instruction_count, 6, "dropped: op 0 and op 1 run again at the end");
		ok(p.program[4].op == 0 && p.program[5].op == HEAD && p.final[2].buffer == p.program[5].writes[0], "dropped: it ends where the rerun made it");
		is_near(r.step_time_us, 100 + 30, 1e-9, "dropped: the time of the reruns");
	}
	arena_free(&a);
}

int
main(void)
{
	test_lifetimes();
	test_fates();
	return tap_done();
}
