/* SPDX-License-Identifier: Apache-2.0 */
/* results.h - results in the graphs of tests: transient tensors that become results where that is allowed */
#ifndef TESTS_RESULTS_H
#define TESTS_RESULTS_H
#include "src/documents/graph.h"
#include "tests/random.h"

/* True: an op writes transient tensor t before any op reads it. */
static inline bool
may_be_result(const struct graph *g, uint32_t t)
{
	for (uint32_t k = 0; k < g->op_count; k++)
		if (op_reads(&g->ops[k], t) || op_writes(&g->ops[k], t))
			return !kind_is_persistent(g->tensors[t].kind) && !op_reads(&g->ops[k], t);
	return false;
}

/* Makes a result of one in n of the tensors that may be one.  Returns how many. */
static inline uint32_t
make_results(struct graph *g, uint32_t n, uint64_t *seed)
{
	uint32_t count = 0;

	for (uint32_t t = 0; t < g->tensor_count; t++)
		if (random_splitmix(seed) % n == 0 && may_be_result(g, t)) {
			g->tensors[t].kind = KIND_RESULT;
			count++;
		}
	return count;
}
#endif
