/* SPDX-License-Identifier: Apache-2.0 */
/* reorder.h - passes that change a graph's op order before anything is planned
 *
 * A pass is a row of the table (--reorder).  It keeps every dependency: who reads what another op
 * wrote, who writes what another one read or wrote.  So the step's result is the same, and every plan and
 * bound is for the new order.
 */
#ifndef SRC_DOCUMENTS_REORDER_H
#define SRC_DOCUMENTS_REORDER_H
#include "src/documents/graph.h"

/* Permute g's ops; they are copied first, names and id lists are shared. */
typedef void reorder_fn(struct graph *g, struct arena *a);

#define REORDERS(ROW) \
	ROW("none",    reorder_none,    "the graph's own order") \
	ROW("updates", reorder_updates, "parameters are updated as soon as their gradient is there")

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
