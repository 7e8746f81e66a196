/* SPDX-License-Identifier: Apache-2.0 */
/* Homes that another plan gives: which tensors are the same, what they need, what a check says, and random pairs of steps whose plans share parameters,
 * against places and bytes compared one by one.  And items always alive, which go below all others. */
#include <config.h>
#include "planner/schedule/homes.h"

#include <string.h>

#include "planner/hybrid/hybrid_model.h"
#include "planner/planner.h"
#include "planner/placement/place_check.h"
#include "planner/placement/place_settle.h"
#include "sim/check/check.h"
#include "sim/check/check_homes.h"
#include "src/documents/tensor_names.h"
#include "tests/random.h"
#include "tests/tap.h"
#include "tests/tiny_step.h"

/* ---- names ---- */

static const uint32_t ids[] = { 0, 1, 2, 3 };

/* A graph of four tensors; ops 'a' and 'b', of two layers, use two each. */
#define LAYERED(l0, l1, k0, b0, k1, b1, k2, b2, k3, b3, ...) { .name = "g", .tensor_count = 4, .op_count = 2, \
	.tensors = (struct tensor[]) { { b0, k0 }, { b1, k1 }, { b2, k2 }, { b3, k3 } }, \
	.ops = (struct op[]) { { .name = "a", .layer = l0, .inputs = ids, .input_count = 2 }, { .name = "b", .layer = l1, .inputs = ids + 2, .input_count = 2 } }, __VA_ARGS__ }
#define GRAPH(...) LAYERED("one", "two", __VA_ARGS__)

