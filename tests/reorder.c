/* SPDX-License-Identifier: Apache-2.0 */
/* Other op orders: every dependency is kept, gradients die early, on small graphs by hand and on real ones. */
#include <config.h>
#include "src/documents/reorder.h"

#include <stdlib.h>
#include <string.h>

#include "planner/schedule/lifetimes.h"
#include "src/base/json.h"
#include "tests/tap.h"

enum { UNIT = 1024 };

static const char *const traces[] = { "alexnet", "gpt2", "resnet1517", "resnet152", "resnet50", "vgg16", "vit_b_16", NULL };

/* Where an op of the old order stands in the new one: ops keep their id lists, so those tell them apart. */
struct by_list { const uint32_t *list; uint32_t op; };

static int
by_address(const void *x, const void *y)
{
	const uint32_t *p = ((const struct by_list *)x)->list, *q = ((const struct by_list *)y)->list;

	return (p > q) - (p < q);
}

static struct by_list *
sorted(const struct graph *g, struct arena *a)
{
	struct by_list *l = ARENA_NEW(a, struct by_list, g->op_count);

	for (uint32_t k = 0; k < g->op_count; k++)
		l[k] = (struct by_list) { g->ops[k].output_count > 0 ? g->ops[k].outputs : g->ops[k].inputs, k };
	qsort(l, g->op_count, sizeof(*l), by_address);
	return l;
}

/* Old op -> new place; UINT32_MAX somewhere when the new order is no permutation of the old. */
static uint32_t *
places(const struct graph *old, const struct graph *new, struct arena *a)
{
	struct by_list *x = sorted(old, a), *y = sorted(new, a);
	uint32_t *at = ARENA_NEW(a, uint32_t, old->op_count);

	for (uint32_t i = 0; i < old->op_count; i++)
		at[x[i].op] = x[i].list == y[i].list && (i == 0 || x[i].list != x[i - 1].list) ? y[i].op : UINT32_MAX;
	return at;
}

/* Every pair of uses of one tensor of which one writes keeps its order: enough to look at each use, the last write
 * before it, and for a write at all reads since. */
static const char *
broken(const struct graph *g, const uint32_t *at, struct arena *a)
{
	uint32_t *wrote = ARENA_NEW(a, uint32_t, g->tensor_count), *read = ARENA_NEW(a, uint32_t, g->tensor_count);

	/* Of the reads since the last write only the latest new place counts; 0: none, else place + 1. */
	for (uint32_t k = 0; k < g->op_count; k++) {
		const struct op *o = &g->ops[k];

		if (at[k] == UINT32_MAX)
			return "not a permutation";
		for (uint32_t i = 0; i < o->input_count; i++)
			if (wrote[o->inputs[i]] > at[k])
				return "reads before the write";
		for (uint32_t j = 0; j < o->output_count; j++) {
			if (wrote[o->outputs[j]] > at[k])
				return "writes before the write";
			if (read[o->outputs[j]] > at[k])
				return "writes before the read";
		}
		for (uint32_t i = 0; i < o->input_count; i++)
			if (read[o->inputs[i]] < at[k] + 1)
				read[o->inputs[i]] = at[k] + 1;
		for (uint32_t j = 0; j < o->output_count; j++) {
			wrote[o->outputs[j]] = at[k] + 1;
			read[o->outputs[j]] = 0;
		}
	}
	return NULL;
}

static void
test_graph(const struct graph *old, const char *name, struct arena *a)
{
	struct graph new = *old, again;
	struct lifetimes before, after;
	const char *why;
	uint32_t last = 0, *at;
	bool kept = true, same = true;

	reorder_updates(&new, a);
	at = places(old, &new, a);
	why = broken(old, at, a);
	ok(why == NULL, "%s: every dependency is kept", name);
	if (why != NULL)
		diag("%s", why);
	for (uint32_t k = 0; k < old->op_count; k++)
		if (old->ops[k].phase != PHASE_UPDATE) {
			kept &= k == 0 || at[k] >= last;
			last = at[k];
		}
	ok(kept, "%s: forward and backward ops keep their order", name);
	lifetimes_init(&before, old, a);
	lifetimes_init(&after, &new, a);
	ok(after.peak_bytes <= before.peak_bytes, "%s: the peak is no higher", name);
	diag("%s: peak %.0f -> %.0f MiB", name, (double)before.peak_bytes / 0x1p20, (double)after.peak_bytes / 0x1p20);
	again = new;
	reorder_updates(&again, a);
	for (uint32_t k = 0; k < old->op_count; k++)
		same &= memcmp(&again.ops[k], &new.ops[k], sizeof(new.ops[k])) == 0;
	ok(same, "%s: a second pass changes nothing", name);
}

static void
test_traces(struct arena *a, struct err *e)
{
	for (int i = 0; traces[i] != NULL; i++) {
		const char *path = data_path(arena_printf(a, "graphs/%s.graph.json", traces[i]));
		struct graph g;

		if (graph_read(&g, path, a, e) < 0) {
			ok(false, "%s: %s", path, e->text);
			continue;
		}
		test_graph(&g, traces[i], a);
	}
}

