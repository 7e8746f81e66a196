/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes by hand, Layrub's rules on a chain by hand, and every policy on every
 * real graph: sound, within budget, no better than the bounds. */
#include <config.h>
#include "planner/planner.h"

#include <stdlib.h>
#include <string.h>

#include "sim/check/check.h"
#include "tests/tap.h"

#define IDS(...) (const uint32_t[]) { __VA_ARGS__ }
#define OP(n, ph, cl, in, out, ws) { .name = n, .phase = ph, .class = cl, .recomputable = true, \
	.inputs = in, .input_count = sizeof(in) / 4, .outputs = out, .output_count = sizeof(out) / 4, \
	.workspace_bytes = ws, .time_us = 10 }

/* Six layers in a chain: x0 -> m1 .. m6, each map of 1000 bytes read again by its consumer's
 * backward, which turns the gradient g(i+1) into g(i). */
enum { X0, M1, M2, M3, M4, M5, M6, G6, G5, G4, G3, G2, G1, TENSORS };
static struct tensor chain_tensors[TENSORS] = {
	{ 1000, KIND_INPUT }, { 1000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION },
	{ 1000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION }, { 1000, KIND_ACTIVATION },
	{ 1000, KIND_GRADIENT }, { 1000, KIND_GRADIENT }, { 1000, KIND_GRADIENT }, { 1000, KIND_GRADIENT },
	{ 1000, KIND_GRADIENT }, { 1000, KIND_GRADIENT }
};
static struct op chain_ops[] = {
	OP("f1", PHASE_FORWARD, CLASS_CONV, IDS(X0), IDS(M1), 0),
	OP("f2", PHASE_FORWARD, CLASS_CONV, IDS(M1), IDS(M2), 500),
	OP("f3", PHASE_FORWARD, CLASS_CONV, IDS(M2), IDS(M3), 0),
	OP("f4", PHASE_FORWARD, CLASS_CONV, IDS(M3), IDS(M4), 0),
	OP("f5", PHASE_FORWARD, CLASS_CONV, IDS(M4), IDS(M5), 0),
	OP("f6", PHASE_FORWARD, CLASS_LOSS, IDS(M5), IDS(M6), 0),
	OP("b6", PHASE_BACKWARD, CLASS_LOSS, IDS(M6), IDS(G6), 0),
	OP("b5", PHASE_BACKWARD, CLASS_CONV, IDS(M5, G6), IDS(G5), 0),
	OP("b4", PHASE_BACKWARD, CLASS_CONV, IDS(M4, G5), IDS(G4), 0),
	OP("b3", PHASE_BACKWARD, CLASS_CONV, IDS(M3, G4), IDS(G3), 0),
	OP("b2", PHASE_BACKWARD, CLASS_CONV, IDS(M2, G3), IDS(G2), 0),
	OP("b1", PHASE_BACKWARD, CLASS_CONV, IDS(M1, G2), IDS(G1), 0),
};
static const struct graph chain = { .name = "chain", .tensor_count = TENSORS, .tensors = chain_tensors,
	.op_count = sizeof(chain_ops) / sizeof(*chain_ops), .ops = chain_ops };

/* x0 lives throughout.  At f6: x0, m1..m6 = 7 tensors.  At b6: m1..m6, g6 = 8 with x0; at b5: m1..m5, g6, g5
 * = 8; then falling.  So the peak is 8 tensors, first reached at op 6.  The largest op alone: f2 has
 * m1, m2 and 500 of workspace = 2500; b5 has m5, g6, g5 = 3000.  With x0 resident: 4000.  A live tensor takes
 * 1024, a multiple of 256, and the workspace 512. */
static void
test_lifetimes(void)
{
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	uint32_t count, *alive;

	lifetimes_init(&l, &chain, &a);
	is_uint(l.peak_bytes, 8 * 1024, "peak of the chain");
	is_uint(l.peak_op, 6, "reached at b6");
	is_uint(l.live[1], 3 * 1024 + 512, "live at f2 counts its workspace");
	is_uint(l.bound_bytes, 3000, "bound_bytes: b5's tensors");
	is_uint(l.resident_bound_bytes, 4000, "resident_bound_bytes: with x0");
	is_uint(l.persistent_bytes, 1024, "persistent");
	is_uint(l.first[M3], 2, "m3 is born at f3");
	is_uint(l.last[M3], 9, "and dies at b3");
	alive = lifetimes_at(&l, 11, &count, &a);
	is_uint(count, 4, "alive at b1: x0, m1, g2, g1");
	ok(alive[0] == X0 && alive[1] == M1 && alive[2] == G2, "equal sizes by id");
	is_near(l.ideal_time_us, 120, 1e-9, "ideal time");
	arena_free(&a);
}

static bool
same_move(const struct move *x, const struct move *y)
{
	return x->tensor == y->tensor && x->from == y->from && x->gone == y->gone && x->free == y->free && x->back == y->back &&
	    x->copied == y->copied;
}