static void
test_names(void)
{
	const enum kind P = KIND_PARAMETER, O = KIND_OPTIMIZER, I = KIND_INPUT, A = KIND_ACTIVATION;
	static const char *const xy[4] = { "x", "y" }, *const yx[4] = { "y", "x" }, *const xx[4] = { "x", "x" }, *const clash[4] = { "two.parameter[0]" };
	const struct { const char *what; struct graph g, other; uint32_t want[4]; const char *text; } rows[] = {
		{ "by layer, kind and id", GRAPH(P, 256, P, 256, P, 256, O, 256), GRAPH(P, 256, P, 256, P, 256, O, 256), { 0, 1, 2, 3 }, NULL },
		{ "kinds count apart", GRAPH(O, 256, P, 512, A, 256, A, 256), GRAPH(P, 512, O, 256, A, 256, A, 256),
		    { 1, 0, TENSOR_NONE, TENSOR_NONE }, NULL },
		{ "kinds count apart where they alternate", LAYERED("one", "one", P, 256, O, 512, P, 1024, O, 2048),
		    LAYERED("one", "one", P, 256, P, 1024, O, 512, O, 2048), { 0, 2, 1, 3 }, NULL },
		{ "one of a kind more", GRAPH(P, 256, O, 512, A, 1, A, 1), GRAPH(O, 512, A, 1, A, 1, A, 1),
		    { TENSOR_NONE, 0, TENSOR_NONE, TENSOR_NONE }, NULL },
		{ "by name", GRAPH(P, 256, P, 256, A, 1, A, 1, .tensor_names = xy), GRAPH(P, 256, P, 256, A, 1, A, 1, .tensor_names = yx),
		    { 1, 0, TENSOR_NONE, TENSOR_NONE }, NULL },
		{ "names of other kinds", GRAPH(P, 256, O, 256, A, 1, A, 1, .tensor_names = xy), GRAPH(O, 256, P, 256, A, 1, A, 1, .tensor_names = yx),
		    { 1, 0, TENSOR_NONE, TENSOR_NONE }, NULL },
		{ "an input of another size", GRAPH(I, 256, P, 256, A, 1, A, 1), GRAPH(I, 512, P, 256, A, 1, A, 1),
		    { TENSOR_NONE, 1, TENSOR_NONE, TENSOR_NONE }, NULL },
		{ "another size", GRAPH(P, 256, P, 256, A, 1, A, 1), GRAPH(P, 256, P, 512, A, 1, A, 1), { 0 },
		    "tensor 1 'one.parameter[1]' has 256 bytes here, and 512 bytes there" },
		{ "transient there", GRAPH(P, 256, P, 256, A, 1, A, 1, .tensor_names = xy), GRAPH(A, 256, P, 256, A, 1, A, 1, .tensor_names = yx), { 0 },
		    "tensor 1 'y' is parameter here, and activation there" },
		{ "a name twice", GRAPH(P, 256, P, 256, A, 1, A, 1, .tensor_names = xx), GRAPH(P, 256, P, 256, A, 1, A, 1), { 0 },
		    "the graph has the name 'x' twice: tensors 0 and 1" },
		{ "a name like that of a layer", GRAPH(P, 256, A, 1, P, 256, A, 1), GRAPH(P, 256, A, 1, P, 256, A, 1, .tensor_names = clash), { 0 },
		    "the other graph has the name 'two.parameter[0]' twice: tensors 0 and 2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT;
		uint32_t got[4];
		int rc = tensor_names_match(got, &rows[i].g, &rows[i].other, &a, &e);

		if (rows[i].text == NULL)
			ok(rc == 0 && memcmp(got, rows[i].want, sizeof(got)) == 0, "%s: the same tensors (%s)", rows[i].what, e.text);
		else if (ok(rc < 0 && e.code == ERR_INPUT, "%s: refused", rows[i].what))
			is_string(e.text, rows[i].text, "%s: the reason", rows[i].what);
		arena_free(&a);
	}
}

/* ---- random pairs ---- */

static const struct buffer *
home(const struct plan *p, uint32_t i)
{
	return &(p->initial[i].on_host ? p->host : p->buffers)[p->initial[i].buffer];
}

static bool
overlap(const struct buffer *x, bytes_t bytes, const struct buffer *y)
{
	return bytes > 0 && y->bytes > 0 && x->offset_bytes < y->offset_bytes + y->bytes && y->offset_bytes < x->offset_bytes + bytes;
}

/* True: no buffer of p touches tensors of `other` from the shared-th on that are no inputs, one by one. */
static bool
stays_clear(const struct plan *p, const struct plan *other, uint32_t shared)
{
	for (uint32_t i = shared; i < other->initial_count; i++) {
		bool host = other->initial[i].on_host;

		for (uint32_t b = 0; b < (host ? p->host_count : p->buffer_count); b++)
			if (other->graph->tensors[i].kind != KIND_INPUT && overlap(home(other, i), other->graph->tensors[i].bytes, &(host ? p->host : p->buffers)[b]))
				return false;
	}
	return true;
}

/* True: tensors 0 .. shared - 1 have the same places. */
static bool
has_same(const struct plan *p, const struct plan *other, uint32_t shared)
{
	for (uint32_t i = 0; i < shared; i++)
		if (p->initial[i].on_host != other->initial[i].on_host || home(p, i)->offset_bytes != home(other, i)->offset_bytes)
			return false;
	return true;
}

static uint32_t
persistent_count(const struct graph *g)
{
	uint32_t n = 0;

	while (n < g->tensor_count && kind_is_persistent(g->tensors[n].kind))
		n++;
	return n;
}

/* Names the parameters of a tiny step.  The first `shared` are the same in all steps. */
static void
name_parameters(struct graph *g, uint32_t shared, const char *own, struct arena *a)
{
	const char **names = ARENA_NEW(a, const char *, g->tensor_count);

	for (uint32_t t = 0; t < persistent_count(g); t++)
		names[t] = arena_printf(a, "%s%d", t < shared ? "p" : own, (int)t);
	g->tensor_names = names;
}

static int
plan_tiny(struct plan *p, const struct tiny_step *x, bytes_t budget, const struct homes *homes, struct arena *a, struct err *e)
{
	struct search_control control = { .effort = 0.1, .threads = 1 };
	struct planner_options o = { .policy = policy_find("hybrid"), .placement = placement_find("auto"), .budget_bytes = budget,
	    .bound_time_us = NO_TIME_BOUND, .control = &control, .homes = homes };

	return planner_run(p, &x->graph, &x->device, &o, a, e);
}

/* Counts of what random pairs met. */
struct pairs_met { unsigned plans, on_host, own, others, refused, unshared; };

/* Plans step x, then step y with the homes of x's tensors. */
static bool
try_pair(struct pairs_met *n, struct tiny_step *x, struct tiny_step *y, uint64_t seed, struct arena *a)
{
	uint32_t count = persistent_count(&x->graph), other = persistent_count(&y->graph), shared = count < other ? count : other;
	struct err e = ERR_INIT, f = ERR_INIT;
	struct shared_homes s;
	struct homes homes;
	struct plan p, q, free_plan;
	bytes_t budget;

	shared = seed % 2 == 1 && shared > 1 ? 1 : shared;
	name_parameters(&x->graph, shared, "x", a);
	name_parameters(&y->graph, shared, "y", a);
	for (uint32_t t = 0; t < shared; t++)
		y->tensors[t].bytes = x->tensors[t].bytes;
	if (plan_tiny(&p, x, x->budget, NULL, a, &e) < 0)
		return true;
	if (homes_init(&homes, &y->graph, &p, a, &f) < 0)
		return false;
	budget = homes.least_bytes + 256 * (random_splitmix(&seed) % 40);
	if (homes.least_bytes >= 256 && (plan_tiny(&q, y, homes.least_bytes - 1, &homes, a, &f) == 0 || f.code != ERR_NO))
		return false;
	f = (struct err) ERR_INIT;
	if (plan_tiny(&q, y, budget, &homes, a, &f) < 0) {
		n->refused++;
		return f.code == ERR_NO;
	}
	n->plans++;
	n->own += other > shared;
	n->others += count > shared;
	for (uint32_t i = 0; i < shared; i++)
		n->on_host += p.initial[i].on_host;
	if (q.graph != &y->graph || check_plan(&q, a, &f) < 0 || !has_same(&q, &p, shared) || !stays_clear(&q, &p, shared) || !stays_clear(&p, &q, shared) ||
	    check_homes(&s, &q, &p, a, &f) < 0 || check_homes(&s, &p, &q, a, &f) < 0 || s.shared != shared)
		return false;
	/* A plan without given homes may have them by chance: then the check agrees. */
	if (plan_tiny(&free_plan, y, budget, NULL, a, &f) < 0)
		return true;
	if (has_same(&free_plan, &p, shared) && stays_clear(&free_plan, &p, shared) && stays_clear(&p, &free_plan, shared))
		return check_homes(&s, &free_plan, &p, a, &f) == 0;
	n->unshared++;
	return check_homes(&s, &free_plan, &p, a, &f) < 0 && f.code == ERR_NO;
}

static void
test_random(void)
{
	struct pairs_met n = { 0 };

	for (const struct tiny_mix *mix = tiny_mixes; mix->name != NULL; mix++)
		for (uint64_t seed = 1; seed <= 100; seed++) {
			struct arena a = ARENA_INIT;
			struct tiny_step x, y;

			tiny_step_init(&x, mix, 2 * seed);
			tiny_step_init(&y, mix, 2 * seed + 1);
			if (!try_pair(&n, &x, &y, seed, &a))
				ok(false, "%s %d: plans of two steps share their parameters", mix->name, (int)seed);
			arena_free(&a);
		}
	diag("%u plans, %u tensors on the host, %u with tensors of their own, %u with tensors to leave alone, %u refused, %u that do not share", n.plans,
	    n.on_host, n.own, n.others, n.refused, n.unshared);
	ok(n.plans > 300 && n.on_host > 50 && n.own > 50 && n.others > 50 && n.unshared > 50, "pairs of many kinds");
}

/* One home, high in the arena or on the host: no budget below its end serves, however little the step needs, and its bytes are pinned at
 * every op. */
static void
test_one_home(bool on_host)
{
	static const char *const names[4] = { "w" };
	struct graph g = GRAPH(KIND_PARAMETER, 256, KIND_ACTIVATION, 0, KIND_ACTIVATION, 0, KIND_ACTIVATION, 0, .tensor_names = names);
	struct buffer at = { .tensor = 0, .offset_bytes = 4096, .bytes = 256 };
	struct place place = { .tensor = 0, .on_host = on_host };
	struct plan p = { .graph = &g, .buffers = &at, .buffer_count = 1, .host = &at, .host_count = 1, .initial = &place, .initial_count = 1,
	    .arena_bytes = 8192 };
	struct arena a = ARENA_INIT;
	struct err e = ERR_INIT;
	struct tiny_step x;
	struct model m;
	struct homes h;

	tiny_step_init(&x, tiny_mixes, 1);
	x.device.pinned_bytes = 1024;
	if (ok(homes_init(&h, &g, &p, &a, &e) == 0, "one home %s", e.text)) {
		ok(on_host ? h.least_bytes < 4096 : h.least_bytes == 4096 + 256, "the least budget: %" PRI_BYTES, h.least_bytes);
		model_init(&m, &h.life, &x.device, 0, false, &a);
		model_reset(&m, 8192, 0);
		for (uint32_t k = 0; k < g.op_count; k++)
			ok(segment_tree_at(&m.host, k) == (on_host ? 256 : 0) - 1024, "op %d: what the host may pin", (int)k);
	}
	arena_free(&a);
}

/* One buffer against many homes of the other plan, in random gaps, on either side. */
static void
test_many_homes(void)
{
	enum { HOMES = 9 };
	static struct tensor tensors[HOMES];
	static const char *const names[HOMES] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };
	struct op op = { .name = "op" };
	struct graph few = { .name = "few", .op_count = 1, .ops = &op }, many = { .name = "many", .op_count = 1, .ops = &op, .tensor_count = HOMES,
	    .tensors = tensors, .tensor_names = names };
	uint64_t seed = 3;
	bool good = true;

	for (int i = 0; i < 2000; i++) {
		bool host = i % 2;
		struct arena a = ARENA_INIT;
		struct err e = ERR_INIT, f = ERR_INIT;
		struct shared_homes s;
		struct buffer at[HOMES], one = { .tensor = PLAN_NONE };
		struct place places[HOMES];
		struct plan p = { .graph = &few, .buffers = &one, .host = &one, .buffer_count = !host, .host_count = host };
		struct plan q = { .graph = &many, .buffers = at, .host = at, .initial = places, .initial_count = HOMES };
		bytes_t end = 0;

		for (uint32_t t = 0; t < HOMES; t++) {
			at[t] = (struct buffer) { t, end += 256 * (random_splitmix(&seed) % 3), 256 * (random_splitmix(&seed) % 3) };
			end += at[t].bytes;
			tensors[t] = (struct tensor) { at[t].bytes, t == 4 ? KIND_INPUT : KIND_OPTIMIZER };
			places[t] = (struct place) { t, host, t };
		}
		one.offset_bytes = 256 * (random_splitmix(&seed) % 24);
		one.bytes = 256 * (random_splitmix(&seed) % 3);
		good &= (check_homes(&s, &p, &q, &a, &e) == 0) == stays_clear(&p, &q, 0);
		good &= (check_homes(&s, &q, &p, &a, &f) == 0) == stays_clear(&p, &q, 0);
		arena_free(&a);
	}
	ok(good, "a buffer against many homes, one by one");
}

