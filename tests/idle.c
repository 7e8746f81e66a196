/* SPDX-License-Identifier: Apache-2.0 */
/* Idle intervals and rerun closures of one small step, worked out by hand. */
#include <config.h>
#include "planner/schedule/idle.h"

#include <string.h>

#include "planner/schedule/decisions.h"
#include "planner/schedule/rerun.h"
#include "tests/tap.h"

/* W and V are parameters; NOTHING has no bytes, and UNUSED no uses. */
enum { W, V, A, B, C, G, NOTHING, UNUSED, TENSORS, OPS = 8 };

#define IDS(...) (const uint32_t[]) { __VA_ARGS__ }
#define OP(can, in, out) { .name = "op", .recomputable = can, .inputs = in, .input_count = sizeof(in) / 4, \
	.outputs = out, .output_count = sizeof(out) / 4, .time_us = 1 }

static struct tensor tensors[TENSORS] = {
	[W] = { 100, KIND_PARAMETER }, [V] = { 100, KIND_PARAMETER }, [A] = { 100, KIND_ACTIVATION }, [B] = { 100, KIND_ACTIVATION },
	[C] = { 100, KIND_ACTIVATION }, [G] = { 100, KIND_GRADIENT }, [NOTHING] = { 0, KIND_ACTIVATION }, [UNUSED] = { 100, KIND_ACTIVATION }
};
static struct op ops[OPS] = {
	OP(true, IDS(W), IDS(A)),
	OP(true, IDS(A), IDS(B, NOTHING)),
	OP(true, IDS(B, V), IDS(C)),
	OP(false, IDS(C), IDS(G)),
	OP(true, IDS(G, B), IDS(G)),
	OP(true, IDS(G, W), IDS(A)),	/* overwrites A unread */
	OP(true, IDS(W, A), IDS(W)),
	OP(true, IDS(G, NOTHING), IDS(C)),
};
static const struct graph step = { .name = "step", .tensor_count = TENSORS, .op_count = OPS, .tensors = tensors, .ops = ops };

static void
test_intervals(void)
{
	/* By tensor and time. */
	static const struct { uint32_t tensor, from, to; bool read, before; } want[] = {
		{ W, 1, 5, true, false }, { W, 7, 8, false, false }, { V, 0, 2, true, true }, { V, 3, 8, false, false },
		{ A, 2, 5, false, false }, { B, 3, 4, true, false }, { C, 4, 7, false, false }, { G, 6, 7, true, false }
	};
	const uint32_t wanted = sizeof(want) / sizeof(*want);
	struct arena a = ARENA_INIT;
	struct lifetimes l;
	uint32_t count;
	const struct idle_interval *x;

	lifetimes_init(&l, &step, &a);
	x = idle_intervals(&l, &count, &a);
	is_uint(count, wanted, "intervals: as many as there are");
	for (uint32_t i = 0; i < count && i < wanted; i++) {
		ok(x[i].tensor == want[i].tensor && x[i].from == want[i].from && x[i].to == want[i].to && x[i].read == want[i].read,
		    "interval %u: tensor %u, ops %u .. %u, %s (got tensor %u, ops %u .. %u)", i, want[i].tensor, want[i].from, want[i].to - 1,
		    want[i].read ? "read" : "not read", x[i].tensor, x[i].from, x[i].to - 1);
		ok(want[i].before ? x[i].slot == decisions_before(&l, x[i].tensor) :
		    x[i].slot >= l.use_start[x[i].tensor] && x[i].slot < l.use_start[x[i].tensor + 1] && l.use_op[x[i].slot] + 1 == x[i].from,
		    "interval %u: its slot is %s", i, want[i].before ? "the time before the first use" : "the use before it");
	}
	arena_free(&a);
}

/* The present tensors, one a bit, and the answer of visit at the op that makes B. */
struct asking { unsigned present; enum rerun_step at_b; };

static bool
is_present(void *arg, uint32_t t, uint32_t v)
{
	const struct asking *x = arg;

	(void)v;
	return t <= V || (x->present >> t & 1) != 0;
}

static enum rerun_step
visit(void *arg, uint32_t op)
{
	const struct asking *x = arg;

	return op == 1 ? x->at_b : RERUN_ENTER;
}