/* Layrub on the chain.  Layers 1..6 forward, 6..1 backward.  Eligible consumers: not layer 1, not
 * the last three (4, 5, 6): so layers 2 and 3 offload their inputs m1 and m2.  m1: out
 * during f2 (from step 0), gone before f3 (step 2), free once one more map layer, f3, has passed
 * (step 3); needed by b1 (step 11), fetched when b2 starts (step 10).  m2 one layer later: needed by b2. */
static void
test_layrub_by_hand(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct lifetimes l;
	struct device d = { .memory_bytes = 100000 };
	struct problem p = { .graph = &chain, .device = &d, .life = &l, .budget_bytes = 100000 };
	struct schedule s;

	lifetimes_init(&l, &chain, &a);
	ok(policy_find("layrub")->plan(&s, &p, &a, &e) == 0, "layrub plans the chain");
	if (is_uint(s.move_count, 2, "m1 and m2 move")) {
		struct move m1 = { M1, 0, 2, 3, 10, false }, m2 = { M2, 1, 3, 4, 9, false };

		ok(same_move(&s.moves[0], &m1), "m1 leaves during f2, returns during b2");
		ok(same_move(&s.moves[1], &m2), "m2 leaves during f3, returns during b3");
	}
	ok(s.steps[1].barrier && s.steps[9].barrier, "the queues meet after every layer");
	arena_free(&a);
}

/* Two maps of 1,000 bytes, in multiples of 256, wait on the host together. */
static void
test_pinned(void)
{
	struct arena a = ARENA_INIT;
	struct device d = { .name = "toy", .memory_bytes = 100000, .copy_engines = 2, .duplex_bytes_per_s = 2e9, .pinned_bytes = 2048 };
	struct planner_options o = { .policy = policy_find("layrub"), .placement = placement_find("by-size") };
	struct err e = ERR_INIT;
	struct plan plan;

	d.link[D2H].bytes_per_s = d.link[H2D].bytes_per_s = 1e9;
	for (int c = 0; c < CLASS_COUNT; c++)
		d.contention[c] = 1;
	if (ok(planner_run(&plan, &chain, &d, &o, &a, &e) == 0, "as much pinned memory as layrub needs: a plan %s", e.text))
		is_uint(plan.host_bytes, 2048, "which takes all of it");
	d.pinned_bytes = 2047;
	ok(planner_run(&plan, &chain, &d, &o, &a, &e) < 0 && e.code == ERR_NO && strstr(e.text, "pinned") != NULL, "one byte less: %s", e.text);
	arena_free(&a);
}

static void
test_graph(const char *name)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct graph g;
	struct device d;
	struct lifetimes l;
	bytes_t keep_peak = 0;

	if (graph_read(&g, data_path(arena_printf(&a, "graphs/%s.graph.json", name)), &a, &e) < 0 ||
	    device_read(&d, data_path("devices/h200.json"), &a, &e) < 0) {
		ok(false, "%s: read: %s", name, e.text);
		return;
	}
	lifetimes_init(&l, &g, &a);
	ok(l.peak_bytes >= 0.97 * (double)g.measured.peak_bytes && l.peak_bytes <= 1.01 * (double)g.measured.peak_bytes,
	    "%s: peak %.4f of what was measured", name, (double)l.peak_bytes / (double)g.measured.peak_bytes);
	for (const struct policy *row = policies; row->name != NULL; row++) {
		struct planner_options o = { .policy = row, .placement = &placements[0] };
		struct plan plan;

		e = (struct err) ERR_INIT;
		if (planner_run(&plan, &g, &d, &o, &a, &e) < 0) {
			ok(e.code == ERR_NO, "%s, %s: %s", name, row->name, e.text);
			continue;
		}
		ok(check_plan(&plan, &a, &e) == 0, "%s, %s: sound %s", name, row->name, e.text);
		ok(plan.arena_bytes <= plan.budget_bytes && plan.figures.peak_bytes <= plan.arena_bytes &&
		    plan.figures.peak_bytes >= l.resident_bound_bytes, "%s, %s: bound <= peak <= arena <= budget", name, row->name);
		ok(plan.predicted.step_time_us >= plan.predicted.ideal_time_us * (1 - 1e-9), "%s, %s: no faster than ideal", name, row->name);
		if (keep_peak == 0)
			keep_peak = plan.figures.peak_bytes;
		ok(plan.figures.peak_bytes <= keep_peak, "%s, %s: no more memory than keep", name, row->name);
	}
	arena_free(&a);
}

int
main(void)
{
	static const char *const traces[] = { "alexnet", "gpt2", "resnet1517", "resnet152", "resnet50", "vgg16", "vit_b_16" };

	test_lifetimes();
	test_layrub_by_hand();
	test_pinned();
	for (size_t i = 0; i < sizeof(traces) / sizeof(*traces); i++)
		test_graph(traces[i]);
	return tap_done();
}
