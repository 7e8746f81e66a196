/* SPDX-License-Identifier: Apache-2.0 */
/* graph_bounds.h - the bounds on bytes of a graph in its op order
 *
 * They count exact sizes, and so hold for every alignment; a plan's peak counts sizes that are rounded up to DEVICE_ALIGN.
 */
#ifndef SRC_DOCUMENTS_GRAPH_BOUNDS_H
#define SRC_DOCUMENTS_GRAPH_BOUNDS_H
#include "src/documents/graph.h"

struct graph_bounds {
	bytes_t bytes;			/* the most of graph_own_bytes(): no plan needs less ... */
	bytes_t resident_bytes;		/* ... or than this, if persistent tensors, and results after their first write, never leave the device */
	uint32_t op, resident_op;	/* the first that reach them */
};

/* Fills b. */
void graph_bounds(struct graph_bounds *b, const struct graph *g, struct arena *a);

/* Returns [op_count] what each op needs by itself: its tensors and the smallest workspace of its alternatives, less the most bytes that its
 * inplace permissions can save.  Each output saves the largest input that it may take. */
bytes_t *graph_own_bytes(const struct graph *g, struct arena *a);
#endif
