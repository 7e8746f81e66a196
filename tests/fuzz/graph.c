/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - fuzz target for graphs: read, written, measured, and planned when small */
#include <config.h>
#include <string.h>

#include "planner/policy/policy.h"
#include "planner/schedule/lifetimes.h"
#include "src/base/json.h"
#include "src/documents/reorder.h"
#include "tests/fuzz/fuzz.h"

enum { OPS_MOST = 60, OPERANDS_MOST = 400, SEARCH_MOST = 12 };

/* Expects the same bytes and digest of a graph and of its text read again. */
static void
write_and_read(struct fuzz *f, const struct graph *g)
{
	char digest[33], digest_again[33], *text;
	struct graph again;
	size_t size, again_size;

	EXPECT(f, graph_write(g, "-", &f->err) == 0);
	text = fuzz_written(f, &size);
	fuzz_put(text, size);
	EXPECT(f, graph_read(&again, fuzz_output, &f->arena, &f->err) == 0);
	fuzz_put("", 0);
	EXPECT(f, graph_write(&again, "-", &f->err) == 0);
	EXPECT(f, memcmp(text, fuzz_written(f, &again_size), size) == 0 && size == again_size);
	graph_digest(g, digest, &f->arena);
	graph_digest(&again, digest_again, &f->arena);
	EXPECT(f, strcmp(digest, digest_again) == 0);
}

static void
look(struct fuzz *f, const struct graph *g)
{
	struct lifetimes l;
	uint32_t count;

	lifetimes_init(&l, g, &f->arena);
	EXPECT(f, l.bound_bytes <= l.resident_bound_bytes && l.bound_bytes <= l.peak_bytes);
	EXPECT(f, l.peak_op < g->op_count && l.bound_op < g->op_count && l.resident_bound_op < g->op_count);
	lifetimes_at(&l, l.peak_op, &count, &f->arena);
	EXPECT(f, count <= g->tensor_count);
}

/* Plans with keep, with layrub, and with one other policy that the input chooses; hybrid's search is for the smallest graphs. */
static void
plan(struct fuzz *f, const struct graph *g)
{
	const struct policy *other = policies;
	uint32_t count = 0, operands = 0, share = fuzz_choice(f, 6);
	struct device d;

	for (uint32_t i = 0; i < g->op_count; i++)
		operands += g->ops[i].input_count + g->ops[i].output_count;
	/* Times that an estimate has to fill are filled before anything is planned. */
	if (g->op_count > OPS_MOST || operands > OPERANDS_MOST || graph_untimed_count(g) > 0)
		return;
	fuzz_device(&d);
	fuzz_plan(f, g, &d, "keep", 5);
	fuzz_plan(f, g, &d, "layrub", share);
	while (policies[count].name != NULL && policies[count].quick)
		count++;
	other += fuzz_choice(f, count);
	if (g->op_count <= SEARCH_MOST || strcmp(other->name, "hybrid") != 0)
		fuzz_plan(f, g, &d, other->name, share);
}

int
fuzz_case(struct fuzz *f)
{
	struct graph g;

	if (graph_read(&g, f->path, &f->arena, &f->err) < 0)
		return -1;
	write_and_read(f, &g);
	look(f, &g);
	for (const struct reorder *r = reorders; r->name != NULL && g.op_count <= OPS_MOST; r++) {
		r->run(&g, &f->arena);
		EXPECT(f, graph_check(&g, &f->err) == 0);
	}
	plan(f, &g);
	return 0;
}
