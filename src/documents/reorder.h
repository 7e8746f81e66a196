/* SPDX-License-Identifier: Apache-2.0 */
/* reorder.h - the table of passes that change a graph's op order before planning (--reorder)
 *
 * A pass keeps the order of two ops if one of them writes a tensor that the other reads or writes.  So the step's result
 * is the same.  Every plan and every bound is for the new order.
 */
#ifndef SRC_DOCUMENTS_REORDER_H
#define SRC_DOCUMENTS_REORDER_H
#include "src/documents/graph.h"

/* Replaces g's ops by a permuted copy, which shares names and id lists. */
typedef void reorder_fn(struct graph *g, struct arena *a);

#define REORDERS(ROW) \
	ROW("none",    reorder_none,    "the graph's own order") \
	ROW("updates", reorder_updates, "an update that reads a gradient runs as soon as the gradient is there")

struct reorder {
	const char *name, *summary;
	reorder_fn *run;
};
extern const struct reorder reorders[];	/* ends with a NULL name */

#define ROW(name, fn, summary) reorder_fn fn;
REORDERS(ROW)
#undef ROW

const struct reorder *reorder_find(const char *name);	/* NULL: none of that name */
#endif