/* ---- items always alive ---- */

static void
test_settle(void)
{
	enum { ITEMS = 12, TIMES = 6 };
	uint64_t seed = 5;
	bool good = true, settled = false;

	for (int i = 0; i < 300; i++) {
		struct arena a = ARENA_INIT;
		struct place_item items[ITEMS];
		struct place_problem p = { .count = ITEMS, .items = items, .align = 256 };
		struct place_result r = { .offsets = ARENA_NEW(&a, bytes_t, ITEMS) };
		struct place_fault fault;
		struct err e = ERR_INIT;
		bytes_t arena, bottom = 0;

		for (int k = 0; k < ITEMS; k++) {
			uint32_t lower = (uint32_t)(random_splitmix(&seed) % TIMES), upper = lower + 1 + (uint32_t)(random_splitmix(&seed) % (TIMES - lower));
			bool always = random_splitmix(&seed) % 3 == 0;

			items[k] = (struct place_item) { .bytes = random_splitmix(&seed) % 2000, .lower = always ? 0 : lower, .upper = always ? TIMES : upper,
			    .fixed = PLACE_FREE };
		}
		items[0] = (struct place_item) { .bytes = 256, .lower = TIMES - 1, .upper = TIMES, .fixed = PLACE_FREE };
		if (placement_run(&r, placement_find(i % 2 ? "by-size" : "first-fit"), &p, &a, &e) < 0)
			continue;
		arena = r.arena_bytes;
		place_settle(r.offsets, &p, &a);
		good &= place_check(&p, r.offsets, arena, &fault, &a, &e) == 0;
		for (int k = 0; k < ITEMS; k++)
			if (items[k].lower == 0 && items[k].upper == TIMES)
				bottom += bytes_align(items[k].bytes, 256);
		for (int k = 0; k < ITEMS; k++)
			if (items[k].lower == 0 && items[k].upper == TIMES && items[k].bytes > 0) {
				good &= r.offsets[k] + items[k].bytes <= bottom;
				settled = true;
			}
		arena_free(&a);
	}
	ok(good && settled, "items always alive go to the bottom, and the packing stays sound");
}

int
main(void)
{
	test_names();
	test_one_home(false);
	test_one_home(true);
	test_random();
	test_many_homes();
	test_settle();
	return tap_done();
}
