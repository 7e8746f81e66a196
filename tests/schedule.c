/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a schedule, by hand: bytes alive at each step, the arena and the edges that follow from each; and the key of the placement
 * cache, which tells apart schedules that differ in one field, since they are placed differently.
 *
 * Op 0 makes tensor 0 (1,024 bytes), op 1 tensor 1 (2,048), op 2 tensor 2 (3,072) with a workspace of 512 or, by its other algorithm,
 * none; op 3 reads tensor 0 and makes tensor 3 (1,024), which may take tensor 0's bytes.  Tensor 0 leaves after op 0 and returns before
 * op 3. */
#include <config.h>
#include "planner/schedule/program.h"

#include <string.h>

#include "planner/hybrid/placement_cache.h"
#include "tests/tap.h"

enum { STEPS = 4 };

struct net {
	struct tensor tensors[STEPS];
	struct op ops[STEPS];
	struct graph graph;
	struct device device;
	struct step steps[STEPS];
	struct move move;
	bool at_home[STEPS];
	struct schedule schedule;
	struct plan plan;
	struct arena arena;
	struct err err;
};

static void
net_init(struct net *n)
{
	static const bytes_t bytes[STEPS] = { 1000, 2000, 3000, 1000 };
	static const uint32_t ids[STEPS] = { 0, 1, 2, 3 };
	static const struct alternative none[] = { { 0, 2 } };
	static const struct inplace takes[] = { { 0, 3 } };

	arena_free(&n->arena);
	*n = (struct net) { .device = { .name = "toy", .memory_bytes = 1 << 20, .pinned_bytes = 1 << 20 }, .arena = ARENA_INIT, .err = ERR_INIT };
	for (uint32_t k = 0; k < STEPS; k++) {
		n->tensors[k] = (struct tensor) { bytes[k], KIND_ACTIVATION };
		n->ops[k] = (struct op) { .name = "op", .time_us = 1, .outputs = &ids[k], .output_count = 1 };
		n->steps[k] = (struct step) { .op = k, .alternative = PLAN_NONE };
	}
	n->ops[2].workspace_bytes = 512;
	n->ops[2].alternatives = none;
	n->ops[2].alternative_count = 1;
	n->ops[3].inputs = ids;
	n->ops[3].input_count = 1;
	n->ops[3].inplace = takes;
	n->ops[3].inplace_count = 1;
	n->graph = (struct graph) { .name = "net", .tensor_count = STEPS, .op_count = STEPS, .tensors = n->tensors, .ops = n->ops };
	n->move = (struct move) { .tensor = 0, .from = 0, .gone = 1, .free = 1, .back = 3 };
	n->schedule = (struct schedule) { .step_count = STEPS, .move_count = 1, .steps = n->steps, .moves = &n->move };
	n->plan = (struct plan) { .graph = &n->graph, .device = &n->device, .budget_bytes = 1 << 20 };
}

/* ---- memory ---- */

static void no_change(struct net *n) { (void)n; }
static void back_earlier(struct net *n) { n->move.back = 2; }
static void free_later(struct net *n) { n->move.free = 3; }
static void gone_later(struct net *n) { n->move.from = 1; n->move.gone = n->move.free = 2; }
static void other_algorithm(struct net *n) { n->steps[2].alternative = 0; }
static void in_place(struct net *n) { n->schedule.in_place = true; }
static void stays(struct net *n) { n->schedule.move_count = 0; }
static void holds(struct net *n) { n->schedule.move_count = 0; n->schedule.hold = true; }

/* The arena is the largest sum: no order leaves a hole here. */
static const struct {
	const char *what;
	void (*change)(struct net *n);
	bytes_t live[STEPS], arena;
} changes[] = {
	{ "tensor 0 is away during ops 1 and 2", no_change, { 1024, 2048, 3072 + 512, 1024 + 1024 }, 3584 },
	{ "it returns before op 2", back_earlier, { 1024, 2048, 1024 + 3072 + 512, 2048 }, 4608 },
	{ "its memory is free only before op 3", free_later, { 1024, 1024 + 2048, 1024 + 3072 + 512, 2048 }, 4608 },
	{ "it is gone only before op 2", gone_later, { 1024, 1024 + 2048, 3072 + 512, 2048 }, 3584 },
	{ "op 2 without workspace", other_algorithm, { 1024, 2048, 3072, 2048 }, 3072 },
	{ "op 3 in place", in_place, { 1024, 2048, 3072 + 512, 1024 }, 3584 },
	{ "tensor 0 stays", stays, { 1024, 1024 + 2048, 1024 + 3072 + 512, 2048 }, 4608 },
	{ "every tensor has its own memory", holds, { 7168, 7168, 7168 + 512, 7168 }, 7680 },
};

static void
test_changes(struct net *n)
{
	bytes_t live[STEPS + 1];

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		net_init(n);
		changes[i].change(n);
		if (!ok(program_profile(live, &n->graph, &n->schedule, &n->arena, &n->err) == 0, "%s: profile %s", changes[i].what, n->err.text))
			continue;
		for (uint32_t k = 0; k < STEPS; k++)
			is_uint(live[k], changes[i].live[k], "%s: bytes alive at op %u", changes[i].what, k);
		if (ok(program_build(&n->plan, &n->schedule, NULL, placement_find("auto"), 0, &n->arena, &n->err) == 0, "%s: placed %s", changes[i].what, n->err.text))
			is_uint(n->plan.arena_bytes, changes[i].arena, "%s: the arena", changes[i].what);
	}
}

/* ---- edges ---- */

static void
is_after(const struct net *n, uint32_t id, enum queue q, uint32_t after, const char *what)
{
	const struct instruction *in = &n->plan.program[id];

	ok(in->queue == q && (after == PLAN_NONE ? in->after_count == 0 : in->after_count == 1 && in->after[0] == after), "%s", what);
}