/* Tensors: 0 weight, 1 momentum, 2 x, 3 gradient of the weight, 4 gradient of x, 5 step count, 6 unrelated. */
static void
test_by_hand(struct arena *a)
{
	static struct tensor tensors[] = {
		{ UNIT, KIND_PARAMETER }, { UNIT, KIND_OPTIMIZER }, { UNIT, KIND_ACTIVATION }, { UNIT, KIND_GRADIENT },
		{ UNIT, KIND_GRADIENT }, { UNIT, KIND_STATE }, { UNIT, KIND_GRADIENT }
	};
	static const uint32_t w[] = { 0 }, m[] = { 1 }, x[] = { 2 }, gw[] = { 3 }, gx[] = { 4 }, n[] = { 5 }, other[] = { 6 },
	    xw[] = { 2, 0 }, gm[] = { 3, 1 }, wm[] = { 0, 1 };
	/* The id lists differ from op to op so that they can tell ops apart; here names do. */
	static const char *const want[] = { "forward", "filter", "scale", "add", "data", "step", "other", "count", NULL };
	static struct op ops[] = {
		{ .name = "forward", .phase = PHASE_FORWARD, .inputs = w, .input_count = 1, .outputs = x, .output_count = 1 },
		{ .name = "filter", .phase = PHASE_BACKWARD, .inputs = x, .input_count = 1, .outputs = gw, .output_count = 1 },
		{ .name = "data", .phase = PHASE_BACKWARD, .inputs = xw, .input_count = 2, .outputs = gx, .output_count = 1 },
		{ .name = "other", .phase = PHASE_BACKWARD, .inputs = gx, .input_count = 1, .outputs = other, .output_count = 1 },
		{ .name = "count", .phase = PHASE_UPDATE, .inputs = n, .input_count = 1, .outputs = n, .output_count = 1 },
		{ .name = "scale", .phase = PHASE_UPDATE, .inputs = m, .input_count = 1, .outputs = m, .output_count = 1 },
		{ .name = "add", .phase = PHASE_UPDATE, .inputs = gm, .input_count = 2, .outputs = m, .output_count = 1 },
		{ .name = "step", .phase = PHASE_UPDATE, .inputs = wm, .input_count = 2, .outputs = w, .output_count = 1 },
	};
	struct graph g = { .name = "hand", .tensor_count = 7, .tensors = tensors, .op_count = 8, .ops = ops };

	reorder_updates(&g, a);
	for (int k = 0; want[k] != NULL; k++)
		ok(strcmp(g.ops[k].name, want[k]) == 0, "by hand: place %d is '%s' (got '%s')", k, want[k], g.ops[k].name);
	ok(reorder_find("updates") != NULL && reorder_find("update") == NULL, "passes are found by name");
}

/* ---- any graph ---- */

enum { RANDOM_GRAPHS = 400, RANDOM_OPS = 24, RANDOM_TENSORS = 9, OPERANDS = 3 };

static uint32_t
draw(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(*state >> 33) % n;
}

/* Ops that read and write whatever comes, update ops among them more and more often towards the end. */
static void
random_graph(struct graph *g, uint64_t *state, struct arena *a)
{
	*g = (struct graph) { .name = "random", .tensor_count = RANDOM_TENSORS, .op_count = RANDOM_OPS };
	g->tensors = ARENA_NEW(a, struct tensor, RANDOM_TENSORS);
	g->ops = ARENA_NEW(a, struct op, RANDOM_OPS);
	for (uint32_t t = 0; t < RANDOM_TENSORS; t++)
		g->tensors[t] = (struct tensor) { UNIT, (enum kind)draw(state, KIND_COUNT) };
	for (uint32_t k = 0; k < RANDOM_OPS; k++) {
		uint32_t *in = ARENA_NEW(a, uint32_t, OPERANDS), *out = ARENA_NEW(a, uint32_t, 1);
		enum phase phase = draw(state, RANDOM_OPS) < k ? PHASE_UPDATE : PHASE_BACKWARD;

		for (uint32_t i = 0; i < OPERANDS; i++)
			in[i] = draw(state, RANDOM_TENSORS);
		out[0] = draw(state, RANDOM_TENSORS);
		g->ops[k] = (struct op) { .name = "op", .phase = phase, .inputs = in, .input_count = draw(state, OPERANDS + 1),
		    .outputs = out, .output_count = 1 };
	}
}

static void
test_random(void)
{
	uint64_t state = 1;
	uint32_t wrong = 0, moved = 0;

	for (int i = 0; i < RANDOM_GRAPHS; i++) {
		struct arena a = ARENA_INIT;
		struct graph old, new;
		uint32_t *at;

		random_graph(&old, &state, &a);
		new = old;
		reorder_updates(&new, &a);
		at = places(&old, &new, &a);
		wrong += broken(&old, at, &a) != NULL;
		for (uint32_t k = 0; k < RANDOM_OPS; k++)
			moved += at[k] != k;
		arena_free(&a);
	}
	is_uint(wrong, 0, "random graphs: every dependency is kept");
	ok(moved > RANDOM_GRAPHS, "random graphs: ops do move");
}

int
main(void)
{
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;

	test_by_hand(&a);
	test_random();
	test_traces(&a, &e);
	arena_free(&a);
	return tap_done();
}