static void
test_closure(void)
{
	static const struct {
		const char *what;
		uint32_t tensor, k;	/* wanted at op k */
		unsigned present;
		enum rerun_step at_b;
		uint32_t limit;
		enum rerun_answer answer;
		uint32_t refused, count, ops[OPS];
	} rows[] = {
		{ "all the way back", B, 4, 0, RERUN_ENTER, OPS, RERUN_POSSIBLE, 0, 2, { 1, 0 } },
		{ "to a tensor that is present", B, 4, 1 << A, RERUN_ENTER, OPS, RERUN_POSSIBLE, 0, 1, { 1 } },
		{ "past an overwritten version, whatever is present", B, 6, 1 << A, RERUN_ENTER, OPS, RERUN_POSSIBLE, 0, 2, { 1, 0 } },
		{ "over two inputs", C, 6, 0, RERUN_ENTER, OPS, RERUN_POSSIBLE, 0, 3, { 2, 1, 0 } },
		{ "no further than the limit", C, 6, 0, RERUN_ENTER, 2, RERUN_TOO_LONG, 0, 2, { 2, 1 } },
		{ "as far as visit lets it", B, 4, 0, RERUN_STOP, OPS, RERUN_STOPPED, 0, 1, { 1 } },
		{ "past an op that visit does not enter", B, 4, 0, RERUN_PASS, OPS, RERUN_POSSIBLE, 0, 1, { 1 } },
		{ "to a parameter that has been updated", B, 7, 0, RERUN_ENTER, OPS, RERUN_OVERWRITTEN, 0, 2, { 1, 0 } },
		{ "to an op that is not recomputable", G, 6, 1 << B, RERUN_ENTER, OPS, RERUN_FORBIDDEN, 3, 2, { 4, 3 } },
	};
	struct arena a = ARENA_INIT;
	struct versions v;

	versions_init(&v, &step, &a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct asking x = { rows[i].present, rows[i].at_b };
		struct rerun r;

		rerun_init(&r, &step, &v, rows[i].limit, &a);
		for (int again = 0; again < 2; again++) {
			rerun_begin(&r);
			ok(rerun_want(&r, rows[i].tensor, versions_before(&v, rows[i].tensor, rows[i].k)), "closure %s: begun", rows[i].what);
			is_uint(rerun_close(&r, rows[i].k, is_present, visit, &x), rows[i].answer, "closure %s: the answer", rows[i].what);
			ok(r.count == rows[i].count && memcmp(r.ops, rows[i].ops, sizeof(*r.ops) * r.count) == 0, "closure %s: its ops", rows[i].what);
			ok(rows[i].answer < RERUN_FORBIDDEN || r.refused == rows[i].refused, "closure %s: the op that refuses", rows[i].what);
		}
	}
	arena_free(&a);
}

static void
is_writers(const struct versions *v, uint32_t t, uint32_t version, uint32_t room, enum rerun_origin origin, uint32_t count,
    const uint32_t *want, const char *what)
{
	uint32_t found[OPS], got;
	enum rerun_origin from;

	got = rerun_writers(found, room, &from, &step, v, t, version);
	is_uint(from, origin, "writers %s: where they begin", what);
	ok(got == count && memcmp(found, want, sizeof(*found) * count) == 0, "writers %s: their ops", what);
}

static void
test_writers(void)
{
	struct arena a = ARENA_INIT;
	struct versions v;

	versions_init(&v, &step, &a);
	is_writers(&v, A, 2, OPS, RERUN_FROM_NOTHING, 1, IDS(5), "of a tensor written unread");
	is_writers(&v, W, 1, OPS, RERUN_FROM_BEFORE, 1, IDS(6), "of a parameter");
	is_writers(&v, G, 2, OPS, RERUN_FROM_KEPT, 1, IDS(4), "in place, after an op that is not recomputable");
	is_writers(&v, G, 2, 1, RERUN_FROM_FAR, 1, IDS(4), "in place, with too little room");
	ops[3].recomputable = true;
	is_writers(&v, G, 2, OPS, RERUN_FROM_NOTHING, 2, IDS(4, 3), "in place");
	arena_free(&a);
}

int
main(void)
{
	test_intervals();
	test_closure();
	test_writers();
	return tap_done();
}