static bool
build(struct net *n, const char *what)
{
	return ok(program_build(&n->plan, &n->schedule, NULL, placement_find("first-fit"), 0, &n->arena, &n->err) == 0 && n->plan.instruction_count == 6,
	    "%s: six instructions %s", what, n->err.text);
}

/* Instructions: op 0, the copy out, ops 1 and 2, the copy in, op 3; each tensor begins at 0. */
static void
test_edges(struct net *n)
{
	const struct instruction *in;

	net_init(n);
	if (build(n, "edges")) {
		is_after(n, 1, QUEUE_OUT, 0, "edges: the copy out waits for op 0");
		is_after(n, 2, QUEUE_COMPUTE, 1, "edges: op 1 takes the bytes when they are copied");
		is_after(n, 4, QUEUE_IN, 3, "edges: the copy in waits for op 2");
		is_after(n, 5, QUEUE_COMPUTE, 4, "edges: op 3 waits for the copy in");
		ok(n->plan.program[1].bytes == 1000 && n->plan.program[4].bytes == 1000, "edges: the tensor's bytes are moved");
	}
	net_init(n);
	if (ok(program_build(&n->plan, &n->schedule, NULL, NULL, 0, &n->arena, &n->err) == 0, "apart: built %s", n->err.text)) {
		is_after(n, 2, QUEUE_COMPUTE, PLAN_NONE, "apart: op 1 waits for nothing where no two buffers share a byte");
		in = &n->plan.program[4];
		ok(in->queue == QUEUE_IN && in->after_count == 2 && in->after[0] + in->after[1] == 1 + 3,
		    "apart: the copy in waits for the copy out, and for op 2 all the same");
	}
	net_init(n);
	gone_later(n);
	if (build(n, "begins later")) {
		is_after(n, 2, QUEUE_OUT, 1, "begins later: the copy out waits for op 1");
		is_after(n, 3, QUEUE_COMPUTE, 2, "begins later: op 2 waits for it");
	}
	net_init(n);
	free_later(n);
	if (build(n, "free later")) {
		is_after(n, 2, QUEUE_COMPUTE, PLAN_NONE, "free later: op 1 has other bytes and waits for nothing");
		is_after(n, 3, QUEUE_COMPUTE, PLAN_NONE, "free later: nor does op 2");
	}
	net_init(n);
	free_later(n);
	n->steps[2].barrier = true;
	if (build(n, "barrier"))
		is_after(n, 3, QUEUE_COMPUTE, 1, "barrier: op 2 waits for the copy out all the same");
}

/* ---- the placement cache ---- */

static void change_op(struct net *n) { n->steps[1].op = 0; }
static void change_barrier(struct net *n) { n->steps[2].barrier = true; }
static void change_tensor(struct net *n) { n->move.tensor = 1; }
static void change_from(struct net *n) { n->move.from = 1; }
static void change_gone(struct net *n) { n->move.gone = 2; }
static void change_free(struct net *n) { n->move.free = 2; }
static void change_copied(struct net *n) { n->move.copied = true; }
static void change_hold(struct net *n) { n->schedule.hold = true; }
static void change_home(struct net *n) { n->at_home[1] = true; }

static const struct { const char *field; void (*change)(struct net *n); } fields[] = {
	{ "nothing", no_change }, { "a step's op", change_op }, { "its alternative", other_algorithm }, { "its barrier", change_barrier },
	{ "a move's tensor", change_tensor }, { "its from", change_from }, { "its gone", change_gone }, { "its free", change_free },
	{ "its back", back_earlier }, { "its copied", change_copied }, { "hold", change_hold }, { "in place", in_place },
	{ "a tensor's home", change_home }, { "no move", stays },
};
enum { FIELDS = sizeof(fields) / sizeof(*fields) };

/* Schedules that differ in one field have different keys, an equal one has the same. */
static void
test_keys(struct net *n)
{
	XXH128_hash_t keys[FIELDS + 1];

	for (uint32_t i = 0; i <= FIELDS; i++) {
		net_init(n);
		n->schedule.on_host = n->at_home;
		if (i < FIELDS)
			fields[i].change(n);
		keys[i] = placement_cache_key(&n->schedule, STEPS, i == FIELDS, &n->arena);
		for (uint32_t k = 0; k < i; k++)
			if (XXH128_isEqual(keys[i], keys[k]))
				ok(false, "cache: another %s is not seen in the key", i < FIELDS ? fields[i].field : "way to place");
	}
	net_init(n);
	n->schedule.on_host = n->at_home;
	ok(XXH128_isEqual(keys[0], placement_cache_key(&n->schedule, STEPS, 0, &n->arena)), "cache: one schedule has one key");
}

static void
test_cache(struct net *n)
{
	static struct placement_cache list;
	struct cached_placement result = { .missing = 7, .us = 3 }, found = { .us = 0 };

	net_init(n);
	result.key = placement_cache_key(&n->schedule, STEPS, 0, &n->arena);
	ok(!placement_cache_find(&list, result.key, &found), "cache: empty at first");
	placement_cache_add(&list, &result);
	ok(placement_cache_find(&list, result.key, &found) && found.missing == 7 && found.us == 3, "cache: a result is found again");
	back_earlier(n);
	ok(!placement_cache_find(&list, placement_cache_key(&n->schedule, STEPS, 0, &n->arena), &found), "cache: a schedule with another 'back' is not");
}

int
main(void)
{
	static struct net n = { .arena = ARENA_INIT };

	test_changes(&n);
	test_edges(&n);
	test_keys(&n);
	test_cache(&n);
	arena_free(&n.arena);
	return tap_done();
}
